"""What the custody map says that a device holds is on that device: never more, over random lives.

It may say less, for it cannot know what a phone took in and has not come back with. Phones of all
families write, delete, sync and lie in drawers; some answers are lost on the way, some bytes cannot
be had for a while, and passwords are revoked.
"""

from __future__ import annotations

from random import Random

import pytest

from fakes.site import Site
from phone.database import card_bytes
from phone.families import FAMILIES
from phone.family import Phone
from phone.inside import Inside
from phone.wire import Answer, CutError
from strongroom.history.edits import Origin
from strongroom.history.entries import OBJECT, digest_of
from strongroom.service.accounts import add_device, revoke_device
from strongroom.service.custody import Custody, custody

STEPS = 40
NAMES = tuple(f"uid{number}" for number in range(6))


class Flaky:
    """A connection whose answers are lost now and then, after the server has done its part."""

    def __init__(self, inside: Inside, chance: Random) -> None:
        self._inside = inside
        self._chance = chance

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        answer = self._inside.ask(method, path, body, **headers)
        if self._chance.random() < 0.05:
            raise CutError(f"{method} {path}", sent=True)
        return answer


class Life:
    """An account with four phones, and what chance makes of them."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.site = Site()
        self.phones: dict[str, Phone] = {}
        self.written = 0
        for number in range(4):
            name, family = f"phone {number}", self.chance.choice(FAMILIES)
            job = add_device(self.site.cell, "alice", name, self.site.entropy, Origin())
            inside = Inside(self.site.app, "alice", self.site.run(job), family.AGENT)
            self.phones[name] = family(Flaky(inside, self.chance))

    def step(self) -> None:
        self.site.cell.now_ms += self.chance.choice((1, 1000, 3_600_000))
        self.site.positions.at = self.site.cell.now_ms
        name = self.chance.choice(sorted(self.phones))
        phone = self.phones[name]
        if not phone.books:
            phone.refresh()
        elif (die := self.chance.random()) < 0.03:
            self.site.run(revoke_device(self.site.cell, "alice", name, Origin()))
            del self.phones[name]
        elif die < 0.08:
            self.site.cell.lost = {e for e in self.site.cell.blobs if self.chance.random() < 0.3}
        elif die < 0.15:
            self.site.cell.lost = set()
        else:
            self.use(phone)

    def use(self, phone: Phone) -> None:
        """Let its owner change something, perhaps; it is sent at once, if the network lets it."""
        uid = self.chance.choice(NAMES)
        act = self.chance.choice(("look", "save", "save", "delete", "begin anew"))
        if act == "save":
            self.written += 1
            phone.save(card_bytes(uid, f"Version {self.written}"))
        elif act == "delete" and uid in phone.contacts:
            phone.delete(uid)
        if act == "begin anew":
            phone.resync()
        else:
            phone.sync()

    def map(self) -> Custody:
        async def look() -> Custody:
            account = self.site.cell.directory.account("alice")
            assert account is not None
            return await custody(
                self.site.cell, account, await self.site.positions.of(account.id) or {}
            )

        return self.site.run(look())

    def check(self, phones: dict[str, Phone]) -> int:
        """Compare the map with the phones; gives how many versions it said that one alone holds."""
        _, standing = self.site.run(self.site.cell.listing(self.site.book.id, OBJECT))
        claimed = 0
        for device in self.map().devices:
            phone = phones.get(device.name)
            if phone is None or not phone.books:
                assert (device.alone, [book.holds for book in device.books]) == (0, [0])
                continue
            (book,) = phone.books.values()
            # What was sent is as good as kept, though the answer was lost; an edit that was not
            # sent at all took the place of what the map knows of.
            bytes_of = {card.href: digest_of(card.body) for card in book.cards}
            unsent = {
                card.href or f"{book.href}{card.uid}.vcf" for card in book.cards if card.unsent
            }
            has = sum(
                bytes_of.get(book.href + m.href) == m.etag or book.href + m.href in unsent
                for m in standing
            )
            assert device.books[0].holds <= has, device
            for version in device.only_here:
                href = book.href + version.href
                assert href in unsent or bytes_of.get(href) == version.etag, (device, version)
            claimed += device.alone
        return claimed


@pytest.mark.parametrize("seed", range(30))
def test_the_map_claims_nothing_that_a_phone_does_not_hold(seed: int) -> None:
    life = Life(seed)
    phones = dict(life.phones)
    for _ in range(STEPS):
        if life.phones:
            life.step()
        life.check(phones)


def test_and_it_claims_something() -> None:
    claims = 0
    for seed in range(8):
        life = Life(seed)
        phones = dict(life.phones)
        for _ in range(STEPS):
            life.step()
        claims += life.check(phones)
    assert claims > 8

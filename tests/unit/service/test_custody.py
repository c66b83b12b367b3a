"""The custody map: which device holds what, as far as it can be known (issue 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from fakes.cell import FakeCell
from fakes.positions import FakePositions
from fakes.site import card
from fakes.world import FakeEntropy
from strongroom.base.errors import UnsureError
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Move, Origin, SetProps, SkipNumbers
from strongroom.history.entries import OBJECT, Key, Member, digest_of, genesis_chain
from strongroom.ports.positions import CameBack
from strongroom.service import custody as module
from strongroom.service.accounts import add_account, add_device, revoke_device
from strongroom.service.collections import calendar_data, make_collection, remove_collection
from strongroom.service.custody import Custody, DeviceCustody, Holding, custody
from strongroom.service.objects import delete_object, put_object, tell_again
from strongroom.service.rights import FULL, Rights, choose
from strongroom.service.thaw import thaw

T = TypeVar("T")
HOUR_MS = 3_600_000
ALWAYS = Precondition()


class Scene:
    """An account with a book, and devices that write and come back."""

    def __init__(self, *devices: str) -> None:
        self.cell = FakeCell()
        self.positions = FakePositions()
        self.run(add_account(self.cell, "alice", FakeEntropy(), Origin()))
        for device in devices:
            self.add(device)

    def run(self, job: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(job)

    def add(self, device: str, rights: Rights = FULL) -> None:
        entropy = FakeEntropy(self.cell.batch)
        self.run(add_device(self.cell, "alice", device, entropy, Origin(), rights))

    @property
    def account(self) -> Member:
        account = self.cell.directory.account("alice")
        assert account is not None
        return account

    def book(self, name: str = "contacts") -> Member:
        book = self.cell.directory.collection(self.account.id, name)
        assert book is not None
        return book

    def id(self, device: str) -> int:
        (found,) = (
            m for m in self.cell.directory.members(self.account.id, "device") if m.href == device
        )
        return found.id

    def by(self, device: str) -> Origin:
        return Origin(self.id(device)) if device else Origin()

    def put(self, device: str, name: str, text: str = "", book: str = "contacts") -> None:
        body = card(name, text or name)
        self.run(
            put_object(self.cell, self.book(book), f"{name}.vcf", body, ALWAYS, self.by(device))
        )

    def delete(self, device: str, name: str) -> None:
        job = delete_object(self.cell, self.book(), f"{name}.vcf", ALWAYS, self.by(device))
        self.run(job)

    def later(self) -> None:
        self.cell.now_ms += HOUR_MS

    def visit(self, device: str, place: int | None = None, book: str = "contacts") -> None:
        """Let a device come back with the token of a number; None = of all that stands."""
        id_, collection = self.id(device), self.book(book).id
        self.positions.at = self.cell.now_ms
        self.positions.seen(self.account.id, id_, b"DAVx5")
        number = self.cell.head(collection).number if place is None else place
        chains = {0: genesis_chain(collection)}
        chains |= {e.number: chain for e, chain in self.cell.journal[collection]}
        back = CameBack(number, chains[number][:8])
        self.positions.came_back(self.account.id, id_, collection, back)

    def seen(self, device: str) -> None:
        self.positions.at = self.cell.now_ms
        self.positions.seen(self.account.id, self.id(device), b"vdirsyncer")

    def map(self) -> Custody:
        async def look() -> Custody:
            sightings = await self.positions.of(self.account.id)
            return await custody(self.cell, self.account, sightings or {})

        return self.run(look())

    def of(self, device: str) -> DeviceCustody:
        return next(one for one in self.map().devices if one.name == device)

    def holding(self, device: str) -> Holding:
        (found,) = self.of(device).books
        return found


@pytest.fixture
def scene() -> Scene:
    made = Scene("phone", "ipad")
    for name in ("ann", "bob", "cid"):
        made.put("phone", name)
    made.later()
    return made


def test_a_device_that_saves_what_stands_holds_it_and_so_do_the_others(scene: Scene) -> None:
    scene.put("ipad", "ann")
    scene.seen("phone")

    assert scene.holding("ipad").holds == 1
    assert scene.holding("phone").holds == 3
    scene.put("ipad", "ann", "Anna")
    assert scene.holding("phone").holds == 2  # it may have taken that in, or not


def test_a_device_that_came_back_with_the_head_holds_all(scene: Scene) -> None:
    scene.visit("ipad")

    assert scene.holding("ipad") == Holding("contacts", True, 3, False, 0, 3, 3)
    found = scene.of("ipad")
    assert (found.client, found.seen, found.revoked) == ("DAVx5", scene.cell.now_ms, 0)
    assert (found.alone, found.alone_past, found.only_here) == (0, 0, ())


def test_an_answer_proves_nothing_only_what_came_back_does(scene: Scene) -> None:
    scene.visit("ipad", 0)  # it asked for everything: that it took it in nobody knows yet
    assert scene.holding("ipad") == Holding("contacts", True, 0, False, 3, 0, 3)

    scene.visit("ipad", 2)

    assert scene.holding("ipad") == Holding("contacts", True, 2, False, 1, 2, 3)


def test_a_device_holds_what_it_wrote_itself(scene: Scene) -> None:
    scene.seen("phone")

    assert scene.holding("phone") == Holding("contacts", True, None, False, 0, 3, 3)
    assert scene.of("phone").alone == 3
    assert scene.holding("ipad") == Holding("contacts", True, None, False, 0, 0, 3)
    scene.visit("ipad")
    assert scene.of("phone").alone == 0


def test_an_old_phone_holds_versions_that_nobody_else_has(scene: Scene) -> None:
    scene.visit("ipad")  # and is laid into a drawer
    scene.later()
    scene.put("phone", "ann", "Ann again")
    scene.delete("phone", "bob")
    scene.visit("phone")

    found = scene.of("ipad")

    assert found.books == (Holding("contacts", True, 3, False, 2, 1, 2),)
    assert (found.alone, found.alone_past) == (2, 2)
    assert [(v.book, v.href) for v in found.only_here] == [
        ("contacts", "ann.vcf"), ("contacts", "bob.vcf"),
    ]  # fmt: skip
    assert found.only_here[0].etag == digest_of(card("ann", "ann"))
    assert scene.of("phone").alone == 1  # Ann again


def test_what_a_visit_may_have_brought_counts_as_held_in_neither_version(scene: Scene) -> None:
    scene.visit("ipad")
    scene.later()
    scene.put("phone", "ann", "Ann again")
    scene.visit("ipad", 3)  # told of it, and not back since

    assert scene.holding("ipad") == Holding("contacts", True, 3, False, 1, 2, 3)
    assert scene.of("ipad").alone == 0

    scene.later()
    scene.put("phone", "bob", "Bob again")  # of which it cannot have heard
    found = scene.of("ipad")
    assert [v.href for v in found.only_here] == ["bob.vcf"]


def test_a_change_right_after_a_visit_counts_as_told(scene: Scene) -> None:
    """A visit is written down late, and lasts."""
    scene.visit("ipad")
    scene.cell.now_ms += 59_000
    scene.put("phone", "ann", "Ann again")
    assert scene.of("ipad").alone == 0

    scene.cell.now_ms += 2_000
    scene.put("phone", "bob", "Bob again")
    assert scene.of("ipad").alone == 1


def test_a_device_whose_visits_are_not_known_holds_only_what_nobody_changed_since(
    scene: Scene,
) -> None:
    scene.put("ipad", "ann", "Ann again")
    assert scene.holding("phone").holds == 2
    assert scene.of("phone").alone == 2  # not the older version of ann
    assert scene.holding("ipad").holds == 1
    scene.add("new")
    assert (scene.of("new").seen, scene.of("new").client) == (0, "")


def test_of_a_device_whose_visits_are_not_known_the_journal_tells_what_it_wrote_last(
    scene: Scene,
) -> None:
    at = scene.cell.now_ms
    origin = replace(scene.by("ipad"), client="iOS/18.6")
    scene.run(put_object(scene.cell, scene.book(), "dan.vcf", card("dan"), ALWAYS, origin))
    scene.put("ipad", "eve")  # by a program that names itself nothing
    rows = scene.run(scene.cell.listing(scene.book().id, OBJECT))[1]
    scene.run(tell_again(scene.cell, scene.book(), rows, "r1"))  # by somebody else's need

    found = scene.of("ipad")

    assert (found.seen, found.client) == (at + 1, "iOS/18.6")
    scene.later()
    scene.seen("ipad")
    assert (scene.of("ipad").seen, scene.of("ipad").client) == (scene.cell.now_ms, "vdirsyncer")


def test_a_card_that_is_told_again_is_not_held_until_a_device_came_back_past_that(
    scene: Scene,
) -> None:
    scene.visit("ipad")
    cards = [scene.run(scene.cell.row(Key(scene.book().id, OBJECT, "ann.vcf")))]
    scene.run(tell_again(scene.cell, scene.book(), [c for c in cards if c], "r1"))

    assert scene.holding("ipad").holds == 2
    assert scene.holding("phone").holds == 3  # who wrote it still has it
    scene.visit("ipad")
    assert scene.holding("ipad").holds == 3


def test_properties_that_a_device_set_say_nothing_of_the_bytes(scene: Scene) -> None:
    key = Key(scene.book().id, OBJECT, "ann.vcf")
    scene.run(scene.cell.submit(SetProps(key, (("{x}y", "z"),), scene.by("ipad")), {}))

    assert scene.holding("ipad").holds == 0


def test_its_own_deletion_takes_a_version_away(scene: Scene) -> None:
    scene.visit("ipad")
    scene.delete("ipad", "ann")

    assert scene.holding("ipad").holds == 2
    assert scene.of("ipad").alone == 0


def test_a_version_that_came_back_to_what_it_was_is_the_same_version(scene: Scene) -> None:
    scene.visit("ipad")
    scene.later()
    scene.put("phone", "ann", "Ann again")
    scene.put("phone", "ann", "ann")

    assert scene.holding("ipad").holds == 3
    assert scene.of("ipad").alone == 0


def test_a_revoked_device_counts_for_it_keeps_what_it_has(scene: Scene) -> None:
    scene.visit("ipad")
    scene.later()
    scene.put("phone", "ann", "Ann again")
    scene.run(revoke_device(scene.cell, "alice", "ipad", Origin()))
    scene.add("ipad")  # another of the same name

    first, second, third = scene.map().devices

    assert [one.name for one in (first, second, third)] == ["ipad", "phone", "ipad"]
    assert (first.revoked, third.revoked) == (0, scene.cell.now_ms - 2)
    assert (third.alone, first.alone) == (1, 0)
    assert third.books[0].holds == 2


def test_a_token_that_our_journal_does_not_explain_says_that_it_has_seen_more(
    scene: Scene,
) -> None:
    scene.put("phone", "late")
    scene.visit("ipad")
    scene.visit("phone", 2)
    scene.cell.forget(scene.book().id, 3)

    assert scene.holding("ipad") == Holding("contacts", True, 4, True, 3, 0, 3)
    assert scene.holding("phone").beyond is False


def test_numbers_that_are_left_out_are_no_changes_to_lag_behind(scene: Scene) -> None:
    scene.visit("ipad")
    scene.run(scene.cell.submit(SkipNumbers(scene.book().id, 1000), {}))

    assert scene.holding("ipad") == Holding("contacts", True, 3, False, 0, 3, 3)
    scene.visit("ipad")
    assert scene.holding("ipad").came_back == 1000


def test_a_card_that_moved_is_the_same_version_in_its_new_book(scene: Scene) -> None:
    scene.run(make_collection(scene.cell, scene.account.id, "other", {}, Origin()))
    scene.visit("ipad")
    scene.later()
    source, target = (Key(scene.book(b).id, OBJECT, "ann.vcf") for b in ("contacts", "other"))
    scene.run(scene.cell.submit(Move(source, target, "ann", origin=scene.by("phone")), {}))

    found = scene.of("ipad")
    phone = scene.of("phone")

    assert [one.holds for one in found.books] == [2, 0]
    assert [one.holds for one in phone.books] == [2, 1]
    assert found.alone == 0
    assert [one.of for one in found.books] == [2, 1]


def test_a_removed_book_lives_on_where_nobody_heard_of_that(scene: Scene) -> None:
    scene.visit("ipad")
    scene.later()
    scene.run(remove_collection(scene.cell, scene.book(), ALWAYS, scene.by("phone")))
    scene.seen("phone")

    found = scene.of("ipad")

    assert found.books == (Holding("contacts", False, 3, False, 0, 0, 0),)
    assert (found.alone, found.alone_past) == (3, 3)
    assert scene.of("phone").books == ()
    scene.seen("ipad")
    assert scene.of("ipad").books == ()
    assert scene.of("ipad").alone == 0


def test_what_the_operator_wrote_is_held_by_no_device(scene: Scene) -> None:
    scene.put("", "imported")
    assert scene.holding("phone") == Holding("contacts", True, None, False, 0, 3, 4)


def test_it_is_told_of_a_frozen_account_and_not_of_what_cannot_be_proven(scene: Scene) -> None:
    scene.visit("ipad")
    scene.run(scene.cell.freeze(scene.account.id, "account", "why", "token:1:2:3"))
    assert scene.holding("ipad").holds == 3

    scene.cell.unsure.add(scene.book().id)
    with pytest.raises(UnsureError):
        scene.map()


def test_who_brought_evidence_is_named_before_and_after_the_thaw(scene: Scene) -> None:
    first, second = "token:5:9:c0", "token:5:8:c0"
    scene.run(scene.cell.freeze(scene.account.id, "account", "why", first, scene.by("ipad")))
    scene.run(scene.cell.freeze(scene.account.id, "77", "why", "witness:77:2:c0"))
    assert (scene.of("ipad").brought, scene.of("phone").brought) == ((first,), ())

    scene.run(thaw(scene.cell, "alice", Origin()))
    scene.run(scene.cell.freeze(scene.account.id, "account", "why", second, scene.by("ipad")))

    assert (scene.of("ipad").brought, scene.of("phone").brought) == ((first, second), ())


def test_devices_and_names_are_bounded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.visit("phone")
    monkeypatch.setattr(module, "CUSTODY_DEVICES_MAX", 2)
    monkeypatch.setattr(module, "CUSTODY_LISTED_MAX", 3)
    found = scene.map()
    assert (len(found.devices), found.left_out) == (2, 0)
    assert len(scene.of("phone").only_here) == 3

    monkeypatch.setattr(module, "CUSTODY_LISTED_MAX", 2)
    scene.add("new")
    found = scene.map()
    assert [one.name for one in found.devices] == ["ipad", "new"]
    assert found.left_out == 1

    scene.visit("new")
    assert (scene.of("new").alone, len(scene.of("new").only_here)) == (3, 2)


def test_others_get_their_turn(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = 0

    async def look() -> None:
        nonlocal turns
        job = asyncio.create_task(custody(scene.cell, scene.account, {}))
        while not job.done():
            turns += 1
            await asyncio.sleep(0)
        await job

    scene.run(look())
    before, turns = turns, 0
    monkeypatch.setattr(module, "_STEPS", 0)
    scene.run(look())
    assert turns >= before + 3


def test_a_device_is_asked_only_for_what_it_was_made_for() -> None:
    scene = Scene("phone")
    scene.add("reader", choose(["calendars"], read_only=True))
    data = calendar_data(("VEVENT",))
    scene.run(make_collection(scene.cell, scene.account.id, "calendars/work", {}, Origin(), data))
    scene.put("phone", "ann")

    books = {one.name: [held.book for held in one.books] for one in scene.map().devices}
    assert books == {"phone": ["contacts", "calendars/work"], "reader": ["calendars/work"]}

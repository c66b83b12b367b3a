"""No family deletes a contact or drops an edit across a freeze, its repair and its thaw (I5).

The server is set back to an older state; a phone's token is the evidence; people go on editing;
then the later state comes back, or it does not and the freeze is thawed.
"""

from __future__ import annotations

from random import Random

import pytest

from fakes.site import Site
from phone.database import card_bytes
from phone.davx5 import Davx5
from phone.families import FAMILIES
from phone.family import Outcome, Phone
from phone.inside import Inside
from phone.thunderbird import Thunderbird
from phone.vdirsyncer import VdirsyncerLike
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Origin
from strongroom.service.objects import put_object
from strongroom.service.thaw import freezes, thaw

DONE, LATER = Outcome.DONE, Outcome.LATER
UIDS = {f"uid{number:02}" for number in range(12)}
ALL_BUT_LISTING = [one for one in FAMILIES if one is not VdirsyncerLike]


def start(site: Site, family: type[Phone], device: str) -> Phone:
    phone = family(Inside(site.app, "alice", site.passwords["alice", device], family.AGENT))
    assert phone.refresh() is DONE, phone.reason
    assert phone.sync() is DONE, phone.reason
    return phone


class Story:
    """A phone of a family and a laptop, on an account that was set back and is frozen."""

    def __init__(self, family: type[Phone]) -> None:
        self.site = Site()
        self.phone = start(self.site, family, "phone")
        for uid in sorted(UIDS):
            self.phone.save(card_bytes(uid, "Ann"))
        self.sync()
        self.laptop = start(self.site, Davx5, "laptop")
        self.sync()
        cell, positions = self.site.cell.saved(), self.site.positions.saved()
        self.phone.save(card_bytes("late", "Acknowledged, then forgotten"))
        self.phone.save(card_bytes("uid01", "Changed, then forgotten"))
        self.sync()
        self.later = self.site.cell.saved()
        self.site.cell.set_back(cell)
        self.site.positions.set_back(positions)
        assert self.laptop.sync() is LATER
        (freeze,) = freezes(self.site.cell.directory, "alice")
        assert freeze.device == "laptop"

    def sync(self) -> None:
        for phone in [self.phone, *([self.laptop] if hasattr(self, "laptop") else [])] * 2:
            assert phone.sync() is DONE, phone.reason

    def edit(self) -> None:
        """Change things on the phone while nothing is served."""
        self.phone.save(card_bytes("uid04", "Edited meanwhile"))
        self.phone.save(card_bytes("uid01", "Changed again meanwhile"))
        self.phone.save(card_bytes("new", "New meanwhile"))
        self.phone.delete_online("uid09")
        self.mine = dict(self.phone.contacts)
        outcomes = [self.phone.sync(), self.phone.refresh(), self.phone.sync()]
        assert set(outcomes) <= {DONE, LATER}, self.phone.reason
        assert outcomes[0] is LATER
        self.kept()

    def kept(self) -> None:
        assert self.phone.contacts == self.mine
        assert self.phone.dropped_edits == []

    def come_back(self) -> None:
        for phone in (self.phone, self.laptop, self.phone):
            assert [phone.refresh(), phone.sync()] == [DONE, DONE], phone.reason

    def thaw(self) -> None:
        self.site.run(thaw(self.site.cell, "alice", Origin()))

    def hand_back(self, *bodies: bytes) -> None:
        """Take in what was exported on a device."""
        for body in bodies:
            name = body.partition(b"UID:")[2].partition(b"\r\n")[0].decode() + ".vcf"
            job = put_object(self.site.cell, self.site.book, name, body, Precondition(), Origin())
            self.site.run(job)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_later_state_comes_back_and_every_edit_is_there(family: type[Phone]) -> None:
    story = Story(family)
    story.edit()
    assert story.phone.resync() is LATER  # even if somebody makes it begin anew

    story.site.cell.set_back(story.later)
    story.come_back()

    story.kept()
    assert story.phone.unsent == set()
    assert story.laptop.contacts == story.mine
    assert story.laptop.dropped_edits == []
    fresh = start(story.site, Davx5, "laptop")
    assert fresh.contacts == story.mine


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_exported_on_a_device_is_there_for_all_after_the_thaw(
    family: type[Phone],
) -> None:
    """Also where a phone began anew meanwhile, or compares whole lists: those drop `late` first."""
    story = Story(family)
    story.edit()
    exported = story.phone.contacts["late"]
    assert story.phone.resync() is LATER

    story.thaw()
    story.come_back()
    story.hand_back(exported)
    story.come_back()

    story.kept()
    assert story.phone.unsent == set()
    fresh = start(story.site, Davx5, "laptop")
    assert fresh.contacts == story.mine


@pytest.mark.parametrize("family", ALL_BUT_LISTING)
def test_a_thaw_takes_nothing_from_a_phone_though_nothing_was_handed_back(
    family: type[Phone],
) -> None:
    story = Story(family)
    story.edit()

    story.thaw()
    story.come_back()

    story.kept()
    assert story.phone.unsent == set()
    assert "late" in story.laptop.contacts
    fresh = start(story.site, Davx5, "laptop")
    assert fresh.contacts == {uid: body for uid, body in story.mine.items() if uid != "late"}


@pytest.mark.parametrize("family", FAMILIES)
def test_an_edit_of_a_contact_that_we_forgot_brings_it_back(family: type[Phone]) -> None:
    story = Story(family)
    story.phone.save(card_bytes("late", "Edited meanwhile"))
    story.edit()

    story.thaw()
    story.come_back()

    story.kept()
    assert start(story.site, Davx5, "laptop").contacts == story.mine


def test_the_known_cell_thunderbird_s_edit_that_was_answered() -> None:
    """Decision 18: an edit made online during a freeze stays there until it is made again.

    It is answered 503, and Thunderbird does not send it a second time. It is still on its screen,
    and no answer of ours can help: one that was cut would stop it for ever.
    """
    story = Story(Thunderbird)
    story.phone.save_online(card_bytes("uid04", "Edited online meanwhile"))
    story.thaw()
    story.come_back()

    assert story.phone.dropped_edits == ["uid04"]
    assert story.phone.contacts["uid04"] == card_bytes("uid04", "Edited online meanwhile")
    story.phone.save_online(card_bytes("uid04", "Edited again"))
    assert start(story.site, Davx5, "laptop").contacts["uid04"] == card_bytes(
        "uid04", "Edited again"
    )


def change(phone: Phone, chance: Random, word: str) -> None:
    """Let the owner do a few things, without sending them; a new contact has a new UID."""
    for turn in range(chance.randrange(1, 5)):
        known, die = sorted(phone.contacts), chance.random()
        if known and die < 0.2:
            phone.delete(chance.choice(known))
        else:
            uid = chance.choice(known) if known and die < 0.7 else f"{word}-{chance.random()}"
            phone.save(card_bytes(uid, f"{word} {turn}"))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("family", ALL_BUT_LISTING)
def test_whatever_was_lost_and_whatever_is_changed_meanwhile_the_phone_keeps_it(
    family: type[Phone], seed: int
) -> None:
    """One person's phone; a laptop that reads, and is the first to come back."""
    chance = Random(seed)
    site = Site()
    phone, laptop = start(site, family, "phone"), start(site, Davx5, "laptop")

    def live(word: str) -> None:
        for _ in range(chance.randrange(1, 4)):
            change(phone, chance, word)
            for one in (phone, phone, laptop, laptop)[: chance.randrange(1, 5)]:
                assert one.sync() is DONE, one.reason
        assert [one.sync() for one in (phone, laptop, laptop)] == [DONE] * 3

    live("kept")
    cell, positions = site.cell.saved(), site.positions.saved()
    live("lost")
    site.cell.set_back(cell)
    site.positions.set_back(positions)
    assert laptop.sync() is LATER
    change(phone, chance, "meanwhile")
    mine = dict(phone.contacts)
    assert [phone.sync(), phone.refresh(), phone.sync()][0] is LATER
    assert phone.contacts == mine

    site.run(thaw(site.cell, "alice", Origin()))
    for one in (phone, laptop, phone, laptop):
        assert one.sync() is DONE, one.reason

    assert phone.contacts.items() >= mine.items()  # what was deleted and lost may come back
    assert (phone.dropped_edits, phone.unsent) == ([], set())

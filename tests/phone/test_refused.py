"""What a phone drops because it was refused is here; what it deleted in vain comes back."""

from __future__ import annotations

import pytest

from fakes.site import Site
from phone.apple import Apple
from phone.database import Card, card_bytes
from phone.davx5 import Davx5
from phone.evolution import Evolution
from phone.families import FAMILIES
from phone.family import Outcome, Phone
from phone.inside import Inside
from phone.thunderbird import Thunderbird
from phone.vdirsyncer import VdirsyncerLike
from strongroom.history.edits import Origin
from strongroom.service.accounts import add_device
from strongroom.service.applying import apply, look
from strongroom.service.refused import Kept, listed
from strongroom.service.rights import Rights

DONE, ERROR = Outcome.DONE, Outcome.ERROR
UIDS = {f"uid{number}" for number in range(4)}
DROPPING = (Davx5, Evolution, Apple)  # an edit that hears 412


@pytest.fixture
def site() -> Site:
    site = Site()
    password = add_device(site.cell, "alice", "wall", site.entropy, Origin(), Rights(None, True))
    site.passwords["alice", "wall"] = site.run(password)
    laptop = begin(site, VdirsyncerLike, "laptop")
    for uid in sorted(UIDS):
        laptop.save(card_bytes(uid, "Ann"))
    assert laptop.sync() is DONE
    return site


def begin(site: Site, family: type[Phone], device: str = "phone") -> Phone:
    phone = family(Inside(site.app, "alice", site.passwords["alice", device], family.AGENT))
    assert phone.refresh() is DONE, phone.reason
    assert phone.sync() is DONE, phone.reason
    return phone


def kept(site: Site) -> list[Kept]:
    return site.run(listed(site.cell, site.home))


def card_of(phone: Phone, uid: str) -> Card:
    (book,) = phone.books.values()
    card = book.by_uid(uid)
    assert card is not None
    return card


@pytest.mark.parametrize("family", DROPPING)
def test_an_edit_that_the_phone_drops_is_in_the_list_byte_for_byte(
    site: Site, family: type[Phone]
) -> None:
    phone, laptop = begin(site, family), begin(site, VdirsyncerLike, "laptop")
    laptop.save(card_bytes("uid1", "Laptop"))
    assert laptop.sync() is DONE
    mine = card_bytes("uid1", "Phone").replace(b"\r\n", b"\r\nTEL:+49 30 1\r\n", 3)
    phone.save(mine)
    assert phone.sync() is DONE, phone.reason

    (one,) = kept(site)
    assert phone.dropped_edits == ["uid1"]
    assert phone.contacts["uid1"] == card_bytes("uid1", "Laptop")
    assert site.cell.blobs[one.member.etag] == mine
    assert one.facts["client"].split("/")[0] in family.AGENT


@pytest.mark.parametrize("family", DROPPING)
def test_a_dropped_edit_that_is_applied_reaches_the_phone_that_made_it(
    site: Site, family: type[Phone]
) -> None:
    phone, laptop = begin(site, family), begin(site, VdirsyncerLike, "laptop")
    laptop.save(card_bytes("uid1", "Laptop"))
    laptop.sync()
    phone.save(card_bytes("uid1", "Ann").replace(b"END", b"TEL:+49 30 1\r\nEND"))
    phone.sync()
    seen = site.run(look(site.cell, site.home, kept(site)[0].number))
    site.run(apply(site.cell, seen, seen.shown, Origin()))
    assert phone.sync() is laptop.sync() is DONE

    both = card_bytes("uid1", "Laptop").replace(b"END", b"TEL:+49 30 1\r\nEND")
    assert phone.contacts["uid1"] == laptop.contacts["uid1"] == both
    assert seen.conflicts == ()


def test_an_edit_that_is_sent_again_and_again_is_one(site: Site) -> None:
    phone, laptop = begin(site, VdirsyncerLike), begin(site, VdirsyncerLike, "laptop")
    laptop.save(card_bytes("uid1", "Laptop"))
    laptop.sync()
    phone.save(card_bytes("uid1", "Phone"))
    assert [phone.sync() for _ in range(3)] == [ERROR] * 3

    assert [one.facts["name"] for one in kept(site)] == ["Phone"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_card_deleted_on_a_read_only_device_comes_back_or_the_deletion_is_still_told(
    site: Site, family: type[Phone]
) -> None:
    phone = begin(site, family, "wall")
    phone.delete("uid1")
    outcome = phone.sync()

    if outcome is DONE:
        assert phone.sync() is DONE
        assert set(phone.contacts) == UIDS
        assert not phone.unsent
    else:  # it keeps the deletion, and says so to its user at each sync
        assert (outcome, phone.unsent) == (ERROR, {"uid1"})
    assert set(begin(site, family).contacts) == UIDS


@pytest.mark.parametrize("family", [Davx5, Thunderbird])
def test_who_gives_a_refused_deletion_up_gets_the_card_back(
    site: Site, family: type[Phone]
) -> None:
    """Davx5: by its condition; Thunderbird, which sets none: by its rights."""
    phone = begin(site, family, "wall" if family is Thunderbird else "phone")
    card_of(phone, "uid1").etag = "0" * 64
    phone.delete_online("uid1")
    phone.sync()
    assert phone.dropped_edits == ["uid1"]
    assert phone.sync() is DONE, phone.reason

    assert set(phone.contacts) == UIDS


def test_a_deletion_with_an_old_etag_is_told_again_to_every_phone(site: Site) -> None:
    phones = [begin(site, family) for family in FAMILIES if family.CONDITIONS]
    for phone in phones:
        card_of(phone, "uid1").etag = "0" * 64
        phone.delete("uid1")
        assert phone.sync() in {DONE, ERROR}
        phone.sync()
        assert "uid1" in phone.contacts or phone.unsent == {"uid1"}
    assert set(begin(site, Davx5).contacts) == UIDS

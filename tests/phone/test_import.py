"""Phones follow an import by ordinary sync; what was typed meanwhile is not lost."""

from __future__ import annotations

import pytest

from fakes.site import BOOK, Site
from phone.database import card_bytes
from phone.families import FAMILIES
from phone.family import Outcome, Phone
from phone.inside import Inside
from phone.vdirsyncer import VdirsyncerLike


def begin(site: Site, family: type[Phone]) -> Phone:
    phone = family(Inside(site.app, "alice", site.passwords["alice", "phone"], family.AGENT))
    assert phone.refresh() is Outcome.DONE, phone.reason
    return phone


def bring(site: Site, *cards: bytes) -> None:
    """As another device of the same person would."""
    answer = site.run(site.laptop("POST", BOOK, b"".join(cards), content_type="text/vcard"))
    assert answer.status == 207
    assert b"403 Forbidden" not in answer.body


def told(uid: str, name: str, *lines: str) -> bytes:
    return card_bytes(uid, name).replace(
        b"END", b"".join(f"{x}\r\n".encode() for x in lines) + b"END"
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_what_comes_in_is_there_after_the_next_sync_once(family: type[Phone]) -> None:
    site = Site()
    phone = begin(site, family)
    phone.save(told("mine", "Ann Lee", "TEL:+491711234567"))
    for _ in range(2):
        assert phone.sync() is Outcome.DONE, phone.reason
    fresh = [card_bytes(f"uid{number:02}", f"N{number}") for number in range(300)]
    # The same person under another program's UID, and with more to say.
    twin = told("google", "Ann Lee", "TEL:0171 1234567", "TITLE:Boss")
    for _ in range(2):
        bring(site, *fresh, twin)
        assert phone.sync() is Outcome.DONE, phone.reason
        assert phone.dropped_edits == []
        assert len(phone.contacts) == 301
        assert b"TITLE:Boss" in phone.contacts["mine"]
        assert phone.contacts["uid07"] == fresh[7]


@pytest.mark.parametrize("family", FAMILIES)
def test_an_edit_made_before_the_phone_heard_of_the_import_is_not_lost(family: type[Phone]) -> None:
    """It is taken, or refused and kept for its owner; what came in is in the history either way."""
    site = Site()
    phone = begin(site, family)
    phone.save(card_bytes("a", "Ann"))
    for _ in range(2):
        assert phone.sync() is Outcome.DONE, phone.reason
    phone.save(told("a", "Ann", "NOTE:typed on the phone"))
    bring(site, told("a", "Ann", "TITLE:from the file"), card_bytes("b", "Bob"))
    for _ in range(2):
        phone.sync()
    bodies = list(site.cell.blobs.values())
    # A program that asks its user on a conflict keeps the edit until then.
    bodies += phone.contacts.values() if family is VdirsyncerLike else ()
    assert any(b"typed on the phone" in body for body in bodies)
    assert b"from the file" in b"".join(site.cell.blobs.values())
    assert family is VdirsyncerLike or "b" in phone.contacts

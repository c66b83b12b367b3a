"""Phones follow an undo by ordinary sync: what was deleted is there again, and no edit is lost."""

from __future__ import annotations

import pytest

from fakes.site import BOOK, HOME, Site
from phone.database import card_bytes
from phone.families import FAMILIES
from phone.family import Outcome, Phone
from phone.inside import Inside
from strongroom.formats.moments import write_moment
from strongroom.service.undo import Outcome as Undone
from strongroom.service.undo import Wish, apply_undo, plan_undo

CONTACTS = {f"uid{number:02}": card_bytes(f"uid{number:02}", "Ann") for number in range(51)}
KEPT = {"uid50": CONTACTS["uid50"]}  # vdirsyncer never empties a side on its own

TOKEN = b'<propfind xmlns="DAV:"><prop><sync-token/></prop></propfind>'


def begin(site: Site, family: type[Phone]) -> Phone:
    phone = family(Inside(site.app, "alice", site.passwords["alice", "phone"], family.AGENT))
    assert phone.refresh() is Outcome.DONE, phone.reason
    return phone


def filled(site: Site, family: type[Phone]) -> Phone:
    phone = begin(site, family)
    for body in CONTACTS.values():
        phone.save(body)
    for _ in range(2):
        assert phone.sync() is Outcome.DONE, phone.reason
    return phone


def undo(site: Site, **wish: str) -> Undone:
    account = site.cell.directory.account("alice")
    assert account is not None
    plan = site.run(plan_undo(site.cell, account, Wish(**wish)))
    assert plan.cannot == ()
    return site.run(apply_undo(site.cell, account, plan, "command undo"))


@pytest.mark.parametrize("family", FAMILIES)
def test_what_was_deleted_on_a_phone_comes_back_to_it(family: type[Phone]) -> None:
    site = Site()
    phone, other = filled(site, family), begin(site, family)
    assert other.sync() is Outcome.DONE
    then = write_moment(site.cell.now_ms - 1)
    for uid in CONTACTS.keys() - KEPT:
        phone.delete_online(uid)
    assert phone.sync() is Outcome.DONE, phone.reason
    assert other.sync() is Outcome.DONE, other.reason
    assert (phone.contacts, other.contacts) == (KEPT, KEPT)

    assert undo(site, to=then) == Undone(50, ())
    mine = card_bytes("mine", "Not sent yet")
    phone.save(mine)
    for one in (phone, other, phone):
        assert one.sync() is Outcome.DONE, one.reason
        assert one.dropped_edits == []
    assert phone.contacts == {**CONTACTS, "mine": mine}
    assert other.sync() is Outcome.DONE, other.reason
    assert other.contacts == phone.contacts


@pytest.mark.parametrize("family", FAMILIES)
def test_a_removed_book_that_comes_back_goes_on_with_the_old_token(family: type[Phone]) -> None:
    site = Site()
    phone = filled(site, family)
    entry = site.cell.head(site.home).number + 1
    token = site.do("PROPFIND", BOOK, TOKEN, depth="0").prop(BOOK, "{DAV:}sync-token")
    assert site.do("DELETE", BOOK).status == 204

    undo(site, entry=f"home:{entry}")
    after = site.do("PROPFIND", BOOK, TOKEN, depth="0").prop(BOOK, "{DAV:}sync-token")
    assert (token is not None, after is not None) == (True, True)
    assert token.text == after.text  # type: ignore[union-attr]
    phone.save(card_bytes("uid07", "Edited meanwhile"))
    for _ in range(2):
        assert phone.sync() is Outcome.DONE, phone.reason
    assert phone.dropped_edits == []
    assert phone.contacts == {**CONTACTS, "uid07": card_bytes("uid07", "Edited meanwhile")}
    assert "Edited" in site.do("GET", BOOK + "uid07.vcf").text


def test_no_book_comes_back_in_front_of_the_one_that_phones_take() -> None:
    site = Site()
    site.do("MKCOL", HOME + "aaa/")
    entry = site.cell.head(site.home).number + 1
    site.do("DELETE", HOME + "aaa/")
    undo(site, entry=f"home:{entry}")
    books = [href for href in site.do("PROPFIND", HOME, b"", depth="1").hrefs if href != HOME]
    assert books == [BOOK, HOME + "aaa/"]

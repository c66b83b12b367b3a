"""Undo of one entry and of one device: what others did stays."""

from __future__ import annotations

import pytest

from fakes.past import Past, counts
from fakes.site import BOOK, HOME, card
from strongroom.base.errors import InvalidError, NotFoundError
from strongroom.formats.moments import write_moment
from strongroom.history.edits import Origin
from strongroom.history.entries import OBJECT, Key, Member
from strongroom.service.accounts import revoke_device


@pytest.fixture
def site() -> Past:
    return Past()


# --- one entry ------------------------------------------------------------------------------------
def test_one_entry_is_undone_and_the_rest_stays(site: Past) -> None:
    site.put("a")
    site.put("a", called="Eve")
    site.put("b")
    first = site.entries()[0]
    site.undo(entry="contacts:2")
    row = site.cell.table[Key(site.book.id, OBJECT, "a")]
    assert isinstance(row, Member)
    assert (row.etag, site.names()) == (first.etag, ["a", "b"])
    site.undo(entry="contacts:3")
    assert site.names() == ["a"]


def test_an_old_version_comes_back_over_a_newer_one(site: Past) -> None:
    for called in ("One", "Two", "Three"):
        site.put("a", called=called)
    site.undo(entry="contacts:2")
    assert "One" in site.do("GET", BOOK + "a").text


@pytest.mark.parametrize("half", ["contacts:2", "work:1"])
def test_either_half_of_a_move_undoes_both(site: Past, half: str) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    before = site.state()
    site.do("MOVE", BOOK + "a", destination=HOME + "work/w")
    assert counts(site.undo(entry=half)) == {"move": 1}
    assert site.state() == before


def test_a_move_is_undone_from_where_the_thing_is_now(site: Past) -> None:
    site.put("a")
    before = site.state()
    site.do("MOVE", BOOK + "a", destination=BOOK + "b")
    site.do("MOVE", BOOK + "b", destination=BOOK + "c")
    site.undo(entry="contacts:2")
    assert site.state() == before


def test_a_creation_is_undone_wherever_the_thing_is_now(site: Past) -> None:
    site.put("a")
    site.do("MOVE", BOOK + "a", destination=BOOK + "b")
    assert counts(site.undo(entry="contacts:1")) == {"remove": 1}
    assert site.names() == []


def test_what_took_the_name_since_is_never_removed_for_one_entry(site: Past) -> None:
    site.put("a")
    site.do("DELETE", BOOK + "a")
    site.put("a", uid="other")
    plan = site.plan(entry="contacts:2")
    assert (plan.units, [one.key.href for one in plan.cannot]) == ((), ["a"])


@pytest.mark.parametrize("text", ["contacts", "contacts:", ":1", "contacts:x", "contacts:-1"])
def test_what_names_no_entry(site: Past, text: str) -> None:
    with pytest.raises(InvalidError, match="contacts:12"):
        site.plan(entry=text)


def test_an_entry_that_is_not_there(site: Past) -> None:
    with pytest.raises(NotFoundError):
        site.plan(entry="contacts:1")


# --- a device -------------------------------------------------------------------------------------
def by_laptop(site: Past, method: str, path: str, body: bytes = b"", **headers: str) -> None:
    assert site.run(site.laptop(method, path, body, **headers)).status < 300


def laptop_puts(site: Past, name: str, called: str = "Laptop", uid: str = "") -> None:
    by_laptop(site, "PUT", BOOK + name, card(uid or name, called), content_type="text/vcard")


def test_all_that_a_device_did_goes_back_and_what_others_did_stays(site: Past) -> None:
    for name in ("a", "b", "c"):
        site.put(name)
    then = site.now
    laptop_puts(site, "a")
    by_laptop(site, "DELETE", BOOK + "b")
    laptop_puts(site, "new")
    site.put("c", called="Phone")
    laptop_puts(site, "both")
    site.put("both", called="Phone")  # on top of it: theirs now
    before = site.state()
    plan = site.undo(device="laptop", since=then)
    assert counts(plan) == {"create": 1, "change": 1, "remove": 1}
    assert site.names() == ["a", "b", "both", "c"]
    assert "Ann" in site.do("GET", BOOK + "a").text
    assert "Phone" in site.do("GET", BOOK + "both").text
    site.undo(to=write_moment(plan.latest))
    assert site.state() == before


def test_a_revoked_device_is_known_by_its_name(site: Past) -> None:
    then = site.now
    laptop_puts(site, "new")
    site.run(revoke_device(site.cell, "alice", "laptop", Origin()))
    site.undo(device="laptop", since=then)
    assert site.names() == []


def test_what_others_did_to_a_thing_goes_back_with_it_to_its_old_name(site: Past) -> None:
    site.put("a")
    then = site.now
    by_laptop(site, "MOVE", BOOK + "a", destination=BOOK + "b")
    site.put("b", uid="a", called="Phone")
    site.undo(device="laptop", since=then)
    assert site.names() == ["a"]
    assert "Phone" in site.do("GET", BOOK + "a").text


def test_what_others_moved_on_stays_there_with_its_old_content(site: Past) -> None:
    site.put("a")
    then = site.now
    laptop_puts(site, "a")
    site.do("MOVE", BOOK + "a", destination=BOOK + "b")
    site.undo(device="laptop", since=then)
    assert site.names() == ["b"]
    assert "Ann" in site.do("GET", BOOK + "b").text


def test_what_others_deleted_stays_deleted(site: Past) -> None:
    site.put("a")
    then = site.now
    laptop_puts(site, "a")
    laptop_puts(site, "b")
    site.do("DELETE", BOOK + "a")
    site.do("DELETE", BOOK + "b")
    assert site.plan(device="laptop", since=then).units == ()


def test_properties_that_others_set_stay_and_the_content_goes_back(site: Past) -> None:
    site.put("a")
    then = site.now
    laptop_puts(site, "a")
    patch = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">1</x></prop></set>'
    site.do("PROPPATCH", BOOK + "a", f"{patch}</propertyupdate>".encode())
    site.undo(device="laptop", since=then)
    row = site.cell.table[Key(site.book.id, OBJECT, "a")]
    assert isinstance(row, Member)
    assert list(row.properties) == ["{u:}x"]
    assert "Ann" in site.do("GET", BOOK + "a").text


def test_a_thing_whose_name_others_have_filled_is_left_where_it_is(site: Past) -> None:
    site.put("a")
    site.put("b")
    then = site.now
    by_laptop(site, "MOVE", BOOK + "a", destination=BOOK + "moved")
    by_laptop(site, "DELETE", BOOK + "b")
    site.put("a", uid="new-a")
    site.put("b", uid="new-b")
    plan = site.plan(device="laptop", since=then)
    assert plan.units == ()
    assert sorted(one.key.href for one in plan.cannot) == ["b", "moved"]
    assert site.names() == ["a", "b", "moved"]


def test_what_is_left_in_place_never_costs_another_thing_its_place(site: Past) -> None:
    site.put("a")
    site.put("b")
    then = site.now
    by_laptop(site, "MOVE", BOOK + "b", destination=BOOK + "c")
    by_laptop(site, "MOVE", BOOK + "a", destination=BOOK + "b")
    site.put("a", uid="new-a")
    before = site.state()
    plan = site.plan(device="laptop", since=then)
    assert plan.units == ()
    assert sorted(one.key.href for one in plan.cannot) == ["b", "c"]
    assert site.state() == before


def test_a_collection_of_a_device_goes_and_one_that_others_filled_stays(site: Past) -> None:
    then = site.now
    for name in ("mine", "shared"):
        by_laptop(site, "MKCOL", HOME + name + "/")
        path = f"{HOME}{name}/l"
        by_laptop(site, "PUT", path, card("l"), content_type="text/vcard")
    site.do("PUT", HOME + "shared/p", card("p"), content_type="text/vcard")
    plan = site.undo(device="laptop", since=then)
    assert [one.key.href for one in plan.cannot] == ["shared"]
    assert ("", "mine") not in site.state()
    assert site.names("shared") == ["p"]


def test_what_a_device_deleted_comes_back_with_both_its_collections(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/a", card("a"), content_type="text/vcard")
    site.put("a")
    before, then = site.state(), site.now
    by_laptop(site, "DELETE", HOME + "work/a")
    by_laptop(site, "DELETE", HOME + "work/")
    by_laptop(site, "DELETE", BOOK + "a")
    site.undo(device="laptop", since=then)
    assert site.state() == before


def test_since_has_its_own_moment_in_it(site: Past) -> None:
    laptop_puts(site, "a")
    assert site.plan(device="laptop", since=site.now).units == ()
    assert counts(site.plan(device="laptop", since=site.last)) == {"remove": 1}


def test_what_others_did_in_one_millisecond_is_never_put_into_another_order(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    since, moment = site.now, site.cell.now_ms
    laptop_puts(site, "b")
    for source, target in ((BOOK + "a", HOME + "work/a"), (HOME + "work/a", BOOK + "a")):
        site.cell.now_ms = moment
        site.do("MOVE", source, destination=target)
    site.undo(device="laptop", since=since)
    assert (site.names(), site.names("work")) == (["a"], [])

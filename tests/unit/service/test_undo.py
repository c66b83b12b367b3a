"""Undo over whole journals: what stood comes back as new entries, and nothing else is touched."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest

from fakes.site import BOOK, HOME, Site, card
from strongroom.base import limits
from strongroom.base.errors import FrozenError, InvalidError, NotFoundError, UnsureError
from strongroom.formats.moments import write_moment
from strongroom.history.edits import Origin
from strongroom.history.entries import COLLECTION, DEVICE, OBJECT, Key, Member
from strongroom.service import undo, undoing
from strongroom.service.accounts import revoke_device
from strongroom.service.collections import is_shown, shown
from strongroom.service.past import read_past
from strongroom.service.undo import Outcome, Wish, apply_undo, plan_undo, resolved
from strongroom.service.undo_view import left, show
from strongroom.service.undoing import Plan

State = dict[tuple[str, str], tuple[int, str, str, str]]


class Past(Site):
    """A site whose past can be gone back to."""

    @property
    def account(self) -> Member:
        account = self.cell.directory.account("alice")
        assert account is not None
        return account

    @property
    def began(self) -> str:
        """Give the moment at which the account was made."""
        return write_moment(self.entries(self.home)[0].at)

    @property
    def last(self) -> str:
        """Give the moment of the last change."""
        return write_moment(self.cell.now_ms - 1)

    def state(self) -> State:
        """Give all that stands and can be reached: by collection and name."""
        books = shown(self.cell.directory.members(self.home, COLLECTION))
        return {
            (book.href if row.kind == OBJECT else "", row.href): (
                row.id, row.etag, row.data, row.props,
            )
            for book in books
            for row in self.cell.table.values()
            if isinstance(row, Member)
            and (row.collection == book.id or row is self.cell.table[book.key])
        }  # fmt: skip

    def plan(self, **wish: str) -> Plan:
        wished = resolved(Wish(**wish), self.cell.now_ms)
        return self.run(plan_undo(self.cell, self.account, wished))

    def apply(self, plan: Plan) -> Outcome:
        return self.run(apply_undo(self.cell, self.account, plan, "command undo"))

    def undo(self, **wish: str) -> Plan:
        """Undo; all that is planned must come to be."""
        plan = self.plan(**wish)
        outcome = self.apply(plan)
        assert outcome.left == ()
        return plan

    def names(self, book: str = "contacts") -> list[str]:
        return sorted(href for inside, href in self.state() if inside == book)

    def entries(self, book: int = 0) -> list[Any]:
        return [entry for entry, _ in self.cell.journal[book or self.book.id]]


@pytest.fixture
def site() -> Past:
    return Past()


def counts(plan: Plan) -> dict[str, int]:
    return {name: count for name, count in plan.counts().items() if count}


# --- to a time ------------------------------------------------------------------------------------
def test_a_book_goes_back_to_a_time(site: Past) -> None:
    for name in ("kept", "changed", "deleted"):
        site.put(name)
    before, then = site.state(), site.last
    site.put("changed", called="Eve")
    site.do("DELETE", BOOK + "deleted")
    site.put("new")

    plan = site.plan(to=then)
    assert counts(plan) == {"create": 1, "change": 1, "remove": 1}
    assert site.apply(plan) == Outcome(3, ())
    assert site.state() == before
    entry = site.entries()[-1]
    assert (entry.by, entry.request, entry.condition) == (0, "command undo", f"undo to {then}")


def test_an_undo_can_be_undone_and_that_again(site: Past) -> None:
    site.put("a")
    then, one = site.last, site.state()
    site.put("a", called="Eve")
    site.put("b")
    two = site.state()
    first = site.undo(to=then)
    assert site.state() == one
    second = site.undo(to=write_moment(first.latest))
    assert site.state() == two
    site.undo(to=write_moment(second.latest))
    assert site.state() == one


def test_undo_to_now_does_nothing(site: Past) -> None:
    site.put("a")
    assert site.plan(to=site.last).units == ()


def test_a_removed_collection_comes_back_with_id_journal_and_all_that_is_in_it(site: Past) -> None:
    site.put("a")
    book, head, before, then = site.book, site.cell.head(site.book.id), site.state(), site.last
    site.do("DELETE", BOOK)
    plan = site.undo(to=then, collection="contacts")
    assert counts(plan) == {"create": 1}
    assert site.state() == before
    assert (site.book.id, site.cell.head(book.id)) == (book.id, head)


def test_what_changed_in_a_collection_before_it_was_removed_comes_back_with_it(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/a", card("a"), content_type="text/vcard")
    before, then = site.state(), site.last
    site.do("DELETE", HOME + "work/a")
    site.do("DELETE", HOME + "work/")
    site.undo(to=then, collection="work")
    assert site.state() == before


def test_a_collection_that_another_took_the_name_of_comes_back_in_its_place(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/a", card("a"), content_type="text/vcard")
    before, then = site.state(), site.last
    site.do("DELETE", HOME + "work/")
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/b", card("b"), content_type="text/vcard")
    other = site.state()
    plan = site.undo(to=then)
    assert site.state() == before
    site.undo(to=write_moment(plan.latest))
    assert site.state() == other


def test_both_halves_of_a_move_between_collections_go_together(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    before, then = site.state(), site.last
    site.do("MOVE", BOOK + "a", destination=HOME + "work/b")
    moved = site.state()
    for part in ({"collection": "contacts"}, {"collection": "work"}, {"thing": "b"}, {}):
        plan = site.undo(to=then, **part)
        assert counts(plan) == {"move": 1}
        assert site.state() == before
        site.undo(to=write_moment(plan.latest))
        assert site.state() == moved


def test_what_moved_into_a_new_collection_comes_out_before_that_goes(site: Past) -> None:
    site.put("a")
    before, then = site.state(), site.last
    site.do("MKCOL", HOME + "work/")
    site.do("MOVE", BOOK + "a", destination=HOME + "work/a")
    site.put("b")
    new = site.state()
    plan = site.undo(to=then)
    assert [unit.names[0].key.kind for unit in plan.units] == [OBJECT, OBJECT, COLLECTION]
    assert site.state() == before
    site.undo(to=write_moment(plan.latest))
    assert site.state() == new


def test_a_rename_and_properties_of_a_collection_go_back(site: Past) -> None:
    before, then = site.state(), site.last
    patch = '<propertyupdate xmlns="DAV:"><set><prop><displayname>X</displayname></prop></set>'
    site.do("PROPPATCH", BOOK, f"{patch}</propertyupdate>".encode())
    site.do("MOVE", BOOK, destination=HOME + "people/")
    assert counts(site.undo(to=then)) == {"move": 1}
    assert site.state() == before


def test_a_move_over_something_gives_both_back(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    site.do("PUT", HOME + "work/b", card("a"), content_type="text/vcard")
    before, then = site.state(), site.last
    site.do("MOVE", BOOK + "a", destination=HOME + "work/b")
    assert counts(site.undo(to=then, thing="b")) == {"create": 1, "move": 1}
    assert site.state() == before


def test_a_swap_goes_back(site: Past) -> None:
    site.put("a")
    site.put("b")
    before, then = site.state(), site.last
    for source, target in (("a", "c"), ("b", "a"), ("c", "b")):
        site.do("MOVE", BOOK + source, destination=BOOK + target)
    assert counts(site.undo(to=then)) == {"move": 2}
    assert site.state() == before


# --- what stands in the way -----------------------------------------------------------------------
def test_a_uid_that_another_carries_now_is_told_with_its_name(site: Past) -> None:
    site.put("a", uid="u")
    then = site.last
    site.do("DELETE", BOOK + "a")
    site.put("b", uid="u")
    plan = site.plan(to=then, thing="a")
    assert plan.units == ()
    ((key, why),) = plan.cannot
    assert (key.href, why) == ("a", "b carries its UID now.")
    assert counts(site.undo(to=then)) == {"create": 1, "remove": 1}  # both: it makes room
    assert site.names() == ["a"]


def test_history_and_what_was_deleted_are_no_uid_conflicts(site: Past) -> None:
    site.put("a", uid="u")
    then = site.last
    site.do("DELETE", BOOK + "a")
    site.put("b", uid="u")
    site.do("DELETE", BOOK + "b")
    site.undo(to=then, thing="a")
    assert site.names() == ["a"]


def test_what_changed_since_the_plan_is_told_and_left(site: Past) -> None:
    for name in ("a", "b"):
        site.put(name)
    then = site.last
    for name in ("a", "b"):
        site.put(name, called="Eve")
    plan = site.plan(to=then)
    site.put("a", called="Zoe")
    done, (one,) = site.apply(plan)
    assert (done, one.key.href) == (1, "a")
    assert "meanwhile" in one.why
    bodies = [site.do("GET", BOOK + name).text for name in ("a", "b")]
    assert ["Zoe" in bodies[0], "Eve" in bodies[1]] == [True, False]


def test_a_collection_that_went_since_the_plan_takes_nothing(site: Past) -> None:
    site.put("a")
    then = site.last
    site.do("DELETE", BOOK + "a")
    plan = site.plan(to=then)
    site.do("DELETE", BOOK)
    done, (one,) = site.apply(plan)
    assert (done, one.key.href) == (0, "a")


def test_a_body_that_cannot_be_read_is_told_and_nothing_comes_back_without_it(site: Past) -> None:
    site.put("a")
    site.put("b")
    then = site.last
    site.do("DELETE", BOOK + "a")
    site.do("DELETE", BOOK + "b")
    site.cell.lost.add(site.entries()[0].etag)
    plan = site.undo(to=then)
    assert [(one.key.href, one.why) for one in plan.cannot] == [
        ("a", "Its bytes cannot be read now.")
    ]
    assert site.names() == ["b"]


def test_nothing_comes_back_into_a_collection_that_stays_removed(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/a", card("a"), content_type="text/vcard")
    then = site.last
    site.do("DELETE", HOME + "work/a")
    site.do("DELETE", HOME + "work/")
    plan = site.plan(to=then, thing="a")
    assert (plan.units, [one.key.href for one in plan.cannot]) == ((), ["a"])


def test_devices_and_secrets_are_never_touched(site: Past) -> None:
    then = site.last
    site.put("a")
    site.run(revoke_device(site.cell, "alice", "laptop", Origin()))
    devices = site.cell.directory.members(site.home, DEVICE)
    account = site.account
    site.undo(to=site.began)
    site.undo(to=then)
    assert site.cell.directory.members(site.home, DEVICE) == devices
    assert site.account == account
    number = next(e.number for e in site.entries(site.home) if e.kind == DEVICE)
    with pytest.raises(InvalidError, match="devices"):
        site.plan(entry=f"home:{number}")


def test_what_phones_tried_to_save_is_never_touched(site: Past) -> None:
    then = site.last
    site.put("a")
    assert site.put("a", called="Eve", if_match='"old"').status == 412
    kept = [m for m in site.cell.directory.members(site.home, COLLECTION) if not is_shown(m.data)]
    head = site.cell.head(kept[0].id)
    assert counts(site.undo(to=then)) == {"remove": 1}
    assert site.cell.directory.get(*kept[0].key) == kept[0]
    assert site.cell.head(kept[0].id) == head


def test_a_frozen_account_is_shown_and_not_changed(site: Past) -> None:
    site.put("a")
    then = site.last
    site.do("DELETE", BOOK + "a")
    site.run(site.cell.freeze(site.home, "account", "why", "test:1:2:3"))
    plan = site.plan(to=then)
    assert counts(plan) == {"create": 1}
    with pytest.raises(FrozenError):
        site.apply(plan)
    assert site.names() == []


def test_a_frozen_collection_is_left(site: Past) -> None:
    site.put("a")
    then = site.last
    site.do("DELETE", BOOK + "a")
    site.run(site.cell.freeze(site.home, str(site.book.id), "why", "test:1:2:3"))
    plan = site.plan(to=then)
    assert (plan.units, [one.why for one in plan.cannot]) == ((), ["Its collection is frozen."])


def test_how_far_it_reaches_is_bounded(site: Past, monkeypatch) -> None:
    for name in "abc":
        site.put(name)
    monkeypatch.setattr(undo, "UNDO_ENTRIES_MAX", 3)
    assert counts(site.plan(to=site.began)) == {"remove": 3}
    monkeypatch.setattr(undo, "UNDO_ENTRIES_MAX", 2)
    with pytest.raises(InvalidError, match="later"):
        site.plan(to=site.began)


def test_before_its_beginning_there_is_nothing_to_go_back_to(site: Past) -> None:
    site.put("a")
    assert counts(site.plan(to=site.began)) == {"remove": 1}
    with pytest.raises(InvalidError, match="began at"):
        site.plan(to=write_moment(site.entries(site.home)[0].at - 1))
    assert site.plan(device="laptop", since="1970-01-01").units == ()


def test_names_that_hang_together_are_bounded(site: Past, monkeypatch) -> None:
    site.put("a")
    then = site.last
    site.do("MOVE", BOOK + "a", destination=BOOK + "b")
    monkeypatch.setattr(undoing, "UNDO_NAMES_TOGETHER_MAX", 2)
    assert len(site.plan(to=then).units) == 1
    monkeypatch.setattr(undoing, "UNDO_NAMES_TOGETHER_MAX", 1)
    plan = site.plan(to=then)
    assert (plan.units, len(plan.cannot)) == ((), 1)
    assert limits.UNDO_NAMES_TOGETHER_MAX * 3 + limits.BATCH_ENTRIES_MAX < 1 << 12


def test_batches_are_cut_by_names_and_by_bytes(site: Past, monkeypatch) -> None:
    for name in "abcde":
        site.put(name)
    then = site.last
    for name in "abcde":
        site.do("DELETE", BOOK + name)
    plan = site.plan(to=then)

    def batches() -> list[int]:
        return [len(batch) for batch in undo._batches(plan.units)]

    assert batches() == [5]
    monkeypatch.setattr(undo, "BATCH_ENTRIES_MAX", 2)
    assert batches() == [2, 2, 1]
    monkeypatch.setattr(undo, "BATCH_BYTES_MAX", 1)
    assert batches() == [1] * 5
    seen: list[tuple[int, int]] = []
    job = apply_undo(site.cell, site.account, plan, "q", lambda *at: seen.append(at))
    assert site.run(job).done == 5
    assert seen == [(number, 5) for number in range(1, 6)]


def test_a_journal_that_lacks_a_row_is_unsure(site: Past) -> None:
    site.put("a")
    then = site.last
    site.put("a", called="Eve")
    lines = site.cell.journal[site.book.id]
    del lines[0]
    with pytest.raises(UnsureError):
        site.plan(to=then)


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
    then = site.last
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
    then = site.last
    laptop_puts(site, "new")
    site.run(revoke_device(site.cell, "alice", "laptop", Origin()))
    site.undo(device="laptop", since=then)
    assert site.names() == []


def test_what_others_did_to_a_thing_goes_back_with_it_to_its_old_name(site: Past) -> None:
    site.put("a")
    then = site.last
    by_laptop(site, "MOVE", BOOK + "a", destination=BOOK + "b")
    site.put("b", uid="a", called="Phone")
    site.undo(device="laptop", since=then)
    assert site.names() == ["a"]
    assert "Phone" in site.do("GET", BOOK + "a").text


def test_what_others_moved_on_stays_there_with_its_old_content(site: Past) -> None:
    site.put("a")
    then = site.last
    laptop_puts(site, "a")
    site.do("MOVE", BOOK + "a", destination=BOOK + "b")
    site.undo(device="laptop", since=then)
    assert site.names() == ["b"]
    assert "Ann" in site.do("GET", BOOK + "b").text


def test_what_others_deleted_stays_deleted(site: Past) -> None:
    site.put("a")
    then = site.last
    laptop_puts(site, "a")
    laptop_puts(site, "b")
    site.do("DELETE", BOOK + "a")
    site.do("DELETE", BOOK + "b")
    assert site.plan(device="laptop", since=then).units == ()


def test_properties_that_others_set_stay_and_the_content_goes_back(site: Past) -> None:
    site.put("a")
    then = site.last
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
    then = site.last
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
    then = site.last
    by_laptop(site, "MOVE", BOOK + "b", destination=BOOK + "c")
    by_laptop(site, "MOVE", BOOK + "a", destination=BOOK + "b")
    site.put("a", uid="new-a")
    before = site.state()
    plan = site.plan(device="laptop", since=then)
    assert plan.units == ()
    assert sorted(one.key.href for one in plan.cannot) == ["b", "c"]
    assert site.state() == before


def test_a_collection_of_a_device_goes_and_one_that_others_filled_stays(site: Past) -> None:
    then = site.last
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
    before, then = site.state(), site.last
    by_laptop(site, "DELETE", HOME + "work/a")
    by_laptop(site, "DELETE", HOME + "work/")
    by_laptop(site, "DELETE", BOOK + "a")
    site.undo(device="laptop", since=then)
    assert site.state() == before


# --- wishes ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "wish",
    [{}, {"to": "3h", "entry": "contacts:1"}, {"device": "phone"}, {"to": "3h", "since": "3h"},
     {"to": "soon"}, {"device": "phone", "since": "soon"}],
)  # fmt: skip
def test_a_wish_that_cannot_be_understood(wish: dict[str, str]) -> None:
    with pytest.raises(InvalidError):
        resolved(Wish(**wish), 0)


def test_a_wish_means_the_same_a_minute_later() -> None:
    wish = resolved(Wish(to="3h"), 10_800_250)
    assert wish == Wish(to="1970-01-01T00:00:00.250Z")
    assert resolved(wish, 99_999_999) == wish


def test_a_plan_is_another_once_anything_in_it_changed(site: Past) -> None:
    site.put("a")
    then = site.last
    site.put("a", called="Eve")
    plan = site.plan(to=then)
    site.put("b")  # of no concern... but it would be removed
    assert site.plan(to=then).mark() != plan.mark()
    assert site.plan(to=then, thing="a").mark() == plan.mark()
    site.put("a", called="Zoe")
    assert site.plan(to=then, thing="a").mark() != plan.mark()


def test_unknown_names(site: Past) -> None:
    for wish in ({"collection": "nowhere"}, {"device": "nobody", "since": "3h"}):
        with pytest.raises(NotFoundError, match=r"contacts|laptop"):
            site.plan(**{"to": "3h", **wish} if "device" not in wish else wish)


# --- for people -----------------------------------------------------------------------------------
def test_a_plan_is_shown_field_by_field(site: Past) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    site.put("b", called="Bob")
    then = site.last
    site.put("a", called="Eve")
    site.do("MOVE", BOOK + "b", destination=HOME + "work/b")
    site.put("c")
    site.do("DELETE", HOME + "work/")
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    rows = {one.href: one for one in site.run(show(site.cell, past, plan))}
    assert [tuple(one) for one in rows["a"].fields] == [("Full name", "Eve", "Ann")]
    assert (rows["b"].kind, rows["b"].source, rows["b"].name) == ("move", "work/b", "Bob")
    assert (rows["c"].kind, rows["c"].fields[0].new) == ("remove", "")
    assert (rows["work"].kind, rows["work"].book, rows["work"].holds) == ("create", "home", 1)
    told = left(past, Key(site.book.id, OBJECT, "x"), "why")
    assert tuple(told) == ("contacts", "x", "why")


def test_what_cannot_be_read_or_is_large_is_shown_by_its_size(site: Past, monkeypatch) -> None:
    site.put("a")
    then = site.last
    site.put("a", called="Eve")
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    site.cell.lost.add(site.entries()[1].etag)
    (one,) = site.run(show(site.cell, past, plan))
    assert [tuple(field) for field in one.fields] == [("Content", "52 bytes", "52 bytes")]
    monkeypatch.setattr("strongroom.service.undo_view.LARGE_BODY_BYTES", 51)
    (one,) = site.run(show(site.cell, past, plan))
    assert (one.name, one.fields[0].field) == ("", "Content")


def test_only_the_first_changes_are_shown(site: Past, monkeypatch) -> None:
    then = site.last
    for name in "abc":
        site.put(name)
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    monkeypatch.setattr("strongroom.service.undo_view.UNDO_SHOWN_MAX", 2)
    assert len(site.run(show(site.cell, past, plan))) == 2


def test_properties_are_shown_as_text(site: Past) -> None:
    then = site.last
    patch = '<propertyupdate xmlns="DAV:"><set><prop><displayname>A &amp; B</displayname>'
    site.do("PROPPATCH", BOOK, f"{patch}</prop></set></propertyupdate>".encode())
    plan = site.plan(to=then)
    past = site.run(read_past(site.cell, site.home))
    (one,) = site.run(show(site.cell, past, plan))
    assert [tuple(field) for field in one.fields] == [("displayname", "A & B", "Contacts")]


# --- any life -------------------------------------------------------------------------------------
BOOKS = ("contacts", "work", "club")
NAMES = ("a", "b", "c", "d")


def live(site: Past, dice: random.Random) -> None:
    """Do one thing, as a phone or the laptop would; much of it is refused."""
    client = dice.choice([site.alice, site.laptop])
    path = f"{HOME}{dice.choice(BOOKS)}/"
    name, other = dice.choice(NAMES), dice.choice(NAMES)
    target = f"{HOME}{dice.choice(BOOKS)}/"
    act = dice.randrange(20)
    if act < 8:
        body = card(dice.choice(NAMES), f"Name {dice.randrange(5)}")
        job = client("PUT", path + name, body, content_type="text/vcard")
    elif act < 11:
        job = client("DELETE", path + name)
    elif act < 15:
        job = client("MOVE", path + name, destination=target + other)
    elif act < 16:
        patch = f'<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">{act}</x></prop></set>'
        job = client(
            "PROPPATCH", path + dice.choice(["", name]), f"{patch}</propertyupdate>".encode()
        )
    elif act < 18:
        job = client("MKCOL", path)
    elif act < 19:
        job = client("DELETE", path)
    else:
        job = client("MOVE", path, destination=target)
    site.run(job)


def ids(states: Iterable[State]) -> list[int]:
    return [row[0] for state in states for row in state.values()]


@pytest.mark.parametrize("seed", range(40))
def test_any_life_can_be_gone_back_through(seed: int) -> None:
    """I6: each moment comes back exactly, and so does what stood before the undo."""
    site, dice = Past(), random.Random(seed)
    moments: list[tuple[str, State]] = []
    for _ in range(60):
        live(site, dice)
        moments.append((site.last, site.state()))
    for _ in range(6):
        then, state = dice.choice(moments)
        before = site.state()
        plan = site.plan(to=then)
        assert plan.cannot == ()
        assert site.apply(plan).left == ()
        assert site.state() == state
        assert len(set(ids([state]))) == len(state)
        if dice.random() < 0.5:
            site.undo(to=write_moment(plan.latest))
            assert site.state() == before
        moments.append((site.last, site.state()))
        for _ in range(5):
            live(site, dice)
            moments.append((site.last, site.state()))


@pytest.mark.parametrize("seed", range(30))
def test_any_device_can_be_undone_without_harm_to_what_others_did(seed: int) -> None:
    """Nothing that only the phone ever touched is changed, and no id comes to stand twice."""
    site, dice = Past(), random.Random(1000 + seed)
    for _ in range(20):
        live(site, dice)
    then = site.last
    start = {book: len(lines) for book, lines in site.cell.journal.items()}
    for _ in range(40):
        live(site, dice)
    laptop = site.cell.directory.get(site.home, DEVICE, "laptop")
    assert laptop is not None
    theirs = {
        entry.id
        for book, lines in site.cell.journal.items()
        for entry, _ in lines[start.get(book, 0) :]
        if entry.by == laptop.id
    }
    before = site.state()
    plan = site.plan(device="laptop", since=then)
    site.apply(plan)
    after = site.state()
    assert len(set(ids([after]))) == len(after)
    gone = {row[0] for row in before.values()} - {row[0] for row in after.values()}
    inside = {book for book, lines in site.cell.journal.items() if book in gone}
    touched = theirs | {entry.id for book in inside for entry, _ in site.cell.journal.get(book, [])}
    assert gone <= touched
    site.undo(to=write_moment(plan.latest))
    assert site.state() == before


@pytest.mark.parametrize("seed", range(20))
def test_any_entry_can_be_undone_alone(seed: int) -> None:
    site, dice = Past(), random.Random(2000 + seed)
    for _ in range(50):
        live(site, dice)
    past = site.run(read_past(site.cell, site.home))
    book = dice.choice([site.home, *(e.id for e in past.collections.values() if is_shown(e.data))])
    if book not in site.cell.journal:
        return
    entry = dice.choice([e for e in site.entries(book) if e.kind in {OBJECT, COLLECTION}] or [None])
    if entry is None:
        return
    before = site.state()
    plan = site.plan(entry=f"{book}:{entry.number}")
    outcome = site.apply(plan)
    after = site.state()
    assert len(set(ids([after]))) == len(after)
    if plan.cannot or outcome.left:
        assert outcome.done == 0
        assert after == before
    site.undo(to=write_moment(plan.latest))
    assert site.state() == before

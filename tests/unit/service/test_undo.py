"""Undo to a time: what stood comes back as new entries, and nothing else is touched."""

from __future__ import annotations

import pytest

from fakes.past import Past, counts
from fakes.site import BOOK, HOME, card
from strongroom.base import limits
from strongroom.base.errors import (
    FrozenError,
    InvalidError,
    NoSpaceError,
    NotFoundError,
    UnsureError,
)
from strongroom.formats.moments import write_moment
from strongroom.history.edits import Origin
from strongroom.history.entries import COLLECTION, DEVICE, OBJECT
from strongroom.service import undo, undoing
from strongroom.service.accounts import revoke_device
from strongroom.service.collections import is_shown
from strongroom.service.past import read_past
from strongroom.service.undo import Outcome, Wish, apply_undo, resolved
from strongroom.service.undo_view import show
from strongroom.service.usage import set_quota


@pytest.fixture
def site() -> Past:
    return Past()


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


def test_bytes_that_were_saved_again_leave_nothing_to_undo(site: Past) -> None:
    site.put("a")
    then, since = site.last, site.now
    site.put("a")
    last = site.entries()[-1]

    assert last.etag == last.was_etag
    for wish in (
        {"to": then},
        {"entry": f"{last.collection}:{last.number}"},
        {"device": "phone", "since": since},
    ):
        assert counts(site.plan(**wish)) == {}


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


def test_what_goes_because_something_else_had_its_name_is_told(site: Past) -> None:
    site.put("a", called="Anna")
    before, then = site.state(), site.last
    site.do("MOVE", BOOK + "a", destination=BOOK + "b")
    site.put("a", uid="other", called="Otto")
    site.do("DELETE", HOME + "contacts/b")
    site.put("b", uid="third")
    plan = site.plan(to=then)
    assert counts(plan) == {"create": 1, "remove": 2}
    past = site.run(read_past(site.cell, site.home))
    told = [(one.kind, one.href, one.name) for one in site.run(show(site.cell, past, plan))]
    assert told == [("create", "a", "Anna"), ("remove", "a", "Otto"), ("remove", "b", "Ann")]
    assert site.apply(plan) == Outcome(3, ())
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


def test_what_was_interrupted_goes_on_when_it_is_run_again(site: Past, monkeypatch) -> None:
    for name in "abcde":
        site.put(name)
    before, then = site.state(), site.last
    for name in "abcde":
        site.do("DELETE", BOOK + name)
    monkeypatch.setattr(undo, "BATCH_ENTRIES_MAX", 2)
    plan = site.plan(to=then)

    def full(done: int, _of: int) -> None:
        site.cell.refuse = NoSpaceError() if done == 4 else None

    with pytest.raises(NoSpaceError):
        site.run(apply_undo(site.cell, site.account, plan, "q", full))
    assert site.names() == ["a", "b", "c", "d"]
    site.cell.refuse = None
    assert counts(site.undo(to=then)) == {"create": 1}
    assert site.state() == before


def test_a_quota_bounds_no_undo_and_the_next_write_again(site: Past) -> None:
    site.put("a")
    site.put("b")
    then = site.last
    site.do("DELETE", BOOK + "a")
    site.do("DELETE", BOOK + "b")
    site.run(set_quota(site.cell, "alice", "60", Origin()))
    site.undo(to=then)
    assert site.names() == ["a", "b"]
    assert site.put("c").status == 507


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

"""COPY, MOVE and UIDs as the rule book decides them (RFC 4918 9.8, 9.9; RFC 6352 6.3.2.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from strongroom.base.errors import (
    ClientError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
)
from strongroom.formats.conditions import Precondition
from strongroom.history.decide import NO_UID_CONFLICT, Overlay, Stamp, decide
from strongroom.history.edits import Copy, Edit, Move, Origin, Put, Remove, Together, keys
from strongroom.history.entries import (
    ARRIVED,
    COLLECTION,
    LEFT,
    OBJECT,
    PUT,
    UID,
    Head,
    Key,
    Member,
    Row,
    Tombstone,
    canonical,
    carrier,
    digest_of,
    entry_id,
    uid_key,
    uid_of,
)

HOME, FRIENDS, WORK = 5, 7, 8
ORIGIN = Origin(3, "req", "if: x")
A, B = Key(FRIENDS, OBJECT, "a.vcf"), Key(FRIENDS, OBJECT, "b.vcf")
AT_WORK = Key(WORK, OBJECT, "w.vcf")


class Desk:
    """Rows and heads of one account, and the batches decided on them."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.heads: dict[int, Head] = {}
        self.batch = 0
        for number, name in ((FRIENDS, "friends"), (WORK, "work")):
            key = Key(HOME, COLLECTION, name)
            self.rows[key] = Member(*key, number, 1, "e", '{"type":"addressbook"}', "", 0, 0)

    def view(self, *edits: Edit) -> Overlay:
        asked = {key for edit in edits for key in keys(edit)}
        return Overlay({key: self._seen(key) for key in asked}, self.heads)

    def _seen(self, key: Key) -> Row | None:
        return carrier(self.rows.values(), key) if key.kind == UID else self.rows.get(key)

    def do(self, *edits: Edit) -> Overlay:
        """Decide edits in one batch, as the writer would."""
        view = self.view(*edits)
        self.batch += 1
        for edit in edits:
            decide(view, edit, Stamp(self.batch, 1000 + self.batch))
        for entry in view.entries:
            row = view.row(entry.key)
            assert row is not None
            self.rows[entry.key] = row
        self.heads.update(view.heads)
        return view

    def refused(self, edit: Edit) -> ClientError:
        view = self.view(edit)
        with pytest.raises(ClientError) as caught:
            decide(view, edit, Stamp(self.batch + 1, 0))
        assert view.entries == []
        return caught.value

    def member(self, key: Key) -> Member:
        row = self.rows[key]
        assert isinstance(row, Member)
        return row


def parent(collection: int) -> Key:
    return Key(HOME, COLLECTION, {FRIENDS: "friends", WORK: "work"}[collection])


def put(key: Key, uid: str = "", text: str = "") -> Put:
    data = canonical({"size": 1, **({"uid": uid} if uid else {})})
    body = f"{uid} {text}".encode()
    return Put(key, digest_of(body), data, ORIGIN, parent=parent(key.collection))


def move(source: Key, target: Key, uid: str = "", **rest: Any) -> Move:
    ends = parent(source.collection), parent(target.collection)
    return Move(source, target, uid, True, ORIGIN, Precondition(), *ends, **rest)


def copy(source: Key, target: Key, uid: str = "", **rest: Any) -> Copy:
    ends = parent(source.collection), parent(target.collection)
    return Copy(source, target, uid, True, ORIGIN, Precondition(), *ends, **rest)


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.do(put(A, "ann"))
    return desk


# --- what is asked for --------------------------------------------------------------------------


def test_an_edit_names_all_rows_that_it_needs() -> None:
    both = move(A, AT_WORK, "ann")
    expected = {A, AT_WORK, parent(FRIENDS), parent(WORK), uid_key(WORK, "ann")}
    assert set(keys(both)) == expected == set(keys(copy(A, AT_WORK, "ann")))
    assert set(keys(Move(A, B))) == {A, B}
    assert set(keys(put(A, "ann"))) == {A, parent(FRIENDS), uid_key(FRIENDS, "ann")}
    assert set(keys(put(A))) == {A, parent(FRIENDS)}
    assert set(keys(Put(Key(HOME, COLLECTION, "x"), "e", '{"uid":"ann"}'))) == {
        Key(HOME, COLLECTION, "x")
    }


@pytest.mark.parametrize(
    "data,uid", [("", ""), ("{}", ""), ('{"uid":"x"}', "x"), ('{"size":1,"uid":"\\"é"}', '"é')]
)
def test_the_uid_is_read_from_the_facts(data: str, uid: str) -> None:
    assert uid_of(data) == uid


# --- MOVE ---------------------------------------------------------------------------------------


def test_a_move_is_two_entries_with_one_id_and_one_request(desk: Desk) -> None:
    before = desk.member(A)
    view = desk.do(move(A, AT_WORK, "ann"))
    left, arrived = view.entries
    assert (left.verb, left.key, arrived.verb, arrived.key) == (LEFT, A, ARRIVED, AT_WORK)
    assert left.id == arrived.id == before.id
    assert left.request == arrived.request == "req"
    assert left.condition == arrived.condition == "if: x"
    assert (arrived.etag, arrived.data) == (before.etag, before.data)
    assert (left.was_number, left.was_etag) == (before.number, before.etag)
    assert (arrived.was_number, arrived.was_etag) == (0, "")
    assert desk.rows[A] == Tombstone(*A, before.id, 2)
    assert desk.heads[FRIENDS].members == 0
    assert desk.heads[WORK].members == 1


def test_a_move_inside_a_collection_has_two_numbers(desk: Desk) -> None:
    view = desk.do(move(A, B, "ann"))
    assert [entry.number for entry in view.entries] == [2, 3]
    assert desk.heads[FRIENDS].members == 1


def test_a_move_onto_a_name_replaces_what_stands_there(desk: Desk) -> None:
    desk.do(put(AT_WORK, "ann", "old"))
    old = desk.member(AT_WORK)
    view = desk.do(move(A, AT_WORK, "ann"))
    arrived = view.entries[1]
    assert (arrived.was_number, arrived.was_etag) == (old.number, old.etag)
    assert desk.member(AT_WORK).id == arrived.id != old.id
    assert desk.heads[WORK].members == 1


def test_a_move_onto_a_name_that_is_gone_takes_its_tombstone_as_pre_image(desk: Desk) -> None:
    desk.do(put(AT_WORK, "other"))
    desk.do(Remove(AT_WORK))
    view = desk.do(move(A, AT_WORK, "ann"))
    assert (view.entries[1].was_number, view.entries[1].was_etag) == (2, "")


def test_a_move_gives_both_rows_so_that_a_book_follows_it() -> None:
    desk = Desk()
    source, target = parent(FRIENDS), Key(HOME, COLLECTION, "mates")
    edit = Move(source, target)
    rows = decide(desk.view(edit), edit, Stamp(1, 1))
    assert [(type(row), row.key, row.id) for row in rows] == [
        (Member, target, FRIENDS),
        (Tombstone, source, FRIENDS),
    ]


def test_a_move_repeated_by_the_same_device_ends_like_the_first(desk: Desk) -> None:
    """I1: its first answer was lost; what it asked for stands, so nothing more happens."""
    once = replace(
        move(A, AT_WORK, "ann"), when=Precondition(match=frozenset({desk.member(A).etag}))
    )
    strict = replace(once, overwrite=False)
    desk.do(once)
    for again in (once, strict):
        view = desk.view(again)
        rows = decide(view, again, Stamp(9, 9))
        assert (rows, view.entries) == ((desk.rows[AT_WORK], desk.rows[A]), [])


def test_only_the_same_move_of_the_same_device_is_a_repeated_one(desk: Desk) -> None:
    once = move(A, AT_WORK, "ann")
    desk.do(put(B, "ben"), once)
    other_device = replace(once, origin=Origin(8, "req"))
    nothing_there = move(A, Key(WORK, OBJECT, "free.vcf"), "ann")
    another_there = move(A, B, "ann")
    never_there = move(Key(FRIENDS, OBJECT, "never.vcf"), AT_WORK, "ann")
    for edit in (
        other_device,
        nothing_there,
        another_there,
        never_there,
        copy(A, AT_WORK, "ann"),
    ):
        assert isinstance(desk.refused(edit), NotFoundError), edit
    desk.do(Remove(AT_WORK))
    assert isinstance(desk.refused(once), NotFoundError)


# --- COPY ---------------------------------------------------------------------------------------


def test_a_copy_is_a_thing_of_its_own(desk: Desk) -> None:
    view = desk.do(copy(A, AT_WORK, "ann"))
    (entry,) = view.entries
    source = desk.member(A)
    assert (entry.verb, entry.id) == (PUT, entry_id(2, 0))
    assert (entry.etag, entry.data, entry.request) == (source.etag, source.data, "req")


def test_a_copy_onto_a_name_is_an_update_of_what_stands_there(desk: Desk) -> None:
    desk.do(put(AT_WORK, "ann", "old"))
    old = desk.member(AT_WORK)
    desk.do(copy(A, AT_WORK, "ann"))
    new = desk.member(AT_WORK)
    assert (new.id, new.etag) == (old.id, desk.member(A).etag)


# --- what both refuse ---------------------------------------------------------------------------


@pytest.mark.parametrize("make", [move, copy])
def test_what_cannot_be_moved_or_copied_changes_nothing(desk: Desk, make: Any) -> None:
    gone = Key(HOME, COLLECTION, "gone")
    desk.do(put(AT_WORK, "work"))
    kind = type(make(A, B))
    no, wrong = Precondition(match=frozenset({"other"})), {"overwrite": False}
    free = Key(WORK, OBJECT, "free.vcf")
    for edit, error in (
        (kind(A, A), ForbiddenError),
        (kind(B, free, "ann"), NotFoundError),
        (kind(A, free, "ann", when=no), PreconditionError),
        (kind(A, AT_WORK, "ann", **wrong), PreconditionError),
        (kind(A, free, "changed meanwhile"), PreconditionError),
        (kind(A, free, "ann", source_parent=gone), ConflictError),
        (kind(A, free, "ann", target_parent=gone), ConflictError),
        (kind(A, free, "ann", target_parent=parent(FRIENDS)), ConflictError),
    ):
        assert isinstance(desk.refused(edit), error), edit
    desk.do(kind(A, free, "ann", **wrong))  # nothing stands there: not overwriting is no matter


# --- UIDs ---------------------------------------------------------------------------------------


def conflict(desk: Desk, edit: Edit) -> str:
    error = desk.refused(edit)
    assert isinstance(error, InvalidError)
    assert error.condition == NO_UID_CONFLICT
    return error.href


def test_a_uid_that_another_card_of_the_book_has_is_refused(desk: Desk) -> None:
    desk.do(put(B, "ben"), put(AT_WORK, "ann"))
    assert conflict(desk, put(Key(FRIENDS, OBJECT, "c.vcf"), "ann")) == "a.vcf"
    assert conflict(desk, put(B, "ann")) == "a.vcf"
    assert conflict(desk, copy(A, Key(FRIENDS, OBJECT, "c.vcf"), "ann")) == "a.vcf"
    assert conflict(desk, copy(A, Key(WORK, OBJECT, "c.vcf"), "ann")) == "w.vcf"
    assert conflict(desk, move(A, Key(WORK, OBJECT, "c.vcf"), "ann")) == "w.vcf"


def test_a_card_keeps_its_uid(desk: Desk) -> None:
    desk.do(put(B, "ben"), put(AT_WORK, "wendy"))
    assert conflict(desk, put(A, "anna")) == "a.vcf"
    assert conflict(desk, move(B, A, "ben")) == "a.vcf"
    assert conflict(desk, move(B, AT_WORK, "ben")) == "w.vcf"
    assert conflict(desk, copy(A, AT_WORK, "ann")) == "w.vcf"


def test_the_same_uid_as_a_uri_is_no_other(desk: Desk) -> None:
    desk.do(put(A, "urn:uuid:ANN", "as 4.0"))
    desk.do(put(A, "ann", "as 3.0"))


def test_what_keeps_its_uid_is_no_conflict(desk: Desk) -> None:
    desk.do(put(A, "ann", "again"))
    desk.do(put(B), put(B, "ben"), put(B, "ben", "again"))


def test_two_of_an_old_history_can_both_be_written(desk: Desk) -> None:
    """Nothing refused a second card of one UID before this rule was there."""
    row = desk.member(A)
    desk.rows[B] = row._replace(href="b.vcf", id=77, number=9)
    desk.do(put(A, "ann", "again"))
    view = desk.view(edit := put(B, "ann", "again"))
    view._base = {FRIENDS: desk.heads[FRIENDS]}
    decide(view, edit, Stamp(9, 9))


def test_history_does_not_conflict(desk: Desk) -> None:
    desk.do(Remove(A))
    desk.do(put(B, "ann"))
    desk.do(move(B, AT_WORK, "ann"))
    desk.do(put(A, "ann"))


def test_a_uid_is_followed_inside_a_batch(desk: Desk) -> None:
    c = Key(FRIENDS, OBJECT, "c.vcf")
    view = desk.view(put(B, "new"), put(c, "new"))
    decide(view, put(B, "new"), Stamp(2, 2))
    with pytest.raises(InvalidError) as caught:
        decide(view, put(c, "new"), Stamp(2, 2))
    assert caught.value.href == "b.vcf"

    desk.do(Remove(A), put(B, "ann"))
    desk.do(move(B, A, "ann"), put(c, "carl"), put(B, "ben"))
    assert conflict(desk, put(Key(FRIENDS, OBJECT, "d.vcf"), "ann")) == "a.vcf"


def test_what_is_refused_together_leaves_no_trace(desk: Desk) -> None:
    both = Together((put(B, "new"), put(Key(FRIENDS, OBJECT, "c.vcf"), "new")))
    assert conflict(desk, both) == "b.vcf"
    desk.do(put(B, "new"))

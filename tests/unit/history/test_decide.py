"""The rule book: what becomes of an edit, given what stands."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.base.errors import (
    ClientError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    TooLargeError,
)
from strongroom.base.limits import PROPERTIES_BYTES_MAX
from strongroom.formats.conditions import Precondition
from strongroom.history.decide import Overlay, Stamp, decide
from strongroom.history.edits import (
    AddAccount,
    Copy,
    Edit,
    Move,
    Origin,
    Put,
    Remove,
    SetProps,
    SkipNumbers,
    Together,
    account_key,
    keys,
)
from strongroom.history.entries import (
    ARRIVED,
    COLLECTION,
    DELETE,
    GAP,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Key,
    Member,
    Row,
    Tombstone,
    canonical,
    digest_of,
    entry_id,
    uid_key,
    uid_of,
)

BOOK = 77
A, B = Key(BOOK, OBJECT, "a.vcf"), Key(BOOK, OBJECT, "b.vcf")
PARENT = Key(5, COLLECTION, "contacts")
PHONE = Origin(7, "q1", "If-Match: x")


class Desk:
    """A view that knows every row that an edit asks for."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self.heads: dict[int, Any] = {}
        self.batch = 0
        self.view = Overlay({}, {})

    def do(self, edit: Edit) -> tuple[Row, ...]:
        """Decide one edit as a batch of its own."""
        self.batch += 1
        wanted: dict[Key, Row | None] = {key: self.find(key) for key in keys(edit)}
        self.view = Overlay(wanted, self.heads)
        left = decide(self.view, edit, Stamp(self.batch, 1000 + self.batch))
        for entry in self.view.entries:
            row = self.view._rows.get(entry.key)
            if row is not None:
                self.rows[entry.key] = row
        self.heads.update(self.view.heads)
        return left

    def find(self, key: Key) -> Row | None:
        """Give a row; a UID is carried by whatever member has it."""
        for row in self.rows.values():
            carries = isinstance(row, Member) and uid_key(row.collection, uid_of(row.data))
            if row.kind == OBJECT and key == carries:
                return row
        return self.rows.get(key)

    def refused(self, edit: Edit, error: type[ClientError]) -> None:
        """Insist on a refusal that leaves nothing."""
        with pytest.raises(error):
            self.do(edit)
        assert self.view.entries == []
        assert self.view.heads == {}


def put(key: Key = A, body: str = "1", uid: str = "", **more: Any) -> Put:
    data = canonical({"size": len(body), **({"uid": uid} if uid else {})})
    return Put(key, digest_of(body.encode()), data, more.pop("origin", PHONE), **more)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_new_name_gets_an_id_and_the_first_number(desk: Desk) -> None:
    (row,) = desk.do(put())
    assert isinstance(row, Member)
    assert (row.number, row.id, row.by, row.at) == (1, entry_id(1, 0), 7, 1001)
    (entry,) = desk.view.entries
    assert (entry.verb, entry.was_number, entry.was_etag) == (PUT, 0, "")
    assert (entry.request, entry.condition) == ("q1", "If-Match: x")


def test_replacing_keeps_the_id_and_carries_the_pre_image(desk: Desk) -> None:
    (first,) = desk.do(put())
    (second,) = desk.do(put(body="22"))
    assert second.id == first.id
    (entry,) = desk.view.entries
    assert isinstance(first, Member)
    assert (entry.was_number, entry.was_etag) == (first.number, first.etag)


@pytest.mark.parametrize("etag", [None, digest_of(b"1")])
def test_the_same_bytes_of_an_object_again_make_an_entry(desk: Desk, etag: str | None) -> None:
    """The owner saved it: each device is told, and the ETag stays."""
    (first,) = desk.do(put())
    when = Precondition(match=None if etag is None else frozenset({etag}))
    (again,) = desk.do(put(when=when, origin=Origin(8)))
    assert isinstance(first, Member)
    assert again == first._replace(number=2, at=1002, by=8)
    (entry,) = desk.view.entries
    assert (entry.verb, entry.etag, entry.was_etag) == (PUT, first.etag, first.etag)


def test_the_same_words_of_any_other_member_again_make_no_entry(desk: Desk) -> None:
    again = Put(PARENT, digest_of(b"1"), canonical({}), PHONE)
    rows = desk.do(again)
    assert desk.do(again) == rows
    assert desk.view.entries == []


def test_same_bytes_with_other_facts_make_an_entry(desk: Desk) -> None:
    desk.do(put())
    desk.do(Put(A, digest_of(b"1"), canonical({"size": 1, "type": "x"}), PHONE))
    assert [e.verb for e in desk.view.entries] == [PUT]


def test_put_keeps_properties_unless_it_brings_its_own(desk: Desk) -> None:
    desk.do(put(props=canonical({"{x}a": "1"})))
    (kept,) = desk.do(put(body="2"))
    (new,) = desk.do(put(body="2", props=""))
    assert isinstance(kept, Member)
    assert isinstance(new, Member)
    assert (kept.properties, new.properties) == ({"{x}a": "1"}, {})


def test_condition_that_does_not_hold_is_refused(desk: Desk) -> None:
    desk.refused(put(when=Precondition(must_exist=True)), PreconditionError)
    desk.do(put())
    desk.refused(put(body="2", when=Precondition(must_exist=False)), PreconditionError)
    desk.refused(put(body="2", when=Precondition(match=frozenset({"x"}))), PreconditionError)
    desk.refused(Remove(A, PHONE, Precondition(match=frozenset({"x"}))), PreconditionError)


def test_repeated_request_of_the_same_device_finds_its_own_bytes(desk: Desk) -> None:
    once = put(when=Precondition(must_exist=False))
    rows = desk.do(once)
    assert desk.do(once) == rows
    other = put(when=Precondition(must_exist=False), origin=Origin(8))
    desk.refused(other, PreconditionError)


def test_delete_leaves_a_tombstone_and_is_refused_twice(desk: Desk) -> None:
    (member,) = desk.do(put())
    (stone,) = desk.do(Remove(A, PHONE))
    assert stone == Tombstone(*A, member.id, 2)
    assert desk.view.entries[0].verb == DELETE
    desk.refused(Remove(A, PHONE), NotFoundError)
    (again,) = desk.do(put())
    assert again.id != member.id
    assert desk.view.entries[0].was_number == 2
    assert desk.view.entries[0].was_etag == ""


def test_edit_of_a_collection_that_is_gone_or_another_is_refused(desk: Desk) -> None:
    desk.refused(put(parent=PARENT), ConflictError)
    data = canonical({})
    desk.rows[PARENT] = Member(*PARENT, BOOK, 1, digest_of(data.encode()), data, "", 0, 0)
    desk.do(put(parent=PARENT))
    desk.rows[PARENT] = Member(*PARENT, BOOK + 1, 1, digest_of(data.encode()), data, "", 0, 0)
    desk.refused(put(body="2", parent=PARENT), ConflictError)


def test_properties_are_set_removed_and_limited(desk: Desk) -> None:
    desk.refused(SetProps(A, (("{x}a", "1"),), PHONE), NotFoundError)
    desk.do(put())
    (row,) = desk.do(SetProps(A, (("{x}a", "1"), ("{x}b", "2"), ("{x}a", None)), PHONE))
    assert isinstance(row, Member)
    assert row.properties == {"{x}b": "2"}
    assert desk.view.entries[0].verb == PROPS
    assert desk.do(SetProps(A, (("{x}c", None),), PHONE)) == (row,)
    assert desk.view.entries == []
    (bare,) = desk.do(SetProps(A, (("{x}b", None),), PHONE))
    assert isinstance(bare, Member)
    assert bare.props == ""
    desk.refused(SetProps(A, (("{x}d", "x" * PROPERTIES_BYTES_MAX),), PHONE), TooLargeError)


def test_a_member_can_be_told_of_again_with_nothing_changed(desk: Desk) -> None:
    """History.md D3, rule 3: a card whose bytes a phone could not have."""
    desk.refused(SetProps(A, (), PHONE, again=True), NotFoundError)
    (first,) = desk.do(put())
    (again,) = desk.do(SetProps(A, (), PHONE, again=True))
    assert isinstance(first, Member)
    assert again == first._replace(number=first.number + 1, at=again.at)  # type: ignore[union-attr]
    assert [entry.verb for entry in desk.view.entries] == [PROPS]


def test_account_comes_with_its_home_and_collections(desk: Desk) -> None:
    books = (("contacts", "{}", ""),)
    edit = AddAccount("alice", canonical({"key": "00"}), books, PHONE, props='{"a":"b"}')
    account, book = desk.do(edit)
    assert isinstance(account, Member)
    assert account.properties == {"a": "b"}
    assert (account.key, book.collection) == (account_key("alice"), account.id)
    assert account.id == entry_id(1, 0)
    assert book.id == entry_id(1, 1)
    desk.refused(edit, ConflictError)


def test_numbers_are_skipped_ahead_only(desk: Desk) -> None:
    desk.do(put())
    assert desk.do(SkipNumbers(BOOK, 9, PHONE)) == ()
    assert desk.view.entries[0].verb == GAP
    desk.refused(SkipNumbers(BOOK, 9, PHONE), InvalidError)
    (row,) = desk.do(put(B))
    assert row.number == 10


def test_edits_together_happen_all_or_not_at_all(desk: Desk) -> None:
    assert len(desk.do(Together((put(A), put(B))))) == 2
    assert [e.number for e in desk.view.entries] == [1, 2]
    missing = Key(BOOK, OBJECT, "c.vcf")
    desk.refused(Together((put(A, "2"), Remove(missing, PHONE))), NotFoundError)


def test_each_edit_of_a_batch_sees_those_before_it() -> None:
    view = Overlay({A: None, B: None}, {})
    decide(view, put(A), Stamp(1, 1))
    decide(view, Remove(A, PHONE), Stamp(1, 1))
    with pytest.raises(NotFoundError):
        decide(view, Remove(A, PHONE), Stamp(1, 1))
    assert [e.number for e in view.entries] == [1, 2]


def test_row_that_nobody_asked_for_is_our_mistake() -> None:
    with pytest.raises(KeyError):
        decide(Overlay({}, {}), put(A), Stamp(1, 1))


# --- UIDs ---------------------------------------------------------------------------------------


def test_uid_is_carried_by_one_object_of_a_collection(desk: Desk) -> None:
    desk.do(put(A, uid="u1"))
    desk.do(put(A, "2", uid="u1"))
    with pytest.raises(InvalidError) as refusal:
        desk.do(put(B, uid="u1"))
    assert refusal.value.condition.endswith("no-uid-conflict")
    desk.do(Remove(A, PHONE))
    desk.do(put(B, uid="u1"))


def test_card_keeps_its_uid_but_may_write_it_as_a_uri(desk: Desk) -> None:
    desk.do(put(A, uid="U1"))
    desk.do(put(A, "2", uid="urn:uuid:u1"))
    desk.refused(put(A, "3", uid="other"), InvalidError)


def test_uid_freed_in_the_same_batch_may_be_taken(desk: Desk) -> None:
    desk.do(put(A, uid="u1"))
    desk.do(Together((Remove(A, PHONE), put(B, uid="u1"))))
    assert [e.verb for e in desk.view.entries] == [DELETE, PUT]
    desk.refused(
        Together((Remove(B, PHONE), put(A, uid="u2"), put(B, "2", uid="u2"))), InvalidError
    )


# --- COPY and MOVE ------------------------------------------------------------------------------


def test_move_keeps_the_id_and_is_two_entries_of_one_request(desk: Desk) -> None:
    (before,) = desk.do(put(A, uid="u1"))
    arrived, stone = desk.do(Move(A, B, "u1", origin=PHONE))
    assert isinstance(arrived, Member)
    assert isinstance(stone, Tombstone)
    assert (arrived.key, arrived.id) == (B, before.id)
    assert [e.verb for e in desk.view.entries] == [LEFT, ARRIVED]
    assert len({e.request for e in desk.view.entries}) == 1


def test_copy_is_a_thing_of_its_own(desk: Desk) -> None:
    (before,) = desk.do(put(A))
    (copy,) = desk.do(Copy(A, B, origin=PHONE))
    assert copy.id != before.id
    assert isinstance(before, Member)
    assert isinstance(copy, Member)
    assert copy.etag == before.etag
    (again,) = desk.do(Copy(A, B, origin=PHONE))
    assert again.id == copy.id


@pytest.mark.parametrize("act", [Copy, Move])
def test_copy_and_move_are_refused_for_cause(desk: Desk, act: type[Copy | Move]) -> None:
    desk.refused(act(A, A, origin=PHONE), ForbiddenError)
    desk.refused(act(A, B, origin=PHONE), NotFoundError)
    desk.do(put(A, uid="u1"))
    desk.refused(act(A, B, "old", origin=PHONE), PreconditionError)
    gone = Precondition(match=frozenset({"x"}))
    desk.refused(act(A, B, "u1", origin=PHONE, when=gone), PreconditionError)
    desk.refused(act(A, B, "u1", origin=PHONE, source_parent=PARENT), ConflictError)
    desk.refused(act(A, B, "u1", origin=PHONE, target_parent=PARENT), ConflictError)
    desk.do(put(B, "2", uid="u2"))
    desk.refused(act(A, B, "u1", overwrite=False, origin=PHONE), PreconditionError)


def test_copy_into_the_same_collection_would_double_the_uid(desk: Desk) -> None:
    desk.do(put(A, uid="u1"))
    desk.refused(Copy(A, B, "u1", origin=PHONE), InvalidError)


def test_move_over_an_object_replaces_it(desk: Desk) -> None:
    desk.do(put(A))
    (old,) = desk.do(put(B, "2"))
    desk.do(Move(A, B, origin=PHONE))
    left, arrived = desk.view.entries
    assert arrived.was_number == old.number
    assert left.was_etag == digest_of(b"1")


def test_an_edit_names_the_rows_it_must_see() -> None:
    assert keys(SkipNumbers(BOOK, 3)) == ()
    assert keys(AddAccount("alice", "{}", ())) == (account_key("alice"),)
    assert keys(Together((put(A), Remove(B, parent=PARENT)))) == (A, B, PARENT)
    assert set(keys(Move(A, B, source_parent=PARENT))) == {A, B, PARENT}

"""Restore: names show again what they once showed, all together; ids and MOVEs survive (I2, I6)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.cell import FakeCell
from strongroom.base.errors import ClientError, ConflictError, InvalidError, PreconditionError
from strongroom.history.decide import NO_UID_CONFLICT
from strongroom.history.edits import (
    AddAccount,
    Edit,
    Move,
    Origin,
    Put,
    Remove,
    Restore,
    Seen,
    SetProps,
    Together,
    Wanted,
    entries_of,
)
from strongroom.history.entries import (
    ARRIVED,
    COLLECTION,
    DELETE,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Entry,
    Key,
    Member,
    Row,
    canonical,
    digest_of,
    entry_id,
)

HOME = 5
ORIGIN = Origin(0, "command undo", "undo to yesterday")


class Desk:
    """A home with two books, friends and work, and cards a, b in the first."""

    def __init__(self) -> None:
        self.cell = FakeCell()
        self.books = {}
        for name in ("friends", "work"):
            self.books[name] = self.do(Put(Key(HOME, COLLECTION, name), name, '{"type":"x"}'))[0]
        self.a, self.b = self.key("a"), self.key("b")

    def key(self, name: str, book: str = "friends") -> Key:
        return Key(self.books[book].id, OBJECT, name)

    def do(self, edit: Edit) -> tuple[Row, ...]:
        return asyncio.run(self.cell.submit(edit, {}))

    def put(self, key: Key, text: str = "1", uid: str = "") -> Member:
        data = canonical({"size": len(text), **({"uid": uid} if uid else {})})
        row = self.do(Put(key, digest_of(text.encode()), data, Origin(7, "q")))[0]
        assert isinstance(row, Member)
        return row

    def remove(self, key: Key) -> None:
        self.do(Remove(key))

    def row(self, key: Key) -> Row | None:
        return self.cell.table.get(key)

    def seen(self, *keys: Key) -> tuple[Seen, ...]:
        rows = [(key, self.row(key)) for key in keys]
        return tuple(Seen(key, row.number if row else 0) for key, row in rows)

    def wanted(self, member: Member, **changes: Any) -> Wanted:
        book = next((b for b in self.books.values() if b.id == member.collection), None)
        parent = book.key if book else None
        one = Wanted(member.key, member.id, member.etag, member.data, member.props, parent)
        return one._replace(**changes)

    def restore(self, seen: tuple[Seen, ...], *wanted: Wanted) -> list[Entry]:
        """Give the entries that came of it, of all journals, in their order."""
        before = {c: len(lines) for c, lines in self.cell.journal.items()}
        self.do(Restore(seen, wanted, ORIGIN))
        return [
            entry
            for collection, lines in self.cell.journal.items()
            for entry, _ in lines[before.get(collection, 0) :]
        ]

    def refused(self, error: type[ClientError], seen: tuple[Seen, ...], *wanted: Wanted) -> Any:
        table, heads = dict(self.cell.table), dict(self.cell.heads)
        with pytest.raises(error) as caught:
            self.restore(seen, *wanted)
        assert (self.cell.table, self.cell.heads) == (table, heads)
        return caught.value


@pytest.fixture
def desk() -> Desk:
    return Desk()


def verbs(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.verb, entry.href) for entry in entries]


def test_what_is_told_of_the_same_bytes_is_no_change_of_them(desk: Desk) -> None:
    """So scrub tells anew when something happens (service.retelling)."""
    old = desk.put(desk.a)
    data = old.data.replace('{"', '{"and":1,"', 1)
    (entry,) = desk.restore(desk.seen(desk.a), desk.wanted(old._replace(data=data)))
    assert (entry.verb, entry.id, entry.etag, entry.was_etag) == (PROPS, old.id, old.etag, old.etag)
    stands = desk.row(desk.a)
    assert isinstance(stands, Member)
    assert (stands.data, stands.props) == (data, old.props)


def test_what_was_deleted_comes_back_with_its_id(desk: Desk) -> None:
    old = desk.put(desk.a)
    desk.remove(desk.a)
    (entry,) = desk.restore(desk.seen(desk.a), desk.wanted(old))
    assert (entry.verb, entry.id, entry.condition, entry.by) == (PUT, old.id, ORIGIN.condition, 0)
    back = desk.row(desk.a)
    assert isinstance(back, Member)
    assert (back.id, back.etag, back.data) == (old.id, old.etag, old.data)


def test_a_name_that_nothing_is_wanted_under_becomes_empty(desk: Desk) -> None:
    desk.put(desk.a)
    assert verbs(desk.restore(desk.seen(desk.a))) == [(DELETE, "a")]
    assert desk.restore(desk.seen(desk.a)) == []


def test_an_old_version_comes_back_and_one_that_stands_stays(desk: Desk) -> None:
    old = desk.put(desk.a, "old")
    new = desk.put(desk.a, "new")
    assert desk.restore(desk.seen(desk.a), desk.wanted(new)) == []
    (entry,) = desk.restore(desk.seen(desk.a), desk.wanted(old))
    assert (entry.verb, entry.id, entry.etag, entry.was_etag) == (PUT, old.id, old.etag, new.etag)


def test_properties_alone_are_no_new_version(desk: Desk) -> None:
    old = desk.put(desk.a)
    desk.do(SetProps(desk.a, (("{u:}x", "<x/>"),)))
    (entry,) = desk.restore(desk.seen(desk.a), desk.wanted(old))
    assert (entry.verb, entry.props) == (PROPS, "")


@pytest.mark.parametrize("change", ["put", "remove", "props"])
def test_what_changed_since_it_was_looked_at_is_left_alone(desk: Desk, change: str) -> None:
    old = desk.put(desk.a, "old")
    desk.put(desk.a, "new")
    other = desk.put(desk.b)
    seen = desk.seen(desk.a, desk.b)
    if change == "put":
        desk.put(desk.a, "newer")
    elif change == "remove":
        desk.remove(desk.a)
    else:
        desk.do(SetProps(desk.a, (), again=True))
    error = desk.refused(PreconditionError, seen, desk.wanted(old), desk.wanted(other))
    assert "a was changed" in str(error)


def test_a_name_that_was_free_must_still_be(desk: Desk) -> None:
    seen = desk.seen(desk.a)
    desk.put(desk.a)
    desk.refused(PreconditionError, seen)


def test_a_move_goes_back_as_a_move_across_collections(desk: Desk) -> None:
    old = desk.put(desk.a, uid="u")
    there = desk.key("w", "work")
    desk.do(Move(desk.a, there, "u"))
    entries = desk.restore(desk.seen(desk.a, there), desk.wanted(old))
    assert sorted(verbs(entries)) == [(ARRIVED, "a"), (LEFT, "w")]
    assert {(entry.id, entry.request) for entry in entries} == {(old.id, "command undo")}
    assert isinstance(desk.row(desk.a), Member)


def test_what_changed_after_its_move_goes_back_and_is_then_put(desk: Desk) -> None:
    old = desk.put(desk.a, "old")
    desk.do(Move(desk.a, desk.b))
    desk.put(desk.b, "new")
    entries = desk.restore(desk.seen(desk.a, desk.b), desk.wanted(old))
    assert verbs(entries) == [(LEFT, "b"), (ARRIVED, "a"), (PUT, "a")]
    back = desk.row(desk.a)
    assert isinstance(back, Member)
    assert (back.id, back.etag) == (old.id, old.etag)


def test_names_can_be_swapped(desk: Desk) -> None:
    a, b = desk.put(desk.a, "a", uid="ua"), desk.put(desk.b, "b", uid="ub")
    seen = desk.seen(desk.a, desk.b)
    desk.restore(seen, desk.wanted(a, key=desk.b), desk.wanted(b, key=desk.a))
    rows = [desk.row(desk.a), desk.row(desk.b)]
    assert [row.id for row in rows if row] == [b.id, a.id]


def test_what_a_move_destroyed_comes_back_beside_what_moved(desk: Desk) -> None:
    a, b = desk.put(desk.a, "a"), desk.put(desk.b, "b")
    desk.do(Move(desk.a, desk.b))
    desk.restore(desk.seen(desk.a, desk.b), desk.wanted(a), desk.wanted(b))
    rows = [desk.row(desk.a), desk.row(desk.b)]
    assert [(row.id, row.etag) for row in rows if isinstance(row, Member)] == [
        (a.id, a.etag), (b.id, b.etag),
    ]  # fmt: skip


def test_what_goes_is_gone_before_what_has_its_uid_comes_back(desk: Desk) -> None:
    old = desk.put(desk.a, "old", uid="u")
    desk.remove(desk.a)
    desk.put(desk.b, "again", uid="u")
    entries = desk.restore(desk.seen(desk.a, desk.b), desk.wanted(old))
    assert verbs(entries) == [(DELETE, "b"), (PUT, "a")]


def test_a_uid_that_another_card_carries_now_is_a_conflict(desk: Desk) -> None:
    old = desk.put(desk.a, "old", uid="u")
    desk.remove(desk.a)
    desk.put(desk.b, "again", uid="u")
    error = desk.refused(InvalidError, desk.seen(desk.a), desk.wanted(old))
    assert (error.condition, error.href) == (NO_UID_CONFLICT, "b")


def test_a_uid_of_the_past_is_none(desk: Desk) -> None:
    old = desk.put(desk.a, "old", uid="u")
    desk.remove(desk.a)
    desk.put(desk.b, "again", uid="u")
    desk.remove(desk.b)
    desk.restore(desk.seen(desk.a), desk.wanted(old))


def test_a_collection_comes_back_with_its_id_and_what_is_in_it(desk: Desk) -> None:
    book = desk.books["friends"]
    desk.put(desk.a)
    desk.remove(book.key)
    head = desk.cell.head(book.id)
    (entry,) = desk.restore(desk.seen(book.key), desk.wanted(book))
    assert (entry.verb, entry.id, desk.cell.head(book.id)) == (PUT, book.id, head)
    assert desk.cell.directory.collection(HOME, "friends") == desk.row(book.key)


def test_nothing_comes_back_into_a_collection_that_is_gone(desk: Desk) -> None:
    old = desk.put(desk.a)
    desk.remove(desk.a)
    desk.remove(desk.books["friends"].key)
    desk.refused(ConflictError, desk.seen(desk.a), desk.wanted(old))


def test_an_id_never_comes_to_stand_twice(desk: Desk) -> None:
    old = desk.put(desk.a)
    seen = desk.seen(desk.a, desk.b)
    twice = desk.wanted(old, key=desk.b)
    desk.refused(InvalidError, seen, desk.wanted(old), twice)
    desk.refused(InvalidError, seen, desk.wanted(old), desk.wanted(old))
    desk.refused(InvalidError, desk.seen(desk.b), desk.wanted(old))
    first_new = entry_id(desk.cell.batch + 1, 0)
    desk.refused(InvalidError, seen, twice._replace(id=first_new))
    desk.restore(seen, twice)


def test_each_edit_says_how_many_entries_it_makes_at_most(desk: Desk) -> None:
    old = desk.put(desk.a, "old")
    desk.do(Move(desk.a, desk.b))
    desk.put(desk.b, "new")
    edit = Restore(desk.seen(desk.a, desk.b), (desk.wanted(old),))
    put, move = Put(desk.a, "e", "{}"), Move(desk.a, desk.b)
    account = AddAccount("ann", "{}", (("contacts", "{}", ""),))
    assert [entries_of(one) for one in (put, move, account, edit)] == [1, 2, 2, 4]
    assert entries_of(Together((put, put))) == 2
    assert len(desk.restore(edit.seen, *edit.wanted)) <= entries_of(edit)

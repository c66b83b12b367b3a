"""Undo beside phones that go on writing: what is read is of one moment (I4)."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.past import Past, counts
from fakes.site import HOME
from strongroom.base.errors import UnsureError
from strongroom.history.edits import Move, Put
from strongroom.history.entries import COLLECTION, OBJECT, Key
from strongroom.service import undo
from strongroom.service.collections import ADDRESSBOOK_DATA


@pytest.fixture
def site() -> Past:
    return Past()


def test_a_move_while_the_journals_are_read_is_never_seen_by_halves(site: Past) -> None:
    """Its arrival alone would look like something new, that is to be removed."""
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    then = site.last
    site.put("b")
    work = site.cell.directory.collection(site.home, "work")
    assert work is not None
    read, key = site.cell.changes, Key(site.book.id, OBJECT, "a")
    moves = [Move(key, Key(work.id, OBJECT, "w"), "a")]

    async def changes(collection: int, *more: Any) -> Any:
        if collection == work.id and moves:
            await site.cell.submit(moves.pop(), {})
        return await read(collection, *more)

    site.cell.changes = changes  # type: ignore[method-assign]
    plan = site.plan(to=then)
    assert [one.href for unit in plan.units for one, *_ in unit.names] == ["b"]
    site.apply(plan)
    assert site.names("work") == ["w"]


def test_a_collection_that_is_made_meanwhile_is_read_too(site: Past) -> None:
    site.put("a")
    then = site.last
    read, key, work = (
        site.cell.changes,
        Key(site.book.id, OBJECT, "a"),
        Key(site.home, COLLECTION, "w"),
    )
    made: list[int] = []

    async def changes(collection: int, *more: Any) -> Any:
        part = await read(collection, *more)
        if collection == site.home and not made:
            book = (await site.cell.submit(Put(work, "e", ADDRESSBOOK_DATA), {}))[0]
            made.append(book.id)
            await site.cell.submit(Move(key, Key(book.id, OBJECT, "a"), "a"), {})
        return part

    site.cell.changes = changes  # type: ignore[method-assign]
    assert counts(site.undo(to=then)) == {"move": 1, "remove": 1}
    assert site.names() == ["a"]


def test_a_home_that_never_rests_is_unsure(site: Past, monkeypatch) -> None:
    monkeypatch.setattr(undo, "_TRIES", 0)
    with pytest.raises(UnsureError):
        site.plan(to=site.last)

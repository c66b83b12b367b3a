"""Restore on three replicas: all hold the same, the directory follows, and an opening reads it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fakes.mirror import Stage
from strongroom.base.errors import PreconditionError
from strongroom.history.edits import Put, Remove, Restore, Seen, Wanted
from strongroom.history.entries import COLLECTION, OBJECT, Key, Member, canonical, digest_of
from strongroom.mirror.cell import MirrorCell

Scene = Callable[[Stage, MirrorCell], Awaitable[None]]


def play(scene: Scene) -> None:
    async def whole() -> None:
        stage = Stage()
        cell = await stage.begin()
        try:
            await scene(stage, cell)
            await asyncio.sleep(0.1)
            rows = [stage.memory(index).state.rows for index in range(3)]
            assert rows[0] == rows[1] == rows[2]
        finally:
            await cell.close()

    asyncio.run(whole())


async def put(stage: Stage, cell: MirrorCell, name: str, uid: str) -> Member:
    body = f"{name} {uid}".encode()
    data = canonical({"size": len(body), "uid": uid})
    parent = Key(stage.home, COLLECTION, "contacts")
    edit = Put(stage.key(name), digest_of(body), data, parent=parent)
    row = (await cell.submit(edit, {edit.etag: body}))[0]
    assert isinstance(row, Member)
    return row


def wanted(member: Member, stage: Stage, key: Key | None = None) -> Wanted:
    parent = Key(stage.home, COLLECTION, "contacts") if member.kind == OBJECT else None
    content = (member.etag, member.data, member.props)
    return Wanted(key or member.key, member.id, *content, parent)


def test_a_removed_book_comes_back_with_its_cards_and_its_journal() -> None:
    async def scene(stage: Stage, cell: MirrorCell) -> None:
        await put(stage, cell, "a.vcf", "ann")
        book = cell.directory.collection(stage.home, "contacts")
        assert book is not None
        gone = (await cell.submit(Remove(book.key), {}))[0]
        head = cell.head(book.id)
        await cell.submit(Restore((Seen(book.key, gone.number),), (wanted(book, stage),)), {})
        back = cell.directory.collection(stage.home, "contacts")
        assert back is not None
        assert (back.id, cell.head(book.id)) == (book.id, head)
        _, members = await cell.listing(book.id, OBJECT)
        assert [member.href for member in members] == ["a.vcf"]
        await put(stage, cell, "b.vcf", "ben")
        await cell.close()
        again = await stage.open()
        _, members = await again.listing(book.id, OBJECT)
        assert [member.href for member in members] == ["a.vcf", "b.vcf"]
        await again.close()

    play(scene)


def test_names_and_uids_change_hands_in_one_batch_without_their_bytes() -> None:
    async def scene(stage: Stage, cell: MirrorCell) -> None:
        a, b = await put(stage, cell, "a.vcf", "ann"), await put(stage, cell, "b.vcf", "ben")
        gone = (await cell.submit(Remove(b.key), {}))[0]
        new = await put(stage, cell, "c.vcf", "ben")
        seen = (Seen(a.key, a.number), Seen(b.key, gone.number), Seen(new.key, new.number))
        swap = (wanted(b, stage, a.key), wanted(a, stage, b.key))
        await cell.submit(Restore(seen, swap), {})
        _, members = await cell.listing(stage.book, OBJECT)
        assert [(one.href, one.id, one.etag) for one in members] == [
            ("a.vcf", b.id, b.etag), ("b.vcf", a.id, a.etag),
        ]  # fmt: skip
        assert await cell.bodies([b.etag]) == [b"b.vcf ben"]

    play(scene)


def test_what_was_changed_since_is_refused_and_nothing_is_written() -> None:
    async def scene(stage: Stage, cell: MirrorCell) -> None:
        old = await put(stage, cell, "a.vcf", "ann")
        b = await put(stage, cell, "b.vcf", "ben")
        await cell.submit(Remove(old.key), {})
        head = cell.head(stage.book)
        edit = Restore((Seen(old.key, old.number), Seen(b.key, b.number)), (wanted(old, stage),))
        with pytest.raises(PreconditionError):
            await cell.submit(edit, {})
        assert cell.head(stage.book) == head

    play(scene)

"""COPY, MOVE and UIDs on three replicas: what is asked of them, and who follows (I2, I4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from fakes.mirror import Stage
from strongroom.base.errors import InvalidError
from strongroom.history.edits import Copy, Move, Put
from strongroom.history.entries import COLLECTION, OBJECT, Key, Member, canonical, digest_of
from strongroom.mirror.cell import MirrorCell

Scene = Callable[[Stage, MirrorCell], Awaitable[None]]


def play(scene: Scene) -> None:
    async def whole() -> None:
        stage = Stage()
        cell = await stage.begin()
        try:
            await scene(stage, cell)
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


def test_a_uid_in_use_is_refused_also_of_two_in_one_batch() -> None:
    async def scene(stage: Stage, cell: MirrorCell) -> None:
        await put(stage, cell, "a.vcf", "ann")
        with pytest.raises(InvalidError) as caught:
            await put(stage, cell, "b.vcf", "ann")
        assert caught.value.href == "a.vcf"
        both = await asyncio.gather(
            *(put(stage, cell, f"{n}.vcf", "new") for n in range(9)), return_exceptions=True
        )
        assert sum(isinstance(one, Member) for one in both) == 1
        assert sum(isinstance(one, InvalidError) for one in both) == 8

    play(scene)


def test_one_replica_alone_cannot_refuse_a_uid() -> None:
    """I4: a refusal makes no entry, so N-W+1 voters must say that the card in the way is there."""

    async def scene(stage: Stage, cell: MirrorCell) -> None:
        card = await put(stage, cell, "a.vcf", "ann")
        memory = stage.memory(0)
        wrong = card._replace(href="ghost.vcf", data=canonical({"uid": "ghost"}))
        memory.state = replace(memory.state, rows={**memory.state.rows, wrong.key: wrong})
        async with asyncio.timeout(5):
            await put(stage, cell, "b.vcf", "ghost")
        assert await cell.row(stage.key("b.vcf")) is not None

    play(scene)


def test_a_move_is_held_by_every_replica_and_followed_by_the_directory() -> None:
    async def scene(stage: Stage, cell: MirrorCell) -> None:
        card = await put(stage, cell, "a.vcf", "ann")
        parent = Key(stage.home, COLLECTION, "contacts")
        move = Move(card.key, stage.key("b.vcf"), "ann", source_parent=parent, target_parent=parent)
        arrived = (await cell.submit(move, {}))[0]
        assert (arrived.id, arrived.href) == (card.id, "b.vcf")
        copy = Copy(arrived.key, stage.key("c.vcf"), "ann")
        with pytest.raises(InvalidError):
            await cell.submit(copy, {})
        await cell.submit(Move(parent, Key(stage.home, COLLECTION, "people")), {})
        assert cell.directory.collection(stage.home, "contacts") is None
        people = cell.directory.collection(stage.home, "people")
        assert people is not None
        assert people.id == stage.book
        head, members = await cell.listing(stage.book, OBJECT)
        assert [member.href for member in members] == ["b.vcf"]
        assert await cell.bodies([card.etag]) == [b"a.vcf ann"]
        await asyncio.sleep(0.1)
        for index in range(3):
            assert stage.memory(index).state.heads[stage.book] == head
            cell.directory.verify(stage.memory(index).state.heads)

    play(scene)

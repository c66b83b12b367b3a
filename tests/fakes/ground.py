"""A cell that was closed well, whose copies can be set to other states and looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from fakes.mirror import Stage
from strongroom.base.errors import UnsureError
from strongroom.history.entries import OBJECT, genesis_chain
from strongroom.mirror.unopened import Unopened, look
from strongroom.ports.cell import Salvaged, Unreadable
from strongroom.stores.memory import MemoryState

T = TypeVar("T")


class Ground(Stage):
    """A cell with one book and two cards, closed well; its replicas can be set to other states."""

    def __init__(self) -> None:
        super().__init__()
        self.run(self.fill())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    async def fill(self) -> None:
        cell = await self.begin()
        await self.put(cell, "a.vcf", b"anna")
        await self.put(cell, "b.vcf", b"ben")
        await cell.close()

    def write(self, href: str, body: bytes) -> None:
        """Open, write and close."""

        async def work() -> None:
            cell = await self.open()
            await self.put(cell, href, body)
            await cell.close()

        self.run(work())

    def states(self) -> list[MemoryState]:
        return [self.memory(i).state for i in range(3)]

    def set(self, index: int, state: MemoryState) -> None:
        self.memory(index).state = state

    def away(self, *indexes: int) -> None:
        """Take disks away."""
        for index in indexes:
            self.set(index, MemoryState())

    def look(self) -> Unopened:
        before = self.states()
        found = self.run(look(self.sites, self.witness.testimony, 2, self.clock))
        assert all(one is two for one, two in zip(self.states(), before, strict=True))
        return found

    def names(self, found: Unopened) -> list[str]:
        _, members = self.run(found.listing(self.book, OBJECT))
        return [member.href for member in members]

    def salvaged(self, found: Unopened) -> dict[str, bytes | None]:
        async def work() -> dict[str, bytes | None]:
            items = [one async for one in found.salvage(self.book)]
            return {i.member.href: i.body for i in items if isinstance(i, Salvaged)}

        return self.run(work())

    def gaps(self, found: Unopened) -> list[tuple[str, int]]:
        """Give what salvage says is missing of the book."""

        async def work() -> list[tuple[str, int]]:
            items = [one async for one in found.salvage(self.book)]
            return [(one.what, one.count) for one in items if isinstance(one, Unreadable)]

        return self.run(work())

    def unproven(self, found: Unopened) -> str:
        """Insist that nothing of the book is given as proven; gives the reason that is told."""
        key, start = self.key("a.vcf"), genesis_chain(self.book)[:8]
        with pytest.raises(UnsureError):
            self.run(found.row(key))
        with pytest.raises(UnsureError):
            self.run(found.fetch([key]))
        with pytest.raises(UnsureError):
            self.run(found.changes(self.book, 0, start, 10))
        with pytest.raises(UnsureError) as raised:
            self.run(found.listing(self.book, OBJECT))
        assert not found.proves(self.book)
        return f"{raised.value}"

"""A server whose cell needs a copy before it opens answers meanwhile, and tells how far it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from strongroom.base.settings import Settings
from strongroom.compose import Parts
from strongroom.control import serve
from strongroom.control.room import Room
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.keeper import Progress


class Cell:
    """Stays open."""

    async def ended(self) -> str:
        await asyncio.Event().wait()
        return ""


class SlowParts:
    """Opens once it is told to, and copies until then."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    @asynccontextmanager
    async def open_cell(self, progress: Progress) -> AsyncIterator[MirrorCell]:
        progress(7, 9)
        progress(8, 9)
        await self.go.wait()
        yield cast(MirrorCell, Cell())


def test_a_server_answers_while_a_copy_is_made_that_must_come_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serve, "_PATIENCE_SECONDS", 0.01)

    async def scene() -> None:
        parts = SlowParts()
        room = Room(cast(Parts, parts), None, serving=True)
        server = serve._Server(cast(Settings, None), cast(Any, None), None, "", None)
        async with asyncio.timeout(5), server._held_open(room):
            assert room.cell is None
            assert "8 of 9 batches" in str(room.trouble)
            parts.go.set()
            for _ in range(9):
                await asyncio.sleep(0)
            assert room.cell is not None
            assert room.trouble is None

    asyncio.run(scene())

"""Who asks how everything is hears what is so now, also of a disk that hangs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.cell import FakeCell
from fakes.mirror import FakeClock
from strongroom import compose
from strongroom.base import limits
from strongroom.base.settings import Settings
from strongroom.compose import Parts
from strongroom.control.protocol import Request
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.mirror.cell import MirrorCell
from strongroom.stores.threads import ThreadLane


class Watched(FakeCell):
    """A cell that knows of a lost disk once it has looked."""

    looked = False

    async def look(self) -> None:
        self.looked = True

    def report(self) -> dict[str, Any]:
        return {"replicas": [{"standing": "behind" if self.looked else "voter"}]}


async def no_disks() -> list[dict[str, Any]]:
    return []


@pytest.mark.parametrize("command", ["status", "replica list"])
def test_the_copies_are_looked_at_before_anything_is_told(tmp_path: Path, command: str) -> None:
    settings = Settings("127.0.0.1", 0, tmp_path, (tmp_path / "r1",), 1)
    parts = SimpleNamespace(settings=settings, clock=FakeClock(), disks=no_disks)
    room = Room(cast(Parts, parts), cast(MirrorCell, Watched()), serving=True)
    told = asyncio.run(run(room, Request(command), lambda text: None))
    assert told["replicas"] == [{"standing": "behind"}]


def test_a_place_tells_its_device_and_what_was_set_aside(tmp_path: Path) -> None:
    (tmp_path / "quarantine").mkdir()
    (tmp_path / "quarantine/a.1").write_bytes(b"12345")

    async def ask() -> dict[str, Any]:
        eye = ThreadLane("look r1")
        try:
            return await compose._disk(tmp_path, eye)
        finally:
            eye.close()

    told = asyncio.run(ask())
    assert told == {
        "place": str(tmp_path),
        "device": tmp_path.stat().st_dev,
        "quarantine": (1, 5),
    }


def test_a_place_that_hangs_is_told_as_not_reachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "READ_SECONDS_MAX", 0.05)
    hangs = Event()

    async def ask() -> dict[str, Any]:
        eye = ThreadLane("look r1")
        eye.run(lambda: hangs.wait(20))
        try:
            return await asyncio.wait_for(compose._disk(tmp_path, eye), 10)
        finally:
            hangs.set()
            eye.close()

    told = asyncio.run(ask())
    assert told == {"place": str(tmp_path), "device": None, "quarantine": None}

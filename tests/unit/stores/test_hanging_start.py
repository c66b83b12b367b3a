"""A place whose disk hangs at the start keeps no cell shut, and is used once it is locked."""

from __future__ import annotations

import asyncio
import fcntl
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path

import pytest

from strongroom import compose
from strongroom.base import limits
from strongroom.base.errors import LockedError, SettingsError
from strongroom.base.settings import Settings, parse
from strongroom.mirror.cell import MirrorCell
from strongroom.stores.durable import Disk
from strongroom.stores.locks import Locks


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    text = (
        'listen = "127.0.0.1:0"\ndata = "data"\nreplicas = ["r1", "r2", "r3"]\n'
        "write_quorum = 2\ntoy = true\n"
    )
    made = parse(text, tmp_path)
    asyncio.run(compose.initialise(made))
    monkeypatch.setattr(limits, "LISTING_SECONDS_MAX", 0.3)
    monkeypatch.setattr(limits, "CATCH_UP_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(compose, "CLOSE_SECONDS", 0.1)
    return made


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Hang whoever locks r3, until this is set."""
    over, real = threading.Event(), Disk.open_lock

    def open_lock(disk: Disk, path: Path) -> int:
        if path.parent.name == "r3":
            over.wait()
        return real(disk, path)

    monkeypatch.setattr(Disk, "open_lock", open_lock)
    return over


def in_a_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*given: object, **named: object) -> None:
        asyncio.run(test(*given, **named))

    return run


def is_locked(place: Path) -> bool:
    with Locks() as other:
        try:
            other.take([place])
        except LockedError:
            return True
        return False


async def all_vote(cell: MirrorCell) -> None:
    async with asyncio.timeout(20):
        while len(cell.voters()) < 3:  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.05)


@in_a_loop
async def test_a_disk_that_hangs_keeps_no_cell_shut_and_joins_once_it_is_locked(
    settings: Settings, hanging: threading.Event
) -> None:
    async with compose.open_parts(settings) as parts, parts.open_cell() as cell:
        (row,) = [r for r in cell.report()["replicas"] if r["standing"] == "absent"]
        assert row["place"].endswith("r3")
        assert "does not answer" in row["reason"]
        assert cell.writable()
        hanging.set()
        await all_vote(cell)
        assert is_locked(settings.replicas[2])
    assert not is_locked(settings.replicas[2])


@in_a_loop
async def test_a_server_ends_while_a_disk_hangs_and_locks_nothing_afterwards(
    settings: Settings, hanging: threading.Event
) -> None:
    async with asyncio.timeout(20):
        async with compose.open_parts(settings) as parts, parts.open_cell():
            pass
    hanging.set()
    await asyncio.sleep(0.2)
    assert not is_locked(settings.replicas[2])


@in_a_loop
async def test_a_place_that_another_process_took_meanwhile_is_not_used(
    settings: Settings, hanging: threading.Event
) -> None:
    async with compose.open_parts(settings) as parts, parts.open_cell() as cell:
        with (settings.replicas[2] / "lock").open("r+b") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            hanging.set()
            await asyncio.sleep(0.5)
            assert len(cell.voters()) == 2
        await all_vote(cell)


@in_a_loop
async def test_two_places_that_are_one_are_refused(settings: Settings) -> None:
    settings.replicas[2].rename(settings.replicas[2].with_name("old"))
    settings.replicas[2].symlink_to(settings.replicas[1])
    with pytest.raises(SettingsError, match="same directory"):
        async with compose.open_parts(settings):
            pass

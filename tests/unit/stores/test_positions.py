"""Sync positions are kept lazily, and losing them loses nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from fakes.mirror import FakeClock, FakeLane
from strongroom.base.limits import (
    POSITION_ROWS_MAX,
    POSITIONS_WAITING_MAX,
)
from strongroom.ports.positions import CameBack, Sighting
from strongroom.stores import positions as module
from strongroom.stores.positions import FilePositions
from strongroom.stores.threads import ThreadLane

HOME, PHONE, IPAD, BOOK = 7, 21, 22, 31
PLACE = CameBack(5, b"chain5..")


class Desk:
    """One file of positions after another in the same place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()

    def open(self) -> FilePositions:
        return FilePositions(self.path, FakeLane(), self.clock)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "positions.db")


def run(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def test_what_was_noted_is_there_after_a_restart(desk: Desk) -> None:
    async def scene() -> None:
        kept = desk.open()
        kept.seen(HOME, PHONE, b"DAVx5/4.5 (okhttp/5)")
        kept.came_back(HOME, PHONE, BOOK, CameBack(3, b"chain3.."))
        kept.came_back(HOME, PHONE, BOOK, PLACE)
        await kept.close()

        found = await desk.open().of(HOME)

        assert found == {PHONE: Sighting(desk.clock.ms, "DAVx5/4.5", {BOOK: PLACE})}
        assert await desk.open().of(HOME + 1) == {}

    run(scene)


def test_a_later_visit_takes_the_place_of_the_one_before(desk: Desk) -> None:
    async def scene() -> None:
        kept = desk.open()
        for number in (5, 9, 2):  # it goes back where a phone was set up anew
            kept.seen(HOME, PHONE, b"one")
            kept.came_back(HOME, PHONE, BOOK, CameBack(number, b"c"))
            await kept.flush()
            desk.clock.ms += 1000
        found = await kept.of(HOME)

        assert found == {PHONE: Sighting(desk.clock.ms - 1000, "one", {BOOK: CameBack(2, b"c")})}

    run(scene)


def test_a_note_touches_no_disk(desk: Desk) -> None:
    kept = desk.open()
    kept.seen(HOME, PHONE, b"one")
    kept.came_back(HOME, PHONE, BOOK, PLACE)

    assert list(desk.path.parent.iterdir()) == []


def test_a_look_at_what_is_not_there_makes_no_file(desk: Desk) -> None:
    async def scene() -> None:
        kept = desk.open()
        assert await kept.of(HOME) == {}
        await kept.close()
        assert list(desk.path.parent.iterdir()) == []

    run(scene)


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"no database at all" * 100),
        lambda path: path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 8192),
        lambda path: module.apsw.Connection(str(path)).pragma("user_version", 99),
        lambda path: module.apsw.Connection(str(path)).execute("DROP TABLE places"),
    ],
)
def test_a_file_that_is_no_good_is_set_aside_and_begun_anew(
    desk: Desk, harm: Callable[[Path], object]
) -> None:
    async def scene() -> None:
        before = desk.open()
        for device in range(200):
            before.seen(HOME, device, b"one")
            before.came_back(HOME, device, BOOK, PLACE)
        await before.close()
        harm(desk.path)
        beside = desk.path.with_name("positions.db-journal")
        beside.write_bytes(b"left by a crash")

        kept = desk.open()
        kept.seen(HOME, PHONE, b"one")
        kept.came_back(HOME, PHONE, BOOK, PLACE)
        found = await kept.of(HOME)

        assert found is not None
        assert found[PHONE].places == {BOOK: PLACE}
        assert desk.path.with_name("positions.db.bad").exists()
        await kept.close()
        assert set(await desk.open().of(HOME) or ()) == set(found)

    run(scene)


def test_a_disk_that_takes_nothing_now_is_tried_again(desk: Desk) -> None:
    async def scene() -> None:
        kept = desk.open()
        desk.path.mkdir()  # SQLite cannot open it, as it could not on a full or read-only disk
        kept.seen(HOME, PHONE, b"one")
        kept.came_back(HOME, PHONE, BOOK, PLACE)
        await kept.flush()
        assert await kept.of(HOME) is None
        desk.path.rmdir()

        found = await kept.of(HOME)

        assert found == {PHONE: Sighting(desk.clock.ms, "one", {BOOK: PLACE})}

    run(scene)


def test_an_account_keeps_its_newest_rows(desk: Desk) -> None:
    async def scene() -> None:
        kept = desk.open()
        for device in range(POSITION_ROWS_MAX):
            kept.seen(HOME, device, b"")
            kept.came_back(HOME, device, BOOK, PLACE)
        kept.seen(HOME + 1, 99_999, b"")
        found = await kept.of(HOME)
        assert found is not None
        assert len(found) == POSITION_ROWS_MAX

        kept.seen(HOME, 77_777, b"")
        kept.came_back(HOME, 77_777, BOOK, PLACE)
        found = await kept.of(HOME)

        assert found is not None
        assert len(found) == POSITION_ROWS_MAX
        assert 0 not in found
        assert sum(len(one.places) for one in found.values()) == POSITION_ROWS_MAX
        assert found[77_777].places == {BOOK: PLACE}
        assert len(await kept.of(HOME + 1) or ()) == 1

    run(scene)


def test_what_waits_is_bounded_and_what_is_known_already_stays_current(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        monkeypatch.setattr(module, "POSITIONS_WAITING_MAX", 2)
        kept = desk.open()
        for device in (1, 2, 3):
            kept.seen(HOME, device, b"one")
            kept.came_back(HOME, device, BOOK, PLACE)
        kept.seen(HOME, 1, b"two")
        kept.came_back(HOME, 1, BOOK, CameBack(6, b"c"))
        found = await kept.of(HOME)

        assert found is not None
        assert {device: one.client for device, one in found.items()} == {1: "two", 2: "one"}
        assert found[1].places == {BOOK: CameBack(6, b"c")}

    assert POSITIONS_WAITING_MAX > 1000
    run(scene)


def test_what_waits_is_written_from_time_to_time_and_survives_the_end_of_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        monkeypatch.setattr(module, "POSITIONS_SECONDS", 0.001)
        kept = desk.open()
        kept.seen(HOME, PHONE, b"one")
        duty = asyncio.create_task(kept.run())
        async with asyncio.timeout(5):
            while not await desk.open().of(HOME):  # noqa: ASYNC110 - the file is what is looked at
                await asyncio.sleep(0.001)
        kept.seen(HOME, IPAD, b"two")
        duty.cancel()
        await asyncio.gather(duty, return_exceptions=True)
        await kept.close()

        assert set(await desk.open().of(HOME) or ()) == {PHONE, IPAD}

    run(scene)


def test_a_write_that_is_given_up_half_way_is_written_later(desk: Desk) -> None:
    async def scene() -> None:
        kept = desk.open()
        kept.seen(HOME, PHONE, b"one")
        writing = asyncio.create_task(kept.flush())
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

        assert set(await kept.of(HOME) or ()) == {PHONE}

    run(scene)


def test_it_works_on_a_thread_of_its_own(desk: Desk) -> None:
    async def scene() -> None:
        kept = FilePositions(desk.path, ThreadLane("positions"), desk.clock)
        kept.seen(HOME, PHONE, b"one")
        assert set(await kept.of(HOME) or ()) == {PHONE}
        await kept.close()

    run(scene)

"""A disk whose calls never return holds up nothing that the others can do without it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

from fakes.mirror import FakeLane, Stage
from strongroom.base import limits
from strongroom.base.errors import RefusedPlanError
from strongroom.mirror.cell import MirrorCell
from strongroom.stores.memory import MemoryReplica
from strongroom.upkeep.scrub import Pace, scrub

T = TypeVar("T")
END_SECONDS = 10.0


class HangingLane(FakeLane):
    """Hangs from the n-th call on: nothing that it is asked then ever ends."""

    def __init__(self) -> None:
        self.calls_left = 1 << 30

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        self.calls_left -= 1
        if self.calls_left < 0:
            return asyncio.get_running_loop().create_future()
        return super().run(call)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTING_SECONDS_MAX", "COPY_STEP_SECONDS_MAX", "SILENT_SECONDS_MAX"):
        monkeypatch.setattr(limits, name, 0.05)
    for name in ("CHECKPOINT_SECONDS", "CATCH_UP_PAUSE_SECONDS"):
        monkeypatch.setattr(limits, name, 0.01)
    monkeypatch.setattr(limits, "READ_SECONDS_MAX", 0.2)
    monkeypatch.setattr(limits, "VOTE_SECONDS_MAX", 2.0)


class Scene:
    """Three places whose lanes can hang."""

    def __init__(self) -> None:
        self.stage = Stage()
        self.lanes = [(HangingLane(), HangingLane()) for _ in self.stage.sites]
        for site, (write, read) in zip(self.stage.sites, self.lanes, strict=True):
            site.write, site.read = write, read

    def hang(self, number: int) -> None:
        for lane in self.lanes[number]:
            lane.calls_left = 0

    def go_on(self) -> None:
        for lanes in self.lanes:
            for lane in lanes:
                lane.calls_left = 1 << 30


def play(scene: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scene, END_SECONDS))


def standing(cell: MirrorCell, number: int) -> str:
    return str(cell.report()["replicas"][number]["standing"])


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - a test that waits for what it cannot be told
        await asyncio.sleep(0.005)


def test_the_logs_of_the_others_are_moved_over_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else they would grow until those disks are full as well."""
    done: set[int] = set()

    def checkpoint(replica: MemoryReplica) -> None:
        done.add(id(replica))

    monkeypatch.setattr(MemoryReplica, "checkpoint", checkpoint)

    async def scene() -> None:
        world = Scene()
        cell = await world.stage.begin()
        others = {id(site.replica) for site in world.stage.sites[1:]}
        world.hang(0)
        for number in range(3):
            await world.stage.put(cell, f"{number}.vcf", b"ANN")
            done.clear()
            await until(lambda: done >= others)
        assert done == others
        await cell.close()

    play(scene())


@pytest.mark.parametrize("lane", [0, 1])
def test_an_opening_ends_wherever_a_disk_begins_to_hang(lane: int) -> None:
    async def scene() -> None:
        world = Scene()
        cell = await world.stage.begin()
        await world.stage.put(cell, "a.vcf", b"ANN")
        await cell.close()
        for number in (0, 2):
            for calls in range(10):
                world.lanes[number][lane].calls_left = calls
                cell = await world.stage.open()
                assert await cell.row(world.stage.key("a.vcf")) is not None
                await cell.close()
                world.go_on()

    play(scene())


def test_the_place_of_a_disk_that_hangs_is_not_rebuilt_and_that_is_said() -> None:
    async def scene() -> None:
        world = Scene()
        cell = await world.stage.begin()
        world.hang(2)
        name = cell.report()["replicas"][2]["replica"]
        await until(lambda: standing(cell, 2) == "behind")
        with pytest.raises(RefusedPlanError, match="does not answer"):
            await cell.rebuild(name)
        cell.disbelieve(name, "a scrub said so")
        await until(lambda: standing(cell, 2) == "doubtful")
        with pytest.raises(RefusedPlanError):
            await cell.rebuild(name)
        await cell.close()

    play(scene())


def test_reads_and_writes_ask_who_is_silent_last() -> None:
    async def scene() -> None:
        world = Scene()
        cell = await world.stage.begin()
        await world.stage.put(cell, "a.vcf", b"ANN")
        world.hang(0)
        await until(lambda: standing(cell, 0) == "behind")
        for number in range(5):
            assert await cell.row(world.stage.key("a.vcf")) is not None
            await world.stage.put(cell, f"{number}.vcf", b"BOB")
        assert world.lanes[0][1].calls_left == 0  # nobody read there
        await cell.close()

    play(scene())


def test_a_scrub_says_that_one_did_not_answer_and_reads_the_others() -> None:
    async def scene() -> None:
        world = Scene()
        cell = await world.stage.begin()
        world.hang(0)
        found = await scrub(cell, lambda _: None, Pace(0))
        assert [bool(one.silent) for one in found] == [True, False, False]
        assert "does not answer" in found[0].silent
        assert [one.damage for one in found] == [""] * 3
        await cell.close()

    play(scene())

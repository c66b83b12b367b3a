"""Named lives, quiet: a copy is lost or hangs while nobody writes, and it is known all the same."""

from __future__ import annotations

import pytest

from sim.disk import Disk
from sim.stage import ANN, BOB, bring_back, held, opened, rest, spoil, take_away
from sim.world import World, ok
from strongroom.base import limits

NOTICED_SECONDS = limits.CATCH_UP_PAUSE_SECONDS + limits.READ_SECONDS_MAX
LEVEL_SECONDS = 60.0
SLOW_SECONDS = limits.SILENT_SECONDS_MAX + 2 * NOTICED_SECONDS


def quiet(seed: int = 1) -> World:
    """Give an open world that is level and in which nobody writes."""
    world = opened(seed)
    ok(world.put("a.vcf", ANN))
    world.wait_until(world.all_level)
    return world


def row(world: World, name: str = "r1") -> dict[str, object]:
    assert world.cell is not None
    (found,) = [r for r in world.cell.report()["replicas"] if r["replica"] == name]
    return dict(found)


def written(world: World) -> int:
    assert world.cell is not None
    return int(world.cell.report()["number"])


def test_a_disk_that_vanishes_is_noticed_without_a_write_and_comes_back() -> None:
    world = quiet()
    before, number = world.clock.now_ms(), written(world)
    gone = take_away(world, 1)
    world.wait(NOTICED_SECONDS)
    told = row(world)
    assert told["standing"] == "behind"
    assert before <= int(str(told["since"])) <= world.clock.now_ms()
    assert world.cell is not None
    assert world.cell.writable()
    assert {row(world, name)["standing"] for name in ("r2", "r3")} == {"voter"}
    bring_back(world, gone)
    world.wait_until(world.all_level, 5)
    assert row(world)["since"] is None
    assert written(world) == number
    rest(world)


def test_who_catches_up_is_told_of_as_that_and_of_nothing_that_is_over() -> None:
    world = quiet()
    cell = world.cell
    assert cell is not None
    gone = take_away(world, 1)
    for i in range(3 * limits.CATCH_UP_BATCHES):
        ok(world.put(f"{i}.vcf", ANN))
    assert row(world)["reason"]
    bring_back(world, gone)
    world.wait_until(lambda: cell.report()["catching_up"], LEVEL_SECONDS)
    told = cell.report()["catching_up"]["r1"]
    assert 0 < told["held"] < told["of"]
    assert (row(world)["standing"], row(world)["reason"]) == ("behind", "")
    assert row(world)["behind"] == written(world) - told["held"]
    world.wait_until(world.all_level, LEVEL_SECONDS)
    assert not cell.report()["catching_up"]
    rest(world)


def test_who_asks_how_the_copies_are_hears_nothing_old() -> None:
    world = quiet()
    take_away(world, 1)
    assert row(world)["standing"] == "voter"  # as it was known
    assert world.cell is not None
    world.run(world.cell.look())
    assert row(world)["standing"] == "behind"


def test_another_replicas_marker_is_noticed_without_a_write_and_recorded() -> None:
    world = quiet()
    clone = Disk(7)
    spoil(clone, held(world.disks[1]))
    number, world.places[0].mounted = written(world), clone
    world.wait(NOTICED_SECONDS)
    assert row(world)["standing"] == "doubtful"
    assert "another marker" in str(row(world)["reason"])
    world.wait_until(lambda: written(world) == number + 1, 5)


def test_a_medium_that_became_read_only_is_behind_until_it_takes_writes() -> None:
    """Nothing is missing there, so nothing but the next write would find out."""
    world = quiet()
    world.disks[0].read_only = True
    world.wait(NOTICED_SECONDS)
    for _ in range(20):
        assert row(world)["standing"] == "behind"
        world.wait(0.3)
    world.disks[0].read_only = False
    world.wait_until(world.all_level, 5)


@pytest.mark.parametrize("writes", [0, 20])
def test_a_disk_that_hangs_holds_up_nobody_and_is_told(writes: int) -> None:
    world = quiet()
    world.disks[0].slow = 1e6
    for count in range(writes):
        ok(world.put(f"{count}.vcf", BOB))
    world.wait(SLOW_SECONDS)
    told = row(world)
    assert told["standing"] == "behind"
    assert "does not answer" in str(told["reason"])
    assert float(str(told["silent_seconds"])) >= limits.SILENT_SECONDS_MAX
    assert world.cell is not None
    assert world.cell.writable()
    ok(world.put("b.vcf", BOB))
    assert world.get("b.vcf") == BOB
    world.close()


def test_a_disk_that_hung_for_a_while_catches_up() -> None:
    world = quiet()
    world.disks[0].slow = 1e4  # some seconds for each call
    world.wait_until(lambda: row(world)["standing"] == "behind", 60)
    ok(world.put("b.vcf", BOB))
    world.disks[0].slow = 1.0
    world.wait_until(world.all_level, 120)
    assert row(world)["silent_seconds"] is None
    rest(world)

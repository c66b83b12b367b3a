"""Named lives: a body that no copy can give any more, and disks that are replaced all the same."""

from __future__ import annotations

from dataclasses import replace

from sim import checkers
from sim.stage import ANN, BOB, held, opened, rest, settle, spoil
from sim.world import World, ok
from strongroom.history.entries import digest_of

OLD = digest_of(ANN)


def with_an_old_body(*rotten: int) -> World:
    """Give a world in which an old version rotted on these disks."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    ok(world.put("a.vcf", BOB))
    settle(world)
    for disk in rotten:
        state = held(world.disks[disk])
        spoil(world.disks[disk], replace(state, blobs={**state.blobs, OLD: None}))
    return world


def disbelieve(world: World) -> None:
    """Have the third disk replaced by a copy."""
    assert world.cell is not None
    world.cell.disbelieve("r3", "scrub")
    world.wait_until(lambda: checkers.doubtful(world) == ["r3"])


def test_a_disk_is_replaced_without_a_body_that_nobody_has() -> None:
    """I9: one old body that is lost must not cost a whole copy; it is healed by who brings it."""
    world = with_an_old_body(0, 1, 2)
    disbelieve(world)
    world.wait_until(world.all_level)
    assert world.cell is not None
    assert OLD in world.cell.report()["alarms"]["bodies"]
    ok(world.put("b.vcf", ANN))
    settle(world)
    assert [held(disk).blobs[OLD] for disk in world.disks] == [ANN] * 3
    rest(world)


def test_a_copy_takes_what_its_own_place_still_has() -> None:
    """What is not believed may hold the last good bytes; they prove themselves (I3)."""
    world = with_an_old_body(0, 1)
    disbelieve(world)
    world.wait_until(world.all_level)
    assert held(world.disks[2]).blobs[OLD] == ANN
    assert world.cell is not None
    assert "bodies" not in world.cell.report()["alarms"]
    rest(world)


def lost(world: World, replica: str) -> list[str]:
    """Ask what is lost for one that lacks the old body and the new one."""
    assert world.cell is not None
    site = world.cell._core.sites[replica]
    return world.run(world.cell._reader.lost([OLD, digest_of(BOB)], site), 600)


def test_nothing_is_lost_as_long_as_a_voter_is_silent() -> None:
    world = with_an_old_body(0, 1, 2)
    world.disks[1].slow = 30_000.0
    assert lost(world, "r3") == []
    world.disks[1].slow = 1.0
    world.wait(600)
    assert lost(world, "r3") == [OLD]
    rest(world)


def test_nothing_is_lost_where_fewer_than_a_quorum_can_be_asked() -> None:
    """One that is not believed now may have it, and come back."""
    world = with_an_old_body(0, 1, 2)
    assert world.cell is not None
    world.cell.disbelieve("r3", "scrub")
    assert lost(world, "r1") == []
    assert lost(world, "r3") == [OLD]
    world.wait_until(world.all_level)
    assert lost(world, "r1") == [OLD]
    rest(world)

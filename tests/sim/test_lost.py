"""Named lives: a body that no copy can give any more, and disks that are replaced all the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim import checkers
from sim.disk import Disk
from sim.stage import ANN, BOB, EVE, bring_back, held, opened, rest, settle, spoil, take_away
from sim.test_beside import one_beside
from sim.world import Machine, World, ok
from strongroom.history.entries import digest_of
from strongroom.mirror.survey import RebuildPlan, apply_rebuild, plan_rebuild

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


# --- where no cell is open ------------------------------------------------------------------------
def with_two_that_rotted() -> tuple[World, dict[int, Disk]]:
    """Give a world in which r1 must be copied from r2 to open; the old body rotted on both."""
    world, gone = one_beside()
    for disk in world.disks[:2]:
        spoil(disk, replace(held(disk), blobs={**held(disk).blobs, OLD: None}))
    return world, gone


def test_a_cell_is_opened_without_a_body_that_w_voters_lack() -> None:
    """I9: the body alone is 503; and the copy that is away brings it back to all."""
    world, gone = with_two_that_rotted()
    world.boot()
    assert world.get("a.vcf") == EVE
    assert world.cell is not None
    assert OLD in world.cell.report()["alarms"]["bodies"]
    bring_back(world, gone)
    world.wait_until(world.all_level)
    assert world.run(world.cell.bodies([OLD]), 600) == [ANN]
    settle(world)
    assert [held(disk).blobs[OLD] for disk in world.disks] == [ANN] * 3
    rest(world)


def test_a_copy_at_an_opening_asks_all_voters() -> None:
    """The third one has it, and does not answer in time to be levelled."""
    world, gone = with_two_that_rotted()
    bring_back(world, gone)
    world.disks[2].read_only = True
    world.boot()
    assert held(world.disks[0]).blobs[OLD] == ANN
    assert world.cell is not None
    assert "bodies" not in world.cell.report()["alarms"]
    world.disks[2].read_only = False
    rest(world)


def test_who_is_levelled_at_an_opening_needs_no_body_that_nobody_has() -> None:
    """The newest history stands on one disk, and what it brought rotted there."""
    world = opened()
    ok(world.put("a.vcf", BOB))
    settle(world)
    world.close()
    gone = take_away(world, 2)
    world.boot()
    ok(world.put("a.vcf", ANN))
    ok(world.put("a.vcf", EVE))
    world.close()
    bring_back(world, gone)
    for disk in (world.disks[0], world.disks[2]):
        spoil(disk, replace(held(disk), blobs={**held(disk).blobs, OLD: None}))
    gone = take_away(world, 3)
    world.boot()
    assert world.get("a.vcf") == EVE
    assert held(world.disks[1]).blobs[OLD] is None
    assert world.cell is not None
    assert OLD in world.cell.report()["alarms"]["bodies"]
    ok(world.put("b.vcf", ANN))
    assert held(world.disks[1]).blobs[OLD] == ANN
    bring_back(world, gone)
    rest(world)


def rebuilt(world: World) -> tuple[RebuildPlan, frozenset[str]]:
    """Make the history of r1 the cell's; say what was planned, and which bodies were lost."""
    world.machine = Machine(world)
    sites = world.sites()
    plan = world.run(plan_rebuild(sites, world.witness.recall(), "r1", 2), 600)
    lost = world.run(apply_rebuild(plan, sites, world.clock, world.entropy), 600)
    world.kill()
    return plan, lost


@pytest.mark.parametrize("good", [1, 2])
def test_a_rebuild_from_one_replica_takes_from_the_others_what_it_lacks(good: int) -> None:
    """So whoever is copied first has it, and not only the copy in whose place it lay."""
    rotten = {0, 1, 2} - {good}
    world = with_an_old_body(*rotten)
    world.close()
    plan, lost = rebuilt(world)
    assert "taken from: disk1, disk2." in plan.text()
    assert not lost
    world.boot()
    assert [held(disk).blobs[OLD] for disk in world.disks[1:]] == [ANN] * 2
    rest(world)


def test_a_rebuild_from_one_replica_says_what_no_place_has() -> None:
    world = with_an_old_body(0, 1, 2)
    world.close()
    _, lost = rebuilt(world)
    assert lost == {OLD}
    world.boot()
    ok(world.put("b.vcf", ANN))
    settle(world)
    assert [held(disk).blobs[OLD] for disk in world.disks] == [ANN] * 3
    rest(world)


def test_a_blank_place_keeps_no_rebuild_from_saying_what_is_lost() -> None:
    world = with_an_old_body(0, 1, 2)
    world.close()
    for number in (1, 2):
        world.disks[number] = world.places[number].mounted = Disk(number + 1)
    plan, lost = rebuilt(world)
    assert "taken from: nowhere." in plan.text()
    assert lost == {OLD}
    world.boot()
    rest(world)

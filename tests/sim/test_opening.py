"""Named lives, opening: the two seeds of the design, and every way to start."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from sim import checkers
from sim.disk import Disk
from sim.loop import MachineDownError
from sim.stage import ANN, BOB, EVE, bring_back, held, opened, rest, settle, spoil, take_away
from sim.walk import Walk
from sim.world import LEVEL_SECONDS, World, ok
from strongroom.base.errors import (
    NoCellError,
    PreconditionError,
    RetryError,
    UnknownError,
)
from strongroom.history.entries import CELL, OBJECT
from strongroom.mirror.site import FrozenCellError


def test_seed_1_figure_8_of_raft() -> None:
    """What a minority holds of an old term never wins over what a later opening showed."""
    world = opened(1)
    ok(world.put("a.vcf", ANN))
    world.disks[1].read_only = world.disks[2].read_only = True
    assert isinstance(world.put("a.vcf", BOB), UnknownError)  # stands on r1 alone
    world.power_cut()
    world.disks[1].read_only = world.disks[2].read_only = False
    gone = take_away(world, 1)
    world.boot()
    world.disks[1].read_only = True
    assert isinstance(world.put("a.vcf", EVE), UnknownError)  # stands on r3 alone, later term
    world.power_cut()
    world.disks[1].read_only = False
    bring_back(world, gone)
    gone = take_away(world, 3)
    world.boot()  # r1 holds something beside the history: a copy of r2 takes its place
    assert world.get("a.vcf") == ANN
    world.power_cut()
    bring_back(world, gone)
    gone = take_away(world, 1)
    world.boot()  # now r3 does, and what r2 showed stays
    assert world.get("a.vcf") == ANN
    bring_back(world, gone)
    rest(world)


def test_seed_2_a_replica_that_lost_its_disk_and_votes() -> None:
    """A blank directory proves nothing, and is never counted or filled unasked."""
    world = opened(2)
    gone = take_away(world, 3)
    ok(world.put("a.vcf", ANN))  # on r1 and r2
    world.close()
    bring_back(world, gone)
    gone = take_away(world, 2)
    world.disks[0] = world.places[0].mounted = Disk(99)
    with pytest.raises(FrozenCellError):
        world.boot()
    assert held(world.disks[0]).identity is None
    world.kill()
    bring_back(world, gone)
    world.boot()
    assert world.get("a.vcf") == ANN
    world.wait(30)
    assert held(world.disks[0]).identity is None
    assert world.cell is not None
    world.run(world.cell.rebuild("r1"), LEVEL_SECONDS)
    rest(world)


def replaced(more: int) -> World:
    """Give a world in whose first place lies what a rebuild replaced, with `more` batches."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    old = world.disks[0]
    world.disks[0] = world.places[0].mounted = Disk(99)
    world.wait(3)
    assert world.cell is not None
    world.run(world.cell.rebuild("r1"), LEVEL_SECONDS)
    world.close()
    world.boot()  # a later term, or the longer history would be the cell's
    world.close()
    state = held(old)
    number = state.position.number + more
    spoil(old, replace(state, position=state.position._replace(number=number)))
    world.disks[0] = world.places[0].mounted = old
    world.boot()
    world.wait(3)
    return world


def told_of(world: World) -> str:
    assert world.cell is not None
    (row,) = [r for r in world.cell.report()["replicas"] if r["replica"] == "r1"]
    assert row["standing"] == "absent"
    return str(row["reason"])


def test_a_copy_that_another_replaced_meanwhile_is_told_as_one_to_rebuild() -> None:
    """Nothing but a rebuild makes it count again, so nobody shall wait for it."""
    world = replaced(0)
    assert "`strongroom replica rebuild r1`" in told_of(world)
    assert world.cell is not None
    world.run(world.cell.rebuild("r1"), LEVEL_SECONDS)
    rest(world)


def test_a_copy_that_knows_more_than_what_is_served_is_told_as_one_to_keep() -> None:
    """It may hold what was lost when somebody went on without it."""
    told = told_of(replaced(100))
    assert "keep it aside" in told
    assert "replica rebuild" not in told


def test_the_witness_is_asked_at_opening() -> None:
    """Two replicas that went back together are noticed, and what differs is frozen."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    snapshots = [held(disk) for disk in world.disks]
    ok(world.put("a.vcf", BOB))
    world.wait(3)  # the witness is told
    world.close()
    take_away(world, 3)
    for disk, snapshot in zip(world.disks[:2], snapshots, strict=False):
        spoil(disk, snapshot)
    try:
        cell = world.boot()
    except FrozenCellError:
        return
    assert cell.directory.frozen(world.home, world.books["contacts"]) is not None


def test_a_witness_that_knows_a_newer_disk_keeps_the_cell_shut() -> None:
    """The cell's own journal went back: nothing is served."""
    world = opened()
    settle(world)
    snapshots = [held(disk) for disk in world.disks]
    world.disks[2].dead = True
    ok(world.put("a.vcf", ANN))
    world.wait_until(lambda: checkers.doubtful(world) == ["r3"])
    world.wait(3)
    world.close()
    for disk, snapshot in zip(world.disks, snapshots, strict=True):
        spoil(disk, snapshot)
        disk.dead = False
    with pytest.raises(FrozenCellError):
        world.boot()


def test_a_lost_witness_is_written_anew() -> None:
    """Beside existing replicas it is an alarm, not an end."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.close()
    world.witness.cached = world.witness.durable = None
    cell = world.boot()
    assert "witness" in cell.report()["alarms"]
    assert world.witness.recall().heads[CELL] == cell.head(CELL)
    rest(world)


def test_empty_directories_never_make_a_cell() -> None:
    """A cell whose disks are not mounted is not a new one."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.close()
    old = list(world.disks)
    for number, place in enumerate(world.places):
        world.disks[number] = place.mounted = Disk(50 + number)
    with pytest.raises(FrozenCellError):
        world.boot()
    world.kill()
    world.witness.cached, witness = None, world.witness.cached
    with pytest.raises(NoCellError):
        world.boot()
    world.kill()
    for disk in world.disks:
        assert held(disk).identity is None
    world.witness.cached = witness
    for number, place in enumerate(world.places):
        world.disks[number] = place.mounted = old[number]
    world.boot()
    assert world.get("a.vcf") == ANN
    rest(world)


def test_a_crash_in_the_middle_of_a_copy_leaves_the_old_files() -> None:
    """Until the one rename the old files keep what they prove; then it begins anew."""
    for calls in range(1, 40, 2):
        world = opened(calls)
        for number in range(3):
            ok(world.put(f"{number}.vcf", ANN))
        assert world.cell is not None
        world.disks[0].plant("cut", calls)
        world.cell.disbelieve("r1", "the scenario says so")
        try:
            world.wait(30)
        except MachineDownError:
            world.power_cut()
            world.boot()
        rest(world)


def test_a_crash_in_the_middle_of_an_opening_is_harmless() -> None:
    """At each system call of an opening, twice in a row."""
    for calls in range(8):
        world = opened(calls)
        ok(world.put("a.vcf", ANN))
        world.disks[2].read_only = True
        world.put("a.vcf", BOB)
        world.power_cut()
        world.disks[2].read_only = False
        for disk in (world.disks[calls % 3], world.disks[(calls + 1) % 3]):
            disk.plant("cut", calls // 2)
            with suppress(MachineDownError):
                world.boot()
            world.power_cut()
        world.boot()
        rest(world)


def test_power_cuts_under_load_open_by_themselves() -> None:
    """The whole machine, at any moment, again and again."""
    walk = Walk(11)
    world = walk.world
    world.initialise()
    for _ in range(12):
        world.loop.stop_at = world.loop.steps + world.rng.randrange(100, 1500)
        world.loop.on_stop = world.machine_goes_down
        with pytest.raises(MachineDownError):
            world.run(walk.busy_without_faults(), 600)
        world.power_cut()
        world.boot()
    rest(world)


def test_a_reboot_with_new_device_numbers_opens() -> None:
    """Disks in other places and under other numbers are the same replicas."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.close()
    mounted = [place.mounted for place in world.places]
    for place, disk in zip(world.places, mounted[1:] + mounted[:1], strict=True):
        place.mounted = disk
        assert disk is not None
        disk.device += 100
    world.boot()
    assert world.get("a.vcf") == ANN
    rest(world)


def test_a_start_with_one_disk_unmounted_serves_and_takes_it_back() -> None:
    """Each disk in turn; what it missed it gets when it comes back, while all goes on."""
    for name in (1, 2, 3):
        world = opened(name)
        ok(world.put("a.vcf", ANN))
        world.close()
        gone = take_away(world, name)
        world.boot()
        ok(world.put("b.vcf", BOB))
        assert world.get("a.vcf") == ANN
        bring_back(world, gone)
        rest(world)
        assert checkers.doubtful(world) == []


def test_a_start_with_two_disks_unmounted_is_frozen_and_answers_nothing() -> None:
    """Quorums count configured voters, never those present."""
    for name in (1, 2, 3):
        world = opened(name)
        ok(world.put("a.vcf", ANN))
        world.close()
        others = [n for n in (1, 2, 3) if n != name]
        gone = take_away(world, *others)
        settle(world)
        before = held(world.disks[name - 1]).position
        with pytest.raises(FrozenCellError):
            world.boot()
        assert held(world.disks[name - 1]).position == before
        world.kill()
        bring_back(world, gone)
        world.boot()
        rest(world)


def test_wrong_heads_of_one_replica_do_not_keep_the_cell_shut() -> None:
    """The one that the others contradict is doubtful, also if it has the newest history."""
    for name in (1, 2, 3):
        world = opened(name)
        for number in range(4):
            ok(world.put(f"{number}.vcf", ANN))
        world.close()
        disk = world.disks[name - 1]
        settle(world)
        state = held(disk)
        book = world.books["contacts"]
        head = state.heads[book]._replace(members=1)
        spoil(disk, replace(state, heads={**state.heads, book: head}))
        world.boot()
        rest(world)
        assert disk.quarantine


def test_two_doubts_at_once_do_not_shut_the_cell_for_good() -> None:
    """A doubt that no quorum can record is settled by a new opening."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[0].plant("eio", 0)
    world.disks[1].plant("eio", 0)
    ending = world.put("b.vcf", BOB)
    assert isinstance(ending, RetryError)
    assert world.cell is not None
    world.run(world.cell.ended())
    world.close()
    world.boot()
    assert world.get("a.vcf") == ANN
    rest(world)


def test_a_repeated_request_finds_its_own_bytes() -> None:
    """A conditional PUT whose answer was lost succeeds when it is sent again; another's fails."""
    world = opened()
    ok(world.put("a.vcf", ANN, must_exist=False))
    ok(world.put("a.vcf", ANN, must_exist=False))
    assert isinstance(world.put("a.vcf", ANN, device=8, must_exist=False), PreconditionError)
    rest(world)
    entries = [e for e in world.model.journals[world.books["contacts"]] if e.kind == OBJECT]
    assert len(entries) == 1

"""Named lives: one voter holds something beside the history, one is good, one is away.

A copy of the good one takes the place of the first during the opening, and the cell opens by
itself. Wherever the power goes or a disk fails on the way, what was acknowledged stays.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest

from sim.disk import Disk
from sim.loop import MachineDownError, StuckError
from sim.stage import ANN, BOB, EVE, bring_back, held, opened, rest, settle, spoil, take_away
from sim.world import LEVEL_SECONDS, World, ok
from strongroom.base.errors import RefusedPlanError
from strongroom.history.entries import CELL, REPLICA, digest_of
from strongroom.mirror.site import FrozenCellError

CALLS = {0: 28, 1: 6}  # by disk: a few more system calls than it makes in such an opening
STEPS = 120


def held_by_some(world: World, href: str, body: bytes, *others: int) -> None:
    """Write what the disks `others` do not take, and go down before anybody is told."""
    for name in others:
        world.disks[name - 1].read_only = True
    with pytest.raises(StuckError):
        world.run(world.submit(*world.put_edit(href, body)), 0.05)
    world.power_cut()
    for name in others:
        world.disks[name - 1].read_only = False


def one_beside(seed: int = 1) -> tuple[World, dict[int, Disk]]:
    """Give a world that is off: r1 holds BOB beside, r2 is good, r3 is away; EVE was told."""
    world = opened(seed)
    ok(world.put("a.vcf", ANN))
    settle(world)
    held_by_some(world, "a.vcf", BOB, 2, 3)
    gone = take_away(world, 1)
    world.boot()
    ok(world.put("a.vcf", EVE))  # on r2 and r3, in a later term
    world.close()
    bring_back(world, gone)
    return world, take_away(world, 3)


def all_comes_back(world: World, gone: dict[int, Disk]) -> None:
    """Exchange who is away: what the copy voted for must stand on it, and no term comes twice."""
    world.power_cut()
    bring_back(world, gone)
    gone = take_away(world, 2)
    world.boot()
    assert world.get("a.vcf") == EVE
    ok(world.put("c.vcf", ANN))
    bring_back(world, gone)
    rest(world)


def test_one_beside_and_one_good_open_by_themselves() -> None:
    """Nobody has to bring the third disk back; what lay beside is kept in quarantine."""
    world, gone = one_beside()
    old = world.disks[0].main
    world.boot()
    assert world.get("a.vcf") == EVE
    ok(world.put("b.vcf", ANN))
    assert world.disks[0].quarantine == [old]
    identities = [content.cached.identity for content in (old, world.disks[0].main)]
    assert identities[0] == identities[1], "it is the same voter, and nothing must record it"
    all_comes_back(world, gone)
    assert world.get("b.vcf") == ANN


def test_with_enough_others_it_is_copied_while_the_cell_serves() -> None:
    """It is behind, not doubtful: nothing is recorded of it, and it goes on as the same voter."""
    world, gone = one_beside()
    bring_back(world, gone)
    old = held(world.disks[0]).identity
    world.boot()
    assert world.standing("r1") == "absent"
    rest(world)
    assert held(world.disks[0]).identity == old
    assert len(world.disks[0].quarantine) == 1
    standings = world.model.journals[CELL]
    assert [e.href for e in standings if e.kind == REPLICA] == ["r1", "r2", "r3"]


def test_who_asks_for_a_copy_that_is_being_made_waits_for_it() -> None:
    """Two copies in one place would end each other."""
    world, gone = one_beside()
    bring_back(world, gone)
    cell = world.boot()
    world.disks[0].slow = 50.0
    world.wait_until(lambda: cell.report()["copying"])
    with pytest.raises(RefusedPlanError, match=r"already|good voter"):
        world.run(cell.rebuild("r1"), LEVEL_SECONDS)
    rest(world)
    assert len(world.disks[0].quarantine) == 1


def test_a_crash_before_it_is_copied_leaves_it_a_voter() -> None:
    """So the cell opens with it, whoever is away then."""
    world, gone = one_beside()
    bring_back(world, gone)
    world.boot()
    world.power_cut()
    gone = take_away(world, 3)
    world.boot()
    assert world.get("a.vcf") == EVE
    all_comes_back(world, gone)


def test_what_lies_beside_stays_where_the_witness_knows_more() -> None:
    """It may be what the witness remembers: nothing is put away, and nothing is served."""
    world, gone = one_beside()
    testimony = world.witness.cached
    book = world.books["contacts"]
    head = testimony.heads[book]
    heads = {**testimony.heads, book: head._replace(number=head.number + 1)}
    world.witness.cached = testimony._replace(heads=heads)
    before = held(world.disks[0]).position
    with pytest.raises(FrozenCellError, match="the witness knows more"):
        world.boot()
    assert held(world.disks[0]).position == before
    assert not world.disks[0].quarantine
    world.kill()
    world.witness.cached = testimony
    world.boot()
    all_comes_back(world, gone)


def test_a_source_whose_own_batches_do_not_fold_is_not_copied() -> None:
    """The copy shows it: the source is doubtful, and the two others open without it."""
    world, gone = one_beside()
    bring_back(world, gone)
    gone = take_away(world, 1)
    world.boot()
    held_by_some(world, "a.vcf", ANN, 2)
    bring_back(world, gone)
    third = held(world.disks[2])
    head = third.heads[world.books["contacts"]]._replace(members=7)
    spoil(world.disks[2], replace(third, heads={**third.heads, head.collection: head}))
    old = world.disks[2].main
    world.boot()  # r1 lies beside, r3 has the newest history, and r2 sees that its heads are wrong
    assert world.standing("r3") == "doubtful"
    assert world.get("a.vcf") in {ANN, EVE}
    rest(world)
    assert old in world.disks[2].quarantine


def test_a_body_that_the_source_lost_is_taken_from_what_lies_beside() -> None:
    """It is what its digest says, wherever it lies (I3)."""
    world, gone = one_beside()
    second = held(world.disks[1])
    spoil(world.disks[1], replace(second, blobs={**second.blobs, digest_of(ANN): None}))
    world.boot()
    assert held(world.disks[0]).blobs[digest_of(ANN)] == ANN
    all_comes_back(world, gone)


def test_a_source_whose_batches_are_no_history_makes_nobody_else_look_wrong() -> None:
    """Alone with one that lies beside it keeps the cell shut; with a good one it does not."""
    world, gone = one_beside()
    second = held(world.disks[1])
    batches = list(second.batches)
    batches[3] = replace(batches[3], previous=bytes(32))
    spoil(world.disks[1], replace(second, batches=tuple(batches)))
    with pytest.raises(FrozenCellError, match="r2: its batches do not follow one another"):
        world.boot()
    assert not world.disks[0].quarantine
    world.kill()
    bring_back(world, gone)
    world.boot()
    assert world.get("a.vcf") == EVE
    assert world.cell is not None
    world.cell.disbelieve("r2", "a scrub says so")
    rest(world)


@pytest.mark.parametrize("ends", [World.power_cut, World.kill])
def test_the_power_may_go_at_each_system_call_of_such_an_opening(
    ends: Callable[[World], None],
) -> None:
    """After a killed process too: what the kernel shows may be gone after the next power cut."""
    for disk, most in CALLS.items():
        for calls in range(most):
            world, gone = one_beside(calls)
            world.disks[disk].plant("cut", calls)
            with suppress(MachineDownError):
                world.boot()
            ends(world)
            for one in world.disks:
                one.fail_at.clear()
            world.boot()
            assert world.get("a.vcf") == EVE
            ok(world.put("b.vcf", ANN))  # on r1 and r2 alone
            all_comes_back(world, gone)
            assert world.get("b.vcf") == ANN


def test_the_power_may_go_at_each_step_of_such_an_opening() -> None:
    """Between any two of its steps, with what each disk had not synced there or not."""
    for step in range(STEPS):
        world, gone = one_beside(step)
        world.loop.stop_at = world.loop.steps + step
        world.loop.on_stop = world.machine_goes_down
        with suppress(MachineDownError):
            world.boot()
        world.loop.stop_at = -1
        world.power_cut()
        world.boot()
        ok(world.put("b.vcf", ANN))
        all_comes_back(world, gone)
        assert world.get("b.vcf") == ANN


@pytest.mark.parametrize("fault", ["eio", "fsync", "full"])
def test_a_disk_that_fails_in_such_an_opening_loses_nothing(fault: str) -> None:
    """It opens or stays frozen; with the third disk back it opens, and all is there."""
    frozen = 0
    for calls in range(CALLS[0]):
        world, gone = one_beside(calls)
        world.disks[0].plant(fault, calls)
        try:
            world.boot()
        except FrozenCellError:
            frozen += 1
        else:
            assert world.get("a.vcf") == EVE
        world.disks[0].fail_at.clear()
        world.power_cut()
        bring_back(world, gone)
        world.boot()
        assert world.get("a.vcf") == EVE
        rest(world)
    assert frozen


@pytest.mark.parametrize(("away", "copies"), [((4, 5), [1, 1, 0, 0, 0]), ((5,), [1, 0, 0, 0, 0])])
def test_no_more_are_copied_than_are_needed(away: tuple[int, ...], copies: list[int]) -> None:
    """Of five two lie beside; the others are copied while the cell serves."""
    world = World(1, replicas=5, quorum=3)
    world.initialise()
    ok(world.put("a.vcf", ANN))
    settle(world)
    held_by_some(world, "a.vcf", BOB, 3, 4, 5)
    gone = take_away(world, 1, 2)
    world.boot()
    ok(world.put("a.vcf", EVE))
    settle(world)
    world.close()
    bring_back(world, gone)
    gone = take_away(world, *away)
    world.boot()
    assert world.get("a.vcf") == EVE
    assert [len(disk.quarantine) for disk in world.disks] == copies
    ok(world.put("b.vcf", ANN))
    bring_back(world, gone)
    rest(world)


@pytest.mark.parametrize("seed", range(1, 5))
def test_any_two_of_three_open_after_any_crash(seed: int) -> None:
    """Another pair each time, writes that land anywhere, and an end at any step or system call."""
    for life in range(seed, 60, 4):
        world, rng = opened(life), Random(f"{life} pairs")
        for _ in range(14):
            gone = take_away(world, *rng.sample((1, 2, 3), rng.choice((0, 1, 1, 1))))
            crash_somewhere(world, rng)
            bring_back(world, gone)
        world.boot()
        rest(world)


def crash_somewhere(world: World, rng: Random) -> None:
    """Open, write until the machine goes down, and let a process or the power have gone."""
    if rng.random() < 0.5:
        rng.choice(world.disks).plant("cut", rng.randrange(60))
    world.loop.stop_at = world.loop.steps + rng.randrange(20, 500)
    world.loop.on_stop = world.machine_goes_down
    with pytest.raises(MachineDownError):
        open_and_write(world, rng)
    world.loop.stop_at = -1
    rng.choice((World.power_cut, World.kill))(world)
    for disk in world.disks:
        disk.fail_at.clear()
        disk.read_only = False


def open_and_write(world: World, rng: Random) -> None:
    world.boot()
    deaf = rng.choice(world.disks)
    while True:
        deaf.read_only = rng.random() < 0.3
        world.put(f"{rng.randrange(3)}.vcf", rng.choice((ANN, BOB, EVE)))

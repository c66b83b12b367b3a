"""Named lives, standing: who is believed, who is not, and how he comes back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest

from sim import checkers
from sim.disk import Disk
from sim.loop import MachineDownError
from sim.stage import ANN, BOB, EVE, bring_back, held, opened, rest, settle, spoil, take_away
from sim.world import ok
from strongroom.base.errors import (
    SettingsError,
    UnknownError,
)
from strongroom.mirror.site import FrozenCellError


def test_a_doubtful_replica_stays_so_over_restarts() -> None:
    """What it says proves nothing until a copy has taken its place."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[0].dead = True
    ok(world.put("b.vcf", BOB))
    world.wait_until(lambda: checkers.doubtful(world) == ["r1"])
    world.power_cut()
    world.disks[0].dead = False  # it seems well again
    gone = take_away(world, 2)
    with pytest.raises(FrozenCellError):
        world.boot()
    world.kill()
    bring_back(world, gone)
    world.boot()
    assert world.standing("r1") != "voter"
    assert world.get("b.vcf") == BOB
    rest(world)
    assert world.disks[0].quarantine


def test_the_doubt_is_recorded_before_the_next_acknowledgement() -> None:
    """Power may go at any step after a failed fsync: what was acknowledged stays."""
    for cut in range(0, 60, 3):
        world = opened(cut)
        world.disks[0].plant("fsync", 2)
        world.loop.stop_at = world.loop.steps + cut * 5
        world.loop.on_stop = world.machine_goes_down
        kept = 0
        with suppress(MachineDownError):
            for number in range(20):
                kept += isinstance(world.put(f"{number}.vcf", ANN), tuple)
        world.loop.stop_at = -1
        world.power_cut()
        world.boot()
        rest(world)
        members = world.run(world.listing(world.books["contacts"]))
        assert kept <= len(members) <= kept + 1


def test_a_vote_from_an_unmounted_disk_is_not_counted() -> None:
    """Open handles of an unmounted disk still write: the identity is checked after the commit."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[2].read_only = True
    gone = take_away(world, 1)
    assert isinstance(world.put("a.vcf", BOB), UnknownError)
    world.disks[2].read_only = False
    bring_back(world, gone)
    rest(world)


def test_another_replicas_marker_in_its_place_is_not_believed() -> None:
    """While it runs: doubtful. At a start: refused, for two places are one replica."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    clone = Disk(7)
    spoil(clone, held(world.disks[1]))
    world.places[0].mounted = clone
    ok(world.put("b.vcf", BOB))
    world.wait_until(lambda: world.standing("r1") != "voter")
    world.kill()
    with pytest.raises(SettingsError):
        world.boot()
    world.kill()
    world.places[0].mounted = world.disks[0]
    world.boot()
    rest(world)


def test_a_voter_that_was_rolled_back_is_levelled() -> None:
    """Its volume manager took it back to a snapshot: what it forgot, the others have."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    snapshot = held(world.disks[0])
    for number in range(5):
        ok(world.put(f"{number}.vcf", BOB))
    world.close()
    spoil(world.disks[0], snapshot)
    world.boot()
    assert world.get("4.vcf") == BOB
    rest(world)


def test_a_corrupt_row_at_the_writers_source_harms_nobody_else() -> None:
    """All others refuse: the batch is dead and who took it is doubtful under a new term."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    old = held(world.disks[0])
    ok(world.put("a.vcf", BOB))
    settle(world)
    new = held(world.disks[0])
    key = world.object_key("contacts", "a.vcf")
    spoil(world.disks[0], replace(new, rows={**new.rows, key: old.rows[key]}))
    assert isinstance(world.put("a.vcf", EVE), UnknownError)
    assert world.cell is not None
    world.run(world.cell.ended())
    world.close()
    world.boot()
    assert world.standing("r1") == "doubtful"
    assert world.get("a.vcf") == BOB
    ok(world.put("a.vcf", EVE))
    rest(world)

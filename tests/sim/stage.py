"""What the named lives share: an open world, the fate of disks, and rest.

Replica r1 lies on `world.disks[0]`, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim import checkers
from sim.disk import Disk
from sim.world import LEVEL_SECONDS, World
from strongroom.stores.memory import MemoryState

ANN, BOB, EVE = b"FN:Ann", b"FN:Bob", b"FN:Eve"


def opened(seed: int = 1, calendars: Sequence[str] = ()) -> World:
    """Give a world with a fresh, open cell."""
    world = World(seed, calendars=calendars)
    world.initialise()
    return world


def settle(world: World) -> None:
    """Let all replicas take what is committed, before one of them is spoilt."""
    if world.cell is not None:
        world.wait(1)


def rest(world: World) -> None:
    """Insist that all is readable, level and equal."""
    world.wait_until(world.all_level)
    assert world.run(checkers.audit(world, whole=True), LEVEL_SECONDS)
    checkers.check_tables(world)
    checkers.require(world.model)


def take_away(world: World, *names: int) -> dict[int, Disk]:
    """Unmount disks by number (1 = r1); `bring_back` mounts them again."""
    gone = {}
    for place in world.places:
        for name in names:
            if place.mounted is world.disks[name - 1]:
                gone[name], place.mounted = place.mounted, None
    return gone


def bring_back(world: World, gone: dict[int, Disk]) -> None:
    """Mount disks again where they lay."""
    for name, disk in gone.items():
        world.places[name - 1].mounted = disk


def spoil(disk: Disk, state: MemoryState) -> None:
    """Let a disk hold another state, silently."""
    disk.main.cached = disk.main.durable = state


def held(disk: Disk) -> MemoryState:
    """Give what a disk shows."""
    return disk.main.cached


def restart(world: World) -> None:
    """Kill the process and open again."""
    world.kill()
    world.boot()

"""Old bodies rot on every disk at once, and a phone brings them again.

What stood once and stands nowhere now may be lost on all copies, and no promise to a phone is
broken. It is again as soon as the same bytes are acknowledged anew (I1). Whatever else goes wrong
meanwhile, copies are made without them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from sim.loop import StuckError
from sim.world import World
from strongroom.history.entries import Member
from strongroom.stores.memory import MemoryState

OFTEN = 0.7
AT_ONCE = 3
TRIES = 8


class Bygones:
    """What rotted everywhere and was not brought again yet."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.rng = Random(f"{seed} bygones")  # of its own, so that other lives stay as they were
        self.rotten: dict[str, bytes] = {}
        self.brought = 0

    def rot(self) -> bool:
        """Spoil some old bodies on all disks, while nothing runs; says whether there were any."""
        states = [disk.main.cached for disk in self.world.disks]
        if self.rng.random() < OFTEN:
            old = sorted(_bygone(states).items())
            self.rotten = dict(self.rng.sample(old, min(AT_ONCE, len(old))))
        for disk, state in zip(self.world.disks, states, strict=True):
            left = {digest: self.rng.choice((None, b"other bytes")) for digest in self.rotten}
            spoilt = replace(state, blobs={**state.blobs, **left})
            disk.main.cached = disk.main.durable = spoilt
        return bool(self.rotten)

    def bring(self, take_writes: Callable[[], None]) -> None:
        """Put each again below some name, each time the cell takes writes, until none is left."""
        for _ in range(TRIES):
            if not self.rotten:
                return
            take_writes()
            self._put_all()
        raise StuckError("what rotted everywhere cannot be brought")

    def _put_all(self) -> None:
        """Put them; what is acknowledged must be readable (I1), what is not stays to be brought."""
        world = self.world
        while self.rotten:
            digest, body = next(iter(self.rotten.items()))
            edit, bodies = world.put_edit(f"c{self.rng.randrange(12)}.vcf", body)
            result = world.run(world.submit(edit, bodies), 120)
            if not isinstance(result, tuple):
                return
            (row,) = result
            assert isinstance(row, Member)
            if world.run(world.body(row), 120) != body:
                world.model.wrong("I1", f"acknowledged {row.key}, and nobody can read it")
            self.brought += 1
            del self.rotten[digest]


def _bygone(states: Sequence[MemoryState]) -> dict[str, bytes]:
    """Give good bodies that all record, that stand nowhere, and that no laggard is yet to get."""
    least, *_, longest = sorted((state.batches for state in states), key=len)
    if any(state.batches != longest[: len(state.batches)] for state in states):
        return {}  # one lies beside, and a copy must take its place
    needed = {digest for batch in longest[len(least) :] for digest in batch.digests()}
    needed |= {r.etag for s in states for r in s.rows.values() if isinstance(r, Member)}
    return {
        digest: body
        for digest, body in states[0].blobs.items()
        if body and digest not in needed and all(s.blobs.get(digest) == body for s in states)
    }

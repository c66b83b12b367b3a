"""Telling the witness: at most once a second after a commit, at the end, and whole at opening (I5).

What can be forgotten unnoticed is that second. A witness that cannot be written is an alarm, never
a reason to refuse a write: it is a second opinion, not a voter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Set

from strongroom.base import limits
from strongroom.base.errors import DamageError
from strongroom.history.entries import CELL, Head
from strongroom.mirror.core import Core
from strongroom.ports.world import Lane, Testimony, Witness


class Testifier:
    """Keeps the witness no more than a second behind."""

    def __init__(self, core: Core) -> None:
        """Hold the core; `attach` gives the witness."""
        self._core = core
        self._witness: Witness | None = None
        self._lane: Lane | None = None
        self._told = -1  # number of the last batch that the witness knows
        self._kept: dict[int, Head] = {}  # what it knows better than we do, until it is thawed

    def attach(self, witness: Witness, lane: Lane, *, known: bool) -> None:
        """Take the witness; one that had no file beside existing replicas is an alarm."""
        self._witness, self._lane = witness, lane
        if not known:
            self._core.alarms["witness"] = "the witness was missing and is written anew"

    def known(self, collection: int) -> Head | None:
        """Give the head that the witness knows better than we do, if it is so."""
        return self._kept.get(collection)

    async def rewrite(self, forgotten: Set[int], testimony: Testimony | None) -> None:
        """Write the whole file anew; heads that we cannot show are kept as they were."""
        core = self._core
        if testimony is not None:
            self._kept = {c: testimony.heads[c] for c in forgotten}
        heads = {**core.heads, **self._kept}
        whole = Testimony(core.cell, core.position, heads, core.directory.keys())
        await self._do(lambda w: w.rewrite(whole), core.position.number)

    async def run(self) -> None:
        """Tell it what was committed, once a second at most, for ever."""
        while True:
            await asyncio.sleep(limits.WITNESS_SECONDS)
            await self.last()

    async def last(self) -> None:
        """Tell it everything that changed since it was told last."""
        core = self._core
        position, told = core.position, self._told
        if position.number == told or self._witness is None:
            return
        dirty, core.dirty = core.dirty, set()
        changed = [core.heads[c] for c in sorted(dirty) if c not in self._kept]
        keys = core.directory.keys() if CELL in dirty else {}
        await self._do(lambda w: w.tell(position, changed, keys), position.number)

    async def _do(self, call: Callable[[Witness], None], number: int) -> None:
        assert self._witness is not None
        assert self._lane is not None
        witness = self._witness
        try:
            await self._lane.run(lambda: call(witness))
        except (DamageError, OSError) as error:
            self._core.alarms["witness"] = f"it cannot be written: {error}"
            self._core.dirty.update(self._core.heads)  # told again, whole, as soon as it can be
        else:
            self._told = number
            if self._core.alarms.get("witness", "").startswith("it cannot"):
                del self._core.alarms["witness"]

"""`MirrorCell`: one cell on a mirror of replicas; fulfils ports.cell.Cell.

It puts writer, reader, keeper and witness together around one state; the rules are in theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from strongroom.base import limits
from strongroom.base.errors import RetryError
from strongroom.history.directory import Directory
from strongroom.history.edits import OURSELVES, Edit, Origin, Put
from strongroom.history.entries import (
    FREEZE,
    Head,
    Key,
    Member,
    Row,
)
from strongroom.history.evidence import freeze_edit
from strongroom.mirror import state as machine
from strongroom.mirror.core import Core
from strongroom.mirror.forgetting import not_yet_accepted, seen
from strongroom.mirror.keeper import Keeper, Progress, progress_of
from strongroom.mirror.launch import Launch, launch
from strongroom.mirror.reader import Reader
from strongroom.mirror.salvage import Salvage
from strongroom.mirror.site import FrozenCellError, Patient, Site
from strongroom.mirror.testifying import Testifier
from strongroom.mirror.writer import Writer
from strongroom.ports.cell import Changes, Salvaged, Unreadable
from strongroom.ports.world import Clock, Entropy, Lane, Testimony, Witness


class MirrorCell:
    """One opening of a cell. Make it with `open`, end it with `close`."""

    def __init__(self, core: Core, writer: Writer, reader: Reader, keeper: Keeper,
                 testifier: Testifier) -> None:  # fmt: skip
        """Hold the parts; `open` has put them together."""
        self._core = core
        self._writer = writer
        self._reader = reader
        self._keeper = keeper
        self._testifier = testifier
        self._salvage = Salvage(
            self._by_belief, core.head, testifier.known, lambda c: seen(core.directory, c)
        )

    @staticmethod
    async def open(
        sites: Sequence[Site],
        witness: Witness,
        witness_lane: Lane,
        clock: Clock,
        entropy: Entropy,
        *,
        write_quorum: int,
        reserve_bytes: int = limits.RESERVE_BYTES,
        progress: Progress | None = None,
    ) -> MirrorCell:
        """Open the cell; on return a batch of the new term stands on W voters.

        `progress` is told how far a copy is that must be made first; without one it takes no time.

        Raises:
            NoCellError: nothing is here, and no witness knows better.
            SettingsError: the configuration disagrees with the cell.
            FrozenCellError: fewer than W good voters, or the witness knows more.
        """
        testimony = await witness_lane.run(witness.recall)
        opened = await launch(sites, testimony, write_quorum, progress)
        cell = _assemble(opened, clock, entropy, write_quorum, reserve_bytes)
        cell._testifier.attach(witness, witness_lane, known=testimony is not None)
        try:
            await cell._begin(opened, testimony)
        except BaseException:  # cleans up, then raises it again
            await cell._core.stop()
            raise
        return cell

    async def _begin(self, opened: Launch, testimony: Testimony | None) -> None:
        core = self._core
        freezes: dict[int, Put] = {}
        if testimony is not None:
            freezes = not_yet_accepted(opened.forgotten, testimony, core.directory)
        try:
            async with asyncio.timeout(limits.OPENING_SECONDS_MAX):
                await self._writer.open_term()
                core.spawn(self._writer.run())
                await asyncio.gather(*(self._writer.submit(edit, {}) for edit in freezes.values()))
        except (TimeoutError, RetryError) as error:
            raise FrozenCellError(f"the opening batch found no quorum: {error}") from error
        await self._testifier.rewrite(freezes.keys(), testimony)
        core.spawn(self._testifier.run())
        core.spawn(self._keeper.run())
        core.spawn(self._keeper.checkpoints())

    async def close(self) -> None:
        """Tell the witness the last heads and end; waiting edits hear "unknown"."""
        self._core.closing = True
        self._writer.give_up()
        await self._core.stop()
        await self._testifier.last()

    async def ended(self) -> str:
        """Wait until this opening is over, for a new term must settle what the replicas hold."""
        await self._core.ended.wait()
        return self._core.state.halted

    # --- ports.cell.Cell ------------------------------------------------------------------------
    @property
    def directory(self) -> Directory:
        """Give the directory as committed."""
        return self._core.directory

    def head(self, collection: int) -> Head:
        """Give the committed head."""
        return self._core.head(collection)

    def writable(self) -> bool:
        """Say whether a write can be taken now."""
        core = self._core
        return not core.closing and core.state.writable() and not self._writer.full()

    async def submit(self, edit: Edit, bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
        """Make `edit` happen; see ports.cell.Cell."""
        return await self._writer.submit(edit, bodies)

    async def row(self, key: Key) -> Member | None:
        """Give what stands under `key`; None is proven."""
        return (await self._reader.rows([key]))[0]

    async def rows(self, keys: Sequence[Key]) -> list[Member | None]:
        """Give what stands under many keys; each None is proven."""
        return await self._reader.rows(keys)

    async def fetch(self, keys: Sequence[Key]) -> list[tuple[Member, bytes | None] | None]:
        """Give rows and their bodies in one go."""
        return await self._reader.fetch(keys)

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give bodies, each checked on this read."""
        return await self._reader.bodies(digests)

    async def listing(self, collection: int, kind: str) -> tuple[Head, tuple[Member, ...]]:
        """Give all members of a kind, proven against the committed head."""
        return await self._reader.listing(collection, kind)

    async def changes(self, collection: int, after: int, chain: bytes, limit: int) -> Changes:
        """Give the proven part of a journal behind `after`."""
        return await self._reader.changes(collection, after, chain, limit)

    def salvage(
        self, collection: int, after: str = ""
    ) -> AsyncGenerator[Salvaged | Unreadable, None]:
        """Give every object that any copy can still give; see ports.cell.Salvager."""
        return self._salvage.objects(collection, after)

    def _by_belief(self) -> list[Site]:
        """Give all places, the best voters first."""
        core, peers = self._core, self._core.state.peers
        good = {name: peers[name].standing == machine.VOTER for name in core.sites}
        order = sorted(core.sites, key=lambda n: (not good[n], -peers[n].held, n))
        return [core.sites[name] for name in order]

    async def freeze(
        self, home: int, scope: str, why: str, evidence: str, by: Origin = OURSELVES
    ) -> None:
        """Freeze an account or one collection, once for each piece of evidence (I5)."""
        directory = self._core.directory
        if directory.accepted(home, evidence) or directory.get(home, FREEZE, scope):
            return
        device = directory.device(by.device)
        name = device.href if device else ""
        await self.submit(freeze_edit((home, scope), why, evidence, by, name), {})

    # --- for operators ----------------------------------------------------------------------------
    async def rebuild(self, replica: str, progress: Progress | None = None) -> None:
        """Fill the blank or doubtful place of a replica by a copy."""
        await self._keeper.rebuild(replica, progress)

    def disbelieve(self, replica: str, reason: str) -> None:
        """Take a scrub's word that a replica is damaged: it becomes doubtful and is copied."""
        self._core.event(machine.Broke(replica, reason))

    def sites(self) -> dict[str, Patient]:
        """Give the places by replica id, for scrub."""
        return {name: Patient(site) for name, site in self._core.sites.items()}

    def voters(self) -> list[str]:
        """Name the good voters."""
        return sorted(self._core.state.named(machine.VOTER))

    def head_at(self, collection: int, batch: int) -> Head | None:
        """Give a head as it was after a batch; None = too long ago, or not committed yet."""
        if batch > self._core.position.number:
            return None  # who voted for a batch in flight holds it before it is committed
        return self._core.head_at(collection, batch)

    async def look(self) -> None:
        """Look now whether the copies are there, so that `report` tells nothing old."""
        await self._keeper.look()

    def report(self) -> dict[str, Any]:
        """Say how the cell is, for `strongroom status`."""
        core = self._core
        return {
            "cell": core.cell,
            "term": core.term,
            "number": core.position.number,
            "writable": self.writable(),
            "full": self._writer.full(),
            "replicas": [self._replica_report(name) for name in sorted(core.sites)],
            "batches": self._writer.batches,
            "entries": self._writer.entries,
            "healed": sum(site.replica.healed() for site in core.sites.values()),
            "copying": progress_of(self._keeper.copying),
            "catching_up": progress_of(self._keeper.catching_up),
            "alarms": {**core.alarms, **core.clock_alarm()},
        }

    def _replica_report(self, name: str) -> dict[str, Any]:
        core = self._core
        peer = core.state.peers[name]
        held, _ = self._keeper.catching_up.get(name, (peer.held, 0))
        behind = max(0, core.position.number - held)
        return {
            "replica": name,
            "place": core.sites[name].place,
            "standing": _standing_word(peer, behind),
            "held": held,
            "behind": behind,
            "reason": "" if name in self._keeper.catching_up else peer.reason,  # it is over
            "since": self._keeper.watch.since(name),
            "silent_seconds": self._keeper.watch.silent_seconds(name),
            "free_bytes": self._writer.free.get(name),
        }


def _assemble(
    opened: Launch, clock: Clock, entropy: Entropy, quorum: int, reserve_bytes: int
) -> MirrorCell:
    number = opened.position.number
    peers = {
        name: _peer(opened, name, number) for name in sorted(opened.sites)
    }  # every configured replica, there or not
    unrecorded = frozenset(n for n in opened.doubtful if not _recorded(opened.directory, n))
    state = machine.State(quorum, number, peers, unrecorded=unrecorded)
    core = Core(opened.cell, opened.term, opened.sites, state, clock)
    core.load(opened.position, opened.heads, opened.directory)
    core.last_ms = opened.last_ms
    core.alarms.update(opened.alarms)
    reader = Reader(core, len(peers), quorum)
    writer = Writer(core, reader.prefetch, reader.confirm, reserve_bytes)
    keeper = Keeper(core, writer, reader, entropy)
    return MirrorCell(core, writer, reader, keeper, Testifier(core))


def _peer(opened: Launch, name: str, number: int) -> machine.Peer:
    if name in opened.level:
        return machine.Peer(machine.VOTER, number, number)
    if name in opened.doubtful:
        return machine.Peer(machine.DOUBTFUL, reason=opened.doubtful[name])
    return machine.Peer(machine.ABSENT, reason=opened.absent.get(name, ""))


def _standing_word(peer: machine.Peer, behind: int) -> str:
    """Say "behind" of a voter that keeps silent or lags; it catches up by itself."""
    lags = peer.reason or behind > limits.SEND_AHEAD_MAX
    return "behind" if peer.standing == machine.VOTER and lags else peer.standing


def _recorded(directory: Directory, name: str) -> bool:
    member = directory.standings().get(name)
    return member is not None and member.facts["standing"] == machine.DOUBTFUL


__all__ = ["FrozenCellError", "MirrorCell", "Site"]

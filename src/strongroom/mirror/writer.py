"""The writer: collects edits into batches, decides them, and answers once a quorum is durable.

One batch is in flight at a time. What an edit of a batch saw is not told to anybody before that
batch stands on a quorum: refusals wait as well, for they may rest on an edit before them (I1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from strongroom.base import limits
from strongroom.base.errors import (
    BusyError,
    ClientError,
    FoldError,
    NoSpaceError,
    StrongroomError,
    UnknownError,
    UnsureError,
)
from strongroom.history.decide import Overlay, Stamp, decide
from strongroom.history.edits import Edit, Put, Remove, Together, entries_of, keys
from strongroom.history.entries import (
    CELL,
    FROM_REPLICAS,
    REPLICA,
    Batch,
    Head,
    Key,
    Position,
    Row,
    canonical,
    digest_of,
    make_batch,
)
from strongroom.mirror import state as machine
from strongroom.mirror.core import Core


@dataclass(slots=True, eq=False)
class Waiting:
    """An edit, its bodies, and who waits for its ending."""

    edit: Edit
    bodies: Mapping[str, bytes]
    size: int
    ending: asyncio.Future[tuple[Row, ...]]
    standing: str = ""  # the replica whose standing it records
    entries: int = 1  # that it makes at most


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class Flown:
    """A batch as the writer holds it: what to publish and whom to answer."""

    batch: Batch
    bodies: Mapping[str, bytes]
    heads: Mapping[int, Head]
    rows: Sequence[Row]
    asked: Sequence[tuple[Waiting, tuple[Row, ...] | ClientError]]
    owners: Sequence[Waiting]  # of each entry
    landed: asyncio.Future[None] = field(default_factory=_future)
    timer: asyncio.TimerHandle | None = None
    again: Sequence[Waiting] = ()  # to be decided again: the batch was taken back


Prefetch = Callable[[Sequence[Key]], Awaitable[Mapping[Key, Row | None]]]
Confirm = Callable[[Mapping[Key, Row | None]], Awaitable[None]]


class Writer:
    """Owns the queue and the batch in flight."""

    def __init__(
        self, core: Core, prefetch: Prefetch, confirm: Confirm, reserve_bytes: int
    ) -> None:
        """Register for the machine's actions; `run` does the rest."""
        self._core = core
        self._prefetch = prefetch
        self._confirm = confirm
        self._reserve = reserve_bytes
        self._queue: deque[Waiting] = deque()
        self._queued_bytes = 0
        self._wake = asyncio.Event()
        self._flown: Flown | None = None
        self._held_back: list[Flown] = []  # committed, to be answered once the doubt is recorded
        self.free: dict[str, int] = {}
        self._crowd = 0
        self._enough: asyncio.Future[None] | None = None
        self.batches = 0
        self.entries = 0
        core.on(machine.Send, self._send)
        core.on(machine.Commit, self._commit)
        core.on(machine.Acknowledge, self._acknowledge)
        core.on(machine.Record, lambda _: self._wake.set())
        core.on(machine.Rebuild, self._rebuild)
        core.on(machine.Fail, self._fail)
        core.on(machine.Halt, self._halt)

    # --- taking edits -------------------------------------------------------------------------
    async def submit(self, edit: Edit, bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
        """Take an edit; see ports.cell.Cell.submit."""
        core = self._core
        if core.state.halted or core.closing:
            raise UnsureError
        if len(self._queue) >= limits.QUEUE_EDITS_MAX:
            raise BusyError
        size = sum(map(len, bodies.values()))
        if self._queued_bytes + size > 4 * limits.BATCH_BYTES_MAX:
            raise BusyError
        if _grows(edit) and self.full():
            raise NoSpaceError
        loop = asyncio.get_running_loop()
        waiting = Waiting(edit, bodies, size, loop.create_future(), entries=entries_of(edit))
        timer = loop.call_later(limits.VOTE_SECONDS_MAX, _expire, waiting.ending)
        self._queue.append(waiting)
        self._queued_bytes += size
        self._wake.set()
        if self._enough is not None and len(self._queue) >= self._crowd - self._crowd // 8:
            _end_wait(self._enough)
        try:
            return await waiting.ending
        finally:
            timer.cancel()

    def flying(self) -> Position | None:
        """Give the position of the batch in flight."""
        return self._flown.batch.position if self._flown else None

    def full(self) -> bool:
        """Say whether fewer than W voters have more room than the reserve."""
        if all(free >= self._reserve for free in self.free.values()):
            return False
        voters = self._core.state.named(machine.VOTER)
        roomy = [n for n in voters if self.free.get(n, self._reserve) >= self._reserve]
        return len(roomy) < self._core.state.quorum <= len(voters)

    # --- the loop -----------------------------------------------------------------------------
    async def run(self) -> None:
        """Build one batch after another, for ever."""
        core = self._core
        while not core.state.halted:
            while not self._queue and not core.state.unrecorded:
                self._wake.clear()
                await self._wake.wait()
            await self._gather()
            taken = self._take()
            try:
                await self._one_batch(taken)
            except UnsureError:
                self._put_back(taken)
                await asyncio.sleep(limits.RETRY_BATCH_SECONDS)

    async def _gather(self) -> None:
        """Give those who are about to ask a moment: each batch costs a sync on every replica.

        The crowd is who was answered by the last batch or waited behind it. One who asks alone
        never waits, and a crowd that went away is waited for once.
        """
        missing = self._crowd - self._crowd // 8 - len(self._queue)
        if missing <= 0 or self._core.state.unrecorded:
            return
        self._enough = asyncio.get_running_loop().create_future()
        timer = asyncio.get_running_loop().call_later(
            limits.GATHER_SECONDS, _end_wait, self._enough
        )
        await self._enough
        timer.cancel()
        self._enough = None

    def _take(self) -> list[Waiting]:
        taken: list[Waiting] = []
        size = entries = 0
        while self._queue:
            entries += self._queue[0].entries
            size += self._queue[0].size
            if taken and (size > limits.BATCH_BYTES_MAX or entries > limits.BATCH_ENTRIES_MAX):
                break
            waiting = self._queue.popleft()
            self._queued_bytes -= waiting.size
            if waiting.ending.done():
                entries -= waiting.entries
                size -= waiting.size
                continue  # heard "unknown" already, and nobody saw it: never happened
            taken.append(waiting)
        return taken

    def _put_back(self, taken: Sequence[Waiting]) -> None:
        self._queue.extendleft(reversed(taken))
        self._queued_bytes += sum(w.size for w in taken)

    async def open_term(self) -> None:
        """Commit a batch of the new term, empty but for doubts to be recorded (DESIGN "Opening").

        Without it, what only a minority holds could still win over what a later opening wrote.

        Raises:
            UnsureError: it was taken back or is dead; nothing of this term is committed.
        """
        flown = await self._decide(self._standings())
        await self.fly(flown)
        if self._core.position != flown.batch.position:
            raise UnsureError(self._core.state.halted or "every replica refused it")

    async def _one_batch(self, taken: Sequence[Waiting]) -> None:
        while True:
            flown = await self._decide([*self._standings(), *taken])
            if not (flown.batch.entries or flown.bodies or self._core.state.unrecorded):
                _answer(flown)
                return
            await self.fly(flown)
            if not flown.again:
                return
            taken = [w for w in flown.again if not w.standing]

    async def fly(self, flown: Flown) -> None:
        """Hand a batch out and wait until it is committed or taken back."""
        core = self._core
        self._flown = flown
        recording = frozenset(w.standing for w, _ in flown.asked if w.standing)
        core.event(machine.Proposed(flown.batch.number, recording))
        self._tick_later(flown)
        try:
            await flown.landed
        finally:
            if flown.timer is not None:
                flown.timer.cancel()

    def _tick_later(self, flown: Flown) -> None:
        loop = asyncio.get_running_loop()
        flown.timer = loop.call_later(limits.RETRY_BATCH_SECONDS, self._tick, flown)

    def _tick(self, flown: Flown) -> None:
        if not flown.landed.done() and not self._core.closing:
            self._core.event(machine.Ticked())
            self._tick_later(flown)

    def _standings(self) -> list[Waiting]:
        return [self._standing(name) for name in sorted(self._core.state.unrecorded)]

    def _standing(self, name: str) -> Waiting:
        core = self._core
        reason = core.state.peers[name].reason
        edit = standing_edit(core, name, machine.DOUBTFUL, reason=reason)
        ending: asyncio.Future[tuple[Row, ...]] = asyncio.get_running_loop().create_future()
        ending.cancel()  # nobody waits for it
        return Waiting(edit, {}, 0, ending, name)

    async def _decide(self, taken: Sequence[Waiting]) -> Flown:
        wanted = {key for waiting in taken for key in keys(waiting.edit)}
        rows = {k: self._known(k) for k in wanted if k.kind not in FROM_REPLICAS}
        objects = [k for k in wanted if k.kind in FROM_REPLICAS]
        if objects:
            rows.update(await self._prefetch(objects))
        missing = [k for k, row in rows.items() if row is None and k.kind not in FROM_REPLICAS]
        if missing:  # a tombstone is needed for the pre-image, and only a replica has it
            rows.update(await self._prefetch(missing))
        flown = self._build(taken, rows)
        unproven = _without_entry(flown)
        if unproven:
            await self._confirm({key: rows[key] for key in unproven})
        return flown

    def _known(self, key: Key) -> Row | None:
        return self._core.directory.get(*key)

    def _build(self, taken: Sequence[Waiting], rows: Mapping[Key, Row | None]) -> Flown:
        core = self._core
        overlay = Overlay(rows, core.heads)
        stamp = Stamp(core.position.number + 1, core.now_ms())
        asked: list[tuple[Waiting, tuple[Row, ...] | ClientError]] = []
        owners: list[Waiting] = []
        left: list[Row] = []
        bodies: dict[str, bytes] = {}
        for waiting in taken:
            try:
                result = decide(overlay, waiting.edit, stamp)
            except ClientError as error:
                asked.append((waiting, error))
                continue
            except FoldError as error:
                # What stands and the head disagree here: the source is wrong, not the edit.
                raise UnsureError(f"{error}") from error
            asked.append((waiting, result))
            # Also where it stood already: its copies may have rotted since (I1).
            bodies.update(waiting.bodies)
            made = len(overlay.entries) - len(owners)
            owners.extend([waiting] * made)
            if made:
                left.extend(result)
        batch = make_batch(
            core.cell, core.position, core.term, stamp.at,
            overlay.heads.values(), overlay.entries, overlay.lines,
        )  # fmt: skip
        return Flown(batch, bodies, overlay.heads, left, asked, owners)

    # --- what the machine wants done ------------------------------------------------------------
    def _send(self, action: machine.Send) -> None:
        assert self._flown is not None
        core, batch, bodies = self._core, self._flown.batch, self._flown.bodies
        vote = core.sites[action.replica].writing(lambda r: r.apply(batch, bodies, core.term))
        vote.add_done_callback(partial(self._heard, action.replica, batch))

    def _heard(self, name: str, batch: Batch, vote: asyncio.Future[Position]) -> None:
        self._core.heard(name, batch.number, vote, partial(self._count, name, batch))

    def _count(self, name: str, batch: Batch, voted: Position) -> None:
        if voted == batch.position:
            self._core.event(machine.Voted(name, batch.number))
        else:
            reason = f"voted for another content of batch {batch.number}"
            self._core.event(machine.Broke(name, reason))

    def _commit(self, action: machine.Commit) -> None:
        flown = self._flown
        assert flown is not None
        assert flown.batch.number == action.number
        self._flown = None
        self.batches += 1
        self._crowd = len(flown.asked) + len(self._queue)
        self.entries += len(flown.batch.entries)
        self._core.publish(flown.batch, flown.heads, flown.rows)
        self._held_back.append(flown)
        flown.landed.set_result(None)

    def _acknowledge(self, _: machine.Acknowledge) -> None:
        held, self._held_back = self._held_back, []
        for flown in held:
            _answer(flown)

    def _rebuild(self, action: machine.Rebuild) -> None:
        """Fail the one edit that cannot be written; the others are decided anew (I9)."""
        flown = self._flown
        assert flown is not None
        culprit = flown.owners[action.position]
        _end(culprit.ending, _cannot_be_written())
        self._take_back(flown, [w for w, _ in flown.asked if w is not culprit])

    def _fail(self, action: machine.Fail) -> None:
        flown = self._flown
        assert flown is not None
        self._core.alarms["refused"] = action.reason
        for waiting, _ in flown.asked:
            _end(waiting.ending, UnsureError("nothing was changed; the write was refused"))
        self._take_back(flown, [])

    def _take_back(self, flown: Flown, again: Sequence[Waiting]) -> None:
        self._flown = None
        flown.again = again
        flown.landed.set_result(None)

    def _halt(self, action: machine.Halt) -> None:
        core = self._core
        core.alarms["halted"] = action.reason
        core.ended.set()
        self.give_up()
        if self._flown is not None:
            self._flown.landed.set_result(None)  # as far as it ever will

    def give_up(self) -> None:
        """Answer all that waits: unknown where a replica saw it, else it did not happen."""
        for flown in [*self._held_back, *([self._flown] if self._flown else [])]:
            for waiting, _ in flown.asked:
                _end(waiting.ending, UnknownError())
        self._held_back = []
        while self._queue:
            _end(self._queue.popleft().ending, UnsureError())


def _without_entry(flown: Flown) -> list[Key]:
    """Name the objects, and the UIDs, of edits that were refused or had nothing to do.

    No replica will hold these against its own rows, so what they rest on must be proven (I4).
    """
    made = set(map(id, flown.owners))
    idle = (waiting for waiting, _ in flown.asked if id(waiting) not in made)
    return [key for waiting in idle for key in keys(waiting.edit) if key.kind in FROM_REPLICAS]


def standing_edit(core: Core, name: str, standing: str, **facts: str) -> Put:
    """Build the edit that records a replica's standing in the cell's journal."""
    key = Key(CELL, REPLICA, name)
    old = core.directory.get(*key)
    known = {k: v for k, v in (old.facts if old else {}).items() if k != "reason"}
    data = canonical({**known, "standing": standing, **{k: v for k, v in facts.items() if v}})
    return Put(key, digest_of(data.encode()), data)


def _grows(edit: Edit) -> bool:
    """Say whether an edit needs the room that the reserve protects."""
    if isinstance(edit, Together):
        return any(_grows(one) for one in edit.edits)
    if isinstance(edit, Put) and edit.key.kind == REPLICA:
        return False  # heal goes on below the reserve
    return not isinstance(edit, Remove)


def _cannot_be_written() -> StrongroomError:
    return UnsureError("this one change could not be written; nothing was changed")


def _answer(flown: Flown) -> None:
    for waiting, result in flown.asked:
        _end(waiting.ending, result)


def _end(ending: asyncio.Future[tuple[Row, ...]], result: tuple[Row, ...] | Exception) -> None:
    if ending.done():
        return
    if isinstance(result, Exception):
        ending.set_exception(result)
    else:
        ending.set_result(result)


def _end_wait(enough: asyncio.Future[None]) -> None:
    if not enough.done():
        enough.set_result(None)


def _expire(ending: asyncio.Future[tuple[Row, ...]]) -> None:
    _end(ending, UnknownError())

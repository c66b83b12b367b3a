"""What all parts of the engine share: the machine's state, the committed heads, the directory.

`event` is the only way into the state machine; actions go to whoever registered for their class.
Everything here runs on one event loop, so a step is never interrupted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from strongroom.base.errors import (
    BrokenReplicaError,
    DamageError,
    RefusedBatchError,
    StatementError,
    UnavailableReplicaError,
)
from strongroom.history.directory import Directory
from strongroom.history.entries import Batch, Head, Position, Row, genesis_head
from strongroom.mirror import state as machine
from strongroom.mirror.recent import Recent
from strongroom.mirror.site import Site
from strongroom.ports.world import Clock

T = TypeVar("T")

_DAY_MS: Final = 86_400_000
_PAST_BATCHES: Final = 256  # how long a reader may take while batches go by


class Core:
    """State of one opening of a cell."""

    def __init__(
        self, cell: str, term: int, sites: Mapping[str, Site], state: machine.State, clock: Clock
    ) -> None:
        """Start from a state; `load` must follow before anything is served."""
        self.cell = cell
        self.term = term
        self.sites = dict(sites)
        self.state = state
        self.position = Position(0, 0, b"")
        self.heads: dict[int, Head] = {}
        self.directory = Directory()
        self.recent = Recent()
        self.alarms: dict[str, str] = {}
        self.last_ms = 0
        self.closing = False
        self.dirty: set[int] = set()  # collections whose heads the witness was not told
        self.ended = asyncio.Event()  # the cell must be opened anew
        self._clock = clock
        self._past: deque[tuple[int, dict[int, Head]]] = deque(maxlen=_PAST_BATCHES)
        self._actors: dict[type, Callable[[Any], None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()

    def load(self, position: Position, heads: Mapping[int, Head], directory: Directory) -> None:
        """Take the chosen history over as committed."""
        self.position, self.heads, self.directory = position, dict(heads), directory

    # --- the machine ------------------------------------------------------------------------
    def on(self, action: type, actor: Callable[[Any], None]) -> None:
        """Register who carries out a class of actions."""
        self._actors[action] = actor

    def event(self, event: machine.Event) -> None:
        """Advance the machine and have its actions carried out."""
        self.state, actions = machine.step(self.state, event)
        for action in actions:
            self._actors[type(action)](action)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside; it ends with the cell."""
        if self.closing:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.mistaken(error)

    def mistaken(self, error: BaseException) -> None:
        """Stop at a mistake of our own: take no more writes rather than go on half-blind."""
        why = f"{type(error).__name__}: {error}"
        self.alarms["engine"] = why
        self.state = self.state._replace(halted=why)
        self.ended.set()
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a part of the engine ended", "exception": error}
        )

    async def stop(self) -> None:
        """End all that runs beside."""
        self.closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def heard(
        self, name: str, number: int, answer: asyncio.Future[T], act: Callable[[T], None]
    ) -> None:
        """Take what a replica answered about batch `number` (0 = about itself).

        An error goes to the machine, all else to `act`. An opening that is over hears nothing.
        """
        error = None if answer.cancelled() else answer.exception()
        if answer.cancelled() or self.closing:
            return
        if isinstance(error, DamageError):
            self.failed(name, number, error)
        elif error is not None:
            self.mistaken(error)
        else:
            act(answer.result())

    def failed(self, name: str, number: int, error: DamageError) -> None:
        """Tell the machine what a replica's error means for batch `number`."""
        reason = f"{error}"
        if isinstance(error, RefusedBatchError):
            self.event(machine.Refused(name, number, reason))
        elif isinstance(error, StatementError):
            self.event(machine.Rolled(name, number, error.position))
        elif isinstance(error, UnavailableReplicaError):
            self.event(machine.Missed(name, number, reason, error.rolled_back))
        else:
            assert isinstance(error, BrokenReplicaError), error
            self.event(machine.Broke(name, reason))

    # --- what is committed --------------------------------------------------------------------
    def head(self, collection: int) -> Head:
        """Give the committed head."""
        return self.heads.get(collection) or genesis_head(collection)

    def head_at(self, collection: int, batch: int) -> Head | None:
        """Give the head as it was after batch `batch`; None where that is too long ago."""
        head = self.head(collection)
        if head.batch <= batch:
            return head
        for _, replaced in reversed(self._past):
            older = replaced.get(collection)
            if older is not None and older.batch <= batch:
                return older
        return None

    def publish(self, batch: Batch, heads: Mapping[int, Head], rows: Iterable[Row]) -> None:
        """Take a batch over as committed."""
        replaced = {c: self.head(c) for c in heads}
        self._past.append((batch.number, replaced))
        self.recent.take(batch, replaced)
        self.heads.update(heads)
        self.dirty.update(heads)
        for row in rows:
            self.directory.take(row)
        self.position = batch.position
        self._moved.set()
        self._moved = asyncio.Event()

    async def stands(self, position: Position, seconds: float) -> bool:
        """Wait until what a snapshot ends with is committed; False if it takes longer."""
        if position.number > self.position.number:
            try:
                async with asyncio.timeout(seconds):
                    while position.number > self.position.number:
                        await self._moved.wait()
            except TimeoutError:
                return False
        return position.number < self.position.number or position == self.position

    def now_ms(self) -> int:
        """Give the time for an entry: it never goes back (I8)."""
        self.last_ms = max(self.last_ms, self._clock.now_ms())
        return self.last_ms

    def clock_alarm(self) -> dict[str, str]:
        """Give an alarm where the last entry is of a time that is still to come; {} = none."""
        days = (self.last_ms - self._clock.now_ms()) // _DAY_MS
        if days < 1:
            return {}
        return {
            "clock": f"the last entry is dated {days} days ahead of the clock, which was wrong "
            "then or is now; until it gets there all entries have that one time. Nothing is lost."
        }

"""The load generator: N connections that each repeat one act until count or time is used up.

Not the judge of what an act is (`workloads`), nor of what its figures mean (`figures`).
"""

import asyncio
import gc
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.wire import Connection, Target, WireError, WrongAnswerError

Act = Callable[[Connection, int], Awaitable[None]]

FIRST_ERRORS_KEPT = 3
HOPELESS_ERRORS = 5_000
STARVED_S = 8.0


@dataclass(frozen=True, slots=True)
class Bound:
    """How long to go on: whichever is used up first."""

    ops: int
    seconds: float


@dataclass(slots=True)
class Tally:
    """What one drive did; `latencies` are seconds of the operations that succeeded."""

    last: float = 0.0
    in_time: int = 0
    seconds: float = 0.0
    client_cpu_s: float = 0.0
    errors: int = 0
    said: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    @property
    def ops(self) -> int:
        """How many operations succeeded."""
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Operations per second that ended in time: stragglers earn nothing and cost nothing."""
        return self.in_time / self.seconds if self.in_time else 0.0

    def failed(self, error: Exception) -> None:
        """Count an operation that failed, and keep what the first few said."""
        self.errors += 1
        if len(self.said) < FIRST_ERRORS_KEPT:
            self.said.append(str(error) or type(error).__name__)


def client_cpu() -> float:
    """Seconds of CPU that this process has used."""
    return _used(resource.RUSAGE_SELF)


def children_cpu() -> float:
    """Seconds of CPU of the commands that were run and have ended."""
    return _used(resource.RUSAGE_CHILDREN)


def _used(whose: int) -> float:
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


class _Budget:
    def __init__(self, bound: Bound) -> None:
        self._left = bound.ops
        self.until = time.perf_counter() + bound.seconds

    def take(self) -> bool:
        self._left -= 1
        return self._left >= 0 and time.perf_counter() < self.until


async def _repeat(connection: Connection, slot: int, act: Act, budget: _Budget, to: Tally) -> None:
    clock = time.perf_counter
    while to.errors < HOPELESS_ERRORS and budget.take():
        began = clock()
        try:
            await act(connection, slot)
        except (WrongAnswerError, WireError) as error:
            to.failed(error)
        else:
            to.last = clock()
            to.in_time += to.last <= budget.until
            to.latencies.append(to.last - began)
    connection.close()


async def drive(target: Target, connections: int, act: Act, bound: Bound) -> Tally:
    """Let each connection repeat `act(connection, slot)`; a last answer may outlast the bound.

    Returns:
        The tally; its seconds end with the bound, or with the last answer if that came first.
        What has no answer STARVED_S after the bound is an error.
    """
    tally = Tally()
    lines = [Connection(target) for _ in range(connections)]
    gc.collect()
    gc.disable()  # a pause of the generator would count against the server
    cpu, began = client_cpu(), time.perf_counter()
    budget = _Budget(bound)
    tally.last = began
    work = [
        asyncio.create_task(_repeat(line, slot, act, budget, tally))
        for slot, line in enumerate(lines)
    ]
    try:
        done, starved = await asyncio.wait(work, timeout=bound.seconds + STARVED_S)
        for task in done:
            task.result()
    finally:
        gc.enable()
        for task in work:
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        for line in lines:
            line.close()
    for _ in starved:
        tally.failed(WireError(f"no answer {STARVED_S:.0f} s after the end of the load"))
    tally.seconds = min(tally.last - began, bound.seconds)
    tally.client_cpu_s = client_cpu() - cpu
    return tally

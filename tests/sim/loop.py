"""An event loop whose time is a number and whose chance is a seed; lanes that live on it.

Nothing sleeps and nothing runs beside: a callback takes a random sliver of virtual time, so that
what a disk answers may come between any two of them. The same seed gives the same run, step by
step. Callbacks of one `call_soon` queue keep their order, as asyncio promises; whatever asyncio
does not order (the answers of disks, timers) comes in an order that the seed decides.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

_SLIVER_SECONDS = 40e-6  # at most, for one callback


class StuckError(Exception):
    """Nothing will ever happen again, or not in the time that was allowed."""


class MachineDownError(Exception):
    """The simulated machine went down before the work was done."""


class PowerCutError(BaseException):
    """The power goes inside a disk's system call; nothing of ours may catch it."""


class SimLoop(asyncio.BaseEventLoop):
    """Runs callbacks in virtual time; `steps` counts them."""

    def __init__(self, rng: Random) -> None:
        super().__init__()
        self.steps = 0
        self.stop_at = -1  # the step before which `on_stop` is called, once
        self.on_stop: Callable[[], None] = lambda: None
        self._rng = rng
        self._now = 1000.0
        self._tasks_made = 0
        self.set_exception_handler(self._complain)
        self.complaints: list[str] = []

    def __del__(self) -> None:
        pass  # it holds nothing of the real world that would have to be closed

    def time(self) -> float:
        return self._now

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """Name each task by its place, so that a crash ends them in the same order every time."""
        self._tasks_made += 1
        options["name"] = str(self._tasks_made)
        return super().create_task(coro, **options)

    def living(self) -> list[asyncio.Task[Any]]:
        return sorted(asyncio.all_tasks(self), key=lambda task: int(task.get_name()))

    def forget(self) -> None:
        """Drop all that is scheduled: the machine that wanted it is gone."""
        self._ready.clear()
        self._scheduled.clear()

    def run_task(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """Run until `work` is done, at most `seconds` of virtual time."""
        task = self.create_task(work)
        limit = self.call_later(seconds, self.stop)
        task.add_done_callback(lambda _: self.stop())
        self.run_forever()
        limit.cancel()
        if not task.done():
            raise StuckError(f"not done within {seconds} virtual seconds")
        return task.result()

    def _run_once(self) -> None:
        heap, ready = self._scheduled, self._ready
        while heap and heap[0]._cancelled:
            heapq.heappop(heap)._scheduled = False
        if not ready:
            if not heap:
                raise StuckError("nothing will ever happen again")
            self._now = max(self._now, heap[0]._when)
        while heap and heap[0]._when <= self._now:
            handle = heapq.heappop(heap)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            if self.steps == self.stop_at:
                self.stop_at = -1
                self.on_stop()
            if self._stopping:
                return
            handle = ready.popleft()
            if handle._cancelled:
                continue
            self.steps += 1
            self._now += self._rng.random() * _SLIVER_SECONDS
            handle._run()

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """Do at some later step what would be done beside."""
        ending = self.create_future()
        self.call_soon(_perform, ending, func, *args)
        return ending

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # they are dropped when they come to the top

    def _write_to_self(self) -> None:
        pass  # nobody sleeps

    def _process_events(self, event_list: Any) -> None:
        raise AssertionError("there is no selector")

    def _complain(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(f"{context['message']}: {type(error).__name__}: {error}")


class SimLane:
    """A thread of the simulated machine (ports.world.Lane).

    Calls run one after another, each at one point of time; its ending is told a little later, so
    that a crash may come before, inside or after.
    """

    def __init__(self, machine: Any, delay: Callable[[], float]) -> None:
        self._machine = machine
        self._delay = delay
        self._free_at = 0.0

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        loop: SimLoop = self._machine.loop
        ending: asyncio.Future[T] = loop.create_future()
        if not self._machine.up:
            ending.cancel()
            return ending
        self._free_at = max(loop.time(), self._free_at) + self._delay()
        loop.call_at(self._free_at, self._perform, call, ending)
        return ending

    def close(self) -> None:
        pass

    def _perform(self, call: Callable[[], Any], ending: asyncio.Future[Any]) -> None:
        if not self._machine.up or ending.done():
            return
        try:
            result, error = call(), None
        except PowerCutError:
            self._machine.power_failed()
            return
        except Exception as raised:  # noqa: BLE001 - it belongs to the one who asked
            result, error = None, raised
        told_at = self._free_at = max(self._free_at, self._machine.loop.time() + 20e-6)
        self._machine.loop.call_at(told_at, _tell, ending, result, error)


def _perform(ending: asyncio.Future[Any], func: Callable[..., Any], *args: Any) -> None:
    result, error = None, None
    try:
        result = func(*args)
    except Exception as raised:  # noqa: BLE001 - it belongs to the one who asked
        error = raised
    _tell(ending, result, error)


def _tell(ending: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if ending.done():
        return
    if error is None:
        ending.set_result(result)
    else:
        ending.set_exception(error)

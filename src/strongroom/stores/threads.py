"""`ThreadLane`: blocking calls one after another on one thread, for an event loop.

The thread takes all that waits at once and posts all endings with one wake-up of the loop, which
costs more than everything else here. A call that was cancelled before it began is not run; one that
runs cannot be stopped. The thread is a daemon: a disk that hangs for ever must not keep the process
from ending.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Call = tuple[Callable[[], Any], "asyncio.Future[Any]"]
_Ending = tuple["asyncio.Future[Any]", Any, BaseException | None]


class ThreadLane:
    """One thread that runs calls in the order they came (ports.world.Lane)."""

    def __init__(self, name: str) -> None:
        """Start nothing yet; the thread begins with the first call."""
        self._name = name
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run `call` after those before it; its exceptions come out where it is awaited.

        Who will not wait any longer may end the future; the call itself goes on.
        """
        if self._closed:
            raise RuntimeError(f"the lane {self._name} is closed")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._start(loop)
        assert self._loop is loop, "a lane serves one event loop"
        ending: asyncio.Future[T] = loop.create_future()
        self._calls.put((call, ending))
        return ending

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._thread = threading.Thread(
            target=self._serve, args=(loop,), name=self._name, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Take no more calls; the thread ends when those that wait have ended."""
        if not self._closed:
            self._closed = True
            self._calls.put(None)

    def join(self, seconds: float) -> bool:
        """Wait for the thread after `close`; say whether it ended."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        going = True
        while going:
            calls = [self._calls.get()]
            # Not more than waits now: an ending must not be held back by calls that keep coming.
            calls += [self._calls.get_nowait() for _ in range(self._calls.qsize())]
            going = None not in calls
            endings = _run([call for call in calls if call is not None])
            try:
                loop.call_soon_threadsafe(_post, endings)
            except RuntimeError:
                return  # the loop is closed, and with it everyone who asked


def _run(calls: list[_Call]) -> list[_Ending]:
    endings: list[_Ending] = []
    for call, ending in calls:
        if ending.done():
            continue
        try:
            endings.append((ending, call(), None))
        except BaseException as error:  # noqa: BLE001 - it belongs to the one who asked
            endings.append((ending, None, error))
    return endings


def _post(endings: list[_Ending]) -> None:
    for ending, result, error in endings:
        if ending.done():
            continue
        if error is None:
            ending.set_result(result)
        else:
            ending.set_exception(error)

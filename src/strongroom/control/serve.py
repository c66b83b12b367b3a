"""The server as a whole: parts, control socket, cell, HTTP; and in reverse at the end.

A frozen cell still answers: 401 and 503 over HTTP, and the commands that may run on it. It is
tried again from time to time, so that a disk that is mounted late needs nobody to restart anything.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Final

import uvloop

from strongroom import compose
from strongroom.base.errors import LockedError, OperatorError, StrongroomError
from strongroom.base.settings import Settings
from strongroom.control.copies import scrub_cell
from strongroom.control.listen import listening
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.mirror.site import FrozenCellError

Announce = Callable[[str, OperatorError | None], None]  # the address; why the cell is frozen
_REOPEN_SECONDS: Final = 5.0
_LOCK_TRIES: Final = 10
_LOCK_PAUSE_SECONDS: Final = 0.2
_FIRST_SCRUB_SECONDS: Final = 60.0  # a start has other things to do
# Rot that nobody has read is a disk less than the status says, so a small cell is read often: the
# pause is a multiple of what a round took, and between a minute and a day.
_SCRUB_PAUSE_ROUNDS: Final = 50.0
_SCRUB_PAUSE_SECONDS: Final = (60.0, 86_400.0)
_COLLECT_AFTER: Final = 10_000  # objects; requests leave few cycles behind
_log: Final = logging.getLogger("strongroom.serve")


def serve(settings: Settings, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    Args:
        settings: of the one server of these directories.
        announce: is told the address once requests are answered, and why the cell is frozen, if
            it is.

    Raises:
        OperatorError: it cannot be served. Nothing was created.
    """
    uvloop.run(_Server(settings, announce).run())


class _Server:
    def __init__(self, settings: Settings, announce: Announce) -> None:
        self._settings = settings
        self._announce = announce
        self._http: compose.HttpServer | None = None
        self._stopped = False

    async def run(self) -> None:
        """Start everything, wait for the end, close everything."""
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(self._stop, task))
        try:
            await self._serve()
        except asyncio.CancelledError:
            if not self._stopped:
                raise

    def _stop(self, task: asyncio.Task[None]) -> None:
        """End well; asked a second time, do not wait for requests any longer."""
        if self._http is None:
            self._stopped = True
            task.cancel()
        else:
            self._http.force_exit = self._http.should_exit
            self._http.should_exit = True

    async def _serve(self) -> None:
        settings = self._settings
        async with AsyncExitStack() as stack:
            parts = await self._parts(stack)
            door = stack.enter_context(compose.http_socket(settings))
            room = Room(parts, None, serving=True)
            await stack.enter_async_context(self._held_open(room))
            await stack.enter_async_context(listening(settings.control_socket, partial(run, room)))
            upkeep = asyncio.create_task(self._look_after(room))
            self._http = compose.HttpServer(
                compose.behind_proxies(
                    compose.make_application(lambda: room.cell, parts.entropy),
                    settings, parts.clock,
                )  # fmt: skip
            )
            door.listen(compose.BACKLOG)  # from here on who comes is answered, if a moment later
            _rest_the_collector()
            self._announce(compose.url_of(door), room.trouble)
            try:
                await self._http.serve(sockets=[door])
            finally:
                upkeep.cancel()
                await asyncio.gather(upkeep, return_exceptions=True)

    async def _parts(self, stack: AsyncExitStack) -> compose.Parts:
        """Take the locks; a command that is just ending (a look at the status) is waited for."""
        for _ in range(_LOCK_TRIES):
            with suppress(LockedError):
                return await stack.enter_async_context(compose.open_parts(self._settings))
            await asyncio.sleep(_LOCK_PAUSE_SECONDS)
        return await stack.enter_async_context(compose.open_parts(self._settings))

    @asynccontextmanager
    async def _held_open(self, room: Room) -> AsyncIterator[None]:
        """Have the cell open for the block; its first opening is waited for and may refuse."""
        first = asyncio.get_running_loop().create_future()
        holder = asyncio.create_task(self._hold_open(room, first))
        try:
            await first
            yield
        finally:
            holder.cancel()
            await asyncio.gather(holder, return_exceptions=True)

    async def _hold_open(self, room: Room, first: asyncio.Future[None]) -> None:
        """Open the cell, and again whenever an opening is over (frozen, or to be settled)."""
        while True:
            try:
                async with AsyncExitStack() as stack:
                    async with room.changing:
                        cell = await stack.enter_async_context(room.parts.open_cell())
                    stack.callback(setattr, room, "cell", None)
                    room.cell, room.trouble = cell, None
                    _settle(first, None)
                    _log.warning("the cell is opened anew: %s", await cell.ended())
            except OperatorError as error:
                if not first.done() and not isinstance(error, FrozenCellError):
                    _settle(first, error)
                    return
                room.trouble = error
                _settle(first, None)
                await asyncio.sleep(_REOPEN_SECONDS)

    async def _look_after(self, room: Room) -> None:
        """Scrub it slowly, for ever."""
        pause = _FIRST_SCRUB_SECONDS
        while True:
            await asyncio.sleep(pause)
            began = asyncio.get_running_loop().time()
            try:
                found = await scrub_cell(room, _log.info, self._settings.scrub_bytes_per_second)
            except StrongroomError as error:
                found = []
                _log.warning("the background scrub ended early: %s", error)
            for findings in found:
                if findings.damage or findings.lost or findings.healed:
                    _log.warning("scrub of %s: %s", findings.replica, findings.report())
            took = asyncio.get_running_loop().time() - began
            least, most = _SCRUB_PAUSE_SECONDS
            pause = min(max(took * _SCRUB_PAUSE_ROUNDS, least), most)


def _rest_the_collector() -> None:
    """Leave what was loaded at the start out of every later garbage collection."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def _settle(first: asyncio.Future[None], error: Exception | None) -> None:
    if first.done():
        return
    if error is None:
        first.set_result(None)
    else:
        first.set_exception(error)

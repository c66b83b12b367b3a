"""The server as a whole: parts, control socket, cell, HTTP; and in reverse at the end.

A frozen cell still answers: 401 and 503 over HTTP, and the commands that may run on it. It is
tried again from time to time, so that a disk that is mounted late needs nobody to restart anything.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
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
_FIRST_SCRUB_SECONDS: Final = 600.0  # a start has other things to do
_SCRUB_PAUSE_SECONDS: Final = 86_400.0  # between two rounds
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
            await self._open(room, stack)
            await stack.enter_async_context(listening(settings.control_socket, partial(run, room)))
            upkeep = asyncio.create_task(self._look_after(room, stack))
            self._http = compose.HttpServer(
                compose.make_application(lambda: room.cell, parts.entropy)
            )
            door.listen(compose.BACKLOG)  # from here on who comes is answered, if a moment later
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

    async def _open(self, room: Room, stack: AsyncExitStack) -> None:
        async with room.changing:
            try:
                room.cell = await stack.enter_async_context(room.parts.open_cell())
            except FrozenCellError as error:
                room.trouble = error
            else:
                room.trouble = None

    async def _look_after(self, room: Room, stack: AsyncExitStack) -> None:
        """Try a frozen cell again; then scrub it slowly, for ever."""
        while room.cell is None:
            await asyncio.sleep(_REOPEN_SECONDS)
            await self._open(room, stack)
        pause = _FIRST_SCRUB_SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                found = await scrub_cell(room, _log.info, self._settings.scrub_bytes_per_second)
            except StrongroomError as error:
                found = []
                _log.warning("the background scrub ended early: %s", error)
            for findings in found:
                if findings.damage or findings.lost or findings.healed:
                    _log.warning("scrub of %s: %s", findings.replica, findings.report())
            pause = _SCRUB_PAUSE_SECONDS

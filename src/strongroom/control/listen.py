"""The answering side of the control socket: a running server runs commands for others.

Who may connect is decided by the file's mode (0600, in a folder of 0700). What comes is not
trusted all the same: a line has a limit and a deadline, connections are counted, and whatever a
command raises becomes an answer. A person who goes away does not stop the command half-way.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from strongroom.base.errors import BusyError, SettingsError, StrongroomError
from strongroom.control.address import short_path
from strongroom.control.protocol import (
    CONNECTIONS_MAX,
    REQUEST_BYTES_MAX,
    REQUEST_SECONDS_MAX,
    Answer,
    Progress,
    ProtocolError,
    Request,
    Result,
    decode_request,
    encode_answer,
)

Run = Callable[[Request, Callable[[str], None]], Awaitable[dict[str, Any]]]
_log: Final = logging.getLogger("strongroom.control")


@asynccontextmanager
async def listening(
    path: Path, run: Run, seconds_max: float = REQUEST_SECONDS_MAX
) -> AsyncIterator[None]:
    """Answer on `path` inside the block; only for who holds the locks, since it takes the name.

    Raises:
        SettingsError: the socket cannot be made there.
    """
    door = _Door(run, seconds_max)
    server = await asyncio.start_unix_server(door.answer, sock=_bind(path), limit=REQUEST_BYTES_MAX)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # one that stays is replaced at the next start
            os.unlink(path)
        server.close()
        await door.close()


def _bind(path: Path) -> socket.socket:
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short_path(path) as name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # left by a server that was killed
            door.bind(name)
            os.chmod(name, 0o600)  # nobody can connect before `listen`, which comes later
    except OSError as error:
        door.close()
        raise SettingsError(
            f"{path} cannot be made: {error.strerror}. The directory must take writes. Nothing was "
            "started, and nothing is lost."
        ) from error
    door.setblocking(False)
    return door


class _Door:
    """Counts and runs the conversations of one socket."""

    def __init__(self, run: Run, seconds_max: float) -> None:
        self._run = run
        self._seconds_max = seconds_max
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one conversation: one request, its answers, the end."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass  # whoever asked is gone, or the server ends; there is nobody to tell
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def progress(text: str) -> None:
            if not writer.is_closing():
                writer.write(encode_answer(Progress(text)))

        try:
            answer: Answer = Result(await self._run(await self._request(reader), progress))
        except StrongroomError as error:
            answer = error
        except Exception as error:  # noqa: BLE001 - reported to both sides
            # Our own mistake must not end the server.
            _log.exception("a command failed")
            answer = StrongroomError(f"The command failed: {type(error).__name__}: {error}")
        writer.write(encode_answer(answer))
        await writer.drain()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        try:
            async with asyncio.timeout(self._seconds_max):
                line = await reader.readline()
        except (ValueError, TimeoutError) as error:
            raise ProtocolError("No whole line of a request came in time and size.") from error
        # Only now: what is left unread at the end would take the answer away with it.
        if len(self._tasks) > CONNECTIONS_MAX:
            raise BusyError("Too many commands are running; nothing was changed.")
        return decode_request(line)

    async def close(self) -> None:
        """End what still talks; a command that has not ended is cancelled."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

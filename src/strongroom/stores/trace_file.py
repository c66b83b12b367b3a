"""The file that traces go to: one for each run, lines only ever appended, never read by us.

Rules: it takes no more once it is full or once its disk refuses; that is said once and hinders
nothing else. Lines that come faster than the disk takes them are left out and counted. Nothing that
is promised rests on it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Final

from strongroom.base.errors import DamageError
from strongroom.base.limits import TRACE_FILE_BYTES_MAX, TRACE_LINES_WAITING_MAX
from strongroom.ports.world import Lane
from strongroom.stores.durable import Durable

_log: Final = logging.getLogger("strongroom.trace")


class TraceFile:
    """One file of lines; `write` never waits and never raises."""

    def __init__(self, path: Path, lane: Lane, durable: Durable | None = None) -> None:
        """Write on `lane`; nothing is opened yet."""
        self.path = path
        self._lane = lane
        self._durable = durable or Durable()
        self._fd = -1
        self._size = 0
        self._waiting = 0
        self._left_out = 0

    async def open(self) -> None:
        """Make the file (0600), and its directory (0700) where that is missing.

        Raises:
            DamageError: it cannot be made.
        """
        await self._lane.run(self._open)

    def _open(self) -> None:
        self._durable.make_dirs(self.path.parent)
        self._fd = self._durable.open_append(self.path)

    def write(self, line: bytes) -> None:
        """Have a line (without its end) appended soon, if there is room."""
        if self._waiting >= TRACE_LINES_WAITING_MAX:
            self._left_out += 1
            return
        if self._left_out:
            note = json.dumps({"left_out": self._left_out}).encode()
            line, self._left_out = note + b"\n" + line, 0
        self._waiting += 1
        self._lane.run(lambda: self._append(line)).add_done_callback(self._written)

    def _written(self, ending: asyncio.Future[None]) -> None:
        self._waiting -= 1
        if not ending.cancelled():
            ending.exception()  # `_append` said what went wrong

    def _append(self, lines: bytes) -> None:
        if self._fd < 0:
            return
        if self._size + len(lines) >= TRACE_FILE_BYTES_MAX:
            self._stop("it is full")
            return
        self._size += len(lines) + 1
        try:
            for line in lines.split(b"\n"):
                self._durable.append_line(self._fd, self.path, line)
        except DamageError as error:
            self._stop(str(error))

    def _stop(self, why: str) -> None:
        _log.warning("no more traces are written to %s: %s", self.path, why)
        self._close()

    def _close(self) -> None:
        if self._fd >= 0:
            self._durable.close(self._fd)
            self._fd = -1

    async def close(self) -> None:
        """Write what waits, and close."""
        await self._lane.run(self._close)

"""uvicorn's HTTP protocol with one write for each answer, and with patience that ends.

uvicorn hands the head of an answer and its body to the transport one after the other, and each is
a system call of its own: 20 of 280 microseconds of a small GET (docs/performance.md). Here the head
is held until the body comes, or the answer is over.

uvicorn waits for ever for the rest of a head or a body, and for a reader that reads nothing, it
takes a head of any size, and it sets a timer after each answer. Here `sweep` looks at all
connections once a second and closes those whose clients owe something, or are silent, for too long;
a request that arrives whole pays next to nothing for it.

Each connection is an open file, of which a process has so many: strangers who open connections must
not keep the copies from theirs.

`part` ends the connections of devices that are let in no more, with whatever is on its way to them.
"""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from strongroom.base.limits import (
    BODY_BYTES_A_PERIOD_MIN,
    BODY_PERIOD_SECONDS,
    CONNECTIONS_MAX,
    FILES_KEPT,
    HEAD_BYTES_MAX,
    HEAD_SECONDS_MAX,
    KEEP_ALIVE_SECONDS,
    LATE_BODY_SECONDS_MAX,
    READER_SECONDS_MAX,
)
from strongroom.dav.auth import ADMITTED
from strongroom.dav.request import GONE
from strongroom.dav.silence import CUT
from strongroom.service.accounts import Caller

_HEAD: Final = b"HTTP/1.1 "
_CONTINUE: Final = b"HTTP/1.1 100"
# What a client owes: the rest of a head, of a body, of a body that was answered already; to read;
# nothing but another request; its part of the end.
_HEAD_OF, _BODY_OF, _LATE_BODY, _READING = "head", "body", "late body", "reading"
_NEXT, _LEAVING = "next request", "leaving"
_SECONDS: Final = {
    _HEAD_OF: HEAD_SECONDS_MAX,
    _BODY_OF: BODY_PERIOD_SECONDS,
    _LATE_BODY: LATE_BODY_SECONDS_MAX,
    _READING: READER_SECONDS_MAX,
    _NEXT: KEEP_ALIVE_SECONDS,
    _LEAVING: LATE_BODY_SECONDS_MAX,
}
# How much of it starts the clock anew; a head and a late body have one time for all of it.
_PROGRESS: Final = {_BODY_OF: BODY_BYTES_A_PERIOD_MIN, _READING: 1, _NEXT: 1}
_TOO_SLOW: Final = (b"408 Request Timeout", b"The request did not arrive; nothing was changed.")
_TOO_LARGE: Final = (
    b"431 Request Header Fields Too Large",
    b"The address and headers of a request are limited to %d bytes; nothing was changed."
    % HEAD_BYTES_MAX,
)


class Cork:
    """A transport that holds the head of an answer back until more follows."""

    __slots__ = ("_held", "_transport", "is_closing")

    def __init__(self, transport: asyncio.Transport) -> None:
        """Write to `transport`."""
        self._transport = transport
        self._held = b""
        self.is_closing = transport.is_closing  # asked on the way of each request

    def write(self, data: bytes) -> None:
        """Write, together with what was held; hold a head."""
        if self._held:
            data, self._held = self._held + data, b""
        elif data.startswith(_HEAD) and not data.startswith(_CONTINUE):
            self._held = data
            return
        self._transport.write(data)

    def flush(self) -> None:
        """Write what is held: nothing follows."""
        if self._held:
            self._transport.write(self._held)
            self._held = b""

    def close(self) -> None:
        """Write what is held and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the transport's own."""
        return getattr(self._transport, name)


class HeadTooLargeError(Exception):
    """A head over the limit; it stops the parser, and is answered with 431."""


def allow_files() -> None:
    """Let this process open as many files as it may and needs; a shell allows 1,024 by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _files(soft) < _files(hard):
        resource.setrlimit(resource.RLIMIT_NOFILE, (_files(hard), hard))


def connections_max() -> int:
    """Give how many connections may be open at once, with FILES_KEPT files left for all else."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(CONNECTIONS_MAX, _files(soft) - FILES_KEPT)


def _files(limit: int) -> int:
    """Give how many files a limit allows, of those that can be of use."""
    wanted = CONNECTIONS_MAX + FILES_KEPT
    return wanted if limit == resource.RLIM_INFINITY else min(limit, wanted)


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol on a corked transport; `look` ends it when its client owes too long.

    What runs for each request calls the base by its name: `super()` costs twice as much.
    """

    _cork: Cork
    _told: dict[str, Callable[..., object]]  # what each request's scope holds of this connection
    _in_body = False
    _received = 0  # bytes in all
    _read = 0  # bytes of the last read
    _head_bytes = 0  # received while this head was not whole
    _too_large = False
    _owed = ""  # what `look` saw last
    _since = 0.0  # when it saw that first, or with enough progress
    _progress = 0  # as it was then
    caller: Caller | None = None  # who was let in last

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many."""
        self.scope = {}  # type: ignore[typeddict-item]
        self._cork = Cork(transport)
        self._told = {
            CUT: transport.abort, GONE: transport.is_closing, ADMITTED: self._admitted,
        }  # fmt: skip
        super().connection_made(cast(asyncio.Transport, self._cork))
        if len(self.connections) > connections_max():
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take bytes; a head that grows over the limit is refused before it is whole."""
        self._read = size = len(data)
        self._received += size
        HttpToolsProtocol.data_received(self, data)
        if self._in_head():
            self._head_bytes += size
            if self._head_bytes > HEAD_BYTES_MAX:
                self._end(_TOO_LARGE)

    def _in_head(self) -> bool:
        """Say whether a head is on its way; also before the first byte of a connection."""
        return "method" not in self.scope

    def on_headers_complete(self) -> None:
        """Begin to answer; a head that came in one large read is measured now."""
        if self._read > HEAD_BYTES_MAX and self._head_size() > HEAD_BYTES_MAX:
            self._too_large = True
            raise HeadTooLargeError
        self._head_bytes = 0
        self.scope.update(self._told)  # type: ignore[typeddict-item]
        HttpToolsProtocol.on_headers_complete(self)
        self._in_body = True

    def _admitted(self, caller: Caller) -> None:
        self.caller = caller

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_message_complete(self) -> None:
        """Take the end of a request's body."""
        self._in_body = False
        HttpToolsProtocol.on_message_complete(self)

    def on_response_complete(self) -> None:
        """End an answer, also one without a body; uvicorn's own would set a timer for it."""
        self._cork.flush()
        self.server_state.total_requests += 1
        if self._cork.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser does not take."""
        self._end(_TOO_LARGE if self._too_large else (b"400 Bad Request", msg.encode()))

    # --- patience -----------------------------------------------------------------------------
    def look(self, now: float) -> None:
        """End the connection if its client owes the same for too long; `now` is loop time."""
        owed, progress = self._owing()
        moved = progress - self._progress
        if owed != self._owed or (owed in _PROGRESS and abs(moved) >= _PROGRESS[owed]):
            self._owed, self._since, self._progress = owed, now, progress
        elif owed and now - self._since > _SECONDS[owed]:
            self._give_up(owed)

    def _owing(self) -> tuple[str, int]:
        """Say what the client owes, and a number that shows whether it gives any of it."""
        waiting = int(self.transport.get_write_buffer_size())
        if waiting or self.flow.write_paused:
            return _READING, waiting
        if self._cork.is_closing():
            return _LEAVING, 0
        if self._in_head():
            return _HEAD_OF, 0
        done = self.cycle.response_complete
        if self._in_body:
            return (_LATE_BODY if done else _BODY_OF), self._received
        return (_NEXT if done else ""), self._received

    def _give_up(self, owed: str) -> None:
        if owed == _NEXT:
            self.transport.close()
        else:
            self._end(_TOO_SLOW if owed in {_HEAD_OF, _BODY_OF} else None)

    def _end(self, refusal: tuple[bytes, bytes] | None) -> None:
        """Close; say why, unless an answer is on its way already."""
        cycle: RequestResponseCycle | None = self.cycle
        busy = cycle is not None and not cycle.response_complete
        # A refusal of what follows must not be read as the answer to a request before it, which
        # may have been kept (I1).
        about_it = self._in_body and not self.pipeline
        if refusal is None or (busy and (self.cycle.response_started or not about_it)):
            self.transport.abort()
            return
        status, words = refusal
        lines = (
            b"HTTP/1.1 " + status,
            b"content-type: text/plain; charset=utf-8",
            b"content-length: %d" % (len(words) + 1),
            b"connection: close",
            b"",
            words + b"\n",
        )
        self.transport.write(b"\r\n".join(lines))
        self.transport.close()


def sweep(connections: Iterable[object], now: float) -> None:
    """Look at all connections once; called about once a second."""
    for connection in list(connections):
        if isinstance(connection, OneWriteProtocol):
            connection.look(now)


def part(connections: Iterable[object], shut_out: Callable[[Caller], bool]) -> None:
    """End the connections of those who were let in once and would not be now."""
    for connection in list(connections):
        if isinstance(connection, OneWriteProtocol):
            caller = connection.caller
            if caller is not None and shut_out(caller):
                connection.transport.abort()

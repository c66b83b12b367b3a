"""One request, as the methods see it: address, headers, caller, and the body on demand.

Limits are counted while a body streams in. A client that goes away in the middle of a body has
asked for nothing: `GoneError` ends the request and nothing was changed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from strongroom.base.errors import CodingError, TooLargeError
from strongroom.base.limits import IGNORED_BYTES_MAX, OBJECT_BYTES_MAX
from strongroom.dav.holding import Holding
from strongroom.dav.routes import Target
from strongroom.formats.clients import client_of
from strongroom.formats.hrefs import join
from strongroom.formats.preferences import NONE, Preferences, read_preferences
from strongroom.history.edits import Origin
from strongroom.ports.cell import Cell
from strongroom.ports.positions import Positions
from strongroom.service.accounts import Caller
from strongroom.service.export import Exports
from strongroom.service.meters import Meters
from strongroom.service.objects import Room, no_limit
from strongroom.service.refused import Keeper
from strongroom.service.spans import Spans

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

REQUEST_ID: Final = "strongroom.request-id"  # in the scope, for the access log
GONE: Final = "strongroom.gone"  # in the scope: says whether the client has gone away

# A refused body is read to its end up to here, so that the client sees our answer and not a reset;
# behind Apache or Caddy it would see 502 or nothing. 100 MB must pass (`strongroom doctor`).
DRAIN_BYTES_MAX: Final = 13 * OBJECT_BYTES_MAX

_NOT_CODED: Final = frozenset({b"", b"identity"})


class GoneError(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


class Sender:
    """The way out, which knows whether an answer has begun: then it can only be cut off."""

    __slots__ = ("_send", "request_id", "started")

    def __init__(self, send: Send) -> None:
        """Wrap the server's own."""
        self._send = send
        self.started = False
        self.request_id = ""

    async def __call__(self, message: Message) -> None:
        """Send one message; an error tells the request's id, for a person to report it by."""
        self.started = True
        if message.get("status", 0) >= 400 and self.request_id:
            message["headers"] = [*message["headers"], (b"x-request-id", self.request_id.encode())]
        await self._send(message)


class Request:
    """What a method needs to know; built once a request."""

    __slots__ = (
        "_more", "_read", "_receive", "caller", "cell", "exports", "gone", "headers", "held",
        "holding", "id", "keeper", "meters", "method", "passed_on", "path", "positions", "query",
        "send", "spans", "target",
    )  # fmt: skip

    def __init__(
        self,
        cell: Cell,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        send: Sender,
        target: Target,
        caller: Caller,
        request_id: str,
    ) -> None:
        """Keep what was parsed; `path` stays as the client has sent it, for its own hrefs."""
        self.cell = cell
        self.method: str = scope["method"]
        raw: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.gone: Callable[[], bool] = scope.get(GONE, _never)
        self.path = raw.decode() if raw.isascii() else join(*target.path)
        self.headers = headers
        self._receive = receive
        self._more = True  # of the body; whether there is any is seen in `drain`
        self._read = b""  # of the body, by `body`
        self.held = 0  # bytes of it, by `body`, as `holding` counts them
        self.passed_on = False  # parts of the body were taken and are not held here any more
        self.send = send
        self.target = target
        self.caller = caller
        self.id = request_id
        # The face's, which outlive a request:
        self.holding: Holding | None = None
        self.spans: Spans | None = None
        self.meters: Meters | None = None
        self.positions: Positions | None = None
        self.exports: Exports | None = None
        self.keeper: Keeper | None = None

    @property
    def room(self) -> Room:
        """Give what holds room in the caller's account while something is written."""
        return self.meters.room(self.cell, self.caller.account) if self.meters else no_limit

    def header(self, name: bytes) -> str:
        """Give a header's text; "" where it is not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def preferences(self) -> Preferences:
        """Say how much of an answer is wanted."""
        prefer, brief = self.headers.get(b"prefer"), self.headers.get(b"brief")
        return NONE if prefer is None and brief is None else read_preferences(prefer, brief)

    def origin(self, condition: str = "") -> Origin:
        """Say who wants it, for the history."""
        client = client_of(self.headers.get(b"user-agent", b""))
        return Origin(self.caller.device.id, self.id, condition, client)

    async def body(self, limit: int) -> bytes:
        """Read the whole body.

        Raises:
            CodingError: it is compressed; it would not be what is kept (I3).
            TooLargeError: it is longer than `limit`.
            BusyError: too many large bodies of the account are on their way.
            GoneError: the client went away.
        """
        if self._coded():
            raise CodingError
        if self.length() > limit:
            raise _too_large(limit)
        self._read = await self._part()
        if self._more:
            await self._read_on(limit)
        if len(self._read) > limit:
            raise _too_large(limit)
        return self._read

    async def _read_on(self, limit: int) -> None:
        parts, size = [self._read], len(self._read)
        while self._more and size <= limit:
            parts.append(await self._part())
            size += len(parts[-1])
            if self.holding is not None:
                self.holding.grow(self.caller.home, self.held, size)
                self.held = size
        self._read = b"".join(parts)

    async def beginning(self, limit: int, enough: Callable[[bytes], bool]) -> bytes:
        """Read until `enough` was told a part that is, or to the end; `parts` goes on from there.

        Raises:
            CodingError, TooLargeError, GoneError: as `body`.
        """
        if self._coded():
            raise CodingError
        parts, size, going = [], 0, True
        while going and size <= limit:
            parts.append(await self._part())
            size += len(parts[-1])
            going = not enough(parts[-1]) and self._more
        self._read = b"".join(parts)
        if size > limit:
            raise _too_large(limit)
        return self._read

    async def parts(self, limit: int, size: int) -> AsyncIterator[bytes]:
        """Give the body, what `beginning` read too, in parts of about `size` bytes.

        Raises:
            CodingError, TooLargeError, GoneError: as `body`; what was given stays given.
        """
        if self._coded():
            raise CodingError
        if self.length() > limit:
            raise _too_large(limit)
        self.passed_on = True
        held, self._read = [self._read], b""
        total = waiting = len(held[0])
        while self._more:
            if waiting >= size:
                yield b"".join(held)
                held, waiting = [], 0
            held.append(await self._part())
            total, waiting = total + len(held[-1]), waiting + len(held[-1])
            if total > limit:
                raise _too_large(limit)
        yield b"".join(held)

    async def brought(self, limit: int) -> tuple[bytes, bool]:
        """Give the body of a request that is refused, also where it was not asked for before.

        Returns:
            Its first `limit` bytes, and whether that is all of it. Nothing of one that comes in a
            content coding, or is so long that it is not waited for.

        Raises:
            GoneError: the client went away.
        """
        if self._coded() or self.hopeless() or self.passed_on:
            return b"", False
        if b"expect" in self.headers and self.length() > limit:
            return b"", False  # it was not sent yet, and would be for nothing
        await self._read_on(limit)
        return self._read[:limit], len(self._read) <= limit and not self._more

    async def drain(self) -> None:
        """Throw away what is left of the body, so that the client sees the answer.

        A client that waits for `100 Continue` has sent nothing, and too much is not read at all:
        the connection is closed then (`hopeless`).
        """
        if self.hopeless() or b"expect" in self.headers:
            return
        if not (self.length() or b"transfer-encoding" in self.headers):
            return
        size = 0
        while self._more and size <= DRAIN_BYTES_MAX:
            size += len(await self._part())

    def hopeless(self) -> bool:
        """Say whether the body is longer than anything that would be read."""
        return self.length() > DRAIN_BYTES_MAX

    def _coded(self) -> bool:
        return self.headers.get(b"content-encoding", b"").strip().lower() not in _NOT_CODED

    def length(self) -> int:
        """Give how long the body says it is; 0 where it does not."""
        text = self.headers.get(b"content-length", b"")
        return int(text) if text.isdigit() else 0

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise GoneError
        self._more = bool(message.get("more_body"))
        return bytes(message.get("body", b""))


def _never() -> bool:
    return False


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Give the headers by lower-case name; a repeated one is a list (RFC 9110 section 5.3)."""
    pairs = scope["headers"]
    headers: dict[bytes, bytes] = dict(pairs)
    if len(headers) != len(pairs):
        headers.clear()
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


async def read_past(headers: dict[bytes, bytes], receive: Receive) -> None:
    """Read a small body that nothing is done with, so that the connection can be used again.

    nginx closes it, unasked and without saying so, where the answer came before the body did.
    """
    length = headers.get(b"content-length", b"")
    if b"expect" in headers or not length.isdigit() or int(length) > IGNORED_BYTES_MAX:
        return
    more = int(length) > 0
    while more:
        message = await receive()
        more = message["type"] == "http.request" and message.get("more_body", False)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"At most {limit} bytes are taken here.")

"""One request, as the methods see it: address, headers, caller, and the body on demand.

Limits are counted while a body streams in. A client that goes away in the middle of a body has
asked for nothing: `GoneError` ends the request and nothing was changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from strongroom.base.errors import TooLargeError
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.routes import Target
from strongroom.history.edits import Origin
from strongroom.ports.cell import Cell
from strongroom.service.accounts import Caller

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# A refused body is read to its end up to here, so that the client sees our answer and not a reset.
DRAIN_BYTES_MAX: Final = 8 * OBJECT_BYTES_MAX


class GoneError(Exception):
    """The client went away before its request was whole; there is nobody to answer."""


class Sender:
    """The way out, which knows whether an answer has begun: then it can only be cut off."""

    __slots__ = ("_send", "started")

    def __init__(self, send: Send) -> None:
        """Wrap the server's own."""
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        self.started = True
        await self._send(message)


class Request:
    """What a method needs to know; built once a request."""

    __slots__ = ("caller", "cell", "headers", "id", "method", "path", "receive", "send", "target")

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
        self.path: str = scope["raw_path"].decode("latin-1")
        self.headers = headers
        self.receive = receive
        self.send = send
        self.target = target
        self.caller = caller
        self.id = request_id

    def header(self, name: bytes) -> str:
        """Give a header's text; "" where it is not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    def origin(self, condition: str = "") -> Origin:
        """Say who wants it, for the history."""
        return Origin(self.caller.device.id, self.id, condition)

    async def body(self, limit: int) -> bytes:
        """Read the whole body.

        Raises:
            TooLargeError: it is longer than `limit`; the rest was read and thrown away.
            GoneError: the client went away.
        """
        length = self.header(b"content-length")
        if length.isdigit() and int(length) > limit:
            raise TooLargeError(f"At most {limit} bytes are taken here.")
        message = await self.receive()
        body = _part(message)
        if not message.get("more_body"):
            _check(len(body), limit)
            return body
        return await self._long_body(body, limit)

    async def _long_body(self, first: bytes, limit: int) -> bytes:
        parts, size, more = [first], len(first), True
        while more:
            message = await self.receive()
            part = _part(message)
            size += len(part)
            if size > limit:
                parts.clear()
            else:
                parts.append(part)
            more = bool(message.get("more_body")) and size <= DRAIN_BYTES_MAX
        _check(size, limit)
        return b"".join(parts)


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    """Give the headers by lower-case name; a repeated one is a list (RFC 9110 section 5.3)."""
    pairs = scope["headers"]
    headers: dict[bytes, bytes] = dict(pairs)
    if len(headers) != len(pairs):
        headers.clear()
        for name, value in pairs:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _part(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise GoneError
    return bytes(message.get("body", b""))


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise TooLargeError(f"At most {limit} bytes are taken here.")

"""uvicorn's HTTP protocol with one write for each answer instead of two.

uvicorn hands the head of an answer and its body to the transport one after the other, and each is
a system call of its own: 20 of 280 microseconds of a small GET (docs/performance.md). Here the head
is held until the body comes, or the answer is over. Nothing else is changed.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD: Final = b"HTTP/1.1 "
_CONTINUE: Final = b"HTTP/1.1 100"


class Cork:
    """A transport that holds the head of an answer back until more follows."""

    __slots__ = ("_held", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        """Write to `transport`."""
        self._transport = transport
        self._held = b""

    def write(self, data: bytes) -> None:
        """Write, together with what was held; hold a head."""
        if data.startswith(_HEAD) and not data.startswith(_CONTINUE) and not self._held:
            self._held = data
            return
        if self._held:
            data, self._held = self._held + data, b""
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


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's protocol on a corked transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection."""
        super().connection_made(cast(asyncio.Transport, Cork(transport)))

    def on_response_complete(self) -> None:
        """End an answer, also one without a body."""
        cast(Cork, self.transport).flush()
        super().on_response_complete()

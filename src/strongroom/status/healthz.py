"""`GET /healthz`: 200 when a write can be taken, else 503, and no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from strongroom.ports.cell import Cell

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PATH: Final = "/healthz"
_METHODS: Final = frozenset({"GET", "HEAD"})


async def answer(cell: Cell | None, method: str, send: Send) -> None:
    """Say whether a write can be taken now."""
    if method not in _METHODS:
        status, body = 405, b"Ask with GET.\n"
    elif cell is not None and cell.writable():
        status, body = 200, b"ok\n"
    else:
        status, body = 503, b"no writes now\n"
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        *([(b"allow", b"GET, HEAD")] if status == 405 else []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})

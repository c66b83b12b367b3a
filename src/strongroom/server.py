"""The one ASGI application: `/healthz`, the pages and CardDAV.

Rules: no cell, a freeze or any fault of ours is 503, never 4xx (I4); an answer that has begun and
cannot be finished is cut off, which the server does when an exception leaves the application.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from strongroom.base.errors import BusyError, StrongroomError, UnauthenticatedError, UnsureError
from strongroom.base.limits import CONCURRENT_REQUESTS_MAX
from strongroom.dav.answers import refuse_plainly
from strongroom.dav.app import Dav
from strongroom.dav.auth import Gate
from strongroom.dav.request import REQUEST_ID, Message, Receive, Scope, Send, Sender
from strongroom.dav.silence import sender as sender_of
from strongroom.dav.wellknown import WellKnown
from strongroom.portal.app import PREFIX, Portal
from strongroom.ports.cell import Cell
from strongroom.ports.positions import Positions
from strongroom.ports.world import Entropy
from strongroom.service.spans import Spans
from strongroom.status import healthz

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_RUN_ID_BYTES: Final = 6
_log: Final = logging.getLogger("strongroom.server")


class Server:
    """An ASGI application over the cell that `cell_provider` gives (None = not open)."""

    def __init__(
        self,
        cell_provider: Callable[[], Cell | None],
        entropy: Entropy,
        gate: Gate | None = None,
        portal: Portal | None = None,
        positions: Positions | None = None,
        spans: Spans | None = None,
        well_known: WellKnown | None = None,
    ) -> None:
        """Take the parts; `gate` is replaced where a test does not want to wait."""
        self._portal = portal
        self._cell_provider = cell_provider
        self._run = entropy.token(_RUN_ID_BYTES).hex()  # request ids differ between two runs
        self._count = 0
        self._face = Dav(gate or Gate(), positions, spans, well_known)
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event of the ASGI server."""
        if scope["type"] != "http":
            await _not_http(scope, receive, send)
            return
        if scope["path"] == healthz.PATH:
            await healthz.answer(self._cell_provider(), scope["method"], send)
            return
        sender = sender_of(scope, receive, send)
        self._count += 1
        scope[REQUEST_ID] = sender.request_id = f"{self._run}-{self._count:x}"
        if self._running >= CONCURRENT_REQUESTS_MAX:
            await refuse_plainly(sender, BusyError(), method=scope["method"])
            return
        self._running += 1
        try:
            await self._serve(scope, receive, sender)
        finally:
            self._running -= 1

    async def _serve(self, scope: Scope, receive: Receive, sender: Sender) -> None:
        request_id = sender.request_id
        try:
            cell = self._cell_provider()
            if self._portal is not None and scope["path"].startswith(PREFIX):
                await self._portal.serve(cell, scope, sender)
            elif cell is None:
                await _no_cell(scope, sender)
            else:
                await self._face.serve(cell, scope, receive, sender, request_id)
        except Exception as error:
            _log.exception("%s %s %s", request_id, scope["method"], type(error).__name__)
            if sender.started:
                raise
            await refuse_plainly(sender, StrongroomError(), method=scope["method"])


async def _no_cell(scope: Scope, sender: Sender) -> None:
    signed = any(name == b"authorization" for name, _ in scope["headers"])
    error = UnsureError() if signed else UnauthenticatedError()
    await refuse_plainly(sender, error, method=scope["method"])


async def _not_http(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
        return
    message: Message = {"type": ""}
    while message["type"] != "lifespan.shutdown":
        message = await receive()
        await send({"type": message["type"] + ".complete"})

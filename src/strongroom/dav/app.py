"""The CardDAV face: from an HTTP request to one method, and from its error to an answer.

Order of the answers: the well-known redirect, then 401 before anything else can be learnt, then 404
by the address alone, then 405, then what freezes the account or the device may not, then what the
method says. A suspended account hears its operator's words after 401 and before all else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from strongroom.base.errors import NotFoundError, StrongroomError
from strongroom.dav.answers import TEXT, answer, refuse, refuse_plainly
from strongroom.dav.auth import ADMITTED, Gate
from strongroom.dav.copy_move import copy_or_move
from strongroom.dav.delete import delete
from strongroom.dav.export import export, wants_export
from strongroom.dav.get import get
from strongroom.dav.holding import Holding
from strongroom.dav.mkcol import mkcol
from strongroom.dav.options import allow_at, allowed, options
from strongroom.dav.post import post
from strongroom.dav.propfind import propfind
from strongroom.dav.proppatch import proppatch
from strongroom.dav.put import put
from strongroom.dav.refusals import attend
from strongroom.dav.report import report
from strongroom.dav.request import (
    GoneError,
    Receive,
    Request,
    Scope,
    Sender,
    headers_of,
    read_past,
)
from strongroom.dav.rights import check_service, check_writes
from strongroom.dav.routes import WELL_KNOWN, Place, parse
from strongroom.dav.wellknown import WellKnown
from strongroom.ports.cell import Cell
from strongroom.ports.positions import Positions
from strongroom.service.access import check_home
from strongroom.service.accounts import check_open
from strongroom.service.aside import whose
from strongroom.service.beginnings import begin, has_begun
from strongroom.service.export import Exports
from strongroom.service.kinds import CALENDAR
from strongroom.service.meters import Meters
from strongroom.service.refused import Keeper
from strongroom.service.spans import Spans

_METHODS: Final[dict[str, Callable[[Request], Awaitable[None]]]] = {
    "COPY": copy_or_move,
    "DELETE": delete,
    "GET": get,
    "HEAD": get,
    "MKCALENDAR": mkcol,
    "MKCOL": mkcol,
    "MOVE": copy_or_move,
    "OPTIONS": options,
    "POST": post,
    "PROPFIND": propfind,
    "PROPPATCH": proppatch,
    "PUT": put,
    "REPORT": report,
}
_FREEZABLE: Final = frozenset({Place.HOME, Place.COLLECTION, Place.OBJECT})


class Dav:
    """Speaks CardDAV and CalDAV for one cell at a time."""

    def __init__(
        self,
        gate: Gate,
        positions: Positions | None = None,
        spans: Spans | None = None,
        well_known: WellKnown | None = None,
    ) -> None:
        """Let in whom `gate` lets in; `positions` remembers who came, `spans` when what happens."""
        self._well_known = well_known or WellKnown()
        self._gate = gate
        self._positions = positions
        self._meters = Meters()
        self._spans = spans or Spans()
        self._exports = Exports()
        self._keeper = Keeper()
        self._holding = Holding()

    async def serve(
        self, cell: Cell, scope: Scope, receive: Receive, send: Sender, request_id: str
    ) -> None:
        """Answer one request.

        Raises:
            StrongroomError: something broke after the answer had begun; the connection must be cut.
        """
        raw_path = scope["raw_path"]
        headers = headers_of(scope)
        if raw_path in WELL_KNOWN:
            await read_past(headers, receive)
            await answer(send, 301, ((b"location", self._well_known.location(headers)),))
            return
        try:
            caller = await self._gate.admit(cell.directory, headers.get(b"authorization"))
        except StrongroomError as error:
            await read_past(headers, receive)
            await refuse_plainly(send, error, method=scope["method"])
            return
        if ADMITTED in scope:
            scope[ADMITTED](caller)
        request = Request(cell, scope, headers, receive, send, parse(raw_path), caller, request_id)
        request.meters = self._meters
        request.spans = self._spans
        request.exports = self._exports
        request.keeper = self._keeper
        request.holding = self._holding
        if self._positions is not None:
            request.positions = self._positions
            self._positions.seen(caller.home, caller.device.id, headers.get(b"user-agent", b""))
        whose.set(caller.home)
        try:
            await _answer(request, send)
        except GoneError:
            return
        finally:
            self._holding.let_go(caller.home, request.held)


async def _answer(request: Request, send: Sender) -> None:
    try:
        await _dispatch(request)
    except StrongroomError as error:
        if send.started:
            raise
        await refuse(request, await attend(request, error))


async def _dispatch(request: Request) -> None:
    check_open(request.caller)
    place = request.target.place
    # Nothing is looked up for a path of somebody else: it is 404 as one that cannot be (I4).
    if place is not Place.ROOT and request.target.login != request.caller.login:
        raise NotFoundError
    method = export if wants_export(request) else _METHODS.get(request.method)
    if method is None or not (method is export or allowed(place, request.method)):
        await _not_allowed(request)
        return
    check_service(request)
    if place in _FREEZABLE and method is not options:
        check_home(request.cell, request.caller.home)
    check_writes(request)
    await _begin(request)
    await method(request)


async def _begin(request: Request) -> None:
    """Give an account its first calendars where its calendars are asked for; not while frozen."""
    target, account = request.target, request.caller.account
    if target.kind is CALENDAR and not has_begun(account) and request.method != "OPTIONS":
        check_home(request.cell, request.caller.home)
        await begin(request.cell, account)


async def _not_allowed(request: Request) -> None:
    words = b"This address is for contacts and calendar apps; it does not take this request.\n"
    body = b"" if request.method == "HEAD" else words
    await answer(request.send, 405, ((b"allow", allow_at(request.target)), TEXT), body)

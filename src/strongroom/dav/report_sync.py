"""REPORT sync-collection (RFC 6578): what changed since a token.

`removed` comes from a deletion that is a name's last entry, and from nothing else (I4). The answer
is cut off only where the client asked for a limit; it then says 507 about the collection itself.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.dav.answers import multistatus, whole_multistatus
from strongroom.dav.getters import site_of
from strongroom.dav.propfind import ROWS_A_PIECE, listing_pieces, object_writer, own_href
from strongroom.dav.request import Request
from strongroom.dav.routes import name_href
from strongroom.dav.statuses import DAV
from strongroom.formats.davxml import Propfind, SyncCollection
from strongroom.formats.multistatus import (
    INSUFFICIENT_STORAGE,
    NOT_FOUND,
    epilogue,
    prologue,
    status_response,
)
from strongroom.formats.preferences import MINIMAL
from strongroom.history.entries import Member
from strongroom.service.changes import VALID_SYNC_TOKEN, Delta, sync

_WITHIN_LIMITS: Final = DAV + "number-of-matches-within-limits"


async def sync_collection(request: Request, collection: Member, wanted: SyncCollection) -> None:
    """Answer sync-collection."""
    if request.header(b"depth").strip() not in {"", "0", "1"}:
        raise InvalidError("Ask with Depth 0; sync-level says how deep.")
    try:
        delta = await sync(
            request.cell, request.caller, collection, wanted.token, wanted.limit, request.positions
        )
    except InvalidError as error:
        raise _for_client(request, error) from error
    if request.positions is not None and delta.asked is not None:
        caller = request.caller
        request.positions.came_back(caller.home, caller.device.id, collection.id, delta.asked)
    if len(delta.changed) + len(delta.removed) <= ROWS_A_PIECE:
        rows = [piece async for piece in _pieces(request, delta, wanted)]
        await whole_multistatus(request, b"".join(rows), MINIMAL)
    else:
        await multistatus(request, _pieces(request, delta, wanted))


def _for_client(request: Request, error: InvalidError) -> InvalidError:
    # Thunderbird's address book recovers from a wrong token on 400 only (features.md 3.1, rule 7).
    if error.condition == VALID_SYNC_TOKEN and "Thunderbird" in request.header(b"user-agent"):
        return InvalidError(str(error))
    return error


async def _pieces(request: Request, delta: Delta, wanted: SyncCollection) -> AsyncIterator[bytes]:
    base = own_href(request)
    yield prologue()
    writer = object_writer(site_of(request), base, Propfind("prop", wanted.names))
    async for piece in listing_pieces(delta.changed, len(delta.changed), writer):
        yield piece
    if delta.removed:
        gone = (status_response(base + name_href(name), NOT_FOUND) for name in delta.removed)
        yield b"".join(gone)
    if delta.more:
        yield status_response(base, INSUFFICIENT_STORAGE, _WITHIN_LIMITS)
    yield epilogue(delta.token)

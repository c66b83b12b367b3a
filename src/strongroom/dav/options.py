"""OPTIONS: what can be asked of an address. Only what is true is advertised: no class 2 (locks)."""

from __future__ import annotations

from typing import Final

from strongroom.dav.answers import answer
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, Target
from strongroom.service.kinds import CALENDAR

DAV_HEADER: Final = (b"dav", b"1, 3, access-control, addressbook, calendar-access, extended-mkcol")

ALLOW: Final = {
    Place.NONE: b"OPTIONS",
    Place.ROOT: b"OPTIONS, PROPFIND, REPORT",
    Place.PRINCIPAL: b"OPTIONS, PROPFIND, REPORT",
    Place.HOME: b"OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
    Place.COLLECTION: b"OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, MKCOL, REPORT, POST, MOVE, DELETE",
    Place.OBJECT: b"OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, REPORT",
}


def allow_at(target: Target) -> bytes:
    """Give what is offered at an address."""
    if target.place is Place.COLLECTION and target.kind is CALENDAR:
        return ALLOW[target.place].replace(b"MKCOL", b"MKCOL, MKCALENDAR")
    return ALLOW[target.place]


def allowed(place: Place, method: str) -> bool:
    """Say whether `method` is spoken at this kind of address."""
    return method in _SPOKEN[place]


_SPOKEN: Final = {place: frozenset(text.decode().split(", ")) for place, text in ALLOW.items()}
# Not offered, but the refusal says why: objects are put into a collection, which holds no
# collections and is not copied.
_SPOKEN[Place.HOME] |= {"PUT"}
_SPOKEN[Place.OBJECT] |= {"MKCOL", "MKCALENDAR"}
_SPOKEN[Place.COLLECTION] |= {"COPY", "MKCALENDAR"}


async def options(request: Request) -> None:
    """Answer OPTIONS."""
    headers = (DAV_HEADER, (b"allow", allow_at(request.target)))
    await answer(request.send, 200, headers)

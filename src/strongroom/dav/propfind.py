"""PROPFIND at depth 0 and 1.

A listing is proven against the committed head before its first byte and counted while it is
written (I4). Depth infinity is refused everywhere that has members (RFC 4918 section 9.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from strongroom.base.errors import InvalidError, UnsureError
from strongroom.base.limits import REQUEST_XML_BYTES_MAX
from strongroom.dav.answers import multistatus, whole_multistatus
from strongroom.dav.getters import QUOTA, Site, metered
from strongroom.dav.properties import describe, describe_propfind, plan
from strongroom.dav.reading import read
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, name_href
from strongroom.dav.statuses import DAV
from strongroom.formats.davxml import Propfind, parse_propfind
from strongroom.formats.multistatus import epilogue, prologue
from strongroom.formats.preferences import MINIMAL, NO_ROOT
from strongroom.history.entries import COLLECTION, OBJECT, Member
from strongroom.service.access import find_collection
from strongroom.service.collections import shown
from strongroom.service.kinds import short_name
from strongroom.service.objects import find_object

ROWS_A_PIECE: Final = 200  # about 60 kB; others get their turn in between

_ALONE: Final = frozenset({Place.PRINCIPAL, Place.OBJECT})
_METERED: Final = frozenset({Place.HOME, Place.COLLECTION})


async def propfind(request: Request) -> None:
    """Answer PROPFIND."""
    depth = _depth(request)
    wanted = await read(parse_propfind, await request.body(REQUEST_XML_BYTES_MAX))
    place = request.target.place
    names = QUOTA if wanted.kind == "propname" else (*wanted.names, *wanted.include)
    site = await metered(request, names if place in _METERED else ())
    if place is Place.COLLECTION:
        collection = await find_collection(
            request.cell, request.caller.home, request.target.collection
        )
        if depth == 1:
            await multistatus(request, _members(request, site, collection, wanted), NO_ROOT)
        else:
            await _one(request, site, collection, wanted)
    elif place is Place.HOME and depth == 1:
        await multistatus(request, _collections(request, site, wanted), NO_ROOT)
    elif place is Place.OBJECT:
        collection = await find_collection(
            request.cell, request.caller.home, request.target.collection
        )
        member = await find_object(request.cell, collection, request.target.name)
        await _one(request, site, member, wanted)
    else:
        await _one(request, site, request.caller.account, wanted)


def _depth(request: Request) -> int:
    text = request.header(b"depth").strip().lower()
    place = request.target.place
    if text in {"0", "1"}:
        return int(text)
    if text not in {"", "infinity"}:
        raise InvalidError("Depth is 0, 1 or infinity.")
    if place in _ALONE or (place is Place.ROOT and not text):
        return 0
    raise InvalidError("Ask with Depth 0 or 1.", DAV + "propfind-finite-depth")


async def _one(request: Request, site: Site, member: Member, wanted: Propfind) -> None:
    href = own_href(request) if request.target.place is not Place.OBJECT else request.path
    row = describe_propfind(site, request.target.place, href, member, wanted)
    await whole_multistatus(request, prologue() + row + epilogue(), MINIMAL)


async def _collections(request: Request, site: Site, wanted: Propfind) -> AsyncIterator[bytes]:
    kind = request.target.kind
    _, members = await request.cell.listing(request.caller.home, COLLECTION)
    # The first collection of a home is the one that phones take without asking.
    collections = sorted(shown(members, kind), key=lambda one: one.href != kind.stands(kind.first))
    base = own_href(request)
    rows = []
    if not request.preferences.no_root:
        rows.append(describe_propfind(site, Place.HOME, base, request.caller.account, wanted))
    for collection in collections:
        href = f"{base}{name_href(short_name(collection.href))}/"
        rows.append(describe_propfind(site, Place.COLLECTION, href, collection, wanted))
    yield prologue() + b"".join(rows) + epilogue()


async def _members(
    request: Request, site: Site, collection: Member, wanted: Propfind
) -> AsyncIterator[bytes]:
    head, members = await request.cell.listing(collection.id, OBJECT)
    if len(members) != head.members:
        raise UnsureError
    base = own_href(request)
    if request.preferences.no_root:
        yield prologue()
    else:
        yield prologue() + describe_propfind(site, Place.COLLECTION, base, collection, wanted)
    writer = object_writer(site, base, wanted)
    async for piece in listing_pieces(members, head.members, writer):
        yield piece
    yield epilogue()


def object_writer(site: Site, base: str, wanted: Propfind) -> Callable[[Member], bytes]:
    """Give what writes one object's response."""
    if wanted.kind != "prop":
        return lambda member: describe_propfind(
            site, Place.OBJECT, base + name_href(member.href), member, wanted
        )
    asked = plan(Place.OBJECT, wanted.names, site.kind)
    return lambda member: describe(site, base + name_href(member.href), member, asked)


async def listing_pieces(
    members: Sequence[Member], count: int, writer: Callable[[Member], bytes]
) -> AsyncIterator[bytes]:
    """Write members piece by piece.

    Raises:
        UnsureError: the number written is not `count`, which was proven: the answer must not end
            as if it were whole (I4).
    """
    written = 0
    for start in range(0, len(members), ROWS_A_PIECE):
        rows = [writer(member) for member in members[start : start + ROWS_A_PIECE]]
        written += len(rows)
        yield b"".join(rows)
        await asyncio.sleep(0)
    if written != count:
        raise UnsureError


def own_href(request: Request) -> str:
    """Give the request's own address as it was sent, ending as a collection's does."""
    return request.path if request.path.endswith("/") else request.path + "/"

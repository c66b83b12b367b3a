"""MKCOL, plain and extended (RFC 5689): an address book together with its properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strongroom.base.errors import ConflictError, InvalidError
from strongroom.base.limits import REQUEST_XML_BYTES_MAX
from strongroom.dav.answers import NO_STORE, TEXT, XML, answer
from strongroom.dav.options import ALLOW
from strongroom.dav.proppatch import refusals
from strongroom.dav.reading import read
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.dav.statuses import CARD, DAV
from strongroom.formats.davxml import RESOURCE_TYPE, PropertyChange, parse_mkcol
from strongroom.formats.multistatus import mkcol_body
from strongroom.service.access import find_book
from strongroom.service.collections import make_book

_ADDRESS_BOOK: Final = frozenset({DAV + "collection", CARD + "addressbook"})
_XML_TYPES: Final = frozenset({"", "application/xml", "text/xml"})


async def mkcol(request: Request) -> None:
    """Answer MKCOL."""
    target, cell, home = request.target, request.cell, request.caller.home
    if target.place is Place.CARD:
        await _refuse_inside(request)
    body = await request.body(REQUEST_XML_BYTES_MAX)
    if body and _content_type(request) not in _XML_TYPES:
        await answer(request.send, 415, (TEXT,), b"The body of MKCOL is XML.\n")
        return
    changes = read(parse_mkcol, body)
    if cell.directory.collection(home, target.book) is not None:
        await _exists(request)
        return
    properties = _without_type(changes)
    if refused := refusals(properties):
        await answer(request.send, 403, (XML, NO_STORE), mkcol_body(refused))
        return
    props = {change.name: change.value_xml or "" for change in properties}
    try:
        await make_book(cell, home, target.book, props, request.origin())
    except ConflictError:
        await _exists(request)
        return
    await answer(request.send, 201, (NO_STORE,))


def _content_type(request: Request) -> str:
    return request.header(b"content-type").partition(";")[0].strip().lower()


async def _refuse_inside(request: Request) -> None:
    """A book holds cards only; where there is no book, its lack is what is said."""
    if request.cell.directory.collection(request.caller.home, request.target.book) is None:
        raise ConflictError("There is no such address book; make it first.")
    await find_book(request.cell, request.caller.home, request.target.book)
    raise InvalidError(
        "An address book holds no collections.", CARD + "addressbook-collection-location-ok"
    )


def _without_type(changes: Sequence[PropertyChange]) -> list[PropertyChange]:
    for change in changes:
        if change.name == RESOURCE_TYPE and change.resource_types != _ADDRESS_BOOK:
            raise InvalidError("Only address books can be made here.", DAV + "valid-resourcetype")
    return [change for change in changes if change.name != RESOURCE_TYPE]


async def _exists(request: Request) -> None:
    body = b"Something of that name is there already.\n"
    await answer(request.send, 405, ((b"allow", ALLOW[Place.BOOK]), TEXT), body)

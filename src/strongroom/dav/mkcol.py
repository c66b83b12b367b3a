"""MKCOL, plain and extended (RFC 5689), and MKCALENDAR: a collection with its properties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strongroom.base.errors import ConflictError, InvalidError
from strongroom.base.limits import REQUEST_XML_BYTES_MAX
from strongroom.dav.answers import NO_STORE, TEXT, XML, answer, whole_multistatus
from strongroom.dav.options import ALLOW
from strongroom.dav.proppatch import refusals
from strongroom.dav.reading import read
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.dav.statuses import CAL, DAV
from strongroom.dav.terms import TERMS
from strongroom.formats.calendar import COMPONENTS
from strongroom.formats.davxml import COMPONENT_SET, RESOURCE_TYPE, PropertyChange, parse_mkcol
from strongroom.formats.multistatus import epilogue, mkcol_body, prologue, propstat_response
from strongroom.service.access import find_collection
from strongroom.service.collections import (
    ADDRESSBOOK_DATA,
    USUAL_COMPONENTS,
    calendar_data,
    make_collection,
)
from strongroom.service.kinds import CALENDAR, Kind

_AT_BIRTH: Final = frozenset({RESOURCE_TYPE, COMPONENT_SET})  # set once, by who makes it
_XML_TYPES: Final = frozenset({"", "application/xml", "text/xml"})


async def mkcol(request: Request) -> None:
    """Answer MKCOL and MKCALENDAR."""
    target, cell, home = request.target, request.cell, request.caller.home
    if request.method == "MKCALENDAR" and target.kind is not CALENDAR:
        raise InvalidError("Calendars stand elsewhere.", TERMS[CALENDAR].location)
    if target.place is Place.OBJECT:
        await _refuse_inside(request)
    body = await request.body(REQUEST_XML_BYTES_MAX)
    if body and _content_type(request) not in _XML_TYPES:
        await answer(request.send, 415, (TEXT,), b"The body of MKCOL is XML.\n")
        return
    changes = await read(parse_mkcol, body)
    if cell.directory.collection(home, target.collection) is not None:
        await _exists(request)
        return
    _check_type(request, changes)
    properties = [change for change in changes if change.name not in _AT_BIRTH]
    if refused := await refusals(properties):
        await _cannot_set(request, refused)
        return
    props = {change.name: change.value_xml or "" for change in properties}
    data = _data(target.kind, changes)
    try:
        await make_collection(cell, home, target.collection, props, request.origin(), data)
    except ConflictError:
        await _exists(request)
        return
    await answer(request.send, 201, (NO_STORE,))


def _data(kind: Kind, changes: Sequence[PropertyChange]) -> str:
    """Say of which kind the collection will be; a calendar for which nothing is said takes all."""
    if kind is not CALENDAR:
        return ADDRESSBOOK_DATA
    asked = next((change.components for change in changes if change.name == COMPONENT_SET), ())
    if unknown := [one for one in asked if one not in COMPONENTS]:
        raise InvalidError(
            f"No calendar takes {unknown[0][:40]}.", CAL + "supported-calendar-component"
        )
    return calendar_data(asked or USUAL_COMPONENTS)


async def _cannot_set(request: Request, refused: list[bytes]) -> None:
    if request.method == "MKCALENDAR":  # RFC 4791 section 5.3.1.1
        row = propstat_response(request.path, refused)
        await whole_multistatus(request, prologue() + row + epilogue())
    else:
        await answer(request.send, 403, (XML, NO_STORE), mkcol_body(refused))


def _content_type(request: Request) -> str:
    return request.header(b"content-type").partition(";")[0].strip().lower()


async def _refuse_inside(request: Request) -> None:
    """A collection holds objects only; where there is none, its lack is what is said."""
    if request.cell.directory.collection(request.caller.home, request.target.collection) is None:
        raise ConflictError("There is no such collection; make it first.")
    await find_collection(request.cell, request.caller.home, request.target.collection)
    raise InvalidError(
        "A collection of this kind holds no collections.", TERMS[request.target.kind].location
    )


def _check_type(request: Request, changes: Sequence[PropertyChange]) -> None:
    wanted = TERMS[request.target.kind].resource_types
    for change in changes:
        if change.name == RESOURCE_TYPE and change.resource_types != wanted:
            raise InvalidError(
                "Address books and calendars each have their own place.",
                DAV + "valid-resourcetype",
            )


async def _exists(request: Request) -> None:
    if request.method == "MKCALENDAR":  # RFC 4791 section 5.3.1.2
        raise InvalidError("Something of that name is there.", DAV + "resource-must-be-null")
    body = b"Something of that name is there already.\n"
    await answer(request.send, 405, ((b"allow", ALLOW[Place.COLLECTION]), TEXT), body)

"""REPORT: from the body's name to the report."""

from __future__ import annotations

from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.base.limits import REQUEST_XML_BYTES_MAX
from strongroom.dav.reading import read
from strongroom.dav.report_calendar import calendar_query, free_busy
from strongroom.dav.report_multiget import multiget
from strongroom.dav.report_principals import principal_report
from strongroom.dav.report_query import query
from strongroom.dav.report_sync import sync_collection
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.dav.statuses import DAV
from strongroom.dav.terms import TERMS
from strongroom.formats.davxml import (
    CALDAV,
    CARDDAV,
    CalendarQuery,
    FreeBusy,
    Multiget,
    Query,
    SyncCollection,
    UnknownReport,
    parse_report,
)
from strongroom.history.entries import Member
from strongroom.service.access import find_collection

_OBJECT_REPORTS: Final = (Query, CalendarQuery, FreeBusy, SyncCollection, Multiget, UnknownReport)
_NAMESPACES: Final[dict[type, str]] = {Query: CARDDAV, CalendarQuery: CALDAV, FreeBusy: CALDAV}


async def report(request: Request) -> None:
    """Answer REPORT."""
    body = await request.body(REQUEST_XML_BYTES_MAX)
    wanted = await read(parse_report, body, request.target.kind)
    if not isinstance(wanted, _OBJECT_REPORTS):
        await principal_report(request, wanted)
        return
    if _namespace(wanted) not in {"", TERMS[request.target.kind].space[1:-1]}:
        raise _unknown()
    if isinstance(wanted, Multiget) and request.target.place is Place.HOME:
        await multiget(request, wanted)
        return
    if request.target.place not in {Place.COLLECTION, Place.OBJECT}:
        raise _unknown()
    collection = await find_collection(request.cell, request.caller.home, request.target.collection)
    if isinstance(wanted, Query):
        await query(request, collection, wanted)
    elif isinstance(wanted, CalendarQuery):
        await calendar_query(request, collection, wanted)
    elif isinstance(wanted, Multiget):
        await multiget(request, wanted)
    else:
        await _of_collection(request, collection, wanted)


async def _of_collection(request: Request, collection: Member, wanted: object) -> None:
    if request.target.place is Place.OBJECT:
        raise InvalidError("Ask this of the collection.", DAV + "supported-report")
    if isinstance(wanted, SyncCollection):
        await sync_collection(request, collection, wanted)
    elif isinstance(wanted, FreeBusy):
        await free_busy(request, collection, wanted)
    else:
        raise _unknown()


def _namespace(wanted: object) -> str:
    """Say which kind of collection a report is for; "" = for any."""
    if isinstance(wanted, Multiget):
        return wanted.namespace
    return _NAMESPACES.get(type(wanted), "")


def _unknown() -> InvalidError:
    return InvalidError("This report is not known here.", DAV + "supported-report")

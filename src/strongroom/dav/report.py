"""REPORT: from the body's name to the report."""

from __future__ import annotations

from strongroom.base.errors import InvalidError
from strongroom.base.limits import REQUEST_XML_BYTES_MAX
from strongroom.dav.reading import read
from strongroom.dav.report_multiget import multiget
from strongroom.dav.report_principals import principal_report
from strongroom.dav.report_query import query
from strongroom.dav.report_sync import sync_collection
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.dav.statuses import DAV
from strongroom.formats.davxml import Multiget, Query, SyncCollection, UnknownReport, parse_report
from strongroom.service.access import find_book


async def report(request: Request) -> None:
    """Answer REPORT."""
    wanted = read(parse_report, await request.body(REQUEST_XML_BYTES_MAX))
    if not isinstance(wanted, Query | SyncCollection | Multiget | UnknownReport):
        await principal_report(request, wanted)
        return
    if request.target.place not in {Place.BOOK, Place.CARD}:
        raise InvalidError("This report is not known here.", DAV + "supported-report")
    book = await find_book(request.cell, request.caller.home, request.target.book)
    if isinstance(wanted, Query):
        await query(request, book, wanted)
    elif request.target.place is Place.CARD:
        raise InvalidError("Ask this of the address book.", DAV + "supported-report")
    elif isinstance(wanted, SyncCollection):
        await sync_collection(request, book, wanted)
    elif isinstance(wanted, Multiget):
        await multiget(request, book, wanted)
    else:
        raise InvalidError("This report is not known here.", DAV + "supported-report")

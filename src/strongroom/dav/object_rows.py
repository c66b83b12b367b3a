"""What multiget and query say of an object: its properties, and its bytes in the form asked for.

What is stored in the form asked for is sent as it is, without being read: a first sync asks for ten
thousand of them. Cards go out in 3.0 unless 4.0 is asked for; what is stored stays.

Not here: which objects (report_multiget, report_query, report_calendar).
Source: RFC 6352 sections 8.4 and 10.4, RFC 4791 section 9.6.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, tzinfo
from typing import Final, NamedTuple, cast

from strongroom.base.errors import InvalidError
from strongroom.dav.getters import Site
from strongroom.dav.properties import describe, describe_propfind, plan
from strongroom.dav.propfind import own_href
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, name_href
from strongroom.dav.statuses import CAL, CARD, DAV, status_line
from strongroom.formats import FormatError
from strongroom.formats.calendarparts import CalendarData, shaped
from strongroom.formats.cardconvert import Version, to_version
from strongroom.formats.cardparts import select
from strongroom.formats.davxml import ADDRESS_DATA, CALENDAR_DATA, AddressData, Propfind
from strongroom.formats.multistatus import (
    INSUFFICIENT_STORAGE,
    element,
    epilogue,
    escape,
    prologue,
    status_response,
)
from strongroom.history.entries import Member
from strongroom.service.aside import aside, beside
from strongroom.service.objects import version_mark

VERSIONS: Final = ("3.0", "4.0")
_NO_MARK: Final = "\n"  # canonical JSON never holds it
_ANY_MARK: Final = ""
_PIECE_BYTES: Final = 64 * 1024
_WITHIN_LIMITS: Final = DAV + "number-of-matches-within-limits"


class Shape(NamedTuple):
    """How bodies are sent: in which element, made by what, and what marks those sent as stored."""

    name: str
    make: Callable[[bytes], bytes]
    as_stored: str  # a text in the data of such an object
    slow: bool = False  # also a short body may take long


def shape_of(data: AddressData | CalendarData | None, floating: tzinfo = UTC) -> Shape | None:
    """Give the shape that is asked for; None = bodies are not wanted.

    Raises:
        InvalidError: there is no such form.
    """
    if data is None:
        return None
    if isinstance(data, CalendarData):
        if (data.content_type, data.version) != ("text/calendar", "2.0"):
            raise InvalidError("Objects are iCalendar 2.0.", CAL + "supported-calendar-data")
        mark = _ANY_MARK if data.whole else _NO_MARK
        return Shape(CALENDAR_DATA, lambda body: shaped(body, data, floating), mark, not data.whole)
    if data.content_type != "text/vcard" or data.version not in VERSIONS:
        raise InvalidError("Cards are vCard 3.0 or 4.0.", CARD + "supported-address-data")
    mark = _NO_MARK if data.props else version_mark(data.version)
    return Shape(ADDRESS_DATA, lambda body: _card(body, data), mark)


def _card(body: bytes, data: AddressData) -> bytes:
    try:
        body = to_version(body, cast(Version, data.version))
        return select(body, data.props) if data.props else body
    except FormatError:
        return body  # Too long to look into: all of it is better than none.


class ObjectRows:
    """Writes the response of an object."""

    def __init__(self, site: Site, wanted: Propfind, shape: Shape | None) -> None:
        """Say what is wanted of each."""
        self._site = site
        self._wanted = wanted
        self._shape = shape
        self._plan = plan(Place.OBJECT, wanted.names, site.kind)
        self.needs_body = shape is not None

    async def row(self, href: str, member: Member, body: bytes | None) -> bytes:
        """Write one response; `body` None = not to be had now (503 for this href alone)."""
        if self._shape is not None and self._shape.slow:
            return await beside(lambda: self._row(href, member, body))
        return await aside(body or b"", lambda: self._row(href, member, body))

    def _row(self, href: str, member: Member, body: bytes | None) -> bytes:
        shape = self._shape
        if shape is None:
            if self._wanted.kind == "prop":
                return describe(self._site, href, member, self._plan)
            return describe_propfind(self._site, Place.OBJECT, href, member, self._wanted)
        try:
            if body is not None:
                if shape.as_stored not in member.data:
                    body = shape.make(body)
                data = element(shape.name, escape(body))
                return describe(self._site, href, member, self._plan, data)
        except FormatError:
            pass  # What XML cannot carry can still be fetched with GET; the others are answered.
        return status_response(href, status_line(503))


async def found_rows(
    request: Request,
    rows: ObjectRows,
    matching: AsyncIterator[tuple[Member, bytes]],
    limit: int | None,
) -> AsyncIterator[bytes]:
    """Write what a query has found, up to its limit; then 507 says that there is more.

    Source: RFC 6352 sections 8.6.1 and 8.6.2, RFC 4791 section 7.8.
    """
    on_object = request.target.place is Place.OBJECT
    base = request.path if on_object else own_href(request)
    found = 0
    async for member, body in matching:
        if found == limit:
            yield status_response(base, INSUFFICIENT_STORAGE, _WITHIN_LIMITS)
            return
        found += 1
        yield await rows.row(base if on_object else base + name_href(member.href), member, body)


async def in_pieces(rows: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Write a multistatus in pieces of a bounded size; a small one is one piece."""
    piece = [prologue()]
    size = 0
    async for row in rows:
        piece.append(row)
        size += len(row)
        if size >= _PIECE_BYTES:
            yield b"".join(piece)
            await asyncio.sleep(0)  # others get their turn
            piece, size = [], 0
    yield b"".join((*piece, epilogue()))

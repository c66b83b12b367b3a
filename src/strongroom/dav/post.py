"""POST to a collection adds an object, under a name that we choose (RFC 5995).

The name comes from its UID, so that a request which is sent twice makes one object. Conditions are
about the collection, which has no ETag; they are not looked at. Many objects in one body, and a
table of contacts, are an import (post_many).
"""

from __future__ import annotations

import re
from typing import Final

from strongroom.base.errors import InvalidError, TooLargeError
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.answers import answer
from strongroom.dav.get import etag_header
from strongroom.dav.post_many import post_many
from strongroom.dav.put import addressed, check_object_headers
from strongroom.dav.request import Request
from strongroom.dav.routes import collection_href, name_href
from strongroom.dav.terms import TERMS
from strongroom.formats.calendarstream import CalendarStream
from strongroom.formats.cardstream import CardStream
from strongroom.formats.contactcsv import ContactCsv
from strongroom.service.access import find_collection
from strongroom.service.intake import Stream
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR
from strongroom.service.objects import add_object

_TABLE: Final = "text/csv"
_FRAME: Final = re.compile(rb"[\r\n]BEGIN:VCARD", re.IGNORECASE)
_FRAME_BYTES: Final = len(b"\nBEGIN:VCARD")


async def post(request: Request) -> None:
    """Answer POST."""
    target = request.target
    sent = request.header(b"content-type").partition(";")[0].strip().lower()
    is_table = target.kind is ADDRESS_BOOK and sent == _TABLE
    if not is_table:
        check_object_headers(request)
    collection = await find_collection(request.cell, request.caller.home, target.collection)
    if is_table:
        await post_many(request, collection, ContactCsv())
        return
    many = _Objects() if target.kind is CALENDAR else _Frames()
    try:
        body = await request.beginning(OBJECT_BYTES_MAX, many.has_two)
    except TooLargeError as error:
        raise InvalidError(str(error), TERMS[target.kind].space + "max-resource-size") from error
    if many.count > 1:
        await post_many(request, collection, many.stream())
        return
    try:
        member = await add_object(request.cell, collection, body, request.origin(), request.room)
    except InvalidError as error:
        raise addressed(error, target.login, target.collection) from error
    href = collection_href(target.login, target.collection) + name_href(member.href)
    await answer(request.send, 201, (etag_header(member.etag), (b"location", href.encode())))


class _Frames:
    """Counts lines that begin a card while a body comes in."""

    def __init__(self) -> None:
        self.count = 0
        self._end = b"\n"  # of what was seen; a body begins with a line

    def stream(self) -> Stream:
        """Give what cuts such a body."""
        return CardStream()

    def has_two(self, part: bytes) -> bool:
        """Look at the next part of the body."""
        text = self._end + part
        self.count += len(_FRAME.findall(text))
        self._end = text[-_FRAME_BYTES + 1 :]
        return self.count > 1


class _Objects:
    """Counts calendar objects while a body comes in: a series and its moved instances are one."""

    def __init__(self) -> None:
        self._stream = CalendarStream()
        self.count = 0

    def stream(self) -> Stream:
        """Give what cuts such a body."""
        return CalendarStream()

    def has_two(self, part: bytes) -> bool:
        """Look at the next part of the body."""
        for _ in self._stream.feed(part):
            pass  # what it is, is looked at later
        self.count = self._stream.count
        return self.count > 1

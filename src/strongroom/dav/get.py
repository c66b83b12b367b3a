"""GET and HEAD: of an object the bytes as they were put (I3), of what holds objects a page."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache
from typing import Final

from strongroom.dav.answers import answer
from strongroom.dav.collection_page import collection_page
from strongroom.dav.reading import is_known, precondition
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.history.entries import Member
from strongroom.service.access import find_collection
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind
from strongroom.service.objects import fetch_object, find_object, read_body, size_of

CARD_TYPE: Final = "text/vcard; charset=utf-8"
CALENDAR_TYPE: Final = "text/calendar; charset=utf-8"
_TYPES: Final = {
    kind: (b"content-type", text.encode())
    for kind, text in ((ADDRESS_BOOK, CARD_TYPE), (CALENDAR, CALENDAR_TYPE))
}
# A proxy that changes the bytes would break the ETag's promise (I3).
_CACHE: Final = (b"cache-control", b"private, no-cache, no-transform")


async def get(request: Request) -> None:
    """Answer GET or HEAD."""
    target = request.target
    if target.place is not Place.OBJECT:
        await collection_page(request)
        return
    collection = await find_collection(request.cell, request.caller.home, target.collection)
    when, text = precondition(request)
    if not text and request.method == "GET":
        member, body = await fetch_object(request.cell, collection, target.name)
        await answer(request.send, 200, [*object_headers(member), type_of(target.kind)], body)
        return
    member = await find_object(request.cell, collection, target.name)
    headers = object_headers(member)
    number = request.cell.head(collection.id).number
    if is_known(when, member.etag, number):
        await answer(request.send, 304, headers)
        return
    headers.append(type_of(target.kind))
    if request.method == "HEAD":
        headers.append((b"content-length", b"%d" % size_of(member)))
        await request.send({"type": "http.response.start", "status": 200, "headers": headers})
        await request.send({"type": "http.response.body", "body": b""})
        return
    await answer(request.send, 200, headers, await read_body(request.cell, member))


def type_of(kind: Kind) -> tuple[bytes, bytes]:
    """Give the header that says what an object of a kind of collection is."""
    return _TYPES[kind]


def object_headers(member: Member) -> list[tuple[bytes, bytes]]:
    """Give the headers of an object's representation, but for its type."""
    return [etag_header(member.etag), (b"last-modified", last_modified(member)), _CACHE]


def etag_header(etag: str) -> tuple[bytes, bytes]:
    """Give the ETag header of a digest; strong, since the bytes are those that were put."""
    return b"etag", f'"{etag}"'.encode()


@lru_cache(4096)
def http_date(seconds: int) -> bytes:
    """Write a time (seconds since 1970 UTC) as HTTP wants it."""
    return formatdate(seconds, usegmt=True).encode()


def last_modified(member: Member) -> bytes:
    """Give when a member was written last."""
    return http_date(member.at // 1000)

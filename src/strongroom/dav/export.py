"""GET and HEAD with `?export`: all objects of a collection, or of a home, in one answer.

    GET /dav/addressbooks/LOGIN/?export                      all books
    GET /dav/addressbooks/LOGIN/BOOK/?export&version=4.0     one, converted
    GET /dav/calendars/LOGIN/?export                         all calendars
    GET /dav/calendars/LOGIN/CALENDAR/?export                one

Length, digest and count are in the head, so a client can tell that it has all of it; an answer that
cannot be finished as it was measured is cut off (I4). What is frozen or cannot be proven is 503
here: what can be salvaged then is for the owner at the command line, never for a program that could
take it for everything. Parts (Range) are not offered.

Source: RFC 9530 (Repr-Digest), RFC 6266 (Content-Disposition); the query is the one that sabre/dav
and Nextcloud answer to.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import nullcontext
from typing import Final
from urllib.parse import parse_qs, quote

from strongroom.base.errors import InvalidError
from strongroom.dav.request import GoneError, Request
from strongroom.dav.routes import Place
from strongroom.formats.filenames import safe_name
from strongroom.history.entries import Member
from strongroom.service.access import find_collection
from strongroom.service.export import FORMS, Form, Parcel, collections_of, form_of, pack, unpack

_METHODS: Final = frozenset({"GET", "HEAD"})
_PLACES: Final = frozenset({Place.HOME, Place.COLLECTION})
_FIELDS_MAX: Final = 16

# Nothing on the way may change the bytes or keep them.
_CACHE: Final = (b"cache-control", b"private, no-store, no-transform")


def wants_export(request: Request) -> bool:
    """Say whether a request is one for this method."""
    asked = request.query and request.method in _METHODS and request.target.place in _PLACES
    return bool(asked) and "export" in _fields(request)


def _fields(request: Request) -> dict[str, list[str]]:
    try:
        return parse_qs(
            request.query.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS_MAX
        )
    except ValueError as error:
        raise InvalidError("The query of the address cannot be read.") from error


async def export(request: Request) -> None:
    """Answer GET or HEAD."""
    home = request.caller.home
    with request.exports.one(home) if request.exports else nullcontext():
        form, collections = await _wanted(request)
        version = _fields(request).get("version", [""])[0]
        parcel = await pack(request.cell, home, collections, form, version)
        await _send(request, parcel)


async def _wanted(request: Request) -> tuple[Form, list[Member]]:
    cell, home = request.cell, request.caller.home
    if request.target.place is Place.HOME:
        kind = request.target.kind.type
        return FORMS[kind], await collections_of(cell, home, kind)
    collection = await find_collection(cell, home, request.target.collection)
    form = form_of(collection)
    if form is None:
        raise InvalidError("What this collection holds is not carried away in one file.")
    return form, [collection]


async def _send(request: Request, parcel: Parcel) -> None:
    send = request.send
    await send({"type": "http.response.start", "status": 200, "headers": _headers(request, parcel)})
    if request.method == "GET":
        async for piece in unpack(request.cell, parcel):
            if request.gone():
                raise GoneError  # nobody reads the rest, and others want the disk
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _headers(request: Request, parcel: Parcel) -> list[tuple[bytes, bytes]]:
    target = request.target
    name = safe_name(f"{target.login} {target.collection}", parcel.form.extension)
    plain = name.encode("ascii", "ignore").decode()
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return [
        (b"content-type", parcel.form.media_type.encode()),
        (b"content-length", b"%d" % parcel.length),
        (b"content-disposition", disposition.encode()),
        (b"repr-digest", b"sha-256=:" + b64encode(parcel.digest) + b":"),
        (b"x-object-count", b"%d" % parcel.count),
        _CACHE,
    ]

"""PUT of a card: the bytes are kept as sent, and acknowledged when a quorum holds them (I1, I3)."""

from __future__ import annotations

from typing import Final

from strongroom.base.errors import ConflictError, InvalidError, NotFoundError, TooLargeError
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.answers import TEXT, answer
from strongroom.dav.get import etag_header
from strongroom.dav.reading import precondition
from strongroom.dav.request import Request
from strongroom.dav.statuses import CARD
from strongroom.service.access import find_book
from strongroom.service.objects import put_card

_TYPES: Final = frozenset({"", "text/vcard", "text/x-vcard", "text/directory"})
_NOT_ENCODED: Final = frozenset({"", "identity"})


async def put(request: Request) -> None:
    """Answer PUT; the ETag alone says what stands, for it is the digest of the bytes sent."""
    if request.header(b"content-encoding").strip().lower() not in _NOT_ENCODED:
        await answer(request.send, 415, (TEXT,), b"Send the card without a content encoding.\n")
        return
    _check_headers(request)
    when, condition = precondition(request)
    target, cell = request.target, request.cell
    try:
        book = await find_book(cell, request.caller.home, target.book)
    except NotFoundError as error:
        raise ConflictError("There is no such address book; make it first.") from error
    try:
        body = await request.body(OBJECT_BYTES_MAX)
    except TooLargeError as error:
        raise InvalidError(str(error), CARD + "max-resource-size") from error
    card, new = await put_card(cell, book, target.card, body, when, request.origin(condition))
    await answer(request.send, 201 if new else 204, (etag_header(card.etag),))


def _check_headers(request: Request) -> None:
    kind = request.header(b"content-type").partition(";")[0].strip().lower()
    if kind not in _TYPES:
        raise InvalidError("Only vCards are kept here.", CARD + "supported-address-data")
    if b"content-range" in request.headers:
        # RFC 9110 section 14.5: a part must not be taken for the whole.
        raise InvalidError("Send the whole card; parts are not taken.")

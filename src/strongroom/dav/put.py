"""PUT of an object: its bytes are kept as sent, acknowledged when a quorum has them (I1, I3)."""

from __future__ import annotations

from strongroom.base.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    TooLargeError,
)
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.answers import answer, applied
from strongroom.dav.get import etag_header, object_headers, type_of
from strongroom.dav.reading import precondition
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, collection_href, name_href
from strongroom.dav.terms import TERMS, said_by
from strongroom.formats.preferences import REPRESENTATION
from strongroom.history.entries import Member
from strongroom.service.access import find_collection
from strongroom.service.kinds import kind_of
from strongroom.service.objects import put_object


async def put(request: Request) -> None:
    """Answer PUT; the ETag alone says what stands, for it is the digest of the bytes sent.

    Nothing can be put to a home; what was sent there names no object, and is not kept (refusals).
    """
    if request.target.place is Place.HOME:
        words = TERMS[request.target.kind]
        raise ForbiddenError(f"{words.only} Put each under a name of its own in {words.one}.")
    check_object_headers(request)
    when, condition = precondition(request)
    target, cell = request.target, request.cell
    try:
        collection = await find_collection(cell, request.caller.home, target.collection)
    except NotFoundError as error:
        raise ConflictError("There is no such collection; make it first.") from error
    body = await object_body(request)
    try:
        member, new = await put_object(
            cell, collection, target.name, body, when, request.origin(condition), request.room
        )
    except InvalidError as error:
        raise addressed(error, target.login, target.collection) from error
    if request.preferences.representation:
        await _representation(request, member, new, body)
    else:
        await answer(request.send, 201 if new else 204, (etag_header(member.etag),))


async def _representation(request: Request, member: Member, new: bool, body: bytes) -> None:
    headers = (
        *object_headers(member),
        type_of(request.target.kind),
        (b"content-location", request.path.encode()),
        *applied(request, REPRESENTATION),
    )
    await answer(request.send, 201 if new else 200, headers, body)


def check_object_headers(request: Request) -> None:
    """Raise InvalidError where the headers say that the body is not one whole object."""
    sent = request.header(b"content-type").partition(";")[0].strip().lower()
    terms = TERMS[request.target.kind]
    if sent not in terms.media_types:
        raise InvalidError(terms.only, terms.supported_data)
    if b"content-range" in request.headers:
        # RFC 9110 section 14.5: a part must not be taken for the whole.
        raise InvalidError("Send the whole object; parts are not taken.")


async def object_body(request: Request) -> bytes:
    """Read the body; raises InvalidError where it is longer than an object may be."""
    try:
        return await request.body(OBJECT_BYTES_MAX)
    except TooLargeError as error:
        condition = TERMS[request.target.kind].space + "max-resource-size"
        raise InvalidError(str(error), condition) from error


def addressed(error: InvalidError, login: str, collection: str) -> InvalidError:
    """Give the name that an error is about its address in `collection`."""
    href = collection_href(login, collection) + name_href(error.href) if error.href else ""
    return InvalidError(str(error), said_by(kind_of(collection), error.condition), href)

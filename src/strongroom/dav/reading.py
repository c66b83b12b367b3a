"""Headers and bodies of a request, read with the formats; what is wrong becomes our own errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeVar

from strongroom.base.errors import (
    ClientError,
    InvalidError,
    PreconditionError,
    TooLargeError,
)
from strongroom.dav.request import Request
from strongroom.dav.statuses import CARD, DAV
from strongroom.dav.terms import said_by
from strongroom.formats import FormatError
from strongroom.formats.conditions import Around, Precondition, read_precondition
from strongroom.formats.hrefs import Path
from strongroom.service.aside import aside
from strongroom.service.changes import token_of
from strongroom.service.kinds import ADDRESS_BOOK, Kind

T = TypeVar("T")

_CONDITION_HEADERS: Final = (b"if-match", b"if-none-match", b"if")
_ANYTHING: Final = Precondition()
_CONDITION_TEXT_MAX: Final = 512  # of a condition in the history
_CONDITIONS: Final = {
    "forbidden-doctype": DAV + "no-external-entities",
    **{code: CARD + code for code in ("supported-collation", "supported-filter", "valid-filter")},
}


async def read(call: Callable[[bytes], T], raw: bytes, kind: Kind = ADDRESS_BOOK) -> T:
    """Call a reader of the formats; raises InvalidError or TooLargeError for its FormatError.

    A refusal is said in the words of the `kind` of collection that the request is about.
    """
    try:
        return await aside(raw, lambda: call(raw))
    except FormatError as error:
        raise _client_error(error, kind) from error


def precondition(request: Request) -> tuple[Precondition, str]:
    """Read all condition headers; also as one text for the history, "" = unconditional.

    Raises:
        InvalidError: a condition that cannot be read is never taken as none.
    """
    headers = request.headers
    text = condition_text(request)
    if not text:
        return _ANYTHING, ""
    around = _around(request) if b"if" in headers else None
    match, none_match, others = (headers.get(name) for name in _CONDITION_HEADERS)
    try:
        when = read_precondition(request.target.path, match, none_match, others, around)
    except FormatError as error:
        raise _client_error(error) from error
    return when, text


def is_known(when: Precondition, etag: str, number: int | None = None) -> bool:
    """Say whether a client that only looks has what stands already: it hears 304.

    Args:
        when: what it looks under.
        etag: of what stands; "" = it has none.
        number: of the last change of the collection around.

    Raises:
        PreconditionError: another condition than If-None-Match does not hold.
    """
    if when.holds(etag, number):
        return False
    if not replace(when, none_match=None).holds(etag, number):
        raise PreconditionError
    return True


def condition_text(request: Request) -> str:
    """Give the condition headers of a request as they were sent; "" = there are none."""
    sent = (name for name in _CONDITION_HEADERS if name in request.headers)
    text = "; ".join(f"{name.decode()}: {request.header(name)}" for name in sent)
    return text[:_CONDITION_TEXT_MAX]


def _around(request: Request) -> Around | None:
    """Give the collection that an object stands in, with its sync token (RFC 6578 section 5)."""
    target, cell = request.target, request.cell
    collection = (
        cell.directory.collection(request.caller.home, target.collection) if target.name else None
    )
    if collection is None:
        return None
    head = cell.head(collection.id)
    path = Path(target.path.segments[:-1], True)
    return Around(path, token_of(request.caller, head), head.number)


def _client_error(error: FormatError, kind: Kind = ADDRESS_BOOK) -> ClientError:
    if error.code == "too-large":
        return TooLargeError(error.message)
    return InvalidError(error.message, said_by(kind, _CONDITIONS.get(error.code, "")))

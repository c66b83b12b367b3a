"""Headers and bodies of a request, read with the formats; what is wrong becomes our own errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from strongroom.base.errors import ClientError, InvalidError, TooLargeError
from strongroom.dav.request import Request
from strongroom.dav.statuses import CARD, DAV
from strongroom.formats import FormatError
from strongroom.formats.conditions import Precondition, read_precondition

T = TypeVar("T")

_CONDITION_HEADERS: Final = (b"if-match", b"if-none-match", b"if")
_ANYTHING: Final = Precondition()
_CONDITION_TEXT_MAX: Final = 512  # of a condition in the history
_CONDITIONS: Final = {
    "forbidden-doctype": DAV + "no-external-entities",
    **{code: CARD + code for code in ("supported-collation", "supported-filter", "valid-filter")},
}


def read(call: Callable[[bytes], T], raw: bytes) -> T:
    """Call a reader of the formats; raises InvalidError or TooLargeError for its FormatError."""
    try:
        return call(raw)
    except FormatError as error:
        raise _client_error(error) from error


def precondition(request: Request) -> tuple[Precondition, str]:
    """Read all condition headers; also as one text for the history, "" = unconditional.

    Raises:
        InvalidError: a condition that cannot be read is never taken as none.
    """
    headers = request.headers
    sent = [name for name in _CONDITION_HEADERS if name in headers]
    if not sent:
        return _ANYTHING, ""
    try:
        when = read_precondition(
            request.target.path, *(headers.get(name) for name in _CONDITION_HEADERS)
        )
    except FormatError as error:
        raise _client_error(error) from error
    text = "; ".join(f"{name.decode()}: {request.header(name)}" for name in sent)
    return when, text[:_CONDITION_TEXT_MAX]


def _client_error(error: FormatError) -> ClientError:
    if error.code == "too-large":
        return TooLargeError(error.message)
    return InvalidError(error.message, _CONDITIONS.get(error.code, ""))

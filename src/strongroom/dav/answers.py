"""Sending answers: plain, error, and multistatus in pieces.

A multistatus goes out in pieces while it is made. When anything breaks after the first piece, the
exception leaves the application and the server cuts the connection without the last chunk: a phone
sees a broken answer, never a short list (I4).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Final

from strongroom.base.errors import ClientError, RightsError, StrongroomError, SuspendedError
from strongroom.dav.compression import CODED, SMALL_BYTES, VARY, press_for
from strongroom.dav.request import Request, Send
from strongroom.dav.statuses import Status, status_of
from strongroom.formats.multistatus import error_body, needed_privileges
from strongroom.formats.preferences import MINIMAL

Header = tuple[bytes, bytes]

TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
XML: Final = (b"content-type", b"application/xml; charset=utf-8")
NO_STORE: Final = (b"cache-control", b"no-store")
_CHALLENGE: Final = (b"www-authenticate", b'Basic realm="Strongroom", charset="UTF-8"')
_PLAIN: Final = (b"accept-encoding", b"identity")
_CLOSE: Final = (b"connection", b"close")


async def answer(
    send: Send, status: int, headers: Iterable[Header] = (), body: bytes = b""
) -> None:
    """Send a whole answer; Content-Length is added where a body may be."""
    lines = list(headers)
    if status not in {204, 304}:
        lines.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


async def refuse(request: Request, error: StrongroomError, extra: Iterable[Header] = ()) -> None:
    """Say an error, in XML where it has a precondition element and in plain words otherwise."""
    headers = [*extra, _CLOSE] if request.hopeless() else list(extra)
    await request.drain()
    await refuse_plainly(request.send, error, headers, status_of(error), request.method)


async def refuse_plainly(
    send: Send,
    error: StrongroomError,
    extra: Iterable[Header] = (),
    status: Status | None = None,
    method: str = "",
) -> None:
    """Say an error to a request of which nothing more is known."""
    status = status or status_of(error)
    headers = [NO_STORE, *extra]
    if status.code == 401:
        headers.append(_CHALLENGE)
    if status.code == 415:
        headers.append(_PLAIN)  # RFC 9110 section 15.5.16
    if status.retry_after_seconds:
        headers.append((b"retry-after", b"%d" % status.retry_after_seconds))
    if status.element:
        headers.append(XML)
        inner = needed_privileges(error.needed) if isinstance(error, RightsError) else b""
        body = error_body(status.element, status.href or None, inner=inner)
    else:
        headers.append(TEXT)
        body = f"{_words(error)}\n".encode()
    await answer(send, status.code, headers, b"" if method == "HEAD" else body)


def _words(error: StrongroomError) -> str:
    # Details of our own trouble are for the log; a client's mistake is explained, and what an
    # operator wants to be said is said.
    if isinstance(error, ClientError | SuspendedError):
        return str(error)
    return error.hint or "Nothing is lost; the answer cannot be given now. Try again later."


def applied(request: Request, *known: str) -> tuple[Header, ...]:
    """Name the preferences of the request that its answer follows (RFC 7240 section 3)."""
    followed = [one for one in known if one in request.preferences.stated]
    return ((b"preference-applied", ", ".join(followed).encode()),) if followed else ()


def multistatus_headers(request: Request, *known: str) -> tuple[Header, ...]:
    """Give the headers of a multistatus that follows `known` preferences."""
    return (XML, NO_STORE, VARY, *applied(request, *known))


async def whole_multistatus(request: Request, body: bytes, *known: str) -> None:
    """Send a multistatus that is made already; it follows the `known` preferences."""
    headers = multistatus_headers(request, *known)
    press = press_for(request, len(body))
    if press is not None:
        body = await press.add(body) + press.end()
        headers = (*headers, CODED)
    await answer(request.send, 207, headers, body)


async def multistatus(request: Request, pieces: AsyncIterator[bytes], *known: str) -> None:
    """Send a multistatus piece by piece; nothing is sent before the first piece is made.

    What is compressed is cut off like anything else where it breaks: its end is missing (I4).

    One piece alone goes out with its length; more go out chunked. It follows return=minimal, and
    the `known` preferences.
    """
    first = await anext(pieces)
    piece = await anext(pieces, None)
    if piece is None:
        await whole_multistatus(request, first, MINIMAL, *known)
        return
    send, headers = request.send, [*multistatus_headers(request, MINIMAL, *known)]
    press = press_for(request, SMALL_BYTES)
    if press is not None:
        headers.append(CODED)
        first = await press.add(first)
    await send({"type": "http.response.start", "status": 207, "headers": headers})
    await send({"type": "http.response.body", "body": first, "more_body": True})
    while piece is not None:
        if press is not None:
            piece = await press.add(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        piece = await anext(pieces, None)
    await send({"type": "http.response.body", "body": b"" if press is None else press.end()})

"""A body of 100 MB: Strongroom refuses it in its own words, so the proxy must not do it before.

The bytes are sent as a phone sends a photo, until an answer comes, and no longer than a minute.
Nothing is kept: the body is no card, and is for a name that nobody has.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse
from typing import Final, cast

from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.cli.doctor.findings import BAD, NOTE, OK, Finding
from strongroom.cli.doctor.inside import ABSENT, VCARD
from strongroom.cli.doctor.line import SECONDS, LineError, Reply
from strongroom.cli.doctor.outside import gateway
from strongroom.cli.doctor.visit import BODY_BYTES, BODY_SECONDS, Visit

_PIECE: Final = bytes(256 * 1024)
_HEAD_BYTES_MAX: Final = 64 * 1024


def body(visit: Visit) -> Iterator[Finding]:
    """Offer a body of 100 MB."""
    size = BODY_BYTES // 1_048_576
    try:
        sent, reply = _offer(visit)
    except (OSError, HTTPException, LineError) as error:
        words = f"a body of {size} MiB ends the connection ({error}); who cut it, does not say so"
        yield Finding(BAD, words, "body")
        return
    if reply is None:
        grade = OK if sent >= OBJECT_BYTES_MAX else NOTE
        yield Finding(grade, f"the line is slow: {sent // 1_048_576} MiB passed in a minute")
    elif reply.is_ours and reply.status < 500:
        yield Finding(OK, f"a body of {size} MiB is refused by Strongroom, not by the proxy")
    else:
        words = f"a body of {size} MiB is refused by {reply.told()}"
        yield gateway(reply) or Finding(BAD, words, "body")


def _offer(visit: Visit) -> tuple[int, Reply | None]:
    """Send it; gives how much went out, and the answer (None = the minute was over)."""
    line = visit.new_line()
    connection = line.opened()
    connection.putrequest("PUT", visit.book + ABSENT)
    headers = {"Content-Type": VCARD, "Content-Length": str(BODY_BYTES), "If-Match": '"0"'}
    for name, value in (line.headers() | headers).items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        sent, heard = _send(cast(socket.socket, connection.sock))
        return sent, _reply(heard) if heard or sent == BODY_BYTES else None
    finally:
        line.close()


def _send(sock: socket.socket) -> tuple[int, bytes]:
    """Send until all is out, an answer comes, or the time is over; gives both."""
    until, sent, heard = time.monotonic() + BODY_SECONDS, 0, b""
    with suppress(ConnectionError, ssl.SSLError):  # it was ended: the answer may be there
        while sent < BODY_BYTES and time.monotonic() < until and not heard:
            sock.sendall(_PIECE)
            sent += len(_PIECE)
            heard = _heard(sock)
    if not heard and time.monotonic() < until:
        sent = BODY_BYTES
        heard = sock.recv(_HEAD_BYTES_MAX)
    return sent, heard


def _heard(sock: socket.socket) -> bytes:
    """Give what has come already; a TLS line may have had something to say of its own."""
    sock.settimeout(0)
    try:
        return sock.recv(_HEAD_BYTES_MAX)
    except (BlockingIOError, ssl.SSLWantReadError):
        return b""
    finally:
        sock.settimeout(SECONDS)


class _Said:
    """What was heard, as a socket that http.client reads."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _reply(heard: bytes) -> Reply:
    """Read the head of an answer; its body may be cut."""
    response = HTTPResponse(cast(socket.socket, _Said(heard)))
    response.begin()
    names = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, names, b"")

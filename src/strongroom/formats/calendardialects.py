"""Calendar objects of other programs, made into objects that can be kept.

What can be kept as it is stays as it is. What could not be kept is mended, and every mending is
told; but for METHOD, which is about a message and not about what it brought: nothing that is
imported is ever sent or answered. A UID that is missing follows from the content, so that a second
run finds it.

Rules: pure; no value is dropped.
Source: RFC 5545 sections 3.7.2 and 3.8.4.7; the exports of Google, Apple and Outlook.
"""

from __future__ import annotations

import re
import uuid
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.formats.calendarfile import Part, cut
from strongroom.formats.calendarstream import named
from strongroom.formats.carddialects import CHARSET, CONTROLS, NEW_UID
from strongroom.formats.characters import unfolded

_METHOD: Final = re.compile(rb"^METHOD[;:].*\n(?:[ \t].*\n)*", re.IGNORECASE | re.MULTILINE)
_STAMP: Final = re.compile(rb"^DTSTAMP[;:].*\n", re.IGNORECASE | re.MULTILINE)
_ZONE: Final = b"VTIMEZONE"
_CONTROLS: Final = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D})


class MendedObject(NamedTuple):
    """An object that may be kept; `mendings` tells what had to be done to it."""

    body: bytes
    mendings: tuple[str, ...]


def mended_object(raw: bytes) -> MendedObject:
    """Mend one calendar object.

    Raises:
        FormatError: it is not one whole VCALENDAR.
    """
    said: list[str] = []
    body = raw.translate(None, _CONTROLS)
    if body != raw:
        said.append(CONTROLS)
    try:
        unfolded(body).decode()
    except UnicodeDecodeError:
        body = body.decode("windows-1252", "replace").encode()
        said.append(CHARSET)
    found = cut(body)
    rest, news = _with_uids(body[len(found.head) :], found.parts)
    if news:
        said.append(NEW_UID)
    body = _METHOD.sub(b"", found.head) + rest
    return MendedObject(body, tuple(said))


def _with_uids(rest: bytes, parts: tuple[Part, ...]) -> tuple[bytes, bool]:
    """Give the components that have none a UID; what stands between them stays."""
    pieces, at, news = [], 0, False
    for part in parts:
        if part.name == _ZONE or named(part.raw).uid:
            continue
        begin = rest.index(part.raw, at)
        pieces += [rest[at:begin], _with_uid(part.raw)]
        at, news = begin + len(part.raw), True
    return b"".join((*pieces, rest[at:])), news


def _with_uid(component: bytes) -> bytes:
    begin, feed, rest = component.partition(b"\n")
    text = _STAMP.sub(b"", unfolded(component).replace(b"\r", b""))
    uid = uuid.UUID(bytes=sha256(text).digest()[:16], version=5)
    end = b"\r\n" if begin.endswith(b"\r") else b"\n"
    return begin + feed + b"UID:" + str(uid).encode() + end + rest

"""What stood around the components of an object, carried in a line of the first of them.

A file of many objects has one VCALENDAR, for that is what programs read; what each object had
around its components (PRODID, other properties, the order of its zones) would be lost in it. So the
first component tells it, with a digest of all bytes that there were: who reads the file back gets
the same bytes, or knows that somebody has changed them since. Other programs pass over the line.

Rules: pure; a line is believed only where the digest agrees, whatever it says.
Source: RFC 5545 section 3.8.8.2 (properties of our own).
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.base.limits import AROUND_BYTES_MAX, OBJECT_BYTES_MAX
from strongroom.formats.cardlines import write_line

AROUND: Final = b"X-STRONGROOM-AROUND"
_LINE: Final = re.compile(
    rb"^" + AROUND + rb":([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)\r?\n", re.MULTILINE
)
_PLACE: Final = re.compile(rb"\0([^\0]*)\0")  # of a zone, by its name; of the next component
_DIGEST_BYTES: Final = 16
_RENAMED_BYTES: Final = 32  # that the name of a zone may grow by in a file
_LINE_BYTES_MAX: Final = 2 * AROUND_BYTES_MAX  # base64, folded; what is longer is none of ours


class Around(NamedTuple):
    """What stood around, and which bytes it all made."""

    digest: bytes
    text: bytes  # with a place for each component


def with_around(component: bytes, body: bytes, text: bytes) -> bytes:
    """Give a component that tells what stood around it in `body`: `text`, with places."""
    first, _, rest = component.partition(b"\n")
    value = b64encode(sha256(body).digest()[:_DIGEST_BYTES] + text)
    end = b"\r\n" if first.endswith(b"\r") else b"\n"
    return first + b"\n" + write_line(b"", AROUND, b"", value, end) + b"\n" + rest


def can_tell(between: Sequence[bytes], zones: Sequence[bytes]) -> bool:
    """Say whether what stands between components can be told in a line; `zones` are named in it."""
    size = sum(map(len, between)) + 2 * (len(between) - 1)
    size += sum(len(name) + _RENAMED_BYTES for name in zones)
    return size <= AROUND_BYTES_MAX and not any(b"\0" in one for one in between)


def text_of(between: Sequence[bytes], zones: Sequence[bytes]) -> bytes:
    """Write what stands between components, with a place for each.

    Args:
        between: what stands before the first, between two, and behind the last.
        zones: the name of each component's zone in the file; empty = it is none.
    """
    places = (b"\0" + name + b"\0" for name in zones)
    return b"".join(text + place for text, place in zip(between, (*places, b""), strict=True))


def told_around(component: bytes) -> tuple[bytes, Around | None]:
    """Give a component without its line, and what that tells; None = there is none."""
    found = _LINE.search(component)
    if found is None:
        return component, None
    bare = component[: found.start()] + component[found.end() :]
    told = b""  # of which no bytes have the digest
    if len(found[1]) <= _LINE_BYTES_MAX:
        with suppress(ValueError):
            told = b64decode(re.sub(rb"\s", b"", found[1]), validate=True)
    return bare, Around(told[:_DIGEST_BYTES], told[_DIGEST_BYTES:])


def restored(
    around: Around, components: Sequence[bytes], zone: Callable[[bytes], bytes]
) -> bytes | None:
    """Give the bytes that there were; None = these components did not make them.

    Args:
        around: as it was told.
        components: of the object, in their order.
        zone: gives a VTIMEZONE by its name in the file; empty = there is none.
    """
    left = iter(components)
    pieces, size = [], 0
    for turn, piece in enumerate(_PLACE.split(around.text)):
        text = piece if turn % 2 == 0 else zone(piece) if piece else next(left, b"")
        pieces.append(text)
        size += len(text)
        if size > OBJECT_BYTES_MAX:
            return None
    body = b"".join(pieces)
    return body if sha256(body).digest()[:_DIGEST_BYTES] == around.digest else None

"""Two calendar objects of one UID: which one stands.

An import meets an object that stands. Where that says already all that comes, nothing changes.
Where what comes is newer (a higher SEQUENCE, then a later LAST-MODIFIED), it takes the place of
what stands; where it is not, what stands stays, and what came is told. Moved instances without
their series (some programs export them far from it) join the series that stands.

Two versions are not mixed: an event that two people moved is at one time.

Rules: pure; when a file was written (DTSTAMP) is no difference, and nothing in another order is.
Source: RFC 5545 sections 3.8.7.2 to 3.8.7.4; RFC 5546 section 2.1.5 (which of two is newer).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.calendarfile import Cut, Part, cut, zone_name
from strongroom.formats.calendarstream import named
from strongroom.formats.characters import unfolded

OLDER: Final = "older"
OTHER_KIND: Final = "other-kind"
REPLACED: Final = "what stood was older and is replaced; undo brings it back"
KEPT: Final = "What stands is as new or newer, and stays; what came is told with its bytes."
JOINED: Final = "moved instances joined the series that stands"

_ZONE: Final = b"VTIMEZONE"
_SEQUENCE: Final = re.compile(rb"^SEQUENCE[^:\r\n]*:[ \t]*(\d{1,9})", re.IGNORECASE | re.MULTILINE)
_MODIFIED: Final = re.compile(
    rb"^LAST-MODIFIED[^:\r\n]*:[ \t]*(\d{8}T\d{6})", re.IGNORECASE | re.MULTILINE
)
_STAMP: Final = re.compile(rb"DTSTAMP[;:]", re.IGNORECASE)

_Parts = dict[tuple[bytes, bytes], Part]  # by kind of component and instance


class Merged(NamedTuple):
    """What shall stand; `said` tells what became of the other one."""

    body: bytes
    said: tuple[str, ...]


def merge(standing: bytes, coming: bytes) -> Merged:
    """Say what shall stand; the bytes of `standing` themselves where it says all that comes.

    Raises:
        FormatError: `older`: what stands is not older, and stays; `other-kind`: it is no version of
            that at all; `not-a-calendar`: one of them cannot be read.
    """
    there, here = cut(standing), cut(coming)
    stood, came = _parts(there), _parts(here)
    if all(key in stood and _said(stood[key]) == _said(part) for key, part in came.items()):
        return Merged(standing, ())
    if {name for name, _ in stood} != {name for name, _ in came}:
        raise FormatError(OTHER_KIND, "Something of another kind has its UID here.")
    if not (_has_series(stood) and _has_series(came)):
        return _joined(there, stood, here, came)
    if _is_newer(came.values(), stood.values()):
        return Merged(coming, (REPLACED,))
    raise FormatError(OLDER, KEPT)


def _parts(found: Cut) -> _Parts:
    return {(part.name, named(part.raw).slot): part for part in found.parts if part.name != _ZONE}


def _said(part: Part) -> list[bytes]:
    """Give the lines of a component as they are compared."""
    lines = (line.strip() for line in unfolded(part.raw).split(b"\n"))
    return sorted(line for line in lines if line and not _STAMP.match(line))


def _has_series(parts: _Parts) -> bool:
    return any(not slot for _, slot in parts)


def _is_newer(came: Iterable[Part], stood: Iterable[Part]) -> bool:
    """Say whether what came is surely newer."""
    (number, time), (old_number, old_time) = _version(came), _version(stood)
    if number != old_number:
        return number > old_number
    return bool(old_time) and time > old_time


def _version(parts: Iterable[Part]) -> tuple[int, bytes]:
    text = b"".join(unfolded(part.raw) for part in parts)
    numbers = (int(one) for one in _SEQUENCE.findall(text))
    return max(numbers, default=0), max(_MODIFIED.findall(text), default=b"")


def _joined(there: Cut, stood: _Parts, here: Cut, came: _Parts) -> Merged:
    """Bring moved instances to their series; each stands that is newer."""
    taken = {
        key: part
        for key, part in came.items()
        if key not in stood or _is_newer((part,), (stood[key],))
    }
    left = [
        key for key, part in came.items() if key not in taken and _said(stood[key]) != _said(part)
    ]
    if left:
        raise FormatError(OLDER, KEPT)
    zones = {zone_name(part.raw): part for part in there.parts if part.name == _ZONE}
    new = [part for part in here.parts if part.name == _ZONE and zone_name(part.raw) not in zones]
    parts = (*zones.values(), *new, *(stood | taken).values())
    end = b"\r\n" if b"\r\n" in there.head else b"\n"
    body = b"".join((there.head, *(part.raw for part in parts), b"END:VCALENDAR" + end))
    return Merged(body, (JOINED,))

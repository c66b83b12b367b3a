"""Calendar objects cut into their parts, and many of them made one file.

`CalendarFile` makes one VCALENDAR of all objects of a collection: each component byte for byte as
it was stored, in the order given, each VTIMEZONE once. Two VTIMEZONEs that are called alike and say
different things both stay: the second one is called `/strongroom/2/NAME`, and so wherever it is
used; programs look for the end of such a name, and who reads the file back calls it NAME again
(calendarstream). What an object has around its components is told in a line of the first of them
(calendararound), so it comes back byte for byte. What cannot be united, as an object of another
CALSCALE, stands by itself.

Not here: reading a file of many objects (calendarstream).
Rules: pure; no component is ever left out; memory grows with the zones seen, some hundred bytes
each.
Source: RFC 5545 sections 3.4 (several objects in a stream), 3.6 and 3.8.3.1 (a TZID that begins
with a slash is known everywhere).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.base.limits import CALENDAR_DEPTH_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendararound import can_tell, text_of, with_around
from strongroom.formats.cardlines import Line, join_card, split_card, write_line

PRODID: Final = b"PRODID:-//Strongroom//Strongroom//EN"
OTHER_ZONE: Final = b"/strongroom/"  # begins the name of a zone that another one had
HEAD: Final = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + PRODID + b"\r\n"
TAIL: Final = b"END:VCALENDAR\r\n"

_FRAME: Final = re.compile(
    rb"^(BEGIN|END):[ \t]*([^\s:]+)[ \t]*\r?$\n?", re.IGNORECASE | re.MULTILINE
)
_ZONE: Final = b"VTIMEZONE"
_TZID: Final = re.compile(rb"^TZID(?:;[^:\r\n]*)?:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_USED: Final = re.compile(rb'((?:\A|;)TZID=)("[^"]*"|[^";]*)', re.IGNORECASE)
_SCALE: Final = re.compile(rb"^CALSCALE:[ \t]*(?!GREGORIAN)", re.IGNORECASE | re.MULTILINE)
_OTHER: Final = re.compile(re.escape(OTHER_ZONE) + rb"\d{1,9}/(.+)", re.DOTALL)


class Part(NamedTuple):
    """One component of a VCALENDAR, with the line end behind its END."""

    name: bytes  # in capitals
    raw: bytes


class Cut(NamedTuple):
    """An object in its parts."""

    head: bytes  # lines of the VCALENDAR itself that stand before its first component
    parts: tuple[Part, ...]
    between: tuple[bytes, ...]  # what stands before, between and behind the parts


def cut(body: bytes) -> Cut:
    """Cut an object into its components.

    Raises:
        FormatError: `not-a-calendar`: it is not one whole VCALENDAR.
    """
    opened: list[bytes] = []
    parts: list[Part] = []
    between: list[bytes] = []
    start = last = head_end = 0
    for mark in _FRAME.finditer(body):
        name = mark[2].upper()
        if mark[1].upper() == b"BEGIN":
            opened.append(name)
            if len(opened) == 2:
                start = mark.start()
                head_end = head_end or start
            if opened[0] != b"VCALENDAR" or len(opened) > CALENDAR_DEPTH_MAX:
                break
        elif not opened or opened.pop() != name:
            break
        elif not opened:
            between.append(body[last:])
            return Cut(body[: head_end or mark.start()], tuple(parts), tuple(between))
        elif len(opened) == 1:
            between.append(body[last:start])
            last = mark.end()
            parts.append(Part(name, body[start:last]))
    raise FormatError("not-a-calendar", "It is not one whole VCALENDAR.")


def zone_name(zone: bytes) -> bytes:
    """Give the TZID of a VTIMEZONE as it was written; empty = it has none."""
    found = _TZID.search(zone)
    return found[1].strip() if found else b""


def renamed(component: bytes, rename: Callable[[bytes], bytes]) -> bytes:
    """Call the zones of a component by other names; all other lines keep their bytes.

    Raises:
        FormatError: `too-complex`.
    """
    return join_card(_renamed(line, rename) for line in split_card(component))


def _renamed(line: Line, rename: Callable[[bytes], bytes]) -> bytes:
    parameters, value = line.parameters, line.value
    if line.name == b"TZID":
        value = rename(value.strip())
    elif b"TZID=" in parameters.upper():
        parameters = _USED.sub(lambda found: found[1] + _named(found[2], rename), parameters)
    if (parameters, value) == (line.parameters, line.value):
        return line.raw
    return write_line(line.group, line.name, parameters, value, line.end)


def _named(written: bytes, rename: Callable[[bytes], bytes]) -> bytes:
    plain = written.strip(b'"')
    name = rename(plain)
    return written.replace(plain, name) if name != plain else written


def first_name(tzid: bytes) -> bytes:
    """Give the name that a zone had before it was united with others."""
    found = _OTHER.fullmatch(tzid)
    return found[1] if found else tzid


class CalendarFile:
    """Makes one file of many objects, in one pass."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._collection = 0  # whose VCALENDAR is open; 0 = none is
        self._zones: dict[tuple[bytes, bytes], bytes] = {}  # (TZID, digest) -> name in this file
        self._names: dict[bytes, int] = {}  # how many zones are called so

    def add(self, collection: int, body: bytes) -> bytes:
        """Give what an object adds to the file.

        Args:
            collection: its id, not 0; all objects of one come together, each has a VCALENDAR.
            body: as it was stored; what is no calendar stands in the file as it is.
        """
        try:
            found = cut(body)
        except FormatError:
            return self.end() + _ended(body)
        if _stands_alone(found):
            return self.end() + _ended(body)
        begin = self._begin(collection)
        try:
            return begin + self._united(found, body)
        except FormatError:
            return begin + self.end() + _ended(body)

    def end(self) -> bytes:
        """Give what the file ends with."""
        was, self._collection = self._collection, 0
        return TAIL if was else b""

    def _begin(self, collection: int) -> bytes:
        if self._collection == collection:
            return b""
        ended = self.end()
        self._collection = collection
        self._zones.clear()
        self._names.clear()
        return ended + HEAD

    def _united(self, found: Cut, body: bytes) -> bytes:
        """Give the zones of an object that are not there yet, and its components."""
        names: dict[bytes, bytes] = {}
        new, zones = [], []
        for part in found.parts:
            if part.name == _ZONE:
                tzid = zone_name(part.raw)
                key = (tzid, sha256(part.raw.replace(b"\r", b"")).digest())
                if key not in self._zones:
                    self._zones[key] = self._name(tzid)
                    new.append((part.raw, {tzid: self._zones[key]}))
                names[tzid] = self._zones[key]
            zones.append(names[zone_name(part.raw)] if part.name == _ZONE else b"")
        given = [_ended(_called(raw, by)) for raw, by in new]
        others = [_called(part.raw, names) for part in found.parts if part.name != _ZONE]
        others[0] = with_around(others[0], body, text_of(found.between, zones))
        return b"".join((*given, *others))

    def _name(self, tzid: bytes) -> bytes:
        count = self._names[tzid] = self._names.get(tzid, 0) + 1
        return tzid if count == 1 else OTHER_ZONE + b"%d/" % count + tzid


def _stands_alone(found: Cut) -> bool:
    """Say whether an object cannot be united, or has nothing but zones."""
    zones = [zone_name(part.raw) for part in found.parts if part.name == _ZONE]
    bare = len(zones) == len(found.parts)
    other = _SCALE.search(found.head) is not None
    return bare or other or not can_tell(found.between, zones)


def _called(raw: bytes, names: dict[bytes, bytes]) -> bytes:
    if all(old == new for old, new in names.items()):
        return raw
    return renamed(raw, lambda tzid: names.get(tzid, tzid))


def _ended(raw: bytes) -> bytes:
    return raw if raw.endswith(b"\n") else raw + b"\r\n"

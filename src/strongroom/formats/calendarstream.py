"""A stream of iCalendar cut into the objects that it holds, and into what is none.

An export of another program is one VCALENDAR with everything, or several of them. An object is what
has one UID: a series with its moved instances, wherever in the calendar they stand, and the time
zones that they name. What is broken is given with its line and its bytes, and the rest goes on. A
VCALENDAR that holds one object alone is given byte for byte; else one is made around each object,
with VERSION, PRODID and CALSCALE of the file: what the file says of the calendar as a whole (its
name, its METHOD) is no part of an object. What an export of ours did is undone: an object is given
byte for byte as it was where nobody changed it since (calendararound), and zones get the names back
that they had.

Not here: whether an object can be stored (calendar), what it is merged with (calendarmerge).
Rules: pure; memory is bounded: where more waits for the end of its VCALENDAR than
CALENDAR_HELD_BYTES, objects are given as far as they came, and their rest as an object of its own
with the same UID. A second component for the same instance is another object of that UID, too.
Source: RFC 5545 sections 3.4 and 3.6.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from strongroom.base.limits import (
    CALENDAR_DEPTH_MAX,
    CALENDAR_HELD_BYTES,
    INTAKE_JUNK_BYTES,
    OBJECT_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.calendararound import AROUND, Around, restored, told_around
from strongroom.formats.calendarfile import OTHER_ZONE, first_name, renamed, zone_name
from strongroom.formats.cardstream import TOO_LARGE, Lines, Piece, Utf8
from strongroom.formats.characters import unfolded

BETWEEN: Final = "between-components"  # the fault of what is no part of a calendar
NO_END: Final = "component-no-end"
CALENDAR_NO_END: Final = "calendar-no-end"

_BEGINS: Final = re.compile(rb"\s*BEGIN:[ \t]*VCALENDAR", re.IGNORECASE)
_MARK: Final = re.compile(rb"(BEGIN|END)[ \t]*:[ \t]*([^\s:;]+)\s*", re.IGNORECASE)
_FIRST_BYTES: Final = frozenset(b"BbEe")
_CALENDAR: Final = b"VCALENDAR"
_ZONE: Final = b"VTIMEZONE"
_TOP: Final = frozenset(
    {_CALENDAR, _ZONE, b"VEVENT", b"VTODO", b"VJOURNAL", b"VFREEBUSY", b"VAVAILABILITY"}
)
_KEPT: Final = re.compile(rb"(?:VERSION|PRODID|CALSCALE)[;:]", re.IGNORECASE)
_WANTED: Final = re.compile(rb"^(BEGIN|END|UID|RECURRENCE-ID)([;:][^\r\n]*)", re.I | re.MULTILINE)
_USED: Final = re.compile(rb';TZID="?([^";:\r\n]+)', re.IGNORECASE)
_START_BYTES: Final = 256  # of a file that are looked at


def begins_calendar(start: bytes) -> bool:
    """Say whether a file that begins so is a calendar."""
    return _BEGINS.match(Utf8().feed(start[:_START_BYTES])) is not None


class Named(NamedTuple):
    """What tells of a component to which object it belongs; empty = it does not say."""

    uid: bytes
    slot: bytes  # its RECURRENCE-ID with its parameters; empty = the series itself


def named(component: bytes) -> Named:
    """Read UID and RECURRENCE-ID of a component itself, not of what is inside it."""
    found: dict[bytes, bytes] = {}
    depth = 0
    for line in _WANTED.finditer(unfolded(component)):
        word = line[1].upper()
        depth += (word == b"BEGIN") - (word == b"END")
        if depth == 1:
            found.setdefault(word, line[2].strip())
    return Named(_value(found.get(b"UID", b"")), found.get(b"RECURRENCE-ID", b""))


def _value(rest: bytes) -> bytes:
    """Give the value behind a property's name; its parameters hold no colon but in quotes."""
    quoted = False
    for place, sign in enumerate(rest):
        quoted ^= sign == ord('"')
        if sign == ord(":") and not quoted:
            return rest[place + 1 :].strip()
    return b""


@dataclass(slots=True)
class _Object:
    """Components of one UID, by the instance that they are about."""

    line: int
    parts: dict[bytes, bytes] = field(default_factory=dict)


class CalendarStream:
    """Cuts one stream; `feed` it to the end, then say `last`."""

    def __init__(self) -> None:
        """Begin at line 1."""
        self._utf8 = Utf8()
        self._lines = Lines()
        self._number = 0  # of the line that is looked at
        self._open: list[bytes] = []  # components, the calendar first
        self._held = bytearray()  # of the component that is open, or of what stands between
        self._first = 1  # line of the first one held
        self._overflown = False  # the open component is longer than any object
        self.count = 0  # objects that began by now
        self._begin_calendar()

    def _begin_calendar(self) -> None:
        self._head: list[bytes] = []  # lines that stand in each object
        self._head_size = 0
        self._heads = False  # the last line of the calendar itself is one of them
        self._zones: dict[bytes, bytes] = {}
        self._objects: dict[object, list[_Object]] = {}
        self._size = 0  # bytes of zones and objects
        self._whole: bytearray | None = bytearray()  # the calendar; None = it is no single object
        self._whole_line = 0

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[Piece]:
        """Take a chunk of any size; give what is whole by now, in order."""
        for read in self._lines.feed(self._utf8.feed(chunk, last=last), last=last):
            self._number += 1
            # Nobody reads lines that end with CR alone.
            line = read[:-1] + b"\r\n" if self._lines.end == b"\r" and read[-1:] == b"\r" else read
            if self._whole is not None and self._open:
                self._whole += line
                if len(self._whole) > OBJECT_BYTES_MAX:
                    self._whole = None
            if len(self._open) > 1 and line[0] not in _FIRST_BYTES:  # hardly any line is more
                yield from self._hold(line)
            else:
                yield from self._line(line)
        if last:
            if self._open:
                yield from self._broken(NO_END)
                yield from self._end_calendar(ended=False)
            else:
                yield from self._given(BETWEEN)

    # --- lines ------------------------------------------------------------------------------------
    def _line(self, line: bytes) -> Iterator[Piece]:
        mark = _MARK.fullmatch(line if self._open else line.lstrip())
        word, name = (mark[1].upper(), mark[2].upper()) if mark is not None else (b"", b"")
        if not self._open:
            yield from self._outside(line, begins=(word, name) == (b"BEGIN", _CALENDAR))
        elif len(self._open) > 1:
            yield from self._inside(line, word, name)
        else:
            yield from self._between(line, word, name)

    def _outside(self, line: bytes, *, begins: bool) -> Iterator[Piece]:
        if not begins:
            yield from self._hold(line)
            return
        yield from self._given(BETWEEN)
        self._begin_calendar()
        self._open = [_CALENDAR]
        self._whole, self._whole_line = bytearray(line), self._number

    def _between(self, line: bytes, word: bytes, name: bytes) -> Iterator[Piece]:
        """Take a line of the calendar itself."""
        if word == b"END" and name == _CALENDAR:
            yield from self._end_calendar(ended=True)
        elif word == b"BEGIN" and name == _CALENDAR:
            yield from self._end_calendar(ended=False)
            yield from self._outside(line, begins=True)
        elif word == b"BEGIN":
            self._open.append(name)
            self._hold_first(line)
        elif word == b"END" or (b":" not in line and line[:1] not in b" \t\r\n"):
            self._hold_first(line)
            yield from self._given(BETWEEN)
        else:
            self._heads = self._heads if line[:1] in b" \t" else bool(_KEPT.match(line))
            if self._heads and self._head_size + len(line) <= INTAKE_JUNK_BYTES:
                self._head.append(line)
                self._head_size += len(line)

    def _inside(self, line: bytes, word: bytes, name: bytes) -> Iterator[Piece]:
        """Take a line of a component."""
        if (word == b"BEGIN" and name in _TOP) or (word == b"END" and name == _CALENDAR):
            yield from self._broken(NO_END)
            yield from self._between(line, word, name)
            return
        yield from self._hold(line)
        if word == b"BEGIN" and len(self._open) <= CALENDAR_DEPTH_MAX:
            self._open.append(name)
        elif word == b"END" and name in self._open:
            while self._open.pop() != name:
                pass  # what is not ended inside ends with it; such an object is refused later
            if len(self._open) == 1:
                yield from self._end_component(name)

    # --- what is held -----------------------------------------------------------------------------
    def _hold_first(self, line: bytes) -> None:
        self._held, self._first = bytearray(line), self._number

    def _hold(self, line: bytes) -> Iterator[Piece]:
        if self._held:
            self._held += line
        else:
            self._hold_first(line)
        in_component = len(self._open) > 1
        if len(self._held) > OBJECT_BYTES_MAX and in_component:
            self._overflown = True
        if self._overflown or (not in_component and len(self._held) > INTAKE_JUNK_BYTES):
            yield from self._given(TOO_LARGE if self._overflown else BETWEEN)

    def _given(self, fault: str) -> Iterator[Piece]:
        """Give what is held as something that cannot be taken, and hold nothing."""
        raw, self._held = bytes(self._held), bytearray()
        if raw.strip():
            self._whole = None
            yield Piece(self._first, raw, b"", fault)

    def _broken(self, fault: str) -> Iterator[Piece]:
        """Give the open component as a broken one; the calendar goes on."""
        yield from self._given(TOO_LARGE if self._overflown else fault)
        self._overflown = False
        del self._open[1:]

    def _end_component(self, name: bytes) -> Iterator[Piece]:
        if self._overflown:
            yield from self._broken(TOO_LARGE)
            return
        raw, self._held = bytes(self._held), bytearray()
        self._size += len(raw)
        if self._size > CALENDAR_HELD_BYTES:
            yield from self._objects_given()
            self._size = sum(map(len, self._zones.values())) + len(raw)
        if name == _ZONE:
            if self._size > CALENDAR_HELD_BYTES:
                yield Piece(self._first, raw, b"", TOO_LARGE)
            else:
                self._zones.setdefault(zone_name(unfolded(raw)), raw)
        else:
            self._add(name, raw)

    def _add(self, name: bytes, raw: bytes) -> None:
        uid, slot = named(raw)
        key = (name, uid) if uid else self._number  # without a UID it is an object of its own
        objects = self._objects.setdefault(key, [])
        if not objects or slot in objects[-1].parts:
            objects.append(_Object(self._first))
            self.count += 1
        objects[-1].parts[slot] = raw
        if len(self._objects) > 1 or len(objects) > 1 or AROUND in raw:
            self._whole = None

    # --- objects ----------------------------------------------------------------------------------
    def _end_calendar(self, *, ended: bool) -> Iterator[Piece]:
        if ended and self._whole is not None and self._objects:
            yield Piece(self._whole_line, bytes(self._whole), bytes(self._whole))
        else:
            yield from self._objects_given()
        if not ended:
            yield Piece(self._number, b"", b"", CALENDAR_NO_END)
        self._open = []
        self._begin_calendar()

    def _objects_given(self) -> Iterator[Piece]:
        """Give the objects that came by now; the calendar goes on."""
        self._whole = None
        for objects in self._objects.values():
            for one in objects:
                raw = self._written(list(one.parts.values()))
                fault = TOO_LARGE if len(raw) > OBJECT_BYTES_MAX else ""
                yield Piece(one.line, raw, b"" if fault else raw, fault)
        self._objects = {}

    def _written(self, given: list[bytes]) -> bytes:
        """Write a VCALENDAR around components, with the zones that they name."""
        bare, told = zip(*map(told_around, given), strict=True)
        parts = list(bare)
        around = next((one for one in told if one is not None), None)
        whole = None if around is None else self._restored(around, parts)
        return whole or self._made(parts)

    def _restored(self, around: Around, parts: list[bytes]) -> bytes | None:
        """Give an object as it was before an export, where nobody changed it since."""
        end = b"\r\n" if b"\r\n" in around.text else b"\n"

        def zone(name: bytes) -> bytes:
            # It may have been spelled with other line ends by the object that brought it first.
            raw = _first_called(self._zones.get(name, b""))
            return raw.replace(b"\r\n", b"\n").replace(b"\n", end)

        try:
            return restored(around, [_first_called(raw) for raw in parts], zone)
        except FormatError:
            return None  # too complex

    def _made(self, parts: list[bytes]) -> bytes:
        end = b"\r\n" if b"\r\n" in parts[0] else b"\n"
        used = dict.fromkeys(name for raw in parts for name in _USED.findall(unfolded(raw)))
        zones = [self._zones[name] for name in used if name in self._zones]
        head = self._head or [b"VERSION:2.0" + end]
        inner = self._first_names(used, [*zones, *parts])
        frame = (b"BEGIN:VCALENDAR" + end, b"END:VCALENDAR" + end)
        return b"".join((frame[0], *head, *inner, frame[1]))

    def _first_names(self, used: dict[bytes, None], parts: list[bytes]) -> list[bytes]:
        firsts = [first_name(name) for name in used]
        if not any(name.startswith(OTHER_ZONE) for name in used) or len(set(firsts)) < len(firsts):
            return parts
        try:
            return [renamed(raw, first_name) for raw in parts]
        except FormatError:
            return parts  # too complex; its zones keep the names of the export


def _first_called(raw: bytes) -> bytes:
    """Give a component with the names that its zones had before an export; raises FormatError."""
    return renamed(raw, first_name) if OTHER_ZONE in raw else raw

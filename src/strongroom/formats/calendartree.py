"""A calendar object as a tree of components with their lines, and the way back to its bytes.

A line keeps the bytes that it was read from; dates, durations and zones are read where they matter
(calendartime). Objects were checked when they came in (calendar), but those of an old history may
be anything: what cannot be read is a FormatError, and the caller counts it as a possible match.

Source: RFC 5545 section 3.4 to 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from strongroom.base.limits import CALENDAR_DEPTH_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardlines import (
    REMEMBERED_BYTES_MAX,
    Line,
    parameters_of,
    read_line,
    split_card,
    values_of,
)

ZONE: Final = b"VTIMEZONE"


@dataclass(slots=True)
class Component:
    """One component; `name` in capitals, `lines` without BEGIN and END."""

    name: bytes
    begin: bytes = b""  # the line as written
    end: bytes = b""
    lines: list[Line] = field(default_factory=list)
    children: list[Component] = field(default_factory=list)

    def all(self, name: bytes) -> Iterator[Line]:
        """Give the properties of a name (in capitals)."""
        return (line for line in self.lines if line.name == name)

    def first(self, name: bytes) -> Line | None:
        """Give the first property of a name; None = there is none."""
        return next(self.all(name), None)

    def text(self, name: bytes) -> bytes:
        """Give the value of the first property of a name; empty = there is none."""
        line = self.first(name)
        return line.value.strip() if line is not None else b""


def parameter(line: Line, name: bytes) -> bytes:
    """Give one parameter's first value; empty = there is none."""
    values = values_of(parameters_of(line.parameters), name) if line.parameters else ()
    return values[0] if values else b""


def _line(raw: bytes) -> Line:
    return _known(raw) if len(raw) <= REMEMBERED_BYTES_MAX else read_line(raw)


# The lines of a VTIMEZONE are those of all others, and most of what an event has.
_known: Final = lru_cache(4096)(read_line)


def read_tree(body: bytes) -> Component:
    """Read the VCALENDAR of an object.

    Raises:
        FormatError: `not-a-calendar` or `too-complex`.
    """
    root = Component(b"")
    stack = [root]
    for line in split_card(body, _line):
        if line.name == b"BEGIN":
            child = Component(line.value.strip().upper(), line.raw)
            stack[-1].children.append(child)
            stack.append(child)
            if len(stack) > CALENDAR_DEPTH_MAX + 1:
                raise FormatError("too-complex", "The components are nested too deeply.")
        elif line.name == b"END" and len(stack) > 1:
            stack.pop().end = line.raw
        elif line.name:
            stack[-1].lines.append(line)
    if len(stack) > 1 or not root.children or root.children[0].name != b"VCALENDAR":
        raise FormatError("not-a-calendar", "It is not one whole VCALENDAR.")
    return root.children[0]


def raws(component: Component) -> Iterator[bytes]:
    """Give the lines of a component as written; `join_card` makes bytes of them."""
    yield component.begin
    for line in component.lines:
        yield line.raw
    for child in component.children:
        yield from raws(child)
    yield component.end


def own(calendar: Component) -> list[Component]:
    """Give what an object is about: its components but for time zones."""
    return [child for child in calendar.children if child.name != ZONE]


def zones_of(calendar: Component) -> dict[bytes, Component]:
    """Give the time zones that an object brings along, by TZID."""
    return {child.text(b"TZID"): child for child in calendar.children if child.name == ZONE}

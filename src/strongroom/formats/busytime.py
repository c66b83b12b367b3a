"""When time is taken: the busy times of calendar objects, united, as a VFREEBUSY.

Transparent and cancelled events take no time; tentative ones may. What cannot be understood takes
no time that could be told.
Source: RFC 4791 section 7.10, RFC 5545 section 3.6.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import Range, periods_of
from strongroom.formats.calendarrule import Budget
from strongroom.formats.calendartime import write_instant
from strongroom.formats.calendartree import Component, own, parameter, read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.recurrence import Series

BUSY: Final = b"BUSY"
TENTATIVE: Final = b"BUSY-TENTATIVE"
UNAVAILABLE: Final = b"BUSY-UNAVAILABLE"
_KINDS: Final = (UNAVAILABLE, BUSY, TENTATIVE)  # the stronger first


class Busy(NamedTuple):
    """A time that is taken; instants, seconds since 1970 UTC."""

    kind: bytes
    start: int
    end: int


def busy_times(body: bytes, when: Range, floating: tzinfo = UTC) -> list[Busy]:
    """Give the times inside `when` that an object takes; never raises."""
    try:
        return list(_busy(read_tree(body), when, floating))
    except FormatError:
        return []


def _busy(calendar: Component, when: Range, floating: tzinfo) -> Iterator[Busy]:
    budget = Budget()
    events = [one for one in own(calendar) if one.name == b"VEVENT" and one.first(b"DTSTART")]
    if events:
        series = Series(events, Zones(zones_of(calendar), floating))
        kinds = {id(event): _kind(event) for event in events}
        for one in series.between(when.start, when.end):
            if kind := kinds[id(one.component)]:
                yield from _within(Busy(kind, one.start, one.end), when)
    for busy in own(calendar):
        if busy.name == b"VFREEBUSY":
            for line in busy.all(b"FREEBUSY"):
                kind = parameter(line, b"FBTYPE").upper() or BUSY
                if kind in _KINDS:
                    for period in periods_of(line, budget):
                        yield from _within(Busy(kind, period.start, period.end), when)


def _kind(event: Component) -> bytes:
    status = event.text(b"STATUS").upper()
    if event.text(b"TRANSP").upper() == b"TRANSPARENT" or status == b"CANCELLED":
        return b""
    return TENTATIVE if status == b"TENTATIVE" else BUSY


def _within(busy: Busy, when: Range) -> Iterator[Busy]:
    start, end = max(busy.start, when.start), min(busy.end, when.end)
    if start < end:
        yield Busy(busy.kind, start, end)


def write_busy(when: Range, busy: Iterable[Busy], now: int) -> bytes:
    """Write a VFREEBUSY about `when`, made at `now` (seconds since 1970 UTC)."""
    found = list(busy)
    lines = [
        b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//Strongroom//Strongroom//EN",
        b"BEGIN:VFREEBUSY", b"DTSTAMP:" + write_instant(now),
        b"DTSTART:" + write_instant(when.start), b"DTEND:" + write_instant(when.end),
    ]  # fmt: skip
    for kind in _KINDS:
        for start, end in _united(one for one in found if one.kind == kind):
            name = b"FREEBUSY" if kind == BUSY else b"FREEBUSY;FBTYPE=" + kind
            lines.append(name + b":" + write_instant(start) + b"/" + write_instant(end))
    return b"\r\n".join((*lines, b"END:VFREEBUSY", b"END:VCALENDAR", b""))


def _united(busy: Iterable[Busy]) -> list[tuple[int, int]]:
    """Join times that touch."""
    united: list[tuple[int, int]] = []
    for _, start, end in sorted(busy):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united

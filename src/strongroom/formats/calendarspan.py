"""From when to when an object can happen at most: what a query looks at before it reads bodies.

A span may be too wide and never too narrow: floating and local times are widened by what any two
zones differ, an endless rule has no end, and what cannot be read may happen at any time. So it
needs no table of zones, costs little when an object comes in, and stays true when a zone changes
its rules.

The row of an object keeps its span, with the number of the rules that made it: one that other rules
made may be too narrow and is not believed, so an object may happen at any time until its row is
told anew (upkeep.scrub).

Source: RFC 4791 section 9.9 (which times count), RFC 5545.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.calendarrule import Budget, Rule, read_rule
from strongroom.formats.calendartime import (
    DAY,
    Moment,
    moment_of,
    moments_of,
    naive_seconds,
    read_duration,
)
from strongroom.formats.calendartree import Component, own, read_tree

RULES: Final = 2  # of `span_of`; whoever changes what it gives counts one on
FIRST: Final = -(1 << 40)  # before and behind all that a date can say
LAST: Final = 1 << 40
_ZONE_SECONDS: Final = 16 * 3600  # more than any zone is away from UTC
_TIMES: Final = (b"DTSTART", b"DTEND", b"DUE", b"COMPLETED", b"CREATED")
_PERIOD_DAYS: Final = (8 * 366, 4 * 31, 7, 1, 1, 1, 1)  # between two dates of a rule without BY...


class Span(NamedTuple):
    """Seconds since 1970 UTC; nothing happens before `first` or behind `last`."""

    first: int
    last: int


ALWAYS: Final = Span(FIRST, LAST)


class Told(NamedTuple):
    """What a row tells of an object of a calendar."""

    component: str  # "" = it does not say
    span: Span | None  # None = it does not say, or by other rules than these


_UNTOLD: Final = Told("", None)
# Canonical JSON has its keys in order and no space, and quotes inside a value are escaped.
_ROW: Final = re.compile(
    r'(\{"size":\d+,)(?:"span":\[(-?\d+),(-?\d+)((?:,\d+)?)\],)?("type":"text/calendar;([A-Z-]+)")'
)


def told_in(data: str) -> Told:
    """Read what the data of a row tells of an object of a calendar; of another one, nothing."""
    found = _ROW.match(data)
    if found is None:
        return _UNTOLD
    by_these = found[4] == f",{RULES}"
    return Told(found[6], Span(int(found[2]), int(found[3])) if by_these else None)


def retold(data: str, body: bytes) -> str:
    """Give the data of a row with the span of its body; of what is in no calendar, the same."""
    found = _ROW.match(data)
    if found is None:
        return data
    return f"{found[1]}{written(span_of(body))},{found[5]}{data[found.end() :]}"


def written(span: Span) -> str:
    """Write a span as a row's data has it."""
    return f'"span":[{span.first},{span.last},{RULES}]'


def span_of(body: bytes) -> Span:
    """Say when an object can happen; never raises."""
    try:
        return _span(own(read_tree(body)))
    except FormatError:
        return ALWAYS


def _span(components: list[Component]) -> Span:
    spans = [_component(one) for one in components]
    return Span(min(s.first for s in spans), max(s.last for s in spans)) if spans else ALWAYS


def _component(component: Component) -> Span:
    times = list(_times(component))
    start = component.first(b"DTSTART")
    if not times or component.name not in {b"VEVENT", b"VTODO", b"VJOURNAL"}:
        return ALWAYS
    if component.name != b"VEVENT" and start is None and component.first(b"DUE") is None:
        return ALWAYS  # a task without dates is always there
    first, last = min(one[0] for one in times), max(one[1] for one in times)
    added = list(_added(component, Budget()))
    if added:
        # Each of them takes as long as the first one.
        last = max(last, max(one[1] for one in added) + last - first)
        first = min(first, *(one[0] for one in added))
    duration = component.text(b"DURATION")
    length = read_duration(duration) if duration else timedelta()
    last += max(0, length // timedelta(seconds=1))
    line = component.first(b"RECURRENCE-ID")
    if line is not None and b"THISANDFUTURE" in line.parameters.upper():
        return ALWAYS
    for line in component.all(b"RRULE"):
        last = max(last, _end_of(read_rule(line.value), first, last))
    return Span(first, min(last, LAST))


def _times(component: Component) -> Iterator[tuple[int, int]]:
    return (_around(moment_of(line)) for line in component.lines if line.name in _TIMES)


def _added(component: Component, budget: Budget) -> Iterator[tuple[int, int]]:
    for line in component.all(b"RDATE"):
        if b"PERIOD" in line.parameters.upper():
            yield FIRST, LAST
        budget.spend(line.value.count(b","))
        yield from map(_around, moments_of(line))


def _around(moment: Moment) -> tuple[int, int]:
    at = naive_seconds(moment.local)
    if moment.zone == b"Z":
        return at, at
    return at - _ZONE_SECONDS, at + _ZONE_SECONDS + (DAY if moment.is_date else 0)


def _end_of(rule: Rule, first: int, last: int) -> int:
    if rule.until is not None:
        return _around(rule.until)[1] + (last - first)
    simple = all(name == "wkst" for name, _ in rule.parts)
    if rule.most and simple:
        days = _PERIOD_DAYS[rule.frequency] * rule.interval * rule.most
        return last + days * DAY
    return LAST

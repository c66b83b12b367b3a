"""Does a calendar object match the filter of a calendar-query?

All conditions of a comp-filter must hold for one component of that name; where it has a time-range,
for one that happens then. An object that cannot be understood, or that happens too often to be
looked at, might match and counts as a match: a phone deletes what is missing from an answer.

Rules: pure. Where the zones of an object are told differently by itself and by the world, each
telling counts (calendartime).
Source: RFC 4791 sections 9.7 to 9.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.calendar import COMPONENTS
from strongroom.formats.calendarrule import Budget
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.calendartime import moment_of, read_duration, read_moment
from strongroom.formats.calendartree import Component, own, parameter, read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.cardfilter import (
    Collation,
    ParamFilter,
    TextMatch,
    folded_text,
    param_holds,
    text_holds,
)
from strongroom.formats.cardlines import Line
from strongroom.formats.recurrence import Instance, Series

_DAY: Final = 86_400
_KINDS: Final = frozenset(name.encode() for name in COMPONENTS)


class Range(NamedTuple):
    """Instants, seconds since 1970 UTC; `end` is not included."""

    start: int
    end: int


class PropFilter(NamedTuple):
    """Asks for a property: that it is (not) there, its text, its time, its parameters."""

    name: bytes  # in capitals
    defined: bool = True
    text: TextMatch | None = None
    range: Range | None = None
    params: tuple[ParamFilter, ...] = ()


class CompFilter(NamedTuple):
    """Asks for a component: that it is (not) there, when it happens, what it holds."""

    name: bytes  # in capitals
    defined: bool = True
    range: Range | None = None
    props: tuple[PropFilter, ...] = ()
    comps: tuple[CompFilter, ...] = ()


def window(wanted: CompFilter) -> Range:
    """Give the time outside of which no object can match; by it the index is asked.

    Only what is asked of the object's own components counts; an alarm may ring at any time. A task
    that ends when the range does is in it, so one second more is looked at.
    """
    ranges = [one.range for one in wanted.comps if one.defined and one.range is not None]
    if not ranges:
        return Range(FIRST, LAST)
    return Range(max(one.start for one in ranges), min(one.end for one in ranges) + 1)


def component_wanted(wanted: CompFilter) -> bytes:
    """Name the one kind of object that can match; empty = any may, for each can hold a zone."""
    names = {one.name for one in wanted.comps if one.defined} & _KINDS
    return names.pop() if len(names) == 1 else b""


def matches(body: bytes, wanted: CompFilter, floating: tzinfo = UTC) -> bool:
    """Say whether an object matches or might match; never raises."""
    try:
        calendar = read_tree(body)
        return _Matcher(calendar, floating).holds([calendar], wanted)
    except FormatError:
        return True


class _Matcher:
    def __init__(self, calendar: Component, floating: tzinfo) -> None:
        self._calendar = calendar
        self._zones = Zones(zones_of(calendar), floating)
        self._own = own(calendar)
        self._budget = Budget()  # for all that a filter asks of the object
        self._ends: dict[int, Component] = {}  # tasks that begin when they end
        self._series: dict[tuple[int, ...], Series] = {}
        self._texts: dict[tuple[int, str], str] = {}

    def holds(self, candidates: list[Component], wanted: CompFilter) -> bool:
        """Say whether one of the candidates is what is asked for."""
        here = [one for one in candidates if one.name == wanted.name]
        if not wanted.defined:
            return not here
        if wanted.range is not None:
            here = self._happening(here, wanted.range)
        return any(self._all_hold(one, wanted) for one in here)

    def _all_hold(self, component: Component, wanted: CompFilter) -> bool:
        return all(self._prop_holds(component, one) for one in wanted.props) and all(
            self._inner_holds(component, one) for one in wanted.comps
        )

    def _inner_holds(self, component: Component, wanted: CompFilter) -> bool:
        if wanted.range is None or wanted.name != b"VALARM" or not wanted.defined:
            return self.holds(component.children, wanted)
        return any(
            alarm.name == b"VALARM"
            and self._rings(component, alarm, wanted.range)
            and self._all_hold(alarm, wanted)
            for alarm in component.children
        )

    # --- time -------------------------------------------------------------------------------------
    def _happening(self, here: list[Component], when: Range) -> list[Component]:
        if not here:
            return []
        name = here[0].name
        if name == b"VFREEBUSY":
            return [one for one in here if self._is_busy(one, when)]
        undated = [one for one in here if one.first(b"DTSTART") is None]
        found = [one for one in undated if name == b"VTODO" and self._is_due(one, when)]
        dated = [one for one in here if one.first(b"DTSTART") is not None]
        if dated:
            found += self._dated(dated, when)
        return found

    def _dated(self, dated: list[Component], when: Range) -> list[Component]:
        around = widened(when, slack_of(dated, self._zones))
        found = {
            id(one): one
            for reading in readings_of(dated, self._zones)
            for one in self._read(dated, reading).happening(*around)
        }
        return list(found.values())

    def _instances(self, dated: list[Component], when: Range) -> Iterator[Instance]:
        for reading in readings_of(dated, self._zones):
            yield from self._read(dated, reading).between(*when)

    def _read(self, dated: list[Component], reading: int) -> Series:
        """Give a series in one of the ways to read its zones."""
        key = (reading, *map(id, dated))
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series(dated, self._zones, reading, self._budget)
        return found

    def _instant(self, line: Line) -> int:
        moment = moment_of(line)
        return self._zones.instant(moment.local, moment.zone)

    def _is_due(self, task: Component, when: Range) -> bool:
        """Judge a task without DTSTART."""
        due, completed, created = (task.first(n) for n in (b"DUE", b"COMPLETED", b"CREATED"))
        if due is not None:
            # A task that recurs by its end alone: each end is a moment.
            ends = self._instances([self._by_end(task)], Range(when.start, when.end + 1))
            return any(when.start < one.start for one in ends)
        marks = [self._instant(line) for line in (completed, created) if line is not None]
        if completed is None:
            return not marks or when.end > marks[0]
        return when.start <= max(marks) and when.end >= min(marks)

    def _as_dated(self, component: Component) -> Component | None:
        """Give a component with a beginning, which is its end where it has that alone."""
        if component.first(b"DTSTART") is not None:
            return component
        return self._by_end(component) if component.first(b"DUE") is not None else None

    def _by_end(self, task: Component) -> Component:
        found = self._ends.get(id(task))
        if found is None:
            found = replace(task, lines=[_as_start(line) for line in task.lines])
            self._ends[id(task)] = found
        return found

    def _is_busy(self, busy: Component, when: Range) -> bool:
        start, end = busy.first(b"DTSTART"), busy.first(b"DTEND")
        if start is not None and end is not None:
            return when.start <= self._instant(end) and when.end > self._instant(start)
        return any(
            when.start < period.end and when.end > period.start
            for line in busy.all(b"FREEBUSY")
            for period in periods_of(line, self._budget)
        )

    def _rings(self, component: Component, alarm: Component, when: Range) -> bool:
        trigger = alarm.first(b"TRIGGER")
        if trigger is None:
            return False
        repeats = _repeats(alarm)
        if parameter(trigger, b"VALUE").upper() == b"DATE-TIME":
            at = self._instant(trigger)
            return any(when.start <= at + by < when.end for by in repeats)
        offset = read_duration(trigger.value) // timedelta(seconds=1)
        at_end = parameter(trigger, b"RELATED").upper() == b"END"
        # The instances whose alarm could be in the range, for whatever length they have.
        series = {id(one): dated for one in self._own if (dated := self._as_dated(one)) is not None}
        if not series:
            return True
        wider = Range(when.start - offset - max(repeats), when.end - offset)
        about = Range(wider.start - _DAY, wider.end + _DAY)
        for instance in self._instances(list(series.values()), about):
            if instance.component is not series.get(id(component)):
                continue
            at = (instance.end if at_end else instance.start) + offset
            if any(when.start <= at + by < when.end for by in repeats):
                return True
        return False

    # --- properties -------------------------------------------------------------------------------
    def _prop_holds(self, component: Component, wanted: PropFilter) -> bool:
        here = list(component.all(wanted.name))
        if not wanted.defined:
            return not here
        return any(self._property_is(line, wanted) for line in here)

    def _property_is(self, line: Line, wanted: PropFilter) -> bool:
        if wanted.range is not None:
            at = self._instant(line)
            if not wanted.range.start <= at < wanted.range.end:
                return False
        text = wanted.text
        if text is not None and not text_holds([self._text(line, text.collation)], text):
            return False
        return all(param_holds(line, one) for one in wanted.params)

    def _text(self, line: Line, collation: Collation) -> str:
        """Give a value as a collation compares it; a long one may be asked for many times."""
        key = (id(line), collation)
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = folded_text(line, collation)
        return text


def readings_of(dated: list[Component], zones: Zones) -> Iterator[int]:
    """Number the ways to read the zones that components name.

    Each comes once the one before it was looked at, and only if another answer can come of it.
    """
    count = max((len(zones.readings(zone)) for zone in _named(dated)), default=1)
    yield 0
    yield from (reading for reading in range(1, count) if zones.differ)


def slack_of(dated: list[Component], zones: Zones) -> int:
    """Say by how many seconds components may happen at another time: nobody knows their zone."""
    return zones.slack(_named(dated))


def widened(when: Range, slack: int) -> Range:
    """Give the time in which something might happen that is told with some slack."""
    return Range(when.start - slack, when.end + slack) if slack else when


def _named(dated: list[Component]) -> set[bytes]:
    return {
        parameter(line, b"TZID")
        for one in dated
        for line in one.lines
        if b"TZID" in line.parameters.upper()  # others may be long, and a filter asks many times
    }


def _as_start(line: Line) -> Line:
    return line._replace(name=b"DTSTART") if line.name == b"DUE" else line


def _repeats(alarm: Component) -> list[int]:
    """Give how many seconds behind its trigger an alarm rings: at once, and when it repeats."""
    count, pause = alarm.text(b"REPEAT"), alarm.text(b"DURATION")
    if not (count.isdigit() and pause):
        return [0]
    step = read_duration(pause) // timedelta(seconds=1)
    return [step * turn for turn in range(min(int(count), 100) + 1)]


def periods_of(line: Line, budget: Budget) -> Iterator[Range]:
    """Read the periods of FREEBUSY, which are in UTC.

    Raises:
        FormatError: `bad-time` or `too-many-instances`.
    """
    for piece in line.value.split(b","):
        budget.spend()
        start, _, end = piece.partition(b"/")
        first = Zones({}).instant(*read_moment(start)[:2])
        if end.strip().upper().lstrip(b"+-").startswith(b"P"):
            yield Range(first, first + read_duration(end) // timedelta(seconds=1))
        else:
            yield Range(first, Zones({}).instant(*read_moment(end)[:2]))

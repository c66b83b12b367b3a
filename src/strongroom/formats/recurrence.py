"""When a component happens: its rule, its added and left-out dates, its moved instances.

Local times are expanded (calendarrule), so that a weekly meeting stays at nine across a clock
change, and become instants by their zone (calendarzone).

Rules: pure; what cannot be read or would take too long is a FormatError, and the caller counts it
as happening at any time. DTSTART happens also where its own rule leaves it out, as phones show it.
The work that goes into one answer is bounded for the whole object, whatever it holds.
Source: RFC 5545 sections 3.8.4.4 and 3.8.5.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from strongroom.base.limits import INSTANCES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendarrule import MARGIN, Budget, occurrences, plus, read_rule
from strongroom.formats.calendartime import (
    NO_LENGTH,
    Length,
    Moment,
    bad_time,
    moment_of,
    read_length,
    read_moment,
)
from strongroom.formats.calendartree import Component, parameter
from strongroom.formats.calendarzone import Zones
from strongroom.formats.cardlines import Line


class Instance(NamedTuple):
    """One time that an object happens; instants are seconds since 1970 UTC, `end` not included."""

    start: int
    end: int
    at: Moment  # its beginning as a local time
    slot: Moment  # where the rule had put it: its RECURRENCE-ID
    component: Component  # the one that says what happens: the series or the moved instance


class _Timed(NamedTuple):
    """What is asked of a component for each of its instances."""

    component: Component
    start: Moment
    length: Length


class _Slot(NamedTuple):
    """A time that a series happens at; `length` where it is another than the usual one."""

    at: Moment
    length: Length | None = None


# --- lengths --------------------------------------------------------------------------------------
def length_of(component: Component, zones: Zones, reading: int = 0) -> Length:
    """Say how long one instance takes: exact where an end is written; a date takes its day."""
    start = moment_of(_start(component))
    end_line = component.first(b"DUE" if component.name == b"VTODO" else b"DTEND")
    if end_line is not None:
        return _between(start, moment_of(end_line), zones, reading)
    duration = component.text(b"DURATION")
    if duration:
        return _forward(read_length(duration))
    whole_day = start.is_date and component.name != b"VTODO"
    return Length(timedelta(days=1)) if whole_day else NO_LENGTH


def _forward(length: Length) -> Length:
    return length if length.sum > timedelta() else NO_LENGTH


def _between(start: Moment, end: Moment, zones: Zones, reading: int) -> Length:
    if start.is_date:
        return _forward(Length(end.local - start.local))
    first, last = (zones.instant(one.local, one.zone, reading) for one in (start, end))
    return _forward(Length(timedelta(), timedelta(seconds=last - first)))


# --- instances ------------------------------------------------------------------------------------
class Series:
    """The components of one object that have a beginning, as instances in time."""

    def __init__(
        self,
        components: Iterable[Component],
        zones: Zones,
        reading: int = 0,
        budget: Budget | None = None,
    ) -> None:
        """Read a series and its moved instances; all of one UID.

        Args:
            components: the series.
            zones: what the names of zones in them mean,
            reading: and which of the readings counts.
            budget: what is left of the work for the whole object; one answer's where left out.

        Raises:
            FormatError: a date, a rule or a duration cannot be read.
        """
        self._zones = zones
        self._reading = reading
        self._budget = budget or Budget()
        self._series: _Timed | None = None
        self._left_out: frozenset[int] | None = None
        self._moved: dict[int, tuple[Moment, _Timed]] = {}
        self._ranges: list[tuple[int, Moment, _Timed]] = []  # THISANDFUTURE, by where they begin
        for component in components:
            line = component.first(b"RECURRENCE-ID")
            if line is None:
                # A second one would be another series; the first one is what clients show.
                self._series = self._series or self._timed(component)
                continue
            self._budget.spend()
            slot, timed = moment_of(line), self._timed(component)
            key = self._instant(slot)
            self._moved[key] = slot, timed
            if parameter(line, b"RANGE").upper() == b"THISANDFUTURE":
                self._ranges.append((key, slot, timed))
        self._ranges.sort(key=lambda one: one[0])
        self._begins = [one[0] for one in self._ranges]

    def _timed(self, component: Component) -> _Timed:
        start = moment_of(_start(component))
        return _Timed(component, start, length_of(component, self._zones, self._reading))

    def _instant(self, moment: Moment) -> int:
        return self._zones.instant(moment.local, moment.zone, self._reading)

    @property
    def recurs(self) -> bool:
        """Say whether it happens more than once, or not at the time of its series."""
        if self._moved or self._series is None:
            return True
        lines = self._series.component.lines
        return any(line.name in {b"RRULE", b"RDATE", b"EXDATE", b"EXRULE"} for line in lines)

    def between(self, start: int, end: int) -> list[Instance]:
        """Give the instances that touch [start, end), in order of their slots.

        Raises:
            FormatError: as above; `too-many-instances`.
        """
        return list(self._touching(start, end))

    def first(self, start: int, end: int) -> Instance | None:
        """Give one instance that touches [start, end); None = there is none. Raises as above."""
        return next(self._touching(start, end), None)

    def happening(self, start: int, end: int) -> list[Component]:
        """Give the components of which an instance touches [start, end), each once.

        A series that never ends is not followed further than it takes to know: phones ask for
        everything from a day on.

        Raises:
            FormatError: as above; `too-many-instances`.
        """
        found: dict[int, Component] = {}
        moved = {id(timed.component) for _, timed in self._moved.values()}
        for instance in self._touching(start, end):
            found[id(instance.component)] = instance.component
            if id(instance.component) not in moved and not self._ranges:
                break  # moved instances come first
        return list(found.values())

    def _touching(self, start: int, end: int) -> Iterator[Instance]:
        count = 0
        for instance in self._all(start, end):
            if _touches(instance, start, end):
                yield instance
                count += 1
                if count > INSTANCES_MAX:
                    raise FormatError("too-many-instances", "It happens too often to be listed.")

    def _all(self, start: int, end: int) -> Iterator[Instance]:
        for was, timed in self._moved.values():
            yield self._instance(timed.start, _Slot(was, timed.length), timed.component)
        series = self._series
        if series is None:
            return
        if self._left_out is None:
            dates = self._dates(series, b"EXDATE")
            self._left_out = frozenset(self._instant(slot.at) for slot in dates)
        seen = set(self._left_out.union(self._moved))
        for slot in self._slots_of(series, start, end):
            key = self._instant(slot.at)
            if key not in seen:
                seen.add(key)
                yield self._shifted(slot, key, series)

    def _instance(self, at: Moment, slot: _Slot, component: Component) -> Instance:
        begin, length = self._instant(at), slot.length or NO_LENGTH
        last_day = self._days_later(at, length.days) if length.days else begin
        end = last_day + length.time // timedelta(seconds=1)
        return Instance(begin, max(begin, end), at, slot.at, component)

    def _days_later(self, at: Moment, days: timedelta) -> int:
        try:
            return self._instant(at._replace(local=at.local + days))
        except OverflowError:  # behind the last year that can be written
            return self._instant(at) + days // timedelta(seconds=1)

    def _shifted(self, slot: _Slot, key: int, series: _Timed) -> Instance:
        """Give the instance of a slot, moved as the last THISANDFUTURE before it says."""
        place = bisect_right(self._begins, key)
        if not place:
            length = series.length if slot.length is None else slot.length
            return self._instance(slot.at, slot._replace(length=length), series.component)
        _, was, timed = self._ranges[place - 1]
        by = timed.start.local - was.local
        at = timed.start._replace(local=plus(slot.at.local, by))
        return self._instance(at, slot._replace(length=timed.length), timed.component)

    def _dates(self, series: _Timed, name: bytes) -> Iterator[_Slot]:
        first = series.start
        for line in series.component.all(name):
            zone = parameter(line, b"TZID")
            for piece in line.value.split(b","):
                self._budget.spend()
                begin, _, end = piece.partition(b"/")
                if not begin.strip():
                    continue
                one = read_moment(begin, zone)
                if one.is_date and not first.is_date:
                    # Some leave out or add a day by its date alone.
                    day = one.local.date()
                    one = first._replace(local=datetime.combine(day, first.local.time()))
                yield _Slot(one, self._length(one, end.strip(), zone) if end.strip() else None)

    def _length(self, start: Moment, end: bytes, zone: bytes) -> Length:
        """Read the second half of a period: an end, or how long it takes."""
        if end[:1] in b"+-Pp":
            return _forward(read_length(end))
        return _between(start, read_moment(end, zone), self._zones, self._reading)

    def _slots_of(self, series: _Timed, start: int, end: int) -> Iterator[_Slot]:
        first, rules = series.start, series.component
        yield _Slot(first)
        yield from self._dates(series, b"RDATE")
        reach = series.length.sum + self._reach() + MARGIN
        low = plus(self._local(start, first.zone), -reach)
        high = plus(self._local(end, first.zone), reach)
        without = set()
        for line in rules.all(b"EXRULE"):
            without |= set(self._rule(line.value, first, low, high))
        for line in rules.all(b"RRULE"):
            for local in self._rule(line.value, first, low, high):
                if local not in without:
                    yield _Slot(first._replace(local=local))

    def _local(self, instant: int, zone: bytes) -> datetime:
        return self._zones.local(instant, zone, self._reading)

    def _reach(self) -> timedelta:
        """Say how far a THISANDFUTURE moves or lengthens what is behind it."""
        moves = (
            abs(timed.start.local - slot.local) + timed.length.sum
            for _, slot, timed in self._ranges
        )
        return max(moves, default=timedelta())

    def _rule(
        self, value: bytes, first: Moment, low: datetime, high: datetime
    ) -> Iterator[datetime]:
        rule = read_rule(value)
        until = None
        if rule.until is not None:
            until = rule.until.local
            if rule.until.is_date and not first.is_date:
                until = until.replace(hour=23, minute=59, second=59)
            elif rule.until.zone and not first.is_date:
                until = self._local(self._zones.instant(until, rule.until.zone), first.zone)
        return occurrences(rule, first.local, until, low, high, self._budget)


def _touches(instance: Instance, start: int, end: int) -> bool:
    """Say whether an instance is in [start, end), by the tables of RFC 4791 section 9.9."""
    first, last = instance.start, instance.end
    if instance.component.name == b"VTODO":
        # Of a task the very moment of its end counts as well.
        if instance.component.first(b"DUE") is not None:
            return (start < last or start <= first) and (end > first or end >= last)
        if instance.component.first(b"DURATION") is not None:
            return start <= last and (end > first or end >= last)
    return first < end and (last > start or first >= start)


def _start(component: Component) -> Line:
    line = component.first(b"DTSTART")
    if line is None:
        raise bad_time()
    return line

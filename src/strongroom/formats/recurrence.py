"""When a component happens: its rule, its added and left-out dates, its moved instances.

The rule itself is expanded by dateutil, over local times, so that a weekly meeting stays at nine
across a clock change. A rule without COUNT is followed from shortly before the time asked for: its
beginning is moved forward by whole intervals, so an endless daily rule from 1990 costs no more than
one from last year.

Rules: pure; what cannot be read or would take too long is a FormatError, and the caller counts it
as happening at any time. DTSTART happens also where its own rule leaves it out, as phones show it.
Source: RFC 5545 sections 3.3.10, 3.8.4.4 and 3.8.5; RFC 7529 (RSCALE is not expanded).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dateutil.rrule import rrule, weekday

from strongroom.base.limits import INSTANCES_MAX, RULE_STEPS_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartime import (
    EPOCH,
    Moment,
    Zones,
    bad_time,
    local_of,
    moment_of,
    moments_of,
    read_duration,
    read_moment,
)
from strongroom.formats.calendartree import Component, parameter
from strongroom.formats.cardlines import Line

_FREQUENCIES: Final = (
    b"YEARLY", b"MONTHLY", b"WEEKLY", b"DAILY", b"HOURLY", b"MINUTELY", b"SECONDLY"
)  # fmt: skip
_YEARLY, _MONTHLY, _WEEKLY, _DAILY = range(4)
_SECONDS: Final = {4: 3600, 5: 60, 6: 1}
_DAYS: Final = {
    name: place for place, name in enumerate((b"MO", b"TU", b"WE", b"TH", b"FR", b"SA", b"SU"))
}
_NUMBERS: Final = {
    b"BYSECOND": "bysecond", b"BYMINUTE": "byminute", b"BYHOUR": "byhour",
    b"BYMONTHDAY": "bymonthday", b"BYYEARDAY": "byyearday", b"BYWEEKNO": "byweekno",
    b"BYMONTH": "bymonth", b"BYSETPOS": "bysetpos",
}  # fmt: skip
_DAY_RULES: Final = ("byweekno", "byyearday", "bymonthday", "byweekday")
_ENDS: Final = (EPOCH.min, EPOCH.max)  # of what a local time can be
_MONTHS_BEYOND: Final = 24
_MARGIN: Final = timedelta(days=2)  # more than any two zones differ


class Instance(NamedTuple):
    """One time that an object happens; instants are seconds since 1970 UTC, `end` not included."""

    start: int
    end: int
    at: Moment  # its beginning as a local time
    slot: Moment  # where the rule had put it: its RECURRENCE-ID
    component: Component  # the one that says what happens: the series or the moved instance


class Rule(NamedTuple):
    """A recurrence rule as read; `parts` as dateutil takes them."""

    frequency: int
    parts: tuple[tuple[str, Any], ...]
    interval: int = 1
    most: int = 0  # times in all; 0 = endless
    until: Moment | None = None


# --- the rule -------------------------------------------------------------------------------------
@lru_cache(4096)
def read_rule(value: bytes) -> Rule:
    """Read RRULE or EXRULE.

    Raises:
        FormatError: `bad-rule`; `rscale` for a calendar that is not the Gregorian one.
    """
    parts = dict(_split(value))
    if parts.pop(b"RSCALE", b"GREGORIAN") != b"GREGORIAN" or b"SKIP" in parts:
        raise FormatError("rscale", "Only the Gregorian calendar is expanded.")
    if parts.get(b"FREQ") in _FREQUENCIES[_DAILY + 1 :] and b"BYSETPOS" in parts:
        raise _bad_rule()  # nobody writes it, and it may never happen
    frequency, week_start = parts.pop(b"FREQ", b""), parts.pop(b"WKST", b"MO")
    if frequency not in _FREQUENCIES or week_start not in _DAYS:
        raise _bad_rule()
    interval, count = _number(parts.pop(b"INTERVAL", b"1")), _number(parts.pop(b"COUNT", b"0"))
    until = parts.pop(b"UNTIL", None)
    read: dict[str, Any] = {"wkst": _DAYS[week_start]}
    if days := parts.pop(b"BYDAY", None):
        read["byweekday"] = tuple(_day(one) for one in days.split(b","))
    for name, text in parts.items():
        if name in _NUMBERS:
            read[_NUMBERS[name]] = tuple(_signed(one) for one in text.split(b","))
        elif not name.startswith(b"X-"):
            raise _bad_rule()
    return Rule(
        _FREQUENCIES.index(frequency), tuple(read.items()), max(interval, 1), count,
        None if until is None else read_moment(until),
    )  # fmt: skip


def _split(value: bytes) -> Iterator[tuple[bytes, bytes]]:
    for piece in value.strip().upper().rstrip(b";").split(b";"):
        name, equals, text = piece.partition(b"=")
        if not equals or not text:
            raise _bad_rule()
        yield name.strip(), text.strip()


def _bad_rule() -> FormatError:
    return FormatError("bad-rule", "A recurrence rule cannot be read.")


def _number(text: bytes) -> int:
    if not text.isdigit() or len(text) > 9:
        raise _bad_rule()
    return int(text)


def _signed(text: bytes) -> int:
    text = text.strip()
    sign = -1 if text.startswith(b"-") else 1
    return sign * _number(text.lstrip(b"+-"))


def _day(text: bytes) -> weekday:
    text = text.strip()
    if text[-2:] not in _DAYS:
        raise _bad_rule()
    place = _signed(text[:-2]) if text[:-2] else None
    if place == 0:
        raise _bad_rule()
    return weekday(_DAYS[text[-2:]], place)


def occurrences(
    rule: Rule, start: datetime, until: datetime | None, low: datetime, high: datetime
) -> Iterator[datetime]:
    """Give the local times in [low, high] at which a rule that begins at `start` happens.

    Raises:
        FormatError: `bad-rule`, or `too-many-instances`.
    """
    parts = dict(rule.parts)
    begin = start
    if not rule.most and low - start > timedelta(days=366):
        begin = _forward(rule, parts, start, low)
    months = (high.year - begin.year) * 12 + high.month - begin.month
    try:
        found = _Bounded(
            months + _MONTHS_BEYOND, rule.frequency, dtstart=begin, interval=rule.interval,
            count=rule.most or None, until=until, **parts,
        )  # fmt: skip
        for steps, local in enumerate(found):
            if local > high:
                return
            if steps > RULE_STEPS_MAX:
                raise FormatError("too-many-instances", "The rule happens too often.")
            if local >= low and local >= start:
                yield local
    except _BeyondError:
        return
    except (ValueError, TypeError, OverflowError) as error:
        raise _bad_rule() from error


class _BeyondError(Exception):
    """A rule was followed beyond all that was asked for."""


class _Bounded(rrule):  # type: ignore[misc]  # dateutil has no types
    """A rule that ends behind a number of months, also where it never happens.

    dateutil follows a rule like `BYMONTH=2;BYMONTHDAY=30` to the year 9999, which takes minutes. It
    looks at `_byeaster` once whenever it enters another month; there is no other place to stop it.
    """

    def __init__(self, months: int, *given: Any, **named: Any) -> None:
        self._left = max(months, 0)
        super().__init__(*given, **named)

    @property
    def _byeaster(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _BeyondError

    @_byeaster.setter
    def _byeaster(self, value: object) -> None:
        """Easter is no part of RFC 5545."""


def _forward(rule: Rule, parts: dict[str, Any], start: datetime, low: datetime) -> datetime:
    """Move the beginning of a rule by whole intervals to shortly before `low`.

    What dateutil would take from the beginning (its day, its month) is written down first.
    """
    frequency, interval = rule.frequency, rule.interval
    if frequency in _SECONDS:
        step = timedelta(seconds=_SECONDS[frequency] * interval)
        return start + (low - start - _MARGIN) // step * step
    if frequency in {_DAILY, _WEEKLY}:
        if frequency == _WEEKLY and not any(name in parts for name in _DAY_RULES):
            parts["byweekday"] = (start.weekday(),)
        step = timedelta(days=interval * (7 if frequency == _WEEKLY else 1))
        return start + (low - start - _MARGIN - step) // step * step
    if not any(name in parts for name in _DAY_RULES):
        parts["bymonthday"] = (start.day,)
        if frequency == _YEARLY and "bymonth" not in parts:
            parts["bymonth"] = (start.month,)
    if frequency == _YEARLY:
        years = (low.year - 1 - start.year) // interval * interval
        return start.replace(year=start.year + years, month=1, day=1) if years > 0 else start
    months = ((low.year - start.year) * 12 + low.month - start.month - 2) // interval * interval
    if months <= 0:
        return start
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(year=year, month=month + 1, day=1)


# --- lengths --------------------------------------------------------------------------------------
def length_of(component: Component, zones: Zones) -> timedelta:
    """Say how long one instance takes: exact where an end is written; a date takes its day."""
    start = moment_of(_start(component))
    end_line = component.first(b"DUE" if component.name == b"VTODO" else b"DTEND")
    if end_line is not None:
        end = moment_of(end_line)
        if start.is_date:
            return max(end.local - start.local, timedelta())
        seconds = zones.instant(end.local, end.zone) - zones.instant(start.local, start.zone)
        return timedelta(seconds=max(seconds, 0))
    duration = component.text(b"DURATION")
    if duration:
        return max(read_duration(duration), timedelta())
    return timedelta(days=1) if start.is_date and component.name != b"VTODO" else timedelta()


# --- instances ------------------------------------------------------------------------------------
class Series:
    """The components of one object that have a beginning, as instances in time."""

    def __init__(self, components: Iterable[Component], zones: Zones, reading: int = 0) -> None:
        """Read a series and its moved instances; all of one UID.

        Raises:
            FormatError: a date, a rule or a duration cannot be read.
        """
        self._zones = zones
        self._reading = reading
        self._master: Component | None = None
        self._moved: dict[int, Component] = {}
        self._ranges: list[tuple[int, Component]] = []  # RANGE=THISANDFUTURE, by where they begin
        self._slots: dict[int, Moment] = {}
        for component in components:
            line = component.first(b"RECURRENCE-ID")
            if line is None:
                # A second one would be another series; the first one is what clients show.
                self._master = self._master or component
                continue
            slot = moment_of(line)
            key = self._instant(slot)
            self._moved[key], self._slots[key] = component, slot
            if parameter(line, b"RANGE").upper() == b"THISANDFUTURE":
                self._ranges.append((key, component))
        self._ranges.sort(key=lambda pair: pair[0])

    def _instant(self, moment: Moment) -> int:
        return self._zones.instant(moment.local, moment.zone, self._reading)

    @property
    def recurs(self) -> bool:
        """Say whether it happens more than once, or not at the time of its series."""
        master = self._master
        return (
            bool(self._moved)
            or master is None
            or any(line.name in {b"RRULE", b"RDATE", b"EXDATE", b"EXRULE"} for line in master.lines)
        )

    def between(self, start: int, end: int) -> list[Instance]:
        """Give the instances that touch [start, end), in order of their slots.

        Raises:
            FormatError: as above; `too-many-instances`.
        """
        found = []
        for instance in self._all(start, end):
            if instance.start < end and (instance.end > start or instance.start >= start):
                found.append(instance)
                if len(found) > INSTANCES_MAX:
                    raise FormatError("too-many-instances", "It happens too often to be listed.")
        return found

    def _all(self, start: int, end: int) -> Iterator[Instance]:
        for key, component in self._moved.items():
            yield self._instance(moment_of(_start(component)), self._slots[key], component)
        master = self._master
        if master is None:
            return
        first = moment_of(_start(master))
        left_out = {self._instant(one) for one in self._dates(master, b"EXDATE", first)}
        seen = set(self._moved) | left_out
        for slot in self._slots_of(master, first, start, end):
            key = self._instant(slot)
            if key in seen:
                continue
            seen.add(key)
            yield self._shifted(slot, key, master)

    def _instance(self, at: Moment, slot: Moment, component: Component) -> Instance:
        begin = self._instant(at)
        length = length_of(component, self._zones)
        if at.is_date:
            end = self._instant(at._replace(local=_plus(at.local, length)))
        else:
            end = begin + length // timedelta(seconds=1)
        return Instance(begin, max(begin, end), at, slot, component)

    def _shifted(self, slot: Moment, key: int, master: Component) -> Instance:
        """Give the instance of a slot, moved as the last THISANDFUTURE before it says."""
        component, at = master, slot
        for begin, moved in self._ranges:
            if begin <= key:
                to = moment_of(_start(moved))
                by = to.local - self._slots[begin].local
                component, at = moved, to._replace(local=_plus(slot.local, by))
        return self._instance(at, slot, component)

    def _dates(self, master: Component, name: bytes, first: Moment) -> Iterator[Moment]:
        for line in master.all(name):
            for one in moments_of(line):
                if one.is_date and not first.is_date:
                    # Some leave out or add a day by its date alone.
                    local = one.local.replace(
                        hour=first.local.hour, minute=first.local.minute, second=first.local.second
                    )
                    yield Moment(local, first.zone, False)
                else:
                    yield one

    def _slots_of(self, master: Component, first: Moment, start: int, end: int) -> Iterator[Moment]:
        yield first
        yield from self._dates(master, b"RDATE", first)
        zone = self._zones.readings(first.zone)[0]
        reach = length_of(master, self._zones) + self._reach() + _MARGIN
        low, high = _plus(local_of(start, zone), -reach), _plus(local_of(end, zone), reach)
        without = set()
        for line in master.all(b"EXRULE"):
            without |= set(self._rule(line.value, first, low, high))
        for line in master.all(b"RRULE"):
            for local in self._rule(line.value, first, low, high):
                if local not in without:
                    yield first._replace(local=local)

    def _reach(self) -> timedelta:
        """Say how far a THISANDFUTURE moves or lengthens what is behind it."""
        reach = timedelta()
        for key, moved in self._ranges:
            by = abs(moment_of(_start(moved)).local - self._slots[key].local)
            reach = max(reach, by + length_of(moved, self._zones))
        return reach

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
                zone = self._zones.readings(first.zone)[0]
                until = local_of(self._zones.instant(until, rule.until.zone), zone)
        return occurrences(rule, first.local, until, low, high)


def _start(component: Component) -> Line:
    line = component.first(b"DTSTART")
    if line is None:
        raise bad_time()
    return line


def _plus(local: datetime, by: timedelta) -> datetime:
    try:
        return local + by
    except OverflowError:
        return _ENDS[1] if by > timedelta() else _ENDS[0]

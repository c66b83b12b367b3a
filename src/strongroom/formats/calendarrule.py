"""Recurrence rules: read, and expanded over local times by dateutil, within a budget of work.

A rule without COUNT is followed from shortly before the time asked for: its beginning is moved
forward by whole intervals, so an endless daily rule from 1990 costs no more than one of last year.
dateutil is given only what it expands as RFC 5545 says; what it reads otherwise is written in
another way first (a list of weekdays with and without places), or refused (weeks at the ends of a
year, where its sets are those of calendar years).

Rules: pure; what cannot be read or would take too long is a FormatError, and the caller counts it
as happening at any time.
Source: RFC 5545 section 3.3.10; RFC 7529 (RSCALE is not expanded).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from dateutil.rrule import rrule, weekday

from strongroom.base.limits import RULE_BYTES_MAX, RULE_STEPS_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartime import DAY, EPOCH, Moment, read_moment

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
_LAST_WEEKS: Final = frozenset({52, 53, -52, -53})  # which dateutil finds in wrong years
_END_WEEKS: Final = frozenset({1, -1})  # whose days may be of two years
_MONTHS_BEYOND: Final = 24
_MONTH_STEPS: Final = 10  # what a month costs in which nothing happens
_ENDS: Final = (EPOCH.min, EPOCH.max)  # of what a local time can be
MARGIN: Final = timedelta(days=2)  # more than any two zones differ


class Rule(NamedTuple):
    """A recurrence rule as read; `parts` as dateutil takes them."""

    frequency: int
    parts: tuple[tuple[str, Any], ...]
    interval: int = 1
    most: int = 0  # times in all; 0 = endless
    until: Moment | None = None


class Budget:
    """The work that may go into one answer about one object; a step takes some microseconds."""

    def __init__(self, steps: int | None = None) -> None:
        """Allow so many steps."""
        self._left = RULE_STEPS_MAX if steps is None else steps

    def spend(self, steps: int = 1) -> None:
        """Take steps; raises FormatError `too-many-instances` where there are none left."""
        self._left -= steps
        if self._left < 0:
            raise FormatError("too-many-instances", "It happens too often to be looked at.")


# --- reading --------------------------------------------------------------------------------------
def read_rule(value: bytes) -> Rule:
    """Read RRULE or EXRULE.

    Raises:
        FormatError: `bad-rule`; `rscale` for a calendar that is not the Gregorian one.
    """
    if len(value) > RULE_BYTES_MAX:
        raise _bad_rule()
    return _read(value)


@lru_cache(4096)
def _read(value: bytes) -> Rule:
    parts = dict(_split(value))
    if parts.pop(b"RSCALE", b"GREGORIAN") != b"GREGORIAN" or b"SKIP" in parts:
        raise FormatError("rscale", "Only the Gregorian calendar is expanded.")
    frequency, week_start = parts.pop(b"FREQ", b""), parts.pop(b"WKST", b"MO")
    if frequency not in _FREQUENCIES or week_start not in _DAYS:
        raise _bad_rule()
    interval, count = _number(parts.pop(b"INTERVAL", b"1")), _number(parts.pop(b"COUNT", b"0"))
    until = parts.pop(b"UNTIL", None)
    read: dict[str, Any] = {"wkst": _DAYS[week_start]}
    if days := parts.pop(b"BYDAY", None):
        read["byweekday"] = tuple({_day(one): None for one in days.split(b",")})
    for name, text in parts.items():
        if name in _NUMBERS:
            read[_NUMBERS[name]] = tuple({_signed(one): None for one in text.split(b",")})
        elif not name.startswith(b"X-"):
            raise _bad_rule()
    rule = Rule(
        _FREQUENCIES.index(frequency), tuple(read.items()), max(interval, 1), count,
        None if until is None else read_moment(until),
    )  # fmt: skip
    if _is_odd(rule, read):
        raise _bad_rule()
    return rule._replace(parts=tuple({**read, **_placed(rule, read)}.items()))


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


def _is_odd(rule: Rule, parts: dict[str, Any]) -> bool:
    """Say whether dateutil would read a rule otherwise than the RFC; nobody writes such ones."""
    if rule.frequency > _DAILY and "bysetpos" in parts:
        return True
    weeks = set(parts.get("byweekno", ()))
    in_sets = rule.interval > 1 or "bysetpos" in parts
    return bool(weeks & _LAST_WEEKS or (in_sets and weeks & _END_WEEKS))


def _placed(rule: Rule, parts: dict[str, Any]) -> dict[str, Any]:
    """Give every weekday a place where one has: dateutil wants both, and the RFC either.

    Places that no month or year has are left out; dateutil would look for them.
    """
    days = parts.get("byweekday", ())
    if rule.frequency > _MONTHLY or all(day.n is None for day in days):
        return {}
    most = 5 if rule.frequency == _MONTHLY or "bymonth" in parts else 53
    placed = tuple(
        weekday(day.weekday, place)
        for day in days
        for place in (range(1, most + 1) if day.n is None else (day.n,))
        if abs(place) <= most
    )
    if not placed:
        raise _bad_rule()
    return {"byweekday": placed}


# --- expanding ------------------------------------------------------------------------------------
def occurrences(
    rule: Rule, start: datetime, until: datetime | None, low: datetime, high: datetime,
    budget: Budget | None = None,
) -> Iterator[datetime]:  # fmt: skip
    """Give the local times in [low, high] at which a rule that begins at `start` happens.

    Raises:
        FormatError: `bad-rule`, or `too-many-instances`.
    """
    budget = budget or Budget()
    parts = dict(rule.parts)
    begin = _begun(rule, parts, start, low)
    months = (high.year - begin.year) * 12 + high.month - begin.month
    given = dict(parts, dtstart=begin, interval=rule.interval, until=until)
    left = rule.most or -1
    before = begin
    try:
        for local in _Bounded(months + _MONTHS_BEYOND, budget, rule.frequency, **given):
            budget.spend(1 + _passed_over(rule.frequency, local - before))
            before = local
            if local > high:
                return
            if local < start:
                continue  # of the week that it begins in
            if local >= low:
                yield local
            left -= 1
            if not left:
                return
    except _BeyondError:
        return
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise _bad_rule() from error


def _passed_over(frequency: int, gap: timedelta) -> int:
    """Give the steps that dateutil needs to pass over what a rule of hours or less leaves out."""
    if frequency <= _DAILY:
        return 0
    return min(gap // timedelta(seconds=1), DAY) // _SECONDS[frequency]


class _BeyondError(Exception):
    """A rule was followed beyond all that was asked for."""


class _Bounded(rrule):  # type: ignore[misc]  # dateutil has no types
    """A rule that ends behind a number of months, also where it never happens.

    dateutil follows a rule like `BYMONTH=2;BYMONTHDAY=30` to the year 9999, which takes minutes. It
    looks at `_byeaster` once whenever it enters another month; there is no other place to stop it.
    """

    def __init__(self, months: int, budget: Budget, *given: Any, **named: Any) -> None:
        self._left = max(months, 0)
        self._budget = budget
        super().__init__(*given, **named)

    @property
    def _byeaster(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise _BeyondError
        self._budget.spend(_MONTH_STEPS)

    @_byeaster.setter
    def _byeaster(self, value: object) -> None:
        """Easter is no part of RFC 5545."""


def _begun(rule: Rule, parts: dict[str, Any], start: datetime, low: datetime) -> datetime:
    """Say where to begin with a rule, and write down what it would take from its beginning."""
    if set(_DAY_RULES) & set(parts) == {"byweekno"}:
        parts["byweekday"] = (start.weekday(),)
    if not rule.most and low - start > timedelta(days=366):
        return _forward(rule, parts, start, low)
    if rule.frequency == _WEEKLY and "bysetpos" in parts:
        # Places are counted in whole weeks, and dateutil's first one begins with the rule.
        if not any(name in parts for name in _DAY_RULES):
            parts["byweekday"] = (start.weekday(),)
        return plus(start, -timedelta(days=(start.weekday() - parts["wkst"]) % 7))
    return start


def _forward(rule: Rule, parts: dict[str, Any], start: datetime, low: datetime) -> datetime:
    """Move the beginning of a rule by whole intervals to shortly before `low`.

    What dateutil would take from the beginning (its day, its month) is written down first.
    """
    frequency, interval = rule.frequency, rule.interval
    if frequency in _SECONDS:
        step = timedelta(seconds=_SECONDS[frequency] * interval)
        return start + (low - start - MARGIN) // step * step
    if frequency in {_DAILY, _WEEKLY}:
        if frequency == _WEEKLY and not any(name in parts for name in _DAY_RULES):
            parts["byweekday"] = (start.weekday(),)
        step = timedelta(days=interval * (7 if frequency == _WEEKLY else 1))
        return start + max((low - start - MARGIN - step) // step, 0) * step
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


def plus(local: datetime, by: timedelta) -> datetime:
    """Move a local time; at the ends of the calendar to the first or last one."""
    try:
        return local + by
    except OverflowError:
        return _ENDS[1] if by > timedelta() else _ENDS[0]

"""Recurrence rules read plainly from RFC 5545, period by period: slow, and without a library.

A second implementation for tests: it shares no code and no method with formats/recurrence.
Source: RFC 5545 section 3.3.10, its table of what each part does.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import product

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
Parts = Mapping[str, object]
_STEPS = {
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}


def written(parts: Parts) -> str:
    """Write a rule; lists as they stand in it."""
    return ";".join(
        f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in parts.items()
    )


def by_the_book(parts: Parts, start: datetime, until: datetime) -> list[datetime]:
    """Give all times of a rule from its beginning until (and with) a time, COUNT included."""
    found: list[datetime] = []
    for times in _sets(parts, start, until):
        found += [one for one in _picked(sorted(set(times)), parts) if start <= one]
    most = parts.get("COUNT")
    found = found[: most if isinstance(most, int) else None]
    return [one for one in found if one <= until]


def _picked(times: list[datetime], parts: Parts) -> list[datetime]:
    places = _list(parts, "BYSETPOS")
    if not places:
        return times
    size = len(times)
    return [one for n, one in enumerate(times) if n + 1 in places or n - size in places]


def _sets(parts: Parts, start: datetime, until: datetime) -> Iterator[list[datetime]]:
    frequency, interval = str(parts["FREQ"]), int(str(parts.get("INTERVAL", 1)))
    if frequency in _STEPS:
        at = start
        while at <= until:
            if _day_fits(at.date(), parts, start) and _time_fits(at, parts):
                yield _seconds(at, parts, frequency)
            at += _STEPS[frequency] * interval
        return
    for days in _periods(frequency, interval, parts, start.date(), until.date()):
        yield [
            datetime.combine(day, at)
            for day in days
            if _day_fits(day, parts, start)
            for at in _times(parts, start)
        ]


def _periods(
    frequency: str, interval: int, parts: Parts, start: date, until: date
) -> Iterator[list[date]]:
    if frequency == "YEARLY":
        for year in range(start.year, until.year + 2, interval):
            yield _year(year, parts)
    elif frequency == "MONTHLY":
        for place in range(start.year * 12 + start.month - 1, until.year * 12 + 12, interval):
            year, month = divmod(place, 12)
            size = calendar.monthrange(year, month + 1)[1]
            yield [date(year, month + 1, day + 1) for day in range(size)]
    else:
        size = 7 if frequency == "WEEKLY" else 1
        first = start
        if frequency == "WEEKLY":
            first -= timedelta(days=(start.weekday() - _week_start(parts)) % 7)
        while first <= until:
            yield [first + timedelta(days=n) for n in range(size)]
            first += timedelta(days=size * interval)


def _year(year: int, parts: Parts) -> list[date]:
    if "BYWEEKNO" not in parts:
        first, end = date(year, 1, 1), date(year + 1, 1, 1)
    else:
        first, end = (_first_week(n, _week_start(parts)) for n in (year, year + 1))
    return [first + timedelta(days=n) for n in range((end - first).days)]


def _first_week(year: int, week_start: int) -> date:
    """Give the first day of the first week that has four days in a year."""
    fourth = date(year, 1, 4)
    return fourth - timedelta(days=(fourth.weekday() - week_start) % 7)


def _day_fits(day: date, parts: Parts, start: datetime) -> bool:
    month_size = calendar.monthrange(day.year, day.month)[1]
    year_size = 366 if calendar.isleap(day.year) else 365
    place = day.timetuple().tm_yday
    numbers = (
        ("BYMONTH", {day.month}),
        ("BYMONTHDAY", {day.day, day.day - month_size - 1}),
        ("BYYEARDAY", {place, place - year_size - 1}),
        ("BYWEEKNO", _week_numbers(day, _week_start(parts)) if "BYWEEKNO" in parts else set()),
    )
    if any(name in parts and not here & set(_list(parts, name)) for name, here in numbers):
        return False
    if "BYDAY" in parts:
        return _weekday_fits(day, parts)
    return _fits_beginning(day, parts, start)


def _week_numbers(day: date, week_start: int) -> set[int]:
    year = day.year + 1
    while _first_week(year, week_start) > day:
        year -= 1
    first, end = _first_week(year, week_start), _first_week(year + 1, week_start)
    number = (day - first).days // 7 + 1
    return {number, number - (end - first).days // 7 - 1}


def _weekday_fits(day: date, parts: Parts) -> bool:
    by_month = parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts
    first = date(day.year, day.month if by_month else 1, 1)
    last = date(day.year, day.month if by_month else 12, 31 if not by_month else
                calendar.monthrange(day.year, day.month)[1])  # fmt: skip
    here = {(day - first).days // 7 + 1, -((last - day).days // 7) - 1}
    name = DAYS[day.weekday()]
    wanted = [str(one) for one in _list(parts, "BYDAY")]
    return name in wanted or any(f"{n}{name}" in wanted for n in here)


def _fits_beginning(day: date, parts: Parts, start: datetime) -> bool:
    """What a rule does not say of its days is as in DTSTART."""
    frequency = parts["FREQ"]
    if "BYMONTHDAY" in parts or "BYYEARDAY" in parts:
        return True
    if frequency == "WEEKLY" or "BYWEEKNO" in parts:
        return day.weekday() == start.weekday()
    if frequency in {"MONTHLY", "YEARLY"} and day.day != start.day:
        return False
    return frequency != "YEARLY" or "BYMONTH" in parts or day.month == start.month


def _times(parts: Parts, start: datetime) -> list[time]:
    own = (("BYHOUR", start.hour), ("BYMINUTE", start.minute), ("BYSECOND", start.second))
    lists = (_list(parts, name) or [usual] for name, usual in own)
    return [time(*map(int, one)) for one in product(*lists)]


def _time_fits(at: datetime, parts: Parts) -> bool:
    """Say whether what an hour or minute is in fits; what is smaller than its step is made."""
    frequency = parts["FREQ"]
    here = [("BYHOUR", at.hour)]
    if frequency != "HOURLY":
        here.append(("BYMINUTE", at.minute))
    if frequency == "SECONDLY":
        here.append(("BYSECOND", at.second))
    return all(name not in parts or value in _list(parts, name) for name, value in here)


def _seconds(at: datetime, parts: Parts, frequency: str) -> list[datetime]:
    minutes = _list(parts, "BYMINUTE") if frequency == "HOURLY" else []
    seconds = _list(parts, "BYSECOND") if frequency != "SECONDLY" else []
    return [
        at.replace(minute=int(minute), second=int(second))
        for minute in minutes or [at.minute]
        for second in seconds or [at.second]
    ]


def _week_start(parts: Parts) -> int:
    return DAYS.index(str(parts.get("WKST", "MO")))


def _list(parts: Parts, name: str) -> list[int]:
    found = parts.get(name, [])
    assert isinstance(found, list)
    return found

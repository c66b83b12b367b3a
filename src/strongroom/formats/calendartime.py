"""Dates, times and durations of RFC 5545, as they are written.

A local time becomes an instant only with a zone (calendarzone).

Rules: pure; instants are whole seconds since 1970 UTC; nothing here knows what time it is.
Source: RFC 5545 sections 3.3.4 to 3.3.6.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.calendartree import parameter
from strongroom.formats.cardlines import Line

FLOATING: Final = b""
FIRST_MOMENT: Final = b"00010101T000000Z"  # what can be written at all
LAST_MOMENT: Final = b"99991231T235959Z"
EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - local times have no zone until they get one
DAY: Final = 86_400
_TIME: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)(?:[Tt](\d\d)(\d\d)(\d\d)([Zz]?))?")
_DURATION: Final = re.compile(
    rb"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?"
)


class Moment(NamedTuple):
    """A date or time as written: local, with the zone that it names."""

    local: datetime  # without tzinfo
    zone: bytes  # TZID; FLOATING; b"Z" = UTC
    is_date: bool


class Length(NamedTuple):
    """How long something takes: days of the calendar, and time of the clock behind them.

    A day in which the clocks change has 23 or 25 hours (RFC 5545 section 3.3.6).
    """

    days: timedelta
    time: timedelta = timedelta()

    @property
    def sum(self) -> timedelta:
        """Give all of it, days of 24 hours."""
        return self.days + self.time


NO_LENGTH: Final = Length(timedelta())


def bad_time() -> FormatError:
    """Give the error for what is no date, time or duration."""
    return FormatError("bad-time", "A date or time cannot be read.")


def read_moment(value: bytes, zone: bytes = FLOATING) -> Moment:
    """Read DATE or DATE-TIME; raises FormatError `bad-time`."""
    found = _TIME.fullmatch(value.strip())
    if found is None:
        raise bad_time()
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    try:
        if found[4] is None:
            return Moment(datetime(year, month, day), FLOATING, True)  # noqa: DTZ001
        hour, minute, second = int(found[4]), int(found[5]), min(int(found[6]), 59)
        local = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError as error:
        raise bad_time() from error
    return Moment(local, b"Z" if found[7] else zone, False)


def moment_of(line: Line) -> Moment:
    """Read the one date or time of a property; raises FormatError `bad-time`."""
    return read_moment(line.value, parameter(line, b"TZID"))


def moments_of(line: Line) -> list[Moment]:
    """Read a list of dates or times; of a period its start. Raises FormatError `bad-time`."""
    zone = parameter(line, b"TZID")
    pieces = (piece.partition(b"/")[0] for piece in line.value.split(b","))
    return [read_moment(piece, zone) for piece in pieces if piece.strip()]


def read_duration(value: bytes) -> timedelta:
    """Read DURATION, days of 24 hours; raises FormatError `bad-time`."""
    return read_length(value).sum


def read_length(value: bytes) -> Length:
    """Read DURATION; raises FormatError `bad-time`."""
    return _length(value.strip().upper())


@lru_cache(4096)
def _length(value: bytes) -> Length:
    found = _DURATION.fullmatch(value)
    if found is None or not any(found.groups()[1:]):
        raise bad_time()
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    sign = -1 if found[1] == b"-" else 1
    time = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return Length(sign * timedelta(weeks=weeks, days=days), sign * time)


def naive_seconds(local: datetime) -> int:
    """Give the seconds since 1970 of a local time, read as if it were UTC."""
    return (local - EPOCH) // timedelta(seconds=1)


def local_of(instant: int, zone: tzinfo) -> datetime:
    """Give the local time of an instant; at the ends of the calendar the first or last one."""
    try:
        return datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return EPOCH.max if instant > 0 else EPOCH.min


def write_instant(instant: int) -> bytes:
    """Write an instant as DATE-TIME in UTC."""
    return write_local(local_of(instant, UTC)) + b"Z"


def write_local(local: datetime) -> bytes:
    """Write a local time as DATE-TIME."""
    return local.isoformat(timespec="seconds").replace("-", "").replace(":", "").encode()

"""Dates, times and durations of RFC 5545, and the instants that they mean.

A local time becomes an instant only with a zone. A TZID is looked up as an IANA name, as a name of
Windows, and among the VTIMEZONEs of the object; where two of these disagree, both readings count
(`readings`), for nobody can say which one a client shows. In the hour that a clock change leaves
out, the offset before it holds; in the hour that comes twice, the first one is meant.

Rules: pure but for the table of zones, which Python brings along; instants are whole seconds since
1970 UTC; nothing here knows what time it is.
Source: RFC 5545 sections 3.3.4 to 3.3.6, 3.3.12, 3.6.5; RFC 7809 (zones by reference).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dateutil.tz import tzical

from strongroom.base.limits import ZONE_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartree import Component, parameter, raws, read_tree, zones_of
from strongroom.formats.cardlines import Line

FLOATING: Final = b""
FIRST_MOMENT: Final = b"00010101T000000Z"  # what can be written at all
LAST_MOMENT: Final = b"99991231T235959Z"
EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - local times have no zone until they get one
DAY: Final = 86_400
_TIME: Final = re.compile(rb"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?")
_DURATION: Final = re.compile(
    rb"([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?"
)
_ZONE_LINES: Final = frozenset(
    {b"DTSTART", b"RDATE", b"RRULE", b"TZNAME", b"TZOFFSETFROM", b"TZOFFSETTO"}
)


class Moment(NamedTuple):
    """A date or time as written: local, with the zone that it names."""

    local: datetime  # without tzinfo
    zone: bytes  # TZID; FLOATING; b"Z" = UTC
    is_date: bool


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


@lru_cache(4096)
def read_duration(value: bytes) -> timedelta:
    """Read DURATION; raises FormatError `bad-time`."""
    found = _DURATION.fullmatch(value.strip().upper())
    if found is None or not any(found.groups()[1:]):
        raise bad_time()
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:])
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if found[1] == b"-" else length


def naive_seconds(local: datetime) -> int:
    """Give the seconds since 1970 of a local time, read as if it were UTC."""
    return (local - EPOCH) // timedelta(seconds=1)


# --- zones ----------------------------------------------------------------------------------------
@lru_cache(1024)
def known_zone(tzid: bytes) -> tzinfo | None:
    """Give a zone by its IANA name, by that of Windows, or by a path that ends in one."""
    name = tzid.decode("utf-8", "replace").strip().strip('"')
    if name.upper() in {"Z", "UTC", "GMT", "ETC/UTC"}:
        return UTC
    parts = name.split("/")
    # `/mozilla.org/20050126_1/Europe/Berlin`: some write a path before the name.
    for tried in (name, "/".join(parts[-2:]), "/".join(parts[-3:])):
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(tried)
    return _windows_zone(name)


def _windows_zone(name: str) -> tzinfo | None:
    # Not at the top: reading it takes 50 ms, and hardly a calendar needs it.
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # noqa: PLC0415

    iana = WINDOWS_TO_OLSON.get(name)
    return ZoneInfo(iana) if iana else None


@lru_cache(1024)
def private_zone(definition: bytes) -> tzinfo | None:
    """Give the zone that a VTIMEZONE defines; None where it cannot be read."""
    try:
        zone: tzinfo | None = tzical(io.StringIO(definition.decode())).get()
    except (ValueError, KeyError, TypeError, IndexError, OverflowError):
        return None
    return zone


def _definition(zone: Component) -> bytes:
    """Write a VTIMEZONE as its reader wants it: unfolded, and only what counts."""
    parts = [b"BEGIN:VTIMEZONE", b"TZID:own"]
    for part in zone.children:
        parts.append(b"BEGIN:" + part.name)
        parts += [one.name + b":" + one.value for one in part.lines if one.name in _ZONE_LINES]
        parts.append(b"END:" + part.name)
    return b"\n".join((*parts, b"END:VTIMEZONE", b""))


class Zones:
    """What the zone names of one object mean."""

    def __init__(self, own: Mapping[bytes, Component], floating: tzinfo = UTC) -> None:
        """Take the VTIMEZONEs of the object, and the zone in which floating times are read."""
        self._own = own
        self._floating = floating
        self._found: dict[bytes, tuple[tzinfo, ...]] = {}

    def readings(self, tzid: bytes) -> tuple[tzinfo, ...]:
        """Give what a name may mean, the likeliest first; floating where nobody knows it."""
        found = self._found.get(tzid)
        if found is None:
            found = self._found[tzid] = self._look(tzid)
        return found

    def _look(self, tzid: bytes) -> tuple[tzinfo, ...]:
        if tzid == FLOATING:
            return (self._floating,)
        found: list[tzinfo | None] = [known_zone(tzid)]
        zone = self._own.get(tzid)
        if zone is not None and sum(map(len, raws(zone))) <= ZONE_BYTES_MAX:
            found.append(private_zone(_definition(zone)))
        return tuple(one for one in found if one is not None) or (self._floating,)

    def instant(self, local: datetime, tzid: bytes, reading: int = 0) -> int:
        """Give the instant of a local time under one of the readings of its zone."""
        zones = self.readings(tzid)
        return _instant(local, zones[min(reading, len(zones) - 1)])


def _instant(local: datetime, zone: tzinfo) -> int:
    offset = local.replace(tzinfo=zone).utcoffset() or timedelta()
    return naive_seconds(local) - offset // timedelta(seconds=1)


def local_of(instant: int, zone: tzinfo) -> datetime:
    """Give the local time of an instant; at the ends of the calendar the first or last one."""
    try:
        return datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return EPOCH.max if instant > 0 else EPOCH.min


def write_instant(instant: int) -> bytes:
    """Write an instant as DATE-TIME in UTC."""
    return local_of(instant, UTC).strftime("%Y%m%dT%H%M%SZ").encode()


@lru_cache(256)
def zone_in(text: bytes) -> tzinfo | None:
    """Give the zone of an iCalendar object that is one VTIMEZONE alone; None where it is none.

    Source: RFC 4791 sections 5.2.2 and 9.8.
    """
    try:
        calendar = read_tree(text)
    except FormatError:
        return None
    zones = zones_of(calendar)
    if len(zones) != 1 or len(calendar.children) != 1 or not _is_whole(calendar):
        return None
    return Zones(zones, UTC).readings(next(iter(zones)))[0]


def _is_whole(calendar: Component) -> bool:
    return bool(calendar.text(b"VERSION") and calendar.text(b"PRODID"))

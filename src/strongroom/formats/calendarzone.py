"""What the names of time zones mean, and the instants of local times in them.

A TZID is looked up as an IANA name, as a name of Windows, and among the VTIMEZONEs of the object;
where two of these disagree, both readings count (`readings`), for nobody can say which one a client
shows. Where both told the same of all that was asked of the first, nothing else can come of the
second, and it need not be looked at (`differ`). In the hour that a clock change leaves out, the
offset before it holds; in the hour that comes twice, the first one is meant. A time in a zone that
nobody knows is read as a floating one, and might be a day off (`slack`).

Rules: pure but for the table of zones, which Python brings along; nothing here knows what time it
is; a VTIMEZONE is followed within the budget of one rule and 4,096 changes, whatever it says.
Source: RFC 5545 sections 3.3.5, 3.3.14 and 3.6.5; RFC 7809 (zones by reference).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import accumulate
from typing import Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from strongroom.base.limits import ZONE_BYTES_MAX, ZONE_CHANGES_MAX, ZONE_NAME_BYTES_MAX, ZONES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendarrule import Budget, occurrences, read_rule
from strongroom.formats.calendartime import (
    EPOCH,
    FLOATING,
    bad_time,
    local_of,
    moment_of,
    moments_of,
    naive_seconds,
)
from strongroom.formats.calendartree import Component, raws, read_tree, zones_of

S = TypeVar("S")
T = TypeVar("T")

_OFFSET: Final = re.compile(rb"([+-]?)(\d\d):?(\d\d):?(\d\d)?")
_FIRST: Final = EPOCH.replace(year=1900)  # what happened earlier is told by nobody's phone
_OF_MACHINES: Final = frozenset({"localtime", "posixrules"})  # whichever this one is set to
_UNKNOWN_SECONDS: Final = 26 * 3600  # no two zones differ by more
_CYCLE: Final = 400  # years after which dates and weekdays come again
_LAST: Final = EPOCH.replace(year=1900 + _CYCLE)


# --- zones of the world ---------------------------------------------------------------------------
def known_zone(tzid: bytes) -> tzinfo | None:
    """Give a zone by its IANA name, by that of Windows, or by a path that ends in one."""
    return _known(tzid) if 0 < len(tzid) <= ZONE_NAME_BYTES_MAX else None


@lru_cache(1024)
def _known(tzid: bytes) -> tzinfo | None:
    name = tzid.decode("utf-8", "replace").strip().strip('"')
    if name.upper() in {"Z", "UTC", "GMT", "ETC/UTC"}:
        return UTC
    parts = name.split("/")
    # `/mozilla.org/20050126_1/Europe/Berlin`: some write a path before the name.
    for tried in (name, "/".join(parts[-2:]), "/".join(parts[-3:])):
        if tried in _OF_MACHINES:
            continue
        with suppress(ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo(tried)
    return _windows_zone(name)


def _windows_zone(name: str) -> tzinfo | None:
    # Not at the top: reading it takes 50 ms, and hardly a calendar needs it.
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON  # noqa: PLC0415

    iana = WINDOWS_TO_OLSON.get(name)
    return ZoneInfo(iana) if iana else None


# --- zones of an object ---------------------------------------------------------------------------
class _Change(NamedTuple):
    """A clock change: from when on which offset holds, and which one before; all seconds."""

    at: int  # since 1970 UTC
    before: int
    after: int


class _OwnZone(tzinfo):
    """The zone that a VTIMEZONE defines, by its changes in order."""

    def __init__(self, changes: list[_Change], *, goes_on: bool) -> None:
        self._offsets = [changes[0].before, *(one.after for one in changes)]
        self._at = [one.at for one in changes]
        # A gap is read by the offset before it, and an hour that comes twice by the first one.
        local = (one.at + max(one.before, one.after) for one in changes)
        self._local = list(accumulate(local, max))
        self._goes_on = goes_on

    def utcoffset(self, when: datetime | None) -> timedelta:
        return self._offset(self._local, when or EPOCH)

    def fromutc(self, when: datetime) -> datetime:
        return when + self._offset(self._at, when)

    def dst(self, _when: datetime | None) -> None:
        return None  # not told apart: only the offset counts

    def tzname(self, _when: datetime | None) -> None:
        return None

    def _offset(self, changes: list[int], when: datetime) -> timedelta:
        when = when.replace(tzinfo=None)
        if self._goes_on and when >= _LAST:
            when = when.replace(year=_LAST.year - _CYCLE + (when.year - _LAST.year) % _CYCLE)
        return timedelta(seconds=self._offsets[bisect_right(changes, naive_seconds(when))])


def private_zone(zone: Component) -> tzinfo | None:
    """Give the zone that a VTIMEZONE defines; None where it cannot be read."""
    definition = b"\n".join(raws(zone))
    return _private(definition) if len(definition) <= ZONE_BYTES_MAX else None


@lru_cache(64)
def _private(definition: bytes) -> tzinfo | None:
    budget = Budget()
    try:
        zone = read_tree(b"BEGIN:VCALENDAR\n" + definition + b"\nEND:VCALENDAR").children[0]
        parts = [one for one in zone.children if one.name in {b"STANDARD", b"DAYLIGHT"}]
        changes = sorted(change for one in parts for change in _changes(one, budget))
    except (FormatError, OverflowError):
        return None
    if not 0 < len(changes) <= ZONE_CHANGES_MAX:
        return None
    goes_on = any(_is_endless(line.value) for one in parts for line in one.all(b"RRULE"))
    return _OwnZone(changes, goes_on=goes_on)


def _is_endless(rule: bytes) -> bool:
    read = read_rule(rule)
    return read.until is None and not read.most


def _changes(part: Component, budget: Budget) -> Iterator[_Change]:
    before, after = (_offset(part.text(name)) for name in (b"TZOFFSETFROM", b"TZOFFSETTO"))
    first = part.first(b"DTSTART")
    if first is None:
        raise bad_time()
    for local in _onsets(part, moment_of(first).local, before, budget):
        yield _Change(naive_seconds(local) - before, before, after)


def _onsets(part: Component, start: datetime, before: int, budget: Budget) -> Iterable[datetime]:
    yield start
    for line in part.all(b"RDATE"):
        budget.spend(line.value.count(b",") + 1)
        yield from (one.local for one in moments_of(line))
    for line in part.all(b"RRULE"):
        rule = read_rule(line.value)
        until = None
        if rule.until is not None:
            by = timedelta(seconds=before) if rule.until.zone == b"Z" else timedelta()
            until = rule.until.local + by
        yield from occurrences(rule, start, until, _FIRST, _LAST, budget)


def _offset(text: bytes) -> int:
    found = _OFFSET.fullmatch(text)
    if found is None:
        raise bad_time()
    hours, minutes, seconds = (int(one or 0) for one in found.groups()[1:])
    if hours > 23 or minutes > 59:
        raise bad_time()
    return (hours * 3600 + minutes * 60 + seconds) * (-1 if found[1] == b"-" else 1)


# --- what a name means ----------------------------------------------------------------------------
class Zones:
    """What the zone names of one object mean."""

    def __init__(self, own: Mapping[bytes, Component], floating: tzinfo = UTC) -> None:
        """Take the VTIMEZONEs of the object, and the zone in which floating times are read."""
        self._own = own
        self._floating = floating
        self._found: dict[bytes, tuple[tzinfo, ...]] = {}
        self._unknown: set[bytes] = set()
        self.differ = False  # in something that was asked of the likeliest reading

    def readings(self, tzid: bytes) -> tuple[tzinfo, ...]:
        """Give what a name may mean, the likeliest first; floating where nobody knows it.

        Raises:
            FormatError: `too-complex`, where an object names more zones than are looked up.
        """
        found = self._found.get(tzid)
        if found is None:
            if len(self._found) >= ZONES_MAX:
                raise FormatError("too-complex", "The object names too many time zones.")
            found = self._found[tzid] = self._look(tzid)
        return found

    def _look(self, tzid: bytes) -> tuple[tzinfo, ...]:
        if tzid == FLOATING:
            return (self._floating,)
        own = self._own.get(tzid)
        found = (known_zone(tzid), private_zone(own) if own is not None else None)
        known = tuple(one for one in found if one is not None)
        if not known:
            self._unknown.add(tzid)
        return known or (self._floating,)

    def slack(self, names: Set[bytes]) -> int:
        """Give by how many seconds a time may be off where nobody knows one of some zones."""
        for name in names:
            self.readings(name)
        return _UNKNOWN_SECONDS if names & self._unknown else 0

    def instant(self, local: datetime, tzid: bytes, reading: int = 0) -> int:
        """Give the instant of a local time under one of the readings of its zone."""
        if tzid == b"Z":
            return naive_seconds(local)
        return self._told(tzid, reading, _instant, local)

    def local(self, instant: int, tzid: bytes, reading: int = 0) -> datetime:
        """Give the local time of an instant under one of the readings of a zone."""
        return self._told(tzid, reading, local_of, instant)

    def _told(self, tzid: bytes, reading: int, ask: Callable[[S, tzinfo], T], of: S) -> T:
        zones = self.readings(tzid)
        told = ask(of, zones[min(reading, len(zones) - 1)])
        if len(zones) > 1 and not reading and not self.differ:
            self.differ = any(ask(of, other) != told for other in zones[1:])
        return told


def _instant(local: datetime, zone: tzinfo) -> int:
    # Not under a zone of a client's own: it takes up to half a megabyte, and is to be forgotten.
    return _in_the_world(local, zone) if isinstance(zone, ZoneInfo) else _counted(local, zone)


def _counted(local: datetime, zone: tzinfo) -> int:
    offset = local.replace(tzinfo=zone).utcoffset() or timedelta()
    return naive_seconds(local) - offset // timedelta(seconds=1)


# Events of one calendar begin at the same hours of the same days.
_in_the_world: Final = lru_cache(8192)(_counted)


def zone_in(text: bytes) -> tzinfo | None:
    """Give the zone of an iCalendar object that is one VTIMEZONE alone; None where it is none.

    VERSION and PRODID may be missing: DAVx5 makes calendars with such a zone.
    Source: RFC 4791 sections 5.2.2 and 9.8.
    """
    return _zone_in(text) if len(text) <= 2 * ZONE_BYTES_MAX else None


@lru_cache(64)  # one that names no zone of the world may take half a megabyte
def _zone_in(text: bytes) -> tzinfo | None:
    try:
        calendar = read_tree(text)
    except FormatError:
        return None
    zones = zones_of(calendar)
    if len(zones) != 1 or len(calendar.children) != 1:
        return None
    return Zones(zones, UTC).readings(next(iter(zones)))[0]

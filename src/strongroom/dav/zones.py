"""In which zone floating times are read: the query's own, the calendar's, or UTC.

A zone that a client defines may take a third of a second to follow, so it is looked at beside the
event loop.
Source: RFC 4791 sections 5.2.2, 7.3 and 9.8; RFC 7809 sections 5.2 and 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from functools import partial
from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.dav.statuses import CAL
from strongroom.formats.calendartree import read_tree
from strongroom.formats.calendarzone import known_zone, zone_in
from strongroom.formats.davxml import CalendarQuery, PropertyChange
from strongroom.history.entries import Member
from strongroom.service.aside import beside
from strongroom.service.collections import text_in, text_of

_TIMEZONE: Final = CAL + "calendar-timezone"
_TIMEZONE_ID: Final = CAL + "calendar-timezone-id"
_NO_CALENDAR: Final = CAL + "valid-calendar-data"
_NO_TIMEZONE: Final = CAL + "valid-timezone"


async def zone_asked(wanted: CalendarQuery) -> tzinfo | None:
    """Give the zone in which a query wants floating times to be read; None = it does not say.

    Raises:
        InvalidError: it is none.
    """
    if wanted.zone:
        zone = await beside(partial(_whole_zone, wanted.zone.encode()))
        why = "The timezone is no VTIMEZONE.", _NO_CALENDAR
    elif wanted.zone_name:
        zone = known_zone(wanted.zone_name.encode())
        why = "There is no time zone of this name.", _NO_TIMEZONE
    else:
        return None
    if zone is None:
        raise InvalidError(*why)
    return zone


async def zone_of(calendar: Member) -> tzinfo:
    """Give the zone in which floating times of a calendar are read, where nobody says another."""
    zone = await _defined(text_of(calendar, _TIMEZONE))
    return zone or known_zone(text_of(calendar, _TIMEZONE_ID).encode()) or UTC


async def zones_that_are_none(changes: Sequence[PropertyChange]) -> dict[str, str]:
    """Give the properties that would be set to a zone that is none, each with its precondition."""
    why = {}
    for name, value in ((one.name, one.value_xml) for one in changes):
        if value is None:
            continue
        if name == _TIMEZONE and await _defined(text_in(value)) is None:
            why[name] = _NO_CALENDAR
        if name == _TIMEZONE_ID and known_zone(text_in(value).encode()) is None:
            why[name] = _NO_TIMEZONE
    return why


def _whole_zone(text: bytes) -> tzinfo | None:
    """Give the zone of a query, which must be a whole iCalendar object (RFC 4791 section 9.8).

    What a calendar keeps may be less (`zone_in`); no client is known that asks with less.
    """
    zone = zone_in(text)
    if zone is None or not all(map(read_tree(text).text, (b"VERSION", b"PRODID"))):
        return None
    return zone


async def _defined(text: str) -> tzinfo | None:
    return await beside(partial(zone_in, text.encode())) if text else None

"""The filter of a calendar-query, calendar-data, and the other bodies of CalDAV, read from XML.

Not here: matching (calendarfilter), shaping what is sent (calendarparts).
Source: RFC 4791 sections 5.3.1, 7.8 to 7.10, 9.6 to 9.9.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import CompFilter, PropFilter, Range
from strongroom.formats.calendarparts import CalendarData, PartWish
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.calendartime import naive_seconds, read_moment
from strongroom.formats.cardparts import PropertyWish
from strongroom.formats.filterxml import (
    check_count,
    children,
    is_defined,
    name_of,
    read_param_filter,
    read_text_match,
)

CALDAV: Final = "{urn:ietf:params:xml:ns:caldav}"
_COMP_FILTER: Final = CALDAV + "comp-filter"
_PROP_FILTER: Final = CALDAV + "prop-filter"
_PARAM_FILTER: Final = CALDAV + "param-filter"
_TEXT_MATCH: Final = CALDAV + "text-match"
_TIME_RANGE: Final = CALDAV + "time-range"
_NOT_DEFINED: Final = CALDAV + "is-not-defined"
_RANGED: Final = frozenset({b"VEVENT", b"VTODO", b"VJOURNAL", b"VFREEBUSY", b"VALARM"})
_DATES: Final = frozenset({b"COMPLETED", b"CREATED", b"DTEND", b"DTSTAMP", b"DTSTART", b"DUE",
                           b"LAST-MODIFIED"})  # fmt: skip
_USUAL: Final = "i;ascii-casemap"


def read_calendar_filter(element: etree._Element) -> CompFilter:
    """Read a CALDAV:filter: one comp-filter, about VCALENDAR.

    Raises:
        FormatError: `valid-filter`, `supported-filter`, `supported-collation` or `too-large`.
    """
    check_count(element)
    tops = list(children(element, _COMP_FILTER))
    if len(tops) != 1 or name_of(tops[0]) != b"VCALENDAR":
        raise FormatError("valid-filter", "A filter begins with one comp-filter of VCALENDAR.")
    return _comp_filter(tops[0])


def _comp_filter(element: etree._Element) -> CompFilter:
    inner = list(children(element, _NOT_DEFINED, _TIME_RANGE, _PROP_FILTER, _COMP_FILTER))
    name = name_of(element)
    if not is_defined(inner, _NOT_DEFINED):
        return CompFilter(name, defined=False)
    ranges = [one for one in inner if one.tag == _TIME_RANGE]
    if len(ranges) > 1 or (ranges and name not in _RANGED):
        raise FormatError("valid-filter", "A time-range is asked once, of what happens in time.")
    return CompFilter(
        name, True,
        read_range(ranges[0]) if ranges else None,
        tuple(_prop_filter(one) for one in inner if one.tag == _PROP_FILTER),
        tuple(_comp_filter(one) for one in inner if one.tag == _COMP_FILTER),
    )  # fmt: skip


def _prop_filter(element: etree._Element) -> PropFilter:
    inner = list(children(element, _NOT_DEFINED, _TIME_RANGE, _TEXT_MATCH, _PARAM_FILTER))
    name = name_of(element)
    if not is_defined(inner, _NOT_DEFINED):
        return PropFilter(name, defined=False)
    texts = [one for one in inner if one.tag == _TEXT_MATCH]
    ranges = [one for one in inner if one.tag == _TIME_RANGE]
    if len(texts) + len(ranges) > 1 or (ranges and name not in _DATES):
        raise FormatError("valid-filter", "A prop-filter holds one text-match or one time-range.")
    return PropFilter(
        name, True,
        read_text_match(texts[0], _USUAL) if texts else None,
        read_range(ranges[0]) if ranges else None,
        tuple(read_param_filter(p, CALDAV, _USUAL) for p in inner if p.tag == _PARAM_FILTER),
    )  # fmt: skip


def read_range(element: etree._Element) -> Range:
    """Read a time-range, expand, limit-recurrence-set or limit-freebusy-set.

    Raises:
        FormatError: `valid-filter`.
    """
    start, end = element.get("start"), element.get("end")
    if start is None and end is None:
        raise FormatError("valid-filter", "A time-range needs a start or an end.")
    found = Range(
        FIRST if start is None else _instant(start), LAST if end is None else _instant(end)
    )
    if found.end <= found.start:
        raise FormatError("valid-filter", "A time-range ends behind its start.")
    return found


def _instant(text: str) -> int:
    try:
        moment = read_moment(text.encode("ascii", "replace"))
    except FormatError as error:
        raise FormatError("valid-filter", "A time-range is written in UTC.") from error
    if moment.zone != b"Z":
        raise FormatError("valid-filter", "A time-range is written in UTC.")
    return naive_seconds(moment.local)


# --- calendar-data --------------------------------------------------------------------------------
def read_calendar_data(element: etree._Element) -> CalendarData:
    """Read in which form objects are wanted; raises FormatError `valid-filter`."""
    kind = element.get("content-type", "text/calendar").partition(";")[0].strip().lower()
    version = element.get("version", "2.0").strip()
    comp = element.find(CALDAV + "comp")
    return CalendarData(
        kind, version,
        None if comp is None else _part(comp, 0),
        _range_of(element, "expand"),
        _range_of(element, "limit-recurrence-set"),
        _range_of(element, "limit-freebusy-set"),
    )  # fmt: skip


def _range_of(element: etree._Element, name: str) -> Range | None:
    found = element.find(CALDAV + name)
    if found is None:
        return None
    if found.get("start") is None or found.get("end") is None:
        raise FormatError("valid-filter", f"{name} needs a start and an end.")
    return read_range(found)


def _part(element: etree._Element, depth: int) -> PartWish:
    if depth > 4:
        raise FormatError("valid-filter", "Parts are nested too deeply.")
    props = {
        name: PropertyWish(name, one.get("novalue", "no").strip() == "yes")
        for one in element.iterchildren(CALDAV + "prop")
        if (name := one.get("name", "").strip().upper())
    }
    every_prop = element.find(CALDAV + "allprop") is not None
    every_comp = element.find(CALDAV + "allcomp") is not None
    inner = tuple(_part(one, depth + 1) for one in element.iterchildren(CALDAV + "comp"))
    # A component without more words is asked for as a whole; that is more than nothing of it.
    every_prop, every_comp = (every_prop, every_comp) if len(element) else (True, True)
    return PartWish(
        name_of(element),
        None if every_prop else tuple(props.values()),
        None if every_comp else inner,
    )

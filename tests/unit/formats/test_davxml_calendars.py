"""Bodies of CalDAV requests, read into values."""

from __future__ import annotations

import pytest

from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import CompFilter, Range
from strongroom.formats.calendarparts import CalendarData
from strongroom.formats.davxml import (
    CALDAV,
    COMPONENT_SET,
    CalendarQuery,
    FreeBusy,
    Multiget,
    Propfind,
    parse_mkcol,
    parse_report,
)

NS = 'xmlns:D="DAV:" xmlns="urn:ietf:params:xml:ns:caldav"'
DAY = Range(1767225600, 1767312000)
TIMES = 'start="20260101T000000Z" end="20260102T000000Z"'
FILTER = '<filter><comp-filter name="VCALENDAR"/></filter>'
ETAG = Propfind("prop", ("{DAV:}getetag",))


def report(name: str, inner: str) -> object:
    return parse_report(f"<{name} {NS}>{inner}</{name}>".encode())


def refusal(name: str, inner: str) -> str:
    with pytest.raises(FormatError) as caught:
        report(name, inner)
    return caught.value.code


def test_a_multiget_says_which_kind_of_objects_it_is_about() -> None:
    inner = "<D:prop><D:getetag/><calendar-data/></D:prop><D:href>/a</D:href>"
    wanted = report("calendar-multiget", inner)
    assert wanted == Multiget(("/a",), ETAG, CalendarData(), CALDAV)
    assert report("calendar-multiget", "<D:prop><D:getetag/></D:prop>") == Multiget(
        (), ETAG, None, CALDAV
    )


def test_a_query_has_a_filter_and_may_have_a_zone_and_a_limit() -> None:
    prop = f"<D:prop><D:getetag/><calendar-data><expand {TIMES}/></calendar-data></D:prop>"
    more = "<timezone> zone </timezone><limit><nresults>3</nresults></limit>"
    assert report("calendar-query", prop + FILTER + more) == CalendarQuery(
        CompFilter(b"VCALENDAR"), ETAG, CalendarData(expand=DAY), "zone", 3
    )
    bare = report("calendar-query", "<D:prop><D:getetag/></D:prop>" + FILTER)
    assert bare == CalendarQuery(CompFilter(b"VCALENDAR"), ETAG, None)
    assert refusal("calendar-query", prop) == "valid-filter"


def test_free_busy_is_asked_from_when_to_when() -> None:
    assert report("free-busy-query", f"<time-range {TIMES}/>") == FreeBusy(DAY)
    assert refusal("free-busy-query", "") == "bad-request-body"
    assert refusal("free-busy-query", '<time-range start="20260101"/>') == "bad-request-body"


def test_the_components_of_a_calendar_are_told_when_it_is_made() -> None:
    names = '<comp name="vevent"/><comp name="VTODO"/><comp name="VEVENT"/>'
    inner = f"<supported-calendar-component-set>{names}</supported-calendar-component-set>"
    body = f"<mkcalendar {NS}><D:set><D:prop>{inner}</D:prop></D:set></mkcalendar>"
    (change,) = parse_mkcol(body.encode())
    assert (change.name, change.components) == (COMPONENT_SET, ("VEVENT", "VTODO"))


def test_a_multiget_may_ask_for_the_names_of_properties() -> None:
    assert report("calendar-multiget", "<D:propname/>") == Multiget(
        (), Propfind("propname"), None, CALDAV
    )

"""The zone in which floating times are read: a calendar's, or a query's own."""

from __future__ import annotations

import pytest

from fakes.asgi import Answer
from fakes.events import BERLIN, calendar, event
from fakes.site import Site

D = "{DAV:}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
HOME = "/dav/calendars/alice/"
CALENDAR = HOME + "calendar/"


@pytest.fixture
def site() -> Site:
    """Give a server where half past midnight of the twelfth, whoever's, is in a calendar."""
    site = Site()
    site.do("PROPFIND", HOME, depth="0")
    body = event("DTSTART:20260112T003000", uid="f")
    site.do("PUT", CALENDAR + "f.ics", body, content_type="text/calendar")
    return site


def week(told: str = "") -> str:
    """Ask for the week until the eleventh, in UTC; in Berlin it ends an hour later."""
    return (
        f"<C:calendar-query {XML}><D:prop><D:getetag/></D:prop><C:filter>"
        '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        '<C:time-range start="20260105T000000Z" end="20260112T000000Z"/>'
        f"</C:comp-filter></C:comp-filter></C:filter>{told}</C:calendar-query>"
    )


def in_week(site: Site, told: str = "") -> Answer:
    return site.do("REPORT", CALENDAR, week(told), depth="1")


@pytest.mark.rfc("4791", "5.2.2", "7.3", "9.8")
def test_floating_times_are_read_in_the_zone_that_is_told(site: Site) -> None:
    """Half past midnight of the twelfth in Berlin is still the eleventh in UTC."""
    assert in_week(site).hrefs == []
    zone = calendar(BERLIN).decode().replace("\r\n", "&#13;\n")
    told = f"<C:timezone>{zone}</C:timezone>"
    assert in_week(site, told).hrefs == [CALENDAR + "f.ics"]
    half = told.replace("VERSION:2.0&#13;\n", "")
    assert half != told
    for strange in ("<C:timezone>Mars</C:timezone>", half):
        assert in_week(site, strange).condition == CAL + "valid-calendar-data"
    update = (
        f"<D:propertyupdate {XML}><D:set><D:prop><C:calendar-timezone>{zone}</C:calendar-timezone>"
    )
    site.do("PROPPATCH", CALENDAR, update + "</D:prop></D:set></D:propertyupdate>")
    assert in_week(site).hrefs == [CALENDAR + "f.ics"]


@pytest.mark.rfc("4791", "7.3")
def test_what_is_asked_for_by_name_is_expanded_in_the_zone_of_its_calendar(site: Site) -> None:
    expand = '<C:expand start="20260111T230000Z" end="20260112T000000Z"/>'
    body = (
        f"<C:calendar-multiget {XML}><D:prop><C:calendar-data>{expand}</C:calendar-data></D:prop>"
        f"<D:href>{CALENDAR}f.ics</D:href></C:calendar-multiget>"
    )
    assert "BEGIN:VEVENT" not in site.do("REPORT", CALENDAR, body).text
    update = (
        f"<D:propertyupdate {XML}><D:set><D:prop><C:calendar-timezone-id>Europe/Berlin"
        "</C:calendar-timezone-id></D:prop></D:set></D:propertyupdate>"
    )
    site.do("PROPPATCH", CALENDAR, update)
    assert "BEGIN:VEVENT" in site.do("REPORT", CALENDAR, body).text


@pytest.mark.rfc("7809", "5.2", "7")
def test_a_zone_can_be_told_by_its_name(site: Site) -> None:
    name = "<C:timezone-id>%s</C:timezone-id>"
    assert in_week(site, name % "Europe/Berlin").hrefs == [CALENDAR + "f.ics"]
    assert in_week(site, name % "Mars").condition == CAL + "valid-timezone"
    update = (
        f"<D:propertyupdate {XML}><D:set><D:prop><C:calendar-timezone-id>%s"
        "</C:calendar-timezone-id></D:prop></D:set></D:propertyupdate>"
    )
    refused = site.do("PROPPATCH", CALENDAR, update % "Mars")
    assert refused.xml.find(f".//{D}error/{CAL}valid-timezone") is not None
    assert in_week(site).hrefs == []
    site.do("PROPPATCH", CALENDAR, update % "Europe/Berlin")
    assert in_week(site).hrefs == [CALENDAR + "f.ics"]
    gone = update.replace("D:set", "D:remove") % ""
    assert "200" in site.do("PROPPATCH", CALENDAR, gone).text
    assert in_week(site).hrefs == []


def test_a_calendar_is_made_as_davx5_does_it(site: Site) -> None:
    """Its zone has neither VERSION nor PRODID."""
    zone = f"BEGIN:VCALENDAR\n{BERLIN}\nEND:VCALENDAR\n".replace("\n", "&#13;\n")
    body = (
        f"<C:mkcalendar {XML}><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/>"
        "</D:resourcetype><D:displayname>Work</D:displayname>"
        "<C:calendar-timezone-id>Europe/Berlin</C:calendar-timezone-id>"
        f"<C:calendar-timezone>{zone}</C:calendar-timezone></D:prop></D:set></C:mkcalendar>"
    )
    assert site.do("MKCALENDAR", HOME + "work/", body).status == 201


def test_a_zone_that_is_none_is_not_taken(site: Site) -> None:
    body = (
        f"<D:propertyupdate {XML}><D:set><D:prop><C:calendar-timezone>Mars</C:calendar-timezone>"
        "<D:displayname>New</D:displayname></D:prop></D:set></D:propertyupdate>"
    )
    answer = site.do("PROPPATCH", CALENDAR, body)
    assert answer.xml.find(f".//{D}error/{CAL}valid-calendar-data") is not None
    asked = f"<D:propfind {XML}><D:prop><D:displayname/></D:prop></D:propfind>"
    name = site.do("PROPFIND", CALENDAR, asked, depth="0").prop(CALENDAR, D + "displayname")
    assert name is not None
    assert name.text == "Calendar"
    gone = body.replace("D:set>", "D:remove>").replace(">Mars<", "><")
    assert (
        site.do("PROPPATCH", CALENDAR, gone).prop(CALENDAR, CAL + "calendar-timezone") is not None
    )


def test_a_zone_that_takes_long_to_follow_holds_up_nobody(site: Site) -> None:
    parts = "".join(
        f"BEGIN:STANDARD\nDTSTART:1900{month:02}01T000000\nTZOFFSETFROM:+0100\n"
        "TZOFFSETTO:+0200\nRRULE:FREQ=YEARLY\nEND:STANDARD\n"
        for month in range(1, 11)
    )
    zone = calendar(f"BEGIN:VTIMEZONE\nTZID:Slow\n{parts}END:VTIMEZONE").decode()
    asked = week(f"<C:timezone>{zone}</C:timezone>")
    answer, turns = site.turns_during(site.alice("REPORT", CALENDAR, asked))
    assert answer.status == 207
    assert turns > 100

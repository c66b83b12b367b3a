"""Which objects a calendar-query finds; the filter read from XML as clients send it."""

from __future__ import annotations

from datetime import UTC

import pytest
from lxml import etree

from fakes.events import BERLIN, calendar, component, event
from strongroom.base.limits import FILTER_CONDITIONS_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import (
    CompFilter,
    Range,
    component_wanted,
    matches,
    window,
)
from strongroom.formats.calendarknown import learn
from strongroom.formats.calendarparts import CalendarData, PartWish
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.calendarxml import (
    read_calendar_data,
    read_calendar_filter,
)
from strongroom.formats.cardparts import PropertyWish

pytestmark = pytest.mark.rfc(
    "4791", "7.8", "9.7", "9.7.1", "9.7.2", "9.7.3", "9.7.4", "9.7.5", "9.9"
)

OCTETS = '<text-match collation="i;octet">lunch</text-match>'
NOT_DINNER = '<text-match negate-condition="yes">dinner</text-match>'
GERMAN = (
    "<text-match>lunch</text-match>"
    '<param-filter name="LANGUAGE"><text-match>de</text-match></param-filter>'
)
EMPTY = '<time-range start="20260102T000000Z" end="20260102T000000Z"/>'
STRANGE = '<text-match collation="x">a</text-match>'
NEW_YEAR = '<time-range start="20260101T000000Z" end="20260102T000000Z"/>'


def wanted(inner: str = "", name: str = "VCALENDAR") -> CompFilter:
    return read_filter(f'<filter><comp-filter name="{name}">{inner}</comp-filter></filter>')


def read_filter(xml: str) -> CompFilter:
    spaced = xml.replace("<filter", '<filter xmlns="urn:ietf:params:xml:ns:caldav"', 1)
    return read_calendar_filter(etree.fromstring(spaced))


def comp(name: str, inner: str = "") -> str:
    return f'<comp-filter name="{name}">{inner}</comp-filter>'


def prop(name: str, inner: str = "") -> str:
    return f'<prop-filter name="{name}">{inner}</prop-filter>'


def found(body: bytes, inner: str) -> bool:
    return matches(body, wanted(inner))


LUNCH = event(
    "SUMMARY;LANGUAGE=en:Lunch\\, late",
    "DTSTART:20260101T120000Z",
    "DTEND:20260101T130000Z",
    component("VALARM", "TRIGGER:-PT15M", "ACTION:DISPLAY"),
)


@pytest.mark.parametrize(
    ("inner", "holds"),
    [
        ("", True),
        (comp("VEVENT"), True),
        (comp("vevent"), True),
        (comp("VTODO"), False),
        (comp("VTODO", "<is-not-defined/>"), True),
        (comp("VEVENT", "<is-not-defined/>"), False),
        (comp("VEVENT") + comp("VTODO"), False),
        (comp("VEVENT", prop("SUMMARY")), True),
        (comp("VEVENT", prop("LOCATION")), False),
        (comp("VEVENT", prop("LOCATION", "<is-not-defined/>")), True),
        (comp("VEVENT", prop("SUMMARY", "<is-not-defined/>")), False),
        (comp("VEVENT", prop("SUMMARY", "<text-match>lunch, LATE</text-match>")), True),
        (comp("VEVENT", prop("SUMMARY", OCTETS)), False),
        (comp("VEVENT", prop("SUMMARY", NOT_DINNER)), True),
        (comp("VEVENT", prop("SUMMARY", '<param-filter name="LANGUAGE"/>')), True),
        (comp("VEVENT", prop("SUMMARY", '<param-filter name="ALTREP"/>')), False),
        (comp("VEVENT", prop("SUMMARY", GERMAN)), False),
        (comp("VEVENT", prop("DTSTART", NEW_YEAR)), True),
        (comp("VEVENT", prop("DTEND", '<time-range start="20260102T000000Z"/>')), False),
        (comp("VEVENT", prop("SUMMARY") + comp("VALARM", prop("ACTION"))), True),
        (comp("VEVENT", comp("VALARM", prop("REPEAT"))), False),
        (comp("VEVENT", comp("VALARM", "<is-not-defined/>")), False),
        (comp("VEVENT", NEW_YEAR), True),
        (comp("VEVENT", NEW_YEAR + prop("SUMMARY", "<text-match>dinner</text-match>")), False),
        (comp("VEVENT", '<time-range start="20260101T130000Z"/>'), False),
        (comp("VEVENT", '<time-range end="20260101T120001Z"/>'), True),
        (comp("VEVENT", '<time-range end="20260101T120000Z"/>'), False),
        (comp("VTODO", NEW_YEAR), False),
        (prop("VERSION", "<text-match>2.0</text-match>"), True),
        (prop("VERSION", "<text-match>3</text-match>"), False),
    ],
)  # fmt: skip
def test_what_an_event_matches(inner: str, holds: bool) -> None:
    assert found(LUNCH, inner) is holds


def test_the_conditions_must_hold_for_one_component_and_one_instance() -> None:
    """A series of meetings, one of which is called otherwise."""
    body = calendar(
        component(
            "VEVENT", "DTSTART:20260101T120000Z", "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Meeting"
        ),
        component(
            "VEVENT", "RECURRENCE-ID:20260102T120000Z", "DTSTART:20260102T120000Z", "SUMMARY:Party"
        ),
    )
    second = '<time-range start="20260102T000000Z" end="20260103T000000Z"/>'
    party = prop("SUMMARY", "<text-match>party</text-match>")
    assert found(body, comp("VEVENT", second + party))
    assert not found(body, comp("VEVENT", NEW_YEAR + party))
    assert found(body, comp("VEVENT", party))


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ((), True),
        (("DUE:20260101T120000Z",), True),
        (("DUE:20260102T000000Z",), True),
        (("DUE:20260101T000000Z",), False),
        (("DUE:20260103T120000Z",), False),
        (("CREATED:20251201T120000Z",), True),
        (("CREATED:20260102T000000Z",), False),
        (("COMPLETED:20260101T120000Z",), True),
        (("COMPLETED:20251231T120000Z",), False),
        (("COMPLETED:20260105T120000Z", "CREATED:20251231T120000Z"), True),
        (("COMPLETED:20251231T120000Z", "CREATED:20251230T120000Z"), False),
        (("DTSTART:20251231T120000Z", "DUE:20260101T120000Z"), True),
        (("DTSTART:20251231T120000Z", "DUE:20260101T000000Z"), False),
        (("DTSTART:20251231T120000Z", "DURATION:PT12H"), True),
        (("DTSTART:20260102T000000Z", "DURATION:PT0S"), True),
        (("DTSTART:20260102T000000Z", "DUE:20260102T000000Z"), True),
        (("DTSTART:20260102T000000Z",), False),
        (("DTSTART:20251230T120000Z", "DUE:20251231T120000Z"), False),
        (("DTSTART:20260101T000000Z",), True),
        (("DTSTART:20251231T000000Z",), False),
        (("DTSTART:20251231T000000Z", "RRULE:FREQ=DAILY"), True),
    ],
)  # fmt: skip
def test_when_a_task_is_there(lines: tuple[str, ...], holds: bool) -> None:
    assert found(calendar(component("VTODO", *lines)), comp("VTODO", NEW_YEAR)) is holds


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ((), False),
        (("DTSTART:20260101T120000Z",), True),
        (("DTSTART;VALUE=DATE:20260101",), True),
        (("DTSTART;VALUE=DATE:20260102",), False),
        (("DTSTART:20260102T000000Z",), False),
    ],
)
def test_when_a_note_is_there(lines: tuple[str, ...], holds: bool) -> None:
    assert found(calendar(component("VJOURNAL", *lines)), comp("VJOURNAL", NEW_YEAR)) is holds


@pytest.mark.parametrize(
    ("lines", "holds"),
    [
        ((), False),
        (("DTSTART:20251230T000000Z", "DTEND:20260101T120000Z"), True),
        (("DTSTART:20260102T000000Z", "DTEND:20260103T000000Z"), False),
        (("FREEBUSY:20260101T120000Z/PT1H,20260105T120000Z/PT1H",), True),
        (("FREEBUSY:20251231T120000Z/20251231T130000Z",), False),
        (("FREEBUSY:what",), True),
    ],
)
def test_when_time_is_taken(lines: tuple[str, ...], holds: bool) -> None:
    assert found(calendar(component("VFREEBUSY", *lines)), comp("VFREEBUSY", NEW_YEAR)) is holds


@pytest.mark.parametrize(
    ("start", "alarm", "holds"),
    [
        ("20260102T001000Z", ("TRIGGER:-PT15M",), True),
        ("20260102T001000Z", ("TRIGGER:-PT5M",), False),
        ("20260101T120000Z", ("TRIGGER;RELATED=END:PT11H",), False),
        ("20260101T120000Z", ("TRIGGER;RELATED=END:PT10H59M",), True),
        ("20260301T120000Z", ("TRIGGER;VALUE=DATE-TIME:20260101T120000Z",), True),
        ("20260301T120000Z", ("TRIGGER;VALUE=DATE-TIME:20260102T120000Z",), False),
        ("20251231T230000Z", ("TRIGGER:PT0S", "REPEAT:2", "DURATION:PT30M"), True),
        ("20251231T230000Z", ("TRIGGER:PT0S", "REPEAT:1", "DURATION:PT30M"), False),
        ("20251231T230000Z", ("TRIGGER:PT0S", "REPEAT:9"), False),
        ("20260101T120000Z", ("ACTION:DISPLAY",), False),
        ("20260101T120000Z", ("TRIGGER:PT0S", "X-OTHER:1"), True),
    ],
)
def test_when_an_alarm_rings(start: str, alarm: tuple[str, ...], holds: bool) -> None:
    body = event(f"DTSTART:{start}", "DURATION:PT1H", component("VALARM", *alarm))
    assert found(body, comp("VEVENT", comp("VALARM", NEW_YEAR))) is holds


def test_alarms_of_moved_instances_ring_with_them_and_of_tasks_without_dates_might() -> None:
    alarm = component("VALARM", "TRIGGER:-PT15M")
    body = calendar(
        component("VEVENT", "DTSTART:20251201T120000Z", "RRULE:FREQ=DAILY"),
        component("VEVENT", "RECURRENCE-ID:20251202T120000Z", "DTSTART:20260101T120000Z", alarm),
    )
    asked = comp("VEVENT", comp("VALARM", NEW_YEAR))
    assert found(body, asked)
    assert not found(body.replace(b"DTSTART:20260101", b"DTSTART:20260105"), asked)
    assert found(calendar(component("VTODO", alarm)), comp("VTODO", comp("VALARM", NEW_YEAR)))
    assert not found(LUNCH, comp("VEVENT", comp("VALARM", NEW_YEAR + prop("REPEAT"))))
    other = component("X-INNER", "TRIGGER:-PT15M")
    assert not found(event("DTSTART:20260101T120000Z", other), asked)
    assert not found(LUNCH, comp("VEVENT", comp("VALARM", "<is-not-defined/>")))


@pytest.mark.parametrize(
    ("at", "holds"),
    [("20260102T080000", True), ("20251231T130000", True), ("20260105T080000", False),
     ("20251228T130000", False)],
)  # fmt: skip
def test_a_time_in_a_zone_that_nobody_knows_might_be_a_day_off(at: str, holds: bool) -> None:
    body = event(f"DTSTART;TZID=Home:{at}", "DURATION:PT1H")
    assert found(body, comp("VEVENT", NEW_YEAR)) is holds
    year = Range(1767225600, 1767312000)
    assert learn(body, year, UTC).told(year) is holds
    assert not found(event("DTSTART:20260102T080000", "DURATION:PT1H"), comp("VEVENT", NEW_YEAR))


def test_the_alarm_of_a_task_that_has_an_end_alone_rings_before_it() -> None:
    asked = comp("VTODO", comp("VALARM", NEW_YEAR))
    alarm = component("VALARM", "TRIGGER;RELATED=END:-P1D")
    for due, holds in (("20260102T120000Z", True), ("20260103T120000Z", False)):
        assert found(calendar(component("VTODO", f"DUE:{due}", alarm)), asked) is holds


def test_what_cannot_be_understood_might_match() -> None:
    for body in (
        b"",
        event("DTSTART:soon"),
        event("DTSTART:20260101T120000Z", "RRULE:FREQ=NEVER"),
        event("DTSTART:20200101T120000Z", "RRULE:FREQ=SECONDLY;COUNT=999999999"),
    ):
        assert found(body, comp("VEVENT", NEW_YEAR))


def test_a_zone_told_in_two_ways_is_asked_both_ways() -> None:
    """The world says that it is the second of January in UTC; its own definition says the first."""
    strange = BERLIN.replace("+0100", "+1000").replace("+0200", "+1100").replace("Berlin", "London")
    body = calendar(strange, component("VEVENT", "DTSTART;TZID=Europe/London:20260102T080000"))
    assert found(body, comp("VEVENT", NEW_YEAR))
    second = '<time-range start="20260102T000000Z" end="20260103T000000Z"/>'
    assert found(body, comp("VEVENT", second))
    third = '<time-range start="20260103T000000Z" end="20260104T000000Z"/>'
    assert not found(body, comp("VEVENT", third))
    at_eight = "DTSTART;TZID=Europe/London:2026010%dT080000"
    rings = calendar(strange, component(
        "VEVENT", at_eight % 2, component("VALARM", "TRIGGER:PT0S")
    ))  # fmt: skip
    for day, holds in ((NEW_YEAR, True), (second, True), (third, False)):
        assert found(rings, comp("VEVENT", comp("VALARM", day))) is holds
    slot = "RECURRENCE-ID;TZID=Europe/London:20260102T080000"
    series = calendar(
        strange,
        component("VEVENT", at_eight % 1, "RRULE:FREQ=DAILY;COUNT=3", "SUMMARY:Meeting"),
        component("VEVENT", slot, at_eight % 2, "SUMMARY:Party"),
    )
    for text in ("meeting", "party"):
        called = prop("SUMMARY", f"<text-match>{text}</text-match>")
        assert found(series, comp("VEVENT", NEW_YEAR + called))


def test_the_index_is_asked_for_the_time_and_kind_of_the_objects_own_components() -> None:
    everything = Range(FIRST, LAST)
    day_and_its_end = Range(1767225600, 1767312001)
    assert window(wanted(comp("VEVENT", NEW_YEAR))) == day_and_its_end
    assert window(wanted(comp("VEVENT", comp("VALARM", NEW_YEAR)))) == everything
    assert window(wanted(comp("VTODO", "<is-not-defined/>"))) == everything
    assert component_wanted(wanted(comp("VEVENT", NEW_YEAR))) == b"VEVENT"
    assert component_wanted(wanted()) == b""
    assert component_wanted(wanted(comp("VTIMEZONE"))) == b""  # an event may hold one
    assert component_wanted(wanted(comp("VEVENT") + comp("VTODO"))) == b""


@pytest.mark.parametrize(
    ("inner", "code"),
    [
        (comp("VEVENT", "<strange/>"), "supported-filter"),
        (comp("VEVENT", "<is-not-defined/>" + prop("A")), "valid-filter"),
        (comp("VEVENT", "<time-range/>"), "valid-filter"),
        (comp("VEVENT", NEW_YEAR + NEW_YEAR), "valid-filter"),
        (comp("VTIMEZONE", NEW_YEAR), "valid-filter"),
        (comp("VEVENT", '<time-range start="20260101T000000"/>'), "valid-filter"),
        (comp("VEVENT", '<time-range start="soon"/>'), "valid-filter"),
        (comp("VEVENT", EMPTY), "valid-filter"),
        (comp(""), "valid-filter"),
        (comp("VEVENT", prop("SUMMARY", NEW_YEAR)), "valid-filter"),
        (comp("VEVENT", prop("DTSTART", NEW_YEAR + "<text-match>a</text-match>")), "valid-filter"),
        (comp("VEVENT", prop("A", STRANGE)), "supported-collation"),
        (comp("VEVENT", prop("A") * FILTER_CONDITIONS_MAX), "too-large"),
    ],
)  # fmt: skip
def test_filters_that_cannot_be_read(inner: str, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        wanted(inner)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "inner",
    [
        "",
        '<comp-filter name="VEVENT"/>',
        '<comp-filter name="VCALENDAR"/><comp-filter name="VCALENDAR"/>',
    ],
)
def test_a_filter_is_about_one_vcalendar(inner: str) -> None:
    with pytest.raises(FormatError):
        read_filter(f"<filter>{inner}</filter>")


def data(inner: str, attributes: str = "") -> CalendarData:
    xml = (
        f'<calendar-data xmlns="urn:ietf:params:xml:ns:caldav" {attributes}>{inner}</calendar-data>'
    )
    return read_calendar_data(etree.fromstring(xml))


@pytest.mark.rfc("4791", "9.6", "9.6.1", "9.6.2", "9.6.3", "9.6.4", "9.6.5", "9.6.6", "9.6.7")
def test_the_form_that_is_wanted_of_objects() -> None:
    assert data("") == CalendarData()
    assert data("", 'content-type="Text/Calendar; x=y" version=" 2.0"').whole
    day = Range(1767225600, 1767312000)
    times = 'start="20260101T000000Z" end="20260102T000000Z"'
    found = data(f"<expand {times}/><limit-recurrence-set {times}/><limit-freebusy-set {times}/>")
    assert (found.expand, found.limit_recurrence, found.limit_freebusy) == (day, day, day)
    parts = data(
        '<comp name="VCALENDAR"><allprop/><comp name="VEVENT"><prop name="summary"/>'
        '<prop name="UID" novalue="yes"/><prop name=""/><allcomp/></comp></comp>'
    )
    inner = PartWish(b"VEVENT", (PropertyWish("SUMMARY"), PropertyWish("UID", True)), None)
    assert parts.part == PartWish(b"VCALENDAR", None, (inner,))
    with pytest.raises(FormatError):
        data('<expand start="20260101T000000Z"/>')
    with pytest.raises(FormatError):
        data('<comp name="A">' * 6 + "</comp>" * 6)

"""The form in which objects are sent: parts, instances, and the times when they take place."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from fakes.events import BERLIN, calendar, component, event
from strongroom.formats.busytime import Busy, busy_times, write_busy
from strongroom.formats.calendar import check
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarparts import CalendarData, PartWish, shaped
from strongroom.formats.cardparts import PropertyWish

DAYS = Range(1767225600, 1767225600 + 3 * 86_400)  # the first three days of 2026


def lines(body: bytes) -> list[str]:
    return body.decode().replace("\r", "").strip().split("\n")[3:-1]


def test_what_is_wanted_whole_is_the_bytes_as_stored() -> None:
    body = event("DTSTART:20260101T120000Z")
    assert shaped(body, CalendarData()) is body
    assert shaped(b"no calendar", CalendarData(expand=DAYS)) == b"no calendar"


@pytest.mark.rfc("4791", "7.8.1", "9.6.1", "9.6.2", "9.6.4")
def test_parts_of_components() -> None:
    body = calendar(BERLIN, component("VEVENT", "SUMMARY:x", "DTSTART:20260101T120000Z",
                                      component("VALARM", "TRIGGER:PT0S")))  # fmt: skip
    inner = PartWish(b"VEVENT", (PropertyWish("UID"), PropertyWish("SUMMARY", True)), ())
    part = PartWish(b"VCALENDAR", None, (inner,))
    assert lines(shaped(body, CalendarData(part=part))) == [
        "BEGIN:VEVENT", "UID:u1", "SUMMARY:", "END:VEVENT",
    ]  # fmt: skip
    everything = PartWish(b"VCALENDAR", None, None)
    assert shaped(body, CalendarData(part=everything)) == body


@pytest.mark.rfc("4791", "9.6.5")
def test_expanded_each_instance_stands_alone() -> None:
    series = component(
        "VEVENT",
        "DTSTART;TZID=Europe/Berlin:20260101T090000",
        "DURATION:PT1H",
        "RRULE:FREQ=DAILY",
        "EXDATE;TZID=Europe/Berlin:20260103T090000",
        "SUMMARY:x",
    )
    moved = component("VEVENT", "RECURRENCE-ID;TZID=Europe/Berlin:20260102T090000",
                      "DTSTART;TZID=Europe/Berlin:20260102T200000", "SUMMARY:y")  # fmt: skip
    body = shaped(calendar(BERLIN, series, moved), CalendarData(expand=DAYS))
    assert lines(body) == [
        "BEGIN:VEVENT", "UID:u1", "SUMMARY:x", "DTSTART:20260101T080000Z", "DURATION:PT1H",
        "END:VEVENT",
        "BEGIN:VEVENT", "UID:u1", "SUMMARY:y", "DTSTART:20260102T190000Z",
        "RECURRENCE-ID:20260102T080000Z", "END:VEVENT",
    ]  # fmt: skip
    assert check(body).uid == "u1"


def test_expanded_days_stay_days_and_floating_times_float() -> None:
    whole_day = event(
        "DTSTART;VALUE=DATE:20251225", "DTEND;VALUE=DATE:20251227", "RRULE:FREQ=WEEKLY"
    )
    assert lines(shaped(whole_day, CalendarData(expand=DAYS), ZoneInfo("Europe/Berlin")))[2:5] == [
        "DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20260103",
        "RECURRENCE-ID;VALUE=DATE:20260101",
    ]  # fmt: skip
    floating = calendar(component("VTODO", "DTSTART:20260101T090000", "DUE:20260101T100000"))
    assert lines(shaped(floating, CalendarData(expand=DAYS)))[2:4] == [
        "DTSTART:20260101T090000", "DUE:20260101T100000Z",
    ]  # fmt: skip


@pytest.mark.rfc("4791", "9.6.5")
def test_all_but_the_first_of_a_series_say_which_one_they_are() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=2"
    ids = [
        [line for line in lines(shaped(body, CalendarData(expand=DAYS))) if "RECURRENCE" in line]
        for body in (
            event("DTSTART:20260101T090000Z", rule),
            event("DTSTART:20260101T090000Z", rule, "EXDATE:20260101T090000Z"),
            calendar(
                component("VEVENT", "DTSTART:20260101T090000Z", rule),
                component("VEVENT", "RECURRENCE-ID:20260101T090000Z", "DTSTART:20260101T100000Z"),
            ),
        )
    ]
    first, second = (f"RECURRENCE-ID:2026010{day}T090000Z" for day in (1, 2))
    assert ids == [[second], [second], [first, second]]


def test_what_has_no_beginning_is_left_as_it_is() -> None:
    task = calendar(component("VTODO", "SUMMARY:x"))
    assert shaped(task, CalendarData(expand=DAYS)) == task
    bare = b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260101T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    assert b"DTSTART:20260101T090000Z" in shaped(bare, CalendarData(expand=DAYS))


@pytest.mark.rfc("4791", "9.6.6")
def test_only_moved_instances_that_matter_for_a_time() -> None:
    series = component("VEVENT", "DTSTART:20260101T090000Z", "RRULE:FREQ=DAILY")
    near, to_here, from_here, future = (
        component(
            "VEVENT", f"RECURRENCE-ID{more}:202601{slot}T090000Z", f"DTSTART:202601{to}T090000Z"
        )
        for slot, to, more in (
            ("02", "02", ""),
            ("20", "03", ""),
            ("03", "21", ""),
            ("09", "10", ";RANGE=THISANDFUTURE"),
        )
    )
    far = component("VEVENT", "RECURRENCE-ID:20260125T090000Z", "DTSTART:20260125T100000Z")
    body = calendar(series, near, to_here, from_here, future, far)
    cut = shaped(body, CalendarData(limit_recurrence=DAYS))
    assert cut == calendar(series, near, to_here, from_here, future)
    task = calendar(component("VTODO", "SUMMARY:x"))
    assert shaped(task, CalendarData(limit_recurrence=DAYS)) == task


@pytest.mark.rfc("4791", "9.6.7")
def test_only_busy_times_of_a_time() -> None:
    busy = calendar(
        component(
            "VFREEBUSY",
            "FREEBUSY:20260101T090000Z/PT1H,20270101T090000Z/PT1H",
            "FREEBUSY:20270101T090000Z/20270101T100000Z",
        ),
        component("VEVENT"),
    )
    assert lines(shaped(busy, CalendarData(limit_freebusy=DAYS)))[:4] == [
        "BEGIN:VFREEBUSY", "UID:u1", "FREEBUSY:20260101T090000Z/PT1H", "END:VFREEBUSY",
    ]  # fmt: skip


NOON = DAYS.start + 12 * 3600


@pytest.mark.parametrize(
    ("body", "busy"),
    [
        (event("DTSTART:20260101T120000Z", "DURATION:PT1H"), [Busy(b"BUSY", NOON, NOON + 3600)]),
        (event("DTSTART:20260101T120000Z", "DURATION:PT1H", "TRANSP:TRANSPARENT"), []),
        (event("DTSTART:20260101T120000Z", "DURATION:PT1H", "STATUS:CANCELLED"), []),
        (event("DTSTART:20260101T120000Z", "DURATION:PT1H", "STATUS:TENTATIVE"),
         [Busy(b"BUSY-TENTATIVE", NOON, NOON + 3600)]),
        (event("DTSTART:20260101T120000Z"), []),
        (event("DTSTART:20251231T120000Z", "DURATION:P1D"), [Busy(b"BUSY", DAYS.start, NOON)]),
        (event("SUMMARY:x"), []),
        (event("DTSTART:soon"), []),
        (calendar(component("VFREEBUSY", "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260101T120000Z/PT1H",
                            "FREEBUSY;FBTYPE=FREE:20260101T120000Z/PT1H",
                            "FREEBUSY:20260101T120000Z/PT1H", "COMMENT:x")),
         [Busy(b"BUSY-UNAVAILABLE", NOON, NOON + 3600), Busy(b"BUSY", NOON, NOON + 3600)]),
        (b"no calendar", []),
    ],
)  # fmt: skip
@pytest.mark.rfc("4791", "7.10")
def test_when_time_is_taken(body: bytes, busy: list[Busy]) -> None:
    assert busy_times(body, DAYS) == busy


def test_busy_times_are_united_and_written() -> None:
    busy = [Busy(b"BUSY", NOON, NOON + 60), Busy(b"BUSY", NOON + 60, NOON + 90),
            Busy(b"BUSY", NOON + 10, NOON + 20), Busy(b"BUSY", NOON + 200, NOON + 260),
            Busy(b"BUSY-TENTATIVE", NOON, NOON + 60)]  # fmt: skip
    body = write_busy(DAYS, busy, NOON)
    assert lines(body)[1:-1] == [
        "DTSTAMP:20260101T120000Z", "DTSTART:20260101T000000Z", "DTEND:20260104T000000Z",
        "FREEBUSY:20260101T120000Z/20260101T120130Z", "FREEBUSY:20260101T120320Z/20260101T120420Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260101T120000Z/20260101T120100Z",
    ]  # fmt: skip

"""What may be kept as one calendar object, and what must be known of it."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component, event
from strongroom.base.limits import (
    CALENDAR_DEPTH_MAX,
    CARD_FOLDS_KEPT_MAX,
    CARD_LINES_KEPT_MAX,
    UID_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.calendar import CalendarFacts, check

pytestmark = pytest.mark.rfc("4791", "4.1", "5.3.2.1")


def refusal(body: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        check(body)
    return caught.value.code


def test_the_facts_are_those_of_the_object_and_not_of_what_is_inside_it() -> None:
    alarm = component("VALARM", "SUMMARY:ring", uid="alarm")
    body = calendar(
        BERLIN, component("VEVENT", "SUMMARY:", alarm, "SUMMARY:Lunch", "SUMMARY:again", uid="e")
    )
    assert check(body) == CalendarFacts("e", "VEVENT", "Lunch")


def test_a_series_and_its_moved_instances_are_one_object() -> None:
    body = calendar(
        component("VEVENT", "RRULE:FREQ=DAILY"), component("VEVENT", "RECURRENCE-ID:20260101")
    )
    assert check(body).uid == "u1"


@pytest.mark.parametrize("kind", ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"])
def test_all_kinds_of_component_are_known(kind: str) -> None:
    assert check(calendar(component(kind))).component == kind


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b"\xef\xbb\xbf" + b,
        lambda b: b"\r\n\r\n" + b,
        lambda b: b.replace(b"\r\n", b"\n"),
        lambda b: b.replace(b"UID:u1", b"UID:u\r\n 1"),
        lambda b: b.replace(b"UID:u1", b'uid;X-A="a:b":u1'),
        lambda b: b.replace(b"VEVENT", b"vevent"),
        lambda b: b + b"X-AFTER:END:VCALENDAR\r\n",
        lambda b: b.rstrip(),
    ],
)
def test_what_real_clients_write_is_taken(change) -> None:
    assert check(change(event("SUMMARY:x"))).uid == "u1"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-a-calendar"),
        (b"\xff\xfe", "not-a-calendar"),
        (b"BEGIN:VCARD\nUID:1\nEND:VCARD\n", "not-a-calendar"),
        (b"X:1\n" + event(), "not-a-calendar"),
        (event()[:-15], "not-a-calendar"),
        (event("a line"), "not-a-calendar"),
        (event().replace(b"END:VEVENT", b"END:VTODO"), "not-a-calendar"),
        (b"END:VCALENDAR\n" + event(), "not-a-calendar"),
        (event("SUMMARY:\x07"), "not-xml-clean"),
        (event() + event(), "two-calendars"),
        (calendar(calendar(component("VEVENT")).decode()), "two-calendars"),
        (calendar("METHOD:REQUEST", component("VEVENT")), "method"),
        (calendar(), "no-component"),
        (calendar(BERLIN), "no-component"),
        (calendar(component("VCARD")), "unknown-component"),
        (calendar(component("VEVENT"), component("VTODO")), "mixed-components"),
        (calendar("BEGIN:VEVENT\nSUMMARY:x\nEND:VEVENT"), "no-uid"),
        (calendar(component("VEVENT"), "BEGIN:VEVENT\nEND:VEVENT"), "no-uid"),
        (calendar(component("VEVENT"), component("VEVENT", uid="u2")), "two-uids"),
        (event(uid="u" * (UID_BYTES_MAX + 1)), "uid-too-long"),
        (event(*(["BEGIN:X"] * CALENDAR_DEPTH_MAX)), "too-complex"),
    ],
)
def test_what_would_poison_a_calendar_is_refused(body: bytes, code: str) -> None:
    assert refusal(body) == code


def test_limits_at_and_one_past() -> None:
    assert check(event(uid="u" * UID_BYTES_MAX)).uid
    deep = ["BEGIN:X"] * (CALENDAR_DEPTH_MAX - 2) + ["END:X"] * (CALENDAR_DEPTH_MAX - 2)
    assert check(event(*deep)).uid
    assert check(event("SUMMARY:" + "ä" * 300)).summary == "ä" * 255
    lines = event().count(b"\n")
    most = event("X:" + "\nX:" * (CARD_LINES_KEPT_MAX - lines - 1))
    assert most.count(b"\n") == CARD_LINES_KEPT_MAX
    assert check(most).uid
    assert refusal(most.replace(b"X:", b"X:\r\nX:", 1)) == "too-complex"
    assert refusal(event("X:" + "\n a" * (CARD_FOLDS_KEPT_MAX + 1))) == "too-complex"


def test_a_method_outside_the_calendar_or_inside_an_event_is_none() -> None:
    assert check(event("METHOD:x")).uid
    assert check(event() + b"METHOD:x\r\nEND:VEVENT\r\n").uid


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from(event("SUMMARY:x").split(b"\r\n"))).map(b"\n".join)
)
def test_a_value_or_the_one_error(body: bytes) -> None:
    with suppress(FormatError):
        assert check(body).uid

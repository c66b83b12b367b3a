"""A span is never too narrow: whatever happens, happens inside it."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component, event
from strongroom.formats import FormatError
from strongroom.formats.calendarspan import (
    ALWAYS,
    FIRST,
    LAST,
    RULES,
    Span,
    Told,
    retold,
    span_of,
    told_in,
)
from strongroom.formats.calendartree import own, read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.recurrence import Series

DAY = 86_400
ZONE = 16 * 3600
NOON = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp())
MIDNIGHT = NOON - 12 * 3600


@pytest.mark.parametrize(
    ("lines", "span"),
    [
        (("DTSTART:20260101T120000Z",), Span(NOON, NOON)),
        (("DTSTART:20260101T120000Z", "DTEND:20260101T130000Z"), Span(NOON, NOON + 3600)),
        (("DTSTART:20260101T120000Z", "DURATION:P1D"), Span(NOON, NOON + DAY)),
        (("DTSTART:20260101T120000Z", "DURATION:-P1D"), Span(NOON, NOON)),
        (("DTSTART:20260101T120000",), Span(NOON - ZONE, NOON + ZONE)),
        (("DTSTART;VALUE=DATE:20260101",), Span(MIDNIGHT - ZONE, MIDNIGHT + ZONE + DAY)),
        (("DTSTART:20260101T120000Z", "RDATE:20260103T120000Z"), Span(NOON, NOON + 2 * DAY)),
        (
            ("DTSTART:20260101T120000Z", "DTEND:20260102T120000Z", "RDATE:20260103T120000Z"),
            Span(NOON, NOON + 3 * DAY),  # what was added takes as long
        ),
        (
            ("DTSTART:20260103T120000Z", "DTEND:20260105T120000Z", "RDATE:20260101T120000Z"),
            Span(NOON, NOON + 4 * DAY),
        ),
        (("DTSTART:20260101T120000Z", "RDATE;VALUE=PERIOD:20260103T120000Z/PT1H"), ALWAYS),
        (("DTSTART:20260101T120000Z", "RRULE:FREQ=DAILY"), Span(NOON, LAST)),
        (("DTSTART:20260101T120000Z", "RRULE:FREQ=DAILY;COUNT=3"), Span(NOON, NOON + 3 * DAY)),
        (("DTSTART:20260101T120000Z", "RRULE:FREQ=DAILY;COUNT=3;BYDAY=MO"), Span(NOON, LAST)),
        (
            ("DTSTART:20260101T120000Z", "RRULE:FREQ=DAILY;UNTIL=20260102T120000Z"),
            Span(NOON, NOON + DAY),
        ),
        (("DTSTART:20260101T120000Z", "RRULE:FREQ=YEARLY;COUNT=999999999"), Span(NOON, LAST)),
        (("DTSTART:20260101T120000Z", "RECURRENCE-ID:20260101T120000Z"), Span(NOON, NOON)),
        (
            ("DTSTART:20260101T120000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T120000Z"),
            ALWAYS,
        ),
        (("DTSTART:soon",), ALWAYS),
        (("SUMMARY:never",), ALWAYS),
    ],
)
def test_spans_of_events(lines: tuple[str, ...], span: Span) -> None:
    assert span_of(event(*lines)) == span


@pytest.mark.parametrize(
    ("kind", "lines", "span"),
    [
        ("VTODO", (), ALWAYS),
        ("VTODO", ("CREATED:20260101T120000Z",), ALWAYS),
        ("VTODO", ("DUE:20260101T120000Z",), Span(NOON, NOON)),
        (
            "VTODO",
            ("DTSTART:20260101T120000Z", "COMPLETED:20260102T120000Z"),
            Span(NOON, NOON + DAY),
        ),
        ("VJOURNAL", ("DTSTART:20260101T120000Z",), Span(NOON, NOON)),
        ("VFREEBUSY", ("DTSTART:20260101T120000Z",), ALWAYS),
    ],
)
def test_spans_of_other_components(kind: str, lines: tuple[str, ...], span: Span) -> None:
    assert span_of(calendar(component(kind, *lines))) == span


def test_a_span_covers_all_components_and_what_is_no_object_may_always_happen() -> None:
    two = calendar(
        component("VEVENT", "DTSTART:20260101T120000Z"),
        component("VEVENT", "RECURRENCE-ID:20260101T120000Z", "DTSTART:20260105T120000Z"),
    )
    assert span_of(two) == Span(NOON, NOON + 4 * DAY)
    assert span_of(b"") == span_of(calendar()) == ALWAYS


@given(
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.sampled_from(["", ";COUNT=4", ";COUNT=3;BYMONTHDAY=31", ";UNTIL=20290301T000000Z"]),
    st.sampled_from(["", "Z", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue"]),
    st.datetimes(*(datetime.fromisoformat(day) for day in ("2020-01-01", "2027-12-31"))),
    st.integers(1, 3),
    st.sampled_from(["DURATION:PT3H", "DTEND;VALUE=DATE:20300101", "DTEND:20271231T000000Z"]),
    st.sampled_from(["X-A:1", "RDATE:20190101T000000Z,20310101T120000Z", "RDATE:20300101"]),
)
def test_nothing_happens_outside_its_span(
    frequency: str, end: str, zone: str, start: datetime, interval: int, length: str, added: str
) -> None:
    text = f"{start:%Y%m%dT%H%M%S}"
    line = f"DTSTART:{text}{zone}" if zone in {"", "Z"} else f"DTSTART;TZID={zone}:{text}"
    rule = f"RRULE:FREQ={frequency};INTERVAL={interval}{end}"
    body = calendar(BERLIN, component("VEVENT", line, rule, length, added))
    span = span_of(body)
    tree = read_tree(body)
    try:
        found = Series(own(tree), Zones(zones_of(tree))).between(FIRST, NOON + 10 * 366 * DAY)
    except FormatError:
        return
    assert all(span.first <= one.start <= one.end <= span.last for one in found)


# --- the rows -------------------------------------------------------------------------------------
# Which spans the rules of a number give; a release that gives others has a number of its own.
GIVEN = {1: "1f6be30f80ef67b6", 2: "258c229fdae076ec"}


def test_whoever_changes_what_is_given_counts_the_rules_on() -> None:
    starts = (
        "DTSTART:20260101T120000Z", "DTSTART:20260101T120000", "DTSTART;VALUE=DATE:20260101",
        "DTSTART;TZID=Europe/Berlin:20260101T120000", "DTSTART:soon", "SUMMARY:no start",
    )  # fmt: skip
    lengths = ("DURATION:PT3H", "DURATION:-P1D", "DTEND:20260102T130000Z", "DUE:20260103", "X:y")
    rules = (
        "RRULE:FREQ=DAILY", "RRULE:FREQ=MONTHLY;INTERVAL=2;COUNT=3",
        "RRULE:FREQ=DAILY;BYDAY=MO;COUNT=3", "RRULE:FREQ=WEEKLY;UNTIL=20260301T000000Z",
        "RDATE:20251201T120000Z,20260601T120000Z",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T120000Z", "COMPLETED:20260401T120000Z", "X:z",
    )  # fmt: skip
    kinds = ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")
    spans = [
        span_of(calendar(component(kind, *lines)))
        for kind, *lines in product(kinds, starts, lengths, rules)
    ]
    assert GIVEN[RULES] == sha256(repr([tuple(one) for one in spans]).encode()).hexdigest()[:16]


BODY = event("DTSTART:20260101T120000Z")
RIGHT = f'{{"size":9,"span":[{NOON},{NOON},{RULES}],"type":"text/calendar;VEVENT","uid":"u"}}'


@pytest.mark.parametrize(
    "data",
    [
        RIGHT,
        RIGHT.replace(f"[{NOON},", "[-7,"),
        RIGHT.replace(f",{RULES}]", "]"),  # before rules had numbers
        RIGHT.replace(f",{RULES}]", f",{RULES + 1}]"),
        RIGHT.replace(f'"span":[{NOON},{NOON},{RULES}],', ""),
    ],
)
def test_a_row_is_told_by_todays_rules(data: str) -> None:
    assert retold(data, BODY) == RIGHT
    assert told_in(RIGHT) == Told("VEVENT", Span(NOON, NOON))
    believed = data in {RIGHT, RIGHT.replace(f"[{NOON},", "[-7,")}
    component, span = told_in(data)
    assert (component, span is not None) == ("VEVENT", believed)


@pytest.mark.parametrize(
    "data",
    [
        '{"size":9,"type":"text/vcard;3.0","uid":"u"}',
        '{"size":9,"type":"text/vcard;3.0","uid":"\\"type\\":\\"text/calendar;VEVENT"}',
        '{"book":"calendars/x","href":"a.ics","size":9,"type":"text/calendar;VEVENT"}',
        '{"type":"calendar"}',
    ],
)
def test_a_row_of_anything_else_stays_as_it_is(data: str) -> None:
    assert retold(data, BODY) == data
    assert told_in(data) == Told("", None)

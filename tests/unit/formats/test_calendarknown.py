"""What a query taught of an event agrees with what the next one would find."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component, event
from strongroom.base.limits import KNOWN_INSTANCES_MAX
from strongroom.formats.calendarfilter import CompFilter, PropFilter, Range, matches
from strongroom.formats.calendarknown import Known, learn, time_asked
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.calendarzone import Zones

START = 1_767_225_600  # 2026-01-01, a Thursday
DAY = 86_400
BODIES = (
    event("DTSTART:20260105T090000Z", "RRULE:FREQ=WEEKLY;COUNT=5", "DURATION:PT1H"),
    event("DTSTART:20250105T090000Z", "RRULE:FREQ=DAILY"),
    event("DTSTART;VALUE=DATE:20260110", "DTEND;VALUE=DATE:20260113"),
    event("DTSTART:20260110T230000"),
    calendar(BERLIN, component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260101T000000")),
    calendar(BERLIN.replace("+0100", "+0900"),
             component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260201T000000")),
    calendar(
        component("VEVENT", "DTSTART:20260105T090000Z", "RRULE:FREQ=WEEKLY"),
        component("VEVENT", "RECURRENCE-ID:20260112T090000Z", "DTSTART:20260301T090000Z"),
    ),
    event("SUMMARY:no time"), event("DTSTART:when I say"), b"no calendar",
    calendar(component("VTODO", "DTSTART:20260110T090000Z")),
    event("DTSTART:20260101T000000Z", "RRULE:FREQ=HOURLY"),
)  # fmt: skip


def asked(when: Range) -> CompFilter:
    return CompFilter(b"VCALENDAR", comps=(CompFilter(b"VEVENT", range=when),))


def ranges() -> st.SearchStrategy[Range]:
    days = st.integers(-40, 120)
    bounded = st.builds(lambda a, b: Range(START + a * DAY, START + (a + b) * DAY), days,
                        st.integers(1, 100))  # fmt: skip
    return bounded | st.builds(lambda a: Range(START + a * DAY, LAST), days)


@pytest.mark.parametrize("body", BODIES)
@given(first=ranges(), second=ranges(), floating=st.sampled_from((UTC, ZoneInfo("Asia/Tokyo"))))
def test_what_is_known_is_what_a_query_finds(
    body: bytes, first: Range, second: Range, floating: ZoneInfo
) -> None:
    known = learn(body, first, floating)
    assert known.told(first) is matches(body, asked(first), floating)
    told = known.told(second)
    assert told is None or told is matches(body, asked(second), floating)


def test_a_week_teaches_its_fortnight_and_a_day_on_teaches_one_instance() -> None:
    week = Range(START, START + 7 * DAY)
    known = learn(BODIES[1], week, UTC)
    assert known.all_within.start <= week.start < week.end <= known.all_within.end
    assert known.told(Range(week.start + DAY, week.start + 2 * DAY)) is True
    assert learn(BODIES[1], Range(START, LAST), UTC).told(Range(START + DAY, LAST)) is None
    never = learn(BODIES[0], Range(START + 90 * DAY, LAST), UTC)
    assert never == Known(Range(START + 90 * DAY, LAST), ())
    assert learn(BODIES[7], week, UTC) == Known(Range(FIRST, LAST), ())


def test_what_happens_too_often_is_known_by_one_instance() -> None:
    day = Range(START, START + DAY)
    known = learn(BODIES[-1], day, UTC)
    assert len(known.times) == 1
    few = event("DTSTART:20260101T000000Z", f"RRULE:FREQ=HOURLY;COUNT={KNOWN_INSTANCES_MAX}")
    assert len(learn(few, day, UTC).times) == KNOWN_INSTANCES_MAX
    assert len(learn(few.replace(b"=64", b"=65"), day, UTC).times) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        CompFilter(b"VCALENDAR"), CompFilter(b"VCALENDAR", comps=(CompFilter(b"VEVENT"),)),
        asked(Range(1, 2))._replace(props=(PropFilter(b"X"),)),
        asked(Range(1, 2))._replace(comps=asked(Range(1, 2)).comps * 2),
        CompFilter(b"VCALENDAR", comps=(CompFilter(b"VTODO", range=Range(1, 2)),)),
        CompFilter(b"VCALENDAR", comps=(
            CompFilter(b"VEVENT", range=Range(1, 2), props=(PropFilter(b"X"),)),)),
    ],
)  # fmt: skip
def test_a_filter_that_asks_for_more_than_a_time_is_another_question(wanted: CompFilter) -> None:
    assert time_asked(wanted) is None
    assert time_asked(asked(Range(1, 2))) == Range(1, 2)


# Zones that say the same as Europe/Berlin always, but for one summer, or never.
TOLD = (
    BERLIN,
    BERLIN.replace("+0200", "+0300"),
    BERLIN.replace("BEGIN:STANDARD", "BEGIN:STANDARD\nRDATE:20260110T000000").replace(
        "END:DAYLIGHT",
        "END:DAYLIGHT\nBEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+1100\n"
        "DTSTART:20260107T000000\nEND:DAYLIGHT",
    ),
    BERLIN.replace("BYMONTH=3", "BYMONTH=4"),
)
LINES = (
    "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY;BYDAY=MO,SA;COUNT=30",
    "RRULE:FREQ=MONTHLY;BYMONTHDAY=-1", "RRULE:FREQ=DAILY;UNTIL=20260402T003000Z",
    "RDATE;TZID=Europe/Berlin:20260109T233000",
    "EXDATE;TZID=Europe/Berlin:20260108T003000", "DURATION:P1DT1H",
    "DTEND;TZID=Europe/Berlin:20260402T000000",
)  # fmt: skip


@given(
    zone=st.sampled_from(TOLD),
    start=st.sampled_from(("20251230T003000", "20260108T003000", "20260328T233000")),
    lines=st.sets(st.sampled_from(LINES), max_size=3),
    when=ranges(),
    hours=st.integers(0, 47),
)
def test_a_second_reading_is_passed_over_only_where_nothing_else_comes_of_it(
    zone: str, start: str, lines: set[str], when: Range, hours: int
) -> None:
    moved = ("RECURRENCE-ID;TZID=Europe/Berlin:20260109T003000",
             "DTSTART;TZID=Europe/Berlin:20260411T003000")  # fmt: skip
    body = calendar(
        zone, component("VEVENT", f"DTSTART;TZID=Europe/Berlin:{start}", *sorted(lines)),
        component("VEVENT", *moved),
    )  # fmt: skip
    by = hours * 1800
    when = Range(when.start + by, min(when.end + by, LAST))
    found = learn(body, when, UTC).told(when), matches(body, asked(when))
    with pytest.MonkeyPatch.context() as patch:
        always = property(lambda _: True, lambda *_: None)
        patch.setattr(Zones, "differ", always, raising=False)
        assert found == (learn(body, when, UTC).told(when), matches(body, asked(when)))


def test_a_zone_that_tells_another_time_is_read_too() -> None:
    """A week in which only the zone that the object brings along has it."""
    body = calendar(TOLD[2], component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260108T003000"))
    before = Range(START + 6 * DAY, START + 6 * DAY + 15 * 3600)
    assert matches(body, asked(before))
    assert learn(body, before, UTC).told(before)


def test_a_rule_that_ends_later_by_another_reading_is_followed_so_far() -> None:
    rule = "RRULE:FREQ=WEEKLY;UNTIL=20260401T220000Z"  # 00:00 by the world, 01:00 by its own zone
    start = "DTSTART;TZID=Europe/Berlin:20260108T003000"
    body = calendar(TOLD[1], component("VEVENT", start, rule))
    last = Range(START + 90 * DAY + 21 * 3600, START + 90 * DAY + 22 * 3600)
    assert matches(body, asked(last))
    assert learn(body, last, UTC).told(last)

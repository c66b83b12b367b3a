"""When things happen: rules, dates added and left out, moved instances."""

from __future__ import annotations

import calendar as months
import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component
from strongroom.base.limits import INSTANCES_MAX
from strongroom.formats import FormatError, recurrence
from strongroom.formats.calendartime import Zones
from strongroom.formats.calendartree import own, read_tree, zones_of
from strongroom.formats.recurrence import Series, occurrences, read_rule

pytestmark = pytest.mark.rfc("4791", "7.4", "9.9")


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def series(*parts: str) -> Series:
    tree = read_tree(calendar(*parts))
    return Series(own(tree), Zones(zones_of(tree)))


def starts(found: Series, start: str, end: str) -> list[str]:
    return [
        one.at.local.isoformat(sep=" ", timespec="minutes")
        for one in sorted(found.between(seconds(start), seconds(end)), key=lambda one: one.start)
    ]


def daily(*lines: str) -> str:
    return component("VEVENT", "DTSTART:20260101T090000Z", "DURATION:PT1H", *lines)


# --- single instances and lengths -----------------------------------------------------------------
@pytest.mark.parametrize(
    ("lines", "length"),
    [
        (("DTSTART:20260101T090000Z", "DTEND:20260101T103000Z"), 5400),
        (("DTSTART:20260101T090000Z", "DTEND:20260101T080000Z"), 0),
        (("DTSTART:20260101T090000Z",), 0),
        (("DTSTART:20260101T090000Z", "DURATION:-PT1H"), 0),
        (("DTSTART;VALUE=DATE:20260101",), 86_400),
        (("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20260104"), 3 * 86_400),
        (("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20251231"), 0),
        (("DTSTART;VALUE=DATE:20260101", "DURATION:P2D"), 2 * 86_400),
    ],
)
def test_how_long_an_event_takes(lines: tuple[str, ...], length: int) -> None:
    found = series(component("VEVENT", *lines))
    (one,) = found.between(seconds("2026-01-01"), seconds("2026-01-10"))
    assert one.end - one.start == length
    assert not found.recurs


def test_a_task_takes_until_it_is_due() -> None:
    task = component("VTODO", "DTSTART:20260101T090000Z", "DUE:20260101T100000Z")
    (one,) = series(task).between(seconds("2026-01-01"), seconds("2026-01-02"))
    assert one.end - one.start == 3600
    dated = series(component("VTODO", "DTSTART;VALUE=DATE:20260101"))
    (one,) = dated.between(seconds("2026-01-01"), seconds("2026-01-02"))
    assert one.end == one.start


@pytest.mark.parametrize(
    "lines",
    [(), ("DTSTART:x",), ("DTSTART:20260101T090000Z", "DURATION:x"),
     ("DTSTART:20260101T090000Z", "DTEND:x"), ("DTSTART:20260101T090000Z", "RRULE:x"),
     ("DTSTART:20260101T090000Z", "EXDATE:x")],
)  # fmt: skip
def test_what_cannot_be_read_is_the_one_error(lines: tuple[str, ...]) -> None:
    with pytest.raises(FormatError):
        series(component("VEVENT", *lines)).between(0, 1 << 40)


def test_an_instance_counts_where_it_touches_the_time_asked_for() -> None:
    found = series(daily())
    assert starts(found, "2026-01-01T09:59:59", "2026-01-02") == ["2026-01-01 09:00"]
    assert starts(found, "2026-01-01T10:00", "2026-01-02") == []
    assert starts(found, "2026-01-01", "2026-01-01T09:00") == []
    assert starts(found, "2026-01-01", "2026-01-01T09:00:01") == ["2026-01-01 09:00"]


# --- rules ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"COUNT=2",
        b"FREQ=X",
        b"FREQ=DAILY;WKST=XX",
        b"FREQ=DAILY;INTERVAL=x",
        b"FREQ=DAILY;BYDAY=XX",
        b"FREQ=DAILY;BYDAY=0MO",
        b"FREQ=DAILY;BYMONTH=x",
        b"FREQ=DAILY;UNTIL=x",
        b"FREQ=DAILY;WHAT=1",
        b"FREQ=DAILY;COUNT",
        b"FREQ=DAILY;COUNT=",
        b"FREQ=DAILY;COUNT=1234567890",
        b"RSCALE=CHINESE;FREQ=YEARLY",
        b"FREQ=YEARLY;SKIP=OMIT",
        b"FREQ=HOURLY;BYSETPOS=2",
    ],
)
@pytest.mark.rfc("7529", "4.1")
def test_rules_that_cannot_be_read(text: bytes) -> None:
    with pytest.raises(FormatError):
        read_rule(text)


def test_rules_as_real_clients_write_them() -> None:
    rule = read_rule(b" freq=weekly;interval=0;byday=mo,-1su ;wkst=su;X-OWN=1;rscale=gregorian; ")
    assert (rule.interval, rule.most, rule.until) == (1, 0, None)
    assert dict(rule.parts)["wkst"] == 6


def test_impossible_parts_of_a_rule_are_the_one_error() -> None:
    with pytest.raises(FormatError):
        series(daily("RRULE:FREQ=DAILY;BYSETPOS=500")).between(0, 1 << 40)


def test_a_meeting_stays_at_nine_across_a_clock_change() -> None:
    meeting = component(
        "VEVENT",
        "DTSTART;TZID=Europe/Berlin:20260323T090000",
        "DTEND;TZID=Europe/Berlin:20260323T100000",
        "RRULE:FREQ=WEEKLY",
    )
    found = series(BERLIN, meeting).between(seconds("2026-03-23"), seconds("2026-04-07"))
    assert [one.start % 86_400 // 3600 for one in found] == [8, 7, 7]


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260103T090000Z", "2026-01-03 09:00"), ("20260103T085959Z", "2026-01-02 09:00"),
     ("20260103", "2026-01-03 09:00")],
)  # fmt: skip
def test_until_is_included(until: str, last: str) -> None:
    found = series(daily(f"RRULE:FREQ=DAILY;UNTIL={until}"))
    assert starts(found, "2026-01-01", "2027-01-01")[-1] == last


def test_until_in_utc_ends_a_local_rule() -> None:
    event = component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260701T090000",
                      "RRULE:FREQ=DAILY;UNTIL=20260703T070000Z")  # fmt: skip
    assert len(starts(series(BERLIN, event), "2026-07-01", "2026-08-01")) == 3
    dated = component("VEVENT", "DTSTART;VALUE=DATE:20260701", "RRULE:FREQ=DAILY;UNTIL=20260703")
    assert len(starts(series(dated), "2026-07-01", "2026-08-01")) == 3


def test_an_endless_daily_rule_of_1990_costs_no_more_than_one_of_last_year() -> None:
    def cost(year: int) -> float:
        found = series(component("VEVENT", f"DTSTART:{year}0101T090000Z", "RRULE:FREQ=DAILY"))
        began = time.perf_counter()
        for _ in range(20):
            assert len(starts(found, "2026-01-01", "2026-01-08")) == 7
        return time.perf_counter() - began

    assert min(cost(1990) for _ in range(3)) < 5 * min(cost(2025) for _ in range(3))


def test_leap_days_come_every_four_years() -> None:
    event = component("VEVENT", "DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY")
    assert starts(series(event), "2025-01-01", "2033-01-01") == [
        "2028-02-29 00:00",
        "2032-02-29 00:00",
    ]
    months_end = component("VEVENT", "DTSTART;VALUE=DATE:20200131", "RRULE:FREQ=MONTHLY")
    assert starts(series(months_end), "2026-01-01", "2026-06-01") == [
        "2026-01-31 00:00", "2026-03-31 00:00", "2026-05-31 00:00",
    ]  # fmt: skip


def test_the_beginning_happens_also_where_its_rule_leaves_it_out() -> None:
    found = series(daily("RRULE:FREQ=WEEKLY;BYDAY=MO"))  # the first of January is a Thursday
    assert starts(found, "2026-01-01", "2026-01-13") == [
        "2026-01-01 09:00", "2026-01-05 09:00", "2026-01-12 09:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
     "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=3",
     "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
     "FREQ=DAILY;COUNT=5;BYMONTH=2;BYMONTHDAY=30"],
)  # fmt: skip
def test_a_rule_that_never_happens_ends_soon(rule: str) -> None:
    found = series(daily("RRULE:" + rule))
    began = time.perf_counter()
    assert starts(found, "2026-01-01", "2026-02-01") == ["2026-01-01 09:00"]
    assert starts(found, "2030-01-01", "2031-02-01") == []
    assert time.perf_counter() - began < 1


# --- dates added, left out and moved --------------------------------------------------------------
def test_dates_are_added_and_left_out() -> None:
    found = series(daily(
        "RRULE:FREQ=DAILY;COUNT=5", "EXDATE:20260102T090000Z", "EXDATE;VALUE=DATE:20260103",
        "RDATE:20260110T120000Z,20260101T090000Z", "EXRULE:FREQ=DAILY;INTERVAL=4;COUNT=2",
    ))  # fmt: skip
    assert starts(found, "2026-01-01", "2026-02-01") == [
        "2026-01-01 09:00", "2026-01-04 09:00", "2026-01-10 12:00",
    ]  # fmt: skip
    assert found.recurs


def test_a_moved_instance_happens_where_it_was_moved_to() -> None:
    moved = component("VEVENT", "RECURRENCE-ID:20260102T090000Z", "DTSTART:20260105T200000Z",
                      "DURATION:PT2H")  # fmt: skip
    found = series(daily("RRULE:FREQ=DAILY;COUNT=3"), moved)
    assert starts(found, "2026-01-01", "2026-02-01") == [
        "2026-01-01 09:00", "2026-01-03 09:00", "2026-01-05 20:00",
    ]  # fmt: skip
    (one,) = found.between(seconds("2026-01-05"), seconds("2026-01-06"))
    assert (one.end - one.start, one.slot.local.day) == (7200, 2)


def test_a_moved_instance_without_its_series_happens() -> None:
    moved = component("VEVENT", "RECURRENCE-ID:20260102T090000Z", "DTSTART:20260105T200000Z")
    found = series(moved)
    assert starts(found, "2026-01-01", "2026-02-01") == ["2026-01-05 20:00"]
    assert found.recurs


def test_this_and_future_moves_all_that_follow() -> None:
    later = component("VEVENT", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260103T090000Z",
                      "DTSTART:20260103T150000Z", "DURATION:PT3H")  # fmt: skip
    again = component("VEVENT", "RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T090000Z",
                      "DTSTART:20260106T090000Z")  # fmt: skip
    found = series(daily("RRULE:FREQ=DAILY;COUNT=6"), again, later)
    assert starts(found, "2026-01-01", "2026-02-01") == [
        "2026-01-01 09:00", "2026-01-02 09:00", "2026-01-03 15:00", "2026-01-04 15:00",
        "2026-01-06 09:00", "2026-01-07 09:00",
    ]  # fmt: skip


def test_a_second_series_of_the_same_uid_is_not_a_third_thing() -> None:
    assert len(starts(series(daily(), daily("RRULE:FREQ=DAILY")), "2026-01-01", "2026-01-09")) == 1


# --- bounds ---------------------------------------------------------------------------------------
def test_what_happens_too_often_is_told_and_not_listed(monkeypatch) -> None:
    found = series(daily(f"RRULE:FREQ=SECONDLY;COUNT={INSTANCES_MAX + 1}"))
    with pytest.raises(FormatError) as caught:
        found.between(seconds("2026-01-01"), seconds("2026-02-01"))
    assert caught.value.code == "too-many-instances"
    assert len(series(daily(f"RRULE:FREQ=SECONDLY;COUNT={INSTANCES_MAX}")).between(
        seconds("2026-01-01"), seconds("2026-02-01"))) == INSTANCES_MAX  # fmt: skip
    monkeypatch.setattr(recurrence, "RULE_STEPS_MAX", 10)
    with pytest.raises(FormatError):
        series(daily("RRULE:FREQ=DAILY;COUNT=20")).between(
            seconds("2026-01-18"), seconds("2026-02-01")
        )


def test_the_ends_of_the_calendar_break_nothing() -> None:
    found = series(daily("RRULE:FREQ=YEARLY"))
    assert found.between(-(1 << 40), seconds("2026-01-02"))
    assert found.between(seconds("9990-01-01"), 1 << 40)


# --- against a second reading of the RFC ----------------------------------------------------------
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, object]]:
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts: dict[str, object] = {"FREQ": frequency, "INTERVAL": draw(st.integers(1, 4))}
    if draw(st.booleans()):
        parts["BYMONTH"] = draw(st.lists(st.integers(1, 12), min_size=1, max_size=3, unique=True))
    if frequency != "WEEKLY" and draw(st.booleans()):
        days = st.integers(-31, 31).filter(bool)
        parts["BYMONTHDAY"] = draw(st.lists(days, min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):
        parts["BYDAY"] = draw(st.lists(st.sampled_from(_DAYS), min_size=1, max_size=3, unique=True))
    if draw(st.booleans()) and {"BYMONTHDAY", "BYDAY"} & set(parts):
        places = st.integers(-3, 3).filter(bool)
        parts["BYSETPOS"] = draw(st.lists(places, min_size=1, max_size=2, unique=True))
    text = ";".join(
        f"{name}={','.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in parts.items()
    )
    return text, parts


def by_the_book(parts: dict[str, object], start: date, until: date) -> list[date]:
    """Expand a rule day by day, period by period: slow and plain."""
    frequency, interval = parts["FREQ"], int(str(parts["INTERVAL"]))
    first_monday = start - timedelta(days=start.weekday())

    def period(day: date) -> int:
        return {
            "DAILY": (day - start).days,
            "WEEKLY": (day - first_monday).days // 7,
            "MONTHLY": (day.year - start.year) * 12 + day.month - start.month,
            "YEARLY": day.year - start.year,
        }[str(frequency)]

    found: dict[int, list[date]] = {}
    day = date(start.year, 1, 1) if frequency == "YEARLY" else start.replace(day=1)
    day = min(day, first_monday)
    while day <= until + timedelta(days=400):  # to the end of the last period
        if period(day) >= 0 and period(day) % interval == 0 and fits(day, parts, start):
            found.setdefault(period(day), []).append(day)
        day += timedelta(days=1)
    chosen = []
    for days in found.values():
        places = parts.get("BYSETPOS")
        if isinstance(places, list):
            days = [  # noqa: PLW2901
                one for i, one in enumerate(days) if i + 1 in places or i - len(days) in places
            ]
        chosen += days
    return sorted(one for one in {start, *chosen} if start <= one <= until)


def fits(day: date, parts: dict[str, object], start: date) -> bool:
    frequency = parts["FREQ"]
    by_month, by_day, by_monthday = (parts.get(n) for n in ("BYMONTH", "BYDAY", "BYMONTHDAY"))
    if isinstance(by_month, list) and day.month not in by_month:
        return False
    if isinstance(by_day, list) and _DAYS[day.weekday()] not in by_day:
        return False
    length = months.monthrange(day.year, day.month)[1]
    if isinstance(by_monthday, list) and not {day.day, day.day - length - 1} & set(by_monthday):
        return False
    if by_day is None and by_monthday is None:
        if frequency == "WEEKLY":
            return day.weekday() == start.weekday()
        if frequency in {"MONTHLY", "YEARLY"} and day.day != start.day:
            return False
        if frequency == "YEARLY" and by_month is None:
            return day.month == start.month
    return True


@settings(max_examples=400, deadline=None)
@given(rules(), st.dates(date(2000, 1, 1), date(2003, 1, 1)), st.integers(0, 2500))
def test_rules_happen_as_a_plain_reading_of_the_rfc_says(
    rule: tuple[str, dict[str, object]], start: date, behind: int
) -> None:
    text, parts = rule
    low = start + timedelta(days=behind)
    high = low + timedelta(days=500)
    expected = [day for day in by_the_book(parts, start, high) if low <= day]

    event = component("VEVENT", f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"RRULE:{text}")
    found = series(event).between(seconds(str(low)), seconds(str(high)) + 1)
    assert sorted(one.at.local.date() for one in found) == expected


def test_long_intervals_begin_where_they_began() -> None:
    event = component("VEVENT", "DTSTART;VALUE=DATE:20200115", "RRULE:FREQ=MONTHLY;INTERVAL=60")
    assert starts(series(event), "2022-01-01", "2026-01-01") == ["2025-01-15 00:00"]
    weeks = component("VEVENT", "DTSTART;VALUE=DATE:20200115", "RRULE:FREQ=WEEKLY;INTERVAL=300")
    assert starts(series(weeks), "2022-01-01", "2026-01-01") == ["2025-10-15 00:00"]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["HOURLY", "MINUTELY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5), st.integers(400, 4000),
)  # fmt: skip
def test_a_rule_that_is_moved_forward_happens_as_if_it_were_not(
    frequency: str, interval: int, behind: int
) -> None:
    start = datetime(2001, 1, 31, 9, 30)  # noqa: DTZ001 - a local time
    low = start + timedelta(days=behind)
    high = low + timedelta(days=3 if frequency in {"HOURLY", "MINUTELY"} else 800)
    rule = read_rule(f"FREQ={frequency};INTERVAL={interval}".encode())
    step = {"HOURLY": 3600, "MINUTELY": 60}.get(frequency)
    found = list(islice(occurrences(rule, start, None, low, high), 5000))
    if step:
        first = -(-(low - start).total_seconds() // (step * interval))
        assert found[0] == start + timedelta(seconds=step * interval * first)
    else:
        everything = occurrences(rule, start, None, start, high)
        assert found == [one for one in everything if one >= low]


def test_another_zone_is_asked_where_the_first_finds_nothing() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    tree = read_tree(calendar(component("VEVENT", "DTSTART:20260101T000000")))
    found = Series(own(tree), Zones({}, berlin)).between(
        seconds("2025-12-31T22:00"), seconds("2026-01-01")
    )
    assert len(found) == 1

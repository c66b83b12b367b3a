"""When things happen: rules, dates added and left out, moved instances."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component
from fakes.rulebook import DAYS, by_the_book, written
from strongroom.base.limits import INSTANCES_MAX, RULE_BYTES_MAX, RULE_STEPS_MAX
from strongroom.formats import FormatError, calendarrule
from strongroom.formats.calendarrule import occurrences, read_rule
from strongroom.formats.calendartree import own, read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.recurrence import Series

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
        (("DTSTART:99991231T000000Z", "DURATION:P2D"), 2 * 86_400),
    ],
)
def test_how_long_an_event_takes(lines: tuple[str, ...], length: int) -> None:
    found = series(component("VEVENT", *lines))
    (one,) = found.between(seconds("2026-01-01"), 1 << 40)
    assert one.end - one.start == length
    assert not found.recurs


@pytest.mark.parametrize(
    ("start", "duration", "hours"),
    [
        ("20260328T120000", "P1D", 23), ("20261024T120000", "P1D", 25),
        ("20261024T120000", "P1W", 7 * 24 + 1), ("20261024T120000", "PT24H", 24),
        ("20261024T120000", "P1DT1H", 26), ("20261026T120000", "P1D", 24),
    ],
)  # fmt: skip
def test_a_day_in_which_the_clocks_change_is_one_day(start: str, duration: str, hours: int) -> None:
    """What takes a day in October was told as over an hour before it was."""
    at = f"DTSTART;TZID=Europe/Berlin:{start}"
    found = series(BERLIN, component("VEVENT", at, f"DURATION:{duration}"))
    (one,) = found.between(seconds("2026-01-01"), seconds("2027-01-01"))
    assert one.end - one.start == hours * 3600
    added = f"RDATE;VALUE=PERIOD;TZID=Europe/Berlin:{start}/{duration}"
    found = series(BERLIN, component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260601T090000", added))
    one = found.between(seconds("2026-01-01"), seconds("2027-01-01"))[-1]
    assert one.end - one.start == hours * 3600


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


def test_a_period_that_is_added_takes_its_own_time() -> None:
    found = series(daily(
        "RDATE;VALUE=PERIOD:20260110T080000Z/20260112T080000Z,,20260120T080000Z/PT36H,"
        "20260125T080000Z/-PT1H",
    ))  # fmt: skip
    lengths = [one.end - one.start for one in found.between(0, 1 << 40)]
    assert lengths == [3600, 48 * 3600, 36 * 3600, 0]
    assert starts(found, "2026-01-11", "2026-01-12") == ["2026-01-10 08:00"]


def test_the_end_of_a_rule_is_read_in_the_zone_that_counts() -> None:
    zone = BERLIN.replace("+0200", "+1000").replace("+0100", "+1000")
    event = component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260701T090000",
                      "RRULE:FREQ=DAILY;UNTIL=20260702T230000Z")  # fmt: skip
    tree = read_tree(calendar(zone, event))
    counts = [
        len(Series(own(tree), Zones(zones_of(tree)), reading).between(0, 1 << 40))
        for reading in (0, 1)
    ]
    assert counts == [2, 3]


# --- bounds ---------------------------------------------------------------------------------------
def test_what_happens_too_often_is_told_and_not_listed(monkeypatch) -> None:
    found = series(daily(f"RRULE:FREQ=SECONDLY;COUNT={INSTANCES_MAX + 1}"))
    with pytest.raises(FormatError) as caught:
        found.between(seconds("2026-01-01"), seconds("2026-02-01"))
    assert caught.value.code == "too-many-instances"
    assert len(series(daily(f"RRULE:FREQ=SECONDLY;COUNT={INSTANCES_MAX}")).between(
        seconds("2026-01-01"), seconds("2026-02-01"))) == INSTANCES_MAX  # fmt: skip
    monkeypatch.setattr(calendarrule, "RULE_STEPS_MAX", 10)
    with pytest.raises(FormatError):
        series(daily("RRULE:FREQ=DAILY;COUNT=20")).between(
            seconds("2026-01-18"), seconds("2026-02-01")
        )


def test_dates_moved_instances_and_rules_share_one_budget() -> None:
    dates = ",".join(["20260102T090000Z"] * (RULE_STEPS_MAX - 10))
    assert series(daily("EXDATE:" + dates)).between(0, 1 << 40)
    many = series(daily("EXDATE:" + dates, "RRULE:FREQ=DAILY;COUNT=11"))
    with pytest.raises(FormatError):
        many.between(0, 1 << 40)
    moved = component("VEVENT", "RECURRENCE-ID:20260102T090000Z", "DTSTART:20260105T200000Z")
    budget = calendarrule.Budget(1)
    tree = read_tree(calendar(moved, moved))
    with pytest.raises(FormatError):
        Series(own(tree), Zones({}), 0, budget)


@pytest.mark.parametrize(
    "rule",
    ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=SECONDLY;BYHOUR=1;BYMINUTE=1;BYSECOND=1",
     "FREQ=MINUTELY;BYHOUR=3;BYMINUTE=0", "FREQ=SECONDLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"],
)  # fmt: skip
def test_eight_thousand_years_are_told_in_time(rule: str) -> None:
    began = time.perf_counter()
    with pytest.raises(FormatError):
        series(daily("RRULE:" + rule)).between(-(1 << 40), 1 << 40)
    assert time.perf_counter() - began < 5  # some would take hours


def test_the_ends_of_the_calendar_break_nothing() -> None:
    found = series(daily("RRULE:FREQ=YEARLY"))
    assert found.between(-(1 << 40), seconds("2026-01-02"))
    assert found.between(seconds("9990-01-01"), 1 << 40)


# --- against a second reading of the RFC ----------------------------------------------------------
def some(*values: object, most: int = 3) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


def around(most: int, *, least: int = 1) -> list[int]:
    return [*range(-most, -least + 1), *range(least, most + 1)]


@st.composite
def rules(draw: st.DrawFn) -> dict[str, object]:
    """Draw rules with all parts; of weeks only those that are wholly in one year."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    parts: dict[str, object] = {"FREQ": frequency, "INTERVAL": draw(st.integers(1, 4))}
    wanted = {"BYMONTH": some(*range(1, 13)), "BYDAY": some(*DAYS), "WKST": st.sampled_from(DAYS),
              "BYHOUR": some(*range(24), most=2), "COUNT": st.integers(1, 40)}  # fmt: skip
    if frequency != "WEEKLY":
        wanted["BYMONTHDAY"] = some(*around(31))
    if frequency in {"MONTHLY", "YEARLY"}:
        places = around(5 if frequency == "MONTHLY" else 53)
        wanted["BYDAY"] = some(*DAYS, *(f"{n}{day}" for n in places for day in DAYS))
    if frequency == "YEARLY":
        wanted["BYYEARDAY"] = some(*around(366), most=6)
        wanted["BYWEEKNO"] = some(*around(51, least=2))
    for name, values in wanted.items():
        if draw(st.integers(0, 2)) == 0:
            parts[name] = draw(values)
    if "BYWEEKNO" in parts and "BYDAY" in parts:
        parts["BYDAY"] = draw(some(*DAYS))
    if draw(st.booleans()) and any(name.startswith("BY") for name in parts):
        parts["BYSETPOS"] = draw(some(*around(4), most=2))
    return parts


@settings(max_examples=200, deadline=None)
@given(rules(), st.datetimes(datetime(2000, 1, 1), datetime(2003, 1, 1)), st.integers(0, 2500))  # noqa: DTZ001
def test_rules_happen_as_a_plain_reading_of_the_rfc_says(
    parts: dict[str, object], start: datetime, behind: int
) -> None:
    start = start.replace(microsecond=0)
    low = start + timedelta(days=behind)
    high = low + timedelta(days=500)
    expected = [one for one in by_the_book(parts, start, high) if low <= one]
    try:
        rule = read_rule(written(parts).encode())
    except FormatError:
        assert not expected  # it asks for a place that no month has
        return
    assert list(occurrences(rule, start, None, low, high)) == expected


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["HOURLY", "MINUTELY"]), st.integers(1, 90),
    st.fixed_dictionaries({}, optional={
        "BYHOUR": some(*range(24)), "BYMINUTE": some(*range(0, 60, 5)), "BYDAY": some(*DAYS),
        "BYMONTHDAY": some(*around(31)), "BYMONTH": some(1, 2, 3), "BYSECOND": some(0, 30),
    }),
    st.datetimes(datetime(2000, 1, 1), datetime(2003, 1, 1)),  # noqa: DTZ001
)  # fmt: skip
def test_rules_within_a_day_happen_as_a_plain_reading_of_the_rfc_says(
    frequency: str, interval: int, more: dict[str, object], start: datetime
) -> None:
    start = start.replace(microsecond=0)
    parts = {"FREQ": frequency, "INTERVAL": interval, **more}
    high = start + timedelta(days=4)
    try:
        found = list(occurrences(read_rule(written(parts).encode()), start, None, start, high))
    except FormatError:
        found = []  # it never happens, or hardly ever: then it counts as happening at any time
    else:
        assert found == by_the_book(parts, start, high)


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        # A list of weekdays with and without places is their union.
        ("FREQ=MONTHLY;BYDAY=-1FR,MO", [5, 12, 19, 26, 30]),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=-1FR,12MO", [30]),
        # A week alone means the weekday of the beginning, not all of its days.
        ("FREQ=YEARLY;BYWEEKNO=2", [8]),
        # The first week is counted whole, though the series begins on its Thursday.
        ("FREQ=WEEKLY;BYDAY=MO,TH,FR;BYSETPOS=2", [1, 8, 15, 22, 29]),
        ("FREQ=WEEKLY;BYDAY=MO,TH,FR;BYSETPOS=1", [5, 12, 19, 26]),
        ("FREQ=WEEKLY;BYHOUR=9,10;BYSETPOS=1", [1, 8, 15, 22, 29]),
        ("FREQ=WEEKLY;BYDAY=MO,TH,FR;BYSETPOS=2;COUNT=2", [1, 8]),
    ],
)
def test_rules_that_libraries_read_otherwise(rule: str, days: list[int]) -> None:
    start = datetime(2026, 1, 1, 9)  # noqa: DTZ001 - a Thursday
    found = occurrences(read_rule(rule.encode()), start, None, start, start.replace(day=31))
    assert [one.day for one in found] == days


@pytest.mark.parametrize(
    "rule",
    ["FREQ=YEARLY;INTERVAL=2;BYWEEKNO=1", "FREQ=YEARLY;BYWEEKNO=53;BYSETPOS=1",
     "FREQ=YEARLY;BYWEEKNO=-53", "FREQ=MONTHLY;BYDAY=6MO",
     "FREQ=YEARLY;BYWEEKNO=20,52", "FREQ=DAILY;BYDAY=" + "MO," * 2800 + "MO"],
)  # fmt: skip
def test_rules_that_cannot_be_expanded_surely_are_not(rule: str) -> None:
    with pytest.raises(FormatError):
        read_rule(rule.encode())


def test_a_rule_may_name_every_day_of_a_year() -> None:
    days = ",".join(str(day) for day in range(1, 367))
    rule = f"FREQ=YEARLY;BYYEARDAY={days};X-PAD=".encode()
    assert read_rule(rule + b"x" * (RULE_BYTES_MAX - len(rule)))
    with pytest.raises(FormatError):
        read_rule(rule + b"x" * (RULE_BYTES_MAX - len(rule) + 1))


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

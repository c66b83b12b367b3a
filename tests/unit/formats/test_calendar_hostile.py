"""Calendar objects made to cost time or memory, or to be hidden: looked at in time, and listed."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.events import calendar, component, event
from strongroom.base.limits import EXPANDED_BYTES_MAX, RULE_STEPS_MAX
from strongroom.formats import (
    FormatError,
    busytime,
    calendarfilter,
    calendarparts,
    calendarspan,
)
from strongroom.formats.busytime import busy_times, write_busy
from strongroom.formats.calendar import check
from strongroom.formats.calendarfilter import CompFilter, PropFilter, Range, matches
from strongroom.formats.calendarparts import CalendarData, shaped
from strongroom.formats.calendarrule import read_rule
from strongroom.formats.calendarspan import ALWAYS, FIRST, LAST, span_of
from strongroom.formats.calendartime import read_duration, read_moment
from strongroom.formats.calendartree import Component, read_tree
from strongroom.formats.calendarzone import zone_in
from strongroom.formats.cardfilter import text_match

SECONDS_MAX = 5  # each takes below one second by itself; without bounds minutes or more
WEEK = Range(1_767_225_600, 1_767_225_600 + 7 * 86_400)  # the first of 2026
ALL = Range(-62_135_596_800, 253_402_300_799)
NINE = "DTSTART:20260101T090000Z"
ALARM = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT{}M\nREPEAT:100\nDURATION:PT1M\nEND:VALARM"


def when(number: int) -> str:
    return f"{2000 + number // 8064:04}{1 + number // 672 % 12:02}{1 + number // 24 % 28:02}" + (
        f"T{number % 24:02}0000Z"
    )


def moved(count: int, more: str = "") -> list[str]:
    return [
        component("VEVENT", f"RECURRENCE-ID{more}:{when(24 * n)}", f"DTSTART:{when(24 * n + 3)}")
        for n in range(count)
    ]


def zone(name: str, *rules: str) -> str:
    parts = "\n".join(
        "BEGIN:STANDARD\nDTSTART:00010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n"
        f"{rule}\nEND:STANDARD"
        for rule in rules
    )
    return f"BEGIN:VTIMEZONE\nTZID:{name}\n{parts}\nEND:VTIMEZONE"


def lists(name: str, count: int) -> str:
    return f"{name}:" + ",".join(map(when, range(count)))


EVERY_DAY = ",".join(str(day) for day in range(-366, 367) if day)
SIXTY = ",".join(map(str, range(60)))
BODIES: dict[str, Callable[[], bytes]] = {
    "lines": lambda: event(NINE, "RRULE:FREQ=DAILY", *(f"X-A{n}:{n}" for n in range(19_900))),
    "text": lambda: event(NINE, "RRULE:FREQ=DAILY", "DESCRIPTION:" + "ä" * 2_000_000),
    "left out": lambda: event(NINE, "RRULE:FREQ=DAILY", lists("EXDATE", 60_000)),
    "added": lambda: event(NINE, lists("RDATE", 60_000)),
    "few added": lambda: event(NINE, lists("RDATE", 45_000)),
    "added in zones": lambda: event(
        NINE, *(f"RDATE;TZID=Z{n}:20260101T090000" for n in range(9_000))
    ),
    "moved": lambda: calendar(component("VEVENT", NINE, "RRULE:FREQ=DAILY"), *moved(3_900)),
    "all moved": lambda: calendar(
        component("VEVENT", NINE, "RRULE:FREQ=HOURLY"), *moved(3_900, ";RANGE=THISANDFUTURE")
    ),
    "rules": lambda: event(
        NINE, *(f"RRULE:FREQ=DAILY;INTERVAL={n};COUNT={n}" for n in range(1, 9_000))
    ),
    "rules left out": lambda: event(
        NINE, "RRULE:FREQ=DAILY", *(f"EXRULE:FREQ=DAILY;INTERVAL={n}" for n in range(1, 9_000))
    ),
    "places": lambda: event(
        NINE, f"RRULE:FREQ=DAILY;BYHOUR=1,2,3,4;BYMINUTE={SIXTY};BYSETPOS={EVERY_DAY}"
    ),
    "days": lambda: event(
        NINE, f"RRULE:FREQ=YEARLY;BYYEARDAY={EVERY_DAY};BYMINUTE={SIXTY};BYSECOND={SIXTY}"
    ),
    "seconds": lambda: event(NINE, "RRULE:FREQ=SECONDLY"),
    "hardly ever": lambda: event(
        NINE, "RRULE:FREQ=SECONDLY;BYHOUR=1;BYMINUTE=1;BYSECOND=1;BYMONTH=2;BYMONTHDAY=29"
    ),
    "never": lambda: event(NINE, "RRULE:FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30"),
    "no interval": lambda: event(NINE, "RRULE:FREQ=DAILY;INTERVAL=0"),
    "long interval": lambda: event(NINE, "RRULE:FREQ=MONTHLY;INTERVAL=999999999"),
    "year 1": lambda: event("DTSTART:00010101T000000Z", "RRULE:FREQ=DAILY;BYSETPOS=1;BYHOUR=1,2"),
    "year 1, by week": lambda: event(
        "DTSTART:00010104T000000Z", "RRULE:FREQ=WEEKLY;WKST=SA;BYHOUR=1,2;BYSETPOS=1"
    ),
    "counted from year 1": lambda: event(
        "DTSTART:00010101T000000Z", "RRULE:FREQ=SECONDLY;COUNT=999999999"
    ),
    "year 9999": lambda: event("DTSTART:99991231T235959Z", "DURATION:P9999D", "RRULE:FREQ=DAILY"),
    "day 9999": lambda: event("DTSTART;VALUE=DATE:99991231", "DURATION:P9W", "RRULE:FREQ=YEARLY"),
    "long": lambda: event("DTSTART:19700101T090000Z", "DURATION:P999999W", "RRULE:FREQ=DAILY"),
    "too long": lambda: event(NINE, "DURATION:P" + "9" * 50_000 + "W"),
    "alarms": lambda: event(NINE, "RRULE:FREQ=HOURLY", *(ALARM.format(n) for n in range(3_000))),
    "tasks": lambda: calendar(
        *(component("VTODO", f"DUE:{when(n)}", "RRULE:FREQ=SECONDLY;INTERVAL=7")
          for n in range(4_000))
    ),
    "up and away": lambda: event("DTSTART;TZID=../../etc/passwd:20260101T090000"),
    "a path": lambda: event("DTSTART;TZID=/etc/passwd:20260101T090000"),
    "a long name": lambda: event(f"DTSTART;TZID={'a/' * 32_768}:20260101T090000"),
    "quotes": lambda: event("DTSTART" + ';X="";Y=a"b' * 15_000 + ":20260101T090000", NINE),
    "parameters": lambda: event("DTSTART" + ";X=1" * 20_000 + ":20260101T090000"),
    "a zone of seconds": lambda: calendar(
        zone("Z", *["RRULE:FREQ=SECONDLY"] * 400),
        component("VEVENT", "DTSTART;TZID=Z:20260101T090000", "RRULE:FREQ=DAILY"),
    ),
    "zones": lambda: calendar(
        *(zone(f"Z{n}", "RRULE:FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9") for n in range(60)),
        component("VEVENT", NINE, *(f"RDATE;TZID=Z{n}:20260101T090000" for n in range(60))),
    ),
    "busy": lambda: calendar(
        component("VFREEBUSY", *(f"FREEBUSY:{when(n)}/PT1H" for n in range(19_900)),
                  *("FREEBUSY:" + ",".join(["20260101T090000Z/PT1H"] * 9_000) for _ in range(9)))
    ),
}  # fmt: skip


def filtered(*inner: CompFilter) -> CompFilter:
    return CompFilter(b"VCALENDAR", comps=inner)


LONG_TIME = Range(WEEK.start, WEEK.start + 9_000 * 86_400)
NOT_THERE = text_match("y" * 1000, "i;unicode-casemap", "contains", False)
FILTERS = (
    *(filtered(CompFilter(kind, range=span)) for kind in (b"VEVENT", b"VTODO", b"VFREEBUSY")
      for span in (WEEK, Range(FIRST, LAST))),
    filtered(CompFilter(b"VEVENT", range=LONG_TIME, props=(PropFilter(b"X-NO"),) * 60)),
    filtered(*(CompFilter(b"VEVENT", range=Range(n, LONG_TIME.end)) for n in range(60))),
    filtered(CompFilter(b"VEVENT", comps=(CompFilter(b"VALARM", range=WEEK),) * 60)),
    filtered(CompFilter(b"VEVENT", props=(PropFilter(b"DESCRIPTION", text=NOT_THERE),) * 60)),
    filtered(*(CompFilter(b"VTODO", range=Range(n, LONG_TIME.end)) for n in range(60))),
)  # fmt: skip
SHAPES = (
    CalendarData(expand=WEEK), CalendarData(expand=ALL), CalendarData(limit_recurrence=WEEK),
    CalendarData(limit_freebusy=ALL),
)  # fmt: skip


def written_out(body: bytes, shape: CalendarData) -> None:
    assert len(shaped(body, shape)) <= max(len(body), 2 * EXPANDED_BYTES_MAX)


def busy(body: bytes) -> None:
    assert write_busy(ALL, busy_times(body, ALL), 0)


WAYS: tuple[Callable[[bytes], object], ...] = (
    check, span_of, busy,
    *(partial(matches, wanted=wanted) for wanted in FILTERS),
    *(partial(written_out, shape=shape) for shape in SHAPES),
)  # fmt: skip


@pytest.fixture
def read_once(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Read a body once for all ways of looking at it: what that takes is the same each time."""

    def read(body: bytes) -> None:
        tree = _or_error(read_tree, body)
        if isinstance(tree, Component):
            for module in (busytime, calendarfilter, calendarparts, calendarspan):
                monkeypatch.setattr(module, "read_tree", lambda _: tree)

    return read


def seconds_of(look: Callable[[bytes], object], body: bytes) -> float:
    began = time.process_time()
    look(body)
    return time.process_time() - began


@pytest.mark.parametrize("name", BODIES)
def test_what_costs_much_is_looked_at_in_time_and_listed(
    name: str, read_once: Callable[[bytes], None]
) -> None:
    body = BODIES[name]()
    reading = seconds_of(read_once, body)
    assert span_of(body).last >= WEEK.start or "year" not in name
    assert reading + max(seconds_of(look, body) for look in WAYS) < SECONDS_MAX


@pytest.mark.parametrize(
    "name",
    ["left out", "added", "seconds", "a zone of seconds", "too long", "up and away", "zones"],
)
def test_what_is_not_understood_might_match(name: str) -> None:
    body = BODIES[name]()
    assert matches(body, filtered(CompFilter(b"VEVENT", range=WEEK)))
    span = span_of(body)
    assert span.first < WEEK.end
    assert span.last >= WEEK.start


def test_a_span_of_more_dates_than_are_looked_at_is_always() -> None:
    assert span_of(event(NINE, lists("RDATE", RULE_STEPS_MAX))) != ALWAYS
    assert span_of(event(NINE, lists("RDATE", RULE_STEPS_MAX + 2))) == ALWAYS


def test_instances_are_written_out_up_to_a_size() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=4"

    def sent(pad: int) -> bytes:
        body = event(NINE, rule, "X-PAD:" + "x" * pad)
        return shaped(body, CalendarData(expand=WEEK))

    frame = len(b"BEGIN:VEVENT\rUID:u1\rX-PAD:\rEND:VEVENT\r") + len(NINE) + len(rule) + 2
    most = EXPANDED_BYTES_MAX // 4 - frame
    assert b"RRULE" not in sent(most)
    assert sent(most).count(b"BEGIN:VEVENT") == 4
    assert b"RRULE" in sent(most + 1)


def test_what_is_asked_of_one_thing_many_times_is_answered_alike() -> None:
    task = calendar(component("VTODO", "DUE:20260102T090000Z", "SUMMARY:Milk"))
    later = Range(WEEK.end, WEEK.end + 1)
    for spans, found in (((WEEK, WEEK), True), ((WEEK, later), False), ((later, WEEK), False)):
        asked = filtered(*(CompFilter(b"VTODO", range=span) for span in spans))
        assert matches(task, asked) is found
    milk, beer = (text_match(text, "i;ascii-casemap", "contains", False) for text in ("ilk", "eer"))
    for texts, found in (((milk, milk), True), ((milk, beer), False), ((beer, milk), False)):
        props = tuple(PropFilter(b"SUMMARY", text=text) for text in texts)
        assert matches(task, filtered(CompFilter(b"VTODO", props=props))) is found


# --- whatever comes -------------------------------------------------------------------------------
NAMES = [
    "DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID",
    "COMPLETED", "CREATED", "TRIGGER", "REPEAT", "FREEBUSY", "TZID", "TZOFFSETFROM", "TZOFFSETTO",
    "BEGIN", "END", "STATUS", "UID",
]  # fmt: skip
VALUES = [
    "20260101T090000Z", "20260101", "20260101T240000", "20260329T023000", "00010101", "99991231",
    "PT1H", "-P1D", "P1W", "FREQ=DAILY", "FREQ=YEARLY;BYMONTH=1;BYDAY=12MO", "FREQ=WEEKLY;COUNT=3",
    "FREQ=HOURLY;BYHOUR=3;UNTIL=20260201", "20260101T090000Z/PT1H", "/", ",", "VEVENT", "VTIMEZONE",
    "VALARM", "STANDARD", "+0100", "-1200", "Europe/Berlin", "Z", "",
]  # fmt: skip
PARAMETERS = [
    "", ";VALUE=DATE", ";TZID=Europe/Berlin", ";TZID=Z", ";RANGE=THISANDFUTURE", ";VALUE=PERIOD",
    ";RELATED=END", ';X="a;b"', ';X="', ";",
]  # fmt: skip
_line = st.tuples(*map(st.sampled_from, (NAMES, PARAMETERS, VALUES)))
_lines = st.lists(_line.map(lambda one: f"{one[0]}{one[1]}:{one[2]}"), max_size=12)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"]), _lines, _lines)
def test_no_object_raises(kind: str, lines: list[str], others: list[str]) -> None:
    body = calendar(zone("Z", *others), component(kind, *lines), component(kind, *others))
    if isinstance(_or_error(read_tree, body), FormatError):
        assert span_of(body) == ALWAYS
        assert all(matches(body, wanted) for wanted in FILTERS)
    span_of(body)
    for wanted in FILTERS:
        matches(body, wanted)
    for shape in SHAPES:
        assert shaped(body, shape)
    write_busy(ALL, busy_times(body, ALL), 0)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.sampled_from(VALUES).map(str.encode))
def test_readers_give_a_value_or_their_one_error(text: bytes) -> None:
    for read in (read_rule, read_moment, read_duration, read_tree, check):
        _or_error(read, text)
    zone_in(text)
    assert matches(text, FILTERS[0])
    assert span_of(text) == ALWAYS
    assert [shaped(text, shape) for shape in SHAPES] == [text] * len(SHAPES)


def _or_error(read: Callable[[bytes], object], text: bytes) -> object:
    try:
        return read(text)
    except FormatError as error:
        return error

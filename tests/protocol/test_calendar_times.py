"""A query for a time is never missing an instance, whatever was written in between (I4)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.asgi import Answer, Client
from fakes.events import BERLIN, calendar, component, event, events_between
from fakes.rulebook import DAYS, by_the_book, written
from fakes.site import Site
from strongroom.dav import report_calendar
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarknown import Known

XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
CALENDAR = "/dav/calendars/alice/calendar/"
FIRST = datetime(2020, 1, 1)  # noqa: DTZ001 - a local time, as all here
LAST = datetime(2026, 1, 1)  # noqa: DTZ001
ZONES = {"": UTC, "Z": UTC, "Europe/Berlin": ZoneInfo("Europe/Berlin")}


class Event(NamedTuple):
    """An event as a test knows it: its rule in parts, and which of its times were changed."""

    start: datetime
    zone: str  # "" = floating, which is read in UTC
    length: timedelta
    rule: dict[str, object] | None
    left_out: int  # every so-manieth; 0 = none
    moved: int  # the one of this place, -1 = none
    moved_by: timedelta

    def slots(self) -> list[datetime]:
        """Give its times by the book, until the last one that a test asks for."""
        end = LAST + timedelta(days=200)  # behind the longest time asked for
        found = [self.start] if self.rule is None else by_the_book(self.rule, self.start, end)
        return sorted({self.start, *found})

    def body(self, uid: str) -> bytes:
        """Write it as a client would."""
        slots, length = self.slots(), int(self.length.total_seconds())
        lines = [self._time("DTSTART", self.start), f"DURATION:PT{length}S"]
        if self.rule is not None:
            lines.append("RRULE:" + written(self.rule))
        lines += [self._time("EXDATE", slots[n]) for n in self._out(slots)]
        parts = [component("VEVENT", *lines, uid=uid)]
        if self._has_moved(slots):
            at = slots[self.moved]
            parts.append(component(
                "VEVENT", self._time("RECURRENCE-ID", at),
                self._time("DTSTART", at + self.moved_by), "DURATION:PT1H", uid=uid,
            ))  # fmt: skip
        return calendar(BERLIN, *parts)

    def happens(self, start: datetime, end: datetime) -> bool:
        """Say whether one of its times touches [start, end), in UTC."""
        slots = self.slots()
        out = set(self._out(slots))
        times = [(slot, self.length) for n, slot in enumerate(slots) if n not in out]
        if self._has_moved(slots):
            at = slots[self.moved]
            times = [one for one in times if one[0] != at]
            times.append((at + self.moved_by, timedelta(hours=1)))
        return any(
            (at := self._utc(local)) < end and (at + length > start or at >= start)
            for local, length in times
        )

    def _out(self, slots: list[datetime]) -> list[int]:
        return [n for n in range(1, len(slots), self.left_out) if n < 40] if self.left_out else []

    def _has_moved(self, slots: list[datetime]) -> bool:
        return 0 <= self.moved < len(slots) and self.moved not in self._out(slots)

    def _utc(self, local: datetime) -> datetime:
        there = local.replace(tzinfo=ZONES[self.zone])
        return there.astimezone(UTC).replace(tzinfo=None)

    def _time(self, name: str, local: datetime) -> str:
        text = f"{local:%Y%m%dT%H%M%S}"
        if self.zone in {"", "Z"}:
            return f"{name}:{text}{self.zone}"
        return f"{name};TZID={self.zone}:{text}"


def _some(*values: object) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True)


_rules = st.fixed_dictionaries(
    {"FREQ": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
     "INTERVAL": st.integers(1, 5)},
    optional={
        "COUNT": st.integers(1, 60), "BYDAY": _some(*DAYS), "BYMONTH": _some(*range(1, 13)),
        "WKST": st.sampled_from(["SU", "MO"]),
    },
)  # fmt: skip
_times = st.datetimes(FIRST, LAST).map(lambda one: one.replace(microsecond=0, second=0, fold=0))
_events = st.builds(
    Event, _times, st.sampled_from(sorted(ZONES)),
    st.sampled_from([timedelta(), timedelta(hours=1), timedelta(days=3)]),
    st.none() | _rules, st.integers(0, 3), st.integers(-1, 5),
    st.integers(-400, 400).map(lambda hours: timedelta(hours=hours)),
)  # fmt: skip
_windows = st.tuples(_times, st.sampled_from([1, 24, 7 * 24, 31 * 24, 3000]))


def asked(site: Site, start: datetime, end: datetime) -> set[str]:
    span = f'start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"'
    body = (
        f"<C:calendar-query {XML}><D:prop><D:getetag/></D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range {span}/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    )
    answer = site.do("REPORT", CALENDAR, body, depth="1")
    assert answer.status == 207
    return {href.rpartition("/")[2] for href in answer.hrefs}


@pytest.mark.rfc("4791", "7.8", "9.9")
@settings(max_examples=40, deadline=None)
@given(st.lists(_events, min_size=1, max_size=6), st.lists(
    st.tuples(st.integers(0, 5), st.none() | _events, _windows), min_size=3, max_size=10
))  # fmt: skip
def test_a_query_finds_exactly_what_happens(
    begin: list[Event], steps: list[tuple[int, Event | None, tuple[datetime, int]]]
) -> None:
    site = Site()
    stand: dict[str, Event] = {}

    def put(number: int, one: Event) -> None:
        name = f"{number}.ics"
        answer = site.do("PUT", CALENDAR + name, one.body(name), content_type="text/calendar")
        assert answer.status in {201, 204}
        stand[name] = one

    site.do("PROPFIND", "/dav/calendars/alice/", depth="1")
    for number, one in enumerate(begin):
        put(number, one)
    for number, changed, (start, hours) in steps:
        if changed is not None:
            put(number, changed)
        elif stand.pop(f"{number}.ics", None) is not None:
            assert site.do("DELETE", f"{CALENDAR}{number}.ics").status == 204
        end = start + timedelta(hours=hours)
        expected = {name for name, one in stand.items() if one.happens(start, end)}
        assert asked(site, start, end) == expected


def test_a_slow_rule_holds_up_nobody() -> None:
    """A short body with a long rule is looked at beside the event loop."""
    site = Site()
    rule = "RRULE:FREQ=DAILY;COUNT=49000"
    site.do("PROPFIND", "/dav/calendars/alice/", depth="1")
    for name in "abc":
        body = event("DTSTART:19500101T090000Z", rule, uid=name)
        site.do("PUT", f"{CALENDAR}{name}.ics", body, content_type="text/calendar")
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, time.perf_counter() - began)

    async def query() -> float:
        other = asyncio.create_task(watch())
        await asyncio.sleep(0.01)  # it watches now
        began = time.perf_counter()
        body = (
            f"<C:calendar-query {XML}><D:prop><C:calendar-data><C:expand "
            'start="20830101T000000Z" end="20830108T000000Z"/></C:calendar-data></D:prop><C:filter>'
            '<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
            '<C:time-range start="20830101T000000Z" end="20830108T000000Z"/>'
            "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        )
        answer = await site.alice("REPORT", CALENDAR, body, depth="1")
        assert len(answer.hrefs) == 3
        other.cancel()
        return time.perf_counter() - began

    taken = site.run(query())
    assert longest < taken / 4


def test_nobody_waits_for_anothers_slow_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of alice's looks lasts until bob has had his answer."""
    site = Site()
    answered = threading.Event()
    look = report_calendar.learn

    def slowly(body: bytes, when: Range, floating: tzinfo) -> Known:
        if b"alice" in body:
            assert answered.wait(30)
        return look(body, when, floating)

    monkeypatch.setattr(report_calendar, "learn", slowly)
    for client, name in ((site.alice, "alice"), (site.bob, "bob")):
        body = event("DTSTART:20260105T090000Z", uid=name)
        path = f"/dav/calendars/{name}/calendar/e.ics"
        site.run(client("PUT", path, body, content_type="text/calendar"))

    def query(client: Client, name: str) -> Coroutine[None, None, Answer]:
        return client(
            "REPORT", f"/dav/calendars/{name}/calendar/",
            events_between("20260101T000000Z", "20260201T000000Z"), depth="1",
        )  # fmt: skip

    async def both() -> list[str]:
        waiting = [asyncio.create_task(query(site.alice, "alice")) for _ in range(40)]
        await asyncio.sleep(0.05)
        try:
            return (await asyncio.wait_for(query(site.bob, "bob"), 10)).hrefs
        finally:
            answered.set()
            await asyncio.gather(*waiting)

    assert site.run(both()) == ["/dav/calendars/bob/calendar/e.ics"]

"""The index by time: it follows the journal, and what a query learnt is not read again."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from fakes.asgi import Answer
from fakes.events import event
from fakes.site import Site
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarknown import Known
from strongroom.history.entries import OBJECT, Key
from strongroom.service import spans as module
from strongroom.service.spans import Spans

CALENDAR = "/dav/calendars/alice/calendar/"
XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
WEEK = '<C:time-range start="20260105T000000Z" end="20260112T000000Z"/>'
ON = '<C:time-range start="20260105T000000Z"/>'


@pytest.fixture
def site() -> Site:
    return Site()


def put(site: Site, name: str, *lines: str) -> None:
    body = event(*lines, uid=name)
    answer = site.do("PUT", f"{CALENDAR}{name}.ics", body, content_type="text/calendar")
    assert answer.status in {201, 204}


def query(site: Site, time: str, wanted: str = "<D:getetag/>") -> Answer:
    body = (
        f"<C:calendar-query {XML}><D:prop>{wanted}</D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">{time}</C:comp-filter>'
        "</C:comp-filter></C:filter></C:calendar-query>"
    )
    return site.do("REPORT", CALENDAR, body, depth="1")


@pytest.fixture
def read(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Digests of the bodies that were read."""
    seen: list[str] = []
    bodies = site.cell.bodies

    async def counted(digests: Any) -> Any:
        seen.extend(digests)
        return await bodies(digests)

    monkeypatch.setattr(site.cell, "bodies", counted)
    return seen


def names(answer: Answer) -> list[str]:
    return sorted(href.removeprefix(CALENDAR).removesuffix(".ics") for href in answer.hrefs)


@pytest.mark.parametrize("time", [WEEK, ON])
def test_a_second_query_of_a_time_reads_nothing_again(
    site: Site, read: list[str], time: str
) -> None:
    put(site, "weekly", "DTSTART:20250101T090000Z", "RRULE:FREQ=WEEKLY")
    put(site, "once", "DTSTART:20260106T090000Z")
    put(site, "ended", "DTSTART:20250101T090000Z", "RRULE:FREQ=YEARLY;COUNT=2")
    put(site, "yearly", "DTSTART:20250601T090000Z", "RRULE:FREQ=YEARLY;COUNT=2")
    wanted = ["once", "weekly", "yearly"] if time == ON else ["once", "weekly"]
    assert names(query(site, time)) == wanted
    first = len(read)
    assert first >= len(wanted)
    assert names(query(site, time)) == wanted
    assert len(read) == first
    data = "<C:calendar-data/>"
    assert names(query(site, time, data)) == wanted
    assert len(read) == first + len(wanted)


def test_what_changed_since_is_looked_at_again(site: Site, read: list[str]) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    put(site, "b", "DTSTART:20260107T090000Z")
    put(site, "d", "DTSTART:20260207T090000Z")
    assert names(query(site, WEEK)) == ["a", "b"]
    put(site, "d", "DTSTART:20260109T090000Z")
    assert names(query(site, WEEK)) == ["a", "b", "d"]
    site.do("DELETE", CALENDAR + "d.ics")
    put(site, "a", "DTSTART:20260116T090000Z")
    put(site, "c", "DTSTART:20260108T090000Z")
    assert names(query(site, WEEK)) == ["b", "c"]
    site.do("DELETE", CALENDAR + "b.ics")
    assert names(query(site, WEEK)) == ["c"]
    put(site, "a", "DTSTART:20260106T090000Z")
    assert names(query(site, WEEK)) == ["a", "c"]
    assert len(read) == len(set(read))


def test_what_was_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN_EVENTS_MAX", 2)
    spans, when = Spans(), Range(0, 10)
    for etag in ("a", "b", "a", "c"):
        spans.learn(etag, UTC, Known(when, ()))
    assert [spans.told(etag, UTC, when) for etag in "abc"] == [False, None, False]


def test_a_row_of_the_past_makes_no_query_short(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica that lost a write tells when it happened before; the index knows better (I4)."""
    put(site, "a", "DTSTART:20260206T090000Z")
    put(site, "b", "DTSTART:20260107T090000Z")
    calendar = site.cell.directory.collection(site.home, "calendars/calendar")
    assert calendar is not None
    (was,) = site.run(site.cell.rows([Key(calendar.id, OBJECT, "a.ics")]))
    assert was is not None
    assert names(query(site, WEEK)) == ["b"]
    put(site, "a", "DTSTART:20260106T090000Z")
    rows = site.cell.rows

    async def with_one_of_the_past(keys: Any) -> Any:
        return [
            was if key == was.key else row for key, row in zip(keys, await rows(keys), strict=True)
        ]

    monkeypatch.setattr(site.cell, "rows", with_one_of_the_past)
    assert names(query(site, WEEK)) == ["a", "b"]

"""The index by time: it follows the journal, and what a query learnt is not read again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from functools import partial
from typing import Any

import pytest

from fakes.asgi import Answer
from fakes.events import BERLIN, calendar, event
from fakes.site import Site
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarknown import Known
from strongroom.formats.calendarspan import Span
from strongroom.formats.calendarzone import zone_in
from strongroom.history.entries import OBJECT, Key
from strongroom.service import content
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
def read(site: Site) -> list[str]:
    return site.bodies_read()


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


def test_nothing_is_remembered_under_a_zone_that_a_client_defined() -> None:
    """Each query may bring another one, and each may be large."""
    own = zone_in(calendar(BERLIN.replace("Europe/Berlin", "Home")))
    world = zone_in(calendar(BERLIN))
    assert own is not None
    assert world is not None
    spans, when = Spans(), Range(0, 10)
    for zone in (own, world):
        spans.learn("a", zone, Known(when, ()))
    assert [spans.told("a", zone, when) for zone in (own, world)] == [None, False]


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


# --- races ----------------------------------------------------------------------------------------
def meanwhile(
    monkeypatch: pytest.MonkeyPatch, site: Site, name: str, act: Callable[[], Awaitable[object]]
) -> None:
    """Let something happen before the cell is asked for the first time."""
    asked, left = getattr(site.cell, name), [act]

    async def after(*given: Any) -> Any:
        while left:
            await left.pop()()
        return await asked(*given)

    monkeypatch.setattr(site.cell, name, after)


def test_a_move_while_a_query_looks_makes_it_not_short(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event stands at every moment, under one name or the other."""
    put(site, "a", "DTSTART:20260106T090000Z")
    put(site, "z", "DTSTART:20260106T090000Z")
    assert names(query(site, WEEK)) == ["a", "z"]
    move = partial(site.alice, "MOVE", CALENDAR + "a.ics", destination=CALENDAR + "b.ics")
    meanwhile(monkeypatch, site, "rows", move)
    assert names(query(site, WEEK)) == ["b", "z"]


def test_what_is_written_all_the_time_is_told_by_a_listing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    put(site, "b", "DTSTART:20260106T090000Z")
    assert names(query(site, WEEK)) == ["a", "b"]
    rows, count = site.cell.rows, 0

    async def after_a_change(keys: Any) -> Any:
        nonlocal count
        count += 1
        body = event(f"DTSTART:2026010{count + 6}T090000Z", uid="a")
        await site.alice("PUT", CALENDAR + "a.ics", body, content_type="text/calendar")
        return await rows(keys)

    monkeypatch.setattr(site.cell, "rows", after_a_change)
    calendar = site.cell.directory.collection(site.home, "calendars/calendar")
    assert calendar is not None
    spans, when = Spans(), Range(1_767_571_200, 1_768_176_000)
    for _ in range(2):
        found = site.run(spans.between(site.cell, calendar.id, when, "VEVENT"))
        assert sorted(row.href for row in found) == ["a.ics", "b.ics"]
    assert count == 2


def test_an_index_that_is_forgotten_while_it_is_asked_answers_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    calendar = site.cell.directory.collection(site.home, "calendars/calendar")
    assert calendar is not None
    tasks = site.cell.directory.collection(site.home, "calendars/tasks")
    assert tasks is not None
    spans, when = Spans(names_max=0), Range(1_767_571_200, 1_768_176_000)
    ask = partial(spans.between, site.cell, calendar.id, when, "VEVENT")
    assert len(site.run(ask())) == 1
    meanwhile(monkeypatch, site, "rows", partial(spans.between, site.cell, tasks.id, when, "VTODO"))
    assert [row.href for row in site.run(ask())] == ["a.ics"]


def test_a_calendar_that_is_trusted_while_a_query_looks_is_read_as_doubted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was told anew may have come behind the place that the index has followed to."""
    with monkeypatch.context() as older:
        older.setattr(content, "span_of", lambda _: Span(0, 1))
        put(site, "a", "DTSTART:20260106T090000Z")
    calendar = site.cell.directory.collection(site.home, "calendars/calendar")
    assert calendar is not None
    spans, when = Spans(), Range(1_767_571_200, 1_768_176_000)
    ask = partial(spans.between, site.cell, calendar.id, when, "VEVENT")
    assert site.run(ask()) == []
    spans.doubt(calendar.id)
    follow = module.followed

    async def then_trusted(*given: Any) -> bool:
        done = await follow(*given)
        spans.trust(calendar.id)
        return done

    monkeypatch.setattr(module, "followed", then_trusted)
    assert [row.href for row in site.run(ask())] == ["a.ics"]


def test_the_indexes_hold_so_many_names_and_no_more(site: Site) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    put(site, "b", "DTSTART:20260106T090000Z")
    put(site, "c", "DTSTART:20260106T090000Z")
    when = Range(1_767_571_200, 1_768_176_000)
    places = [
        site.cell.directory.collection(site.home, f"calendars/{name}")
        for name in ("calendar", "tasks", "notes")
    ]
    made: list[int] = []
    listing = site.cell.listing

    async def counted(collection: int, kind: str) -> Any:
        made.append(collection)
        return await listing(collection, kind)

    site.cell.listing = counted  # type: ignore[method-assign]
    for room, lists in ((3, 3), (2, 4)):
        made.clear()
        spans = Spans(names_max=room)
        for place in (*places, places[0]):
            assert place is not None
            site.run(spans.between(site.cell, place.id, when, ""))
        assert len(made) == lists


def test_an_index_may_be_forgotten_while_it_follows(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    calendar = site.cell.directory.collection(site.home, "calendars/calendar")
    assert calendar is not None
    spans, week = Spans(), Range(1767571200, 1768176000)
    site.run(spans.between(site.cell, calendar.id, week, ""))
    changes = site.cell.changes

    async def meanwhile(*asked: Any) -> Any:
        spans._indexes.clear()
        return await changes(*asked)

    put(site, "b", "DTSTART:20260107T090000Z")
    monkeypatch.setattr(site.cell, "changes", meanwhile)
    found = site.run(spans.between(site.cell, calendar.id, week, ""))
    assert [one.href for one in found] == ["a.ics", "b.ics"]


def test_others_have_their_turn_while_a_large_index_is_made(site: Site) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    calendar = site.cell.directory.collection(site.home, "calendars/calendar")
    assert calendar is not None
    head, (row,) = site.run(site.cell.listing(calendar.id, OBJECT))
    many = tuple(row._replace(href=f"{number}.ics") for number in range(4500))

    async def listing(*_: Any) -> Any:
        return head._replace(members=len(many)), many

    site.cell.listing = listing  # type: ignore[method-assign]

    when = Range(1_767_571_200, 1_768_176_000)
    found, turns = site.turns_during(Spans().between(site.cell, calendar.id, when, "VEVENT"))
    assert len(found) == len(many)
    assert turns >= 10  # five to make it, five to look through it


@pytest.mark.parametrize("wanted", ["<D:getetag/>", "<C:calendar-data/>"])
def test_what_is_forgotten_while_a_query_learns_is_told_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setattr(module, "KNOWN_EVENTS_MAX", 1)
    for name in "abcd":
        put(site, name, "DTSTART:20250106T090000Z", "RRULE:FREQ=WEEKLY")
    for _ in range(2):
        assert names(query(site, WEEK, wanted)) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("wanted", ["<D:getetag/>", "<C:calendar-data/>"])
def test_a_body_that_cannot_be_had_now_leaves_nothing_out(site: Site, wanted: str) -> None:
    put(site, "a", "DTSTART:20260106T090000Z")
    put(site, "b", "DTSTART:20260107T090000Z")
    (lost,) = (row.etag for row in site.cell.table.values() if row.href == "b.ics")  # type: ignore[union-attr]
    site.cell.lost.add(lost)
    assert query(site, WEEK, wanted).status == 503
    site.cell.lost.clear()
    assert names(query(site, WEEK, wanted)) == ["a", "b"]

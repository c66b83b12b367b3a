"""Rows that tell a wrong time are told anew by scrub, and no answer is short meanwhile (I4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.asgi import Client
from fakes.events import event
from fakes.mirror import Stage
from fakes.past import Past, counts
from fakes.site import Site
from strongroom.base.errors import NoSpaceError, UnknownError
from strongroom.compose import Parts
from strongroom.control.protocol import Request
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.dav.auth import Gate
from strongroom.formats import calendarspan
from strongroom.formats.calendar import COMPONENTS
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarspan import Span, retold, told_in
from strongroom.formats.conditions import Precondition
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin, Remove
from strongroom.history.entries import OBJECT, PROPS, Entry, Key, Member
from strongroom.mirror.cell import MirrorCell
from strongroom.server import Server
from strongroom.service import content
from strongroom.service.collections import calendar_data, make_collection
from strongroom.service.journals import entries
from strongroom.service.objects import put_object
from strongroom.service.retelling import Retelling
from strongroom.service.spans import Spans
from strongroom.service.timeline import Query, timeline
from strongroom.upkeep.scrub import Findings, Pace, scrub

CALENDAR = "/dav/calendars/alice/calendar/"
LATE = Range(1_768_003_200, 1_768_089_600)  # 10 January 2026: the sixth day of the series
NARROW = Span(1_767_603_600, 1_767_607_200)  # its first day alone
PHONE = Origin(7, "a phone's request", "if-none-match: *")


def series(uid: str, title: str = "Standup") -> bytes:
    lines = ("DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY;COUNT=9", f"SUMMARY:{title}")
    return event(*lines, uid=uid)


def quiet(_: str) -> None:
    return


class Diary:
    """A calendar on a mirror, in which things were told by rules that were wrong."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.stage = Stage()
        self.spans = Spans()

    async def begin(self, *names: str) -> None:
        self.cell = await self.stage.begin()
        home = self.stage.home
        data = calendar_data(COMPONENTS)
        self.calendar = await make_collection(
            self.cell, home, "calendars/diary", {}, Origin(), data
        )
        with self.monkeypatch.context() as older:
            older.setattr(content, "span_of", lambda _: NARROW)
            for name in names:
                await self.put(name, series(name))

    async def put(self, name: str, body: bytes) -> None:
        await put_object(self.cell, self.calendar, name, body, Precondition(), PHONE)

    async def row(self, name: str) -> Member:
        row = await self.cell.row(Key(self.calendar.id, OBJECT, name))
        assert row is not None
        return row

    async def journal(self) -> list[Entry]:
        return [entry async for entry in entries(self.cell, self.calendar.id)]

    async def found(self) -> list[str]:
        """Say what a query finds."""
        rows = await self.spans.between(self.cell, self.calendar.id, LATE, "VEVENT")
        return sorted(row.href for row in rows)

    async def scrub(self) -> Findings:
        """Scrub, and give what was found in the first copy, where times are looked at."""
        times = Retelling(self.cell, self.spans, "scrub")
        found = await scrub(self.cell, quiet, Pace(0), times=times)
        assert [one.damage + one.silent for one in found] == ["", "", ""]
        assert [(one.retold, one.short) for one in found[1:]] == [(0, []), (0, [])]
        return found[0]

    async def reopen(self) -> None:
        """End, and begin anew with what the copies hold."""
        await self.cell.close()
        self.cell = await self.stage.open()
        self.spans = Spans()


Tell = Callable[[Callable[[Diary], Awaitable[None]], tuple[str, ...]], None]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Run a story about a diary in which these were told wrongly."""

    def run(story: Callable[[Diary], Awaitable[None]], names: tuple[str, ...]) -> None:
        async def whole() -> None:
            diary = Diary(monkeypatch)
            await diary.begin(*names)
            await story(diary)
            await diary.cell.close()

        asyncio.run(whole())

    return run


def test_a_scrub_tells_anew_what_was_told_wrongly(tell: Tell) -> None:
    async def story(diary: Diary) -> None:
        await diary.put("right", series("right"))
        before = await diary.row("a")
        assert await diary.found() == ["right"]  # short: a phone would delete `a` and `b`

        findings = await diary.scrub()
        assert (findings.retold, findings.short) == (2, [])
        assert await diary.found() == ["a", "b", "right"]
        after = await diary.row("a")
        assert after.data != before.data
        kept = ("id", "etag", "props", "by")
        assert all(getattr(after, one) == getattr(before, one) for one in kept)
        entry = (await diary.journal())[-1]
        assert (entry.verb, entry.condition, entry.request) == (PROPS, "index made anew", "scrub")

        assert (await diary.scrub()).retold == 0
        await diary.reopen()
        assert await diary.found() == ["a", "b", "right"]

    tell(story, ("a", "b"))


def test_what_other_rules_told_is_not_believed_and_told_anew(
    tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade: the number of the rules says that a span may be too narrow."""

    async def story(diary: Diary) -> None:
        monkeypatch.setattr(calendarspan, "RULES", calendarspan.RULES + 1)
        assert await diary.found() == ["a", "b"]
        task = "BEGIN:VTODO\r\nUID:t\r\nDUE:20260110T090000Z\r\nEND:VTODO"
        await diary.put("t", calendar_of(task))
        assert (await diary.scrub()).retold == 2
        assert told_in((await diary.row("a")).data).span is not None
        assert await diary.found() == ["a", "b"]

    tell(story, ("a", "b"))


def calendar_of(part: str) -> bytes:
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//T//EN\r\n{part}\r\nEND:VCALENDAR\r\n"
    return text.encode()


async def _freeze(diary: Diary) -> None:
    await diary.cell.freeze(diary.stage.home, str(diary.calendar.id), "why", "evidence")


async def _fill(diary: Diary) -> None:
    _refuse(diary, NoSpaceError())


async def _remove(diary: Diary) -> None:
    await diary.cell.submit(Remove(diary.calendar.key), {})


def _refuse(diary: Diary, error: Exception, after: int = 0) -> None:
    """Let edits beyond so many end with an error."""
    submit, count = MirrorCell.submit, 0

    async def refused(cell: MirrorCell, *given: Any) -> Any:
        nonlocal count
        count += 1
        if count > after:
            raise error
        return await submit(cell, *given)

    diary.monkeypatch.setattr(MirrorCell, "submit", refused)


@pytest.mark.parametrize("hindered", [_freeze, _fill, _remove])
def test_where_nothing_can_be_written_no_row_is_believed(
    tell: Tell, hindered: Callable[[Diary], Awaitable[None]]
) -> None:
    async def story(diary: Diary) -> None:
        number = diary.cell.head(diary.calendar.id).number
        await hindered(diary)
        findings = await diary.scrub()
        where = diary.calendar.id
        assert (findings.retold, findings.short) == (0, [f"{where}/a", f"{where}/b"])
        assert diary.cell.head(where).number == number
        assert await diary.found() == ["a", "b"]

    tell(story, ("a", "b"))


def test_a_calendar_is_believed_again_once_all_of_it_is_right(tell: Tell) -> None:
    async def story(diary: Diary) -> None:
        await diary.put("never", event("DTSTART:20200105T090000Z", uid="never"))
        with diary.monkeypatch.context() as hindered:
            diary.monkeypatch = hindered
            _refuse(diary, NoSpaceError(), after=1)
            findings = await diary.scrub()
        assert (findings.retold, len(findings.short)) == (1, 1)
        assert await diary.found() == ["a", "b", "never"]
        assert (await diary.scrub()).retold == 1
        assert await diary.found() == ["a", "b"]

    tell(story, ("a", "b"))


def test_a_scrub_that_ends_half_way_goes_on_the_next_time(tell: Tell) -> None:
    """A power cut: some are told anew, of others the ending is unknown."""

    async def story(diary: Diary) -> None:
        with diary.monkeypatch.context() as cut:
            diary.monkeypatch = cut
            _refuse(diary, UnknownError(), after=2)
            assert (await diary.scrub()).retold == 2
        await diary.reopen()
        assert (await diary.scrub()).retold == 3
        assert await diary.found() == ["a", "b", "c", "d", "e"]
        told = [entry.href for entry in await diary.journal() if entry.verb == PROPS]
        assert sorted(told) == ["a", "b", "c", "d", "e"]

    tell(story, ("a", "b", "c", "d", "e"))


def test_who_writes_meanwhile_wins(tell: Tell) -> None:
    async def story(diary: Diary) -> None:
        seen = [await diary.row(name) for name in "abc"]
        wrong = [(row, retold(row.data, series(row.href))) for row in seen]
        await diary.put("a", event("DTSTART:20200105T090000Z", uid="a"))
        await diary.cell.submit(Remove(seen[1].key), {})
        numbers = [entry.number for entry in await diary.journal()]
        assert await Retelling(diary.cell, diary.spans, "scrub").retell(wrong) == []
        new = (await diary.journal())[len(numbers) :]
        assert [entry.href for entry in new] == ["c"]
        assert (await diary.row("a")).number == seen[2].number + 1

    tell(story, ("a", "b", "c"))


def test_a_mistake_of_ours_is_not_taken_for_trouble_with_a_disk(tell: Tell) -> None:
    async def story(diary: Diary) -> None:
        _refuse(diary, ZeroDivisionError())
        with pytest.raises(ZeroDivisionError):
            await diary.scrub()

    tell(story, ("a",))


def test_the_command_tells_anew_and_doubts_in_the_index_of_the_server(tell: Tell) -> None:
    async def story(diary: Diary) -> None:
        settings = SimpleNamespace(scrub_bytes_per_second=0)
        parts = SimpleNamespace(settings=settings, marks=None, clock=diary.stage.clock)
        room = Room(cast(Parts, parts), diary.cell, spans=diary.spans)
        with diary.monkeypatch.context() as hindered:
            diary.monkeypatch = hindered
            await _fill(diary)
            assert [len(row["short"]) for row in await _command(room)] == [1, 0, 0]
        assert await diary.found() == ["a"]
        assert [row["retold"] for row in await _command(room)] == [1, 0, 0]
        assert await diary.found() == ["a"]
        assert (await diary.journal())[-1].request == "scrub 2023-11-14T22:13:20.000Z"

    tell(story, ("a",))


async def _command(room: Room) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await run(room, Request("scrub", {}), quiet))["replicas"]
    return rows


# --- as people and phones see it ------------------------------------------------------------------
@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Past:
    """Give alice's calendar, with `a` told wrongly."""
    site = Past()
    with monkeypatch.context() as older:
        older.setattr(content, "span_of", lambda _: NARROW)
        put(site, series("a"))
    return site


def put(site: Past, body: bytes) -> None:
    answer = site.do("PUT", CALENDAR + "a.ics", body, content_type="text/calendar")
    assert answer.status in {201, 204}


def row_of(site: Past) -> Member:
    (row,) = (row for key, row in site.cell.table.items() if key.href == "a.ics")
    assert isinstance(row, Member)
    return row


def retell(site: Past) -> None:
    row = row_of(site)
    times = Retelling(site.cell, Spans(), "scrub")  # type: ignore[arg-type]
    assert site.run(times.retell([(row, retold(row.data, series("a")))])) == []


def test_the_server_answers_from_the_index_that_scrub_doubts(site: Past) -> None:
    spans = Spans()
    app = Server(lambda: site.cell, site.entropy, Gate(delay_seconds=0), spans=spans)
    phone = Client(app, "alice", site.passwords["alice", "phone"])
    query = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>'
        '<D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        '<C:comp-filter name="VEVENT"><C:time-range start="20260110T000000Z" '
        'end="20260111T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>'
    )

    def found() -> list[str]:
        return site.run(phone("REPORT", CALENDAR, query, depth="1")).hrefs

    assert found() == []
    spans.doubt(row_of(site).collection)
    assert found() == [CALENDAR + "a.ics"]
    spans.trust(row_of(site).collection)
    assert found() == []


def test_the_history_tells_that_it_was_the_server(site: Past) -> None:
    retell(site)
    found = site.run(
        timeline(site.cell, site.account, Query(thing="a.ics"), site.cell.now_ms)
    ).events
    assert [(one.what, one.device, one.unconditional) for one in found] == [
        ("index made anew", "", False), ("created", "phone", False),
    ]  # fmt: skip
    of_phone = Query(thing="a.ics", device="phone")
    found = site.run(timeline(site.cell, site.account, of_phone, site.cell.now_ms)).events
    assert [one.what for one in found] == ["created"]


def test_the_history_tells_of_one_scrub_once(site: Past) -> None:
    for name in ("b", "c"):
        body = series(name)
        site.do("PUT", f"{CALENDAR}{name}.ics", body, content_type="text/calendar")
    rows = [row for row in site.cell.table.values() if row.href.endswith(".ics")]
    for request, more in (("scrub 1", 1), ("scrub 2", 2)):
        times = Retelling(site.cell, Spans(), request)  # type: ignore[arg-type]
        calendar = [site.cell.table[row.key] for row in rows]
        told = [(row, row.data.replace("[", f"[{more}")) for row in calendar]  # type: ignore[union-attr]
        assert site.run(times.retell(told)) == []  # type: ignore[arg-type]

    def whats(**asked: str) -> list[str]:
        query = Query(**asked)  # type: ignore[arg-type]
        found = site.run(timeline(site.cell, site.account, query, site.cell.now_ms))
        return [one.what for one in found.events if one.what == "index made anew"]

    assert len(whats()) == 2
    assert len(whats(collection="calendars/calendar")) == 2
    assert len(whats(thing="b.ics")) == 2


def test_an_undo_does_not_bring_the_wrong_time_back(site: Past) -> None:
    then = site.last
    retell(site)
    right = row_of(site).data
    for wish in ({"to": then}, {"device": "phone", "since": site.last}):
        assert counts(site.plan(**wish)) == {}
    changed = site.now
    put(site, event("DTSTART:20200105T090000Z", uid="a"))
    assert counts(site.undo(device="phone", since=changed)) == {"change": 1}
    assert row_of(site).data == right


def test_an_undo_of_what_came_later_tells_the_time_by_todays_rules(site: Past) -> None:
    then = site.last
    wrong = row_of(site).data
    put(site, event("DTSTART:20200105T090000Z", uid="a"))
    site.undo(to=then)
    assert site.do("GET", CALENDAR + "a.ics").body == series("a")
    assert row_of(site).data == retold(wrong, series("a")) != wrong


def test_an_undo_of_a_move_keeps_what_was_told_anew(site: Past) -> None:
    then = site.last
    assert site.do("MOVE", CALENDAR + "a.ics", destination=CALENDAR + "b.ics").status == 201
    (row,) = (row for key, row in site.cell.table.items() if key.href == "b.ics")
    assert isinstance(row, Member)
    right = retold(row.data, series("a"))
    times = Retelling(site.cell, Spans(), "scrub")  # type: ignore[arg-type]
    assert site.run(times.retell([(row, right)])) == []
    assert counts(site.undo(to=then)) == {"move": 1}
    assert row_of(site).data == right


def test_homes_are_looked_through_once_however_many_calendars_were_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site, looks = Site(), 0
    accounts = Directory.accounts

    def counted(directory: Directory) -> list[Member]:
        nonlocal looks
        looks += 1
        return accounts(directory)

    monkeypatch.setattr(Directory, "accounts", counted)
    times = Retelling(site.cell, Spans(), "scrub")
    for calendar in range(900, 910):  # none of these stands
        row = Member(calendar, OBJECT, "a.ics", 1, 1, "", "{}", "", 0, 0)
        assert site.run(times.retell([(row, "{}")])) == [row]
    assert looks == 1

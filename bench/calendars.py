"""The workloads of calendars: PUT of events, a week's query, first sync and delta.

One of ten events recurs. The filled calendar comes first, so that its queries meet what phones
meet; a query is asked again and again for one week, as phones and desktops do, and one for a word.
"""

from collections.abc import AsyncIterator
from dataclasses import replace

from bench import dav
from bench.adapter import Running, filled_calendar
from bench.events import event, summary, uid
from bench.figures import Measure
from bench.fill import CONNECTIONS, FIRST_NEW, fill_with, new_objects
from bench.load import Act
from bench.wire import Connection, Target, WrongAnswerError
from bench.workloads import Plan, Round, queries

FRESH = "freshevents"
WEEK = ("20260302T000000Z", "20260309T000000Z")


def new_events(calendar: str, first: int = FIRST_NEW) -> Act:
    """PUT an event that was never there, as DAVx5 does: with If-None-Match."""
    return new_objects(
        lambda number: (f"{calendar}{uid(number)}.ics", event(number)), dav.NEW_EVENT, first
    )


async def fill(target: Target, calendar: str, events: int) -> None:
    """PUT so many events, numbered from 0; every one must be acknowledged."""
    await fill_with(target, new_events(calendar, 0), events)


class CalendarRound(Round):
    """One server, one run, with calendars in the place of books."""

    def __init__(self, running: Running, plan: Plan, run: int) -> None:
        super().__init__(running, plan, run)
        self._calendar = self._on.target.calendar(filled_calendar(plan.large))

    async def measures(self) -> AsyncIterator[Measure]:
        """Take every measure; one that breaks is yielded with value 0 and what was said."""
        size = self._plan.large
        yield await self._guarded(f"first sync of {size:,} events, by 100", "s", self._first_events)
        yield await self._guarded(f"query of a week in {size:,} events", "ms", self._week)
        yield await self._guarded(f"query of {size:,} events, SUMMARY contains", "ms", self._words)
        yield await self._guarded(f"delta of 1 in {size:,} events", "ms", self._delta_events)
        yield self._measure(f"memory with {size:,} events", self._on.memory(), "MB")
        line = Connection(self._on.target)
        fresh = self._on.target.calendar(FRESH)
        await dav.make_calendar(line, fresh)
        line.close()
        yield await self._load("PUT events, 1 connection", 1, new_events(fresh))
        again = new_events(fresh, 2 * FIRST_NEW)
        yield await self._load("PUT events, 32 connections", CONNECTIONS, again)

    async def _first_events(self, name: str) -> Measure:
        fetch = dav.multiget_events
        return await self._first_sync(name, self._calendar, self._plan.large, 100, fetch)

    async def _week(self, name: str) -> Measure:
        body = dav.week_body(*WEEK)
        found: set[int] = set()

        async def ask(connection: Connection, _slot: int) -> None:
            answer = await connection.ask("REPORT", self._calendar, dav.XML + "Depth: 1\r\n", body)
            found.add(len(dav.members(answer.expect(207).body)))
            if len(found) != 1:
                raise WrongAnswerError(f"one query that found {sorted(found)}")

        taken = await self._asked_again(name, ask)
        return replace(taken, note=f"{found.pop()} found; {taken.note}")

    async def _words(self, name: str) -> Measure:
        size = self._plan.large
        text = f" {size * 2 // 30}"
        hits = sum(text in summary(number) for number in range(size))
        return await self._asked_again(
            name, queries(self._calendar, dav.words_body("SUMMARY", text), hits)
        )

    async def _delta_events(self, name: str) -> Measure:
        # A UID that no other calendar has: Cyrus refuses it there.
        put = new_events(self._calendar, 3 * FIRST_NEW)
        return await self._delta_of(name, self._calendar, put)

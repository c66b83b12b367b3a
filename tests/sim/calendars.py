"""A random life with calendars beside the address books: who asks for times, and what happens then.

What is asked goes the way of a calendar-query: the index by time, the rows it names, what queries
before have learnt of times and words, and bodies. What happens by the book is worked out once for
each body, with neither index nor memory (formats/calendarfilter).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import cache, partial
from random import Random
from typing import NamedTuple

from fakes.events import calendar, component
from sim.model import Query
from sim.walk import Walk
from sim.world import LEVEL_SECONDS, World
from strongroom.base.errors import RetryError, StrongroomError
from strongroom.formats.calendarfilter import CompFilter, PropFilter, Range, matches, window
from strongroom.formats.calendarknown import learn, time_asked
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.cardfilter import text_match
from strongroom.formats.clues import calendar_clue
from strongroom.history.edits import Copy, Move, Origin, Put, Restore, Seen, SkipNumbers, Wanted
from strongroom.history.entries import COLLECTION, Key, Member, Tombstone, digest_of, uid_of
from strongroom.service.content import read_content
from strongroom.service.spans import Spans
from strongroom.service.texts import Search

CALENDARS = ("calendars/calendar", "calendars/tasks")
UIDS = tuple(f"e{number}" for number in range(10))
CLIENTS = 2
DAY = 86_400
MONDAY = 1_767_571_200  # 2026-01-05
NAMES_MAX = (3, 1000)  # of an index: two calendars hardly fit, or always


class Asked(NamedTuple):
    """What somebody asks for: one component in a time, or with a word in its summary."""

    component: str
    when: Range
    word: str = ""

    @property
    def filter(self) -> CompFilter:
        inner = CompFilter(self.component.encode(), range=self.when)
        if self.word:
            props = (PropFilter(b"SUMMARY", text=text_match(self.word)),)
            inner = CompFilter(self.component.encode(), props=props)
        return CompFilter(b"VCALENDAR", comps=(inner,))


WEEK = Asked("VEVENT", Range(MONDAY, MONDAY + 7 * DAY))
NEXT_WEEK = Asked("VEVENT", Range(MONDAY + 7 * DAY, MONDAY + 14 * DAY))
FROM_NOW_ON = Asked("VEVENT", Range(MONDAY, 1 << 40))
TASKS = Asked("VTODO", Range(MONDAY, MONDAY + 14 * DAY))
LUNCHES = Asked("VEVENT", Range(FIRST, LAST), "lunch")
ALL_ASKED = (WEEK, NEXT_WEEK, FROM_NOW_ON, TASKS, LUNCHES)

VERSIONS = (
    ("VEVENT", "DTSTART:20260106T090000Z"),
    ("VEVENT", "DTSTART:20260113T090000Z", "DTEND:20260113T100000Z"),
    ("VEVENT", "DTSTART;VALUE=DATE:20260109"),
    ("VEVENT", "DTSTART:20250107T090000Z", "RRULE:FREQ=WEEKLY"),
    ("VEVENT", "DTSTART:20250107T090000Z", "RRULE:FREQ=WEEKLY;COUNT=3"),
    ("VEVENT", "DTSTART:of the moon"),
    ("VTODO", "DUE:20260114T090000Z"),
    ("VTODO",),
    ("VEVENT", "SUMMARY:Late LUNCH", "DTSTART:20260107T130000Z"),
    ("VEVENT", "SUMMARY:Dinner", "DTSTART:20260107T190000Z"),
)


class Thing(NamedTuple):
    """A body with what the services keep of it, and which of `ALL_ASKED` it answers."""

    body: bytes
    data: str
    answers: frozenset[Asked]


@cache
def things() -> Mapping[str, tuple[Thing, ...]]:
    """Give all that is ever written, by UID."""
    anywhere = Member(0, COLLECTION, CALENDARS[0], 0, 0, "", "{}", "", 0, 0)
    found = {}
    for uid in UIDS:
        bodies = [calendar(component(kind, *lines, uid=uid)) for kind, *lines in VERSIONS]
        found[uid] = tuple(
            Thing(
                body,
                read_content(anywhere, body).data,
                frozenset(asked for asked in ALL_ASKED if matches(body, asked.filter)),
            )
            for body in bodies
        )
    return found


@cache
def by_etag() -> Mapping[str, Thing]:
    """Give the same by ETag."""
    return {digest_of(thing.body): thing for each in things().values() for thing in each}


def happens(etag: str, asked: Asked) -> bool:
    """Say whether a body answers what is asked."""
    return asked in by_etag()[etag].answers


def event_edit(
    world: World, uid: str, version: int, calendar: str = CALENDARS[0], href: str = ""
) -> tuple[Put, dict[str, bytes]]:
    """Build a PUT as the services do."""
    thing = things()[uid][version]
    digest = digest_of(thing.body)
    edit = Put(
        world.object_key(calendar, href or f"{uid}.ics"), digest, thing.data,
        Origin(7, world.request()), parent=world.book_key(calendar), size=len(thing.body),
    )  # fmt: skip
    return edit, {digest: thing.body}


async def ask(
    world: World, spans: Spans, calendar: str, asked: Asked
) -> dict[str, str] | StrongroomError:
    """Ask as dav/report_calendar does, and keep the answer in the model: ETags by name."""
    cell, collection = world.cell, world.books[calendar]
    assert cell is not None
    before = cell.head(collection).number
    try:
        named = await _found(world, spans, collection, asked)
    except RetryError as error:
        return error
    after = cell.head(collection).number
    query = Query(collection, partial(happens, asked=asked), named, before, after)
    world.model.queried(query)
    return named


async def _found(world: World, spans: Spans, collection: int, asked: Asked) -> dict[str, str]:
    cell, filter_, when = world.cell, asked.filter, asked.when
    assert cell is not None
    search = Search(spans.texts, calendar_clue(filter_), partial(matches, wanted=filter_))
    if time_asked(filter_) is None:
        window_ = window(filter_)
        members = await spans.between(cell, collection, window_, asked.component, search.told)
        told = {one.etag: None for one in members}
    else:
        known = partial(spans.told, floating=UTC, when=when)
        members = await spans.between(cell, collection, when, asked.component, known)
        told = {one.etag: known(one.etag) for one in members}
    unknown = [etag for etag, found in told.items() if found is None]
    for etag, body in zip(unknown, await cell.bodies(unknown), strict=True):
        if body is None:
            raise RetryError
        if time_asked(filter_) is None:
            told[etag] = search.learn(etag, search.look(etag, body))
        else:
            spans.learn(etag, UTC, learn(body, when, UTC))
            told[etag] = spans.told(etag, UTC, when)
    return {one.href: one.etag for one in members if told[one.etag]}


@dataclass
class Diary:
    """A phone that lists a calendar by a query, and removes here what that does not name."""

    calendar: str
    asked: Asked
    held: dict[str, str] = field(default_factory=dict)
    mark: tuple[int, bytes] = (0, b"")

    async def sync(self, world: World, spans: Spans) -> bool:
        """List everything anew if the calendar's token is another; False = later."""
        assert world.cell is not None
        head = world.cell.head(world.books[self.calendar])
        if (head.number, head.chain) == self.mark:
            return True
        named = await ask(world, spans, self.calendar, self.asked)
        if isinstance(named, StrongroomError):
            return False
        self.held, self.mark = named, (head.number, head.chain)
        return True


class CalendarWalk(Walk):
    """A life in which two more clients write events and ask for times, and phones keep diaries."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, CALENDARS)
        self.dates = Random(f"{seed} dates")
        self.spans = Spans()
        self.diaries = [
            Diary(CALENDARS[0], FROM_NOW_ON), Diary(CALENDARS[0], WEEK), Diary(CALENDARS[1], TASKS),
            Diary(CALENDARS[1], LUNCHES),
        ]  # fmt: skip
        self.removed: list[tuple[Member, Tombstone]] = []

    def open_up(self) -> None:
        """Open with an index that knows nothing, or with one of before: both must do."""
        super().open_up()
        if self.dates.random() < 0.5:
            self.spans = Spans(self.dates.choice(NAMES_MAX))

    def at_work(self) -> list[Coroutine[None, None, None]]:
        """Give the life of each client."""
        return [*super().at_work(), *(self.planner() for _ in range(CLIENTS))]

    def at_rest(self) -> None:
        """A phone that syncs once more has what happens, and nothing else."""
        for diary in self.diaries:
            self.world.run(self.synced(diary), LEVEL_SECONDS)

    async def synced(self, diary: Diary) -> None:
        world = self.world
        if not await diary.sync(world, self.spans):
            world.model.wrong("I9", f"at rest a phone cannot ask for the times of {diary.calendar}")
        members = await world.listing(world.books[diary.calendar])
        standing = {m.href: m.etag for m in members if happens(m.etag, diary.asked)}
        if diary.held != standing:
            apart = sorted(set(standing.items()) ^ set(diary.held.items()))
            world.model.wrong("I4", f"at rest the phone and {diary.calendar} differ: {apart}")

    # --- what they do -----------------------------------------------------------------------------
    async def planner(self) -> None:
        """One client: now and then it writes something, or asks for a time."""
        doings = [
            (6, self.plan), (3, self.cancel), (1, self.note_it), (4, self.pass_on),
            (2, self.bring_back), (5, self.ask), (5, self.sync_phone),
        ]  # fmt: skip
        acts = [act for weight, act in doings for _ in range(weight)]
        while True:
            await asyncio.sleep(self.dates.expovariate(20))
            await self.dates.choice(acts)()

    def some_key(self) -> tuple[Key, Key]:
        """Give a name in a calendar, and where the calendar stands."""
        name = self.dates.choice(CALENDARS)
        href = f"{self.dates.choice(UIDS)}.ics"
        return self.world.object_key(name, href), self.world.book_key(name)

    async def plan(self) -> None:
        uid, version = self.dates.choice(UIDS), self.dates.randrange(len(VERSIONS))
        await self.world.submit(*event_edit(self.world, uid, version, self.dates.choice(CALENDARS)))

    async def cancel(self) -> None:
        """Delete what stands, and remember it, so that it can be brought back."""
        world = self.world
        name = self.dates.choice(CALENDARS)
        found = await world.row(world.object_key(name, f"{self.dates.choice(UIDS)}.ics"))
        if isinstance(found, Member):
            match = frozenset({found.etag})
            rows = await world.submit(world.remove_edit(found.href, name, match=match))
            if not isinstance(rows, StrongroomError):
                self.removed.append((found, rows[0]))

    async def bring_back(self) -> None:
        """Undo a deletion: it comes back under its old id, if nothing stood there since."""
        if not self.removed:
            return
        was, stone = self.removed.pop()
        body = await self.world.body(was)
        if not isinstance(body, bytes):
            return  # as service.undo does: what nobody can give now is not promised again (I1)
        name = next(n for n in CALENDARS if self.world.books[n] == was.collection)
        parent = self.world.book_key(name)
        wanted = Wanted(was.key, was.id, was.etag, was.data, was.props, parent)
        origin = Origin(7, self.world.request())
        edit = Restore((Seen(was.key, stone.number),), (wanted,), origin)
        await self.world.submit(edit, {was.etag: body})

    async def note_it(self) -> None:
        """Set a property, or leave numbers out as a thaw does."""
        world = self.world
        name = self.dates.choice(CALENDARS)
        if self.dates.random() < 0.5:
            await world.submit(
                world.props_edit(
                    f"{self.dates.choice(UIDS)}.ics", str(self.dates.randrange(9)), name
                )
            )
            return
        assert world.cell is not None
        book = world.books[name]
        to = world.cell.head(book).number + self.dates.randrange(1, 9)
        await world.submit(SkipNumbers(book, to, Origin(7, world.request())))

    async def pass_on(self) -> None:
        """Move or copy an object, mostly into the other calendar under the same name."""
        world = self.world
        (source, of), (target, into) = self.some_key(), self.some_key()
        if self.dates.random() < 0.7:
            target = Key(target.collection, target.kind, source.href)
        found = await world.row(source)
        if not isinstance(found, Member):
            return
        make = self.dates.choice((Move, Move, Copy))
        edit = make(
            source, target, uid_of(found.data), origin=Origin(7, world.request()),
            source_parent=of, target_parent=into,
        )  # fmt: skip
        await world.submit(edit)

    async def ask(self) -> None:
        name, asked = self.dates.choice(CALENDARS), self.dates.choice(ALL_ASKED)
        await ask(self.world, self.spans, name, asked)

    async def sync_phone(self) -> None:
        await self.dates.choice(self.diaries).sync(self.world, self.spans)

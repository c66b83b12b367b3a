"""REPORT calendar-query and free-busy-query (RFC 4791 sections 7.8 and 7.10).

The answer is complete or none (I4): candidates come from the index by time, which follows a proven
listing; a body that cannot be had now makes the whole query 503, or cuts it off where it has begun.
An object that cannot be understood is listed, for it might match. Memory stays bounded: bodies are
read page by page.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import tzinfo
from functools import partial
from typing import Final, TypeVar

from strongroom.base.errors import InvalidError, UnsureError
from strongroom.dav.answers import NO_STORE, answer, multistatus
from strongroom.dav.get import CALENDAR_TYPE
from strongroom.dav.getters import site_of
from strongroom.dav.object_rows import ObjectRows, found_rows, in_pieces, shape_of
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.dav.zones import zone_asked, zone_of
from strongroom.formats.busytime import Busy, busy_times, write_busy
from strongroom.formats.calendarfilter import CompFilter, Range, component_wanted, matches, window
from strongroom.formats.calendarknown import learn, time_asked
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.clues import calendar_clue
from strongroom.formats.davxml import CalendarQuery, FreeBusy
from strongroom.history.entries import Member
from strongroom.service.aside import beside
from strongroom.service.objects import find_object, read_bodies
from strongroom.service.spans import Told, unknown
from strongroom.service.texts import Search

T = TypeVar("T")

_DEPTHS: Final = frozenset({"", "0", "1", "infinity"})


async def calendar_query(request: Request, calendar: Member, wanted: CalendarQuery) -> None:
    """Answer calendar-query, on a calendar or on one object."""
    depth = request.header(b"depth").strip().lower()
    if depth not in _DEPTHS:
        raise InvalidError("Depth is 0, 1 or infinity.")
    floating = await zone_asked(wanted) or await zone_of(calendar)
    rows = ObjectRows(site_of(request), wanted.wanted, shape_of(wanted.data, floating))
    search = _search(request, wanted.filter, floating)
    members: Sequence[Member] = ()
    if request.target.place is Place.OBJECT:
        members = (await find_object(request.cell, calendar, request.target.name),)
    elif depth != "0":
        members = await _candidates(request, calendar, wanted.filter, floating, search)
    matching = _matching(request, rows, members, wanted.filter, floating, search)
    await multistatus(request, in_pieces(found_rows(request, rows, matching, wanted.limit)))


def _search(request: Request, wanted: CompFilter, floating: tzinfo) -> Search:
    spans = request.spans
    assert spans is not None
    asked = partial(matches, wanted=wanted, floating=floating)
    return Search(spans.texts, calendar_clue(wanted), asked)


async def _candidates(
    request: Request, calendar: Member, wanted: CompFilter, floating: tzinfo, search: Search
) -> Sequence[Member]:
    """Give the objects that may match, by their spans and by what queries learnt before."""
    spans, time = request.spans, time_asked(wanted)
    component = component_wanted(wanted).decode()
    if spans is None or time is None:
        return await _between(request, calendar, window(wanted), component, search.told)
    told = partial(spans.told, floating=floating, when=time)
    return await _between(request, calendar, time, component, told)


async def _between(
    request: Request, calendar: Member, when: Range, component: str, told: Told = unknown
) -> Sequence[Member]:
    spans = request.spans
    assert spans is not None
    return await spans.between(request.cell, calendar.id, when, component, told)


async def _matching(
    request: Request,
    rows: ObjectRows,
    members: Sequence[Member],
    wanted: CompFilter,
    floating: tzinfo,
    search: Search,
) -> AsyncIterator[tuple[Member, bytes]]:
    if not rows.needs_body and _told_by_index(wanted):
        for member in members:
            yield member, b""
        return
    time = time_asked(wanted)
    if time is not None:
        async for one in _in_time(request, rows, members, time, floating):
            yield one
        return
    async for page in read_bodies(request.cell, members):
        sure = _sure(page)
        for one, seen in zip(sure, await beside(partial(search.looks, sure)), strict=True):
            if search.learn(one[0].etag, seen):
                yield one


async def _in_time(
    request: Request,
    rows: ObjectRows,
    members: Sequence[Member],
    when: Range,
    floating: tzinfo,
) -> AsyncIterator[tuple[Member, bytes]]:
    """Give the events of a time; what a query before has learnt of them is not read again."""
    spans = request.spans
    assert spans is not None
    told = {one.etag: spans.told(one.etag, floating, when) for one in members}
    read = [one for one in members if told[one.etag] is not False]
    if not rows.needs_body:
        read = [one for one in read if told[one.etag] is None]
    asked = partial(learn, when=when, floating=floating)
    async for page in read_bodies(request.cell, read):
        sure = _sure(page)
        new = [one for one in sure if told[one[0].etag] is None]
        for (member, _), known in zip(new, await _each(asked, new), strict=True):
            spans.learn(member.etag, floating, known)
            told[member.etag] = known.told(when)
        for member, body in sure:
            if told[member.etag] and rows.needs_body:
                yield member, body
    if not rows.needs_body:
        for member in members:
            if told[member.etag]:
                yield member, b""


def _sure(page: list[tuple[Member, bytes | None]]) -> list[tuple[Member, bytes]]:
    """Give what a page holds; raises UnsureError where a body cannot be had now."""
    sure = [(member, body) for member, body in page if body is not None]
    if len(sure) < len(page):
        raise UnsureError
    return sure


async def _each(ask: Callable[[bytes], T], page: list[tuple[Member, bytes]]) -> list[T]:
    """Ask of each body, beside the event loop: a short one may hold a rule that takes long."""
    return await beside(lambda: [ask(body) for _, body in page])


def _told_by_index(wanted: CompFilter) -> bool:
    """Say whether a filter asks for nothing but one kind of component, which the index tells."""
    kind = CompFilter(component_wanted(wanted))
    return wanted in {CompFilter(wanted.name), CompFilter(wanted.name, comps=(kind,))}


# --- free-busy-query ------------------------------------------------------------------------------
async def free_busy(request: Request, calendar: Member, wanted: FreeBusy) -> None:
    """Answer free-busy-query: when time is taken in this calendar."""
    if FIRST in wanted.range or LAST in wanted.range:
        raise InvalidError("Say from when to when.")
    floating = await zone_of(calendar)
    busy: list[Busy] = []
    members = await _between(request, calendar, wanted.range, "")
    asked = partial(busy_times, when=wanted.range, floating=floating)
    async for page in read_bodies(request.cell, members):
        for times in await _each(asked, _sure(page)):
            busy += times
    # There is no better time to give: what is told is as old as what was written last.
    written = max((member.at for member in members), default=calendar.at)
    body = write_busy(wanted.range, busy, written // 1000)
    headers = ((b"content-type", CALENDAR_TYPE.encode()), NO_STORE)
    await answer(request.send, 200, headers, body)

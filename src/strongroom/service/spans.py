"""The index by time: when each object of a calendar can happen, in memory, following the journal.

It is made once from a proven listing, and then follows what changes, so a query for a week looks at
ten thousand spans and at the bodies of those alone that may be in it. A span is a fact of the row
that the body's digest is in (formats/calendarspan); what has none by today's rules may happen at
any time, and so may all of a calendar in which scrub found a row that is wrong (retelling). What a
query learns of when an event happens is remembered by its digest, so that the next one reads
nothing again. Calendars that were asked for longest ago are forgotten and listed anew.

A book that is searched for words has an index as well, for its names: its cards match at any time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from strongroom.base.errors import UnsureError
from strongroom.base.limits import KNOWN_EVENTS_MAX, LOOKED_UP_NAMES_MAX, SPANNED_NAMES_MAX
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarknown import Known
from strongroom.formats.calendarspan import told_in
from strongroom.history.entries import GONE, OBJECT, Entry, Head, Key, Member
from strongroom.ports.cell import Reader
from strongroom.service.journals import followed
from strongroom.service.texts import Texts

Extent = tuple[int, int, str]  # first, last, component ("" = not known)
Told = Callable[[str], bool | None]  # of an ETag: whether it matches; None = its body must be read
_EVER: Final = (-(1 << 62), 1 << 62)
_ROWS: Final = 1000  # read, or looked at with an ordinary filter, in a few ms
_LOOKS: Final = 2  # at the rows; one that is written just then differs the first time


def unknown(_etag: str) -> None:
    """Nothing was learnt."""


class _Index:
    """The spans of one calendar, as of one place in its journal."""

    __slots__ = ("chain", "number", "spans")

    def __init__(self, head: Head) -> None:
        self.number, self.chain = head.number, head.chain
        self.spans: dict[str, tuple[Extent, str]] = {}  # with the ETag

    async def between(
        self, when: Range, component: str, told: Told, *, doubted: bool
    ) -> dict[str, str]:
        """Give the names and ETags of those that may happen then; `doubted`: as far as is told."""
        start, end = when
        named: dict[str, str] = {}
        standing = list(self.spans.items())  # of one moment, whatever comes meanwhile
        for begin in range(0, len(standing), _ROWS):
            named |= {
                href: etag
                for href, ((first, last, kind), etag) in standing[begin : begin + _ROWS]
                if (doubted or (first < end and last >= start))
                and (not component or kind in {component, ""})
                and told(etag) is not False
            }
            await asyncio.sleep(0)  # others get their turn
        return named


class Spans:
    """The indexes of all calendars that were asked about lately."""

    def __init__(self, names_max: int = SPANNED_NAMES_MAX) -> None:
        """Remember so many names; those of one calendar always."""
        self._indexes: OrderedDict[int, _Index] = OrderedDict()
        self._names_max = names_max
        self._doubted: set[int] = set()
        self.known: OrderedDict[tuple[str, tzinfo], Known] = OrderedDict()
        self.texts = Texts()

    def told(self, etag: str, floating: tzinfo, when: Range) -> bool | None:
        """Say whether an event happens in a time, as far as a query before has learnt it."""
        known = self.known.get((etag, floating))
        return None if known is None else known.told(when)

    def learn(self, etag: str, floating: tzinfo, known: Known) -> None:
        """Remember it; what was learnt longest ago is forgotten.

        Not under a zone that a client defined: it may bring another one with each query, and each
        can take half a megabyte.
        """
        if not (floating is UTC or isinstance(floating, ZoneInfo)):
            return
        self.known[etag, floating] = known
        self.known.move_to_end((etag, floating))
        if len(self.known) > KNOWN_EVENTS_MAX:
            self.known.popitem(last=False)

    def doubt(self, calendar: int) -> None:
        """Let all of a calendar happen at any time: a row was found that tells too little."""
        self._doubted.add(calendar)

    def trust(self, calendar: int) -> None:
        """Believe the rows of a calendar again."""
        self._doubted.discard(calendar)

    async def between(
        self, cell: Reader, calendar: int, when: Range, component: str, told: Told = unknown
    ) -> list[Member]:
        """Give the objects that may happen then, as they stand, proven (I4).

        A replica may hold a row of the past, whose body happens at another time, and nothing but a
        listing finds that out: so a row counts only where the index says the same of its ETag.

        Args:
            cell: the cell.
            calendar: the collection's id.
            when: the time asked for.
            component: the one kind that is asked for; "" = any.
            told: what is known already; those of which it says no are left out.

        Raises:
            UnsureError: not provable now.
        """
        # Asked first: what is trusted from now on was told anew before, and is followed below.
        doubted = calendar in self._doubted
        for _ in range(_LOOKS):
            known = await self._level(cell, calendar)
            if known is None:
                break  # the listing that it takes tells the rows as well
            named = await known.between(when, component, told, doubted=doubted)
            if len(named) > LOOKED_UP_NAMES_MAX:
                break
            found = await cell.rows([Key(calendar, OBJECT, href) for href in named])
            pairs = zip(found, named.values(), strict=True)
            rows = [row for row, etag in pairs if row is not None and row.etag == etag]
            if len(rows) == len(named):  # so all of it is of one moment, that of the index
                return rows
        index, members = await self._listed(cell, calendar)
        named = await index.between(when, component, told, doubted=doubted)
        return [member for member in members if member.href in named]

    async def _level(self, cell: Reader, calendar: int) -> _Index | None:
        """Give the index as of now; None = it must be made anew."""
        index = self._indexes.get(calendar)
        if index is None or not await followed(
            cell, calendar, index, len(index.spans), partial(_take, index)
        ):
            return None
        self._remember(calendar, index)
        return index

    def _remember(self, calendar: int, index: _Index) -> None:
        self._indexes[calendar] = index  # it may have been forgotten while it followed
        self._indexes.move_to_end(calendar)
        names = sum(len(one.spans) for one in self._indexes.values())
        while names > self._names_max and len(self._indexes) > 1:
            names -= len(self._indexes.popitem(last=False)[1].spans)

    async def _listed(self, cell: Reader, calendar: int) -> tuple[_Index, tuple[Member, ...]]:
        head, members = await cell.listing(calendar, OBJECT)
        if len(members) != head.members:
            raise UnsureError
        index = _Index(head)
        for start in range(0, len(members), _ROWS):
            some = members[start : start + _ROWS]
            index.spans |= {one.href: (span_in(one.data), one.etag) for one in some}
            await asyncio.sleep(0)  # others get their turn
        self._remember(calendar, index)
        return index, members


def span_in(data: str) -> Extent:
    """Give when an object can happen, and what it is, as the data of its row tells."""
    component, span = told_in(data)
    return (*(span or _EVER), component)


def _take(index: _Index, entry: Entry) -> None:
    if entry.kind != OBJECT:
        return
    if entry.verb in GONE:
        index.spans.pop(entry.href, None)
    else:
        index.spans[entry.href] = span_in(entry.data), entry.etag

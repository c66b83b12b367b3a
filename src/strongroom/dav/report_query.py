"""REPORT addressbook-query (RFC 6352 section 8.6): the cards that match a filter.

The answer is complete or none (I4): candidates come from a listing proven against the committed
head or from the index that follows it, without those of which a query before has learnt that they
are no match, and a body that cannot be had now makes the whole query 503, or cuts it off where it
has begun. A card that is too long to look into is listed. Memory stays bounded: bodies are read
page by page.
Rules: without a Depth header a book is asked for its cards, as clients that forget it mean;
`Depth: 0` on a book asks for the book alone, which is no card.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Final

from strongroom.base.errors import InvalidError, UnsureError
from strongroom.dav.answers import multistatus
from strongroom.dav.getters import site_of
from strongroom.dav.object_rows import ObjectRows, found_rows, in_pieces, shape_of
from strongroom.dav.propfind import ROWS_A_PIECE
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import Range
from strongroom.formats.calendarspan import FIRST, LAST
from strongroom.formats.cardfilter import Filter, matches
from strongroom.formats.clues import card_clue
from strongroom.formats.davxml import Query
from strongroom.history.entries import OBJECT, Member
from strongroom.service.aside import aside
from strongroom.service.objects import find_object, read_bodies
from strongroom.service.texts import Search

_ANY_TIME: Final = Range(FIRST, LAST)
_DEPTHS: Final = frozenset({"", "0", "1", "infinity"})


async def query(request: Request, collection: Member, wanted: Query) -> None:
    """Answer addressbook-query, on a book or on one card."""
    depth = request.header(b"depth").strip().lower()
    if depth not in _DEPTHS:
        raise InvalidError("Depth is 0, 1 or infinity.")
    spans = request.spans
    assert spans is not None
    rows = ObjectRows(site_of(request), wanted.wanted, shape_of(wanted.data))
    search = Search(spans.texts, card_clue(wanted.filter), partial(_might_match, wanted.filter))
    members: Sequence[Member] = ()
    if request.target.place is Place.OBJECT:
        members = (await find_object(request.cell, collection, request.target.name),)
    elif depth != "0":
        members = await _candidates(request, collection, search)
    matching = _matching(request, rows, members, wanted.filter, search)
    await multistatus(request, in_pieces(found_rows(request, rows, matching, wanted.limit)))


async def _candidates(request: Request, book: Member, search: Search) -> Sequence[Member]:
    if search.clue is None:
        head, members = await request.cell.listing(book.id, OBJECT)
        if len(members) != head.members:
            raise UnsureError
        return members
    assert request.spans is not None
    return await request.spans.between(request.cell, book.id, _ANY_TIME, "", search.told)


async def _matching(
    request: Request,
    rows: ObjectRows,
    members: Sequence[Member],
    wanted: Filter,
    search: Search,
) -> AsyncIterator[tuple[Member, bytes]]:
    if not (wanted.props or rows.needs_body):
        for index, member in enumerate(members, 1):
            yield member, b""
            if index % ROWS_A_PIECE == 0:
                await asyncio.sleep(0)
        return
    async for page in read_bodies(request.cell, members):
        for member, body in page:
            if body is None:
                raise UnsureError
            seen = await aside(body, partial(search.look, member.etag, body))
            if search.learn(member.etag, seen):
                yield member, body
        await asyncio.sleep(0)


def _might_match(wanted: Filter, body: bytes) -> bool:
    try:
        return matches(body, wanted)
    except FormatError:
        return True

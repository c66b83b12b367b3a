"""Reading whole journals, proven, page by page: what usage, history, undo and export stand on.

It costs time proportional to the journal; a command asks for it, no request of a phone does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple, Protocol

from strongroom.base.errors import FoldError, UnsureError
from strongroom.history.entries import COLLECTION, GONE, Entry, genesis_chain
from strongroom.ports.cell import Reader

_PAGE: Final = 4096  # entries read at once


class Ever(NamedTuple):
    """A collection that an account has or had."""

    id: int
    name: str  # under which it stands, or stood last
    data: str  # canonical JSON; tells its type
    standing: bool


async def entries(cell: Reader, collection: int) -> AsyncIterator[Entry]:
    """Give all entries of a journal, oldest first; others get their turn after each page.

    Raises:
        UnsureError: not provable now.
    """
    number, chain, more = 0, genesis_chain(collection), True
    while more:
        try:
            part = await cell.changes(collection, number, chain[:8], _PAGE)
        except FoldError as error:
            raise UnsureError from error  # it changed its past under our hands
        for entry in part.entries:
            yield entry
        number, chain, more = part.upto, part.chain, part.more
        await asyncio.sleep(0)


async def collections_ever(cell: Reader, home: int) -> dict[int, Ever]:
    """Give all collections that a home has or ever had, by id, oldest first.

    Raises:
        UnsureError: not provable now.
    """
    found: dict[int, Ever] = {}
    async for entry in entries(cell, home):
        if entry.kind == COLLECTION:
            follow(found, entry)
    return found


def follow(found: dict[int, Ever], entry: Entry) -> None:
    """Follow one entry about a collection in what a home has and had."""
    if entry.verb in GONE:  # of a MOVE, the arrival follows
        found[entry.id] = found[entry.id]._replace(standing=False)
        return
    for other in found.values():
        if other.name == entry.href and other.standing and other.id != entry.id:
            found[other.id] = other._replace(standing=False)  # a MOVE went over it
            break
    found[entry.id] = Ever(entry.id, entry.href, entry.data, standing=True)


class Mark(Protocol):
    """Something that was made of a collection as of one place in its journal."""

    number: int
    chain: bytes


async def followed(
    cell: Reader, collection: int, mark: Mark, size: int, take: Callable[[Entry], None]
) -> bool:
    """Bring a mark to the end of its journal; `take` hears each entry, in order.

    Returns:
        False: it must be made anew, for a listing of `size` members is shorter than what it
        missed, or it is of another history than this one.

    Raises:
        UnsureError: not provable now; what was heard already stands.
    """
    head = cell.head(collection)
    more = (mark.number, mark.chain) != (head.number, head.chain)
    while more:
        asked = mark.number
        if cell.head(collection).number - asked > max(_PAGE, size):
            return False
        try:
            part = await cell.changes(collection, asked, mark.chain[:8], _PAGE)
        except FoldError:
            return False  # of another history than this one
        if mark.number != asked:
            continue  # another has brought it on meanwhile, and this is behind it
        for entry in part.entries:
            take(entry)
        mark.number, mark.chain, more = part.upto, part.chain, part.more
    return True

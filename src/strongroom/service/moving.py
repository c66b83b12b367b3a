"""Copying and moving objects, moving collections; each one edit, so it happens whole or not at all.

A thing that moves keeps its id and all that hangs on it; a moved collection keeps its objects, its
journal and its sync tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from strongroom.base.errors import NotFoundError, UnsureError
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Copy, Move, Origin
from strongroom.history.entries import COLLECTION, OBJECT, Key, Member, uid_of
from strongroom.ports.cell import Cell
from strongroom.service.access import check_collection, find_collection
from strongroom.service.content import check_fits
from strongroom.service.objects import Room, no_limit, size_of


class Spot(NamedTuple):
    """A name in a collection."""

    collection: Member
    name: str

    @property
    def key(self) -> Key:
        """Say where in the history it is."""
        return Key(self.collection.id, OBJECT, self.name)


@dataclass(frozen=True, slots=True)
class Wish:
    """Under which conditions, for whom; `overwrite`: what stands under the target may go."""

    when: Precondition  # must hold for the source
    overwrite: bool
    origin: Origin
    room: Room = no_limit  # for a copy; what moves takes no more than before


async def transfer_object(
    cell: Cell, kind: type[Copy] | type[Move], source: Spot, target: Spot, wish: Wish
) -> bool:
    """Copy or move an object, also into another collection of the account.

    A MOVE that the same device repeats, for its first answer was lost, ends like the first.

    Returns:
        Whether nothing stood under the target.

    Raises:
        NotFoundError: there is no such object.
        PreconditionError: a condition does not hold, or something stands under the target.
        InvalidError: `no-uid-conflict`; `href` names the object in the way. Or the target's
            collection takes no such object.
        ConflictError: one of the collections is gone.
        QuotaError: there is no room for a copy.
        UnsureError: what shall be copied can be read nowhere now.
        ForbiddenError: both are the same. Nothing changed in all these cases.
    """
    found, standing = await cell.rows((source.key, target.key))
    what = standing if found is None and kind is Move else found  # it may stand there already
    if what is None:
        raise NotFoundError
    check_fits(target.collection, what.data)
    edit = kind(
        source.key, target.key, uid_of(what.data), wish.overwrite, wish.origin, wish.when,
        source.collection.key, target.collection.key,
    )  # fmt: skip
    room = wish.room if kind is Copy else no_limit
    bodies = await _brought(cell, what) if kind is Copy else {}
    async with room(target.key, size_of(what)):
        await cell.submit(edit, bodies)
    # What stood there before a MOVE that is repeated now, nobody can tell any more.
    return standing is None or found is None


async def _brought(cell: Cell, what: Member) -> dict[str, bytes]:
    """Give the bytes that a copy promises; a MOVE promises no more than what stands (I1)."""
    (body,) = await cell.bodies([what.etag])
    if body is None:
        raise UnsureError
    return {what.etag: body}


async def move_collection(cell: Cell, home: int, name: str, new_name: str, wish: Wish) -> bool:
    """Give a collection another name in its home; a collection of that name is removed.

    Returns, raises:
        As `transfer_card`.
    """
    standing = cell.directory.collection(home, new_name)
    found = True
    if standing is not None:
        check_collection(cell, home, standing)  # a frozen one is not removed either
    try:
        await find_collection(cell, home, name)
    except NotFoundError:
        if standing is None:
            raise
        found = False
    source, target = Key(home, COLLECTION, name), Key(home, COLLECTION, new_name)
    await cell.submit(Move(source, target, "", wish.overwrite, wish.origin, wish.when), {})
    return standing is None or not found

"""What of an account can be used now: which collections it has, and whether a freeze covers them.

Absence is said only with proof: the directory in memory and the replicas must agree (I4).
"""

from __future__ import annotations

from strongroom.base.errors import FrozenError, NotFoundError, UnsureError
from strongroom.history.entries import COLLECTION, Key, Member
from strongroom.ports.cell import Reader


def check_home(cell: Reader, home: int) -> None:
    """Raise FrozenError where a freeze covers the whole account."""
    if cell.directory.frozen(home):
        raise FrozenError


def check_collection(cell: Reader, home: int, collection: Member) -> None:
    """Raise FrozenError where a freeze covers the account or this collection."""
    if cell.directory.frozen(home, collection.id):
        raise FrozenError


async def find_collection(cell: Reader, home: int, name: str) -> Member:
    """Give a collection that may be used.

    Raises:
        NotFoundError: proven absent.
        FrozenError: a freeze covers it, or the home.
        UnsureError: the replicas disagree with the directory, or cannot prove anything now.
    """
    collection = cell.directory.collection(home, name)
    if collection is None:
        check_home(cell, home)
        if await cell.row(Key(home, COLLECTION, name)) is not None:
            raise UnsureError
        raise NotFoundError
    check_collection(cell, home, collection)
    return collection

"""Collections: making, removing, and their dead properties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape
from typing import Final
from xml.sax.saxutils import escape

from strongroom.base.errors import ConflictError, PreconditionError, TooLargeError
from strongroom.base.limits import PROPERTIES_BYTES_MAX
from strongroom.formats.conditions import ANY, Precondition
from strongroom.history.edits import Origin, Put, Remove, SetProps
from strongroom.history.entries import COLLECTION, Key, Member, canonical, digest_of
from strongroom.ports.cell import Cell

DISPLAY_NAME: Final = "{DAV:}displayname"
ADDRESSBOOK_DATA: Final = canonical({"type": "addressbook"})
REFUSED_DATA: Final = canonical({"type": "refused"})  # what service.refused keeps
_OURS: Final = frozenset({REFUSED_DATA})
ABSENT: Final = Precondition(none_match=ANY)
_TAG: Final = re.compile(r"<[^>]*>")

Changes = Sequence[tuple[str, str | None]]


def display_name(name: str) -> dict[str, str]:
    """Give the property that holds a name for people."""
    return {DISPLAY_NAME: f'<D:displayname xmlns:D="DAV:">{escape(name)}</D:displayname>'}


def name_of(member: Member) -> str:
    """Give the name for people that a collection or an account has; "" where it has none."""
    return unescape(_TAG.sub("", member.properties.get(DISPLAY_NAME, ""))).strip()


def is_shown(data: str) -> bool:
    """Say, by its data, whether a collection is one that people and their clients see.

    What is not has no address, counts for no quota, and no undo or custody concerns it.
    """
    return data not in _OURS


def shown(collections: Iterable[Member]) -> list[Member]:
    """Give those that people and their clients see; see `is_shown`."""
    return [one for one in collections if is_shown(one.data)]


async def make_book(
    cell: Cell, home: int, name: str, props: Mapping[str, str], origin: Origin
) -> Member:
    """Make an address book together with its properties.

    Raises:
        ConflictError: something of that name is there. Nothing changed.
        TooLargeError: the properties are over the limit. Nothing changed.
    """
    text = canonical(dict(props)) if props else ""
    if len(text.encode()) > PROPERTIES_BYTES_MAX:
        raise TooLargeError(f"Properties are limited to {PROPERTIES_BYTES_MAX} bytes.")
    key = Key(home, COLLECTION, name)
    etag = digest_of(ADDRESSBOOK_DATA.encode())
    try:
        rows = await cell.submit(Put(key, etag, ADDRESSBOOK_DATA, origin, ABSENT, props=text), {})
    except PreconditionError as error:
        raise ConflictError("Something of that name is there already.") from error
    assert isinstance(rows[0], Member)
    return rows[0]


async def remove_book(cell: Cell, book: Member, when: Precondition, origin: Origin) -> None:
    """Remove a collection from its home; its journal and bodies stay (I6).

    Raises:
        NotFoundError, PreconditionError: nothing changed.
    """
    await cell.submit(Remove(book.key, origin, when), {})


async def set_properties(
    cell: Cell, key: Key, changes: Changes, origin: Origin, parent: Key | None = None
) -> None:
    """Set and remove dead properties of a member, all or none.

    Raises:
        NotFoundError, ConflictError, TooLargeError: nothing changed.
    """
    await cell.submit(SetProps(key, tuple(changes), origin, parent), {})

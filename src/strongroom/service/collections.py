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
from strongroom.service.kinds import Kind, kind_of

DISPLAY_NAME: Final = "{DAV:}displayname"
ADDRESSBOOK_DATA: Final = canonical({"type": "addressbook"})
REFUSED_DATA: Final = canonical({"type": "refused"})  # what service.refused keeps
_OURS: Final = frozenset({REFUSED_DATA})
USUAL_COMPONENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")
ABSENT: Final = Precondition(none_match=ANY)
_TAG: Final = re.compile(r"<[^>]*>")

Changes = Sequence[tuple[str, str | None]]


def display_name(name: str) -> dict[str, str]:
    """Give the property that holds a name for people."""
    return {DISPLAY_NAME: f'<D:displayname xmlns:D="DAV:">{escape(name)}</D:displayname>'}


def name_of(member: Member) -> str:
    """Give the name for people that a collection or an account has; "" where it has none."""
    return text_of(member, DISPLAY_NAME)


def text_of(member: Member, name: str) -> str:
    """Give the text of a dead property; "" where it is not set."""
    return text_in(member.properties.get(name, ""))


def text_in(xml: str) -> str:
    """Give the text of an element."""
    return unescape(_TAG.sub("", xml)).strip()


def calendar_data(components: Sequence[str]) -> str:
    """Give the data of a calendar that takes these components."""
    return canonical({"components": list(components), "type": "calendar"})


def is_shown(data: str) -> bool:
    """Say, by its data, whether a collection is one that people and their clients see.

    What is not has no address, counts for no quota, and no undo or custody concerns it.
    """
    return data not in _OURS


def shown(collections: Iterable[Member], kind: Kind | None = None) -> list[Member]:
    """Give those that people and their clients see, of one kind or all; see `is_shown`."""
    return [one for one in collections if is_shown(one.data) and kind in {None, kind_of(one.href)}]


async def make_collection(
    cell: Cell,
    home: int,
    name: str,
    props: Mapping[str, str],
    origin: Origin,
    data: str = ADDRESSBOOK_DATA,
) -> Member:
    """Make a collection together with its properties; `data` says of which kind it is.

    Raises:
        ConflictError: something of that name is there. Nothing changed.
        TooLargeError: the properties are over the limit. Nothing changed.
    """
    text = canonical(dict(props)) if props else ""
    if len(text.encode()) > PROPERTIES_BYTES_MAX:
        raise TooLargeError(f"Properties are limited to {PROPERTIES_BYTES_MAX} bytes.")
    key = Key(home, COLLECTION, name)
    etag = digest_of(data.encode())
    try:
        rows = await cell.submit(Put(key, etag, data, origin, ABSENT, props=text), {})
    except PreconditionError as error:
        raise ConflictError("Something of that name is there already.") from error
    assert isinstance(rows[0], Member)
    return rows[0]


async def remove_collection(
    cell: Cell, collection: Member, when: Precondition, origin: Origin
) -> None:
    """Remove a collection from its home; its journal and bodies stay (I6).

    Raises:
        NotFoundError, PreconditionError: nothing changed.
    """
    await cell.submit(Remove(collection.key, origin, when), {})


async def set_properties(
    cell: Cell, key: Key, changes: Changes, origin: Origin, parent: Key | None = None
) -> None:
    """Set and remove dead properties of a member, all or none.

    Raises:
        NotFoundError, ConflictError, TooLargeError: nothing changed.
    """
    await cell.submit(SetProps(key, tuple(changes), origin, parent), {})

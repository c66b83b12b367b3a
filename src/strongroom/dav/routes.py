"""Addresses: which path is which thing.

    /  /principals/                            root: tells who the caller is
    /dav/  /dav/principals/                    the same
    /dav/principals/{login}/                   principal
    /dav/addressbooks/{login}/                 home
    /dav/addressbooks/{login}/{name}/          collection: an address book
    /dav/addressbooks/{login}/{name}/{object}  object: a card
    /dav/calendars/{login}/...                 the same, of calendars

What no route can hold is `Place.NONE` and 404 by its address alone, with the same bytes whoever
asks (I4). A collection may be asked for without its last slash (RFC 4918 section 5.2). Where
discovery starts, a doubled slash is one: people type `https://host//`; below it, names are exact.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.hrefs import PATH_BYTES_MAX, Path, join, split
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind, kind_of, short_name

WELL_KNOWN: Final = frozenset(
    {
        b"/.well-known/caldav", b"/.well-known/caldav/",
        b"/.well-known/carddav", b"/.well-known/carddav/",
    }
)  # fmt: skip
WELL_KNOWN_TARGET: Final = b"/dav/"

_ROOTS: Final = frozenset(
    {
        (), ("principals",), ("dav",), ("dav", "principals"), ("dav", "addressbooks"),
        ("dav", "calendars"),
    }
)  # fmt: skip
_SEGMENTS: Final = {ADDRESS_BOOK: "addressbooks", CALENDAR: "calendars"}
_HOMES: Final[dict[tuple[str, ...], Kind]] = {
    ("dav", segment): kind for kind, segment in _SEGMENTS.items()
}
_SLASHES: Final = re.compile(rb"//+")


class Place(Enum):
    """What kind of thing an address is of."""

    NONE = "none"
    ROOT = "root"
    PRINCIPAL = "principal"
    HOME = "home"
    COLLECTION = "collection"
    OBJECT = "object"


_BY_LENGTH: Final = {3: Place.HOME, 4: Place.COLLECTION, 5: Place.OBJECT}


class Target(NamedTuple):
    """A parsed address; names are decoded."""

    place: Place
    path: Path
    login: str = ""
    collection: str = ""  # the collection's name in the home
    name: str = ""
    kind: Kind = ADDRESS_BOOK


NOWHERE: Final = Target(Place.NONE, Path((), True))


_REMEMBERED_BYTES_MAX: Final = (
    512  # of a collection's address; longer ones are hardly asked for twice
)


def parse(raw_path: bytes | str) -> Target:
    """Say what an address is of; never raises."""
    if isinstance(raw_path, str):
        raw_path = raw_path.encode("utf-8", "surrogatepass")
    base, _, name = raw_path.rpartition(b"/")
    if name and len(base) <= _REMEMBERED_BYTES_MAX:
        # Almost every request is about an object in a collection that was asked for before.
        above = _remembered(base)
        if above.place is Place.COLLECTION and not above.path.is_collection:
            return _inside(above, name)
    return _parse(raw_path)


def _inside(collection: Target, raw_name: bytes) -> Target:
    try:
        names = split(b"/" + raw_name).segments
    except FormatError:
        return NOWHERE
    path = Path(collection.path.segments + names, False)
    return Target(
        Place.OBJECT, path, collection.login, collection.collection, names[0], collection.kind
    )


def _parse(raw_path: bytes) -> Target:
    try:
        path = split(raw_path)
    except FormatError:
        return _root(raw_path)
    segments = path.segments
    kind = _HOMES.get(segments[:2])
    if kind is not None and len(segments) in _BY_LENGTH:
        login, collection, member = (*segments[2:], "", "")[:3]
        collection = kind.stands(collection) if collection else ""
        return Target(_BY_LENGTH[len(segments)], path, login, collection, member, kind)
    if segments in _ROOTS:
        return Target(Place.ROOT, path)
    if segments[:2] == ("dav", "principals") and len(segments) == 3:
        return Target(Place.PRINCIPAL, path, segments[2])
    return NOWHERE


def _root(raw_path: bytes) -> Target:
    if len(raw_path) > PATH_BYTES_MAX:
        return NOWHERE
    try:
        path = split(_SLASHES.sub(b"/", raw_path))
    except FormatError:
        return NOWHERE
    return Target(Place.ROOT, path) if path.segments in _ROOTS else NOWHERE


_remembered: Final = lru_cache(4096)(_parse)


def principal_href(login: str) -> str:
    """Give the address of a principal."""
    return join(("dav", "principals", login), True)


def home_href(login: str, kind: Kind = ADDRESS_BOOK) -> str:
    """Give the address of a home, as seen by one kind of client."""
    return join(("dav", _SEGMENTS[kind], login), True)


def collection_href(login: str, collection: str) -> str:
    """Give the address of a collection by its name in the home."""
    return join(("dav", _SEGMENTS[kind_of(collection)], login, short_name(collection)), True)


def name_href(name: str) -> str:
    """Write one name as a part of an address."""
    return join((name,), False)[1:]

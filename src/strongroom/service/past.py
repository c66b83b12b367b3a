"""What an account has and ever had, and how a person names a part of it.

A collection is named by its name, or by one that it had, also a removed one, or by its id; `home`
is the account itself. A device is named by its name, also a revoked one: then all that ever had it
are meant. An object is named by its file name, or by its whole address, which names its collection
as well.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Final, NamedTuple

from strongroom.base.errors import InvalidError, NotFoundError
from strongroom.formats import FormatError
from strongroom.formats.hrefs import split
from strongroom.formats.moments import read_moment
from strongroom.history.entries import COLLECTION, DEVICE, GONE, Entry
from strongroom.ports.cell import Reader
from strongroom.service.collections import is_shown
from strongroom.service.journals import Ever, entries, follow
from strongroom.service.kinds import name_in

HOME: Final = "home"
_TOLD_EVERY: Final = 10_000  # entries between two words about how it goes

Progress = Callable[[int, int], None]  # entries read, of how many


class Past(NamedTuple):
    """What an account has and ever had."""

    home: int
    began: int  # ms since 1970 UTC: the account's first entry
    collections: dict[int, Ever]  # by id, oldest first
    devices: dict[int, str]  # name by id, oldest first, revoked ones too
    named: dict[str, int]  # id of the collection that has a name, or was the last to have it
    number: int = 0  # of the home's last entry that was read

    def name_of(self, collection: int) -> str:
        """Give the name of a collection, or `home`."""
        return HOME if collection == self.home else self.collections[collection].name

    def is_hidden(self, collection: int) -> bool:
        """Say whether it is a collection that people and their clients do not see."""
        ever = self.collections.get(collection)
        return ever is not None and not is_shown(ever.data)


class Part(NamedTuple):
    """A part of an account that somebody named; None = not narrowed."""

    collection: int | None = None
    href: str | None = None


def silent(_done: int, _of: int) -> None:
    """Tell nobody."""


async def read_past(cell: Reader, home: int) -> Past:
    """Read what a home has and had; raises UnsureError."""
    past = Past(home, 0, {}, {}, {})
    async for entry in entries(cell, home):
        past = past._replace(began=past.began or entry.at, number=entry.number)
        if entry.kind == DEVICE:
            past.devices[entry.id] = entry.href
        elif entry.kind == COLLECTION:
            follow(past.collections, entry)
            if entry.verb not in GONE:
                past.named[entry.href] = entry.id
    return past


async def read_entries(
    cell: Reader,
    collections: Collection[int],
    progress: Progress = silent,
    upto: Mapping[int, int] | None = None,
) -> AsyncIterator[Entry]:
    """Give all entries of several journals, one journal after another, each oldest first.

    Args:
        cell: whose journals.
        collections: which of them.
        progress: is told how many entries are read, of how many.
        upto: the last number that is read of each; None = all there are when it is read.

    Raises:
        UnsureError: not provable now.
    """
    of = sum(cell.head(one).number for one in collections)
    done = 0
    for collection in collections:
        async for entry in entries(cell, collection):
            if upto is not None and entry.number > upto[collection]:
                break
            yield entry
            done += 1
            if done % _TOLD_EVERY == 0:
                progress(done, of)


def find_part(past: Past, collection: str, thing: str) -> Part:
    """Find what a person named; "" = not narrowed.

    Raises:
        NotFoundError: the account never had such a collection; the message lists those it had.
        InvalidError: `thing` is no address.
    """
    href = None
    if "/" in thing:
        try:
            segments = split(thing if "//" in thing or thing[:1] == "/" else f"/{thing}").segments
        except FormatError as error:
            raise InvalidError(f"{thing[:80]!r} is no address: {error.message}") from error
        href = segments[-1] if segments else ""
        collection = collection or name_in(segments)
    elif thing:
        href = thing
    return Part(_find_collection(past, collection) if collection else None, href)


def _find_collection(past: Past, text: str) -> int:
    if text in past.named:
        return past.named[text]
    if text == HOME:
        return past.home
    if text.isdecimal() and int(text) in {past.home, *past.collections}:
        return int(text)
    names = ", ".join(sorted(past.named))
    raise NotFoundError(f"There never was a collection {text[:80]!r}; there were: {names}.")


def find_devices(past: Past, text: str) -> frozenset[int]:
    """Give the ids of all devices that have or had a name, or the one of that id.

    Raises:
        NotFoundError: there never was one; the message lists those that were.
    """
    named = frozenset(number for number, name in past.devices.items() if name == text)
    if not named and text.isdecimal() and int(text) in past.devices:
        named = frozenset({int(text)})
    if not named:
        names = ", ".join(sorted(set(past.devices.values()))) or "none"
        raise NotFoundError(f"There never was a device {text[:80]!r}; there were: {names}.")
    return named


def moment_of(text: str, now_ms: int) -> int:
    """Read a time that a person wrote, as ms since 1970 UTC; raises InvalidError."""
    try:
        return read_moment(text, now_ms)
    except FormatError as error:
        raise InvalidError(error.message) from error

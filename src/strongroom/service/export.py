"""Everything of some collections as one stream of bytes, measured before its first byte.

Two passes over one proven listing: the first gives length, count and digest, the second the bytes.
What a listing names never changes, since a body is named by its digest; so an export is of one
moment, however long it takes and whatever phones write meanwhile. If the second pass meets anything
else than the first, it ends with an error and not with a short stream (I4). Memory is bounded by a
page of bodies and the listings.

How objects become one stream is a line of a table here, by the kind of their collection.

Not here: HTTP (dav/export), files (cli/export), what cannot be proven (ports: Salvager).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, cast

from strongroom.base.errors import BusyError, InvalidError, NotFoundError, UnsureError
from strongroom.base.limits import EXPORTS_OF_ACCOUNT_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendarfile import CalendarFile
from strongroom.formats.cardconvert import Version, to_version
from strongroom.formats.cardstream import CardFile
from strongroom.history.entries import COLLECTION, OBJECT, Head, Member
from strongroom.ports.cell import Reader
from strongroom.service.access import find_collection
from strongroom.service.aside import aside
from strongroom.service.objects import read_bodies, version_mark


class OneFile(Protocol):
    """Makes one stream of many objects."""

    def add(self, collection: int, body: bytes, /) -> bytes:
        """Give what an object adds; those of one collection (its id) come together."""

    def end(self) -> bytes:
        """Give what the stream ends with."""


class Form(NamedTuple):
    """How objects of one kind of collection are carried away."""

    media_type: str  # with its charset
    extension: str  # of a file with one object, or with all of them
    versions: tuple[str, ...]  # that can be asked for
    shaped: Callable[[bytes, str], bytes]  # an object as one of a version; never raises
    file: Callable[[], OneFile]  # one stream of all objects


def _card_of(card: bytes, version: str) -> bytes:
    try:
        return to_version(card, cast(Version, version))
    except FormatError:
        return card  # what cannot be looked into is carried as it is


def _as_stored(body: bytes, _version: str) -> bytes:
    return body


FORMS: Final = {
    "addressbook": Form("text/vcard; charset=utf-8", "vcf", ("3.0", "4.0"), _card_of, CardFile),
    "calendar": Form("text/calendar; charset=utf-8", "ics", (), _as_stored, CalendarFile),
}


def form_of(collection: Member) -> Form | None:
    """Give the form of what a collection holds; None = of a kind that is not carried yet."""
    return FORMS.get(str(json.loads(collection.data).get("type")))


def check_version(form: Form, version: str) -> None:
    """Raise InvalidError where there is no such version; "" = as stored, which there always is."""
    if version and not form.versions:
        raise InvalidError("These have no versions; leave it out, and all is given as stored.")
    if version and version not in form.versions:
        known = " or ".join(form.versions)
        raise InvalidError(f"Version is {known}; without one, all is given as it was stored.")


async def collections_of(cell: Reader, home: int, kind: str) -> list[Member]:
    """Give all collections of a kind that an account has, proven; a frozen one, too.

    Raises:
        UnsureError: not provable now.
    """
    _, members = await cell.listing(home, COLLECTION)
    return [member for member in members if form_of(member) is FORMS[kind]]


async def objects_of(cell: Reader, home: int, collection: Member) -> tuple[Head, list[Member]]:
    """Give all objects of a collection, proven (I4).

    Raises:
        FrozenError: a freeze covers it.
        UnsureError: not provable now, or it went away since it was listed: then another look at
            what there is will tell.
    """
    try:
        await find_collection(cell, home, collection.href)
    except NotFoundError as error:
        raise UnsureError from error
    head, members = await cell.listing(collection.id, OBJECT)
    if len(members) != head.members:
        raise UnsureError
    return head, list(members)


class Exports:
    """Counts the exports that an account has running: each reads all that it has, twice."""

    def __init__(self) -> None:
        """Begin with none."""
        self._running: dict[int, int] = {}

    @contextmanager
    def one(self, home: int) -> Iterator[None]:
        """Count one more for the block.

        Raises:
            BusyError: the account has EXPORTS_OF_ACCOUNT_MAX of them. Nothing was read.
        """
        if self._running.get(home, 0) >= EXPORTS_OF_ACCOUNT_MAX:
            raise BusyError
        self._running[home] = self._running.get(home, 0) + 1
        try:
            yield
        finally:
            self._running[home] -= 1
            if not self._running[home]:
                del self._running[home]


@dataclass(frozen=True, slots=True)
class Parcel:
    """What will be sent, known to the last byte."""

    form: Form
    version: str  # "" = as stored
    members: tuple[Member, ...]
    length: int
    digest: bytes  # SHA-256 of all bytes

    @property
    def count(self) -> int:
        """Say how many objects it has."""
        return len(self.members)


async def pack(
    cell: Reader, home: int, collections: Iterable[Member], form: Form, version: str = ""
) -> Parcel:
    """Measure what `unpack` will give: the first pass.

    Args:
        cell: where all is read, with proof.
        home: of the account.
        collections: all of one form, in the order of the stream.
        form: of theirs.
        version: that objects are converted to; "" = they stay as stored, byte for byte.

    Raises:
        InvalidError: there is no such version.
        FrozenError, UnsureError: a listing or a body cannot be had now.
    """
    check_version(form, version)
    members: list[Member] = []
    for collection in collections:
        members += (await objects_of(cell, home, collection))[1]
    parcel = Parcel(form, version, tuple(members), 0, b"")
    length, digest = 0, sha256()
    async for piece in _pieces(cell, parcel):
        length += len(piece)
        digest.update(piece)
    return Parcel(form, version, parcel.members, length, digest.digest())


async def unpack(cell: Reader, parcel: Parcel) -> AsyncIterator[bytes]:
    """Give the bytes that were measured: the second pass.

    Raises:
        UnsureError: they are not what was measured; the last piece was not given then, so nobody
            can take what was for the whole.
    """
    length, digest, held = 0, sha256(), b""
    async for piece in _pieces(cell, parcel):
        if held:
            yield held
        held = piece
        length += len(piece)
        digest.update(piece)
        if length > parcel.length:
            raise UnsureError
    if length != parcel.length or digest.digest() != parcel.digest:
        raise UnsureError
    yield held


async def _pieces(cell: Reader, parcel: Parcel) -> AsyncIterator[bytes]:
    """Give the stream page by page; none of them is empty."""
    file = parcel.form.file()
    async for page in read_bodies(cell, parcel.members):
        parts = []
        for member, body in page:
            if body is None:
                raise UnsureError
            shaped = await _shaped(parcel, member, body)
            parts.append(await aside(shaped, partial(file.add, member.collection, shaped)))
        yield b"".join(parts)
        await asyncio.sleep(0)
    if end := file.end():
        yield end


async def _shaped(parcel: Parcel, member: Member, body: bytes) -> bytes:
    if not parcel.version or version_mark(parcel.version) in member.data:
        return body
    return await aside(body, lambda: parcel.form.shaped(body, parcel.version))

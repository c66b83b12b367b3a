"""Objects: keeping, reading, deleting one; reading many."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final

from strongroom.base.errors import (
    ClientError,
    NotFoundError,
    PreconditionError,
    UnsureError,
)
from strongroom.base.limits import ENTRY_SLOT_BITS, PAGE_BYTES_MAX
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Origin, Put, Remove, SetProps
from strongroom.history.entries import OBJECT, Key, Member, digest_of
from strongroom.ports.cell import Cell, Reader
from strongroom.service.aside import aside
from strongroom.service.collections import ABSENT
from strongroom.service.content import Content, read_content
from strongroom.service.forgotten import submit
from strongroom.service.kinds import kind_of

# Conditions of entries that change no bytes; behind the second stands the device's name.
TOLD_AGAIN: Final = "told again"
DELETE_REFUSED: Final = "delete refused, by "
TIME_RETOLD: Final = "index made anew"
# Canonical JSON has its keys in order; this is ten times faster than reading all of it.
_SIZE: Final = re.compile(r'\{"size":(\d+)[,}]')
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,199}")  # safe as a name anywhere
_PAGE: Final = 100  # bodies asked for at once, if they are not large


# Holds room for a body of so many bytes under a key while it is written (meters).
Room = Callable[[Key, int], AbstractAsyncContextManager[None]]


def no_limit(_key: Key, _size: int) -> AbstractAsyncContextManager[None]:
    """Hold room where no quota is."""
    return nullcontext()


async def put_object(
    cell: Cell, collection: Member, name: str, body: bytes, when: Precondition, origin: Origin,
    room: Room = no_limit,
) -> tuple[Member, bool]:  # fmt: skip
    """Keep `body` under `name` as it is.

    On return a write quorum holds it durably (I1).

    Returns:
        What stands now, and whether the name is new.

    Raises:
        InvalidError: `body` is not one object with a UID, or its UID is that of another, whose
            name is then `href`; `condition` names what it lacks.
        PreconditionError: `when` does not hold.
        ConflictError: the collection is gone.
        QuotaError: there is no room for it. Nothing changed in these four cases.
        UnknownError: the ending is unknown; a later read tells.
    """
    content, digest = await _look_at(collection, body)
    # An id tells the batch that made it: behind the collection's last, it was made by this edit.
    last_batch = cell.head(collection.id).batch
    edit = Put(
        Key(collection.id, OBJECT, name),
        digest,
        content.data,
        origin,
        when,
        collection.key,
        size=len(body),
    )
    async with room(edit.key, len(body)):
        row = (await submit(cell, edit, {digest: body}))[0]
    assert isinstance(row, Member)
    return row, row.id >> ENTRY_SLOT_BITS > last_batch


async def _look_at(collection: Member, body: bytes) -> tuple[Content, str]:
    """Read the facts of a body, and its digest."""
    return await aside(body, lambda: (read_content(collection, body), digest_of(body)))


async def add_object(
    cell: Cell, collection: Member, body: bytes, origin: Origin, room: Room = no_limit
) -> Member:
    """Keep `body` under a name that its UID gives, as `put_object` does.

    The same body of the same device twice is one object. Raises as `put_object`.
    """
    uid = (await _look_at(collection, body))[0].uid
    name, other = names_for(uid, origin.request, kind_of(collection.href).extension)
    try:
        member, _ = await put_object(cell, collection, name, body, ABSENT, origin, room)
    except PreconditionError:
        # Something is called so; if it is no object of this UID, another name will do.
        member, _ = await put_object(cell, collection, other, body, ABSENT, origin, room)
    return member


def names_for(uid: str, more: str, extension: str = "vcf") -> tuple[str, str]:
    """Give the name of a new object, and another one where that is taken; `more` makes it new."""
    digest = digest_of(uid.encode())[:32]
    return f"{uid if _NAME.fullmatch(uid) else digest}.{extension}", f"{digest}-{more}.{extension}"


async def find_object(cell: Cell, collection: Member, name: str) -> Member:
    """Give what is known of an object; raises NotFoundError with proof, or UnsureError (I4)."""
    member = await cell.row(Key(collection.id, OBJECT, name))
    if member is None:
        raise NotFoundError
    return member


async def read_body(cell: Reader, member: Member) -> bytes:
    """Give the bytes as they were put, checked on this read (I3); raises UnsureError."""
    body = (await cell.bodies((member.etag,)))[0]
    if body is None:
        raise UnsureError
    return body


async def fetch_object(cell: Cell, collection: Member, name: str) -> tuple[Member, bytes]:
    """Give an object and its bytes in one go; see `find_object` and `read_body`."""
    found = (await cell.fetch((Key(collection.id, OBJECT, name),)))[0]
    if found is None:
        raise NotFoundError
    member, body = found
    if body is None:
        raise UnsureError
    return member, body


async def delete_object(
    cell: Cell, collection: Member, name: str, when: Precondition, origin: Origin
) -> None:
    """Delete an object; its bytes stay in the history (I6).

    Raises:
        NotFoundError, PreconditionError, ConflictError: nothing changed.
        UnknownError: the ending is unknown.
    """
    await submit(cell, Remove(Key(collection.id, OBJECT, name), origin, when, collection.key), {})


async def find_objects(cell: Cell, collection: Member, names: Sequence[str]) -> list[Member | None]:
    """Give what is known of many objects; each None is proven (I4)."""
    return await cell.rows([Key(collection.id, OBJECT, name) for name in names])


async def read_bodies(
    cell: Reader, members: Sequence[Member]
) -> AsyncIterator[list[tuple[Member, bytes | None]]]:
    """Give objects with their bodies, page by page so that memory stays bounded; None = not now."""
    page: list[Member] = []
    size = 0
    for member in members:
        length = size_of(member)
        if page and (len(page) == _PAGE or size + length > PAGE_BYTES_MAX):
            yield await _with_bodies(cell, page)
            page, size = [], 0
        page.append(member)
        size += length
    if page:
        yield await _with_bodies(cell, page)


async def _with_bodies(cell: Reader, page: list[Member]) -> list[tuple[Member, bytes | None]]:
    bodies = await cell.bodies([member.etag for member in page])
    return list(zip(page, bodies, strict=True))


async def tell_again(
    cell: Cell, collection: Member, members: Sequence[Member], request: str, why: str = TOLD_AGAIN
) -> None:
    """Let cards be reported as changed once more, because a phone lacks what it was told of.

    Their bytes could not be had, or it deleted them and was refused. It goes on with a token that
    is past them; without this it would never ask again (history.md D3, rule 3). Who wrote them
    last stays who did.

    Raises:
        StrongroomError: not all are sure to be told again; then the phone must not go on.
    """
    edits = [
        SetProps(c.key, (), Origin(c.by, request, why), collection.key, again=True) for c in members
    ]
    endings = await asyncio.gather(*(cell.submit(e, {}) for e in edits), return_exceptions=True)
    for ending in endings:
        # One that is gone, or went with its collection, is told of anyway.
        if isinstance(ending, BaseException) and not isinstance(ending, ClientError):
            raise ending


def version_mark(version: str) -> str:
    """Give the text that is in a card's data if it is stored in `version`, and in no other's.

    It has quotes, which canonical JSON escapes inside a value. A first sync looks for it ten
    thousand times, which is why the data is not read.
    """
    return f',"type":"text/vcard;{version}"'


def size_of(member: Member) -> int:
    """Give the length of an object's body in bytes."""
    return size_in(member.data)


def size_in(data: str) -> int:
    """Give the length of a body in bytes, as the data of its member or entry tells it."""
    size = _SIZE.match(data)
    return int(size[1]) if size else int(json.loads(data)["size"])

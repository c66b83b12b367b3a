"""Commands that carry an account away, page by page: each answer fits into a line of the protocol.

The asking side (carrying.py) asks for the rows of a collection, then for their bodies by digest,
which no change meanwhile can touch; or, where nothing can be proven, for what can be salvaged.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import aclosing
from typing import Any, Final

from strongroom.base.errors import InvalidError, NotFoundError
from strongroom.base.limits import EXPORT_BODIES_MAX, EXPORT_PAGE_BYTES, EXPORT_ROWS_MAX
from strongroom.control.room import Call
from strongroom.history.entries import COLLECTION, Member
from strongroom.ports.cell import Salvaged, Salvager
from strongroom.service.accounts import find_account
from strongroom.service.collections import name_of
from strongroom.service.export import form_of, objects_of
from strongroom.service.kinds import short_name
from strongroom.service.objects import size_of

_DIGEST_CHARACTERS: Final = 64


async def begin(call: Call) -> dict[str, Any]:
    """Say which collections there are to carry, all or those that are named."""
    async with call.reading() as reader:
        return _begun(call, reader)


def _begun(call: Call, reader: Salvager) -> dict[str, Any]:
    account = find_account(reader.directory, call.given["login"])
    standing = reader.directory.members(account.id, COLLECTION)
    found = {one.href: one for one in standing if form_of(one) is not None}
    wanted = dict.fromkeys(call.given["collections"] or found)
    if missing := [name for name in wanted if name not in found]:
        raise NotFoundError(
            f"{account.href} has no collection {', '.join(missing)} that can be exported. "
            f"There is: {', '.join(found) or 'none'}."
        )
    rows = [_collection(reader, found[name]) for name in wanted]
    return {"login": account.href, "name": name_of(account), "collections": rows}


def _collection(reader: Salvager, collection: Member) -> dict[str, Any]:
    return {
        "id": collection.id,
        "collection": collection.href,
        "name": name_of(collection) or short_name(collection.href),
        "type": collection.facts["type"],
        "count": reader.head(collection.id).members,
    }


async def rows(call: Call) -> dict[str, Any]:
    """Give the objects of a collection, proven: name, digest and size of each, by name."""
    async with call.reading() as reader:
        collection = _chosen(reader, call)
        head, members = await objects_of(reader, collection.collection, collection)
    rest = sorted((one for one in members if one.href > call.given["after"]), key=_by_name)
    page = rest[:EXPORT_ROWS_MAX]
    told = [[one.href, one.etag, size_of(one)] for one in page]
    return {"number": head.number, "rows": told, "more": len(rest) > len(page)}


def _by_name(member: Member) -> str:
    return member.href


async def bodies(call: Call) -> dict[str, Any]:
    """Give bodies by their digests; null = not to be had now."""
    digests = call.given["digests"]
    if len(digests) > EXPORT_BODIES_MAX or any(len(d) != _DIGEST_CHARACTERS for d in digests):
        raise InvalidError(f"At most {EXPORT_BODIES_MAX} digests of SHA-256 are taken at once.")
    async with call.reading() as reader:
        found = await reader.bodies(digests)
    return {"bodies": [_coded(body) for body in found]}


async def salvage(call: Call) -> dict[str, Any]:
    """Give what can still be read of a collection, proven or not, and what cannot be.

    `next` is the name to go on after; null = this was the last page, and `unreadable` is complete.
    """
    page = _Page()
    unreadable: list[tuple[str, int]] = []
    async with call.reading() as reader:
        collection = _chosen(reader, call)
        async with aclosing(reader.salvage(collection.id, call.given["after"])) as found:
            async for one in found:
                if not isinstance(one, Salvaged):
                    unreadable.append((one.what, one.count))
                elif not page.take(one):
                    return {"objects": page.objects, "unreadable": [], "next": page.last}
    return {"objects": page.objects, "unreadable": unreadable, "next": None}


class _Page:
    """Objects that fit into one answer; only what is told last of a name has a body."""

    def __init__(self) -> None:
        self.objects: list[tuple[str, str | None, bool]] = []
        self.last = ""  # the last name of which all was told
        self._size = 0

    def take(self, one: Salvaged) -> bool:
        """Take one; False = the page is full, and ends with `last`."""
        name, size = one.member.href, len(one.body or b"")
        before = self.objects[-1][0] if self.objects else name
        if before != name:
            self.last = before
        full = self._size + size > EXPORT_PAGE_BYTES or len(self.objects) >= EXPORT_ROWS_MAX
        if full and self.last:
            return False  # what was told of a name behind `last` comes once more
        self.objects.append((name, _coded(one.body), one.older))
        self._size += size
        return True


def _chosen(reader: Salvager, call: Call) -> Member:
    """Give the collection of the account that has the id asked for."""
    account = find_account(reader.directory, call.given["login"])
    for member in reader.directory.members(account.id, COLLECTION):
        if member.id == call.given["collection"]:
            return member
    raise NotFoundError(f"{account.href} has no such collection any more.")


def _coded(body: bytes | None) -> str | None:
    return None if body is None else b64encode(body).decode()

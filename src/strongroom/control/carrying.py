"""The asking side of an export: everything of an account, one object after another.

Proven where that can be; where it cannot (a freeze, damage, a body that no copy has), whatever can
still be read, and a list of the rest. Nothing is left out unsaid: an object comes, or words about
it do.

Not here: what becomes of the objects (cli/export).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from strongroom.base.errors import InvalidError, StrongroomError, UnsureError
from strongroom.base.limits import EXPORT_BODIES_MAX, EXPORT_PAGE_BYTES
from strongroom.control.perform import Asking
from strongroom.formats.sdcard import Missing

_NOT_PROVABLE: Final = frozenset({"unsure", "frozen"})
_TRIES: Final = 5  # for a listing of several pages that changes while it is read
_LOST: Final = "no copy of it can be read now"
_OLDER: Final = "only an older version of it could be read; that one is here"

Row = tuple[str, str, int]  # name, digest, size


class Collection(NamedTuple):
    """A collection that is carried away."""

    id: int
    href: str
    name: str  # for people; no other that is carried has it
    type: str
    objects: int  # as its head tells


class Thing(NamedTuple):
    """One object."""

    collection: Collection
    href: str
    body: bytes


class Carrying:
    """Everything of an account, and an account of what could not be had."""

    def __init__(self, ask: Asking, login: str, collections: Sequence[str], kind: str = "") -> None:
        """Ask what there is.

        Args:
            ask: runs one command.
            login: whose.
            collections: only these; none = all.
            kind: only collections of this type; "" = of all.

        Raises:
            NotFoundError: there is no such account, or no such collection.
            InvalidError: one that was named is of another kind.
            StrongroomError: whatever the command raises.
        """
        self._ask = ask
        begun = ask("export begin", {"login": login, "collections": list(collections)})
        self.login: str = begun["login"]
        found = [_collection(row) for row in begun["collections"]]
        wanted = [one for one in found if kind in {"", one.type}]
        self.left = [one for one in found if kind not in {"", one.type}]  # not carried
        if collections and self.left:
            raise InvalidError(
                f"{self.left[0].href} is of another kind than the file; name a folder with "
                "--as folder, or another file for it. Nothing was made."
            )
        self.collections = _told_apart(wanted)
        self.total = sum(one.objects for one in self.collections)
        self.missing: list[Missing] = []
        self.salvaged: list[str] = []  # names of collections that could not be proven

    def things(self) -> Iterator[Thing]:
        """Give all objects, those of a collection together.

        `missing` is complete at the end. Raises what the commands raise, if no salvage helps.
        """
        for collection in self.collections:
            try:
                rows = self._rows(collection)
            except StrongroomError as error:
                if error.code not in _NOT_PROVABLE:
                    raise
                self.salvaged.append(collection.href)
                yield from self._salvaged(collection)
            else:
                yield from self._proven(collection, rows)

    # --- with proof -------------------------------------------------------------------------------
    def _rows(self, collection: Collection) -> list[Row]:
        """Give the whole listing, of one moment."""
        for _ in range(_TRIES):
            rows: list[Row] = []
            number = None
            while True:
                after = rows[-1][0] if rows else ""
                page = self._page("export rows", collection, after)
                if number not in {None, page["number"]}:
                    break  # it changed between two pages: from the beginning
                number = page["number"]
                rows += [(str(name), str(digest), int(size)) for name, digest, size in page["rows"]]
                if not page["more"]:
                    return rows
        raise UnsureError

    def _page(self, command: str, collection: Collection, after: str) -> dict[str, Any]:
        given = {"login": self.login, "collection": collection.id, "after": after}
        return self._ask(command, given)

    def _proven(self, collection: Collection, rows: Sequence[Row]) -> Iterator[Thing]:
        lost = set()
        for part in _parts(rows):
            found = self._ask("export bodies", {"digests": [digest for _, digest, _ in part]})
            for (name, _, _), body in zip(part, found["bodies"], strict=True):
                if body is None:
                    lost.add(name)
                else:
                    yield Thing(collection, name, b64decode(body))
        if lost:
            self.salvaged.append(collection.href)
            yield from self._salvaged(collection, lost)

    # --- without ----------------------------------------------------------------------------------
    def _salvaged(self, collection: Collection, only: set[str] | None = None) -> Iterator[Thing]:
        """Give what can be read, of all names or of some; each that cannot is `missing`."""
        after: str | None = ""
        names: dict[str, bool] = dict.fromkeys(sorted(only or ()), False)
        while after is not None:
            page = self._page("export salvage", collection, after)
            for name, body, older in page["objects"]:
                if only is not None and name not in only:
                    continue
                if body is None or older:
                    names[name] = names.get(name, False) or body is not None
                else:
                    names.pop(name, None)
                if body is not None:
                    yield Thing(collection, name, b64decode(body))
            after = page["next"]
            if after is None and only is None:
                self.missing += (
                    Missing(collection.name, _words(*one)) for one in page["unreadable"]
                )
        for name, has_older in names.items():
            self.missing.append(
                Missing(f"{collection.name}/{name}", _OLDER if has_older else _LOST)
            )


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Cut rows into parts whose bodies fit into one answer."""
    part: list[Row] = []
    size = 0
    for row in rows:
        if part and (len(part) == EXPORT_BODIES_MAX or size + row[2] > EXPORT_PAGE_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += row[2]
    if part:
        yield part


def _collection(row: Mapping[str, Any]) -> Collection:
    return Collection(row["id"], row["collection"], row["name"], row["type"], row["count"])


def _told_apart(collections: Sequence[Collection]) -> list[Collection]:
    """Name those that people call alike by their addresses, too."""
    names = [one.name.casefold() for one in collections]
    return [
        one._replace(name=f"{one.name} ({one.href})") if names.count(name) > 1 else one
        for one, name in zip(collections, names, strict=True)
    ]


def _words(what: str, count: int) -> str:
    return f"{what} ({count})" if count else what

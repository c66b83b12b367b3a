"""Reading what is left of a catalog around its bad pages, for salvage (ports.replica.Remains).

A scan that meets a bad page has given what lies before it. How far the bad place reaches nobody
knows, so the reader leaps ahead in steps that double until a seek succeeds again, and halves back
to where it first does. Where an index is bad, the table is read without it. What lies between two
bad places may be leapt over with them; other copies, and the other of the two tables that tell of
a member, may still have it.

Not here: which version counts (mirror/salvage.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

import apsw

from strongroom.history.entries import Head, Member
from strongroom.ports.replica import Left, Line
from strongroom.stores.blobs import BlobFiles
from strongroom.stores.sqlite import codes
from strongroom.stores.sqlite.reader import CatalogReader, read_head

# The least key is bound as ?2; a name comes as bytes, for a leap may end between two letters.
_LINES: Final = """
SELECT number, chain, entry FROM journal WHERE collection = ?1 AND number > ?2
ORDER BY number LIMIT ?3
"""
_LINES_BY_PLACE: Final = """
SELECT place, number, chain, entry FROM journal NOT INDEXED
WHERE place > ?2 AND collection = ?1 AND number > ?4 AND number <= ?5 ORDER BY place LIMIT ?3
"""
_BODIES_BY_PLACE: Final = """
SELECT place, lower(hex(digest)), body FROM blobs NOT INDEXED
WHERE place > ?1 AND lower(hex(digest)) IN (SELECT value FROM json_each(?3))
ORDER BY place LIMIT ?2
"""
_MEMBERS: Final = """
SELECT collection, kind, href, id, number, etag, data, props, at, "by" FROM members
WHERE collection = ?1 AND kind = ?4 AND href > CAST(?2 AS TEXT) ORDER BY href LIMIT ?3
"""
_NEXT_KIND: Final = "SELECT min(kind) FROM members WHERE collection = ? AND kind > ?"
_NUMBER_BITS: Final = 63
_NUMBER_MAX: Final = (1 << _NUMBER_BITS) - 1
_NAME_BYTES: Final = 64  # of a name that a leap goes by

_Scan = Callable[[int, int], Iterator[Any]]  # (after, limit) -> rows in order


class CatalogRemains:
    """What is left of one catalog; each call takes the connection for itself."""

    def __init__(
        self, left: Callable[[], AbstractContextManager[apsw.Connection]], blobs: BlobFiles
    ) -> None:
        """Read through the connection that `left` gives."""
        self._left = left
        self._blobs = blobs

    def head(self, collection: int) -> Head | None:
        """Read a collection's head; None = it cannot be read."""
        with self._left() as connection, suppress(apsw.Error):
            return read_head(connection.cursor(), collection)
        return None

    def kinds(self, collection: int) -> list[str]:
        """Name the kinds of a collection's members, as far as they can be read."""
        found = [""]
        with self._left() as connection, suppress(apsw.Error):
            while (kind := connection.execute(_NEXT_KIND, (collection, found[-1])).get) is not None:
                found.append(kind)
        return found[1:]

    def lines(self, collection: int, after: int, limit: int) -> Left[Line]:
        """Read journal rows behind number `after`, around what is bad."""
        with self._left() as connection:

            def scan(behind: int, most: int) -> Iterator[Any]:
                return connection.execute(_LINES, (collection, behind, most))

            rows, holes = _around(scan, after, limit, _NUMBER_BITS, _first)
            if holes:
                upto = rows[-1][0] if len(rows) == limit else _NUMBER_MAX
                rows = _merged(rows, _by_place(connection, collection, after, upto, limit))[:limit]
        return Left(tuple(map(Line._make, rows)), len(rows) == limit, holes)

    def members(self, collection: int, kind: str, after: str, limit: int) -> Left[Member]:
        """Read members behind the name `after`, around what is bad."""
        with self._left() as connection:

            def scan(behind: int, most: int) -> Iterator[Any]:
                # From the beginning the whole name counts, not only what a leap goes by.
                name = after.encode() if behind == start else _name(behind)
                return connection.execute(_MEMBERS, (collection, name, most, kind))

            start = _number(after)
            bits = _NAME_BYTES * 8
            rows, holes = _around(scan, start, limit, bits, lambda row: _number(row[2]))
        return Left(tuple(map(Member._make, rows)), len(rows) == limit, holes)

    def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Read bodies as they lie there; one that cannot be read is None."""
        with self._left() as connection:
            reader = CatalogReader(connection)
            found: dict[str, bytes | None] = {}
            for digest in digests:
                with suppress(apsw.Error):
                    found[digest] = self._body(reader, digest)
            bad = [digest for digest in digests if digest not in found]
            if bad:
                found |= _bodies_by_place(connection, bad)
        # A large one lies under its name, whatever the catalog says of it.
        return [found.get(digest) or self._blobs.read(digest) for digest in digests]

    def _body(self, reader: CatalogReader, digest: str) -> bytes | None:
        recorded = reader.small_body(digest)
        return recorded[1] if recorded is not None else None


def _by_place(
    connection: apsw.Connection, collection: int, after: int, upto: int, limit: int
) -> list[Any]:
    """Read journal rows (after, upto] without the index of numbers."""

    def scan(behind: int, most: int) -> Iterator[Any]:
        return connection.execute(_LINES_BY_PLACE, (collection, behind, most, after, upto))

    return [row[1:] for row in _around(scan, 0, limit, _NUMBER_BITS, _first)[0]]


def _bodies_by_place(connection: apsw.Connection, digests: Sequence[str]) -> dict[str, bytes]:
    """Read small bodies without the index of digests."""
    asked = json.dumps(digests)

    def scan(behind: int, most: int) -> Iterator[Any]:
        return connection.execute(_BODIES_BY_PLACE, (behind, most, asked))

    rows, _ = _around(scan, 0, len(digests), _NUMBER_BITS, _first)
    return {digest: body for _, digest, body in rows}


def _merged(rows: list[Any], others: list[Any]) -> list[Any]:
    """Join two lists of rows by their first value."""
    return sorted({row[0]: row for row in (*rows, *others)}.values(), key=_first)


def _first(row: Any) -> int:
    return int(row[0])


def _around(
    scan: _Scan, after: int, limit: int, bits: int, key: Callable[[Any], int]
) -> tuple[list[Any], int]:
    """Give up to `limit` rows behind `after`, and how many bad places were stepped over."""
    rows, sound = _until_bad(scan, after, limit)
    holes = 0
    while not sound and len(rows) < limit:
        holes += 1
        behind = _leap(scan, key(rows[-1]) if rows else after, bits)
        if behind is None:
            break
        more, sound = _until_bad(scan, behind, limit - len(rows))
        rows += more
    return rows, holes


def _until_bad(scan: _Scan, after: int, limit: int) -> tuple[list[Any], bool]:
    """Give rows up to the first bad place, and whether there was none."""
    rows: list[Any] = []
    try:
        for row in scan(after, limit):
            rows.append(row)  # noqa: PERF402 - what came before an error is kept
    except apsw.Error as error:
        if codes.primary(error) not in codes.BROKEN:
            raise codes.verdict(error, "read what is left") from error
        return rows, False
    return rows, True


def _leap(scan: _Scan, bad: int, bits: int) -> int | None:
    """Give the least key behind `bad` from which a row, or the end, can be read; None = none can.

    `bad` is a key from which nothing can be read.
    """

    def good(place: int) -> bool:
        found, sound = _until_bad(scan, place, 1)
        return bool(found) or sound

    top = (1 << bits) - 1
    for bit in range(bits):
        place = min(bad + (1 << bit), top)
        if good(place):
            low, high = bad + (1 << bit >> 1), place
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if good(middle) else (middle, high)
            return high
        if place == top:
            break
    return None


def _number(name: str) -> int:
    return int.from_bytes(name.encode()[:_NAME_BYTES].ljust(_NAME_BYTES, b"\0"))


def _name(number: int) -> bytes:
    return number.to_bytes(_NAME_BYTES).rstrip(b"\0")

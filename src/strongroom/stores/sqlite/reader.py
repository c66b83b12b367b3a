"""Reading a catalog: one call is one read transaction, and none stays open after it.

What is read is given as it lies there, with the position that its transaction ends with; comparing
it with what must be there is the engine's (I4). Errors come out as apsw raises them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import apsw

from strongroom.base.errors import BrokenReplicaError
from strongroom.history.entries import (
    OBJECT,
    UID,
    Batch,
    Head,
    Key,
    Member,
    Position,
    Row,
    Tombstone,
    canonical,
    decode_entry,
    entry_id,
    genesis_chain,
    genesis_head,
    uid_of,
)
from strongroom.ports.replica import Journal, Line, Listing, Snapshot
from strongroom.stores.checks import check_tombstone
from strongroom.stores.sqlite import schema

T = TypeVar("T")

_POSITION: Final = "SELECT term, number, chain FROM cell"
_MEMBER_COLUMNS: Final = 'collection, kind, href, id, number, etag, data, props, at, "by"'
ROW: Final = f"""
SELECT {_MEMBER_COLUMNS} FROM members WHERE collection = ?1 AND kind = ?2 AND href = ?3
UNION ALL
SELECT collection, kind, href, id, number, NULL, NULL, NULL, NULL, NULL
FROM tombstones WHERE collection = ?1 AND kind = ?2 AND href = ?3
"""  # noqa: S608 - a constant
# The asked (collection, uid) pairs come as JSON, so that a batch is one statement.
_CARRIERS: Final = f"""
SELECT m.* FROM json_each(?) AS asked CROSS JOIN (
    SELECT {schema.UID} AS uid, {_MEMBER_COLUMNS} FROM members WHERE {schema.CALLED_OTHERWISE}
) AS m WHERE m.collection = asked.value ->> 0 AND m.uid = asked.value ->> 1 ORDER BY m.href DESC
"""  # noqa: S608 - a constant
HEAD: Final = (
    "SELECT collection, number, chain, members, sum, batch FROM heads WHERE collection = ?"
)
RECORDED: Final = "SELECT 1 FROM blobs WHERE digest = ?"


def read_position(cursor: apsw.Cursor) -> Position:
    """Read how far this catalog reaches."""
    return Position(*_one(cursor.execute(_POSITION)))


def first(cursor: apsw.Cursor) -> Any:
    """Give the only row, or None; runs the statement to its end, for else it stays open."""
    rows = cursor.fetchall()
    return rows[0] if rows else None


def _one(cursor: apsw.Cursor) -> tuple[Any, ...]:
    row = first(cursor)
    if row is None:
        raise BrokenReplicaError("the catalog has no row of the cell")
    return tuple(row)


def read_row(cursor: apsw.Cursor, key: Key) -> Row | None:
    """Read what stands under a name; a tombstone is not held against its journal here."""
    rows = cursor.execute(ROW, key).fetchall()
    if not rows:
        return None
    if len(rows) > 1:
        raise BrokenReplicaError(f"{key} both stands and is gone")
    row = rows[0]
    return Member._make(row) if row[5] is not None else Tombstone._make(row[:5])


def read_head(cursor: apsw.Cursor, collection: int) -> Head:
    """Read the head of a collection as this catalog folded it."""
    row = first(cursor.execute(HEAD, (collection,)))
    return _head(row) if row is not None else genesis_head(collection)


def _head(row: Sequence[Any]) -> Head:
    collection, number, chain, members, total, batch = row
    return Head(collection, number, chain, members, int.from_bytes(total), batch)


def read_missing(cursor: apsw.Cursor, digests: Collection[str]) -> list[str]:
    """Name those bodies that this catalog does not record."""
    return [d for d in digests if first(cursor.execute(RECORDED, (bytes.fromhex(d),))) is None]


class CatalogReader:
    """Reads through one connection; calls never overlap."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Read through `connection`."""
        self._cursor = connection.cursor()

    @contextmanager
    def _transaction(self) -> Iterator[Position]:
        self._cursor.execute("BEGIN")
        try:
            yield read_position(self._cursor)
        finally:
            if not self._cursor.connection.get_autocommit():  # a bad page ends it by itself
                self._cursor.execute("ROLLBACK")

    def _within(self, read: Callable[[], T]) -> Snapshot[T]:
        with self._transaction() as position:
            return Snapshot(position, read())

    def rows(self, keys: Sequence[Key]) -> Snapshot[list[Row | None]]:
        """Look names up; raises BrokenReplicaError for a tombstone that nothing proves (I4)."""
        return self._within(lambda: self._rows(keys))

    def _rows(self, keys: Sequence[Key]) -> list[Row | None]:
        found = {key: self._proven_row(key) for key in keys if key.kind != UID}
        asked = [key for key in keys if key.kind == UID]
        if asked:
            found |= self._carriers(asked, found)
        return [found[key] for key in keys]

    def _carriers(
        self, asked: Sequence[Key], found: Mapping[Key, Row | None]
    ) -> dict[Key, Row | None]:
        pairs = canonical([[key.collection, key.href] for key in asked])
        rows = self._cursor.execute(_CARRIERS, (pairs,)).fetchall()
        # The least href comes last, and stays.
        others = {(row[1], row[0]): Member._make(row[1:]) for row in rows}
        carriers: dict[Key, Row | None] = {}
        for key in asked:
            name = Key(key.collection, OBJECT, f"{key.href}.vcf")
            row = found[name] if name in found else read_row(self._cursor, name)
            called = row if isinstance(row, Member) and uid_of(row.data) == key.href else None
            other = others.get((key.collection, key.href))
            both = [member for member in (called, other) if member is not None]
            carriers[key] = min(both, key=lambda member: member.href, default=None)
        return carriers

    def _proven_row(self, key: Key) -> Row | None:
        row = read_row(self._cursor, key)
        if isinstance(row, Tombstone):
            line = first(
                self._cursor.execute(
                    "SELECT entry FROM journal WHERE collection = ? AND number = ?",
                    (row.collection, row.number),
                )
            )
            check_tombstone(row, line[0] if line else None)
        return row

    def listing(self, collection: int, kind: str) -> Snapshot[Listing]:
        """Read all members of one kind, or of all (""), and the head beside them."""
        return self._within(lambda: self._listing(collection, kind))

    def _listing(self, collection: int, kind: str) -> Listing:
        head = read_head(self._cursor, collection)
        only = "AND kind = ?2" if kind else ""
        query = (
            f"SELECT {_MEMBER_COLUMNS} FROM members"  # noqa: S608
            f" WHERE collection = ?1 {only} ORDER BY kind, href"
        )
        values = (collection, kind) if kind else (collection,)
        rows = self._cursor.execute(query, values).fetchall()
        return Listing(head, tuple(map(Member._make, rows)))

    def journal(self, collection: int, after: int, limit: int) -> Snapshot[Journal]:
        """Read a part of a journal, and the chain that it starts from."""
        return self._within(lambda: self._journal(collection, after, limit))

    def _journal(self, collection: int, after: int, limit: int) -> Journal:
        chain: bytes | None = genesis_chain(collection)
        if after:
            row = first(
                self._cursor.execute(
                    "SELECT chain FROM journal WHERE collection = ? AND number = ?",
                    (collection, after),
                )
            )
            chain = row[0] if row else None
        rows = self._cursor.execute(
            "SELECT number, chain, entry FROM journal WHERE collection = ? AND number > ?"
            " ORDER BY number LIMIT ?",
            (collection, after, limit),
        ).fetchall()
        return Journal(after, chain, tuple(map(Line._make, rows)))

    def heads(self) -> Snapshot[dict[int, Head]]:
        """Read all heads."""
        return self._within(lambda: {row[0]: _head(row) for row in self._all_heads()})

    def _all_heads(self) -> Iterable[Any]:
        return self._cursor.execute(
            "SELECT collection, number, chain, members, sum, batch FROM heads"
        ).fetchall()

    def directory(self) -> Snapshot[tuple[Member, ...]]:
        """Read all members that are not objects."""
        query = (
            f"SELECT {_MEMBER_COLUMNS} FROM members WHERE kind <> 'object'"  # noqa: S608
            " ORDER BY collection, kind, href"
        )
        return self._within(
            lambda: tuple(map(Member._make, self._cursor.execute(query).fetchall()))
        )

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Name those bodies that are not recorded."""
        return self._within(lambda: read_missing(self._cursor, digests)).value

    def small_body(self, digest: str) -> tuple[int, bytes | None] | None:
        """Give (size, body) of a recorded body; the body is None where a file holds it."""
        row = first(
            self._cursor.execute(
                "SELECT size, body FROM blobs WHERE digest = ?", (bytes.fromhex(digest),)
            )
        )
        return (row[0], row[1]) if row is not None else None

    def batches(self, after: int, limit: int) -> list[Batch]:
        """Give batches behind number `after`, rebuilt from header rows and journal rows."""
        return self._within(lambda: self._batches(after, limit)).value

    def _batches(self, after: int, limit: int) -> list[Batch]:
        cell = _one(self._cursor.execute("SELECT cell FROM cell"))[0]
        headers = self._cursor.execute(
            "SELECT number, term, at, previous, chain, heads, entries FROM batches"
            " WHERE number > ? ORDER BY number LIMIT ?",
            (after, limit),
        ).fetchall()
        return [self._batch(cell, header) for header in headers]

    def _batch(self, cell: str, header: Sequence[Any]) -> Batch:
        number, term, at, previous, chain, heads, count = header
        rows = self._cursor.execute(
            "SELECT entry FROM journal WHERE place >= ? AND place < ? ORDER BY place",
            (entry_id(number, 0), entry_id(number + 1, 0)),
        ).fetchall()
        lines: tuple[Any, ...] = tuple(row[0] for row in rows)
        try:
            entries = tuple(map(decode_entry, lines))
        except ValueError as error:
            raise BrokenReplicaError(f"batch {number} holds no entry: {error}") from error
        batch = Batch(cell, term, number, at, previous, heads, entries, lines)
        if len(lines) != count or batch.chain != chain:
            raise BrokenReplicaError(f"batch {number} is not what its chain says")
        return batch

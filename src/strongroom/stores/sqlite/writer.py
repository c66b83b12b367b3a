"""Writing a catalog: one batch is one transaction that begins with a guarded update (I2).

The pre-image is read and compared inside that transaction, and the heads are folded from what this
catalog itself holds. An error before COMMIT rolls back and says so; an error from COMMIT may leave
the batch held. Each statement runs once per batch with all its rows; how many it changed before it
failed says which entry is to blame (I9).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import apsw

from strongroom.base.errors import (
    BlobError,
    BrokenReplicaError,
    DamageError,
    FoldError,
    RefusedBatchError,
    StatementError,
    UnavailableReplicaError,
)
from strongroom.history.entries import (
    Batch,
    Head,
    Key,
    Member,
    Position,
    Row,
    Tombstone,
    entry_id,
    heads_digest,
)
from strongroom.history.fold import apply
from strongroom.stores.checks import Bodies, check_bodies, check_handed
from strongroom.stores.sqlite import codes
from strongroom.stores.sqlite.reader import (
    first,
    read_head,
    read_missing,
    read_row,
)

_GUARD: Final = (
    "UPDATE cell SET term = ?, number = ?, chain = ?"
    " WHERE promised = ? AND number = ? AND chain = ?"
)
_BATCH: Final = "INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?, ?)"
_JOURNAL: Final = "INSERT INTO journal VALUES (?, ?, ?, ?, ?)"
_MEMBER: Final = "REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NO_MEMBER: Final = "DELETE FROM members WHERE collection = ? AND kind = ? AND href = ?"
_TOMBSTONE: Final = "REPLACE INTO tombstones VALUES (?, ?, ?, ?, ?)"
_NO_TOMBSTONE: Final = "DELETE FROM tombstones WHERE collection = ? AND kind = ? AND href = ?"
_HEAD: Final = "REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?)"
_BLOB: Final = "INSERT INTO blobs (digest, size, body) VALUES (?, ?, ?)"

Record = tuple[int, bytes | None]
"""Of a body: its size, and itself; None where a durable file holds it."""

NewBlobs = Mapping[str, Record]
"""Digest -> what shall be recorded."""

Keep = Callable[[Bodies], NewBlobs]
"""Makes new bodies durable, or says that the catalog shall hold them; puts known ones right."""

T = TypeVar("T")


class _Folded:
    """What a batch leaves, before it is written: rows by name, heads, journal rows."""

    def __init__(self, cursor: apsw.Cursor, batch: Batch) -> None:
        self.before: dict[Key, Row | None] = {}
        self.rows: dict[Key, Row] = {}
        self.places: dict[tuple[Any, ...], int] = {}
        self.heads: dict[int, Head] = {}
        self.journal: list[tuple[Any, ...]] = []
        first = entry_id(batch.number, 0)
        for place, entry in enumerate(batch.entries):
            key, collection, line = entry.key, entry.collection, batch.lines[place]
            head = self.heads.get(collection) or read_head(cursor, collection)
            old: Row | None
            if key in self.rows:
                old = self.rows[key]
            elif key.kind:
                old = self.before[key] = read_row(cursor, key)
            else:
                old = None  # a gap names nothing
            head, new = apply(entry, line, head, old, batch.number)
            self.heads[collection] = head
            self.journal.append((first + place, collection, entry.number, head.chain, line))
            if new is not None:
                self.rows[key] = new
                self.places[key] = place

    def left(self, kind: type[Row]) -> list[Row]:
        """Give the rows of one class that the batch leaves."""
        return [row for row in self.rows.values() if isinstance(row, kind)]

    def replaced(self, old: type[Row], new: type[Row]) -> list[Key]:
        """Name the rows of class `old` whose names now have one of class `new`."""
        return [
            key
            for key, row in self.rows.items()
            if isinstance(row, new) and isinstance(self.before[key], old)
        ]


class CatalogWriter:
    """Writes through one connection; calls never overlap."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Write through `connection`."""
        self._connection = connection
        self._cursor = connection.cursor()
        self._places: Sequence[int] = ()  # which entry each row of the running statement is for
        self._changes = 0  # in all, before the running statement

    # --- looking ----------------------------------------------------------------------------------
    def standing(self) -> tuple[int, Position]:
        """Give the promised term and the position."""
        row = first(self._cursor.execute("SELECT promised, term, number, chain FROM cell"))
        if row is None:
            raise BrokenReplicaError("the catalog has no row of the cell")
        return row[0], Position(*row[1:])

    def _chain_at(self, number: int) -> bytes | None:
        """Give the chain of a held batch."""
        row = first(self._cursor.execute("SELECT chain FROM batches WHERE number = ?", (number,)))
        return row[0] if row is not None else None

    def _missing(self, digests: Collection[str]) -> list[str]:
        """Name those bodies that are not recorded."""
        return read_missing(self._cursor, digests)

    # --- a batch ----------------------------------------------------------------------------------
    def hold(self, batch: Batch, bodies: Mapping[str, bytes], term: int, keep: Keep) -> None:
        """Hold `batch`, unless it is held already; on return it is durable (I1).

        All of it is one transaction, also the look-ups; bodies are kept inside, before the COMMIT.

        Raises:
            RefusedBatchError, StatementError: rolled back.
            UnavailableReplicaError, BrokenReplicaError: see ports.replica.
        """
        self._places = ()
        self._begin()
        try:
            new = self._hold(batch, bodies, term, keep)
        except FoldError as error:
            self._roll_back()
            raise RefusedBatchError(str(error)) from error
        except DamageError:
            self._roll_back()
            raise
        except apsw.Error as error:
            blame = self._blame(error)
            self._roll_back()
            raise blame from error
        except (OverflowError, TypeError, ValueError) as error:
            place = self._place()
            self._roll_back()
            if place is None:
                raise RefusedBatchError(f"batch {batch.number}: {error}") from error
            raise StatementError(f"entry {place}: {error}", place) from error
        if new:
            self._commit()
        else:
            self._roll_back()

    def _hold(self, batch: Batch, bodies: Mapping[str, bytes], term: int, keep: Keep) -> bool:
        promised, held = self.standing()
        if check_handed(promised, held, batch, term, self._chain_at):
            return False
        blobs = keep(check_bodies(batch, bodies, self._missing))
        self._guard(batch, term, held)
        self._write(batch, blobs)
        return True

    def _guard(self, batch: Batch, term: int, held: Position) -> None:
        guard = (*batch.position, term, held.number, held.chain)
        self._cursor.execute(_GUARD, guard)
        if self._connection.changes() != 1:
            raise UnavailableReplicaError("the cell's row moved meanwhile", rolled_back=True)

    def _write(self, batch: Batch, blobs: NewBlobs) -> None:
        folded = _Folded(self._cursor, batch)
        if heads_digest(folded.heads.values()) != batch.heads:
            raise RefusedBatchError(f"batch {batch.number} leaves other heads than it says")
        self._cursor.execute(
            _BATCH,
            (batch.number, batch.term, batch.at, batch.previous, batch.chain, batch.heads,
             len(batch.entries)),
        )  # fmt: skip
        if blobs:
            places = {entry.etag: place for place, entry in enumerate(batch.entries)}
            rows = [(bytes.fromhex(d), size, body) for d, (size, body) in blobs.items()]
            self._many(_BLOB, rows, [places[d] for d in blobs])
        self._many(_JOURNAL, folded.journal, range(len(folded.journal)))
        for sql, left in (
            (_MEMBER, folded.left(Member)),
            (_TOMBSTONE, folded.left(Tombstone)),
        ):
            if left:
                self._many(sql, left, [folded.places[row[:3]] for row in left])
        for sql, keys in (
            (_NO_MEMBER, folded.replaced(Member, Tombstone)),
            (_NO_TOMBSTONE, folded.replaced(Tombstone, Member)),
        ):
            if keys:
                self._many(sql, keys, [folded.places[key] for key in keys])
        self._places = ()
        heads = [(*h[:4], h.sum.to_bytes(32), h.batch) for h in folded.heads.values()]
        self._cursor.executemany(_HEAD, heads)

    def _many(self, sql: str, rows: Sequence[tuple[Any, ...]], places: Sequence[int]) -> None:
        self._places = places
        self._changes = self._connection.total_changes()
        self._cursor.executemany(sql, rows)

    def _place(self) -> int | None:
        """Say which entry's statement failed; None = none of an entry's own."""
        done = self._connection.total_changes() - self._changes
        return self._places[done] if done < len(self._places) else None

    def _blame(self, error: apsw.Error) -> DamageError:
        place = self._place()
        if place is not None and codes.is_fault_of_statement(error):
            return StatementError(f"entry {place}: {error}", place)
        return codes.verdict(error, "write", self._connection.system_errno)

    # --- transactions -----------------------------------------------------------------------------
    def _begin(self) -> None:
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            raise codes.verdict(error, "begin", self._connection.system_errno) from error

    def _commit(self) -> None:
        try:
            self._cursor.execute("COMMIT")
        except apsw.Error as error:
            system = self._connection.system_errno
            if not self._connection.get_autocommit():
                self._roll_back()
            raise codes.verdict_of_commit(error, system) from error

    def _roll_back(self) -> None:
        try:
            if not self._connection.get_autocommit():
                self._cursor.execute("ROLLBACK")
        except apsw.Error as error:
            raise BrokenReplicaError(f"roll back: {error}") from error

    def whole(self, work: Callable[[], None]) -> None:
        """Do some work in a transaction of its own; all of it is durable then, or nothing."""
        self._begin()
        try:
            work()
        except DamageError:
            self._roll_back()
            raise
        except apsw.Error as error:
            system = self._connection.system_errno
            self._roll_back()
            raise codes.verdict(error, "write", system) from error
        self._commit()

    def promise(self, term: int) -> None:
        """Make a term the promised one, unless a later one is."""
        self.whole(lambda: self._promise(term))

    def _promise(self, term: int) -> None:
        self._cursor.execute("UPDATE cell SET promised = ? WHERE promised <= ?", (term, term))
        if not self._connection.changes():
            raise UnavailableReplicaError("a later term is promised already", rolled_back=True)

    def blob(self, digest: str) -> Record:
        """Give (size, body) of a recorded body."""
        row = first(
            self._cursor.execute(
                "SELECT size, body FROM blobs WHERE digest = ?", (bytes.fromhex(digest),)
            )
        )
        if row is None:
            raise BlobError(f"body {digest} is not recorded here")
        return row[0], row[1]

    def put_blob(self, digest: str, size: int, body: bytes | None) -> None:
        """Record (size, body) in the place of what is recorded, in the transaction that runs."""
        self._cursor.execute(
            "UPDATE blobs SET size = ?, body = ? WHERE digest = ?",
            (size, body, bytes.fromhex(digest)),
        )

    def put_no_blobs(self, digests: Sequence[str]) -> None:
        """Record bodies without their bytes, where they are not recorded."""
        rows = [(bytes.fromhex(digest), 0, None) for digest in digests]
        self._cursor.executemany(
            "INSERT OR IGNORE INTO blobs (digest, size, body) VALUES (?, ?, ?)", rows
        )

"""`SqliteReplica`: one directory that holds one complete copy of a cell (ports.replica).

    DIR/replica.json            the marker: cell, replica, incarnation, folder
    DIR/catalog-<incarnation>/  catalog.db and its WAL
    DIR/blobs/ab/<digest>       bodies over SMALL_BLOB_BYTES_MAX
    DIR/quarantine/             what was replaced

Two connections, one that writes and one that reads, each behind its own lock; the writing one is
taken first. After a failed fsync or a bad page nothing of this opening counts any more, so the
replica stays `Damaged` until a copy takes over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import apsw

from strongroom.base.errors import (
    BlobError,
    BrokenReplicaError,
    CellExistsError,
    UnavailableReplicaError,
)
from strongroom.base.limits import SMALL_BLOB_BYTES_MAX, WAL_BYTES_MAX
from strongroom.history.entries import Batch, Head, Key, Member, Position, Row, digest_of
from strongroom.ports.replica import (
    Absent,
    Blank,
    Damaged,
    Found,
    Identity,
    Journal,
    Listing,
    Probe,
    Remains,
    Replica,
    Snapshot,
)
from strongroom.stores import marker
from strongroom.stores.blobs import BlobFiles
from strongroom.stores.checks import Bodies, check_cell
from strongroom.stores.durable import Durable
from strongroom.stores.marker import Marker
from strongroom.stores.sqlite import codes, leftovers, schema, vfs
from strongroom.stores.sqlite.anchor import Anchor, OtherReplicaError
from strongroom.stores.sqlite.reader import CatalogReader
from strongroom.stores.sqlite.remains import CatalogRemains
from strongroom.stores.sqlite.writer import CatalogWriter, NewBlobs, Record

T = TypeVar("T")


class _Open:
    """An opened catalog: its marker as this process knows it, and two connections."""

    def __init__(
        self, root: Path, mine: Marker, expected: bytes, *, looks_only: bool = False
    ) -> None:
        """Open; raises apsw.Error, OSError and what `schema.open_catalog` raises."""
        self.identity = mine.identity
        self.marker, self.raw = mine, expected
        self.anchor = Anchor(root, mine.folder, expected)
        open_one = partial(schema.open_catalog, self.anchor.catalog, mine.identity, look=looks_only)
        self.write_connection = open_one()
        try:
            if not looks_only:
                schema.complete(self.write_connection)
            self.read_connection = open_one()
        except BaseException:  # cleans up, then raises it again
            self.write_connection.close()
            raise
        self.writer = CatalogWriter(self.write_connection)
        self.reader = CatalogReader(self.read_connection)

    def close(self) -> None:
        """Close both; what is committed needs no closing, so an error of it means nothing."""
        for connection in (self.read_connection, self.write_connection):
            with suppress(apsw.Error):
                connection.close()


class SqliteReplica:
    """One replica directory; see ports.replica for what each method promises."""

    def __init__(
        self, root: Path, durable: Durable | None = None, *, looks_only: bool = False
    ) -> None:
        """Stand for `root`; nothing is opened before `probe`, `create` or the first use.

        `looks_only`: no file is changed, made or removed; what would change one is refused, as on a
        read-only medium.
        """
        self._root = root
        self._looks_only = looks_only
        self._durable = durable or Durable()
        self._blobs = BlobFiles(root, self._durable)
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        self._opened: _Open | None = None
        self._copy: SqliteReplica | None = None
        self._broken = ""  # why nothing of this opening counts any more
        self._heals = 0

    # --- coming to be ---------------------------------------------------------------------------
    def probe(self) -> Probe:
        """Look at the marker and the cell row; opens what is there, creates nothing."""
        with self._writing:
            try:
                if not self._root.is_dir():
                    self.close()
                    return Absent(f"{self._root} is not there")
                raw = marker.read(self._root)
                mine = marker.decode(raw) if raw is not None else None
            except (OSError, ValueError) as error:
                return Absent(f"the marker of {self._root} cannot be read: {error}")
            if raw is None or mine is None:
                self.close()
                return Blank()
            if self._broken:
                return Damaged(mine.identity, self._broken)
            return self._probe_catalog(mine, raw)

    def _probe_catalog(self, mine: Marker, raw: bytes) -> Probe:
        try:
            opened = self._reopened(mine, raw)
            promised, position = opened.writer.standing()
        except schema.UntrustworthyCatalogError as error:
            return Damaged(mine.identity, str(error))
        except (schema.UnknownFormatError, OSError) as error:
            return Absent(str(error))
        except BrokenReplicaError as error:
            return Damaged(mine.identity, str(error))
        except apsw.Error as error:
            text = codes.words(error)
            return Damaged(mine.identity, text) if codes.is_bad_page(error) else Absent(text)
        return Found(mine.identity, promised, position, opened.anchor.device)

    def _reopened(self, mine: Marker, raw: bytes) -> _Open:
        """Keep what is open if it still is what lies there; else open anew."""
        with self._reading:
            if self._opened is not None and not self._opened.anchor.holds(raw):
                self.close()
            if self._opened is None:
                if not (self._root / mine.folder / schema.FILE).exists():
                    raise schema.UntrustworthyCatalogError(f"{mine.folder} has no catalog")
                self._opened = _Open(self._root, mine, raw, looks_only=self._looks_only)
            return self._opened

    def create(self, identity: Identity) -> None:
        """Make an empty catalog and, last of all, the marker; CellExistsError where one is."""
        assert not self._looks_only
        with self._writing, self._reading:
            if not self._root.is_dir():
                raise UnavailableReplicaError(f"{self._root} is not there", rolled_back=True)
            if (self._root / marker.NAME).exists():
                raise CellExistsError(f"{self._root} holds a replica already")
            mine = self._make_catalog(identity, 0, marker.folder_of(identity.incarnation))
            raw = mine.encode()
            self._durable.write_new(self._root / marker.NAME, raw)
            self._opened = self._open(mine, raw)

    def _make_catalog(
        self, identity: Identity, promised: int, name: str, *, marked: bool = False
    ) -> Marker:
        mine = Marker(identity, name)
        folder = self._root / mine.folder
        self._durable.make_dir(folder)
        if marked:
            self._durable.write_new(folder / leftovers.MARK, mine.encode())
        try:
            schema.make(folder / schema.FILE, identity, promised)
        except apsw.Error as error:
            raise codes.verdict(error, f"make {folder}") from error
        self._durable.sync_file(folder / schema.FILE)
        return mine

    def _open(self, mine: Marker, expected: bytes) -> _Open:
        try:
            return _Open(self._root, mine, expected)
        except schema.UntrustworthyCatalogError as error:
            raise BrokenReplicaError(str(error)) from error
        except (schema.UnknownFormatError, OSError) as error:
            raise UnavailableReplicaError(str(error), rolled_back=True) from error
        except apsw.Error as error:
            raise codes.verdict(error, f"open {mine.folder}") from error

    def _use(self) -> _Open:
        """Give the opened catalog, opening it where nobody has yet."""
        if self._broken:
            raise BrokenReplicaError(self._broken)
        if self._opened is None:
            found = self.probe()
            if isinstance(found, Damaged):
                raise BrokenReplicaError(found.reason)
            if self._opened is None:
                reason = found.reason if isinstance(found, Absent) else "there is no marker"
                raise UnavailableReplicaError(reason, rolled_back=True)
        return self._opened

    def close(self) -> None:
        """Release all files."""
        with self._writing, self._reading:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    # --- copies -----------------------------------------------------------------------------------
    def begin_copy(self, incarnation: str) -> Replica:
        """Give an empty replica in a new folder beside; it keeps the term promised here."""
        assert not self._looks_only
        with self._writing:
            try:
                raw = marker.read(self._root)
                old = marker.decode(raw) if raw is not None else None
            except (OSError, ValueError) as error:
                raise UnavailableReplicaError(f"marker: {error}", rolled_back=True) from error
            if raw is None or old is None:
                raise UnavailableReplicaError("there is no marker", rolled_back=True)
            if self._copy is not None:
                self._copy._give_up("another copy was begun")
            leftovers.clear(self._root, old, self._durable)
            self._sweep(old.folder)
            identity = Identity(old.identity.cell, old.identity.replica, incarnation)
            copy = SqliteReplica(self._root, self._durable)
            name = marker.free_folder(incarnation, old.folder)
            mine = copy._make_catalog(identity, self._promised(), name, marked=True)
            copy._opened = copy._open(mine, raw)
            schema.hurry(copy._opened.write_connection)
            self._copy = copy
            return copy

    def _promised(self) -> int:
        """Give the term promised here; 0 where the catalog cannot tell it any more."""
        try:
            opened = self._opened or self._use()
            return opened.writer.standing()[0]
        except (apsw.Error, BrokenReplicaError, UnavailableReplicaError):
            return 0

    def _sweep(self, current: str) -> None:
        """Move all other catalogs into quarantine: one of them may have been a replica."""
        for entry in sorted(self._root.glob(marker.folder_of("*"))):
            if entry.name != current:
                self._blobs.set_aside_folder(entry.name)

    def switch(self, copy: Replica) -> None:
        """Become `copy` by one rename of the marker; the old folder goes to quarantine."""
        assert isinstance(copy, SqliteReplica)
        with self._writing, self._reading:
            new = copy._copied()
            new.anchor.check()
            new = copy._settled(new, self._promised())
            try:
                leftovers.take_over(self._root, new.marker, new.raw, self._durable)
            except BrokenReplicaError as error:
                self._broken = str(error)
                raise
            new.anchor.expect(new.marker.encode())
            copy._opened = self._copy = None
            copy._give_up("it has taken over")
            self.close()
            self._opened, self._broken = new, ""
            self._sweep(new.marker.folder)

    def _give_up(self, why: str) -> None:
        """End a copy; it must never open what the marker names in its stead."""
        self._broken = why
        self.close()

    def _settled(self, new: _Open, promised: int) -> _Open:
        """Make all that this copy holds durable at once; until now nothing of it was counted on.

        Its file is synced while SQLite does not hold it: whoever closes a file drops all locks that
        his process has on it, and with them what keeps other programs away.
        """
        try:
            if new.writer.standing()[0] < promised:
                new.writer.promise(promised)
            schema.tune(new.write_connection)
            new.write_connection.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error as error:
            raise codes.verdict(error, "settle a copy") from error
        self.close()
        self._durable.sync_file(new.anchor.catalog)
        self._opened = self._open(new.marker, new.raw)
        return self._opened

    def _copied(self) -> _Open:
        """Give what this copy holds, if nothing broke it."""
        if self._broken:
            raise BrokenReplicaError(self._broken)
        if self._opened is None:
            raise UnavailableReplicaError("the copy was closed", rolled_back=True)
        return self._opened

    # --- writing ----------------------------------------------------------------------------------
    @contextmanager
    def _changing(self) -> Iterator[_Open]:
        """Give the catalog to one writing call, and remember what broke it."""
        if self._looks_only:
            raise UnavailableReplicaError("it is only looked at", rolled_back=True)
        with self._writing:
            opened = self._use()
            try:
                yield opened
            except apsw.Error as error:
                verdict = codes.verdict(error, "read while writing")
                if isinstance(verdict, BrokenReplicaError):
                    self._broken = str(verdict)
                raise verdict from error
            except OtherReplicaError:
                raise  # not remembered: the right disk may come back
            except BrokenReplicaError as error:
                self._broken = str(error)
                raise

    def promise(self, term: int) -> None:
        """Make `term` durable, and the marker's name; a lower term than promised is refused.

        Who promises is about to be counted. A process that was killed inside a switch leaves a
        marker that is there, that a power cut may still take back, and the mark of a leftover.
        """
        with self._changing() as opened:
            self._durable.sync_dir(self._root)
            if marker.decode(opened.raw) == opened.marker:  # a copy is not counted yet
                leftovers.unmark(opened.anchor.catalog.parent, self._durable)
            opened.writer.promise(term)
            opened.anchor.check()

    def apply(self, batch: Batch, bodies: Mapping[str, bytes], term: int) -> Position:
        """Hold `batch`: bodies first, then one guarded commit, then the identity check (I1, I2)."""
        with self._changing() as opened:
            check_cell(opened.identity.cell, batch)
            opened.writer.hold(batch, bodies, term, lambda which: self._kept(opened, which, bodies))
            opened.anchor.check()
            return batch.position

    def _kept(self, opened: _Open, which: Bodies, bodies: Mapping[str, bytes]) -> NewBlobs:
        """Make large ones durable as files before any record of them; put known ones right (I1)."""
        for digest in which.known:
            self._put_right(opened, digest, bodies[digest])
        return {digest: self._filed(opened, digest, bodies[digest])[1] for digest in which.new}

    def _filed(self, opened: _Open, digest: str, body: bytes) -> tuple[bool, Record]:
        """Make a large body durable; says whether it was, and what its record shall be."""
        if len(body) <= SMALL_BLOB_BYTES_MAX:
            return True, (len(body), body)
        opened.anchor.check()  # a place whose disk was unmounted must stay blank
        return self._blobs.keep(digest, body), (len(body), None)

    def _put_right(self, opened: _Open, digest: str, body: bytes) -> None:
        """Compare a recorded body with good bytes; if it is another, they take its place (I3).

        It is done within a transaction: whenever that ends, the old is there or the new.
        """
        recorded = opened.writer.blob(digest)
        good, record = self._filed(opened, digest, body)
        if recorded != record:
            good = False
            opened.anchor.check()
            if recorded[1] is not None:
                self._blobs.set_aside(digest, recorded[1])
            opened.writer.put_blob(digest, *record)
        self._heals += not good

    def heal(self, digest: str, body: bytes) -> None:
        """Put a good body in a bad one's place; what was there goes to quarantine (I3)."""
        if digest_of(body) != digest:
            raise BlobError(f"the body given as {digest} is another")
        with self._changing() as opened:
            opened.anchor.check()
            opened.writer.whole(lambda: self._put_right(opened, digest, body))

    def record_lost(self, digests: Sequence[str]) -> None:
        """Record bodies that no copy can give; they read as unreadable until they are healed."""
        with self._changing() as opened:
            opened.anchor.check()
            opened.writer.whole(lambda: opened.writer.put_no_blobs(digests))

    def healed(self) -> int:
        """Say how many bodies were healed here since this was made."""
        return self._heals

    def drop_cache(self) -> None:
        """Let cached pages go, so that the next read comes from the medium."""
        with self._writing, self._reading:
            if self._opened is not None:
                self._opened.read_connection.release_memory()
                self._opened.write_connection.release_memory()

    def checkpoint(self) -> None:
        """Move the WAL into the database, and start it anew once it is large."""
        with self._changing() as opened:
            large = opened.anchor.wal_bytes() > WAL_BYTES_MAX
            mode = apsw.SQLITE_CHECKPOINT_TRUNCATE if large else apsw.SQLITE_CHECKPOINT_PASSIVE
            try:
                opened.write_connection.wal_checkpoint("main", mode)
            except apsw.BusyError:
                return  # a reader is in the way; the next call does it

    # --- reading ----------------------------------------------------------------------------------
    def _read(self, call: Callable[[CatalogReader], T]) -> T:
        if self._opened is None:
            with self._writing:
                self._use()
        with self._reading:
            if self._opened is None:
                raise UnavailableReplicaError("it was closed meanwhile", rolled_back=True)
            try:
                return call(self._opened.reader)
            except apsw.Error as error:
                verdict = codes.verdict(error, "read")
                if isinstance(verdict, BrokenReplicaError):
                    self._broken = str(verdict)
                raise verdict from error

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Name those bodies that this catalog does not record."""
        return self._read(lambda r: r.missing(digests))

    def batches(self, after: int, limit: int) -> list[Batch]:
        """Give up to `limit` batches behind number `after`, in order."""
        return self._read(lambda r: r.batches(after, limit))

    def rows(self, keys: Sequence[Key]) -> Snapshot[list[Row | None]]:
        """Look names up; a tombstone is held against its journal (I4)."""
        return self._read(lambda r: r.rows(keys))

    def listing(self, collection: int, kind: str) -> Snapshot[Listing]:
        """Read all members of one kind in one transaction."""
        return self._read(lambda r: r.listing(collection, kind))

    def journal(self, collection: int, after: int, limit: int) -> Snapshot[Journal]:
        """Read up to `limit` rows of a journal behind number `after`."""
        return self._read(lambda r: r.journal(collection, after, limit))

    def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Read bodies as they lie there; the caller checks them (I3)."""
        return self._read(lambda r: [self._body(r, digest) for digest in digests])

    def _body(self, reader: CatalogReader, digest: str) -> bytes | None:
        found = reader.small_body(digest)
        if found is None:
            return None
        size, body = found
        return self._blobs.read(digest) if size > SMALL_BLOB_BYTES_MAX else body

    def remains(self) -> Remains:
        """Give a reader of what is left; see ports.replica."""
        return CatalogRemains(self._left, self._blobs)

    @contextmanager
    def _left(self) -> Iterator[apsw.Connection]:
        """Give a connection to what is left, were it opened well or not."""
        with self._reading:
            if self._opened is not None:
                yield self._opened.read_connection
                return
            with closing(self._open_left()) as connection:
                yield connection

    def _open_left(self) -> apsw.Connection:
        """Open what the marker names without asking what it is; nothing is changed by it."""
        if not self._root.is_dir():
            raise UnavailableReplicaError("it is not there", rolled_back=True)
        try:
            raw = marker.read(self._root)
            if raw is None:
                raise UnavailableReplicaError("there is no marker", rolled_back=True)
            return vfs.look(self._root / marker.decode(raw).folder / schema.FILE)
        except (OSError, ValueError) as error:
            raise UnavailableReplicaError(f"marker: {error}", rolled_back=True) from error
        except apsw.Error as error:
            raise codes.verdict(error, "open what is left") from error

    def heads(self) -> Snapshot[dict[int, Head]]:
        """Read the heads of all collections."""
        return self._read(lambda r: r.heads())

    def directory(self) -> Snapshot[tuple[Member, ...]]:
        """Read all members that are not objects."""
        return self._read(lambda r: r.directory())

    def present(self) -> int:
        """Make the identity check without a vote; say how much room there is."""
        with self._changing() as opened:
            opened.anchor.check()
            return opened.anchor.room()


_REPLICA: Final[type[Replica]] = SqliteReplica  # the promise, held by the type checker

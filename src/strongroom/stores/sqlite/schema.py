"""The tables of a catalog, format 1; docs/formats/catalog.md is normative (I10).

Folds of batches: batches, journal, members, tombstones, heads, blobs and the cell's position.
Local: the promised term, which is dropped only with its replica. Also here: making, opening and
judging a catalog file, so that no connection is used whose checksums are off.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import apsw

from strongroom.history.entries import FORMAT, genesis_position
from strongroom.ports.replica import Identity
from strongroom.stores.sqlite import vfs

APPLICATION_ID: Final = int.from_bytes(b"Strg")
FILE: Final = "catalog.db"

TABLES: Final = """
CREATE TABLE cell (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    format INTEGER NOT NULL, cell TEXT NOT NULL, replica TEXT NOT NULL, incarnation TEXT NOT NULL,
    promised INTEGER NOT NULL,
    term INTEGER NOT NULL, number INTEGER NOT NULL, chain BLOB NOT NULL
) STRICT;
CREATE TABLE batches (
    number INTEGER PRIMARY KEY,
    term INTEGER NOT NULL, at INTEGER NOT NULL,
    previous BLOB NOT NULL, chain BLOB NOT NULL, heads TEXT NOT NULL, entries INTEGER NOT NULL
) STRICT;
CREATE TABLE journal (
    place INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL, number INTEGER NOT NULL,
    chain BLOB NOT NULL, entry BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX journal_by_number ON journal (collection, number);
CREATE TABLE members (
    collection INTEGER NOT NULL, kind TEXT NOT NULL, href TEXT NOT NULL,
    id INTEGER NOT NULL, number INTEGER NOT NULL, etag TEXT NOT NULL, data TEXT NOT NULL,
    props TEXT NOT NULL, at INTEGER NOT NULL, "by" INTEGER NOT NULL,
    PRIMARY KEY (collection, kind, href)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_not_objects ON members (collection, kind, href) WHERE kind <> 'object';
CREATE TABLE tombstones (
    collection INTEGER NOT NULL, kind TEXT NOT NULL, href TEXT NOT NULL,
    id INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (collection, kind, href)
) STRICT, WITHOUT ROWID;
CREATE TABLE heads (
    collection INTEGER PRIMARY KEY,
    number INTEGER NOT NULL, chain BLOB NOT NULL, members INTEGER NOT NULL, sum BLOB NOT NULL,
    batch INTEGER NOT NULL
) STRICT;
CREATE TABLE blobs (
    place INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, body BLOB
) STRICT;
"""

UID: Final = "iif(json_valid(data), json_extract(data, '$.uid'), NULL)"
# Objects that are not called by their UID. Nearly all are, and are found by their name; so the
# index costs nothing where it tells nothing. Not a part of the format: a catalog without it gets
# it when it is opened.
CALLED_OTHERWISE: Final = f"kind = 'object' AND href <> {UID} || '.vcf'"
UID_INDEX: Final = (
    f"CREATE INDEX IF NOT EXISTS members_by_uid ON members (collection, {UID})"
    f" WHERE {CALLED_OTHERWISE}"
)
_HAS_UID_INDEX: Final = "SELECT 1 FROM sqlite_schema WHERE name = 'members_by_uid'"


class UntrustworthyCatalogError(Exception):
    """A catalog file is there and readable, and not to be trusted; never leaves the stores."""


class UnknownFormatError(Exception):
    """A catalog of a format that this program does not know; never leaves the stores."""


def make(path: Path, identity: Identity, promised: int) -> None:
    """Make an empty catalog; raises apsw.Error. The caller fsyncs the folder."""
    connection = vfs.connect(path, create=True)
    try:
        connection.reserve_bytes("main", vfs.RESERVED_BYTES)
        tune(connection)
        connection.pragma("application_id", APPLICATION_ID)
        connection.pragma("user_version", FORMAT)
        connection.pragma("journal_mode", "wal")
        start = genesis_position(identity.cell)
        with connection:
            connection.execute(TABLES)
            connection.execute(UID_INDEX)
            connection.execute(
                "INSERT INTO cell VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
                (FORMAT, identity.cell, identity.replica, identity.incarnation, promised, *start),
            )
    finally:
        connection.close()


def tune(connection: apsw.Connection) -> None:
    """Set what is set per connection: each COMMIT is synced, and only we checkpoint (I1)."""
    for name, value in (
        ("synchronous", "full"),
        ("wal_autocheckpoint", 0),
        ("cache_size", -8192),
        ("temp_store", "memory"),
        ("mmap_size", 0),
        ("trusted_schema", 0),
    ):
        connection.pragma(name, value)


def hurry(connection: apsw.Connection) -> None:
    """Stop syncing each COMMIT of a copy that nobody counts on yet; `tune` ends that.

    Its WAL is moved over by SQLite itself, for a copy of a long history would grow for ever.
    """
    connection.pragma("synchronous", "off")
    connection.pragma("wal_autocheckpoint", 1000)


def complete(connection: apsw.Connection) -> None:
    """Make what an older program left out; a medium that takes no writes now stays as it is."""
    if connection.execute(_HAS_UID_INDEX).get is None:
        with suppress(apsw.ReadOnlyError, apsw.FullError, apsw.BusyError):
            connection.execute(UID_INDEX)


def open_catalog(path: Path, identity: Identity, *, look: bool = False) -> apsw.Connection:
    """Open a catalog that is there, and confirm what it is; `look`: so that no file changes.

    Raises:
        apsw.Error: it cannot be opened or read.
        UntrustworthyCatalogError: no checksums, another identity, not a catalog.
        UnknownFormatError: a newer format; nothing is wrong with it.
    """
    connection = vfs.look(path) if look else vfs.connect(path)
    try:
        tune(connection)
        _confirm(connection, identity, logged=not look)
    except BaseException:  # cleans up, then raises it again
        connection.close()
        raise
    return connection


def _confirm(connection: apsw.Connection, identity: Identity, *, logged: bool) -> None:
    found: Any = connection.pragma("user_version")
    # Reading the schema first matters: a fresh connection's checkpoint does nothing before that.
    if connection.pragma("application_id") != APPLICATION_ID:
        raise UntrustworthyCatalogError("the file is not a catalog")
    if found != FORMAT:
        raise UnknownFormatError(f"the catalog has format {found}, known is {FORMAT}")
    if str(connection.pragma("checksum_verification")) != "1":
        raise UntrustworthyCatalogError("page checksums are off")
    if logged and connection.pragma("journal_mode") != "wal":
        raise UntrustworthyCatalogError("the catalog is not in WAL mode")
    row = connection.execute("SELECT cell, replica, incarnation FROM cell").get
    if row != (identity.cell, identity.replica, identity.incarnation):
        raise UntrustworthyCatalogError(f"the marker says {identity}, the catalog {row}")

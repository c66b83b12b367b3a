"""Sync positions in a small SQLite file of their own in `data` (ports.positions).

A request costs a dict write; what changed is written every half minute and at the end, on a lane of
its own. The file is *local*: it is no fold of batches, and losing it loses nothing promised. So one
that cannot be read is set aside and begun anew, one that takes no writes now is tried again later,
and nobody waits for either.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from strongroom.base.errors import DamageError
from strongroom.base.limits import (
    POSITION_ROWS_MAX,
    POSITIONS_SECONDS,
    POSITIONS_WAITING_MAX,
)
from strongroom.formats.clients import client_of
from strongroom.ports.positions import CameBack, Sighting
from strongroom.ports.world import Clock, Lane
from strongroom.stores.durable import Durable

T = TypeVar("T")

FORMAT: Final = 1  # also written as user_version
_TABLES: Final = """
CREATE TABLE seen (device INTEGER PRIMARY KEY, home INTEGER NOT NULL, at INTEGER NOT NULL,
                   client TEXT NOT NULL);
CREATE INDEX seen_home ON seen (home, at, device);
CREATE TABLE places (device INTEGER NOT NULL, collection INTEGER NOT NULL, home INTEGER NOT NULL,
                     at INTEGER NOT NULL, number INTEGER NOT NULL, chain BLOB NOT NULL,
                     PRIMARY KEY (device, collection)) WITHOUT ROWID;
CREATE INDEX places_home ON places (home, at, device, collection);
"""
_SEEN: Final = "REPLACE INTO seen VALUES (?, ?, ?, ?)"
_PLACE: Final = "REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)"
# The newest rows of an account stay; which of one time does not matter, but how many does.
_PRUNE: Final = tuple(
    f"DELETE FROM {table} WHERE home = ?1 AND ({columns}) <"  # noqa: S608 - names of ours
    f" (SELECT {columns} FROM {table} WHERE home = ?1"
    f" ORDER BY {order} LIMIT 1 OFFSET ?2)"
    for table, columns, order in (
        ("seen", "at, device", "at DESC, device DESC"),
        ("places", "at, device, collection", "at DESC, device DESC, collection DESC"),
    )
)
_LOST: Final = (apsw.NotADBError, apsw.CorruptError, apsw.SQLError, apsw.SchemaChangeError)
_log: Final = logging.getLogger("strongroom.positions")

_Seen = tuple[int, bytes]  # home, agent
_Place = tuple[int, CameBack]  # home, place


class OtherFormatError(Exception):
    """The file is of another format than ours; raised and met here only."""


class FilePositions:
    """Remembers visits in one file; `close` writes what waits."""

    def __init__(self, path: Path, lane: Lane, clock: Clock) -> None:
        """Open nothing yet; `lane` runs all that touches the file."""
        self._path = path
        self._lane = lane
        self._clock = clock
        self._seen: dict[int, _Seen] = {}
        self._places: dict[tuple[int, int], _Place] = {}
        self._connection: apsw.Connection | None = None

    def seen(self, home: int, device: int, agent: bytes) -> None:
        """Note a request."""
        # The time is that of the next write: half a minute late at most, and no look at a clock.
        if len(self._seen) < POSITIONS_WAITING_MAX or device in self._seen:
            self._seen[device] = (home, agent)

    def came_back(self, home: int, device: int, collection: int, place: CameBack) -> None:
        """Note a token that was brought."""
        key = (device, collection)
        if len(self._places) < POSITIONS_WAITING_MAX or key in self._places:
            self._places[key] = (home, place)

    async def of(self, home: int) -> Mapping[int, Sighting] | None:
        """Give what is known of an account's devices; what waits is written first."""
        await self.flush()
        try:
            return await self._lane.run(lambda: self._read(home))
        except (apsw.Error, DamageError, OSError) as error:
            _log.warning("sync positions cannot be read now: %s", error)
            return None

    async def run(self) -> None:
        """Write what changed from time to time, for ever."""
        while True:
            await asyncio.sleep(POSITIONS_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Write what changed; what the disk does not take now waits for the next time."""
        if not (self._seen or self._places):
            return
        seen, self._seen = self._seen, {}
        places, self._places = self._places, {}
        written = False
        try:
            await self._lane.run(lambda: self._write(seen, places))
            written = True
        except (apsw.Error, DamageError, OSError) as error:
            _log.warning("sync positions cannot be written now: %s", error)
        finally:  # also where the server ends in between
            if not written:
                self._seen = {**seen, **self._seen}
                self._places = {**places, **self._places}

    async def close(self) -> None:
        """Write what waits; close the file and the lane."""
        await self.flush()
        if self._connection is not None:
            await self._lane.run(self._close)
        self._lane.close()

    # --- on the lane ------------------------------------------------------------------------------
    def _read(self, home: int) -> dict[int, Sighting]:
        def look(db: apsw.Connection) -> tuple[list[Any], list[Any]]:
            seen = db.execute("SELECT device, at, client FROM seen WHERE home = ?", (home,))
            places = "SELECT device, collection, number, chain FROM places WHERE home = ?"
            return seen.fetchall(), db.execute(places, (home,)).fetchall()

        if not self._path.exists():
            return {}  # a look makes no file
        seen, rows = self._with(look)
        places: dict[int, dict[int, CameBack]] = {}
        for device, collection, number, chain in rows:
            places.setdefault(device, {})[collection] = CameBack(number, chain)
        return {device: Sighting(at, client, places.get(device, {})) for device, at, client in seen}

    def _write(self, seen: dict[int, _Seen], places: dict[tuple[int, int], _Place]) -> None:
        homes = {home for home, _ in (*seen.values(), *places.values())}
        at = self._clock.now_ms()

        def write(db: apsw.Connection) -> None:
            with db:
                db.executemany(_SEEN, _seen_rows(seen, at))
                db.executemany(_PLACE, _place_rows(places, at))
                for home in homes:
                    for statement in _PRUNE:
                        db.execute(statement, (home, POSITION_ROWS_MAX - 1))

        self._with(write)

    def _with(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` on the file, and once more on a new one if this one is no good."""
        try:
            return work(self._open())
        except (*_LOST, OtherFormatError) as error:
            _log.warning("sync positions are begun anew; the old file is set aside: %s", error)
            self._close()
            self._set_aside()
            return work(self._open())

    def _set_aside(self) -> None:
        # With what a crash left beside it: SQLite would roll that back into the new file.
        for end in ("", "-journal"):
            path = self._path.with_name(self._path.name + end)
            if path.exists():
                Durable().move(path, path.with_name(path.name + ".bad"))

    def _open(self) -> apsw.Connection:
        if self._connection is None:
            self._connection = _connect(self._path)
        return self._connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close(True)  # whatever a failed statement left open
            self._connection = None


def _connect(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs="unix")
    try:
        # Synced, but not waited for by anyone: without it a power cut could leave no file to read,
        # and after a power cut it is wanted most.
        connection.pragma("synchronous", "normal")
        connection.pragma("trusted_schema", 0)
        found = connection.pragma("user_version")
        if found == 0:
            with connection:
                connection.execute(_TABLES)
                connection.pragma("user_version", FORMAT)
        elif found != FORMAT:
            raise OtherFormatError(f"it has format {found}, known is {FORMAT}")
    except BaseException:  # cleans up, then raises it again
        connection.close()
        raise
    return connection


def _seen_rows(seen: Mapping[int, _Seen], at: int) -> Iterable[tuple[int, int, int, str]]:
    return ((device, home, at, client_of(agent)) for device, (home, agent) in seen.items())


def _place_rows(
    places: Mapping[tuple[int, int], _Place], at: int
) -> Iterable[tuple[Any, ...]]:  # fmt: skip
    return ((*key, home, at, *place) for key, (home, place) in places.items())

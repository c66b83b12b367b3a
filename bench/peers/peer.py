"""What all peers have in common: their own default durability, and a filled store.

A book of ten thousand takes them minutes to fill by PUT, so a filled store is made once, by the
fastest way that a peer has, warmed by one first sync, kept under `.cache/bench`, and copied for
each round.
"""

import hashlib
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench import dav
from bench.adapter import FRESH, LOGIN, PASSWORD, Running, filled, filled_calendar
from bench.cards import card
from bench.events import event
from bench.process import Process, ServerError, free_port
from bench.wire import Connection, Target


class Peer(ABC):
    """A server that is installed, filled once, and started on a copy for each round."""

    name: str

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._kind = ""

    @abstractmethod
    def version(self) -> str:
        """The version that is measured."""

    async def prepare(self, sizes: Sequence[int]) -> None:
        """Install, and make the filled store unless it is kept from an earlier run."""
        self._kind = self._install()
        if (store := self._store(sizes)).exists():
            return
        print(f"filling {self.name} with {sizes} contacts, once ...", flush=True)
        making = store.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        await self._fill(making, sizes)
        making.rename(store)

    async def start(self, place: Path, sizes: Sequence[int]) -> Running:
        """Start on a copy of the filled store."""
        shutil.copytree(self._store(sizes), place / "store", symlinks=True)
        return await self._serve(place)

    def _store(self, sizes: Sequence[int]) -> Path:
        sample = b"".join((*map(card, range(100)), *map(event, range(100))))
        cards = hashlib.sha256(sample).hexdigest()[:8]
        return self._cache / "-".join([self._kind, cards, *map(str, sizes)])

    async def _fill(self, making: Path, sizes: Sequence[int]) -> None:
        place = making.with_suffix(".place")
        shutil.rmtree(place, ignore_errors=True)
        (place / "store").mkdir(parents=True)
        running = await self._serve(place)
        try:
            connection = Connection(running.target)
            await self._make_home(connection)
            for size in sizes:
                await self._fill_book(connection, place / "store", size)
                await warm(connection, connection.target.book(filled(size)), size)
            calendar = connection.target.calendar(filled_calendar(max(sizes)))
            await self._fill_calendar(connection, calendar, place / "store", max(sizes))
            await warm(connection, calendar, max(sizes))
            connection.close()
        finally:
            running.process.stop()
        shutil.copytree(place / "store", making, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(place)

    async def _serve(self, place: Path) -> Running:
        port = free_port()
        process = self._launch(place, port)
        try:
            process.wait_for_port(port)
        except BaseException:  # cleans up, then raises it again
            process.stop()
            raise
        target = Target(port, self._home(), LOGIN, PASSWORD, calendars=self._calendars())
        return Running(self.name, target, process)

    async def _make_home(self, connection: Connection) -> None:
        await dav.make_book(connection, connection.target.book(FRESH))

    @abstractmethod
    def _install(self) -> str:
        """See that it is there, and say which it is; raises ServerError where it is not."""

    @abstractmethod
    def _home(self) -> str: ...

    @abstractmethod
    def _calendars(self) -> str: ...

    @abstractmethod
    def _launch(self, place: Path, port: int) -> Process: ...

    @abstractmethod
    async def _fill_book(self, connection: Connection, store: Path, size: int) -> None: ...

    @abstractmethod
    async def _fill_calendar(
        self, connection: Connection, calendar: str, store: Path, size: int
    ) -> None: ...


async def warm(connection: Connection, collection: str, size: int) -> None:
    """One first sync, so that what a server keeps beside its store is there."""
    listing = await dav.sync(connection, collection, "")
    if (found := len(dav.members(listing.body))) != size:
        raise ServerError(f"filled {size}, but {found} are listed")

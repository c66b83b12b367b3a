"""Records all that one run writes, with what it acknowledged and when.

The run is the product itself below HTTP's sockets: the parts that `strongroom serve` opens, and its
ASGI application. Acknowledgements stand in the same record as the writes, at the place where the
answer begins, so that a cut knows exactly what had been promised before it.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.disk import Event, Image, image_of
from crash.kinds import Collection, collections_of
from crash.load import LARGE_TEXTS, SMALL_TEXT
from crash.oracle import Ending, Oracle, State
from crash.seam import watched
from fakes.asgi import Client
from strongroom import compose
from strongroom.base.settings import Settings, parse
from strongroom.history.edits import Origin
from strongroom.server import Server
from strongroom.service.accounts import add_account, add_device

LOGIN = "alice"
COLLECTIONS = collections_of(LOGIN)
PLACES = ("data", "r1", "r2", "r3")


@dataclass(frozen=True)
class Promise:
    """A write was begun, or its answer began: `ending` None = begun."""

    href: str
    state: State
    ending: Ending | None


Line = Event | Promise


class Recorder:
    """The watcher: keeps everything, makes nothing durable itself.

    `lies` names syncs that are believed made and are not: that is how the harness tests itself.
    """

    def __init__(self, lies: Callable[[str, str], bool] | None = None) -> None:
        self.lines: list[Line] = []
        self._lies = lies or (lambda kind, path: False)
        self._lock = threading.Lock()

    def made(self, path: str) -> None:
        self.add(Event("made", path))

    def made_dir(self, path: str) -> None:
        self.add(Event("made_dir", path))

    def wrote(self, path: str, offset: int, data: bytes) -> None:
        self.add(Event("wrote", path, offset, data))

    def cut(self, path: str, size: int) -> None:
        self.add(Event("cut", path, size))

    def renamed(self, source: str, target: str) -> None:
        self.add(Event("renamed", source, target=target))

    def unlinked(self, path: str) -> None:
        self.add(Event("unlinked", path))

    def sync(self, path: str) -> bool:
        return self._synced("sync", path)

    def sync_dir(self, path: str) -> bool:
        return self._synced("sync_dir", path)

    def _synced(self, kind: str, path: str) -> bool:
        if not self._lies(kind, path):
            self.add(Event(kind, path))
        return False  # the record decides what is durable; the real disk need not

    def add(self, line: Line) -> None:
        with self._lock:
            self.lines.append(line)


def settings_at(place: Path) -> Settings:
    """Give the settings of a cell below `place`."""
    text = (
        'listen = "127.0.0.1:0"\ndata = "data"\nreplicas = ["r1", "r2", "r3"]\n'
        "write_quorum = 2\ntoy = true\n"
    )
    return parse(text, place)


async def make_cell(settings: Settings) -> str:
    """Create a cell with one account and give its device's password."""
    await compose.initialise(settings)
    async with compose.open_parts(settings) as parts, parts.open_cell() as cell:
        await add_account(cell, LOGIN, parts.entropy, Origin())
        return await add_device(cell, LOGIN, "load", parts.entropy, Origin())


@dataclass(frozen=True)
class Recording:
    """A run: what lay on each disk before it, and its lines."""

    first: dict[str, Image]
    password: str
    lines: list[Line]


def record(
    place: Path, *, writes: int, seed: int = 1, lies: Callable[[str, str], bool] | None = None
) -> Recording:
    """Make a cell, then record an opening, some writes by several clients, and an end."""
    place.mkdir(parents=True)
    base = settings_at(place)
    password = asyncio.run(make_cell(base))
    first = {name: image_of(place / name) for name in PLACES}
    recorder = Recorder(lies)
    with watched(recorder):
        asyncio.run(_run(base, password, recorder, writes, seed))
    return Recording(first, password, recorder.lines)


async def _run(
    settings: Settings, password: str, recorder: Recorder, writes: int, seed: int
) -> None:
    async with compose.open_parts(settings) as parts, parts.open_cell() as cell:
        app = Server(lambda: cell, parts.entropy)
        numbers = itertools.count()
        async with asyncio.TaskGroup() as group:
            for slot, collection in enumerate(COLLECTIONS):
                chance = random.Random(f"{seed}/{slot}")
                client = _Writer(app, password, recorder, chance, collection)
                group.create_task(client.run(writes // len(COLLECTIONS), numbers))


class _Writer:
    """One client with a collection of its own; notes the answer where it begins."""

    def __init__(
        self, app: Any, password: str, recorder: Recorder, chance: random.Random,
        collection: Collection,
    ) -> None:  # fmt: skip
        self._app = app
        self._recorder = recorder
        self._chance = chance
        self._collection = collection
        self._uids = [f"c{number}" for number in range(6)]
        self._client = Client(self._noting, LOGIN, password)
        self._now: tuple[str, State] = ("", None)

    async def run(self, count: int, numbers: Any) -> None:
        for _ in range(count):
            uid = self._chance.choice(self._uids)
            large = self._chance.random() < 0.15
            size = self._chance.choice(LARGE_TEXTS) if large else SMALL_TEXT
            is_delete = self._chance.random() < 0.15
            state = None if is_delete else self._collection.body(uid, next(numbers), size)
            self._now = (self._collection.href(uid), state)
            self._recorder.add(Promise(*self._now, None))
            method, kind = "DELETE" if is_delete else "PUT", self._collection.media_type
            await self._client(method, self._now[0], state or b"", content_type=kind)
            await asyncio.sleep(self._chance.choice((0, 0.002, 0.01)))

    async def _noting(self, scope: Any, receive: Any, send: Any) -> None:
        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._recorder.add(Promise(*self._now, _ending(message["status"])))
            await send(message)

        await self._app(scope, receive, noting)


def _ending(status: int) -> Ending:
    if status in {201, 204}:
        return Ending.ACKNOWLEDGED
    return Ending.UNKNOWN if status == 503 else Ending.FAILED


def oracle_after(lines: list[Line], event: str) -> Oracle:
    """Give the oracle that had heard these lines; what was begun and not ended is unknown."""
    oracle = Oracle(event)
    open_writes: dict[str, State] = {}
    for line in lines:
        if isinstance(line, Event):
            continue
        if line.ending is None:
            oracle.sending(line.href, line.state)
            oracle.asked()
            open_writes[line.href] = line.state
        else:
            del open_writes[line.href]
            oracle.ended(line.href, line.state, line.ending)
    for href, state in open_writes.items():
        oracle.ended(href, state, Ending.UNKNOWN)
    return oracle

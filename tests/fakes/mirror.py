"""A mirror of three in-memory replicas on lanes that run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fakes.world import FakeEntropy
from strongroom.history.edits import AddAccount, Put, Remove
from strongroom.history.entries import COLLECTION, OBJECT, Head, Key, Position, canonical, digest_of
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.initialise import initialise
from strongroom.mirror.site import Site
from strongroom.ports.world import Testimony
from strongroom.stores.memory import MemoryReplica

T = TypeVar("T")


class FakeLane:
    """Runs each call at once, one turn of the loop later."""

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        ending: asyncio.Future[T] = loop.create_future()
        loop.call_soon(self._perform, call, ending)
        return ending

    def _perform(self, call: Callable[[], T], ending: asyncio.Future[T]) -> None:
        if ending.done():
            return
        try:
            ending.set_result(call())
        except Exception as error:  # noqa: BLE001 - it belongs to the one who asked
            ending.set_exception(error)

    def close(self) -> None:
        return


class FakeClock:
    """Stands still unless a test moves it."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def now_ms(self) -> int:
        return self.ms


class FakeWitness:
    """Remembers in memory."""

    def __init__(self) -> None:
        self.testimony: Testimony | None = None

    def recall(self) -> Testimony | None:
        return self.testimony

    def rewrite(self, testimony: Testimony) -> None:
        self.testimony = testimony

    def tell(self, position: Position, heads: Iterable[Head], keys: dict[int, str]) -> None:
        old = self.testimony
        assert old is not None
        changed = {h.collection: h for h in heads}
        self.testimony = Testimony(
            old.cell, position, {**old.heads, **changed}, {**old.keys, **keys}
        )


@dataclass
class Stage:
    """Three places, a witness and a clock that outlive the openings of the cell on them."""

    sites: list[Site] = field(
        default_factory=lambda: [
            Site(f"/disk{i}", MemoryReplica(device=i), FakeLane(), FakeLane()) for i in (1, 2, 3)
        ]
    )
    witness: FakeWitness = field(default_factory=FakeWitness)
    clock: FakeClock = field(default_factory=FakeClock)
    entropy: FakeEntropy = field(default_factory=FakeEntropy)
    home: int = 0
    book: int = 0

    async def initialise(self) -> str:
        return await initialise(
            self.sites, self.witness, FakeLane(), self.clock, self.entropy, write_quorum=2
        )

    async def open(self) -> MirrorCell:
        return await MirrorCell.open(
            self.sites, self.witness, FakeLane(), self.clock, self.entropy, write_quorum=2
        )

    async def begin(self) -> MirrorCell:
        """Create a cell with an account and a book, and leave it open."""
        await self.initialise()
        cell = await self.open()
        data = canonical({"type": "addressbook"})
        account = AddAccount("ann", canonical({"key": "00" * 32}), (("contacts", data, ""),))
        rows = await cell.submit(account, {})
        self.home, self.book = rows[0].id, rows[1].id
        return cell

    def key(self, href: str) -> Key:
        return Key(self.book, OBJECT, href)

    async def put(self, cell: MirrorCell, href: str, body: bytes, **facts: Any) -> None:
        digest = digest_of(body)
        data = canonical({"size": len(body), **facts})
        parent = Key(self.home, COLLECTION, "contacts")
        edit = Put(self.key(href), digest, data, parent=parent, size=len(body))
        await cell.submit(edit, {digest: body})

    async def remove(self, cell: MirrorCell, href: str) -> None:
        await cell.submit(Remove(self.key(href), parent=Key(self.home, COLLECTION, "contacts")), {})

    def memory(self, index: int) -> MemoryReplica:
        replica = self.sites[index].replica
        assert isinstance(replica, MemoryReplica)
        return replica

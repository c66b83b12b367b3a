"""One simulated computer with its disks, on which the production engine is opened and crashes.

`World` is what scenarios drive: `boot`, `do`, `run`, `crash`, faults on `places`. It knows the cell
only through `MirrorCell`, as the services do. Everything that was told to a client is in `model`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Any, TypeVar

from sim.disk import Disk, Place, SimReplica, SimWitness
from sim.loop import MachineDownError, SimLane, SimLoop, StuckError
from sim.model import Model
from strongroom.base.errors import ClientError, NotFoundError, RetryError, StrongroomError
from strongroom.formats.calendar import COMPONENTS
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import AddAccount, Edit, Origin, Put, Remove, SetProps
from strongroom.history.entries import (
    COLLECTION,
    OBJECT,
    Key,
    Member,
    Row,
    canonical,
    digest_of,
)
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.initialise import initialise
from strongroom.mirror.recent import Recent
from strongroom.mirror.site import Site
from strongroom.service.collections import calendar_data

T = TypeVar("T")

BOOKS = ("contacts", "work")
OPENING_SECONDS = 300.0
LEVEL_SECONDS = 900.0


class SimClock:
    """Virtual time, with jumps."""

    def __init__(self, loop: SimLoop) -> None:
        self._loop = loop
        self.jump_ms = 0

    def now_ms(self) -> int:
        return 1_700_000_000_000 + int(self._loop.time() * 1000) + self.jump_ms


class SimEntropy:
    """Chance from the seed."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def token(self, size: int) -> bytes:
        return self._rng.randbytes(size)


class Machine:
    """One life of the computer: its lanes die with it."""

    def __init__(self, world: World) -> None:
        self.loop = world.loop
        self.up = True
        self._world = world

    def power_failed(self) -> None:
        self.up = False
        self.loop.stop()


class World:
    """Everything that one seed decides."""

    def __init__(
        self, seed: int, *, replicas: int = 3, quorum: int = 2, calendars: Sequence[str] = ()
    ) -> None:
        self.seed = seed
        self.types = dict.fromkeys(BOOKS, canonical({"type": "addressbook"}))
        self.types |= dict.fromkeys(calendars, calendar_data(COMPONENTS))
        self.rng = Random(seed)
        self.loop = SimLoop(Random(seed + 1))
        self.clock = SimClock(self.loop)
        self.entropy = SimEntropy(Random(seed + 2))
        self.witness = SimWitness()
        self.quorum = quorum
        self.places = [Place(f"disk{i}", Disk(i + 1)) for i in range(replicas)]
        self.disks = [place.mounted for place in self.places]
        self.poison: set[str] = set()
        self.model = Model()
        self.machine = Machine(self)
        self.cell: MirrorCell | None = None
        self.home = 0
        self.books: dict[str, int] = {}
        self.requests = 0

    # --- the machine ------------------------------------------------------------------------------
    def _lane(self, place: Place) -> SimLane:
        def delay() -> float:
            disk = place.mounted
            return self.rng.uniform(2e-4, 3e-3) * (disk.slow if disk else 1.0)

        return SimLane(self.machine, delay)

    def sites(self) -> list[Site]:
        """Give the places as a starting process finds them."""
        return [
            Site(p.name, SimReplica(p, self.poison), self._lane(p), self._lane(p))
            for p in self.places
        ]

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 60.0) -> T:
        """Run one piece of work to its end; MachineDownError if the machine goes down."""
        if not self.machine.up:
            work.close()
            raise MachineDownError
        try:
            return self.loop.run_task(work, seconds)
        except (StuckError, asyncio.CancelledError):
            if not self.machine.up:
                raise MachineDownError from None
            raise

    def initialise(self) -> None:
        """Create the cell, one account, its two books and its calendars."""
        lane = SimLane(self.machine, lambda: 1e-3)
        self.run(
            initialise(
                self.sites(), self.witness, lane, self.clock, self.entropy,
                write_quorum=self.quorum,
            )
        )  # fmt: skip
        cell = self.boot()
        collections = tuple((name, data, "") for name, data in self.types.items())
        data = canonical({"key": self.rng.randbytes(32).hex()})
        edit = AddAccount("alice", data, collections, Origin(0, "init"))
        for row in self.run(cell.submit(edit, {})):
            self.model.entered(row, "init")
        self.know()

    def know(self) -> None:
        """Take the ids of home, books and calendars over from the directory."""
        assert self.cell is not None
        account = self.cell.directory.account("alice")
        assert account is not None, "the account is gone"
        self.home = account.id
        for name in self.types:
            book = self.cell.directory.collection(self.home, name)
            assert book is not None, f"the book {name} is gone"
            self.books[name] = book.id

    def boot(self) -> MirrorCell:
        """Start a process and open the cell; raises what `MirrorCell.open` raises."""
        if not self.machine.up:
            self.machine = Machine(self)
        lane = SimLane(self.machine, lambda: 1e-3)
        opening = MirrorCell.open(
            self.sites(), self.witness, lane, self.clock, self.entropy,
            write_quorum=self.quorum,
        )  # fmt: skip
        self.cell = self.run(opening, OPENING_SECONDS)
        if self.home:
            self.know()
        return self.cell

    def close(self) -> None:
        """End the process in good order."""
        if self.cell is not None:
            self.run(self.cell.close())
        self._end()

    def kill(self) -> None:
        """End the process at once; the operating system lives on and keeps what was written."""
        self._end()

    def power_cut(self) -> None:
        """Cut the power of the whole machine: what was not synced is there or not."""
        self._end()
        for disk in self.disks:
            disk.lose_power(self.rng)

    def machine_goes_down(self) -> None:
        """Stop everything at this very step."""
        self.machine.power_failed()

    def _end(self) -> None:
        self.machine.up = False
        for _ in range(10):
            tasks = self.loop.living()
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
        self.loop.forget()
        self.cell = None

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.run(_sleep(seconds), seconds + 60)

    def wait_until(self, holds: Any, seconds: float = LEVEL_SECONDS) -> None:
        """Let time pass until something holds."""
        end = self.loop.time() + seconds
        while not holds():
            if self.loop.time() > end:
                report = self.cell.report() if self.cell else None
                raise StuckError(f"it does not come to be within {seconds} s: {report}")
            self.wait(0.2)

    def standing(self, name: str) -> str:
        """Give the standing of a replica by id, as the engine reports it."""
        assert self.cell is not None
        found = {r["replica"]: r for r in self.cell.report()["replicas"]}[name]
        return str(found["standing"])

    def all_level(self) -> bool:
        """Say whether every replica is a voter at the committed batch."""
        assert self.cell is not None
        report = self.cell.report()
        return all(
            r["standing"] == "voter" and r["behind"] == 0 and r["held"] == report["number"]
            for r in report["replicas"]
        )

    # --- what clients do --------------------------------------------------------------------------
    def request(self) -> str:
        """Give a new request id."""
        self.requests += 1
        return f"q{self.requests}"

    def book_key(self, book: str) -> Key:
        """Say where a book stands."""
        return Key(self.home, COLLECTION, book)

    def object_key(self, book: str, href: str) -> Key:
        """Say where an object stands."""
        return Key(self.books[book], OBJECT, href)

    def put_edit(
        self, href: str, body: bytes, book: str = "contacts", device: int = 7, **when: Any
    ) -> tuple[Put, dict[str, bytes]]:
        """Build a PUT as the services do."""
        digest = digest_of(body)
        edit = Put(
            self.object_key(book, href), digest, canonical({"size": len(body)}),
            Origin(device, self.request()), Precondition(**when), self.book_key(book),
            size=len(body),
        )  # fmt: skip
        return edit, {digest: body}

    def remove_edit(self, href: str, book: str = "contacts", **when: Any) -> Remove:
        """Build a DELETE."""
        return Remove(
            self.object_key(book, href), Origin(7, self.request()), Precondition(**when),
            self.book_key(book),
        )  # fmt: skip

    def props_edit(self, href: str, value: str, book: str = "contacts") -> SetProps:
        """Build a PROPPATCH."""
        return SetProps(
            self.object_key(book, href), (("{x}note", f"<note>{value}</note>"),),
            Origin(7, self.request()), self.book_key(book),
        )  # fmt: skip

    async def submit(self, edit: Edit, bodies: Mapping[str, bytes] | None = None) -> Any:
        """Submit, and keep in the model how it ended; gives the rows or the error."""
        assert self.cell is not None
        attempt = self.model.attempt(edit, self._floor(edit), self.loop.steps)
        try:
            rows = await self.cell.submit(edit, bodies or {})
        except (ClientError, RetryError) as error:
            self.model.ended(attempt, error, self._head_number(edit))
            return error
        self.model.acknowledged(attempt, rows)
        return rows

    def _floor(self, edit: Edit) -> int:
        return self._head_number(edit)

    def _head_number(self, edit: Edit) -> int:
        key = getattr(edit, "key", None)
        return self.cell.head(key.collection).number if key is not None and self.cell else 0

    async def row(self, key: Key) -> Any:
        """Read one row and keep the answer in the model; gives Member, None or an error."""
        assert self.cell is not None
        cell = self.cell
        before = cell.head(key.collection).number
        try:
            found = await cell.row(key)
        except RetryError as error:
            return error
        self.model.read(key, found, before, cell.head(key.collection).number)
        return found

    async def body(self, member: Member) -> bytes | None:
        """Read the body of a member; what is given must be what its digest says (I3)."""
        assert self.cell is not None
        (body,) = await self.cell.bodies([member.etag])
        if body is not None and digest_of(body) != member.etag:
            self.model.wrong("I3", f"body of {member.key} is not what its digest says")
        return body

    async def listing(self, collection: int) -> Any:
        """List a book and keep the answer in the model."""
        assert self.cell is not None
        before = self.cell.head(collection).number
        try:
            head, members = await self.cell.listing(collection, OBJECT)
        except RetryError as error:
            return error
        self.model.listed(head, members, before)
        return members

    def forget(self) -> None:
        """Have the next deltas told by the replicas, not from memory."""
        assert self.cell is not None
        self.cell._core.recent = Recent()

    async def changes(self, collection: int, after: int, chain: bytes, limit: int = 1000) -> Any:
        """Ask for a delta and keep the answer in the model."""
        assert self.cell is not None
        try:
            found = await self.cell.changes(collection, after, chain, limit)
        except RetryError as error:
            return error
        self.model.changed(collection, after, found)
        return found

    def put(self, href: str, body: bytes, book: str = "contacts", **options: Any) -> Any:
        """PUT from outside the loop."""
        return self.run(self.submit(*self.put_edit(href, body, book, **options)))

    def put_nothing(self, href: str) -> Any:
        """Remove a name that was never there; the proven refusal is as good as an answer."""
        result = self.remove(href)
        assert isinstance(result, NotFoundError), result
        return ()

    def remove(self, href: str, book: str = "contacts", **options: Any) -> Any:
        """DELETE from outside the loop."""
        return self.run(self.submit(self.remove_edit(href, book, **options)))

    def get(self, href: str, book: str = "contacts") -> Any:
        """GET from outside the loop: bytes, None where proven absent, or the error."""
        found = self.run(self.row(self.object_key(book, href)))
        return self.run(self.body(found)) if isinstance(found, Member) else found

    def mark(self) -> str:
        """Digest what lies on all disks: two runs of a seed must agree in it."""
        text = [f"{self.loop.steps} {self.loop.time():.6f} {self.requests}"]
        text += [f"{d.main.cached.position} {sorted(d.main.cached.rows)}" for d in self.disks]
        return sha256("\n".join(text).encode()).hexdigest()[:16]


async def _sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


def ok(result: Any) -> tuple[Row, ...]:
    """Insist that a submit was acknowledged."""
    if isinstance(result, StrongroomError):
        raise AssertionError(f"not acknowledged: {type(result).__name__}: {result}")
    return tuple(result)

"""A disk that keeps what was synced, forgets or keeps the rest, and fails in all known ways.

A replica's files are one `MemoryState`. What the operating system shows is `cached`; what is on the
platters is `durable`. `SimReplica` is the in-memory replica with every change taken apart into the
system calls of a real one: write bodies, fsync them, write the log, fsync it. Before each of them
the power may go, or the call may fail.

Not here: rot (`rot.py`), and whether a fault is fair (`walk.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from sim.loop import PowerCutError
from strongroom.base.errors import BrokenReplicaError, StatementError, UnavailableReplicaError
from strongroom.history.entries import Batch, Position
from strongroom.ports.replica import Absent, Blank, Damaged, Found, Identity, Probe, Replica
from strongroom.stores.memory import MemoryReplica, MemoryState

ROOMY, BELOW_RESERVE, FULL = 1 << 40, 1 << 20, 0


@dataclass(eq=False)
class Content:
    """The files of one incarnation."""

    cached: MemoryState = field(default_factory=MemoryState)
    durable: MemoryState = field(default_factory=MemoryState)
    lying: bool = False  # a failed fsync dropped pages: what is written after it never lands

    def settle(self, rng: Random) -> None:
        """Lose power: what was not synced is there or not; a torn log ends before it."""
        if self.lying or rng.random() < 0.5:
            self.cached = self.durable
        else:
            self.durable = self.cached


@dataclass(eq=False)
class Disk:
    """One medium. `fail_at` plants one fault at the n-th system call from now."""

    device: int
    main: Content = field(default_factory=Content)
    calls: int = 0
    fail_at: dict[int, str] = field(default_factory=dict)  # call -> cut | eio | fsync | full
    room: int = ROOMY
    read_only: bool = False
    dead: bool = False  # every call fails with EIO
    bad_pages: bool = False  # reading the catalog fails with EIO
    slow: float = 1.0
    quarantine: list[Content] = field(default_factory=list)
    switching: Content | None = None  # renamed, and the directory not yet synced

    def plant(self, fault: str, calls: int) -> None:
        """Let the system call after `calls` more fail."""
        self.fail_at[self.calls + calls + 1] = fault

    def call(self, what: str) -> None:
        """Make one system call: `write`, `fsync` or `read`."""
        if self.dead:
            raise BrokenReplicaError(f"{what}: Input/output error")
        if what == "read":
            if self.bad_pages:
                raise BrokenReplicaError("read: database disk image is malformed")
            return
        self.calls += 1
        fault = self.fail_at.pop(self.calls, "")
        if fault == "cut":
            raise PowerCutError
        if fault == "eio" or (fault == "fsync" and what == "fsync"):
            raise BrokenReplicaError(f"{what}: Input/output error")
        if what == "write":
            if self.read_only:
                raise UnavailableReplicaError("write: read-only file system", rolled_back=True)
            if fault == "full" or self.room == FULL:
                raise UnavailableReplicaError("write: no space left on device", rolled_back=True)

    @property
    def takes_writes(self) -> bool:
        """Say whether it takes writes in time."""
        stopped = self.dead or self.bad_pages or self.read_only or self.room == FULL
        return self.slow < 5 and not stopped

    def lift(self) -> None:
        """End the faults that pass by themselves or with a cable."""
        self.slow, self.room = 1.0, ROOMY
        self.read_only = self.dead = self.bad_pages = False
        self.fail_at = {n: what for n, what in self.fail_at.items() if what == "cut"}

    def lose_power(self, rng: Random) -> None:
        """Come back with what was synced, and with a part of what was not."""
        self.fail_at.clear()
        if self.switching is not None:
            if rng.random() < 0.5:
                self.main, self.switching = self.switching, self.main
            self.switching = None
        self.main.settle(rng)


@dataclass(eq=False)
class Place:
    """A configured directory: the disk that is mounted there now, if any."""

    name: str
    mounted: Disk | None

    def anchored(self, disk: Disk, identity: Identity | None) -> None:
        """Hold an open handle against what lies at the path now."""
        there = self.mounted
        if there is None or there.main.cached.identity is None:
            raise UnavailableReplicaError("vanished: the marker is not there")
        if there is not disk or there.main.cached.identity != identity:
            raise BrokenReplicaError("another marker lies here")


class SimReplica(MemoryReplica):
    """One replica at a place; open handles stay on the disk that they were opened on."""

    def __init__(
        self,
        place: Place,
        poison: set[str],
        content: Content | None = None,
        disk: Disk | None = None,
    ) -> None:
        self.place = place
        self._poison = poison  # names that no statement can write, on any replica (I9)
        self._content = content
        self._disk = disk
        self._broken = ""
        self._heals = 0

    # --- MemoryReplica's state, on the disk -------------------------------------------------------
    @property
    def state(self) -> MemoryState:  # type: ignore[override]
        return self._opened().cached

    @property
    def device(self) -> int:  # type: ignore[override]
        return self._disk.device if self._disk else 0

    def _opened(self) -> Content:
        if self._content is None:
            mounted = self.place.mounted
            if mounted is None:
                raise UnavailableReplicaError("vanished: nothing is mounted", rolled_back=True)
            self._disk, self._content = mounted, mounted.main
        return self._content

    def _identity(self) -> Identity:
        content = self._opened()
        if self._broken:
            raise BrokenReplicaError(self._broken)
        assert self._disk is not None
        self._call("read")
        if content.cached.identity is None:
            self.close()
            raise UnavailableReplicaError("there is no marker", rolled_back=True)
        return content.cached.identity

    def _call(self, what: str) -> None:
        assert self._disk is not None
        try:
            self._disk.call(what)
        except BrokenReplicaError as error:
            self._broken = f"{error}"
            raise

    def _commit(self, state: MemoryState) -> None:
        content = self._opened()
        if state.blobs != content.cached.blobs:
            self._call("write")
            self._call("fsync")
        self._call("write")
        content.cached = state
        try:
            self._call("fsync")
        except BrokenReplicaError:
            content.lying = True
            raise
        if not content.lying:
            content.durable = state

    def _sibling(self, state: MemoryState) -> SimReplica:
        content = Content(state, state)
        return SimReplica(self.place, self._poison, content, self._disk)

    # --- what the world adds ----------------------------------------------------------------------
    def probe(self) -> Probe:
        mounted = self.place.mounted
        if mounted is None:
            self.close()
            return Absent("nothing is mounted")
        if self._disk is not mounted or self._content is not mounted.main:
            self.close()
        content = self._opened()
        identity = content.cached.identity
        if identity is None:
            self.close()
            return Blank()
        if self._broken:
            return Damaged(identity, self._broken)
        try:
            self._call("read")
        except BrokenReplicaError as error:
            return Damaged(identity, f"{error}")
        return Found(identity, content.cached.promised, content.cached.position, mounted.device)

    def promise(self, term: int) -> None:
        self._identity()
        disk = self._disk
        assert disk is not None
        if disk.switching is not None:  # whoever switched was killed before the directory's fsync
            self._call("fsync")
            disk.quarantine.append(disk.switching)
            disk.switching = None
        super().promise(term)
        self._anchored()

    def apply(self, batch: Batch, bodies: Mapping[str, bytes], term: int) -> Position:
        self._identity()
        for place, entry in enumerate(batch.entries):
            if entry.href in self._poison and batch.number > self.state.position.number:
                raise StatementError(f"entry {place}: constraint failed", place)
        vote = super().apply(batch, bodies, term)
        self._anchored()  # after the commit and before the vote
        return vote

    def _anchored(self) -> None:
        assert self._disk is not None
        if self._content is self._disk.main:  # a copy beside is not at its place yet
            self.place.anchored(self._disk, self.state.identity)

    def switch(self, copy: Replica) -> None:
        assert isinstance(copy, SimReplica)
        disk, new = copy._disk, copy._opened()
        assert disk is not None
        if copy._broken:
            raise BrokenReplicaError(copy._broken)
        if self.place.mounted is not disk:
            raise UnavailableReplicaError("vanished: the marker is not there")
        copy._call("write")
        new.cached = replace(new.cached, promised=max(self._promised(), new.cached.promised))
        copy._call("fsync")
        if not new.lying:
            new.durable = new.cached
        copy._call("write")
        old, disk.main = disk.main, new
        disk.switching = old
        try:
            copy._call("fsync")
        except BrokenReplicaError as error:
            self._broken = f"{error}"
            raise
        disk.switching = None
        disk.quarantine.append(old)
        self._disk, self._content, self._broken = disk, new, ""

    def _promised(self) -> int:
        return self._content.cached.promised if self._content is not None else 0

    def begin_copy(self, incarnation: str) -> Replica:
        mounted = self.place.mounted
        if mounted is None or mounted.main.cached.identity is None:
            raise UnavailableReplicaError("there is no marker", rolled_back=True)
        if mounted.dead:
            raise BrokenReplicaError("write: Input/output error")
        if self._disk is not mounted:
            self.close()
            self._opened()
        old = mounted.main.cached
        identity = replace(old.identity, incarnation=incarnation)
        empty = MemoryReplica()
        empty.create(identity)
        return self._sibling(replace(empty.state, promised=self._promised()))

    def present(self) -> int:
        self._opened()
        assert self._disk is not None
        if self._broken:
            raise BrokenReplicaError(self._broken)
        self._anchored()
        if self._disk.read_only:
            raise UnavailableReplicaError("its file system takes no writes")
        return self._disk.room

    def close(self) -> None:
        self._disk = self._content = None


class SimWitness:
    """The witness file, on a disk of its own (ports.world.Witness)."""

    def __init__(self) -> None:
        self.cached: Any = None
        self.durable: Any = None
        self.broken = False
        self.told: list[Any] = []

    def _write(self, testimony: Any) -> None:
        if self.broken:
            raise BrokenReplicaError("witness: Input/output error")
        self.cached = self.durable = testimony

    def recall(self) -> Any:
        return self.cached

    def tell(self, position: Position, heads: Any, keys: dict[int, str]) -> None:
        told = {head.collection: head for head in heads}
        before = self.cached
        assert before is not None
        self._write(before._replace(position=position, heads={**before.heads, **told}))

    def rewrite(self, testimony: Any) -> None:
        self._write(testimony)

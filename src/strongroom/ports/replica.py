"""What one replica must promise, and what its silence means.

All methods are plain blocking calls; the engine runs them on the replica's own threads (one that
writes, one that reads) and the simulator runs them at any time and in any order. Two calls of one
lane never overlap. Errors, and the state afterwards:

* `RefusedBatchError`: rolled back; the batch does not fit what this replica holds (I2).
* `StatementError`: rolled back before COMMIT; entry `position` could not be written (I9).
* `UnavailableReplicaError`: no vote (full, read-only, vanished, slow, not at this position);
  `rolled_back` says whether the batch is surely not held.
* `BrokenReplicaError`: EIO, failed fsync, bad page, an error from COMMIT, another identity: it may
  or may not hold the batch, and its word is worth nothing from now on.
* `BlobError`: one body is missing or unreadable; nothing else is concerned (I3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from strongroom.history.entries import Batch, Head, Key, Member, Position, Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """What a replica's marker says; `incarnation` is new with each copy."""

    cell: str
    replica: str
    incarnation: str


@dataclass(frozen=True, slots=True)
class Found:
    """A replica with a readable cell row."""

    identity: Identity
    promised: int  # the highest term that it promised
    position: Position
    device: int  # number of the device it lies on; compared within one opening only


@dataclass(frozen=True, slots=True)
class Blank:
    """A directory without a marker; it proves nothing and is never filled unasked."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Not there or not readable now: absent, never short."""

    reason: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """The marker is ours, the catalog cannot be trusted."""

    identity: Identity
    reason: str


Probe = Found | Blank | Absent | Damaged


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[T]):
    """What was read in one transaction, and which batch that transaction ends with."""

    position: Position
    value: T


class Line(NamedTuple):
    """One journal row: its number, the chain after it, its canonical bytes."""

    number: int
    chain: bytes
    line: bytes


class Journal(NamedTuple):
    """Part of a journal: the chain at `after` (None = no such entry) and the rows behind it."""

    after: int
    chain: bytes | None
    lines: tuple[Line, ...]


class Listing(NamedTuple):
    """All members of one kind, ordered by href, with the sum and count over all kinds."""

    head: Head  # as this replica's own table has it
    members: tuple[Member, ...]


class Left(NamedTuple, Generic[T]):
    """What could be read of a part of a table, in order of its keys."""

    rows: tuple[T, ...]
    more: bool  # ask on behind the last row
    holes: int  # bad places that were stepped over; what lay there is not told


class Remains(Protocol):
    """Reads what can be read of a catalog around its bad places: for salvage, it proves nothing.

    Each row that is given was read whole; whether it is right is for the caller to judge. Bad pages
    are stepped over and change no standing. Raises UnavailableReplicaError or BrokenReplicaError
    where the catalog cannot even be opened, or does not answer.
    """

    def head(self, collection: int) -> Head | None:
        """Read a collection's head, or that of an empty journal; None = it cannot be read."""

    def kinds(self, collection: int) -> list[str]:
        """Name the kinds of a collection's members, as far as they can be read."""

    def lines(self, collection: int, after: int, limit: int) -> Left[Line]:
        """Read up to `limit` journal rows behind number `after`, in order of numbers."""

    def members(self, collection: int, kind: str, after: str, limit: int) -> Left[Member]:
        """Read up to `limit` members of a kind behind the name `after`, in order of names."""

    def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Read bodies as they lie there (None = missing or unreadable); the caller checks them."""


class Replica(Protocol):
    """One complete copy of a cell on one medium."""

    def probe(self) -> Probe:
        """Look at the marker and the cell row; opens what is there, creates nothing."""

    def create(self, identity: Identity) -> None:
        """Make an empty catalog and, last of all, the marker. Only for a blank directory."""

    def promise(self, term: int) -> None:
        """Make `term` durable; from now on batches handed in under a lower term are refused.

        What a switch did that was cut off before it returned is durable as well from now on.
        """

    def apply(self, batch: Batch, bodies: Mapping[str, bytes], term: int) -> Position:
        """Hold `batch`: bodies durable first, then one guarded commit, then the identity check.

        A body that is recorded here already and given again is compared, and where it lies there
        otherwise or cannot be read it is healed from what was given, before the vote (I1).

        Args:
            batch: follows what is held; or is held already, which is a vote as well.
            bodies: those that this replica may lack, and those that somebody is promised now.
            term: the opening that hands it in; must be the one promised.

        Returns:
            The vote: where the replica stands now, which is the batch's position.
        """

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Name those bodies that this replica's own catalog does not record."""

    def batches(self, after: int, limit: int) -> list[Batch]:
        """Give up to `limit` batches behind number `after`, in order."""

    def rows(self, keys: Sequence[Key]) -> Snapshot[list[Row | None]]:
        """Look names up. A tombstone is given only if the journal holds the deletion (I4).

        A key of kind `UID` is answered with the object of that collection that carries the UID now
        (of the least href, should there be several), or None.
        """

    def listing(self, collection: int, kind: str) -> Snapshot[Listing]:
        """Read all members of one kind, or of all (""), in one transaction."""

    def journal(self, collection: int, after: int, limit: int) -> Snapshot[Journal]:
        """Read up to `limit` rows of a journal behind number `after`."""

    def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Read bodies as they lie there (None = missing or unreadable); the caller checks them."""

    def remains(self) -> Remains:
        """Give a reader of what is left of this replica, were it damaged or not."""

    def heal(self, digest: str, body: bytes) -> None:
        """Put a good body in a bad one's place, durable; what was there goes to quarantine."""

    def record_lost(self, digests: Sequence[str]) -> None:
        """Record bodies that no copy can give, so that a batch which names them can be held.

        They cannot be read, as where they rotted, and are healed by whoever brings them. One that
        is recorded already stays as it is.
        """

    def healed(self) -> int:
        """Say how many bodies were healed here since this was made; any thread may ask."""

    def heads(self) -> Snapshot[dict[int, Head]]:
        """Read the heads of all collections."""

    def directory(self) -> Snapshot[tuple[Member, ...]]:
        """Read all members that are not objects."""

    def present(self) -> int:
        """Make the identity check that a vote ends with, without one; wakes no disk.

        Returns:
            How many bytes of room the medium has.

        Raises:
            UnavailableReplicaError: it is not there, or takes no writes.
            BrokenReplicaError: another replica lies there, or this one broke before.
        """

    def drop_cache(self) -> None:
        """Let cached pages go, so that what is read next comes from the medium."""

    def checkpoint(self) -> None:
        """Move the WAL into the database; called for one replica at a time."""

    def begin_copy(self, incarnation: str) -> Replica:
        """Give an empty replica in a new folder beside; what is held stays as it is.

        Args:
            incarnation: a new one; or the one that is held, where the copy goes on as that voter.
        """

    def switch(self, copy: Replica) -> None:
        """Let `copy` take this replica's place by one rename; the old files go to quarantine.

        BrokenReplicaError: one of the two lies there, and neither is believed in this opening.
        """

    def close(self) -> None:
        """Release all files; the last position stays as it is."""

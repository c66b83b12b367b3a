"""What the services are promised by a cell: submit, and read with proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from strongroom.history.directory import Directory
from strongroom.history.edits import Edit
from strongroom.history.entries import Entry, Head, Key, Member, Row


@dataclass(frozen=True, slots=True)
class Changes:
    """A proven part (after, upto] of a journal: exactly the entries between, in order (I4)."""

    entries: tuple[Entry, ...]
    upto: int
    chain: bytes  # at `upto`
    more: bool  # `upto` is short of the committed head


class Reader(Protocol):
    """Reads one set of accounts. All methods run on one event loop."""

    @property
    def directory(self) -> Directory:
        """Accounts, homes, collections, devices and freezes as committed; loaded and checked."""

    def head(self, collection: int) -> Head:
        """Give the committed head, held by the writer."""

    async def row(self, key: Key) -> Member | None:
        """Give what stands under `key`; None is proven (I4). Raises UnsureError."""

    async def rows(self, keys: Sequence[Key]) -> list[Member | None]:
        """Give what stands under many keys; each None is proven (I4). Raises UnsureError."""

    async def fetch(self, keys: Sequence[Key]) -> list[tuple[Member, bytes | None] | None]:
        """Give rows and their bodies in one go, as `rows` and `bodies` would."""

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give bodies, each checked on this read and healed where needed (I3); None = not now."""

    async def listing(self, collection: int, kind: str) -> tuple[Head, tuple[Member, ...]]:
        """Give all members of a kind, proven against the committed head (I4); or UnsureError."""

    async def changes(self, collection: int, after: int, chain: bytes, limit: int) -> Changes:
        """Give what happened behind `after`.

        Args:
            collection: whose journal.
            after: number that the caller knows; 0 = from the beginning of the journal.
            chain: prefix of the chain at `after` (8 bytes), as the caller's token has it.
            limit: entries at most.

        Raises:
            FoldError: the journal does not explain (after, chain): evidence that we forgot (I5).
            UnsureError: not provable now.
        """


class Cell(Reader, Protocol):
    """One set of accounts, kept on a mirror of replicas."""

    def writable(self) -> bool:
        """Say whether a write can be taken now."""

    async def submit(self, edit: Edit, bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
        """Make `edit` happen; returns the rows it leaves once a write quorum is durable (I1).

        Raises:
            ClientError: refused by `decide`; nothing changed.
            NoSpaceError, FrozenError, BusyError: not taken; nothing changed.
            UnknownError: the ending is unknown.
        """

    async def freeze(self, home: int, scope: str, why: str, evidence: str) -> None:
        """Freeze an account ("account") or one collection (its id as text) of `home` (I5)."""

"""What the services are promised by a cell: submit, and read with proof."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from strongroom.history.directory import Directory
from strongroom.history.edits import OURSELVES, Edit, Origin
from strongroom.history.entries import Entry, Head, Key, Member, Row


@dataclass(frozen=True, slots=True)
class Changes:
    """A proven part (after, upto] of a journal: exactly the entries between, in order (I4)."""

    entries: tuple[Entry, ...]
    upto: int
    chain: bytes  # at `upto`
    more: bool  # `upto` is short of the committed head


class Salvaged(NamedTuple):
    """One record that salvage gives back, or knows of."""

    member: Member
    body: bytes | None  # matches the member's ETag; None = known, and readable nowhere
    older: bool = False  # a newer version of this name is known, and cannot be read


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that is known to have been there, or that was asked, and cannot be read."""

    what: str  # in plain words, for people
    count: int  # of records or changes that this may concern; 0 = not known


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


class Salvager(Reader, Protocol):
    """Reads, and gives back what can be read where a proof cannot be had.

    Nothing that is salvaged is proven to be whole or the latest: it goes to the owner or the
    operator on the command line, and never to a phone.
    """

    def salvage(
        self, collection: int, after: str = ""
    ) -> AsyncGenerator[Salvaged | Unreadable, None]:
        """Give every object of a collection that any copy can still give, in order of names.

        Of each name comes the newest version that any copy tells of (from its table of members or
        from its journal), with the body from whichever copy has it with the right digest. A name
        whose newest entry is a deletion does not come. Where the body of the newest version can be
        read nowhere, it comes with None, and then, if an older version can be read, that one,
        marked `older`. A copy that cannot be read at all is stepped over.

        Args:
            collection: whose objects; one that was removed may be asked for too.
            after: leave out all names up to this one (for work that is cut into pages).

        Yields:
            `Salvaged` by name, then what is known to be missing as `Unreadable`, the whole of it
            on each page. Raises nothing: what cannot be read is said.
        """


class Cell(Salvager, Protocol):
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

    async def freeze(
        self, home: int, scope: str, why: str, evidence: str, by: Origin = OURSELVES
    ) -> None:
        """Freeze an account ("account") or one collection (its id as text) of `home` (I5).

        It is written down with the device that brought the evidence, by id and by name.
        """

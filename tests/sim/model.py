"""What clients were told: each edit and its ending, each answer to a read. It judges nothing.

An edit ends as acknowledged, failed (nothing changed) or unknown; one that a crash cut off is
unknown. `checkers.py` holds all of it against the journal that the cell shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.base.errors import NotFoundError, PreconditionError, UnknownError
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import AddAccount, Edit, Move, SkipNumbers, Together
from strongroom.history.entries import Entry, Head, Key, Member, Row

OPEN, ACKNOWLEDGED, FAILED, UNKNOWN = "open", "acknowledged", "failed", "unknown"


@dataclass(eq=False)
class Attempt:
    """One edit of a client, and how it ended."""

    edit: Edit
    requests: tuple[str, ...]
    before: int  # number of the collection's committed head when it was asked
    step: int
    ending: str = OPEN
    error: Exception | None = None


@dataclass(frozen=True)
class Promise:
    """An acknowledged row: what a journal must hold for ever."""

    row: Row
    request: str
    before: int


@dataclass(frozen=True)
class Sight:
    """Somebody saw this name as `member` (None = absent) at some time in (before, after)."""

    key: Key
    member: Member | None
    before: int
    after: int
    silent: bool = False  # a voter may have given an old row as it lies there


@dataclass(frozen=True)
class Refusal:
    """A condition was said not to hold at some time in (before, after)."""

    key: Key
    when: Precondition
    before: int
    after: int


@dataclass(frozen=True)
class Query:
    """What was named to happen in a time, asked of a calendar at some time in (before, after)."""

    collection: int
    happens: Callable[[str], bool]  # of an ETag: by the book
    named: Mapping[str, str]  # href -> ETag
    before: int
    after: int


@dataclass
class Model:
    """All that was told; and the journals as they were read last."""

    attempts: dict[str, Attempt] = field(default_factory=dict)
    promises: dict[tuple[int, int], Promise] = field(default_factory=dict)
    sights: list[Sight] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    listings: list[tuple[Head, tuple[Member, ...], int]] = field(default_factory=list)
    queries: list[Query] = field(default_factory=list)
    chains: dict[tuple[int, int], bytes] = field(default_factory=dict)
    journals: dict[int, list[Entry]] = field(default_factory=dict)
    wrongs: list[str] = field(default_factory=list)
    silent: bool = False  # some voter's rows are silently stale or swapped now
    acknowledged_edits: int = 0
    answers: int = 0

    def wrong(self, invariant: str, what: str) -> None:
        """Keep that an invariant did not hold."""
        self.wrongs.append(f"{invariant}: {what}")

    def attempt(self, edit: Edit, before: int, step: int) -> Attempt:
        """Begin an edit."""
        attempt = Attempt(edit, requests_of(edit), before, step)
        for request in attempt.requests:
            self.attempts[request] = attempt
        return attempt

    def entered(self, row: Row, request: str) -> None:
        """Take an acknowledged row that no attempt stands for."""
        self.promises[row.collection, row.number] = Promise(row, request, 0)
        self.acknowledged_edits += 1

    def acknowledged(self, attempt: Attempt, rows: Sequence[Row]) -> None:
        """End an edit: it is promised."""
        attempt.ending = ACKNOWLEDGED
        self.acknowledged_edits += 1
        for row, request in zip(rows, attempt.requests, strict=False):
            if (row.collection, row.number) not in self.promises:
                promise = Promise(row, request, attempt.before)
                self.promises[row.collection, row.number] = promise

    def ended(self, attempt: Attempt, error: Exception, head: int) -> None:
        """End an edit with an error: nothing changed, or nobody knows."""
        attempt.error = error
        attempt.ending = UNKNOWN if isinstance(error, UnknownError) else FAILED
        key = getattr(attempt.edit, "key", None)
        if key is None:
            return
        if isinstance(error, NotFoundError):
            self.sights.append(Sight(key, None, attempt.before, head))
        elif isinstance(error, PreconditionError):
            self.refusals.append(Refusal(key, attempt.edit.when, attempt.before, head))

    def read(self, key: Key, member: Member | None, before: int, after: int) -> None:
        """Keep the answer to a look-up."""
        self.answers += 1
        self.sights.append(Sight(key, member, before, after, self.silent))

    def listed(self, head: Head, members: tuple[Member, ...], before: int) -> None:
        """Keep a listing."""
        self.answers += 1
        self.listings.append((head, members, before))

    def queried(self, query: Query) -> None:
        """Keep the answer to a query for a time."""
        self.answers += 1
        self.queries.append(query)

    def changed(self, collection: int, after: int, changes: Any) -> None:
        """Keep where a delta ends; its chain proves all that it holds."""
        self.answers += 1
        self.saw_chain(collection, changes.upto, changes.chain)

    def saw_chain(self, collection: int, number: int, chain: bytes) -> None:
        """Keep a chain; the same number never has another (I5)."""
        known = self.chains.setdefault((collection, number), chain)
        if known != chain:
            self.wrong("I5", f"number {number} of collection {collection} has two contents")

    def absent_keys(self, keys: Iterable[Key]) -> list[Key]:
        """Name those keys that no entry was ever seen for."""
        named = {e.key for entries in self.journals.values() for e in entries}
        return [key for key in keys if key not in named]


def requests_of(edit: Edit) -> tuple[str, ...]:
    """Name the request of each row that an edit leaves."""
    if isinstance(edit, Together):
        return tuple(one.origin.request for one in edit.edits)
    if isinstance(edit, AddAccount):
        return (edit.origin.request,) * (1 + len(edit.collections))
    assert not isinstance(edit, SkipNumbers) or edit.origin.request
    return (edit.origin.request,) * (2 if isinstance(edit, Move) else 1)

"""A replica over plain dicts: the same checks, no disk. For the simulator and for fast tests.

Its whole state is one value, `MemoryState`, that nobody changes in place: each call that changes
something builds the next state and hands it to `_commit`, the one method that a simulated disk has
to override. Not for serving: nothing here is durable.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from strongroom.base.errors import (
    CellExistsError,
    FoldError,
    RefusedBatchError,
    UnavailableReplicaError,
)
from strongroom.history.entries import (
    OBJECT,
    UID,
    Batch,
    Head,
    Key,
    Member,
    Position,
    Row,
    Tombstone,
    carrier,
    genesis_chain,
    genesis_head,
    genesis_position,
    heads_digest,
)
from strongroom.history.fold import apply
from strongroom.ports.replica import (
    Blank,
    Found,
    Identity,
    Journal,
    Left,
    Line,
    Listing,
    Probe,
    Remains,
    Replica,
    Snapshot,
)
from strongroom.stores.checks import check_bodies, check_cell, check_handed, check_tombstone

_NOWHERE = genesis_position("")


@dataclass(frozen=True, slots=True)
class MemoryState:
    """All that a replica holds. A value: copy it, compare it, never change what it refers to."""

    identity: Identity | None = None  # None = no marker
    promised: int = 0
    position: Position = _NOWHERE
    batches: tuple[Batch, ...] = ()  # batch n at index n - 1
    rows: Mapping[Key, Row] = field(default_factory=dict)
    journals: Mapping[int, tuple[Line, ...]] = field(default_factory=dict)
    heads: Mapping[int, Head] = field(default_factory=dict)
    blobs: Mapping[str, bytes | None] = field(default_factory=dict)  # None = unreadable
    quarantine: tuple[tuple[str, bytes | None], ...] = ()  # local; incarnation or digest


def folded(state: MemoryState, batch: Batch) -> MemoryState:
    """Fold a batch that follows `state`; bodies are not looked at.

    Raises:
        FoldError: an entry does not fit.
        RefusedBatchError: the heads that it leaves are not those that the batch names.
    """
    rows, heads, changed = dict(state.rows), dict(state.heads), dict[int, Head]()
    added: dict[int, list[Line]] = {}
    for entry, line in zip(batch.entries, batch.lines, strict=True):
        number = entry.collection
        head = changed.get(number) or heads.get(number) or genesis_head(number)
        head, row = apply(entry, line, head, rows.get(entry.key), batch.number)
        changed[number] = head
        added.setdefault(number, []).append(Line(entry.number, head.chain, line))
        if row is not None:
            rows[entry.key] = row
    if heads_digest(changed.values()) != batch.heads:
        raise RefusedBatchError(f"batch {batch.number} leaves other heads than it says")
    journals = dict(state.journals)
    for number, lines in added.items():
        journals[number] = (*journals.get(number, ()), *lines)
    return replace(
        state,
        position=batch.position,
        batches=(*state.batches, batch),
        rows=rows,
        heads=heads | changed,
        journals=journals,
    )


def _healed(state: MemoryState, good: Mapping[str, bytes]) -> MemoryState:
    bad = tuple((digest, state.blobs.get(digest)) for digest in good)
    return replace(state, blobs={**state.blobs, **good}, quarantine=(*state.quarantine, *bad))


class MemoryReplica:
    """One replica; `state` is everything it holds."""

    def __init__(
        self, state: MemoryState | None = None, *, device: int = 0, room: int = 1 << 40
    ) -> None:
        """Start with `state`, or blank; `room` is what `present` answers."""
        self.state = state or MemoryState()
        self.device = device
        self.room = room
        self._heals = 0

    def _commit(self, state: MemoryState) -> None:
        """Take `state` as the next one. Every change passes here; a simulated disk overrides it."""
        self.state = state

    def _sibling(self, state: MemoryState) -> MemoryReplica:
        """Give a replica for a copy in a folder beside; a simulated disk overrides it."""
        return MemoryReplica(state, device=self.device, room=self.room)

    def _identity(self) -> Identity:
        if self.state.identity is None:
            raise UnavailableReplicaError("there is no marker", rolled_back=True)
        return self.state.identity

    # --- coming to be ---------------------------------------------------------------------------

    def probe(self) -> Probe:
        """Look at the marker and the cell row."""
        state = self.state
        if state.identity is None:
            return Blank()
        return Found(state.identity, state.promised, state.position, self.device)

    def create(self, identity: Identity) -> None:
        """Make an empty catalog; raises CellExistsError where there is one."""
        if self.state.identity is not None:
            raise CellExistsError
        self._commit(MemoryState(identity, position=genesis_position(identity.cell)))

    def begin_copy(self, incarnation: str) -> Replica:
        """Give an empty replica with a new incarnation; it keeps the term promised here."""
        identity = replace(self._identity(), incarnation=incarnation)
        position = genesis_position(identity.cell)
        return self._sibling(MemoryState(identity, self.state.promised, position))

    def switch(self, copy: Replica) -> None:
        """Become `copy`; what was held goes to quarantine."""
        assert isinstance(copy, MemoryReplica)
        old = self._identity()
        quarantine = (*self.state.quarantine, *copy.state.quarantine, (old.incarnation, None))
        promised = max(self.state.promised, copy.state.promised)
        self._commit(replace(copy.state, promised=promised, quarantine=quarantine))

    def close(self) -> None:
        """Release nothing."""

    # --- writing --------------------------------------------------------------------------------

    def promise(self, term: int) -> None:
        """Make `term` the promised one; a lower one than promised is refused."""
        self._identity()
        if term < self.state.promised:
            raise UnavailableReplicaError(
                f"term {self.state.promised} is promised already", rolled_back=True
            )
        self._commit(replace(self.state, promised=term))

    def apply(self, batch: Batch, bodies: Mapping[str, bytes], term: int) -> Position:
        """Hold `batch` and the bodies it names; see ports.replica."""
        state = self.state
        check_cell(self._identity().cell, batch)
        if check_handed(state.promised, state.position, batch, term, self._chain_at):
            return batch.position
        new, known = check_bodies(batch, bodies, self._missing)
        try:
            state = folded(state, batch)
        except FoldError as error:
            raise RefusedBatchError(str(error)) from error
        spoilt = [digest for digest in known if state.blobs[digest] != bodies[digest]]
        state = _healed(state, {digest: bodies[digest] for digest in spoilt})
        self._commit(replace(state, blobs={**state.blobs, **{d: bodies[d] for d in new}}))
        self._heals += len(spoilt)
        return batch.position

    def heal(self, digest: str, body: bytes) -> None:
        """Put a good body in a bad one's place."""
        self._identity()
        self._commit(_healed(self.state, {digest: body}))
        self._heals += 1

    def record_lost(self, digests: Sequence[str]) -> None:
        """Record bodies that no copy can give."""
        self._identity()
        lost = dict.fromkeys(self._missing(digests))
        self._commit(replace(self.state, blobs={**self.state.blobs, **lost}))

    def healed(self) -> int:
        """Say how many bodies were healed here."""
        return self._heals

    def drop_cache(self) -> None:
        """Hold no cache."""

    def checkpoint(self) -> None:
        """Do nothing: there is no WAL."""

    # --- reading --------------------------------------------------------------------------------

    def _chain_at(self, number: int) -> bytes | None:
        batches = self.state.batches
        return batches[number - 1].chain if 0 < number <= len(batches) else None

    def _missing(self, digests: Collection[str]) -> list[str]:
        return [d for d in digests if d not in self.state.blobs]

    def missing(self, digests: Sequence[str]) -> list[str]:
        """Name those bodies that are not recorded here."""
        self._identity()
        return self._missing(digests)

    def batches(self, after: int, limit: int) -> list[Batch]:
        """Give up to `limit` batches behind number `after`."""
        self._identity()
        return list(self.state.batches[after : after + limit])

    def rows(self, keys: Sequence[Key]) -> Snapshot[list[Row | None]]:
        """Look names up; a tombstone is held against its journal (I4)."""
        self._identity()
        found = [self._row(key) for key in keys]
        for row in found:
            if isinstance(row, Tombstone):
                check_tombstone(row, self._line(row.collection, row.number))
        return Snapshot(self.state.position, found)

    def _row(self, key: Key) -> Row | None:
        rows = self.state.rows
        return carrier(rows.values(), key) if key.kind == UID else rows.get(key)

    def listing(self, collection: int, kind: str) -> Snapshot[Listing]:
        """Read all members of one kind, or of all (""), ordered by kind and href."""
        self._identity()
        found = _members(r for r in self.state.rows.values() if r.collection == collection)
        members = tuple(m for m in found if kind in ("", m.kind))
        head = self.state.heads.get(collection) or genesis_head(collection)
        return Snapshot(self.state.position, Listing(head, members))

    def journal(self, collection: int, after: int, limit: int) -> Snapshot[Journal]:
        """Read up to `limit` rows behind number `after`."""
        self._identity()
        lines = self.state.journals.get(collection, ())
        start = bisect_right(lines, after, key=lambda line: line.number)
        chain: bytes | None = genesis_chain(collection) if after == 0 else None
        if start and lines[start - 1].number == after:
            chain = lines[start - 1].chain
        part = Journal(after, chain, lines[start : start + limit])
        return Snapshot(self.state.position, part)

    def _line(self, collection: int, number: int) -> bytes | None:
        found = self.journal(collection, number - 1, 1).value.lines
        return found[0].line if found and found[0].number == number else None

    def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Read bodies as they lie there."""
        self._identity()
        return [self.state.blobs.get(d) for d in digests]

    def remains(self) -> Remains:
        """Give a reader of what is left, which is all."""
        return _MemoryRemains(self)

    def heads(self) -> Snapshot[dict[int, Head]]:
        """Read the heads of all collections."""
        self._identity()
        return Snapshot(self.state.position, dict(self.state.heads))

    def directory(self) -> Snapshot[tuple[Member, ...]]:
        """Read all members that are not objects."""
        self._identity()
        rows = _members(r for r in self.state.rows.values() if r.kind != OBJECT)
        return Snapshot(self.state.position, tuple(rows))

    def present(self) -> int:
        """Say how much room there is, if there is a replica."""
        self._identity()
        return self.room


class _MemoryRemains:
    """What is left of a replica in memory (ports.replica.Remains): it has no bad places."""

    def __init__(self, replica: MemoryReplica) -> None:
        self._replica = replica

    def head(self, collection: int) -> Head | None:
        return self._replica.heads().value.get(collection) or genesis_head(collection)

    def kinds(self, collection: int) -> list[str]:
        members = self._replica.listing(collection, "").value.members
        return sorted({member.kind for member in members})

    def lines(self, collection: int, after: int, limit: int) -> Left[Line]:
        lines = self._replica.journal(collection, after, limit).value.lines
        return Left(lines, len(lines) == limit, 0)

    def members(self, collection: int, kind: str, after: str, limit: int) -> Left[Member]:
        found = self._replica.listing(collection, kind).value.members
        behind = tuple(member for member in found if member.href > after)[:limit]
        return Left(behind, len(behind) == limit, 0)

    def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        return self._replica.bodies(digests)


def _members(rows: Iterable[Row]) -> list[Member]:
    return sorted(
        (r for r in rows if isinstance(r, Member)), key=lambda m: (m.collection, m.kind, m.href)
    )

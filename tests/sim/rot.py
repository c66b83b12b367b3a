"""What goes wrong behind a replica's back: rot, lost writes, pages of the past. Each is silent.

A rot is a function of a state, its past (older states of the same files) and chance. It gives the
state as it lies there afterwards; None where there is nothing to spoil.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from strongroom.history.entries import OBJECT, Key, Member, Row, Tombstone
from strongroom.ports.replica import Line
from strongroom.stores.memory import MemoryState

Rot = Callable[[MemoryState, Sequence[MemoryState], Random], MemoryState | None]


def _objects(state: MemoryState) -> list[Member]:
    rows = sorted(state.rows.values(), key=lambda row: row.key)
    return [row for row in rows if isinstance(row, Member) and row.kind == OBJECT]


def _with_row(state: MemoryState, key: Key, row: Row | None) -> MemoryState:
    rows = dict(state.rows)
    if row is None:
        rows.pop(key)
    else:
        rows[key] = row
    return replace(state, rows=rows)


def lost_row(state: MemoryState, past: Sequence[MemoryState], rng: Random) -> MemoryState | None:
    """A row is gone: the write of its page never landed."""
    members = _objects(state)
    return _with_row(state, rng.choice(members).key, None) if members else None


def forged_tombstone(
    state: MemoryState, past: Sequence[MemoryState], rng: Random
) -> MemoryState | None:
    """A row says that its name is gone, and no journal says why."""
    members = _objects(state)
    if not members:
        return None
    member = rng.choice(members)
    stone = Tombstone(member.collection, member.kind, member.href, member.id, member.number)
    return _with_row(state, member.key, stone)


def swapped_rows(
    state: MemoryState, past: Sequence[MemoryState], rng: Random
) -> MemoryState | None:
    """Two rows lie in each other's place."""
    members = _objects(state)
    if len(members) < 2:
        return None
    one, two = rng.sample(members, 2)
    first = two._replace(collection=one.collection, href=one.href)
    second = one._replace(collection=two.collection, href=two.href)
    return _with_row(_with_row(state, one.key, first), two.key, second)


def stale_row(state: MemoryState, past: Sequence[MemoryState], rng: Random) -> MemoryState | None:
    """A row is as it was some time ago."""
    if not past:
        return None
    old = rng.choice(past)
    differing = [m.key for m in _objects(state) if m.key in old.rows and old.rows[m.key] != m]
    if not differing:
        return None
    key = rng.choice(differing)
    return _with_row(state, key, old.rows[key])


def stale_tombstone(
    state: MemoryState, past: Sequence[MemoryState], rng: Random
) -> MemoryState | None:
    """A name that was removed and made again is removed again: its page is of the past."""
    found = [
        (m.key, row)
        for old in past
        for m in _objects(state)
        if isinstance(row := old.rows.get(m.key), Tombstone)
    ]
    return _with_row(state, *rng.choice(found)) if found else None


def bad_body(state: MemoryState, past: Sequence[MemoryState], rng: Random) -> MemoryState | None:
    """A body has other bytes, or cannot be read."""
    if not state.blobs:
        return None
    digest = rng.choice(sorted(state.blobs))
    spoilt = rng.choice((None, b"other bytes"))
    return replace(state, blobs={**state.blobs, digest: spoilt})


def bad_journal(state: MemoryState, past: Sequence[MemoryState], rng: Random) -> MemoryState | None:
    """A journal's row has another entry."""
    full = sorted(c for c, lines in state.journals.items() if len(lines) > 1)
    if not full:
        return None
    collection = rng.choice(full)
    lines = list(state.journals[collection])
    place = rng.randrange(len(lines) - 1)
    number, chain, _ = lines[place]
    lines[place] = Line(number, chain, lines[place + 1].line)
    return replace(state, journals={**state.journals, collection: tuple(lines)})


def stale_head(state: MemoryState, past: Sequence[MemoryState], rng: Random) -> MemoryState | None:
    """The table of heads has an old row."""
    if not past:
        return None
    old = rng.choice(past)
    differing = sorted(c for c, head in old.heads.items() if state.heads.get(c) != head)
    if not differing:
        return None
    collection = rng.choice(differing)
    return replace(state, heads={**state.heads, collection: old.heads[collection]})


def rolled_back(state: MemoryState, past: Sequence[MemoryState], rng: Random) -> MemoryState | None:
    """The volume manager took the whole disk back to a snapshot."""
    return rng.choice(past) if past else None


ALL: dict[str, Rot] = {
    rot.__name__: rot
    for rot in (
        lost_row, forged_tombstone, swapped_rows, stale_row, stale_tombstone,
        bad_body, bad_journal, stale_head, rolled_back,
    )
}  # fmt: skip

"""What every replica asks of a batch before it holds it; pure, and the same for all stores.

Not here: the fold itself (history.fold), and how a replica keeps what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from strongroom.base.errors import BrokenReplicaError, RefusedBatchError, UnavailableReplicaError
from strongroom.history.entries import GONE, Batch, Position, Tombstone, decode_entry, digest_of


def check_cell(cell: str, batch: Batch) -> None:
    """Refuse a batch of another cell."""
    if batch.cell != cell:
        raise RefusedBatchError(f"batch {batch.number} is of cell {batch.cell}, not of {cell}")


def check_handed(
    promised: int,
    held: Position,
    batch: Batch,
    term: int,
    chain_at: Callable[[int], bytes | None],
) -> bool:
    """Say whether `batch` is held already; if not, whether it may be held next (I2).

    Args:
        promised: the term that this replica promised.
        held: the last position that it holds.
        batch: what is handed in.
        term: the opening that hands it in.
        chain_at: gives the chain of a held batch by its number.

    Returns:
        True: exactly this batch is held already. False: it follows directly.

    Raises:
        UnavailableReplicaError: another term is promised, or this replica is behind.
        RefusedBatchError: it contradicts what is held.
    """
    if term != promised:
        raise UnavailableReplicaError(
            f"term {promised} is promised, the batch comes under {term}", rolled_back=True
        )
    if batch.number > held.number + 1:
        raise UnavailableReplicaError(
            f"behind: at batch {held.number}, handed {batch.number}", rolled_back=True
        )
    if batch.number <= held.number:
        if chain_at(batch.number) != batch.chain:
            raise RefusedBatchError(f"another batch {batch.number} is held here")
        return True
    if batch.previous != held.chain:
        raise RefusedBatchError(f"batch {batch.number} does not follow what is held here")
    if not held.term <= batch.term <= term:
        raise RefusedBatchError(f"term {batch.term} does not follow {held.term} under {term}")
    return False


class Bodies(NamedTuple):
    """What a batch means for a replica's bodies, by digest."""

    new: list[str]  # to be made durable and recorded
    known: list[str]  # given, and recorded here already: what lies there must be what was given


def check_bodies(
    batch: Batch,
    bodies: Mapping[str, bytes],
    missing: Callable[[Collection[str]], list[str]],
) -> Bodies:
    """Say what must be done with bodies; each that is used is held against its name (I3).

    A record says that a body was durable once. Whoever is given it again promises that it can be
    read, so the copy that is recorded is compared too (I1). What is given, and neither named by the
    batch nor recorded, is left alone.

    Raises:
        RefusedBatchError: a body is neither given nor recorded here, or is not what it is called.
    """
    named = dict.fromkeys(batch.digests())
    lacking = dict.fromkeys(missing({**named, **dict.fromkeys(bodies)}))
    new = [digest for digest in lacking if digest in named]
    known = [digest for digest in bodies if digest not in lacking]
    for digest in (*new, *known):
        body = bodies.get(digest)
        if body is None:
            raise RefusedBatchError(f"body {digest} is neither given nor recorded here")
        if digest_of(body) != digest:
            raise RefusedBatchError(f"the body given as {digest} is another")
    return Bodies(new, known)


def check_tombstone(stone: Tombstone, line: bytes | None) -> None:
    """Hold a tombstone against the journal row at its number (I4).

    Raises:
        BrokenReplicaError: that row is not a deletion of that name, so nothing is proven.
    """
    try:
        entry = decode_entry(line) if line is not None else None
    except ValueError:
        entry = None
    proven = (
        entry is not None
        and entry.verb in GONE
        and (entry.key, entry.number) == (stone.key, stone.number)
    )
    if not proven:
        raise BrokenReplicaError(f"the absence of {stone.key} is not proven by its journal")

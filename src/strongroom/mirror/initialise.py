"""Creating a cell, once. The only act that makes replicas out of nothing."""

from __future__ import annotations

from collections.abc import Sequence

from strongroom.base.errors import CellExistsError, SettingsError
from strongroom.history.decide import Overlay, Stamp, decide
from strongroom.history.edits import Put
from strongroom.history.entries import (
    CELL,
    FACTS,
    REPLICA,
    Key,
    canonical,
    digest_of,
    genesis_position,
    make_batch,
)
from strongroom.mirror.launch import probe_all
from strongroom.mirror.site import Site
from strongroom.mirror.state import VOTER
from strongroom.ports.replica import Absent, Blank, Identity
from strongroom.ports.world import Clock, Entropy, Lane, Testimony, Witness


async def initialise(
    sites: Sequence[Site],
    witness: Witness,
    witness_lane: Lane,
    clock: Clock,
    entropy: Entropy,
    *,
    write_quorum: int,
) -> str:
    """Create the cell on all places and its first batch; fixes N, W and the replicas' ids.

    Raises:
        CellExistsError: a replica or the witness knows a cell. Nothing was touched.
        SettingsError: a place is not a usable directory, or 2W <= N. Nothing was touched.

    Returns:
        The cell's id.
    """
    if not len(sites) >= write_quorum > len(sites) / 2:
        raise SettingsError("write_quorum must be more than half of the replicas")
    probes = await probe_all(sites)
    for site, probe in zip(sites, probes, strict=True):
        if isinstance(probe, Absent):
            raise SettingsError(f"{site.place} cannot be used: {probe.reason}")
        if not isinstance(probe, Blank):
            raise CellExistsError(f"{site.place} holds replica {probe.identity.replica} already")
    if await witness_lane.run(witness.recall) is not None:
        raise CellExistsError("the witness knows a cell already; are its disks missing?")
    cell = entropy.token(8).hex()
    identities = {
        f"r{i + 1}": Identity(cell, f"r{i + 1}", entropy.token(8).hex()) for i in range(len(sites))
    }
    overlay = _first_entries(identities, write_quorum, clock.now_ms())
    start = genesis_position(cell)
    batch = make_batch(
        cell, start, 1, overlay.entries[0].at, overlay.heads.values(), overlay.entries
    )
    for site, identity in zip(sites, identities.values(), strict=True):
        await site.writing(lambda r, i=identity: r.create(i))  # type: ignore[misc]
        await site.writing(lambda r: r.promise(1))
    for site in sites:
        await site.writing(lambda r: r.apply(batch, {}, 1))
    testimony = Testimony(cell, batch.position, overlay.heads, {})
    await witness_lane.run(lambda: witness.rewrite(testimony))
    return cell


def _first_entries(identities: dict[str, Identity], quorum: int, at: int) -> Overlay:
    facts = canonical({"replicas": len(identities), "write_quorum": quorum})
    puts = [Put(Key(CELL, FACTS, "cell"), digest_of(facts.encode()), facts)]
    for name, identity in identities.items():
        data = canonical({"incarnation": identity.incarnation, "standing": VOTER})
        puts.append(Put(Key(CELL, REPLICA, name), digest_of(data.encode()), data))
    overlay = Overlay(dict.fromkeys(put.key for put in puts), {})
    for put in puts:
        decide(overlay, put, Stamp(1, at))
    return overlay

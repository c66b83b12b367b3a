"""Looking without opening, and the one way past a lost quorum.

`survey` reads what each place says of itself, for status while the server is down or the cell is
frozen. `plan_rebuild` and `apply_rebuild` make one replica's history the cell's: an explicit act
that shows that replica's position beside the witness's, refuses if it is behind, and is journalled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from strongroom.base.errors import DamageError, RefusedPlanError
from strongroom.history.decide import Overlay, Stamp, decide
from strongroom.history.directory import Directory
from strongroom.history.edits import Put
from strongroom.history.entries import (
    CELL,
    REPLICA,
    Batch,
    Head,
    Key,
    Position,
    canonical,
    digest_of,
    make_batch,
)
from strongroom.mirror.bodies import Bodies, Places, bodies_for
from strongroom.mirror.keeper import Progress, copy_beside
from strongroom.mirror.launch import probe_all
from strongroom.mirror.site import Site
from strongroom.mirror.state import DOUBTFUL, VOTER
from strongroom.ports.replica import Absent, Blank, Damaged, Found, Identity, Probe
from strongroom.ports.world import Clock, Entropy, Testimony

REBUILT: Final = "rebuilt"  # kind of the cell's member that tells of such an act; href = the term


async def survey(sites: Sequence[Site], testimony: Testimony | None) -> dict[str, Any]:
    """Say what lies in each place and what the witness remembers; changes nothing."""
    probes = await probe_all(sites)
    places = []
    for site, probe in zip(sites, probes, strict=True):
        place = _place(site, probe)
        if isinstance(probe, Found):
            place["roster"] = await _roster(site)
        places.append(place)
    witness = None
    if testimony is not None:
        witness = {"cell": testimony.cell, **_position(testimony.position)}
    return {"places": places, "witness": witness}


def _place(site: Site, probe: Probe) -> dict[str, Any]:
    place: dict[str, Any] = {"place": site.place, "state": type(probe).__name__.lower()}
    if isinstance(probe, Found):
        place |= {"replica": probe.identity.replica, "cell": probe.identity.cell}
        place |= {"incarnation": probe.identity.incarnation, **_position(probe.position)}
    elif not isinstance(probe, Blank):
        place["reason"] = probe.reason
    return place


def _position(position: Position) -> dict[str, Any]:
    return {"term": position.term, "number": position.number, "chain": position.chain.hex()[:16]}


async def _roster(site: Site) -> dict[str, str]:
    try:
        members = (await site.told(lambda r: r.directory())).value
    except DamageError as error:
        return {"unreadable": f"{error}"}
    standings = Directory(members).standings()
    return {name: f"{m.facts['standing']}" for name, m in standings.items()}


@dataclass(frozen=True, slots=True)
class RebuildPlan:
    """What `apply_rebuild` will do; a value to be shown and approved."""

    source: str
    position: Position
    witness: Position | None
    replaced: tuple[str, ...]  # places that get a copy; what lies there goes to quarantine
    left_out: tuple[str, ...]  # places that cannot be used now; recorded as doubtful
    asked: tuple[str, ...]  # places that are asked for bodies which the source cannot give

    def text(self) -> str:
        """Show the plan to the operator."""
        known = "nothing, so nobody can tell whether later changes are missing in that history"
        if self.witness:
            known = f"batch {self.witness.number}"
        return (
            f"The history of {self.source} (batch {self.position.number}) becomes the cell's.\n"
            f"The witness knows {known}.\n"
            f"Replaced by copies, the old files kept in quarantine: {', '.join(self.replaced)}\n"
            f"Left out: {', '.join(self.left_out) or 'none'}\n"
            f"Bodies that {self.source} cannot give are taken from: "
            f"{', '.join(self.asked) or 'nowhere'}. Those that nobody has stay lost until somebody "
            "brings them; `strongroom scrub` names them before."
        )


async def plan_rebuild(
    sites: Sequence[Site], testimony: Testimony | None, source: str, quorum: int
) -> RebuildPlan:
    """Look whether the history of `source` may become the cell's.

    Raises:
        RefusedPlanError: it is not there, it is behind the witness or beside its history, or
            fewer than W places could hold the cell afterwards. Nothing was changed.
    """
    probes = await probe_all(sites)
    found = [
        (s, p)
        for s, p in zip(sites, probes, strict=True)
        if isinstance(p, Found) and p.identity.replica == source
    ]
    if len(found) != 1:
        raise RefusedPlanError(f"{source} cannot be read; nothing was changed")
    site, probe = found[0]
    if testimony is not None:
        await _refuse_behind(site, probe, testimony)
    others = [(s, p) for s, p in zip(sites, probes, strict=True) if s is not site]
    usable = tuple(s.place for s, p in others if not isinstance(p, Absent))
    left_out = tuple(s.place for s, p in others if isinstance(p, Absent))
    if len(usable) + 1 < quorum:
        raise RefusedPlanError(f"{quorum} usable places are needed; nothing was changed")
    witness = testimony.position if testimony else None
    asked = tuple(s.place for s, p in others if isinstance(p, Found | Damaged))
    return RebuildPlan(source, probe.position, witness, usable, left_out, asked)


async def _refuse_behind(site: Site, probe: Found, testimony: Testimony) -> None:
    known = testimony.position
    if testimony.cell != probe.identity.cell:
        raise RefusedPlanError("the witness belongs to another cell; nothing was changed")
    if probe.position.number < known.number:
        raise RefusedPlanError(
            f"{probe.identity.replica} ends with batch {probe.position.number}, the witness knows "
            f"{known.number}: what lies between would be lost; nothing was changed"
        )
    batch = (await site.told(lambda r: r.batches(known.number - 1, 1)))[:1]
    if known.number and (not batch or batch[0].position != known):
        raise RefusedPlanError(
            f"{probe.identity.replica} is not on the history that the witness knows; "
            "nothing was changed"
        )


async def apply_rebuild(
    plan: RebuildPlan,
    sites: Sequence[Site],
    clock: Clock,
    entropy: Entropy,
    progress: Progress | None = None,
) -> frozenset[str]:
    """Carry `plan` out; afterwards the cell opens as ever.

    Returns:
        The digests of bodies that no place could give; whoever brings them heals them.

    Raises:
        RefusedPlanError: the world is not as planned any more.
        DamageError: a place failed on the way; run it again, the source is untouched.
    """
    probes = await probe_all(sites)
    source, probe = _still_there(plan, sites, probes)
    term = 1 + max(p.promised for p in probes if isinstance(p, Found))
    await source.writing(lambda r: r.promise(term))
    roster = Directory((await source.told(lambda r: r.directory())).value)
    names = _names(sites, probes, sorted(roster.standings()))
    others, lost = _others(source, sites, probes), set[str]()
    new: dict[str, str] = {}
    for site, other in zip(sites, probes, strict=True):
        if site.place in plan.replaced:
            name = names[site.place]
            new[name] = entropy.token(8).hex()
            identity = Identity(probe.identity.cell, name, new[name])
            bodies = bodies_for(others, site, lost.update)
            await _copy(site, other, identity, source, plan.position, term, bodies, progress)
    head = (await source.told(lambda r: r.heads())).value[CELL]
    batch = _recording(plan, roster, head, new, probe, term, clock.now_ms())
    await source.writing(lambda r: r.apply(batch, {}, term))
    for site in sites:
        if site.place in plan.replaced:
            await site.writing(lambda r: r.apply(batch, {}, term))
    return frozenset(lost)


def _others(source: Site, sites: Sequence[Site], probes: Sequence[Probe]) -> Places:
    """Give all who may have a body; a place that was good to read must answer before one is lost.

    What lay in a place before its copy is not asked again: the copy took what it had.
    """
    pairs = [(s, p) for s, p in zip(sites, probes, strict=True) if s is not source]
    found = [site for site, probe in pairs if isinstance(probe, Found)]
    damaged = [site for site, probe in pairs if isinstance(probe, Damaged)]
    return Places([source, *found], 1, damaged)


def _still_there(
    plan: RebuildPlan, sites: Sequence[Site], probes: Sequence[Probe]
) -> tuple[Site, Found]:
    for site, probe in zip(sites, probes, strict=True):
        if isinstance(probe, Found) and probe.identity.replica == plan.source:
            if probe.position != plan.position:
                break
            return site, probe
    raise RefusedPlanError(f"{plan.source} is not as it was planned; look again")


def _names(sites: Sequence[Site], probes: Sequence[Probe], roster: list[str]) -> dict[str, str]:
    """Give every place a replica id: its own, or one that nobody has."""
    names = {
        s.place: p.identity.replica
        for s, p in zip(sites, probes, strict=True)
        if not isinstance(p, Blank | Absent)
    }
    free = [name for name in roster if name not in names.values()]
    for site in sites:
        if site.place not in names:
            names[site.place] = free.pop(0)
    return names


async def _copy(
    site: Site,
    probe: Probe,
    identity: Identity,
    source: Site,
    goal: Position,
    term: int,
    bodies: Bodies,
    progress: Progress | None,
) -> None:
    if isinstance(probe, Blank):
        await site.writing(lambda r: r.create(identity))
    heads = (await source.told(lambda r: r.heads())).value
    await copy_beside(
        site, identity, term, lambda: goal, lambda: [source], bodies, lambda _: heads,
        progress,
    )  # fmt: skip


def _recording(
    plan: RebuildPlan,
    roster: Directory,
    head: Head,
    new: dict[str, str],
    probe: Found,
    term: int,
    at: int,
) -> Batch:
    puts = []
    for name, member in roster.standings().items():
        if name == plan.source:
            facts = {"incarnation": probe.identity.incarnation, "standing": VOTER}
        elif name in new:
            facts = {"incarnation": new[name], "standing": VOTER}
        else:
            facts = {**member.facts, "standing": DOUBTFUL, "reason": "left out of a rebuild"}
        puts.append(_put(Key(CELL, REPLICA, name), facts))
    told = plan.witness.number if plan.witness else 0
    told_of = {"from": plan.source, "number": plan.position.number, "witness": told}
    puts.append(_put(Key(CELL, REBUILT, str(term)), told_of))
    overlay = Overlay({put.key: roster.get(*put.key) for put in puts}, {CELL: head})
    for put in puts:
        decide(overlay, put, Stamp(probe.position.number + 1, at))
    return make_batch(
        probe.identity.cell, probe.position, term, at, overlay.heads.values(), overlay.entries
    )


def _put(key: Key, facts: dict[str, Any]) -> Put:
    data = canonical(facts)
    return Put(key, digest_of(data.encode()), data)

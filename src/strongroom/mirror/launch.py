"""Opening a cell: from replicas as found to a writer that may be asked. DESIGN "Opening".

Order: probe, choose the history, promise a new term on W, level, compare with the witness; if W are
not level yet, let copies take the place of voters that hold something beside that history; commit a
batch of the new term. Nothing is served before that.

Such a copy is the same voter as before, incarnation and promise and all: it was counted when the
history was chosen, so what it held beside was never committed (docs/decisions.md, 14).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from strongroom.base import limits
from strongroom.base.errors import (
    BrokenReplicaError,
    DamageError,
    NoCellError,
    RefusedBatchError,
    SettingsError,
    StrongroomError,
    UnavailableReplicaError,
)
from strongroom.history.directory import Directory
from strongroom.history.entries import CELL, FACTS, Head, Member, Position
from strongroom.mirror import state as machine
from strongroom.mirror.bodies import Bodies, Places, alarm_of, bodies_for
from strongroom.mirror.keeper import BesideError, Progress, Target, copy_beside, feed
from strongroom.mirror.opening import Ballot, Frozen, Plan, choose, forgotten
from strongroom.mirror.site import FrozenCellError, Site, in_time
from strongroom.ports.replica import Absent, Blank, Damaged, Found, Probe
from strongroom.ports.world import Testimony


@dataclass(slots=True)
class Launch:
    """What opening found out; `MirrorCell` goes on from here."""

    cell: str
    term: int
    position: Position
    heads: dict[int, Head]
    directory: Directory
    sites: dict[str, Site]
    others: Places  # who has bodies
    level: list[str]
    last_ms: int = 0  # time of the last batch; entry times never go back
    doubtful: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)  # voters that promised; a copy may replace them
    forgotten: frozenset[int] = frozenset()
    alarms: dict[str, str] = field(default_factory=dict)


async def probe_all(sites: Sequence[Site]) -> list[Probe]:
    """Look at all places at once; one that hangs or raises is absent."""
    return list(await asyncio.gather(*(site.probed() for site in sites)))


async def ballot(site: Site, found: Found) -> Ballot:
    """Read what a replica's own history says of all replicas."""
    members = (await site.told(lambda r: r.directory())).value
    directory = Directory(members)
    facts = directory.get(CELL, FACTS, "cell")
    values = facts.facts if facts else {"replicas": 0, "write_quorum": 0}
    return Ballot(found, directory.standings(), values["replicas"], values["write_quorum"])


async def launch(
    sites: Sequence[Site],
    testimony: Testimony | None,
    quorum: int,
    progress: Progress | None = None,
) -> Launch:
    """Open; see the module. Raises NoCellError, SettingsError, FrozenCellError.

    Args:
        sites: all that are configured.
        testimony: what the witness remembers, if there is one.
        quorum: W as configured.
        progress: is told how far a copy is that must be made before the cell can open.
    """
    seen_term = testimony.position.term if testimony else 0
    lost: dict[str, str] = {}  # doubtful
    away: dict[str, str] = {}  # silent now
    while True:
        # Each try promises and levels, so the next one must look again.
        probes = await probe_all(sites)
        refuse_nothing(probes, testimony)
        refuse_mixture(probes, testimony)
        ballots, homes = await read_ballots(sites, probes, lost, away)
        plan = choose(ballots.values(), quorum, seen_term)
        if isinstance(plan, Frozen):
            raise FrozenCellError(_frozen_text(plan, sites, probes, {**lost, **away}))
        if plan.source.replicas != len(sites):
            raise SettingsError(
                f"the cell has {plan.source.replicas} replicas, the configuration {len(sites)}"
            )
        seen_term = plan.term
        opened = await _try(plan, homes, lost, away)
        if opened is None:
            continue
        _place_all(opened, sites, probes, plan.source.roster)
        try:
            await _hold_against(opened, testimony)
            await _replace_beside(opened, quorum, progress)
        except DamageError as error:
            _fell_out(plan.source.name, error, lost, away)
        else:
            return opened


async def _hold_against(opened: Launch, testimony: Testimony | None) -> None:
    if testimony is not None:
        source = opened.sites[opened.level[0]]
        opened.forgotten = await forgotten_by(source, opened.position, opened.heads, testimony)


async def read_ballots(
    sites: Sequence[Site], probes: Sequence[Probe], lost: dict[str, str], away: dict[str, str]
) -> tuple[dict[str, Ballot], dict[str, Site]]:
    """Give the ballots and the places by replica id; what cannot be read goes to lost or away.

    Who is in `lost` or `away` already is given a place and no ballot. Raises SettingsError where
    two places say that they are the same replica.
    """
    ballots: dict[str, Ballot] = {}
    places: dict[str, Site] = {}
    for site, probe in zip(sites, probes, strict=True):
        if isinstance(probe, Found | Damaged):
            name = probe.identity.replica
            if name in places:
                raise SettingsError(f"{site.place} and {places[name].place} are both {name}")
            places[name] = site
            if isinstance(probe, Damaged):
                lost[name] = probe.reason
            elif name not in lost and name not in away:
                try:
                    ballots[name] = await ballot(site, probe)
                except DamageError as error:
                    _fell_out(name, error, lost, away)
    return ballots, places


def refuse_nothing(probes: Sequence[Probe], testimony: Testimony | None) -> None:
    """Raise NoCellError or FrozenCellError where no replica was found."""
    if any(isinstance(p, Found | Damaged) for p in probes):
        return
    if testimony is None and all(isinstance(p, Blank) for p in probes):
        raise NoCellError
    raise FrozenCellError(
        "the replicas are blank or not there, yet a cell was here: mount the disks"
    )


def refuse_mixture(probes: Sequence[Probe], testimony: Testimony | None) -> None:
    """Raise SettingsError where the places and the witness tell of several cells."""
    cells = {p.identity.cell for p in probes if isinstance(p, Found | Damaged)}
    if testimony is not None:
        cells.add(testimony.cell)
    if len(cells) > 1:
        raise SettingsError(f"the places belong to different cells: {', '.join(sorted(cells))}")


def _frozen_text(
    plan: Frozen, sites: Sequence[Site], probes: Sequence[Probe], lost: Mapping[str, str]
) -> str:
    lines = [*plan.reasons, *(f"{name}: {why}" for name, why in lost.items())]
    for site, probe in zip(sites, probes, strict=True):
        if isinstance(probe, Blank | Absent):
            lines.append(f"{site.place}: {getattr(probe, 'reason', 'blank')}")
    return "; ".join(lines)


def _fell_out(
    name: str, error: StrongroomError, lost: dict[str, str], away: dict[str, str]
) -> None:
    """Keep why a replica takes no part: silent now, or doubtful."""
    (away if isinstance(error, UnavailableReplicaError) else lost)[name] = f"{error}"


async def _try(
    plan: Plan, places: Mapping[str, Site], lost: dict[str, str], away: dict[str, str]
) -> Launch | None:
    """Promise, level and load by this plan; None = somebody fell out, plan again."""
    source = places[plan.source.name]
    goal = plan.source.found.position
    kept = await asyncio.gather(
        *(_promise(places[b.name], b, plan.term, lost, away) for b in plan.voters)
    )
    promised = [b for b, is_kept in zip(plan.voters, kept, strict=True) if is_kept]
    if plan.source not in promised:
        return None
    opened = Launch(
        plan.source.found.identity.cell, plan.term, goal, {}, Directory(), dict(places),
        _others(plan, places, promised), [],
    )  # fmt: skip
    try:
        opened.last_ms = await _last_ms(source, goal)
        opened.heads = (await source.told(lambda r: r.heads())).value
        opened.directory = Directory((await source.told(lambda r: r.directory())).value)
        opened.directory.verify(opened.heads)
    except DamageError as error:
        _fell_out(plan.source.name, error, lost, away)
        return None
    refusals = await _level_all(opened, source, [b for b in promised if b is not plan.source])
    opened.level.insert(0, plan.source.name)
    if len(refusals) > plan.source.replicas - plan.source.quorum:
        # Either its last batch is dead, for those that refuse never voted for it (I2); or its
        # heads are not what all others fold from the same batches.
        lost[plan.source.name] = "what it holds is refused by a quorum's complement"
        return None
    opened.doubtful.update({n: why for n, why in lost.items() if n not in opened.level})
    opened.absent.update(away)
    return opened


def _others(plan: Plan, places: Mapping[str, Site], promised: Sequence[Ballot]) -> Places:
    """Give who is asked for bodies: W voters must have answered before one is lost."""
    sure = {b.name: places[b.name] for b in (plan.source, *promised)}
    rest = [site for name, site in places.items() if name not in sure]
    return Places(list(sure.values()), plan.source.quorum, rest)


async def _last_ms(source: Site, position: Position) -> int:
    if position.number == 0:
        return 0
    last = await source.told(lambda r: r.batches(position.number - 1, 1))
    if not last or last[0].position != position:
        raise BrokenReplicaError("its cell row names a batch that it does not hold")
    return last[0].at


async def _promise(
    site: Site, found: Ballot, term: int, lost: dict[str, str], away: dict[str, str]
) -> bool:
    try:
        await in_time(site.writing(lambda r: r.promise(term)), limits.LISTING_SECONDS_MAX)
    except DamageError as error:
        _fell_out(found.name, error, lost, away)
        return False
    return True


async def _level_all(opened: Launch, source: Site, others: Sequence[Ballot]) -> list[str]:
    """Level the others; returns those that refused a batch or the heads of the chosen history."""
    async with asyncio.TaskGroup() as group:
        tasks = {b.name: group.create_task(_level_in_time(opened, source, b)) for b in others}
    refusals = []
    for name, task in tasks.items():
        why = task.result()
        if why is None:
            opened.level.append(name)
        elif why.startswith(("absent", "beside")):
            opened.absent[name] = why
        else:
            opened.doubtful[name] = why
            if why.startswith("refused"):
                refusals.append(name)
    return refusals


async def _level_in_time(opened: Launch, source: Site, other: Ballot) -> str | None:
    """Level one; who is slow is absent for now, and is caught up while the cell serves."""
    try:
        async with asyncio.timeout(limits.LISTING_SECONDS_MAX):
            return await _level(opened, source, other)
    except TimeoutError:
        return "absent: it does not answer in time"


async def _level(opened: Launch, source: Site, other: Ballot) -> str | None:
    site = opened.sites[other.name]
    position = other.found.position
    try:
        if position.number > opened.position.number:
            raise BesideError("it holds what nobody was told")
        if position.number < opened.position.number and not await on_chain(source, position):
            raise BesideError("it holds something beside the history")
        await feed(
            Target(site),
            position,
            lambda: opened.position,
            lambda: [source],
            _bodies(opened, site),
            opened.term,
        )
        heads = (await site.told(lambda r: r.heads())).value
    except BesideError as error:
        opened.beside.add(other.name)
        return f"beside: {error}"
    except BrokenReplicaError as error:
        return f"broken: {error}"
    except DamageError as error:
        return f"{'refused' if error.code == 'refused-batch' else 'absent'}: {error}"
    return None if heads == opened.heads else "refused: its heads are not the history's"


async def _replace_beside(opened: Launch, quorum: int, progress: Progress | None) -> None:
    """Let copies of the source take the place of voters that lie beside it, until W are level.

    Raises:
        RefusedBatchError: the source's own batches do not fold to what it holds: it is doubtful.
        FrozenCellError: W are out of reach all the same.
    """
    for name in sorted(opened.beside):
        # What the witness knows better may be what lies beside: that is not for us to put away.
        if len(opened.level) >= quorum or opened.forgotten:
            break
        try:
            await _replace(opened, name, progress)
        except RefusedBatchError:
            raise
        except DamageError as error:
            opened.absent[name] += f"; no copy could take its place: {error}"
        else:
            del opened.absent[name]
            opened.level.append(name)
    if len(opened.level) < quorum:
        raise FrozenCellError(_short_text(opened))


def _short_text(opened: Launch) -> str:
    told = [f"only {', '.join(opened.level)} could be levelled"]
    told += [f"{name}: {why}" for name, why in {**opened.doubtful, **opened.absent}.items()]
    if opened.forgotten:
        told.append("the witness knows more than that history")
    return "; ".join(told)


async def _replace(opened: Launch, name: str, progress: Progress | None) -> None:
    """Let a copy go on as the same voter: what it held beside was never committed."""
    site, source = opened.sites[name], opened.sites[opened.level[0]]
    probe = await site.probed()
    if not isinstance(probe, Found):
        raise UnavailableReplicaError(getattr(probe, "reason", "the directory is blank"))
    await copy_beside(
        site, probe.identity, opened.term, lambda: opened.position, lambda: [source],
        _bodies(opened, site), lambda _: opened.heads, progress,
    )  # fmt: skip


def _bodies(opened: Launch, site: Site) -> Bodies:
    return bodies_for(opened.others, site, lambda lost: opened.alarms.update(alarm_of(lost)))


async def on_chain(source: Site, position: Position) -> bool:
    """Say whether the source's history went through `position`."""
    following = await source.told(lambda r: r.batches(position.number, 1))
    return bool(following) and following[0].previous == position.chain


def _place_all(
    opened: Launch, sites: Sequence[Site], probes: Sequence[Probe], roster: Mapping[str, Member]
) -> None:
    """Give every configured replica a site, and every site a name."""
    free = [s for s in sites if all(s is not used for used in opened.sites.values())]
    for name in sorted(set(roster) - set(opened.sites)):
        opened.sites[name] = free.pop(0)
        opened.absent[name] = _why(opened.sites[name], sites, probes)
    for name in roster:
        if name not in opened.level and name not in opened.doubtful:
            opened.absent.setdefault(name, _no_voter(name, opened, sites, probes))
    for name, member in roster.items():
        if member.facts["standing"] == machine.DOUBTFUL:
            opened.absent.pop(name, None)
            opened.doubtful[name] = member.facts.get("reason", "doubtful")


def _no_voter(name: str, opened: Launch, sites: Sequence[Site], probes: Sequence[Probe]) -> str:
    """Say what to do with a copy that another replaced meanwhile, or that was not finished."""
    (probe,) = (p for s, p in zip(sites, probes, strict=True) if s is opened.sites[name])
    number = probe.position.number if isinstance(probe, Found) else 0
    told = f"what lies there ends with batch {number} and is not the copy of {name} that counts"
    if number > opened.position.number:
        return (
            f"{told}, but goes further than what is served: keep it aside, `strongroom export` can "
            "read it by itself (docs/operate.md, Read without opening)"
        )
    return (
        f"{told}: `strongroom replica rebuild {name}` fills its place anew, and keeps what lies "
        "there in quarantine"
    )


def _why(site: Site, sites: Sequence[Site], probes: Sequence[Probe]) -> str:
    probe = probes[[s is site for s in sites].index(True)]
    return getattr(probe, "reason", "the directory is blank")


async def forgotten_by(
    source: Site, position: Position, heads: Mapping[int, Head], testimony: Testimony
) -> frozenset[int]:
    """Name the collections that the witness knows better than the history of `source`.

    Raises:
        FrozenCellError: what it knows better concerns the whole cell.
    """
    chains: dict[int, bytes | None] = {}
    for collection, known in testimony.heads.items():
        ours = heads.get(collection)
        if ours is not None and ours.number > known.number:
            got = await source.told(lambda r, k=known: r.journal(k.collection, k.number, 0))  # type: ignore[misc]
            chains[collection] = got.value.chain
    found = forgotten(testimony, heads, chains)
    behind = testimony.position.number > position.number
    if CELL in found or (behind and not found):
        raise FrozenCellError(
            f"the witness knows batch {testimony.position.number}, the replicas end with "
            f"{position.number}: a newer disk is missing"
        )
    return found

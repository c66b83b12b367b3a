"""Reading a cell that is not open: the server is down, or too few copies are good.

It opens nothing for writing, promises no term, levels nothing, and looks at the same things in the
same order as an opening (launch.py). What it gives is of two kinds:

* *proven*: W good voters agree on the chain and on the heads up to some batch, none of them has
  promised a later term (or the witness knows that batch as committed), and the witness knows
  nothing that they do not hold. Then every later opening holds that batch too, and what was
  committed after it would lie on one of them: a collection that nobody wrote since is as it stands.
* *read*: anything else. It is given by `salvage`, by `directory` and by `head`, and never as proof.

That W voters hold a batch is not enough: an opening that failed may have put them there, and the
copy that is away may know a later term (Raft's figure 8).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import TypeVar

from strongroom.base.errors import BrokenReplicaError, DamageError, UnsureError
from strongroom.history.directory import Directory
from strongroom.history.edits import Put
from strongroom.history.entries import (
    CELL,
    COLLECTION,
    Head,
    Key,
    Member,
    Position,
    genesis_head,
)
from strongroom.mirror import state as machine
from strongroom.mirror.core import Core
from strongroom.mirror.forgetting import not_yet_accepted, seen
from strongroom.mirror.launch import (
    forgotten_by,
    on_chain,
    probe_all,
    read_ballots,
    refuse_mixture,
    refuse_nothing,
)
from strongroom.mirror.opening import Ballot, Frozen, Plan, choose
from strongroom.mirror.reader import Reader
from strongroom.mirror.salvage import Salvage
from strongroom.mirror.site import FrozenCellError, Patient, Site
from strongroom.ports.cell import Changes, Salvaged, Unreadable
from strongroom.ports.replica import Found
from strongroom.ports.world import Clock, Testimony

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _View:
    """What was found: the history that is read, and how much of it is proven."""

    place: str  # of the copy that it was read from
    position: Position  # proven up to here; of the copy's end where nothing is
    heads: dict[int, Head]
    directory: Directory
    agreeing: dict[str, Site]  # W good voters or more that agree; none = nothing is proven
    replicas: int = 0  # N, as this history has it
    quorum: int = 0  # W
    believed: Mapping[str, Site] = field(default_factory=dict)  # the copies, in this order
    unsure: frozenset[int] = frozenset()  # collections that are not proven though others are
    freezes: tuple[Put, ...] = ()  # what an opening will write down
    why: str = ""  # nothing is proven


class Unopened:
    """Reads what lies there (ports.cell.Salvager); make it with `look`."""

    def __init__(self, view: _View, salvage: Salvage, note: str, clock: Clock) -> None:
        """Hold the parts; `look` has put them together."""
        self._view = view
        self._salvage = salvage
        self.note = note  # in plain words: how much of it is proven, and why
        self._clock = clock
        self._reader = _reader(view, view.quorum, clock) if view.agreeing else None
        self._believes = False

    def believed(self) -> Unopened:
        """Give a reader that believes single copies where nothing is proven.

        What such a copy says must still agree with its own heads. For a person who is told `note`.
        """
        other = Unopened(self._view, self._salvage, self.note, self._clock)
        other._believes = True
        return other

    @property
    def sure(self) -> bool:
        """Say whether all of it is proven."""
        return self._reader is not None and not self._view.unsure

    def proves(self, *collections: int) -> bool:
        """Say whether what stands in all of these is proven."""
        return self._reader is not None and self._view.unsure.isdisjoint(collections)

    # --- ports.cell.Reader ------------------------------------------------------------------------
    @property
    def directory(self) -> Directory:
        """Give accounts, collections and devices as they were read; proven where `proves` says."""
        return self._view.directory

    def head(self, collection: int) -> Head:
        """Give a head as it was read; proven where `proves` says."""
        return self._view.heads.get(collection) or genesis_head(collection)

    async def row(self, key: Key) -> Member | None:
        """Give what stands under `key`; None is proven."""
        return (await self.rows([key]))[0]

    async def rows(self, keys: Sequence[Key]) -> list[Member | None]:
        """Give what stands under many keys; each None is proven."""
        try:
            return await self._proving({key.collection for key in keys}).rows(keys)
        except UnsureError:
            if not self._believes:
                raise
        # One copy alone proves no absence, but its listing has to agree with its head.
        found: dict[Key, Member] = {}
        for collection, kind in {(key.collection, key.kind) for key in keys}:
            _, members = await self.listing(collection, kind)
            found |= {member.key: member for member in members}
        return [found.get(key) for key in keys]

    async def fetch(self, keys: Sequence[Key]) -> list[tuple[Member, bytes | None] | None]:
        """Give rows and their bodies in one go."""
        rows = await self.rows(keys)
        bodies = iter(await self.bodies([row.etag for row in rows if row is not None]))
        return [None if row is None else (row, next(bodies)) for row in rows]

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give bodies, each checked on this read; a digest is proof enough for any copy's."""
        good = await self._salvage.bodies(digests)
        return [good.get(digest) for digest in digests]

    async def listing(self, collection: int, kind: str) -> tuple[Head, tuple[Member, ...]]:
        """Give all members of a kind, proven against the head that W voters agree on."""
        return await self._ask({collection}, lambda r: r.listing(collection, kind))

    async def changes(self, collection: int, after: int, chain: bytes, limit: int) -> Changes:
        """Give the proven part of a journal behind `after`."""
        return await self._ask({collection}, lambda r: r.changes(collection, after, chain, limit))

    def salvage(
        self, collection: int, after: str = ""
    ) -> AsyncGenerator[Salvaged | Unreadable, None]:
        """Give every object that any copy can still give; see ports.cell.Salvager."""
        return self._salvage.objects(collection, after)

    # --- upkeep.scrub.Ground ----------------------------------------------------------------------
    def sites(self) -> dict[str, Patient]:
        """Give the places by replica id, of those that can be read."""
        return {name: Patient(site) for name, site in self._view.believed.items()}

    def voters(self) -> list[str]:
        """Name all that can be read: any of them may be what is left."""
        return sorted(self._view.believed)

    def head_at(self, collection: int, batch: int) -> Head | None:
        """Give the head that a collection has at a batch, where that is proven."""
        head = self.head(collection)
        return head if self.proves(collection) and head.batch <= batch else None

    def disbelieve(self, replica: str, reason: str) -> None:
        """Take it as told: whom not to believe is written down by an open cell alone."""

    def _proving(self, collections: Set[int]) -> Reader:
        if self._reader is None or not self.proves(*collections):
            raise UnsureError(self.note)
        return self._reader

    async def _ask(self, collections: Set[int], call: Callable[[Reader], Awaitable[T]]) -> T:
        try:
            return await call(self._proving(collections))
        except UnsureError:
            if not self._believes:
                raise
        for name, site in self._view.believed.items():
            try:
                return await call(await self._alone(name, site))
            except (DamageError, UnsureError):
                continue
        raise UnsureError(self.note)

    async def _alone(self, name: str, site: Site) -> Reader:
        """Give what reads one copy by itself."""
        snapshot = await site.told(lambda r: r.heads())
        view = replace(
            self._view, position=snapshot.position, heads=snapshot.value,
            agreeing={name: site}, replicas=1,
        )  # fmt: skip
        return _reader(view, 1, self._clock)


class _Still(Core):
    """A core that nothing moves; who fails is asked no more."""

    def event(self, event: machine.Event) -> None:
        """Ask a replica no more that failed or contradicts itself."""
        if isinstance(event, machine.Broke):
            peer = self.state.peers[event.replica]._replace(standing=machine.DOUBTFUL)
            self.state = self.state._replace(peers={**self.state.peers, event.replica: peer})

    async def stands(self, position: Position, seconds: float) -> bool:  # noqa: ARG002
        """Believe the end of a snapshot: what was written behind the proven batch is not asked."""
        return True


async def look(
    sites: Sequence[Site],
    testimony: Testimony | None,
    quorum: int,
    clock: Clock,
    doubt: str = "",
) -> Unopened:
    """Look at what lies there, without changing anything.

    Args:
        sites: all that are configured.
        testimony: what the witness remembers, if there is one.
        quorum: W as configured.
        clock: tells since when something is frozen that an opening will freeze.
        doubt: why nothing can be proven, should the witness be damaged.

    Raises:
        NoCellError, FrozenCellError: no replica is there at all.
        SettingsError: the places, or the witness, belong to different cells.
    """
    probes = await probe_all(sites)
    refuse_nothing(probes, testimony)
    refuse_mixture(probes, testimony)
    lost: dict[str, str] = {}
    away: dict[str, str] = {}
    ballots, places = await read_ballots(sites, probes, lost, away)
    ranked = _ranked(ballots.values())
    view = doubt or await _proven(dict(ballots), places, testimony, quorum)
    if isinstance(view, str):
        view = await _merely_read(view, ranked, places) or await _left(view, sites)
    view = replace(view, believed={**view.agreeing, **{b.name: places[b.name] for b in ranked}})
    for put in view.freezes:
        row = Member(*put.key, 0, 0, put.etag, put.data, "", clock.now_ms(), 0)
        view.directory.take(row)
    told = testimony.heads if testimony else {}
    sure = view.heads if view.agreeing else {}
    order = list({site.place: site for site in (*view.believed.values(), *sites)}.values())
    salvage = Salvage(lambda: order, sure.get, told.get, lambda c: seen(view.directory, c))
    return Unopened(view, salvage, _note(view, len(sites), testimony), clock)


def _ranked(ballots: Iterable[Ballot]) -> list[Ballot]:
    """Give the copies in the order in which they are believed."""

    def rank(ballot: Ballot) -> tuple[bool, int, int]:
        term, number, _ = ballot.found.position
        return ballot.good(ballot), term, number

    return sorted(ballots, key=rank, reverse=True)


# --- what is proven -------------------------------------------------------------------------------
async def _proven(
    ballots: dict[str, Ballot],
    places: Mapping[str, Site],
    testimony: Testimony | None,
    quorum: int,
) -> _View | str:
    """Find the history that an opening would take, and how far W agree; or why nobody can say."""
    while True:
        plan = choose(ballots.values(), quorum, 0)
        if isinstance(plan, Frozen):
            return "; ".join(plan.reasons)
        try:
            return await _agreed(plan, places, testimony)
        except FrozenCellError as error:
            return f"{error}"
        except DamageError:
            del ballots[plan.source.name]  # as an opening would, look for another


async def _agreed(plan: Plan, places: Mapping[str, Site], testimony: Testimony | None) -> _View:
    """Give the view of a plan.

    Raises:
        DamageError: the source's own word is worth nothing.
        FrozenCellError: an opening would not serve this, or it is not known what one would.
    """
    source, quorum, end = places[plan.source.name], plan.source.quorum, plan.source.found.position
    heads = (await source.told(lambda r: r.heads())).value
    directory = Directory((await source.told(lambda r: r.directory())).value)
    directory.verify(heads)
    freezes: dict[int, Put] = {}
    if testimony is not None:
        behind = await forgotten_by(source, end, heads, testimony)
        freezes = not_yet_accepted(behind, testimony, directory)
    following = [b for b in plan.voters if await _follows(source, end, b.found.position)]
    upto = common_position([b.found for b in following], quorum)
    if upto is None:
        raise FrozenCellError(f"fewer than {quorum} good copies tell the same history")
    if not is_settled([b.found for b in following], quorum, upto) and not (
        testimony is not None
        and testimony.position.number >= upto.number
        and await _follows(source, end, testimony.position)
    ):
        raise FrozenCellError("an opening began that did not end, so batches may still change")
    written = {c for c, head in heads.items() if head.batch > upto.number}
    holding = [b for b in following if b.found.position.number >= upto.number]
    agreeing, contradicting = await _compared(places, holding, heads, written)
    if contradicting > plan.source.replicas - quorum:
        raise BrokenReplicaError("its heads are not what all others have")
    if len(agreeing) < quorum:
        raise FrozenCellError(f"only {', '.join(sorted(agreeing))} tell the same heads")
    return _View(
        source.place, upto, heads, directory, agreeing, plan.source.replicas, quorum,
        unsure=frozenset(written | freezes.keys()), freezes=tuple(freezes.values()),
    )  # fmt: skip


async def _follows(source: Site, end: Position, position: Position) -> bool:
    """Say whether the source's history went through `position`."""
    if position.number >= end.number:
        return position == end
    return await on_chain(source, position)


def common_position(voters: Sequence[Found], quorum: int) -> Position | None:
    """Give the last batch that W of these hold; they are on one chain. None = too few are there."""
    positions = sorted((v.position for v in voters), key=lambda p: p.number, reverse=True)
    return positions[quorum - 1] if len(positions) >= quorum else None


def is_settled(voters: Sequence[Found], quorum: int, position: Position) -> bool:
    """Say whether W of these hold `position` and promised no later term than its own.

    Then no opening of a later term can have begun without one of them, so no batch of a later term
    exists anywhere, and every opening to come finds this batch in one of them.
    """
    calm = [
        v for v in voters if v.position.number >= position.number and v.promised <= position.term
    ]
    return len(calm) >= quorum


async def _compared(
    places: Mapping[str, Site],
    holding: Sequence[Ballot],
    heads: Mapping[int, Head],
    written: set[int],
) -> tuple[dict[str, Site], int]:
    """Give those that have the same heads, but for what was written since, and count the others."""

    def settled(some: Mapping[int, Head]) -> dict[int, Head]:
        return {c: head for c, head in some.items() if c not in written}

    agreeing: dict[str, Site] = {}
    contradicting = 0
    for ballot in holding:
        site = places[ballot.name]
        try:
            theirs = (await site.told(lambda r: r.heads())).value
        except DamageError:
            continue
        if settled(theirs) == settled(heads):
            agreeing[ballot.name] = site
        else:
            contradicting += 1
    return agreeing, contradicting


def _reader(view: _View, quorum: int, clock: Clock) -> Reader:
    number = view.position.number
    peers = {name: machine.Peer(machine.VOTER, number, number) for name in view.agreeing}
    state = machine.State(quorum, number, peers)
    core = _Still("", view.position.term, view.agreeing, state, clock)
    core.load(view.position, view.heads, view.directory)
    return Reader(core, view.replicas, quorum)


# --- what is merely read --------------------------------------------------------------------------
async def _merely_read(
    why: str, ranked: Sequence[Ballot], places: Mapping[str, Site]
) -> _View | None:
    """Take the first copy whose own words agree; None = there is none."""
    for ballot in ranked:
        site, end = places[ballot.name], ballot.found.position
        try:
            heads = (await site.told(lambda r: r.heads())).value
            directory = Directory((await site.told(lambda r: r.directory())).value)
            directory.verify(heads)
        except DamageError:
            continue
        return _View(site.place, end, heads, directory, {}, why=why)
    return None


async def _left(why: str, sites: Sequence[Site]) -> _View:
    """Take what all copies together still tell of the cell and of its homes."""
    salvage = Salvage(lambda: sites, lambda _: None)
    directory = Directory(await salvage.members(CELL))
    for account in directory.accounts():
        for member in await salvage.members(account.id):
            directory.take(member)
    heads: dict[int, Head] = {}
    for account in directory.accounts():
        for member in (account, *directory.members(account.id, COLLECTION)):
            head = await salvage.head(member.id)
            heads |= {member.id: head} if head else {}
    return _View("", Position(0, 0, b""), heads, directory, {}, why=why)


def _note(view: _View, replicas: int, testimony: Testimony | None) -> str:
    number = view.position.number
    if view.agreeing:
        count = f"{len(view.agreeing)} of {replicas} copies"
        rest = "; what was written after it is not proven" if view.unsure else ""
        return f"Read without opening: {count} agree up to batch {number}{rest}."
    witness = f"the witness knows batch {testimony.position.number}" if testimony else ""
    known = f" ({witness})" if witness else ""
    lies = f"lies in {view.place}, up to batch {number}{known}" if view.place else "all copies tell"
    return f"Nothing of this is proven: {view.why}. It is what {lies}."

"""The keeper: brings replicas that are behind up to date and copies those that are doubtful.

Catching up takes committed batches only, from voters that are not doubtful. What cannot catch up
comes back as a copy made in a new folder beside, verified, then switched by one rename. A voter
that holds something beside the history goes on as the same voter: what it held there was never
committed. A doubtful replica comes back as a new one: until that is recorded it is sent batches
and not counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from strongroom.base import limits
from strongroom.base.errors import (
    BrokenReplicaError,
    DamageError,
    RefusedBatchError,
    RefusedPlanError,
    RetryError,
    UnavailableReplicaError,
)
from strongroom.history.entries import Batch, Head, Position, digest_of, genesis_position
from strongroom.mirror import state as machine
from strongroom.mirror.bodies import Bodies, Lost, alarm_of, bodies_for
from strongroom.mirror.core import Core
from strongroom.mirror.reader import Reader
from strongroom.mirror.site import Site, in_time
from strongroom.mirror.watch import Watch
from strongroom.mirror.writer import Writer, standing_edit
from strongroom.ports.replica import Absent, Blank, Damaged, Found, Identity, Probe, Replica
from strongroom.ports.world import Entropy

T = TypeVar("T")
_IDLE_PAUSE_SECONDS: Final = 0.05
Progress = Callable[[int, int], None]  # batches held, batches in all
Sources = Callable[[], list[Site]]


class BesideError(BrokenReplicaError):
    """A replica holds something beside the history: a copy must take its place."""


class Target:
    """A replica that is fed batches: a site's own, or a copy beside it on the same lane."""

    def __init__(self, site: Site, replica: Replica | None = None) -> None:
        """Feed `replica`, or whatever the site holds."""
        self._site = site
        self._replica = replica

    async def call(self, call: Callable[[Replica], T]) -> T:
        """Run a call on the site's write lane; UnavailableReplicaError if it takes too long."""
        replica = self._replica or self._site.replica
        return await in_time(self._site.write.run(lambda: call(replica)))


async def read_batches(sites: list[Site], after: int) -> list[Batch]:
    """Read batches behind `after` from the first site that has them; [] = nobody can now."""
    for site in sites:
        try:
            batches = await site.told(lambda r: r.batches(after, limits.CATCH_UP_BATCHES))
        except DamageError:
            continue
        if batches:
            return batches
    return []


async def feed(
    target: Target,
    after: Position,
    goal: Callable[[], Position],
    sources: Sources,
    bodies: Bodies,
    term: int,
    progress: Progress | None = None,
) -> Position:
    """Apply committed batches to `target` until it stands at `goal()`, which may move on.

    Raises:
        BesideError: the target holds something beside the history.
        UnavailableReplicaError: no source can give what is needed now.
    """
    while after.number < goal().number:
        batches = await read_batches(sources(), after.number)
        if not batches:
            raise UnavailableReplicaError("no voter can give the batches now")
        for batch in batches:
            if batch.number > goal().number:
                break
            if batch.previous != after.chain:
                raise BesideError("it holds something beside the history")
            after = await _feed_one(target, batch, bodies, term)
        if progress is not None:
            progress(after.number, goal().number)
    if after.number == goal().number and after != goal():
        raise BesideError("it holds something beside the history")
    return after


async def _feed_one(
    target: Target,
    batch: Batch,
    bodies: Bodies,
    term: int,
) -> Position:
    digests = list(dict.fromkeys(batch.digests()))
    given: dict[str, bytes] = {}
    if digests:
        missing, bad = await target.call(lambda r: _wanting(r, digests))
        wanted = [*missing, *bad]
        for digest, body in zip(wanted, await bodies(wanted), strict=True):
            if isinstance(body, bytes):
                given[digest] = body
            elif body is Lost.LOST:
                await target.call(lambda r, d=digest: r.record_lost([d]))  # type: ignore[misc]
            elif digest in missing:
                raise UnavailableReplicaError(f"no voter can give body {digest} now")
    return await target.call(lambda r: r.apply(batch, given, term))


def _wanting(replica: Replica, digests: list[str]) -> tuple[list[str], list[str]]:
    """Name bodies that a replica does not record, and those that it records and cannot give (I1).

    Those who voted for the batch compared theirs with what was brought.
    """
    missing = replica.missing(digests)
    known = [digest for digest in digests if digest not in missing]
    pairs = zip(known, replica.bodies(known), strict=True)
    return missing, [d for d, body in pairs if body is None or digest_of(body) != d]


async def copy_beside(
    site: Site,
    identity: Identity,
    term: int,
    goal: Callable[[], Position],
    sources: Sources,
    bodies: Bodies,
    heads_at: Callable[[Position], Mapping[int, Head] | None],
    progress: Progress | None = None,
) -> Position:
    """Fill a copy in a new folder of `site` from batch 1 on, compare it, and switch to it.

    The copy is promised `term` before it holds anything, and takes no batch without, so that the
    switch drops no promise. Until the one rename of the switch what lies there stays as it is.

    Args:
        site: where a replica lies, whatever it is worth.
        identity: of the copy; with the incarnation that lies there it goes on as the same voter.
        term: the opening that feeds it; not below what was promised there.
        goal: how far the history goes now.
        sources: who can give its batches now.
        bodies: gives checked bodies, None for those that nobody can give now.
        heads_at: what the history leaves at a position; None = it moved on, and each batch's own
            digest of heads, compared when it was applied, must do.
        progress: is told how many batches it holds, of how many.

    Returns:
        Where the copy stands.

    Raises:
        RefusedBatchError: the batches are no history or do not fold to what their source says;
            nothing was switched.
        DamageError: a disk failed or no source can give what is needed; what lies there is the old
            one or the whole copy.
    """
    copy = await in_time(site.writing(lambda r: r.begin_copy(identity.incarnation)))
    target = Target(site, copy)
    await target.call(lambda r: r.promise(term))
    start = genesis_position(identity.cell)
    try:
        at = await feed(target, start, goal, sources, bodies, term, progress)
    except BesideError as error:  # the copy is empty: it is the source that is wrong
        raise RefusedBatchError("its batches do not follow one another") from error
    heads = (await target.call(lambda r: r.heads())).value
    expected = heads_at(at)
    if expected is not None and heads != expected:
        raise RefusedBatchError("the copy's heads are not those of the history (I2)")
    await in_time(site.writing(lambda r: r.switch(copy)))
    return at


class Keeper:
    """Carries out `CatchUp`, and copies what is doubtful."""

    def __init__(self, core: Core, writer: Writer, reader: Reader, entropy: Entropy) -> None:
        """Register for the machine's actions; `run` does the rest."""
        self._core = core
        self._writer = writer
        self._reader = reader
        self._entropy = entropy
        self._busy: set[str] = set()
        self.copying: dict[str, tuple[int, int]] = {}  # replica -> batches held, of how many
        self.catching_up: dict[str, tuple[int, int]] = {}
        self.watch = Watch(core, writer.free)
        self._flying: dict[str, int] = {}  # replica -> the batch in flight when it was brought up
        self._to_admit: dict[str, str] = {}  # replica -> the incarnation of its finished copy
        core.on(machine.CatchUp, self._catch_up)

    def _catch_up(self, action: machine.CatchUp) -> None:
        if action.replica not in self._busy:
            self._busy.add(action.replica)
            self._core.spawn(self._bring_up(action.replica))

    async def run(self) -> None:
        """Look after absent and doubtful replicas, for ever."""
        while True:
            await asyncio.sleep(limits.CATCH_UP_PAUSE_SECONDS)
            await self.look()
            state = self._core.state
            for name in sorted(state.named(machine.ABSENT) | state.left_behind()):
                self._catch_up(machine.CatchUp(name))
            for name in sorted(state.named(machine.JOINING) - self._busy):
                self._busy.add(name)
                self._core.spawn(self._admit_again(name))
            for name in sorted(state.named(machine.DOUBTFUL) - state.unrecorded):
                if name not in self._busy:
                    self._busy.add(name)
                    self._core.spawn(self._copy_unasked(name))

    async def checkpoints(self) -> None:
        """Move one replica's WAL into its database at a time, while the others vote; for ever."""
        done: dict[str, int] = {}
        while True:
            for name in sorted(self._core.state.named(machine.VOTER, machine.JOINING)):
                await asyncio.sleep(limits.CHECKPOINT_SECONDS)
                held = self._core.state.peers[name].held
                if done.get(name) != held:
                    done[name] = held
                    await self._checkpoint(name)
            await asyncio.sleep(limits.CHECKPOINT_SECONDS)

    async def _checkpoint(self, name: str) -> None:
        try:
            checkpoint = self._core.sites[name].writing(lambda r: r.checkpoint())
            await in_time(checkpoint, limits.LISTING_SECONDS_MAX)
        except BrokenReplicaError as error:
            self._core.event(machine.Broke(name, f"{error}"))
        except DamageError:
            return  # full, gone or hanging: its WAL keeps what it has, and the next has its turn

    async def look(self) -> None:
        """Look now whether the copies are there; what is known is then a second old at most."""
        await self.watch.look(self._busy)

    # --- behind -----------------------------------------------------------------------------------
    async def _bring_up(self, name: str) -> None:
        flight = self._core.state.flight
        flying = flight.number if flight is not None else 0
        try:
            if flying and self._flying.get(name) == flying:
                # It could not take this batch a moment ago: a full disk is asked once a second.
                await asyncio.sleep(limits.CATCH_UP_PAUSE_SECONDS)
            self._flying[name] = flying
            done = await self._levelled(name)
            while not done:
                await asyncio.sleep(limits.CATCH_UP_PAUSE_SECONDS)
                done = await self._levelled(name)
        finally:
            self._busy.discard(name)

    async def _levelled(self, name: str) -> bool:
        """Try once; True when nothing is left to do."""
        core = self._core
        peer = core.state.peers[name]
        if peer.standing == machine.DOUBTFUL or core.state.halted:
            return True
        try:
            number = await self._level(name)
        except BrokenReplicaError as error:
            core.event(machine.Broke(name, f"{error}"))
            return True
        except (DamageError, RetryError) as error:
            core.event(machine.Missed(name, 0, f"{error}", rolled_back=False))
            return core.state.peers[name].standing == machine.ABSENT
        joining = core.state.peers[name].standing == machine.JOINING
        core.event(machine.Levelled(name, number, joining))
        return core.state.peers[name].sent >= core.state.committed

    async def _level(self, name: str) -> int:
        core, site = self._core, self._core.sites[name]
        found = _usable(await site.writing(lambda r: r.probe()))
        _check_identity(core, name, found.identity)
        self._writer.free[name] = await site.writing(lambda r: r.present())
        if found.promised < core.term:
            await site.writing(lambda r: r.promise(core.term))
        if found.position == self._writer.flying():
            return found.position.number
        try:
            at = await self._fed(name, found.position)
        except BesideError:
            at = await _unasked(self._copied(name, found.identity))
        return at.number

    async def _fed(self, name: str, after: Position) -> Position:
        core, site = self._core, self._core.sites[name]
        if after.number > core.position.number:
            raise BesideError("it holds what nobody was told")

        def show(held: int, of: int) -> None:
            self.catching_up[name] = (held, of)

        try:
            return await feed(
                Target(site), after, lambda: core.position, self._sources(site),
                self._bodies(site), core.term, show,
            )  # fmt: skip
        finally:
            self.catching_up.pop(name, None)

    def _bodies(self, site: Site) -> Bodies:
        alarms = self._core.alarms
        return bodies_for(self._reader, site, lambda lost: alarms.update(alarm_of(lost)))

    def _sources(self, target: Site) -> Sources:
        return lambda: [s for s in self._reader.candidates(0) if s is not target]

    # --- doubtful ----------------------------------------------------------------------------
    async def _copy_unasked(self, name: str) -> None:
        try:
            probe = await self._core.sites[name].probed()
            if isinstance(probe, Found | Damaged) and probe.identity.replica == name:
                await _unasked(self.copy(name))
        except (DamageError, RetryError) as error:
            self._core.alarms[f"copy {name}"] = f"{error}"
        else:
            self._core.alarms.pop(f"copy {name}", None)
        finally:
            self._busy.discard(name)

    async def rebuild(self, name: str, progress: Progress | None = None) -> None:
        """Fill the place of replica `name` with a copy, asked for by the operator.

        Raises:
            RefusedPlanError: it is a good voter, busy, or the place holds another replica.
        """
        core = self._core
        if name not in core.sites:
            raise RefusedPlanError(f"there is no replica {name}")
        await self._doubt_if_blank(name)
        if core.state.peers[name].standing != machine.ABSENT or name in self.copying:
            await self._until_idle(name)
        if core.state.peers[name].standing == machine.VOTER:
            raise RefusedPlanError(f"{name} is a good voter; there is nothing to rebuild")
        self._busy.add(name)
        try:
            await self._prepare(name)
            await self.copy(name, progress)
        finally:
            self._busy.discard(name)

    async def _doubt_if_blank(self, name: str) -> None:
        """Record a voter whose place is blank as doubtful: what it held, it will not hold again."""
        core = self._core
        if core.state.peers[name].standing == machine.VOTER:
            probe = await core.sites[name].probed()
            if isinstance(probe, Blank):
                core.event(machine.Broke(name, "its directory is blank"))

    async def _until_idle(self, name: str) -> None:
        """Wait until nothing else is done with a replica and its standing is recorded."""
        try:
            async with asyncio.timeout(limits.VOTE_SECONDS_MAX):
                # Two causes end it, and it is rare: an event for each would be more to get wrong.
                while name in self._busy or name in self._core.state.unrecorded:  # noqa: ASYNC110
                    await asyncio.sleep(_IDLE_PAUSE_SECONDS)
        except TimeoutError:
            reason = self._core.state.peers[name].reason
            raise RefusedPlanError(f"{name} is being brought up already: {reason}") from None

    async def _prepare(self, name: str) -> None:
        core, site = self._core, self._core.sites[name]
        probe = await site.probed()
        if isinstance(probe, Absent):
            raise RefusedPlanError(f"{site.place} cannot be used now: {probe.reason}")
        if isinstance(probe, Blank):
            identity = Identity(core.cell, name, self._entropy.token(8).hex())
            await site.writing(lambda r: r.create(identity))
        elif (probe.identity.cell, probe.identity.replica) != (core.cell, name):
            raise RefusedPlanError(f"{site.place} holds replica {probe.identity.replica}")

    async def copy(self, name: str, progress: Progress | None = None) -> None:
        """Make a copy beside from committed batches, compare it, switch, and admit it."""
        core = self._core
        identity = Identity(core.cell, name, self._entropy.token(8).hex())
        at = await self._copied(name, identity, progress)
        core.event(machine.Levelled(name, at.number, joining=True))
        self._to_admit[name] = identity.incarnation
        await self._admit(name)

    async def _copied(
        self, name: str, identity: Identity, progress: Progress | None = None
    ) -> Position:
        core, site = self._core, self._core.sites[name]
        if name in self.copying:
            raise UnavailableReplicaError("a copy of it is being made already")
        self.copying[name] = (0, core.position.number)

        def show(held: int, of: int) -> None:
            self.copying[name] = (held, of)
            if progress is not None:
                progress(held, of)

        try:
            return await copy_beside(
                site, identity, core.term, lambda: core.position, self._sources(site),
                self._bodies(site), self._heads_at, show,
            )  # fmt: skip
        finally:
            self.copying.pop(name, None)

    def _heads_at(self, position: Position) -> Mapping[int, Head] | None:
        return self._core.heads if self._core.position == position else None

    async def _admit(self, name: str) -> None:
        """Record a copy as voter; on a RetryError it is tried again later."""
        core = self._core
        edit = standing_edit(core, name, machine.VOTER, incarnation=self._to_admit[name])
        await self._writer.submit(edit, {})
        core.event(machine.Admitted(name))

    async def _admit_again(self, name: str) -> None:
        try:
            await self._admit(name)
        except RetryError as error:
            self._core.alarms[f"copy {name}"] = f"{error}"
        else:
            self._core.alarms.pop(f"copy {name}", None)
        finally:
            self._busy.discard(name)


async def _unasked(copying: Awaitable[T]) -> T:
    """Wait for a copy that nobody asked for; one that failed is not begun again at once."""
    try:
        return await copying
    except DamageError:
        await asyncio.sleep(limits.COPY_PAUSE_SECONDS)
        raise


def _usable(probe: Probe) -> Found:
    if isinstance(probe, Found):
        return probe
    if isinstance(probe, Damaged):
        raise BrokenReplicaError(probe.reason)
    reason = probe.reason if isinstance(probe, Absent) else "the directory is blank"
    raise UnavailableReplicaError(reason)


def _check_identity(core: Core, name: str, identity: Identity) -> None:
    """Believe a replica only as the incarnation that the cell's journal names."""
    if (identity.cell, identity.replica) != (core.cell, name):
        raise UnavailableReplicaError(
            f"another replica lies there: {identity.replica}; put the disks back into "
            "their places, or restart the server: it finds them by what is on them"
        )
    member = core.directory.standings().get(name)
    recorded = member.facts["incarnation"] if member else ""
    joining = core.state.peers[name].standing == machine.JOINING
    if identity.incarnation != recorded and not joining:
        raise UnavailableReplicaError("it is a copy that was never admitted; rebuild it")


def progress_of(under_way: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Give how far the copies, or those that catch up, are, for status."""
    return {name: {"held": held, "of": of} for name, (held, of) in under_way.items()}

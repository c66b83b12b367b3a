"""The invariants, each as a function that holds what was told against what the cell shows.

The faults under which all of them must hold, and the cell must open and answer as well:
* at most N-W replicas at a time are hurt (rotten, lost, rolled back, lied to by their disk, or
  away), and one counts as hurt until the engine has replaced its content by a copy;
* all others may only crash: process killed or power cut, at any system call.
* bodies that stand nowhere any more may rot on all disks, until they are put again (`bygones.py`).
Beyond that the cell may be frozen or unsure, and still never wrong.

One limit is the design's own: a silently stale or swapped row of one hurt voter may be given as it
lies there until a scrub finds it (`SILENT`); it may never make a name absent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from sim.model import ACKNOWLEDGED, FAILED, Model, Query, Sight
from sim.world import World
from strongroom.base.errors import FoldError, StrongroomError
from strongroom.history.entries import (
    CELL,
    FREEZE,
    GAP,
    GONE,
    OBJECT,
    Entry,
    Key,
    Member,
    genesis_chain,
    genesis_position,
)
from strongroom.history.fold import next_chain
from strongroom.mirror import state as machine
from strongroom.stores.memory import MemoryState, folded

SILENT = frozenset({"stale_row", "swapped_rows", "stale_tombstone"})
ALL_LINES = 1_000_000


class InvariantError(AssertionError):
    """An invariant does not hold; the message names it."""


def require(model: Model) -> None:
    """Raise what was found wrong so far."""
    if model.wrongs:
        raise InvariantError("; ".join(model.wrongs[:5]))


# --- the journals ---------------------------------------------------------------------------------


async def read_journals(world: World, whole: bool) -> bool:
    """Read all journals on from where they were read last; False = not provable now."""
    cell = world.cell
    assert cell is not None
    if whole:
        world.forget()
    for collection in (CELL, world.home, *world.books.values()):
        known = [] if whole else world.model.journals.get(collection, [])
        after = known[-1].number if known else 0
        chain = world.model.chains[collection, after] if after else genesis_chain(collection)
        try:
            got = await cell.changes(collection, after, chain[:8], ALL_LINES)
        except FoldError as error:
            world.model.wrong("I5", f"the cell forgot what it told: {error}")
            return True
        except StrongroomError:
            return False
        if got.upto < after:
            world.model.wrong("I1", f"collection {collection} went back from {after}")
        follow(world.model, collection, known, after, chain, got.entries)
    return True


def follow(
    model: Model,
    collection: int,
    known: list[Entry],
    after: int,
    chain: bytes,
    entries: Iterable[Entry],
) -> None:
    """Take entries over, each with the chain behind it (I5)."""
    number = after
    for entry in entries:
        if entry.verb != GAP and entry.number != number + 1:
            model.wrong("I4", f"a delta of {collection} leaps from {number} to {entry.number}")
        number = entry.number
        chain = next_chain(chain, entry.encode())
        model.saw_chain(collection, number, chain)
        known.append(entry)
    model.journals[collection] = known


def check_promises(model: Model) -> None:
    """I1: what was acknowledged is in the journal at its number, for ever."""
    places = {(e.collection, e.number): e for es in model.journals.values() for e in es}
    for (collection, number), promise in model.promises.items():
        entry = places.get((collection, number))
        if entry is None:
            model.wrong("I1", f"acknowledged {promise.row.key} at {number} is lost")
        elif entry.key != promise.row.key or (
            isinstance(promise.row, Member)
            and (entry.etag, entry.id) != (promise.row.etag, promise.row.id)
        ):
            model.wrong("I1", f"acknowledged {promise.row.key} at {number} has other content")
        elif isinstance(promise.row, Member) == (entry.verb in GONE):
            model.wrong("I1", f"acknowledged {promise.row.key} at {number} is another verb")


def check_causes(model: Model) -> None:
    """I4: no entry without a client's own edit, none of a failed edit, none twice."""
    seen: dict[str, int] = {}
    for collection, entries in model.journals.items():
        for entry in entries:
            if not entry.request:
                if collection != CELL and entry.kind != FREEZE:
                    model.wrong("I4", f"nobody asked for entry {entry.number} of {collection}")
                continue
            attempt = model.attempts.get(entry.request)
            if attempt is None:
                if entry.request != "init":
                    model.wrong("I4", f"request {entry.request} was never sent")
                continue
            if attempt.ending == FAILED:
                model.wrong("I1", f"{entry.request} failed ({attempt.error!r}), yet it happened")
            seen[entry.request] = seen.get(entry.request, 0) + 1
            if seen[entry.request] > len(attempt.requests):
                model.wrong("I1", f"request {entry.request} happened twice")


# --- answers --------------------------------------------------------------------------------------


class Past:
    """What stood under each name, by number of its collection's journal."""

    def __init__(self, model: Model) -> None:
        self._steps: dict[Key, list[tuple[int, Entry]]] = {}
        self.upto = {c: es[-1].number if es else 0 for c, es in model.journals.items()}
        for entries in model.journals.values():
            for entry in entries:
                if entry.verb != GAP:
                    self._steps.setdefault(entry.key, []).append((entry.number, entry))

    def during(self, key: Key, before: int, after: int) -> list[Entry | None]:
        """Give all that stood under `key` from `before` to `after`; None = nothing."""
        steps = self._steps.get(key, [])
        first = bisect_right(steps, before, key=lambda s: s[0])
        last = bisect_right(steps, after, key=lambda s: s[0])
        stood: list[Entry | None] = [steps[first - 1][1] if first else None]
        stood += [entry for _, entry in steps[first:last]]
        return [None if e is None or e.verb in GONE else e for e in stood]

    def keys(self, collection: int, kind: str) -> list[Key]:
        """Give all names that ever stood in a collection."""
        return [key for key in self._steps if key[:2] == (collection, kind)]

    def members(self, collection: int, kind: str, number: int) -> dict[str, Entry]:
        """Give what a listing had to hold at `number`."""
        found = {}
        for key in self.keys(collection, kind):
            (entry,) = self.during(key, number, number)
            if entry is not None:
                found[key.href] = entry
        return found


def check_sights(model: Model, past: Past) -> None:
    """I4: what was seen of a name stood there while it was asked; nothing else was said."""
    later: list[Sight] = []
    for sight in model.sights:
        if past.upto.get(sight.key.collection, 0) < sight.after:
            later.append(sight)
            continue
        stood = past.during(sight.key, sight.before, sight.after)
        if sight.member is None:
            if None not in stood:
                model.wrong("I4", f"{sight.key} was said to be absent, yet it stood")
        elif not sight.silent and (sight.member.number, sight.member.etag) not in {
            (e.number, e.etag) for e in stood if e is not None
        }:
            model.wrong("I4", f"{sight.key} was never {sight.member.number} while it was asked")
    model.sights = later
    for refusal in model.refusals:
        stood = past.during(refusal.key, refusal.before, refusal.after)
        if all(refusal.when.holds(e.etag if e else None) for e in stood):
            model.wrong("I4", f"a condition on {refusal.key} was refused, yet it held")
    model.refusals = []


def check_listings(model: Model, past: Past) -> None:
    """I4: a listing is whole, and of a time not before it was asked."""
    later = []
    for head, members, before in model.listings:
        if head.number > past.upto.get(head.collection, 0):
            later.append((head, members, before))
            continue
        model.saw_chain(head.collection, head.number, head.chain)
        if head.number < before:
            model.wrong("I4", f"a listing of {head.collection} is older than its question")
        want = past.members(head.collection, OBJECT, head.number)
        if {m.href: (m.number, m.etag) for m in members} != {
            href: (e.number, e.etag) for href, e in want.items()
        }:
            missing = sorted(want.keys() ^ {m.href for m in members})
            model.wrong(
                "I4", f"a listing of {head.collection} at {head.number} is not whole: {missing}"
            )
    model.listings = later


def check_queries(model: Model, past: Past) -> None:
    """I4: a query for a time names what happened then all the while, and nothing that never did."""
    later: list[Query] = []
    for query in model.queries:
        if past.upto.get(query.collection, 0) < query.after:
            later.append(query)
            continue
        for key in past.keys(query.collection, OBJECT):
            stood = past.during(key, query.before, query.after)
            happened = {e.etag for e in stood if e is not None and query.happens(e.etag)}
            always = all(e is not None and e.etag in happened for e in stood)
            if always if key.href not in query.named else query.named[key.href] not in happened:
                model.wrong("I4", f"a query tells of {key}: {query.named.get(key.href)!r}")
    model.queries = later


async def audit(world: World, *, whole: bool = False) -> bool:
    """Hold everything that was told against the cell; False = the cell is unsure now."""
    if not await read_journals(world, whole):
        return False
    model = world.model
    past = Past(model)
    check_promises(model)
    check_causes(model)
    check_listings(model, past)
    check_sights(model, past)
    check_queries(model, past)
    return await check_readable(world, past, all_bodies=whole)


async def check_readable(world: World, past: Past, *, all_bodies: bool) -> bool:
    """I1, I3: what stands can be read: listed, looked up, and its body given."""
    cell, model = world.cell, world.model
    assert cell is not None
    for book in world.books.values():
        members = await world.listing(book)
        if isinstance(members, Exception):
            return False
        chosen = list(members)
        if not all_bodies and len(chosen) > 4:
            chosen = world.rng.sample(chosen, 4)
        bodies = await cell.bodies([m.etag for m in chosen])
        for member, body in zip(chosen, bodies, strict=True):
            if body is None:
                return False
            if await world.body(member) != body:
                model.wrong("I3", f"two reads of {member.key} differ")
    check_listings(model, past)
    return True


# --- replicas at rest -----------------------------------------------------------------------------


def check_tables(world: World) -> None:
    """I2: all level replicas have equal tables, and a replay into an empty one gives the same."""
    assert world.cell is not None
    report = world.cell.report()
    voters = {r["replica"]: r for r in report["replicas"] if r["standing"] == "voter"}
    states: dict[str, MemoryState] = {}
    for disk in world.disks:
        state = disk.main.cached
        name = state.identity.replica if state.identity else ""
        if name in voters and voters[name]["held"] == report["number"]:
            states[name] = state
    for name, state in states.items():
        check_replay(world.model, name, state)
    for (one, first), (two, second) in zip(
        list(states.items())[:-1], list(states.items())[1:], strict=True
    ):
        for table in ("position", "rows", "journals", "heads"):
            if getattr(first, table) != getattr(second, table):
                world.model.wrong("I2", f"{one} and {two} differ in their {table}")


def check_replay(model: Model, name: str, state: MemoryState) -> None:
    """I2: every table is a fold of the batches."""
    assert state.identity is not None
    fresh = MemoryState(state.identity, position=genesis_position(state.identity.cell))
    for batch in state.batches:
        fresh = folded(fresh, batch)
    for table in ("position", "rows", "journals", "heads"):
        if getattr(fresh, table) != getattr(state, table):
            model.wrong("I2", f"{name}: a replay gives other {table}")
    for entry in (e for b in state.batches for e in b.entries):
        if entry.kind == OBJECT and entry.etag and entry.etag not in state.blobs:
            model.wrong("I1", f"{name} does not record body {entry.etag}")


def doubtful(world: World) -> list[str]:
    """Name the replicas that the cell's own journal holds to be doubtful."""
    assert world.cell is not None
    standings = world.cell.directory.standings()
    return [n for n, m in standings.items() if m.facts["standing"] == machine.DOUBTFUL]


def acknowledged(model: Model) -> int:
    """Count the edits that were acknowledged."""
    return sum(a.ending == ACKNOWLEDGED for a in set(model.attempts.values()))

"""Undo: reads what stood and what stands, makes a plan, and carries it out (issue 4; DESIGN I6).

What was undone is new entries of the same journals, so phones follow by ordinary sync and an undo
can be undone. Each edit is held to what the plan saw: who changed something meanwhile is told of
it, and nothing of theirs is overwritten. It can be interrupted and run again, for the plan is made
anew from what stands then. What comes back may go over a quota: its owner had it.

Not here: the rules (undoing), how a plan looks to a person (undo_view).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from strongroom.base.errors import (
    ClientError,
    FrozenError,
    InvalidError,
    NotFoundError,
    UnsureError,
)
from strongroom.base.limits import BATCH_BYTES_MAX, BATCH_ENTRIES_MAX, UNDO_ENTRIES_MAX
from strongroom.formats.calendarspan import retold
from strongroom.formats.moments import write_moment
from strongroom.history.edits import Origin, Restore, Seen, Wanted
from strongroom.history.entries import (
    COLLECTION,
    FREEZE,
    OBJECT,
    Entry,
    Key,
    Member,
    Row,
    uid_key,
    uid_of,
)
from strongroom.ports.cell import Cell, Reader
from strongroom.service.aside import aside
from strongroom.service.objects import read_bodies, size_of
from strongroom.service.past import (
    Past,
    Progress,
    find_devices,
    find_part,
    moment_of,
    read_entries,
    read_past,
    silent,
)
from strongroom.service.undoing import (
    KINDS,
    Cannot,
    Change,
    Plan,
    Unit,
    Wants,
    as_before,
    before_entry,
    in_order,
    in_part,
    joined_by_uid,
    now_of,
    pre_images,
    row_of,
    sift,
    stands_after,
    units_of,
    without,
)

_PAGE: Final = 500  # names looked up at once
_TRIES: Final = 5  # for a home that changes while it is read
_NOWHERE: Final = Key(0, COLLECTION, "")


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be undone, as a person says it: one of `to`, `entry`, or `device` with `since`."""

    to: str = ""
    entry: str = ""  # COLLECTION:NUMBER
    device: str = ""
    since: str = ""
    collection: str = ""
    thing: str = ""


class Outcome(NamedTuple):
    """What came of a plan: how many changes were made, and what was left and why."""

    done: int
    left: tuple[Cannot, ...]


class _Goal(NamedTuple):
    """A wish that was understood."""

    text: str
    since: int  # ms; entries later than this are looked at
    devices: frozenset[int] = frozenset()  # whose entries shall not have happened
    target: Entry | None = None  # before which a thing shall be as it was


# --- the plan -------------------------------------------------------------------------------------
async def plan_undo(cell: Reader, account: Member, wish: Wish, progress: Progress = silent) -> Plan:
    """Plan an undo; nothing is changed. `wish` has its times written out (`resolved`).

    It reads the whole history of the account, and every body that would come back.

    Raises:
        InvalidError: the wish cannot be understood, or reaches too far back; the message says how.
        NotFoundError: there never was such a collection, device or entry.
        UnsureError: not provable now.
    """
    past, upto = await _one_moment(cell, account.id)
    part = find_part(past, wish.collection, wish.thing)
    goal = await _goal(cell, past, wish)
    after, latest = await _after(cell, upto, goal, progress)
    before = await _before(cell, pre_images(after), progress)
    now = now_of(after, before)
    wants, cannot = _wanted(goal, after, before)
    everything = units_of(now, wants)
    units = joined_by_uid([unit for unit in everything if in_part(unit, part)])
    standing = {ever.id for ever in past.collections.values() if ever.standing}
    stands = stands_after(units, standing)
    # At a time when a collection was not there, nobody misses what was in it.
    expected = stands_after(everything, standing) if wish.to else {*past.collections}
    kept, hindered = sift(units, stands, expected, _frozen(cell, past))
    kept, conflicts = await _without_conflicts(cell, kept)
    kept, unreadable = await _readable(cell, kept)
    left = (one for one in cannot if part.href in {None, one.key.href})
    hindered += [*conflicts, *unreadable]
    return Plan(goal.text, tuple(kept), (*left, *hindered), latest, stands)


def resolved(wish: Wish, now_ms: int) -> Wish:
    """Give a wish with its times written out, so that it means the same a minute later.

    Raises:
        InvalidError: not exactly one thing is wished for, or a time is none.
    """
    if sum(map(bool, (wish.to, wish.entry, wish.device))) != 1 or bool(wish.since) != bool(
        wish.device
    ):
        raise InvalidError("Say what to undo: to a time, one entry, or a device since a time.")
    times = {
        name: write_moment(moment_of(text, now_ms))
        for name, text in (("to", wish.to), ("since", wish.since))
        if text
    }
    return replace(wish, **times)


async def _one_moment(cell: Reader, home: int) -> tuple[Past, dict[int, int]]:
    """Read what an account has and had, and how far each journal that is undone reaches by then.

    The numbers are taken at once, and a batch is in all of its journals or in none: so both halves
    of a MOVE are below them, or neither is.
    """
    for _ in range(_TRIES):
        past = await read_past(cell, home)
        if past.number == cell.head(home).number:
            journals = (one for one in (home, *past.collections) if not past.is_hidden(one))
            return past, {one: cell.head(one).number for one in journals}
    raise UnsureError  # collections come and go all the time


async def _goal(cell: Reader, past: Past, wish: Wish) -> _Goal:
    if wish.to:
        since = moment_of(wish.to, 0)
        if since < past.began:
            raise InvalidError(
                f"The account began at {write_moment(past.began)}; choose that or a later time. "
                "Nothing was changed."
            )
        return _Goal(f"undo to {wish.to}", since)
    if wish.device:
        devices = find_devices(past, wish.device)
        text = f"undo of {wish.device} since {wish.since}"
        return _Goal(text, moment_of(wish.since, 0) - 1, devices)  # that moment is among them
    target = await _find_entry(cell, past, wish.entry)
    return _Goal(f"undo of {wish.entry}", target.at - 1, target=target)


async def _find_entry(cell: Reader, past: Past, text: str) -> Entry:
    name, _, number = text.rpartition(":")
    if not name or not number.isdecimal():
        raise InvalidError("An entry is named as the history shows it, like contacts:12.")
    collection = find_part(past, name, "").collection
    assert collection is not None
    async for entry in read_entries(cell, (collection,)):
        if entry.number == int(number):
            if entry.kind not in KINDS:
                raise InvalidError(
                    f"{text} is about no collection and nothing in one; devices, passwords and "
                    "freezes are never undone."
                )
            return entry
    raise NotFoundError(f"There is no entry {text[:80]}.")


async def _after(
    cell: Reader, upto: Mapping[int, int], goal: _Goal, progress: Progress
) -> tuple[list[Entry], int]:
    """Read what happened later than the goal's time, in order; and when anything happened last.

    All of it is needed to leave out a device. Else a name's first entry tells what stood before,
    its last one what stands, and those between are not kept.
    """
    kept: list[Entry] = []
    last: dict[Key, Entry] = {}
    latest = 0
    async for entry in read_entries(cell, upto, progress, upto):
        latest = max(latest, entry.at)
        if entry.at > goal.since and _is_undone(entry, upto):
            at_once = entry.at == goal.since + 1  # perhaps with the entry that is asked for
            if goal.devices or at_once or entry.key not in last:
                kept.append(entry)
            last[entry.key] = entry
            if len(kept) > UNDO_ENTRIES_MAX:
                raise InvalidError(
                    f"More than {UNDO_ENTRIES_MAX} changes happened since then. Choose a later "
                    "time. Nothing was changed."
                )
    unique = {(entry.collection, entry.number): entry for entry in (*kept, *last.values())}
    return in_order(unique.values()), latest


def _is_undone(entry: Entry, journals: Container[int]) -> bool:
    """Say whether an entry is about an object, or about a collection that is undone itself."""
    return entry.kind in KINDS and (entry.kind != COLLECTION or entry.id in journals)


async def _before(
    cell: Reader, numbers: Mapping[Key, int], progress: Progress
) -> dict[Key, Row | None]:
    """Read the rows that stood, by the numbers that later entries call them by."""
    needed: dict[int, int] = {}
    for key, number in numbers.items():
        if number:
            needed[key.collection] = max(number, needed.get(key.collection, 0))
    rows: dict[Key, Row | None] = dict.fromkeys(numbers)
    for collection, last in needed.items():
        async for entry in read_entries(cell, (collection,), progress):
            if numbers.get(entry.key) == entry.number:
                rows[entry.key] = row_of(entry)
            if entry.number >= last:
                break
    if any(number and rows[key] is None for key, number in numbers.items()):
        raise UnsureError
    return rows


def _wanted(
    goal: _Goal, after: Sequence[Entry], before: Mapping[Key, Row | None]
) -> tuple[Wants, list[Cannot]]:
    if goal.target is not None:
        return before_entry(after, before, goal.target)
    if goal.devices:
        return without(after, before, lambda entry: entry.by in goal.devices)
    return as_before(before), []


def _frozen(cell: Reader, past: Past) -> set[int]:
    """Name the collections that are frozen alone; a frozen account is refused as a whole."""
    return {one for one in past.collections if cell.directory.get(past.home, FREEZE, str(one))}


# --- what stands in the way -----------------------------------------------------------------------
async def _without_conflicts(
    cell: Reader, units: Sequence[Unit]
) -> tuple[list[Unit], list[Cannot]]:
    """Take out units in which something would come back whose UID another thing carries now."""
    asked = {
        uid_key(one.key.collection, uid_of(one.then.data))
        for unit in units
        for _, one in unit.changes()
        if one.then is not None and one.key.kind == OBJECT and uid_of(one.then.data)
    }
    carriers: dict[Key, Member | None] = {}
    keys = sorted(asked)
    for start in range(0, len(keys), _PAGE):
        page = keys[start : start + _PAGE]
        carriers.update(zip(page, await cell.rows(page), strict=True))
    kept, cannot = [], []
    for unit in units:
        conflicts = [
            Cannot(one.key, f"{other.href} carries its UID now.")
            for _, one in unit.changes()
            if (other := _in_the_way(unit, one, carriers)) is not None
        ]
        if conflicts:
            cannot += conflicts
        else:
            kept.append(unit)
    return kept, cannot


def _in_the_way(unit: Unit, change: Change, carriers: Mapping[Key, Member | None]) -> Member | None:
    if change.then is None or change.key.kind != OBJECT:
        return None
    uid = uid_of(change.then.data)
    other = carriers.get(uid_key(change.key.collection, uid))
    if other is None or other.key == change.key:
        return None
    goes = (
        one.key == other.key and (one.then is None or uid_of(one.then.data) != uid)
        for one in unit.names
    )
    return None if any(goes) else other


async def _readable(cell: Reader, units: Sequence[Unit]) -> tuple[list[Unit], list[Cannot]]:
    """Take out units of which a body cannot be read now: what comes back must be there."""
    needed = [body for unit in units for body in _bodies_of(unit)]
    lost = {
        member.etag
        async for page in read_bodies(cell, needed)
        for member, body in page
        if body is None
    }
    kept, cannot = [], []
    for unit in units:
        missing = [one for one in _bodies_of(unit) if one.etag in lost]
        cannot += [Cannot(one.key, "Its bytes cannot be read now.") for one in missing]
        if not missing:
            kept.append(unit)
    return kept, cannot


def _bodies_of(unit: Unit) -> list[Member]:
    """Give the versions that would come back and do not stand under another name of the unit."""
    standing = {one.standing.etag for one in unit.names if one.standing is not None}
    return [
        one.then
        for _, one in unit.changes()
        if one.then is not None and one.key.kind == OBJECT and one.then.etag not in standing
    ]


# --- carrying it out ------------------------------------------------------------------------------
async def apply_undo(
    cell: Cell, account: Member, plan: Plan, request: str, progress: Progress = silent
) -> Outcome:
    """Carry a plan out, in batches that are each atomic; what changed since is left alone.

    Args:
        cell: open.
        account: whose plan it is.
        plan: made a moment ago.
        request: id for the entries.
        progress: is told how many changes are done, of how many.

    Raises:
        FrozenError: the account is frozen; nothing was changed.
        RetryError: not all was done. What was done stands; the same undo goes on with the rest.
    """
    if cell.directory.frozen(account.id) is not None:
        raise FrozenError
    origin = Origin(0, request, plan.goal)
    of = sum(len(unit.things()) for unit in plan.units)
    done = seen = 0
    left: list[Cannot] = []
    for batch in _batches(plan.units):
        outcome = await _apply(cell, _Doing(account, plan.stands, origin), batch)
        left += outcome.left
        done += outcome.done
        seen += sum(len(unit.things()) for unit in batch)
        progress(seen, of)
    return Outcome(done, tuple(left))


def _batches(units: Iterable[Unit]) -> Iterable[list[Unit]]:
    """Cut a plan into batches: units of one order, not too many names, not too many bytes."""
    batch: list[Unit] = []
    names = size = 0
    kind = ""
    for unit in units:
        length = sum(size_of(member) for member in _bodies_of(unit))
        here = unit.names[0].key.kind
        full = names + len(unit.names) > BATCH_ENTRIES_MAX or size + length > BATCH_BYTES_MAX
        if batch and (full or here != kind):
            yield batch
            batch, names, size = [], 0, 0
        kind = here
        batch.append(unit)
        names += len(unit.names)
        size += length
    if batch:
        yield batch


class _Doing(NamedTuple):
    """What is the same for all batches of a plan."""

    account: Member
    stands: frozenset[int]  # collections that things may come into
    origin: Origin


async def _apply(cell: Cell, doing: _Doing, units: Sequence[Unit]) -> Outcome:
    """Do several units in one batch; where that is refused, each in one of its own."""
    bodies: dict[str, bytes] = {}
    async for page in read_bodies(cell, [one for unit in units for one in _bodies_of(unit)]):
        bodies.update((member.etag, body) for member, body in page if body is not None)
    longest = max(bodies.values(), key=len, default=b"")
    data = await aside(longest, lambda: _data(units, bodies))
    try:
        await cell.submit(_edit(cell, doing, units, data), bodies)
    except ClientError as error:
        if len(units) == 1:
            why = f"It was changed meanwhile and left alone: {error}"
            return Outcome(0, tuple(Cannot(one.key, why) for _, one in units[0].things()))
        parts = [await _apply(cell, doing, (unit,)) for unit in units]
        return Outcome(sum(p.done for p in parts), tuple(one for p in parts for one in p.left))
    return Outcome(sum(len(unit.things()) for unit in units), ())


def _data(units: Iterable[Unit], bodies: Mapping[str, bytes]) -> dict[str, str]:
    """Give by ETag what is told of objects now: an older release may have told too little time."""
    data: dict[str, str] = {}
    for one in (one for unit in units for one in unit.names if one.key.kind == OBJECT):
        if one.then is not None and one.then.etag in bodies:
            data[one.then.etag] = retold(one.then.data, bodies[one.then.etag])
        if one.standing is not None:
            data.setdefault(one.standing.etag, one.standing.data)
    return data


def _edit(cell: Cell, doing: _Doing, units: Iterable[Unit], data: Mapping[str, str]) -> Restore:
    collections = {m.id: m.key for m in cell.directory.members(doing.account.id, COLLECTION)}
    names = [one for unit in units for one in unit.names]
    seen = tuple(Seen(one.key, one.now.number if one.now else 0) for one in names)
    wanted = []
    for one in names:
        if one.then is not None:
            _, _, _, member_id, _, etag, was, props, *_ = one.then
            comes = one.is_one and one.key.kind == OBJECT and one.key.collection in doing.stands
            # One that went since has no row, and `decide` refuses what should come into it.
            parent = collections.get(one.key.collection, _NOWHERE) if comes else None
            wanted.append(Wanted(one.key, member_id, etag, data.get(etag, was), props, parent))
    return Restore(seen, tuple(wanted), doing.origin)

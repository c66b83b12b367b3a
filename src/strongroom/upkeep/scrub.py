"""Scrub: read everything of every replica again and fold it anew.

Page checksums and integrity checks pass a page that is old or lies in another's place; a fold from
the journal does not. For each replica three passes, each bounded in memory and rate-limited:

1. batches: the chain from the first to the last, which is where the cell's row says it is;
2. collections: each journal is folded and compared, row by row *by key*, with what the tables say,
   and its head with the committed one;
3. bodies: every body that any entry names, current or old, against its digest; a bad one is healed
   byte for byte from another voter.

What fails in 1 or 2 makes the replica doubtful: its catalog is replaced whole by a copy, and the
old one is kept in quarantine. Not here: the copy itself (mirror/keeper.py).

Of each object of a calendar the time that its row tells is compared with its body, once for all
replicas: a row that tells less time than the object takes would be left out of answers, and phones
delete what is missing from one. All replicas hold what was acknowledged, so nobody's standing
changes: the row is told anew where that can be written (`Times`), and else named. So the first
scrub after an upgrade tells anew what other rules told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

from strongroom.base.errors import BrokenReplicaError, DamageError, FoldError
from strongroom.formats.calendarspan import retold, told_in
from strongroom.history.entries import (
    Batch,
    Head,
    Key,
    Member,
    Position,
    Row,
    decode_entry,
    digest_of,
    genesis_head,
    genesis_position,
)
from strongroom.history.fold import apply
from strongroom.ports.replica import Found, Journal, Replica, Snapshot

_BATCHES: Final = 64  # read at once
_LINES: Final = 2_000
_KEYS: Final = 500
_TRIES: Final = 20  # a collection that is written all the time may move under us

Progress = Callable[[str], None]


class Place(Protocol):
    """What scrub needs of a site."""

    def reading(self, call: Callable[[Replica], Any]) -> Any:
        """Run a call that only reads."""

    def writing(self, call: Callable[[Replica], Any]) -> Any:
        """Run a call that changes the replica."""


class Ground(Protocol):
    """What scrub needs of the cell around it."""

    def sites(self) -> Mapping[str, Place]:
        """Give the places by replica id."""

    def voters(self) -> list[str]:
        """Name the replicas to read."""

    def head_at(self, collection: int, batch: int) -> Head | None:
        """Give the committed head after a batch; None = not known any more, or not yet."""

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give good bodies, from any voter; bad copies are healed on the way."""

    def disbelieve(self, replica: str, reason: str) -> None:
        """Make a replica doubtful."""


class Bookmark(Protocol):
    """Remembers, locally, how far each replica's bodies were read."""

    def load(self) -> dict[str, int]:
        """Give replica -> number of the batch up to which bodies were read in this round."""

    def save(self, marks: Mapping[str, int]) -> None:
        """Keep it."""


class Times(Protocol):
    """Mends what rows tell of when their objects happen."""

    async def retell(self, rows: Sequence[tuple[Member, str]]) -> list[Member]:
        """Give rows of one collection other data; gives those that could not be written."""

    def trust(self, calendar: int) -> None:
        """Hear that all rows of a collection are right."""


@dataclass(slots=True)
class Findings:
    """What one replica's scrub saw."""

    replica: str
    batches: int = 0
    collections: int = 0
    rows: int = 0
    bodies: int = 0
    bytes: int = 0
    healed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # no voter has a good copy
    retold: int = 0  # rows that were given other times
    short: list[str] = field(default_factory=list)  # objects whose row still tells a wrong time
    damage: str = ""  # why its catalog is replaced
    silent: str = ""  # why it could not be read to the end

    def report(self) -> dict[str, Any]:
        """Give the findings for people and programs."""
        return {name: getattr(self, name) for name in self.__slots__}


class Pace:
    """Keeps the rate: sleeps so that `bytes_per_second` is not passed; 0 = as fast as it goes."""

    def __init__(self, bytes_per_second: int) -> None:
        """Start without debt."""
        self._rate = bytes_per_second
        self._debt = 0

    async def spend(self, size: int) -> None:
        """Account for `size` bytes; at least gives way to others."""
        self._debt += size
        if self._rate and self._debt >= self._rate // 10:
            await asyncio.sleep(self._debt / self._rate)
            self._debt = 0
        else:
            await asyncio.sleep(0)


async def scrub(
    ground: Ground,
    progress: Progress,
    pace: Pace,
    bookmark: Bookmark | None = None,
    times: Times | None = None,
) -> list[Findings]:
    """Scrub every voter, one after another; returns what was found in each.

    Without `times` rows that tell a wrong time are named and stay as they are.
    """
    marks = bookmark.load() if bookmark else {}
    timing = _Timing(times)
    found = []
    for name in ground.voters():
        findings = Findings(name)
        found.append(findings)
        progress(f"{name}: reading batches")
        try:
            place = ground.sites()[name]
            await place.writing(lambda r: r.drop_cache())  # rot lies on the disk, not in memory
            await _batches(place, findings, pace)
            progress(f"{name}: folding collections")
            await _collections(ground, place, findings, pace, timing)
            progress(f"{name}: reading bodies")
            await _bodies(ground, place, findings, pace, marks, bookmark)
        except (BrokenReplicaError, FoldError) as error:
            findings.damage = f"{error}"
            ground.disbelieve(name, f"scrub: {error}")
        except DamageError as error:
            findings.silent = f"{error}"
        progress(f"{name}: {_sentence(findings)}")
    return found


def _sentence(findings: Findings) -> str:
    if findings.damage:
        return f"damaged ({findings.damage})"
    if findings.silent:
        return f"could not be read to the end ({findings.silent})"
    healed = f", {len(findings.healed)} bodies healed" if findings.healed else ""
    lost = f", {len(findings.lost)} bodies are good nowhere" if findings.lost else ""
    retold = f", the times of {findings.retold} objects told anew" if findings.retold else ""
    short = f", {len(findings.short)} objects tell a wrong time" if findings.short else ""
    return f"{findings.batches} batches, {findings.bodies} bodies good{healed}{lost}{retold}{short}"


async def _batches(place: Place, findings: Findings, pace: Pace) -> None:
    found = await place.reading(lambda r: r.probe())
    if not isinstance(found, Found):
        raise BrokenReplicaError(getattr(found, "reason", "it is blank"))
    at: Position = genesis_position(found.identity.cell)
    while at.number < found.position.number:
        after = at.number
        batches = await place.reading(_batches_behind(after))
        if not batches:
            raise FoldError(f"batch {after + 1} is missing")
        for batch in batches:
            if batch.number != at.number + 1 or batch.previous != at.chain:
                raise FoldError(f"batch {batch.number} does not follow {at.number}")
            at = batch.position
            findings.batches += 1
            if at.number == found.position.number and at != found.position:
                raise FoldError("the last batch is not the one the cell's row names")
        await pace.spend(sum(len(line) for b in batches for line in b.lines))


async def _collections(
    ground: Ground, place: Place, findings: Findings, pace: Pace, timing: _Timing
) -> None:
    heads = (await place.reading(lambda r: r.heads())).value
    for collection in sorted(heads):
        for _ in range(_TRIES):
            members = await _collection(ground, place, collection, findings, pace)
            if members is not None:
                findings.collections += 1
                await timing.look(place, collection, members, findings, pace)
                break


async def _collection(
    ground: Ground, place: Place, collection: int, findings: Findings, pace: Pace
) -> list[Member] | None:
    """Fold one collection, compare, and give its members; None = it moved meanwhile, try again."""
    head, rows, position = await _refold(place, collection, pace)
    snapshot = await place.reading(lambda r: r.listing(collection, ""))
    if snapshot.position != position:
        return None
    its_head = snapshot.value.head
    members = {m.key: m for m in snapshot.value.members}
    if its_head._replace(batch=0) != head:
        raise FoldError(f"the head of collection {collection} is not what its journal folds to")
    committed = ground.head_at(collection, position.number)
    if committed is not None and committed != its_head:
        raise FoldError(f"collection {collection} is not what was committed")
    folded = {key: row for key, row in rows.items() if isinstance(row, Member)}
    if members != folded:
        raise FoldError(f"the members of collection {collection} are not what was folded")
    for keys in _chunks(list(rows), _KEYS):
        looked = await place.reading(_rows_of(keys))
        if looked.position != position:
            return None
        wrong = [k for k, row in zip(keys, looked.value, strict=True) if row != rows[k]]
        if wrong:
            raise FoldError(f"looking up {wrong[0].href} gives another row than the fold")
        findings.rows += len(keys)
        await pace.spend(len(keys) * 200)
    return list(members.values())


class _Timing:
    """Compares the times in the rows of calendars with their bodies, once for all replicas."""

    def __init__(self, times: Times | None) -> None:
        self._times = times
        self._seen: set[int] = set()

    async def look(
        self,
        place: Place,
        collection: int,
        members: Sequence[Member],
        findings: Findings,
        pace: Pace,
    ) -> None:
        """Look at a collection, of which all members are given."""
        if collection in self._seen:
            return
        self._seen.add(collection)
        left = 0
        for some in _chunks([one for one in members if told_in(one.data).component], _BATCHES):
            bodies = await place.reading(partial(_bodies_of, [one.etag for one in some]))
            wrong, unread = await asyncio.to_thread(_wrong, some, bodies)
            stay = [row for row, _ in wrong]
            if self._times is not None and wrong:
                stay = await self._times.retell(wrong)
            findings.retold += len(wrong) - len(stay)
            findings.short += [f"{collection}/{row.href}" for row in stay if told_in(row.data).span]
            left += len(stay) + unread
            await pace.spend(sum(len(body or b"") for body in bodies))
        if self._times is not None and not left:
            self._times.trust(collection)


def _bodies_of(digests: Sequence[str], replica: Replica) -> Sequence[bytes | None]:
    return replica.bodies(digests)


def _wrong(
    members: Sequence[Member], bodies: Sequence[bytes | None]
) -> tuple[list[tuple[Member, str]], int]:
    """Give the rows that tell another time than their bodies, with what they should tell.

    And how many there are of whose bodies this copy has no good one: the pass over all heals them.
    """
    found, unread = [], 0
    for member, body in zip(members, bodies, strict=True):
        if body is None or digest_of(body) != member.etag:
            unread += 1
        elif (data := retold(member.data, body)) != member.data:
            found.append((member, data))
    return found, unread


async def _refold(
    place: Place, collection: int, pace: Pace
) -> tuple[Head, dict[Key, Row], Position]:
    head = genesis_head(collection)
    rows: dict[Key, Row] = {}
    while True:
        after = head.number
        snapshot = await place.reading(_lines_behind(collection, after))
        lines = snapshot.value.lines
        for line in lines:
            entry = decode_entry(line.line)
            head, row = apply(entry, line.line, head, rows.get(entry.key), 0)
            if head.chain != line.chain or entry.collection != collection:
                raise FoldError(f"entry {entry.number} of collection {collection} is not its own")
            if row is not None:
                rows[entry.key] = row
        await pace.spend(sum(len(line.line) for line in lines))
        if len(lines) < _LINES:
            return head, rows, snapshot.position


async def _bodies(
    ground: Ground,
    place: Place,
    findings: Findings,
    pace: Pace,
    marks: dict[str, int],
    bookmark: Bookmark | None,
) -> None:
    after = marks.get(findings.replica, 0)
    while True:
        batches = await place.reading(_batches_behind(after))
        if not batches:
            break
        digests = list(dict.fromkeys(d for b in batches for d in b.digests()))
        for some in _chunks(digests, _BATCHES):
            await _some_bodies(ground, place, findings, pace, some)
        after = batches[-1].number
        if bookmark is not None:
            marks[findings.replica] = after
            bookmark.save(marks)
    if bookmark is not None:
        marks.pop(findings.replica, None)
        bookmark.save(marks)


async def _some_bodies(
    ground: Ground, place: Place, findings: Findings, pace: Pace, digests: Sequence[str]
) -> None:
    got = await place.reading(lambda r: r.bodies(digests))
    size = 0
    for digest, body in zip(digests, got, strict=True):
        if body is not None and digest_of(body) == digest:
            findings.bodies += 1
            size += len(body)
        else:
            await _heal(ground, place, findings, digest)
    findings.bytes += size
    await pace.spend(size)


async def _heal(ground: Ground, place: Place, findings: Findings, digest: str) -> None:
    (good,) = await ground.bodies([digest])
    if good is None:
        findings.lost.append(digest)
        return
    await place.writing(lambda r: r.heal(digest, good))
    findings.healed.append(digest)


def _batches_behind(after: int) -> Callable[[Replica], list[Batch]]:
    return lambda r: r.batches(after, _BATCHES)


def _lines_behind(collection: int, after: int) -> Callable[[Replica], Snapshot[Journal]]:
    return lambda r: r.journal(collection, after, _LINES)


def _rows_of(keys: Sequence[Key]) -> Callable[[Replica], Snapshot[list[Row | None]]]:
    return lambda r: r.rows(keys)


def _chunks(items: Sequence[Any], size: int) -> Iterator[Any]:
    return (items[i : i + size] for i in range(0, len(items), size))


__all__ = ["Bookmark", "Findings", "Ground", "Pace", "Times", "scrub"]

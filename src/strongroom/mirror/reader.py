"""The reader: every answer proven before its first byte (I3, I4, I5).

Only voters that are not doubtful are asked, only those at or past the batch that was committed
when the request came, and nothing is believed before the batch that a snapshot ends with stands on
a quorum. What fails goes to another replica; if none can, `UnsureError`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeVar

from strongroom.base import limits
from strongroom.base.errors import (
    BrokenReplicaError,
    DamageError,
    FoldError,
    UnsureError,
)
from strongroom.history.entries import (
    Head,
    Key,
    Member,
    Row,
    decode_entry,
    digest_of,
    genesis_chain,
)
from strongroom.history.fold import member_hash, next_chain, next_number
from strongroom.mirror import state as machine
from strongroom.mirror.core import Core
from strongroom.mirror.site import Site
from strongroom.ports.cell import Changes
from strongroom.ports.replica import Journal, Listing, Replica, Snapshot

T = TypeVar("T")
_MODULUS = 1 << 256
_Claim = tuple[Site, Snapshot[list[Row | None]]]


class Reader:
    """Asks replicas and proves what they say."""

    def __init__(self, core: Core, replicas: int, quorum: int) -> None:
        """Absence of a name without any entry needs N-W+1 voters."""
        self._core = core
        self._witnesses = replicas - quorum + 1
        self._healing: set[tuple[str, str]] = set()  # place and digest, each healed once at a time
        self._listed_for: machine.State | None = None
        self._listed: list[tuple[int, Site]] = []
        self._slow: dict[str, float] = {}  # replica -> asked last until then (loop time)

    # --- asking ---------------------------------------------------------------------------------
    def candidates(self, floor: int) -> list[Site]:
        """Give the sites whose word counts now, those that are surely far enough first."""
        state = self._core.state
        if self._slow or self._listed_for is not state:
            self._listed_for = state
            self._listed = self._in_order(state)
        return [site for held, site in self._listed if held >= floor]

    def _in_order(self, state: machine.State) -> list[tuple[int, Site]]:
        """List the voters with what they hold, those that are silent or were slow at the end.

        A disk that is gone may still answer from memory, and then fail: no need to find out.
        """
        now = asyncio.get_running_loop().time()
        self._slow = {n: until for n, until in self._slow.items() if until > now}
        silent = {name for name, peer in state.peers.items() if peer.reason} | self._slow.keys()
        voters = sorted(state.named(machine.VOTER), key=lambda n: (n in silent, n))
        return [(state.peers[n].held, self._core.sites[n]) for n in voters]

    async def _answers(
        self, call: Callable[[Replica], Snapshot[T]], seconds: float = limits.READ_SECONDS_MAX
    ) -> AsyncIterator[tuple[Site, Snapshot[T]]]:
        """Give the answers of one good voter after another; each stands on a quorum."""
        floor = self._core.position.number
        for site in self.candidates(floor):
            snapshot = await self._one(site, call, seconds)
            if snapshot is None or snapshot.position.number < floor:
                continue
            if await self._core.stands(snapshot.position, limits.READ_SECONDS_MAX):
                yield site, snapshot

    async def _one(
        self,
        site: Site,
        call: Callable[[Replica], T],
        seconds: float = limits.READ_SECONDS_MAX,
    ) -> T | None:
        answer = site.reading(call)
        # Half the price of asyncio.timeout, and this is on the way of every read.
        timer = asyncio.get_running_loop().call_later(seconds, _give_up, answer)
        try:
            return await answer
        except BrokenReplicaError as error:
            self.disbelieve(site, f"{error}")
        except TimeoutError:
            now = asyncio.get_running_loop().time()
            self._slow[self._name(site)] = now + limits.SLOW_READ_SECONDS
        except DamageError:
            pass  # it is silent now; another is asked, and the writer notices by itself
        finally:
            timer.cancel()
        return None

    def disbelieve(self, site: Site, reason: str) -> None:
        """Tell the machine that a replica's word is worth nothing."""
        self._core.event(machine.Broke(self._name(site), reason))

    def _name(self, site: Site) -> str:
        return next(name for name, other in self._core.sites.items() if other is site)

    # --- rows -----------------------------------------------------------------------------------
    async def prefetch(self, keys: Sequence[Key]) -> Mapping[Key, Row | None]:
        """Read rows for the writer, who alone moves what is committed.

        Nothing is proven here. An entry carries what was seen as its pre-image, which each replica
        holds against its own rows (I2); an edit that makes no entry needs `confirm`.
        """
        async for _, snapshot in self._answers(lambda r: r.rows(keys)):
            return dict(zip(keys, snapshot.value, strict=True))
        raise UnsureError

    async def confirm(self, rows: Mapping[Key, Row | None]) -> None:
        """Have N-W+1 voters say the same of `rows`; raises UnsureError if they do not (I4)."""
        keys = list(rows)
        if await self._agreed(keys, lambda _: False) != list(rows.values()):
            raise UnsureError

    async def rows(self, keys: Sequence[Key]) -> list[Member | None]:
        """Look names up; each None is proven by N-W+1 voters (I4).

        A tombstone of one voter is not enough: its page may be of the past, from before the name
        was made again.
        """
        unique = list(dict.fromkeys(keys))
        rows = await self._agreed(unique, lambda rows: all(isinstance(r, Member) for r in rows))
        found = dict(zip(unique, rows, strict=True))
        standing = (found[key] for key in keys)
        return [row if isinstance(row, Member) else None for row in standing]

    async def _agreed(
        self, keys: Sequence[Key], enough: Callable[[Sequence[Row | None]], bool]
    ) -> list[Row | None]:
        """Ask voters until the first has said enough, or N-W+1 say the same of each name."""
        for _ in range(3):  # a name that is written all the time may differ between two looks
            claims: list[_Claim] = []
            async for claim in self._answers(lambda r: r.rows(keys)):
                claims.append(claim)
                if len(claims) == 1 and enough(claim[1].value):
                    return list(claim[1].value)
                rows = [self._common(column) for column in _columns(claims)]
                if None not in rows:
                    agreed = [row for (row,) in filter(None, rows)]
                    self._blame(claims, agreed)
                    return agreed
        raise UnsureError

    def _common(self, column: Sequence[Row | None]) -> tuple[Row | None] | None:
        """Give what N-W+1 voters say, boxed; None = they do not agree."""
        for row in column:
            if column.count(row) >= self._witnesses:
                return (row,)
        return None

    def _blame(self, claims: Sequence[_Claim], agreed: Sequence[Row | None]) -> None:
        """Disbelieve who contradicts N-W+1 others that looked at the same batch."""
        for site, snapshot in claims:
            same = [c.value for _, c in claims if c.position == snapshot.position]
            for place, row in enumerate(agreed):
                others = [rows[place] for rows in same].count(row)
                if snapshot.value[place] != row and others >= self._witnesses:
                    self.disbelieve(site, "its row is not what the others have")
                    break

    async def fetch(self, keys: Sequence[Key]) -> list[tuple[Member, bytes | None] | None]:
        """Give rows and bodies at once; a body that cannot be had now is None."""
        core = self._core
        floor = core.position.number
        for site in self.candidates(floor)[:1]:
            got = await self._one(site, lambda r: _rows_and_bodies(r, keys))
            if got is None or got.position.number < floor:
                break
            if not await core.stands(got.position, limits.READ_SECONDS_MAX):
                break
            if all(pair is not None and pair[1] is not None for pair in got.value):
                return list(got.value)
        members = await self.rows(keys)
        bodies = await self.bodies([m.etag for m in members if m is not None])
        rest = iter(bodies)
        return [None if m is None else (m, next(rest)) for m in members]

    # --- bodies ---------------------------------------------------------------------------------
    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give bodies, each checked on this read; bad copies are healed on the way (I3).

        A replica that is behind is asked last and never healed: what it lacks it will catch up
        with, and healing it for each read would keep it from that.
        """
        good, bad = await self._searched(digests)
        for site, digest in bad:
            if digest in good and (site.place, digest) not in self._healing:
                self._healing.add((site.place, digest))
                self._core.spawn(self._heal(site, digest, good[digest]))
        return [good.get(digest) for digest in digests]

    async def lost(self, digests: Sequence[str], lacking: Site) -> list[str]:
        """Name those that no voter but the one that lacks them has, all of at least W answering.

        One that is silent may have them, and so may one that is not asked; fewer than W say none.
        """
        rest = list(digests)
        others = [site for site in self.candidates(0) if site is not lacking]
        if len(others) < self._core.state.quorum:
            return []
        for site in others:
            got = await self._one(site, lambda r, w=tuple(rest): _checked_bodies(r, w))  # type: ignore[misc]
            if got is None:
                return []
            rest = [digest for digest in rest if digest not in got]
        return rest

    async def _searched(
        self, digests: Sequence[str]
    ) -> tuple[dict[str, bytes], list[tuple[Site, str]]]:
        """Give good bodies, and which level copies were found to have none of which digest."""
        good: dict[str, bytes] = {}
        missing = list(dict.fromkeys(digests))
        bad: list[tuple[Site, str]] = []
        level = self.candidates(self._core.position.number)
        for site in [*level, *(s for s in self.candidates(0) if s not in level)]:
            if not missing:
                break
            wanted = list(missing)
            got = await self._one(site, lambda r, w=wanted: _checked_bodies(r, w))  # type: ignore[misc]
            if got is None:
                continue
            good.update(got)
            missing = [d for d in wanted if d not in got]
            bad += [(site, digest) for digest in missing if site in level]
        return good, bad

    async def _heal(self, site: Site, digest: str, body: bytes) -> None:
        try:
            await site.writing(lambda r: _heal(r, digest, body))
        except BrokenReplicaError as error:
            self.disbelieve(site, f"{error}")
        except DamageError:
            return  # full or gone: the next read or scrub heals
        finally:
            self._healing.discard((site.place, digest))

    # --- listings ---------------------------------------------------------------------------------
    async def listing(self, collection: int, kind: str) -> tuple[Head, tuple[Member, ...]]:
        """Give all members of a kind; proven over the members of all kinds (I4).

        Count and sum of the committed head are those of the whole collection: a home holds devices
        beside its books.
        """
        core = self._core
        for _ in range(3):  # a busy collection may outrun what we remember of heads
            async for site, snapshot in self._answers(
                lambda r: _summed(r, collection), limits.LISTING_SECONDS_MAX
            ):
                listing, total = snapshot.value
                head = core.head_at(collection, snapshot.position.number)
                if head is None:
                    break
                if (len(listing.members), total) == (head.members, head.sum):
                    return head, tuple(m for m in listing.members if m.kind == kind)
                self.disbelieve(site, f"its members of collection {collection} are not the head's")
        raise UnsureError

    # --- changes ----------------------------------------------------------------------------------
    async def changes(self, collection: int, after: int, chain: bytes, limit: int) -> Changes:
        """Give the proven part (after, upto] of a journal; see ports.cell.Cell.changes."""
        remembered = self._remembered(collection, after, chain, limit)
        if remembered is not None:
            return remembered
        unexplained = 0
        async for site, snapshot in self._answers(
            lambda r: r.journal(collection, after, limit), limits.LISTING_SECONDS_MAX
        ):
            head = self._core.head_at(collection, snapshot.position.number)
            if head is None:
                continue
            journal = snapshot.value
            start = genesis_chain(collection) if after == 0 else journal.chain
            if start is None or not start.startswith(chain):
                unexplained += 1
                if unexplained >= self._witnesses:
                    raise FoldError(f"no journal explains number {after} of {collection}")
                continue
            changes = _folded(journal, start, head)
            if changes is None:
                self.disbelieve(site, f"its journal of collection {collection} does not fold")
            elif not changes.more or await self._confirmed(collection, changes, site):
                return changes
        raise UnsureError

    def _remembered(self, collection: int, after: int, chain: bytes, limit: int) -> Changes | None:
        """Give what the last commits changed; None where a replica must tell.

        That no journal explains a token is never said from here: only a quorum can (I5).
        """
        journal = self._core.recent.since(collection, after, limit)
        if journal is None or journal.chain is None or not journal.chain.startswith(chain):
            return None
        return _folded(journal, journal.chain, self._core.head(collection))

    async def _confirmed(self, collection: int, changes: Changes, first: Site) -> bool:
        """Have a second voter confirm where a cut delta ends, for the head cannot prove it."""
        async for site, snapshot in self._answers(lambda r: r.journal(collection, changes.upto, 0)):
            if site is not first:
                return snapshot.value.chain == changes.chain
        return self._witnesses == 1


def _columns(claims: Sequence[_Claim]) -> list[tuple[Row | None, ...]]:
    """Give what each voter says of each name."""
    return list(zip(*(snapshot.value for _, snapshot in claims), strict=True))


def _give_up(answer: asyncio.Future[T]) -> None:
    if not answer.done():
        answer.set_exception(TimeoutError())


def _folded(journal: Journal, start: bytes, head: Head) -> Changes | None:
    """Fold a journal's rows from `start`; None if they are not what head and numbers demand."""
    number, chain, entries = journal.after, start, []
    for line in journal.lines:
        try:
            entry = decode_entry(line.line)
        except ValueError:
            return None
        if entry.collection != head.collection or entry.number != next_number(number, entry):
            return None
        chain = next_chain(chain, line.line)
        if line.chain != chain or line.number != entry.number:
            return None
        number = entry.number
        entries.append(entry)
    if number > head.number or (number == head.number and chain != head.chain):
        return None
    if not journal.lines and number != head.number:
        return None
    return Changes(tuple(entries), number, chain, number < head.number)


def _summed(replica: Replica, collection: int) -> Snapshot[tuple[Listing, int]]:
    snapshot = replica.listing(collection, "")
    total = sum(map(member_hash, snapshot.value.members)) % _MODULUS
    return Snapshot(snapshot.position, (snapshot.value, total))


def _checked_bodies(replica: Replica, digests: Sequence[str]) -> dict[str, bytes]:
    pairs = zip(digests, replica.bodies(digests), strict=True)
    return {d: body for d, body in pairs if body is not None and digest_of(body) == d}


def _heal(replica: Replica, digest: str, body: bytes) -> None:
    """Heal one body, unless it is good by now."""
    if not _checked_bodies(replica, [digest]):
        replica.heal(digest, body)


def _rows_and_bodies(
    replica: Replica, keys: Sequence[Key]
) -> Snapshot[list[tuple[Member, bytes | None] | None]]:
    snapshot = replica.rows(keys)
    members = [row if isinstance(row, Member) else None for row in snapshot.value]
    good = _checked_bodies(replica, [m.etag for m in members if m is not None])
    pairs = [None if m is None else (m, good.get(m.etag)) for m in members]
    return Snapshot(snapshot.position, pairs)

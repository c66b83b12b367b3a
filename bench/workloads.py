"""The workloads of one round: what a phone, and three hundred phones, ask of a server.

Each is bounded in count and in time; slow servers do fewer operations, and are compared by
operations per second and by CPU for each. The filled books come first, so that memory is that of a
server that has just sent its contacts; the PUTs come last, into a book that begins empty.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

from bench import dav
from bench.adapter import FRESH, LOGIN, Running, filled
from bench.cards import card, full_name, mail
from bench.figures import Measure, percentile
from bench.fill import FIRST_NEW, new_contacts
from bench.load import Act, Bound, Tally, children_cpu, client_cpu, drive
from bench.process import ServerError, run
from bench.wire import Connection, WireError, WrongAnswerError

Fetch = Callable[[Connection, str, Sequence[bytes]], Awaitable[None]]
POLLERS = 300
DELTAS_MIN = 5
BROUGHT_IN = "broughtin"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything one round does."""

    small: int
    large: int
    batches: tuple[int, ...]
    load: Bound
    poll: Bound
    query: Bound
    deltas: int
    delta_s: float
    first_sync_s: float

    @property
    def sizes(self) -> tuple[int, int]:
        """The books to fill."""
        return (self.small, self.large)


FULL = Plan(
    small=1_000,
    large=10_000,
    batches=(10, 100),
    load=Bound(20_000, 6.0),
    poll=Bound(60_000, 6.0),
    query=Bound(50, 10.0),
    deltas=50,
    delta_s=15.0,
    first_sync_s=60.0,
)
QUICK = Plan(
    small=100,
    large=1_000,
    batches=(100,),
    load=Bound(4_000, 1.0),
    poll=Bound(10_000, 1.0),
    query=Bound(10, 1.0),
    deltas=10,
    delta_s=2.0,
    first_sync_s=5.0,
)


def _updates(etags: dict[str, str], connections: int) -> Act:
    """PUT a changed contact with If-Match; each connection keeps to contacts of its own."""
    paths = sorted(etags)
    shares = [paths[slot::connections] for slot in range(connections)]
    turns = count(1)

    async def update(connection: Connection, slot: int) -> None:
        turn = next(turns)
        share = shares[slot]
        path = share[turn % len(share)]
        body = card(int(path.rpartition("-")[2].partition(".")[0]), turn)
        headers = f"{dav.VCARD}If-Match: {etags[path]}\r\n"
        answer = (await connection.ask("PUT", path, headers, body)).expect(200, 201, 204)
        if not answer.etag:
            answer = (await connection.ask("GET", path)).expect(200)
        etags[path] = answer.etag

    return update


def _gets(paths: list[str]) -> Act:
    turns = count(1)

    async def get(connection: Connection, _slot: int) -> None:
        path = paths[next(turns) * 7919 % len(paths)]
        answer = (await connection.ask("GET", path)).expect(200)
        if not answer.body.startswith(b"BEGIN:VCARD"):
            raise WrongAnswerError("a GET that brought no card")

    return get


def _propfinds(book: str) -> Act:
    async def poll(connection: Connection, _slot: int) -> None:
        answer = await connection.ask("PROPFIND", book, dav.XML + "Depth: 0\r\n", dav.POLL)
        if b"getctag" not in answer.expect(207).body:
            raise WrongAnswerError("a poll that brought no ctag")

    return poll


def queries(collection: str, body: bytes, hits: int) -> Act:
    """Ask a query that must find so many."""

    async def query(connection: Connection, _slot: int) -> None:
        answer = await connection.ask("REPORT", collection, dav.XML + "Depth: 1\r\n", body)
        if (found := len(dav.members(answer.expect(207).body))) != hits:
            raise WrongAnswerError(f"a query that found {found} instead of {hits}")

    return query


def _empty_syncs(book: str, token: str) -> Act:
    async def poll(connection: Connection, _slot: int) -> None:
        if dav.members((await dav.sync(connection, book, token)).body):
            raise WrongAnswerError("a sync from the newest token that brought changes")

    return poll


class Round:
    """One server, one run: yields its measures in the order in which they are taken."""

    def __init__(self, running: Running, plan: Plan, run: int) -> None:
        self._on = running
        self._plan = plan
        self._run = run
        self._small = running.target.book(filled(plan.small))
        self._large = running.target.book(filled(plan.large))
        self._fresh = running.target.book(FRESH)

    async def measures(self) -> AsyncIterator[Measure]:
        """Take every measure; one that breaks is yielded with value 0 and what was said."""
        for size in self._plan.sizes:
            for batch in self._plan.batches:
                name = f"first sync of {size:,}, by {batch}"
                yield await self._guarded(name, "s", partial(self._first, size=size, batch=batch))
        yield self._measure(f"memory with {self._plan.large:,} contacts", self._on.memory(), "MB")
        yield await self._query("FN", full_name, f" {self._plan.large * 2 // 30}")
        yield await self._query("EMAIL", mail, f"{self._plan.large * 2 // 3:x}.")
        yield await self._guarded(f"delta of 1 in {self._plan.large:,}", "ms", self._delta)
        yield await self._poll_properties()
        yield await self._guarded(f"polling by {POLLERS} (sync-collection)", "1/s", self._poll_sync)
        yield await self._guarded("GET, 32 connections", "1/s", self._get)
        yield await self._guarded("conditional update, 32 connections", "1/s", self._update)
        yield await self._load("PUT new, 1 connection", 1, new_contacts(self._fresh))
        yield await self._load(
            "PUT new, 32 connections", 32, new_contacts(self._fresh, 2 * FIRST_NEW)
        )
        if self._on.command():
            with tempfile.TemporaryDirectory() as folder:
                async for one in self._in_bulk(Path(folder) / "all.vcf"):
                    yield one

    async def _in_bulk(self, file: Path) -> AsyncIterator[Measure]:
        """A filled book out by the command, and into an empty one, while the server runs."""
        size = self._plan.large
        out = ("export", LOGIN, "--collection", filled(size), "--output", file)
        yield await self._guarded(f"export of {size:,}", "s", partial(self._command, words=out))
        line = Connection(self._on.target)
        await dav.make_book(line, self._on.target.book(BROUGHT_IN))
        line.close()
        back = ("import", LOGIN, file, "--collection", BROUGHT_IN)
        yield await self._guarded(f"import of {size:,}", "s", partial(self._command, words=back))
        yield self._measure("memory at most, import included", self._on.peak(), "MB")

    async def _command(self, name: str, words: Sequence[str | Path]) -> Measure:
        """What a person waits for; its CPU is the server's and the command's, for each contact."""
        cpu, mine, began = self._on.cpu(), children_cpu(), time.perf_counter()
        told = json.loads(await asyncio.to_thread(run, self._on.command(*words)))
        took = time.perf_counter() - began
        done = int(told.get("count", told.get("new", 0)))
        if done < self._plan.large:
            raise WrongAnswerError(f"{words[0]} took {done} of {self._plan.large}")
        cpu = self._on.cpu() - cpu + children_cpu() - mine
        return Measure(
            workload=name,
            server=self._on.name,
            run=self._run,
            value=took,
            unit="s",
            ops=done,
            seconds=took,
            cpu_ms=cpu / done * 1000,
        )

    def _measure(self, workload: str, value: float, unit: str, note: str = "") -> Measure:
        return Measure(workload, self._on.name, self._run, value, unit, note=note)

    async def _guarded(
        self, name: str, unit: str, take: Callable[[str], Awaitable[Measure]]
    ) -> Measure:
        try:
            return await take(name)
        except (WireError, WrongAnswerError, ServerError, TimeoutError) as error:
            said = f"broke: {str(error)[:200] or type(error).__name__}"
            return Measure(name, self._on.name, self._run, 0.0, unit, errors=1, note=said)

    async def _load(
        self, name: str, connections: int, act: Act, bound: Bound | None = None
    ) -> Measure:
        commits = self._on.commits()
        cpu = self._on.cpu()
        tally = await drive(self._on.target, connections, act, bound or self._plan.load)
        cpu = self._on.cpu() - cpu
        return self._from_tally(name, tally, cpu, _mean_batch(commits, self._on.commits()))

    def _from_tally(self, name: str, tally: Tally, cpu: float, note: str) -> Measure:
        said = f"said {tally.said[0][:160]}" if tally.said else ""
        p50, p99 = percentile(tally.latencies, 0.5), percentile(tally.latencies, 0.99)
        ops = tally.ops
        return Measure(
            workload=name,
            server=self._on.name,
            run=self._run,
            value=tally.rate,
            unit="1/s",
            ops=ops,
            errors=tally.errors,
            seconds=tally.seconds,
            cpu_ms=cpu / ops * 1000 if ops else None,
            client_cpu_ms=tally.client_cpu_s / ops * 1000 if ops else None,
            p50_ms=None if p50 is None else p50 * 1000,
            p99_ms=None if p99 is None else p99 * 1000,
            note="; ".join(filter(None, [note, said])),
        )

    async def _first(self, name: str, size: int, batch: int) -> Measure:
        """A phone that knows nothing: list everything, then fetch it, on one connection."""
        book = self._on.target.book(filled(size))
        return await self._first_sync(name, book, size, batch, dav.multiget)

    async def _first_sync(
        self, name: str, book: str, size: int, batch: int, fetch: Fetch
    ) -> Measure:
        line = Connection(self._on.target)
        cpu, mine, began = self._on.cpu(), client_cpu(), time.perf_counter()
        hrefs = dav.members((await dav.sync(line, book, "")).body)
        if len(hrefs) != size:
            raise WrongAnswerError(f"a first sync that listed {len(hrefs)} of {size}")
        done = 0
        while done < size and time.perf_counter() - began < self._plan.first_sync_s:
            await fetch(line, book, hrefs[done : done + batch])
            done = min(done + batch, size)
        took = time.perf_counter() - began
        line.close()
        return Measure(
            workload=name,
            server=self._on.name,
            run=self._run,
            value=took * size / done,
            unit="s",
            ops=done,
            seconds=took,
            cpu_ms=(self._on.cpu() - cpu) / done * 1000,
            client_cpu_ms=(client_cpu() - mine) / done * 1000,
            note="" if done == size else f"scaled from {done} objects in {took:.0f} s",
        )

    async def _query(self, prop: str, told: Callable[[int], str], text: str) -> Measure:
        """A few of many, found by a word; the book is as it was filled."""
        size = self._plan.large
        hits = sum(text in told(number) for number in range(size))
        act = queries(self._large, dav.query_body(prop, text), hits)
        name = f"query of {size:,}, {prop} contains"
        return await self._guarded(name, "ms", partial(self._asked_again, act=act))

    async def _asked_again(self, name: str, act: Act) -> Measure:
        """One query again and again; the note tells what the first one took."""
        line = Connection(self._on.target)
        began = time.perf_counter()
        await act(line, 0)
        first = time.perf_counter() - began
        line.close()
        taken = await self._load(name, 1, act, self._plan.query)
        note = "; ".join(filter(None, [f"the first time {first * 1000:.0f} ms", taken.note]))
        return replace(taken, value=taken.p50_ms or 0.0, unit="ms", note=note)

    async def _delta(self, name: str) -> Measure:
        return await self._delta_of(name, self._large, new_contacts(self._large))

    async def _delta_of(self, name: str, book: str, put: Act) -> Measure:
        """One change, then the time of the sync that brings it; again and again."""
        line = Connection(self._on.target)
        old = token = dav.token_of((await dav.sync(line, book, "")).body)
        took: list[float] = []
        until = time.perf_counter() + self._plan.delta_s
        while len(took) < self._plan.deltas:
            if time.perf_counter() > until and len(took) >= DELTAS_MIN:
                break
            await put(line, 0)
            began = time.perf_counter()
            answer = await dav.sync(line, book, token)
            took.append(time.perf_counter() - began)
            if len(dav.members(answer.body)) != 1:
                raise WrongAnswerError("a delta of one change that did not bring one")
            old, token = token, dav.token_of(answer.body)
        line.close()
        repeated = await self._load(name, 1, self._same_delta(book, old), Bound(1000, 1.0))
        return Measure(
            workload=name,
            server=self._on.name,
            run=self._run,
            value=median(took) * 1000,
            unit="ms",
            ops=len(took),
            seconds=sum(took),
            cpu_ms=repeated.cpu_ms,
            p50_ms=median(took) * 1000,
            p99_ms=(percentile(took, 0.99) or 0) * 1000,
        )

    def _same_delta(self, book: str, token: str) -> Act:
        """The last delta again: the way to weigh its CPU without that of the PUT before it."""

        async def again(connection: Connection, _slot: int) -> None:
            answer = await dav.sync(connection, book, token)
            if len(dav.members(answer.body)) != 1:
                raise WrongAnswerError("a delta of one change that did not bring one")

        return again

    async def _poll_properties(self) -> Measure:
        name = f"polling by {POLLERS} (PROPFIND)"
        return await self._load(name, POLLERS, _propfinds(self._small), self._plan.poll)

    async def _poll_sync(self, name: str) -> Measure:
        line = Connection(self._on.target)
        token = dav.token_of((await dav.sync(line, self._small, "")).body)
        line.close()
        act = _empty_syncs(self._small, token)
        return await self._load(name, POLLERS, act, self._plan.poll)

    async def _etags(self) -> dict[str, str]:
        line = Connection(self._on.target)
        answer = await dav.sync(line, self._small, "")
        line.close()
        return dav.etags(answer.body)

    async def _get(self, name: str) -> Measure:
        return await self._load(name, 32, _gets(sorted(await self._etags())))

    async def _update(self, name: str) -> Measure:
        return await self._load(name, 32, _updates(await self._etags(), 32))


def _mean_batch(before: tuple[int, int] | None, after: tuple[int, int] | None) -> str:
    """How many entries a batch held while the load ran; nothing where a server does not tell."""
    if before is None or after is None or after[0] <= before[0]:
        return ""
    return f"mean batch {(after[1] - before[1]) / (after[0] - before[0]):.1f} entries"

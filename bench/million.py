"""PUT again on a catalog that already holds a million objects.

Not in the ordinary run: the million is filled by PUT through the running server, because no faster
way in exists, and that takes about ten minutes. Radicale and Xandikos would need a day, and
are left out.
"""

import time
from pathlib import Path

from bench.figures import Measure
from bench.load import Bound, drive
from bench.strongroom import RunningStrongroom, Strongroom, fill, new_book
from bench.workloads import FIRST_NEW, FULL, new_contacts

PER_BOOK = 10_000
CONNECTIONS = 32


async def _filled(running: RunningStrongroom, objects: int) -> None:
    began = time.perf_counter()
    for first in range(0, objects, PER_BOOK):
        book = await new_book(running.target, f"book{first // PER_BOOK}")
        there = min(first + PER_BOOK, objects)
        await fill(running.target, book, there - first, first)
        rate = there / (time.perf_counter() - began)
        print(f"  filled {there:,} of {objects:,} ({rate:,.0f}/s)", flush=True)


async def measure(place: Path, objects: int, runs: int) -> list[Measure]:
    """Fill, then measure PUT at 32 connections `runs` times in a book of its own each time."""
    running = await Strongroom().start_empty(place)
    measures = []
    try:
        await _filled(running, objects)
        for run in range(1, runs + 1):
            book = await new_book(running.target, f"again{run}")
            measures.append(await _again(running, book, objects, run))
    finally:
        running.process.stop()
    return measures


async def _again(running: RunningStrongroom, book: str, objects: int, run: int) -> Measure:
    act = new_contacts(book, FIRST_NEW * (run + 2))
    cpu = running.cpu()
    tally = await drive(running.target, CONNECTIONS, act, Bound(FULL.load.ops, FULL.load.seconds))
    cpu = running.cpu() - cpu
    return Measure(
        workload=f"PUT new, 32 connections, {objects:,} objects there",
        server=running.name,
        run=run,
        value=tally.rate,
        unit="1/s",
        ops=tally.ops,
        errors=tally.errors,
        seconds=tally.seconds,
        cpu_ms=cpu / tally.ops * 1000 if tally.ops else None,
        client_cpu_ms=tally.client_cpu_s / tally.ops * 1000 if tally.ops else None,
        note=f"memory {running.memory():.0f} MB",
    )

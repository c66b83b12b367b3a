"""PUT again on a catalog that already holds a million objects.

Not in the ordinary run, for filling a million takes minutes even through the engine itself
(bench/filler.py). Radicale and Xandikos would need a day, and are left out.
"""

import asyncio
import sys
from pathlib import Path

from bench.figures import Measure
from bench.fill import FIRST_NEW, new_contacts
from bench.load import Bound, drive
from bench.process import ServerError
from bench.strongroom import RunningStrongroom, Strongroom, new_book
from bench.workloads import FULL

CONNECTIONS = 32


async def measure(place: Path, objects: int, runs: int) -> list[Measure]:
    """Fill, then measure PUT at 32 connections `runs` times in a book of its own each time."""
    server = Strongroom()
    running = await server.start_empty(place)
    running.process.stop()
    filler = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.filler", running.config, str(objects)
    )
    if await filler.wait():
        raise ServerError("the filler failed")
    running = server.start_again(running, place)
    measures = []
    try:
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

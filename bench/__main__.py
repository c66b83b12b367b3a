"""`python -m bench`: run the rounds, print the table, keep the raw figures.

Rounds are interleaved (A B C A B C ...), so that a machine that slows down slows all of them.
"""

import argparse
import gc
import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvloop

from bench import million, table
from bench.adapter import Adapter
from bench.calendars import CalendarRound
from bench.figures import Measure, Record
from bench.machine import describe
from bench.peers.cyrus import Cyrus
from bench.peers.python import Radicale, Xandikos
from bench.process import ServerError
from bench.strongroom import Strongroom
from bench.wire import WireError, WrongAnswerError
from bench.workloads import FULL, QUICK, Plan, Round

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "bench"
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
MILLION = 1_000_000
ROUNDS = {"contacts": Round, "calendars": CalendarRound}


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small run, under a minute")
    parser.add_argument("--runs", type=int, default=5, help="runs to take the median of (5)")
    parser.add_argument(
        "--servers",
        default="strongroom,radicale,xandikos,cyrus",
        help="which to measure, with commas between them (all)",
    )
    parser.add_argument(
        "--rounds", default=",".join(ROUNDS), help="contacts, calendars or both (both)"
    )
    parser.add_argument("--name", help="file name under bench/results (the date)")
    parser.add_argument(
        "--million", action="store_true", help="also PUT on a catalog of a million objects"
    )
    parser.add_argument("--objects", type=int, default=MILLION, help="how many --million fills")
    parser.add_argument(
        "--render", type=Path, metavar="RAW", help="only write docs/performance.md from raw figures"
    )
    parser.add_argument(
        "--strict", action="store_true", help="a missed target or an error makes the exit status 1"
    )
    return parser.parse_args(words)


def _adapters(names: str) -> list[Adapter]:
    known: dict[str, Adapter] = {
        "strongroom": Strongroom(),
        "radicale": Radicale(CACHE),
        "xandikos": Xandikos(CACHE),
        "cyrus": Cyrus(CACHE),
    }
    wanted = names.lower().split(",")
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"unknown server: {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    return [adapter for name, adapter in known.items() if name in wanted]


async def _prepared(adapters: list[Adapter], plan: Plan) -> dict[str, str]:
    """Prepare each; drop and say which one cannot be measured; return the versions."""
    versions = {}
    for adapter in list(adapters):
        try:
            await adapter.prepare(plan.sizes)
            versions[adapter.name] = adapter.version()
        except (ServerError, WireError, WrongAnswerError) as error:
            print(f"{adapter.name} is left out: {error}", file=sys.stderr)
            adapters.remove(adapter)
    return versions


def _fresh_place() -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="round-", dir=CACHE))


async def _round(
    adapter: Adapter, plan: Plan, run: int, rounds: Sequence[type[Round]]
) -> list[Measure]:
    place = _fresh_place()
    taken = []
    try:
        running = await adapter.start(place, plan.sizes)
        try:
            for each in rounds:
                async for one in each(running, plan, run).measures():
                    _show(one)
                    taken.append(one)
        finally:
            if (status := running.process.stop()) not in {0, -15}:
                print(f"  {adapter.name} ended with {status}", file=sys.stderr)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return taken


def _show(one: Measure) -> None:
    value = f"{table.number(one.value)} {one.unit}"
    print(f"  {one.run} {one.server:<11}{one.workload:<36}{value:>12}  {one.note}", flush=True)


async def _rounds(
    adapters: list[Adapter], plan: Plan, runs: int, rounds: Sequence[type[Round]]
) -> list[Measure]:
    taken: list[Measure] = []
    for run in range(1, runs + 1):
        for adapter in list(adapters):
            try:
                taken += await _round(adapter, plan, run, rounds)
            except (ServerError, WireError, WrongAnswerError) as error:
                print(f"{adapter.name} is left out from here on: {error}", file=sys.stderr)
                adapters.remove(adapter)
            gc.collect()
    return taken


async def _million(arguments: argparse.Namespace) -> list[Measure]:
    if not arguments.million:
        print("skipped: PUT on a million objects (filling takes ten minutes; ask with --million)")
        return []
    place = _fresh_place()
    try:
        runs = 1 if arguments.quick else arguments.runs
        return await million.measure(place, arguments.objects, runs)
    except (ServerError, WireError, WrongAnswerError) as error:
        print(f"PUT on a million objects broke: {error}", file=sys.stderr)
        return []
    finally:
        shutil.rmtree(place, ignore_errors=True)


async def _session(arguments: argparse.Namespace) -> Record:
    for old in CACHE.glob("round-*"):
        shutil.rmtree(old, ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    plan = QUICK if arguments.quick else FULL
    runs = 1 if arguments.quick else arguments.runs
    adapters = _adapters(arguments.servers)
    versions = await _prepared(adapters, plan)
    machine = describe(CACHE)
    rounds = [ROUNDS[name] for name in ROUNDS if name in arguments.rounds.split(",")]
    taken = await _rounds(adapters, plan, runs, rounds)
    taken += await _million(arguments)
    return Record("quick" if arguments.quick else "full", machine, versions, runs, taken)


def _keep(record: Record, name: str | None) -> Path:
    """A quick run is not worth keeping among the results, unless it is given a name."""
    folder = RESULTS if name or record.mode == "full" else CACHE
    stem = name or (f"{datetime.now(UTC):%Y-%m-%dT%H%M}" if record.mode == "full" else "quick")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.json"
    path.write_text(record.to_json())
    return path


def main(words: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit status."""
    arguments = _arguments(words)
    if arguments.render is not None:
        source = arguments.render.resolve()
        shown = source.relative_to(ROOT) if source.is_relative_to(ROOT) else source
        table.write_into(PAGE, Record.from_json(source.read_text()), str(shown))
        return 0
    record = uvloop.run(_session(arguments))
    path = _keep(record, arguments.name)
    print(f"\n{table.report(record)}\n\nRaw figures: {path}")
    broken = [one for one in record.measures if one.errors] or table.missed(record)
    nothing = not record.measures
    return 1 if nothing or (arguments.strict and broken) else 0


if __name__ == "__main__":
    sys.exit(main())

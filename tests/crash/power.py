"""The power goes: the cell is opened on what the disks held at a moment, and read whole.

Three kinds: all disks lose what was not synced; one does, while the others keep all; one comes back
as it was then, while the others went on (a voter rolled back).
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crash.disk import Disk, Event, Fate
from crash.kinds import Collection
from crash.oracle import Findings, Oracle
from crash.record import (
    COLLECTIONS,
    LOGIN,
    PLACES,
    Line,
    Recording,
    oracle_after,
    record,
    settings_at,
)
from fakes.asgi import Client
from phone.wire import DAV, propfind, read_multistatus, sync_collection
from strongroom import compose
from strongroom.base.errors import StrongroomError
from strongroom.server import Server

OPEN_SECONDS = 60.0


@dataclass(frozen=True)
class Cut:
    """Which disks lose what; the others keep all that was written."""

    name: str
    fates: tuple[Fate, ...]  # of data, r1, r2, r3
    rolled_back: str = ""  # this one stays at the moment, the others go on to the end


D, K, T = Fate.DROPPED, Fate.KEPT, Fate.TORN
CUTS = (
    Cut("all disks, unsynced dropped", (D, D, D, D)),
    Cut("all disks, torn", (T, T, T, T)),
    Cut("all disks, each another fate", (K, D, T, K)),
    Cut("one disk, unsynced dropped", (K, D, K, K)),
    Cut("one disk, torn", (K, K, K, T)),
    Cut("one disk rolled back", (K, K, D, K), rolled_back="r2"),
)


def power_cuts(
    place: Path,
    *,
    writes: int = 48,
    cuts_each: int = 8,
    seed: int = 1,
    lies: Callable[[str, str], bool] | None = None,
    kinds: tuple[Cut, ...] = CUTS,
) -> list[Findings]:
    """Record one run, then cut it `cuts_each` times in every way (0 = after every sync)."""
    recording = record(place / "run", writes=writes, seed=seed, lies=lies)
    shutil.rmtree(place / "run", ignore_errors=True)
    return [_cut_often(recording, kind, place, cuts_each, seed) for kind in kinds]


def moments(lines: list[Line], count: int, seed: int) -> list[int]:
    """Give places to cut at: right after a sync or before the one that follows it."""
    syncs = [i for i, line in enumerate(lines) if not isinstance(line, Event) or _is_sync(line)]
    if count == 0 or count >= len(syncs):
        return syncs
    return sorted(random.Random(seed).sample(syncs, count))


def _is_sync(line: Event) -> bool:
    return line.kind in {"sync", "sync_dir"}


def _cut_often(recording: Recording, kind: Cut, place: Path, count: int, seed: int) -> Findings:
    total = Findings(f"power: {kind.name}")
    for moment, disks in _at_moments(recording, moments(recording.lines, count, seed)):
        image = place / "image"
        chance = random.Random(f"{seed}/{moment}/{kind.name}")
        _write_images(recording, kind, moment, disks, image, chance)
        upto = len(recording.lines) if kind.rolled_back else moment + 1
        oracle = oracle_after(recording.lines[:upto], total.event)
        asyncio.run(inspect(image, recording.password, oracle))
        _add(total, oracle.findings, moment)
        shutil.rmtree(image)
    return total


def _at_moments(recording: Recording, places: list[int]) -> Iterator[tuple[int, dict[str, Disk]]]:
    """Play the record; stop at each place with the disks as they are then."""
    disks = recording_disks(recording)
    wanted = set(places)
    for index, line in enumerate(recording.lines):
        take(disks, line)
        if index in wanted:
            yield index, disks


def recording_disks(recording: Recording) -> dict[str, Disk]:
    return {name: Disk(recording.first[name]) for name in PLACES}


def take(disks: dict[str, Disk], line: Line) -> None:
    if isinstance(line, Event):
        for disk in disks.values():
            if disk.holds(line.path):
                disk.take(line)


def _write_images(
    recording: Recording, kind: Cut, moment: int, disks: dict[str, Disk], image: Path,
    chance: random.Random,
) -> None:  # fmt: skip
    others = disks
    if kind.rolled_back:
        others = recording_disks(recording)
        for line in recording.lines:
            take(others, line)
    for name, fate in zip(PLACES, kind.fates, strict=True):
        source = disks if not kind.rolled_back or name == kind.rolled_back else others
        source[name].write_image(image / name, fate, chance)


def _add(total: Findings, found: Findings, moment: int) -> None:
    for name in ("requests", "acknowledged", "unknown", "failed", "lost", "corrupt"):
        setattr(total, name, getattr(total, name) + getattr(found, name))
    total.false_404 += found.false_404
    total.false_deletions += found.false_deletions
    for note in found.notes:
        total.note(f"cut at {moment}: {note}")


# --- reading what is there ------------------------------------------------------------------------
async def inspect(image: Path, password: str, oracle: Oracle) -> None:
    """Open the cell as a start would, and have every object and listing judged."""
    try:
        async with asyncio.timeout(OPEN_SECONDS):
            async with (
                compose.open_parts(settings_at(image)) as parts,
                parts.open_cell() as cell,
            ):
                app = Server(lambda: cell, parts.entropy)
                await _read_all(Client(app, LOGIN, password), oracle)
    except (StrongroomError, TimeoutError) as error:
        oracle.findings.lost += 1
        oracle.findings.note(f"it does not open by itself: {error!r}")


async def _read_all(ask: Any, oracle: Oracle) -> None:
    for href in oracle.hrefs:
        answer = await ask("GET", href)
        if answer.status in {200, 404}:
            oracle.read(href, answer.body if answer.status == 200 else None, settled=True)
        else:
            oracle.unreadable(href, str(answer.status))
    for collection in COLLECTIONS:
        await _list(ask, collection, oracle)


async def _list(ask: Any, collection: Collection, oracle: Oracle) -> None:
    """Have all ways of listing a collection judged, each for itself and against the others."""
    path = collection.path
    ways = [
        ("PROPFIND", "PROPFIND", propfind(DAV + "getetag"), "1"),
        ("a full sync", "REPORT", sync_collection(""), "0"),
    ]
    if collection.component:
        ways.append(("a query by time", "REPORT", collection.in_time(), "1"))
    listed = []
    for what, method, body, depth in ways:
        answer = await ask(method, path, body, depth=depth, content_type="application/xml")
        if answer.status != 207:
            oracle.findings.lost += 1
            oracle.findings.note(f"{what} of {path}: {answer.status}")
            return
        items = read_multistatus(answer.body).items
        listed.append({i.href: i.text(DAV + "getetag") for i in items if i.href != path})
        oracle.listed(set(listed[-1]), what, path)
    if any(found != listed[0] for found in listed):
        oracle.findings.false_deletions += 1
        oracle.findings.note(f"the listings of {path} differ")

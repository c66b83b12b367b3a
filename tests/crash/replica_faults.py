"""One replica breaks under load, in every way in turn; no client may notice (I9).

Each fault is mended, the replica comes back by itself or by `replica rebuild`, and then another
replica has the next. Directories that are mere folders know three of the six faults.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from crash.ground import Ground, ground
from crash.load import Shape
from crash.loops import LoopDisk, loop_disks
from crash.oracle import Findings

HEAL_SECONDS = 60.0
SHAPE = Shape(objects=8, requests_max=20_000, pause_seconds=0.01)


class Fault(NamedTuple):
    """What is done to a replica's directory, and what mends it; both take its index."""

    name: str
    harm: Callable[[Ground, int], None]
    mend: Callable[[Ground, int], None]
    between_runs: bool = False  # mended while the server is stopped


def folder_faults() -> list[Fault]:
    """Faults of plain directories."""
    return [
        Fault("bits rotted", _rot, _find_rot),
        Fault("deleted", _delete, _rebuild),
        Fault("moved away", _move_away, _move_back),
    ]


def disk_faults(disks: Sequence[LoopDisk]) -> list[Fault]:
    """Faults that need a disk of its own."""

    def read_only_ends(_: Ground, index: int) -> None:
        # The kernel keeps a file system that failed for as long as the server holds its lock there.
        disks[index].unmount()
        disks[index].mount_again()

    return [
        Fault("unmounted", lambda _, i: disks[i].unmount(), lambda _, i: disks[i].mount()),
        Fault("filled", lambda _, i: disks[i].fill(), lambda _, i: disks[i].empty_again()),
        Fault("made read-only", lambda _, i: disks[i].make_read_only(), read_only_ends, True),
    ]


# --- harm -----------------------------------------------------------------------------------------
def _find_rot(site: Ground, index: int) -> None:
    """Have all be read: rot that nobody has met yet is no fault that a replica knows of."""
    site.server.scrub()


def _rot(site: Ground, index: int) -> None:
    """Turn random bits over in catalog, WAL and blobs, some times over."""
    root = site.server.replicas[index]
    chance = random.Random(index)
    for _ in range(5):
        for path in [*root.glob("catalog-*/catalog.db*"), *root.glob("blobs/*/*")]:
            with suppress(FileNotFoundError):  # a copy in the making comes and goes
                rot(path, chance, turns=4)
        time.sleep(0.1)


def rot(path: Path, chance: random.Random, turns: int) -> None:
    """Turn one bit over in some places of a file."""
    fd = os.open(path, os.O_RDWR)
    try:
        size = os.fstat(fd).st_size
        for _ in range(turns if size else 0):
            offset = chance.randrange(size)
            old = os.pread(fd, 1, offset)
            if old:
                os.pwrite(fd, bytes([old[0] ^ 1 << chance.randrange(8)]), offset)
    finally:
        os.close(fd)


def _delete(site: Ground, index: int) -> None:
    for entry in site.server.replicas[index].iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _rebuild(site: Ground, index: int) -> None:
    site.server.rebuild(f"r{index + 1}")


def _away(site: Ground, index: int) -> Path:
    return site.server.place / f"away{index}"


def _move_away(site: Ground, index: int) -> None:
    site.server.replicas[index].rename(_away(site, index))


def _move_back(site: Ground, index: int) -> None:
    _away(site, index).rename(site.server.replicas[index])


# --- running --------------------------------------------------------------------------------------
def on_folders(place: Path, *, seconds: float, report: Callable[[Findings], None]) -> None:
    """Run the faults that plain directories know; `seconds` of load while each lasts."""
    with ground(place) as site:
        _in_turn(site, folder_faults(), seconds, report)


def on_disks(place: Path, *, seconds: float, report: Callable[[Findings], None]) -> None:
    """Run all faults on small disks; raises NoDisksError where there can be none."""
    with loop_disks(place / "disks", 3) as disks:
        replicas = [disk.place / "replica" for disk in disks]
        with ground(place / "site", replicas) as site:
            _in_turn(site, disk_faults(disks), seconds, report)


def _in_turn(
    site: Ground, faults: list[Fault], seconds: float, report: Callable[[Findings], None]
) -> None:
    for number, fault in enumerate(faults):
        index = number % 3
        findings = site.oracle.begin(f"replica {index + 1} {fault.name}")
        with site.load(SHAPE, seed=number) as load:
            time.sleep(seconds / 2)
            fault.harm(site, index)
            time.sleep(seconds)
            load.slow_down()
            if not fault.between_runs:
                fault.mend(site, index)
                _wait_until_whole(site, findings)
        if fault.between_runs:
            _mend_between_runs(site, fault, index)
            _wait_until_whole(site, findings)
        site.inspect(settled=False)
        report(findings)
    findings = site.oracle.begin("all opened again, scrubbed")
    site.server.stop()
    site.server.start()
    site.inspect()
    _scrub(site, findings)
    report(findings)


def _mend_between_runs(site: Ground, fault: Fault, index: int) -> None:
    site.server.stop()
    fault.mend(site, index)
    site.server.start()


def _wait_until_whole(site: Ground, findings: Findings) -> None:
    """Return when all replicas vote again; a load that goes on shows that they really do."""
    until = time.monotonic() + HEAL_SECONDS
    while not site.server.whole():
        if time.monotonic() > until:
            findings.failed += 1
            findings.note(f"not whole again: {site.server.run('replica', 'list')}")
            return
        time.sleep(0.2)


def _scrub(site: Ground, findings: Findings) -> None:
    """Nothing of what was harmed may be left, and nothing lost on all replicas."""
    for row in site.server.scrub():
        if row["damage"] or row["lost"]:
            findings.corrupt += 1
            findings.note(f"scrub: {row}")

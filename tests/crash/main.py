"""`make crash`: every event at length, one line each; 0 only if nothing was lost and none lied.

The seconds are a measure for each kind, not a limit. Asked to end, it ends what it started. The
last event runs with syncs that are not made; there the harness must find losses.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from crash.kills import every_fsync, kill_loop
from crash.loops import NoDisksError
from crash.oracle import HEADING, Findings
from crash.power import CUTS, power_cuts
from crash.replica_faults import on_disks, on_folders

KINDS = ("kill", "fsync", "power", "folders", "disks", "lies")
SECONDS_A_KILL = 2.0
CUTS_A_SECOND = 1.0


class Report:
    """Prints each event as it ends, and remembers whether all went well."""

    def __init__(self) -> None:
        self.total = Findings("all")
        self.unwanted = 0  # failed requests while one replica was broken
        self.blind = False  # the harness did not see what it must see

    def event(self, findings: Findings) -> None:
        """Take in and print one event."""
        print(findings.row(), flush=True)
        for name in ("requests", "acknowledged", "unknown", "failed", "lost", "corrupt"):
            setattr(self.total, name, getattr(self.total, name) + getattr(findings, name))
        self.total.false_404 += findings.false_404
        self.total.false_deletions += findings.false_deletions
        if findings.bad:
            print("\n".join(f"    {note}" for note in findings.notes), flush=True)

    def unnoticed(self, findings: Findings) -> None:
        """Take in an event in which no request may fail."""
        self.event(findings)
        self.unwanted += findings.failed
        if findings.failed and not findings.bad:
            print("\n".join(f"    {note}" for note in findings.notes), flush=True)

    @property
    def good(self) -> bool:
        return not (self.total.bad or self.unwanted or self.blind)


def kill(place: Path, seconds: float, report: Report) -> None:
    report.event(kill_loop(place, rounds=max(2, int(seconds / SECONDS_A_KILL))))


def fsync(place: Path, seconds: float, report: Report) -> None:
    report.event(every_fsync(place, step=1 if seconds >= 60 else 9))


def power(place: Path, seconds: float, report: Report) -> None:
    cuts = max(4, int(seconds * CUTS_A_SECOND))
    for findings in power_cuts(place, writes=max(40, cuts), cuts_each=cuts):
        report.event(findings)


def folders(place: Path, seconds: float, report: Report) -> None:
    on_folders(place, seconds=max(1.5, seconds / 10), report=report.unnoticed)


def disks(place: Path, seconds: float, report: Report) -> None:
    try:
        on_disks(place, seconds=max(1.5, seconds / 10), report=report.unnoticed)
    except NoDisksError as error:
        print(f"skipped, no disks of its own: {error}", flush=True)


def lies(place: Path, seconds: float, report: Report) -> None:
    """Run with no sync made at all; finding nothing is the failure."""
    (found,) = power_cuts(place, cuts_each=4, lies=lambda kind, path: True, kinds=CUTS[:1])
    report.blind = not found.lost
    print(f"with no sync made: {found.lost} lost, as it must be" if found.lost else "BLIND")


RUN: dict[str, Callable[[Path, float, Report], None]] = {
    "kill": kill,
    "fsync": fsync,
    "power": power,
    "folders": folders,
    "disks": disks,
    "lies": lies,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the chosen events."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=60, help="of each kind, about")
    parser.add_argument("kinds", nargs="*", choices=[*KINDS, []], help="default: all")
    given = parser.parse_args(arguments)
    report, begin = Report(), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    print(HEADING)
    for kind in given.kinds or KINDS:
        with tempfile.TemporaryDirectory() as place:
            RUN[kind](Path(place), given.seconds, report)
    print(report.total.row())
    print(f"{time.monotonic() - begin:.0f} s; {'good' if report.good else 'NOT GOOD'}")
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())

"""`status`, `replica ...` and `scrub`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any

from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.cli.status_text import replicas_text, status_text
from strongroom.control.perform import perform
from strongroom.control.protocol import Request

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def run(given: Namespace, screen: Screen) -> None:
    """Run one command of this group."""
    settings = read_settings(given.config)

    def ask(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        return perform(settings, Request(name, values), screen.progress)

    if given.command == "status":
        report = ask("status", {})
        screen.result(report, status_text(report))
    elif given.command == "scrub":
        _scrub(screen, ask)
    elif given.action == "list":
        report = ask("replica list", {})
        screen.result(report, replicas_text(report))
    elif given.source:
        _rebuild_from(given, screen, ask)
    else:
        _rebuild(given, screen, ask)


def _scrub(screen: Screen, ask: Ask) -> None:
    report = ask("scrub", {})
    screen.result(report, scrub_text(report))


def scrub_text(report: Mapping[str, Any]) -> str:
    """Say what a scrub has found and mended."""
    rows = report["replicas"]
    lost = sorted({digest for row in rows for digest in row["lost"]})
    words = [_scrubbed(row, is_open="note" not in report) for row in rows]
    if lost:
        words.append(f"{len(lost)} bodies are good on no copy: {', '.join(lost)}")
    if retold := sum(row["retold"] for row in rows):
        words.append(
            f"The index by time is made anew for {retold} objects; their bytes are as they were."
        )
    if short := [name for row in rows for name in row["short"]]:
        words.append(
            f"The index by time is wrong about {len(short)} objects. Nothing is lost; a scrub "
            f"mends it once their calendars can be written: {', '.join(short)}"
        )
    return "\n".join(words)


def _scrubbed(row: Mapping[str, Any], *, is_open: bool) -> str:
    if row["damage"]:
        done = "replaced by a copy, the old one kept" if is_open else "left as it is"
        return f"{row['replica']}: damaged ({row['damage']}); {done}"
    if row["silent"]:
        return f"{row['replica']}: could not be read to the end ({row['silent']})"
    healed = f", {len(row['healed'])} healed" if row["healed"] else ""
    return f"{row['replica']}: good; {row['batches']} batches, {row['bodies']} bodies{healed}"


def _rebuild(given: Namespace, screen: Screen, ask: Ask) -> None:
    result: dict[str, Any] = {"replica": given.replica}
    words = []
    if not (given.drop_quarantine and _is_good(given.replica, ask)):
        result |= ask("replica rebuild", {"replica": given.replica})
        words.append(f"{given.replica} is a good copy again; what lay there is in quarantine.")
    if given.drop_quarantine:
        dropped = ask("replica drop quarantine", {"replica": given.replica})
        result |= dropped
        words.append(f"Its quarantine is deleted: {dropped['files']} files.")
    screen.result(result, "\n".join(words))


def _is_good(replica: str, ask: Ask) -> bool:
    rows = ask("replica list", {}).get("replicas", [])
    return any(row["replica"] == replica and row["standing"] == "voter" for row in rows)


def _rebuild_from(given: Namespace, screen: Screen, ask: Ask) -> None:
    plan = ask("replica plan", {"source": given.source})
    screen.say(plan["plan"])
    number = str(plan["number"])
    if given.number is None:
        screen.typed("Type the batch number to go on:", number, f"use --number {number}")
    chosen = {"source": given.source, "number": given.number or plan["number"]}
    result = ask("replica rebuild from", chosen)
    screen.result(result, rebuilt_text(result))


def rebuilt_text(result: Mapping[str, Any]) -> str:
    """Say what became of a rebuild from one replica."""
    words = [f"The history of {result['source']} is the cell's now. Next: `strongroom serve`."]
    if result["lost"]:
        words.append(
            f"{result['lost']} bodies were good in no place. Whoever brings them again heals them; "
            "`strongroom scrub` names those that are lost."
        )
    return "\n".join(words)

"""`export LOGIN`: contacts or calendars as one file, everything as a folder, or a SIM card's set.

A file or folder has its name only once all of it is written and durable; whoever is interrupted
finds nothing under that name and can run it again.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from strongroom import compose
from strongroom.base.errors import InvalidError
from strongroom.cli.configuration import read_settings
from strongroom.cli.exits import DONE, GAPS
from strongroom.cli.pace import Pace
from strongroom.cli.screen import Screen, UsageError
from strongroom.cli.status_text import bytes_text
from strongroom.control.carrying import Carrying, Thing
from strongroom.control.perform import session
from strongroom.control.table import Needs
from strongroom.formats import simcard
from strongroom.formats.contact import read_contact
from strongroom.formats.sdcard import MISSING, CardFolder, write_missing
from strongroom.service.export import FORMS
from strongroom.service.kinds import CALENDAR, kind_of

_SHOWN_MAX: Final = 20  # lines about what is missing or left out; files and --json have all
_PICKS_BYTES_MAX: Final = 1024 * 1024
_STANDARD: Final = "-"
# Which kind of collection each form carries; "" = all of them.
_KINDS: Final = {"vcf": "addressbook", "ics": "calendar", "folder": "", "sim": "addressbook"}


class _Wish(NamedTuple):
    """What was asked for, checked."""

    form: str  # vcf, ics, folder or sim
    output: str
    version: str
    places: int
    picks: list[str]


def run(given: Namespace, screen: Screen) -> int:
    """Run the command; the exit status says whether all of it could be read."""
    wish = _wish(given, screen)
    settings = read_settings(given.config)
    with session(settings, screen.progress, Needs.READ) as ask:
        carrying = Carrying(ask, given.login, given.collection, _KINDS[wish.form])
        pace = Pace(screen, "objects", carrying.total)
        report = _WRITERS[wish.form](wish, carrying, _things(carrying, wish.version, pace))
    report |= {
        "left": [one.href for one in carrying.left],
        "login": carrying.login,
        "as": wish.form,
        "collections": [one.href for one in carrying.collections],
        "salvaged": carrying.salvaged,
        "missing": [one._asdict() for one in carrying.missing],
    }
    if wish.output == _STANDARD:
        screen.progress(report_text(report))
    else:
        screen.result(report, report_text(report))
    return GAPS if carrying.missing or carrying.salvaged else DONE


def _wish(given: Namespace, screen: Screen) -> _Wish:
    form = given.form or _form_meant(given)
    if form != "sim" and (given.sim is not None or given.pick):
        raise UsageError("--sim and --pick are about a SIM card; leave out --as, or say --as sim.")
    output = given.output or _STANDARD
    if output == _STANDARD and form not in {"vcf", "ics"}:
        raise UsageError("Name a new folder with --output DIR.")
    if output == _STANDARD and screen.for_programs:
        raise UsageError("With --json name the file with --output: one stream holds one thing.")
    places = simcard.ENTRIES_DEFAULT if given.sim is None else given.sim
    if places < 1:
        raise UsageError("A SIM card has at least one place.")
    picks = _picks(Path(given.pick)) if given.pick else []
    return _Wish(form, output, given.version or "", places, picks)


def _form_meant(given: Namespace) -> str:
    if given.sim is not None:
        return "sim"
    calendars = [kind_of(name) is CALENDAR for name in given.collection]
    named = (given.output or "").lower().endswith(".ics")
    return "ics" if all(calendars) and (calendars or named) else "vcf"


def _picks(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            raw = file.read(_PICKS_BYTES_MAX + 1)
        text = raw.decode()
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise InvalidError(f"The list {path} cannot be read: {why}. Nothing was made.") from error
    if len(raw) > _PICKS_BYTES_MAX:
        raise InvalidError(f"The list {path} is too long. Nothing was made.")
    return simcard.read_picks(text)


def _things(carrying: Carrying, version: str, pace: Pace) -> Iterator[Thing]:
    for done, thing in enumerate(carrying.things(), 1):
        pace.at(done)
        shaped = FORMS[thing.collection.type].shaped
        yield thing._replace(body=shaped(thing.body, version)) if version else thing


# --- one file -------------------------------------------------------------------------------------
class _Stream:
    """Bytes on their way out, counted."""

    def __init__(self, write: Any, form: str) -> None:
        self._write = write
        self._file = FORMS[_KINDS[form]].file()
        self._digest = sha256()
        self.size = 0
        self.count = 0

    def add(self, thing: Thing) -> None:
        self._put(self._file.add(thing.collection.id, thing.body))
        self.count += 1

    def end(self) -> None:
        self._put(self._file.end())

    def _put(self, piece: bytes) -> None:
        self._write(piece)
        self._digest.update(piece)
        self.size += len(piece)

    def report(self, output: str) -> dict[str, Any]:
        told = {"output": output, "count": self.count, "bytes": self.size}
        return {**told, "sha256": self._digest.hexdigest()}


def _write_file(wish: _Wish, _carrying: Carrying, things: Iterator[Thing]) -> dict[str, Any]:
    if wish.output == _STANDARD:
        stream = _Stream(sys.stdout.buffer.write, wish.form)
        for thing in things:
            stream.add(thing)
        stream.end()
        sys.stdout.buffer.flush()
        return stream.report(_STANDARD)
    with compose.file_draft(_target(wish)) as draft:
        stream = _Stream(draft.write, wish.form)
        for thing in things:
            stream.add(thing)
        stream.end()
    return stream.report(wish.output)


def _target(wish: _Wish) -> Path:
    path = Path(wish.output)
    if not path.name:
        raise UsageError("Name a new file or folder with --output.")
    return path.absolute()


# --- a folder -------------------------------------------------------------------------------------
def _write_folder(wish: _Wish, carrying: Carrying, things: Iterator[Thing]) -> dict[str, Any]:
    folder = CardFolder(carrying.login, f"{datetime.now(UTC):%Y-%m-%d}")
    count = size = files = 0
    with compose.folder_draft(_target(wish)) as draft:
        for thing in things:
            extension = FORMS[thing.collection.type].extension
            for file in folder.add(thing.collection.name, thing.body, extension):
                draft.add(file.path, file.data)
                files, size = files + 1, size + len(file.data)
            count += 1
        for file in folder.end(carrying.missing):
            draft.add(file.path, file.data)
            files, size = files + 1, size + len(file.data)
    return {"output": wish.output, "count": count, "bytes": size, "files": files}


# --- a SIM card -----------------------------------------------------------------------------------
def _write_sim(wish: _Wish, carrying: Carrying, things: Iterator[Thing]) -> dict[str, Any]:
    with compose.folder_draft(_target(wish)) as draft:
        people = (read_contact(thing.body) for thing in things)
        chosen = simcard.select(people, wish.places, wish.picks)
        draft.add(("SIM.vcf",), b"".join(simcard.write_cards(chosen.entries)))
        draft.add(("SIM.csv",), b"".join(simcard.write_table(chosen.entries)))
        if chosen.left_out:
            left_out = (f"{one.what}: {one.why}\n" for one in chosen.left_out)
            draft.add(("LEFT-OUT.txt",), "".join(left_out).encode("utf-8", "replace"))
        if carrying.missing:
            draft.add((MISSING,), write_missing(carrying.missing))
    left_out_rows = [one._asdict() for one in chosen.left_out]
    return {"output": wish.output, "count": len(chosen.entries), "left_out": left_out_rows}


_WRITERS: Final = {
    "vcf": _write_file,
    "ics": _write_file,
    "folder": _write_folder,
    "sim": _write_sim,
}


# --- what a person reads --------------------------------------------------------------------------
def report_text(report: Mapping[str, Any]) -> str:
    """Say what was made, and whether that is all."""
    where = "on standard output" if report["output"] == _STANDARD else f"in {report['output']}"
    things = "entries for a SIM card" if report["as"] == "sim" else "objects"
    lines = [f"{report['count']} {things} of {report['login']} {where}{_measure(report)}."]
    left_out = [f"{one['what']}: {one['why']}" for one in report.get("left_out", ())]
    if left_out:
        lines.append(f"Not on the card ({len(left_out)}), all of it in LEFT-OUT.txt:")
        lines += _shown(left_out)
    if report["salvaged"] or report["missing"]:
        lines.append(
            f"Not proven to be all: {', '.join(report['salvaged'])}. What could be read is there; "
            "`strongroom status` and `strongroom custody` tell more."
        )
        lines += _shown([f"{one['what']}: {one['why']}" for one in report["missing"]])
    if report.get("left") and report["as"] != "sim":
        lines.append(
            f"Not in it: {', '.join(report['left'])}. A folder takes everything: --as folder."
        )
    if report["as"] == "folder" and not (report["salvaged"] or report["missing"]):
        lines.append("Check it there, now and in years: sha256sum -c SHA256SUMS")
    return "\n".join(lines)


def _measure(report: Mapping[str, Any]) -> str:
    if "bytes" not in report:
        return ""
    more = f", SHA-256 {report['sha256']}" if "sha256" in report else f", {report['files']} files"
    return f" ({bytes_text(report['bytes'])}{more})"


def _shown(lines: list[str]) -> list[str]:
    more = len(lines) - _SHOWN_MAX
    shown = [f"  {line}" for line in lines[:_SHOWN_MAX]]
    return [*shown, f"  and {more} more"] if more > 0 else shown

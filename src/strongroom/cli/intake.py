"""`import LOGIN FILE...`: brings files in, page by page; tells what became of them.

What could not be taken is written beside each file, byte for byte (`FILE.rejected`), with a list of
lines and reasons (`FILE.rejected.txt`). It can be interrupted at any time: what came in stands, and
running it again goes on from there.
"""

from __future__ import annotations

import os
from argparse import Namespace
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from strongroom import compose
from strongroom.base.errors import InvalidError, StrongroomError
from strongroom.cli.configuration import read_settings
from strongroom.cli.exits import DONE, GAPS
from strongroom.cli.pace import Pace
from strongroom.cli.screen import Screen
from strongroom.control.perform import Asking, session

PAGE_BYTES: Final = 1024 * 1024  # of a file; coded, it fits into a line of the protocol
_ENDINGS: Final = ("new", "merged", "unchanged", "refused")
_SHOWN_MAX: Final = 20  # lines about one file; --json has all
_KIB: Final = 1024


def run(given: Namespace, screen: Screen) -> int:
    """Run the command; the exit status says whether all could be taken."""
    settings = read_settings(given.config)
    with ExitStack() as opened:
        files = [_opened(opened, Path(name)) for name in given.files]
        ask = opened.enter_context(session(settings, screen.progress))
        wanted = {
            "login": given.login,
            "collection": given.collection,
            "dry_run": given.dry_run,
        }
        begun = ask("import begin", wanted)
        total = sum(size for _, _, size in files)
        work = _Work(ask, begun["import"], Pace(screen, "KiB", total // _KIB), given.dry_run)
        try:
            reports = [work.bring(path, file) for path, file, _ in files]
        except (StrongroomError, KeyboardInterrupt):
            screen.progress(work.so_far())
            raise
        finally:
            with suppress(StrongroomError):
                ask("import end", {"import": begun["import"]})
    report = {**begun, **work.counts, "dry_run": given.dry_run, "files": reports}
    del report["import"]
    screen.result(report, report_text(report))
    return GAPS if report["refused"] else DONE


def _opened(stack: ExitStack, path: Path) -> tuple[Path, BinaryIO, int]:
    try:
        return path, stack.enter_context(path.open("rb")), path.stat().st_size
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}. Nothing came in.") from error


class _Work:
    """Files on their way in."""

    def __init__(self, ask: Asking, number: str, pace: Pace, dry: bool) -> None:
        self._ask = ask
        self._number = number
        self._pace = pace
        self._dry = dry
        self._bytes = 0
        self.counts = dict.fromkeys(_ENDINGS, 0)

    def bring(self, path: Path, file: BinaryIO) -> dict[str, Any]:
        """Bring one file in, and give what became of it."""
        counts = dict.fromkeys(_ENDINGS, 0)
        told: list[dict[str, Any]] = []
        with _Rejected(path, dry=self._dry) as rejected:
            for chunk, last in _chunks(path, file):
                page = {"import": self._number, "bytes": b64encode(chunk).decode(), "last": last}
                answer = self._ask("import page", page)
                for name in _ENDINGS:
                    counts[name] += answer[name]
                    self.counts[name] += answer[name]
                for one in answer["told"]:
                    rejected.add(one["line"], one["said"], b64decode(one.pop("raw")))
                    told.append(one)
                self._bytes += len(chunk)
                self._pace.at(self._bytes // _KIB)
        kept = {"rejected": rejected.name, "unwritten": rejected.unwritten}
        return {"file": str(path), **counts, "told": told, **kept}

    def so_far(self) -> str:
        """Say what came in before it ended early."""
        if self._dry:
            return "Nothing was changed."
        return (
            f"Before that, {_counted(self.counts)}; the part that was under way may have come in "
            "as well. What came in stands; run the same import again, and it goes on from there."
        )


def _chunks(path: Path, file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Give a file in parts, each with whether it is the last one; an empty file is one part."""
    chunk = _read(path, file)
    while True:
        following = _read(path, file) if chunk else b""
        yield chunk, not following
        if not following:
            return
        chunk = following


def _read(path: Path, file: BinaryIO) -> bytes:
    try:
        return file.read(PAGE_BYTES)
    except OSError as error:
        raise InvalidError(f"{path} cannot be read on: {error.strerror}.") from error


class _Rejected:
    """What of a file could not be taken; both files are made with the first of it.

    Where they cannot be written, as beside a file on a disk that is read-only, the import goes on:
    what was not taken is in the file that was read, and its lines are told.
    """

    def __init__(self, path: Path, *, dry: bool) -> None:
        self._path = path
        self._dry = dry
        self._drafts = ExitStack()
        self._files: list[Any] = []
        self.name = ""  # of the file with the bytes; "" = there is none
        self.unwritten = ""  # why there is none, though something was not taken

    def __enter__(self) -> _Rejected:
        return self

    def __exit__(self, *why: Any) -> None:
        try:
            self._drafts.__exit__(*why)
        except StrongroomError as error:
            self._give_up(error)

    def add(self, line: int, said: Sequence[str], raw: bytes) -> None:
        """Keep what was refused; what was taken has no bytes here."""
        if not raw or self._dry or self.unwritten:
            return
        try:
            self._write(line, said, raw)
        except StrongroomError as error:
            self._drafts.__exit__(type(error), error, error.__traceback__)
            self._give_up(error)

    def _write(self, line: int, said: Sequence[str], raw: bytes) -> None:
        if not self._files:
            target = _free(self._path)
            self.name = str(target)
            for name in (target, _list_of(target)):
                self._files.append(self._drafts.enter_context(compose.file_draft(name)))
        kept, listed = self._files
        kept.write(raw)
        listing = f"{self._path.name}, line {line}: {' '.join(said)}\n"
        listed.write(listing.encode(errors="surrogateescape"))  # a name may be no UTF-8

    def _give_up(self, error: StrongroomError) -> None:
        self.name, self.unwritten = "", str(error)


def _free(path: Path) -> Path:
    """Give a name beside a file that nothing has; an earlier run's is left alone."""
    number = 1
    while True:
        target = path.with_name(f"{path.name}.rejected{f'-{number}' * (number > 1)}")
        if not any(os.path.lexists(name) for name in (target, _list_of(target))):
            return target
        number += 1


def _list_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.txt")


# --- words ----------------------------------------------------------------------------------------
def report_text(report: Mapping[str, Any]) -> str:
    """Say what came of an import."""
    lines = []
    for file in report["files"]:
        lines.append(f"{file['file']}: {_counted(file)}.")
        lines += [_line_text(one) for one in file["told"][:_SHOWN_MAX]]
        if len(file["told"]) > _SHOWN_MAX:
            lines.append(f"  and {len(file['told']) - _SHOWN_MAX} more: --json lists all")
        if file["rejected"]:
            lines.append(f"  What was not taken is in {file['rejected']}, byte for byte.")
        elif file["unwritten"]:
            lines.append(f"  It could not be put beside the file: {file['unwritten']}")
            lines.append(
                "  Copy the file to where one can write, and run the import again for that."
            )
    if report["dry_run"]:
        lines.append("This was a dry run: nothing was changed.")
    else:
        lines.append("Nothing that stood before is lost; undo takes an import back.")
    return "\n".join(lines)


def _counted(counts: Mapping[str, Any]) -> str:
    return (
        f"{counts['new']} new, {counts['merged']} merged with what stands, "
        f"{counts['unchanged']} there already, {counts['refused']} not taken"
    )


def _line_text(one: Mapping[str, Any]) -> str:
    words = "; ".join(one["said"])
    if one["ending"] == "refused":
        return f"  line {one['line']}: not taken: {words}"
    what = f"merged into {one['href']}" if one["ending"] == "merged" else f"new as {one['href']}"
    return f"  line {one['line']}: {what}" + (f": {words}" if words else "")

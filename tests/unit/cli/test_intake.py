"""`strongroom import`: what is read, what is written beside it, and what is said at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from fakes.desk import SETTINGS, Desk, card
from strongroom import compose
from strongroom.base.errors import InvalidError, UnsureError
from strongroom.cli import intake, main
from strongroom.cli.pace import Pace

JUNK = b"no card\r\n"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()

    @contextmanager
    def session(*_: Any, **__: Any) -> Iterator[Any]:
        yield made.ask

    monkeypatch.setattr(intake, "session", session)
    monkeypatch.setattr(intake, "read_settings", lambda given: SETTINGS)
    return made


def written(place: Path, *parts: bytes, name: str = "all.vcf") -> str:
    target = place / name
    target.write_bytes(b"".join(parts))
    return str(target)


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_files_come_in_and_are_counted(desk: Desk, tmp_path: Path, capsys) -> None:
    desk.put("a.vcf", card("a"))
    first = written(tmp_path, card("a"), card("b"))
    second = written(tmp_path, b"Name,Notes\nZoe,x\n", name="more.csv")
    assert main(["import", "anna", first, second, "--json"]) == 0
    report = told(capsys)
    files = report.pop("files")
    assert report == {
        "login": "anna", "collection": "", "dry_run": False,
        "new": 2, "merged": 0, "unchanged": 1, "refused": 0,
    }  # fmt: skip
    assert [(file["file"], file["new"], file["rejected"]) for file in files] == [
        (first, 1, ""), (second, 1, "")
    ]  # fmt: skip
    assert sorted(one.name for one in tmp_path.iterdir()) == ["all.vcf", "more.csv"]
    assert desk.asked[-1] == "import end"


def test_what_is_not_taken_lies_beside_with_a_list(desk: Desk, tmp_path: Path, capsys) -> None:
    bad = card("x").replace(b"3.0", b"9.9")
    file = written(tmp_path, JUNK, card("a"), bad)
    assert main(["import", "anna", file]) == 10
    said = capsys.readouterr().out
    assert "all.vcf: 1 new, 0 merged with what stands, 0 there already, 2 not taken." in said
    assert "line 1: not taken: This is no part of a card." in said
    assert (tmp_path / "all.vcf.rejected").read_bytes() == JUNK + bad
    lines = (tmp_path / "all.vcf.rejected.txt").read_text().splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["all.vcf, line 1", "all.vcf, line 7"]


def test_an_earlier_list_is_left_alone(desk: Desk, tmp_path: Path, capsys) -> None:
    file = written(tmp_path, JUNK)
    for count, name in enumerate(("all.vcf.rejected", "all.vcf.rejected-2"), 1):
        assert main(["import", "anna", file, "--json"]) == 10
        assert told(capsys)["files"][0]["rejected"] == str(tmp_path / name)
        assert len(list(tmp_path.iterdir())) == 1 + 2 * count


@pytest.mark.parametrize("when", ["begin", "write", "end"])
def test_where_nothing_can_be_written_beside_the_import_goes_on(
    desk: Desk, tmp_path: Path, capsys, monkeypatch, when: str
) -> None:
    @contextmanager
    def full(target: Path) -> Iterator[Any]:
        error = InvalidError(f"{target.name} cannot be written: Read-only file system.")
        if when == "begin":
            raise error
        yield SimpleNamespace(write=Mock(side_effect=error if when == "write" else None))
        raise error

    monkeypatch.setattr(compose, "file_draft", full)
    first = written(tmp_path, JUNK, card("a"), JUNK)
    second = written(tmp_path, card("b"), name="more.vcf")
    assert main(["import", "anna", first, second]) == 10
    said = capsys.readouterr().out
    assert "all.vcf: 1 new, 0 merged with what stands, 0 there already, 2 not taken." in said
    assert "more.vcf: 1 new" in said
    assert "could not be put beside the file: all.vcf.rejected" in said
    assert "is in" not in said


def test_a_file_whose_name_is_no_text_comes_in(desk: Desk, tmp_path: Path, capsys) -> None:
    file = written(tmp_path, JUNK, card("a"), name=os.fsdecode(b"M\xfcller.vcf"))
    assert main(["import", "anna", file, "--json"]) == 10
    (one,) = told(capsys)["files"]
    assert (one["file"], one["new"], one["rejected"]) == (file, 1, f"{file}.rejected")
    assert b"M\xfcller.vcf, line 1: " in Path(f"{file}.rejected.txt").read_bytes()


def test_a_name_that_cannot_be_longer_hinders_no_import(desk: Desk, tmp_path: Path, capsys) -> None:
    file = written(tmp_path, JUNK, card("a"), name="a" * 255)
    assert main(["import", "anna", file, "--json"]) == 10
    (one,) = told(capsys)["files"]
    assert (one["new"], one["rejected"]) == (1, "")
    assert "File name too long" in one["unwritten"]


def test_a_dry_run_writes_nothing_anywhere(desk: Desk, tmp_path: Path, capsys) -> None:
    file = written(tmp_path, card("a"), JUNK)
    assert main(["import", "anna", file, "--dry-run"]) == 10
    assert "This was a dry run: nothing was changed." in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == ["all.vcf"]
    assert desk.cell.head(desk.book.id).members == 0


def test_merged_ones_and_long_lists_are_told(desk: Desk, tmp_path: Path, capsys) -> None:
    desk.put("a.vcf", card("a"))
    mended = [card("").replace(b"UID:\r\n", b"UID:\r\nX:%d\r\n" % n) for n in range(20)]
    file = written(tmp_path, card("a", "Anna"), *mended)
    assert main(["import", "anna", file]) == 0
    said = capsys.readouterr().out
    assert "line 1: merged into a.vcf: both are kept of " in said
    assert ": new as " in said
    assert "and 1 more: --json lists all" in said
    assert "Nothing that stood before is lost; undo takes an import back." in said


@pytest.mark.parametrize(
    ("error", "dry", "status"),
    [(UnsureError, True, 4), (UnsureError, False, 4), (KeyboardInterrupt, False, 130)],
)
def test_what_ends_early_says_what_came_in(
    desk: Desk, tmp_path: Path, capsys, monkeypatch, error, dry: bool, status: int
) -> None:
    monkeypatch.setattr(intake, "PAGE_BYTES", len(card("a")) + 10)
    file = written(tmp_path, card("a"), card("b"), JUNK, card("c"), card("d"))
    ask, pages = desk.ask, []

    def stops(command: str, given: dict[str, Any]) -> dict[str, Any]:
        pages.append(command)
        if pages.count("import page") == 3 or command == "import end":
            raise UnsureError if command == "import end" else error
        return ask(command, given)

    monkeypatch.setattr(desk, "ask", stops)
    assert main(["import", "anna", file, *["--dry-run"] * dry]) == status
    said = capsys.readouterr().err
    assert ("Nothing was changed." if dry else "Before that, 2 new, ") in said
    assert dry or "the part that was under way may have come in as well" in said
    assert dry or "run the same import again" in said
    assert [one.name for one in tmp_path.iterdir()] == ["all.vcf"]


def test_a_file_that_is_not_there_stops_it_before_anything_is_asked(
    desk: Desk, tmp_path: Path, capsys
) -> None:
    file = written(tmp_path, card("a"))
    assert main(["import", "anna", file, str(tmp_path / "none.vcf")]) == 3
    assert "none.vcf cannot be read" in capsys.readouterr().err
    assert desk.asked == []


def test_a_file_that_cannot_be_read_on_says_so(desk: Desk, tmp_path: Path, capsys) -> None:
    (tmp_path / "folder").mkdir()
    assert main(["import", "anna", str(tmp_path / "folder")]) == 3
    assert "folder cannot be read" in capsys.readouterr().err


def test_an_empty_file_brings_nothing(desk: Desk, tmp_path: Path, capsys) -> None:
    assert main(["import", "anna", written(tmp_path), "--json"]) == 0
    assert told(capsys)["new"] == 0


def test_progress_is_told_with_a_rate_and_an_end(
    desk: Desk, tmp_path: Path, capsys, monkeypatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Pace, "at", lambda self, done: seen.append(done))
    monkeypatch.setattr(intake, "PAGE_BYTES", 1024)
    file = written(tmp_path, *[card(str(n)) for n in range(60)])
    assert main(["import", "anna", file]) == 0
    assert seen == sorted(seen)
    assert seen[-1] == Path(file).stat().st_size // 1024

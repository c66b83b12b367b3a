"""`strongroom export`: what is asked for, what is written where, and what is said at the end."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fakes.desk import SETTINGS, Desk, card
from fakes.events import event
from strongroom.base.errors import UnsureError
from strongroom.cli import export, main
from strongroom.cli.export import report_text
from strongroom.cli.pace import Pace, pace_text
from strongroom.cli.screen import Screen
from strongroom.formats.calendarstream import CalendarStream
from strongroom.formats.cardstream import CardStream
from strongroom.formats.vcard import check

PNG = b"\x89PNG\r\n\x1a\n picture"
ALL = [card(name) for name in "abc"]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk()
    for name in "abc":
        made.put(f"{name}.vcf", card(name))

    @contextmanager
    def session(*_: Any, **__: Any) -> Iterator[Any]:
        yield made.ask

    monkeypatch.setattr(export, "session", session)
    monkeypatch.setattr(export, "read_settings", lambda given: SETTINGS)
    return made


def cards(body: bytes) -> list[bytes]:
    stream = CardStream()
    return [piece.card for part in (body, b"") for piece in stream.feed(part, last=not part)]


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_one_file_has_all_cards_and_the_report_its_digest(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "all.vcf"
    assert main(["export", "anna", "--output", str(target), "--json"]) == 0
    written = target.read_bytes()
    assert cards(written) == ALL
    assert told(capsys) == {
        "output": str(target), "count": 3, "bytes": len(written),
        "sha256": hashlib.sha256(written).hexdigest(), "login": "anna", "as": "vcf",
        "collections": ["contacts"], "left": [], "salvaged": [], "missing": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "form"),
    [
        (("--as", "ics"), "ics"), (("--output", "{}/x.ICS"), "ics"),
        (("--collection", "calendars/home"), "ics"), (("--output", "{}/x.vcf"), "vcf"),
        (("--collection", "contacts", "--output", "{}/x.ics"), "vcf"),
    ],
)  # fmt: skip
def test_one_file_has_contacts_or_calendars(
    desk: Desk, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes],
    words: tuple[str, ...], form: str,
) -> None:  # fmt: skip
    desk.put("l.ics", event("SUMMARY:Lunch"), desk.calendar("calendars/home"))
    words = tuple(word.format(tmp_path) for word in words)
    assert main(["export", "anna", *words]) == 0
    out, err = capfdbinary.readouterr()
    written = next((path.read_bytes() for path in tmp_path.iterdir()), out)
    if form == "ics":
        pieces = CalendarStream().feed(written, last=True)
        assert [piece.card for piece in pieces] == [event("SUMMARY:Lunch")]
    else:
        assert cards(written) == ALL
    if "--collection" not in words:
        left = b"contacts" if form == "ics" else b"calendars/home"
        assert b"Not in it: " + left in out + err


def test_a_calendar_is_no_file_of_contacts_and_all_go_into_one_folder(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.put(
        "l.ics", event("SUMMARY:Lunch", "DTSTART:20260105T090000Z"), desk.calendar("calendars/home")
    )
    assert main(["export", "anna", "--as", "vcf", "--collection", "calendars/home"]) == 3
    assert "calendars/home is of another kind" in capsys.readouterr().err
    target = tmp_path / "all"
    assert main(["export", "anna", "--as", "folder", "--output", str(target)]) == 0
    lunch = target / "home" / "Lunch.ics"
    assert lunch.read_bytes() == event("SUMMARY:Lunch", "DTSTART:20260105T090000Z")
    assert len(list(target.glob("Contacts/*.vcf"))) == len(ALL)
    page = (target / "index.html").read_text()
    assert "Data of anna" in page
    assert "2026-01-05 09:00" in page
    assert "Not in it" not in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--output", "-"]])
def test_without_a_name_the_cards_alone_come_on_standard_output(
    desk: Desk, capfdbinary: pytest.CaptureFixture[bytes], more: list[str]
) -> None:
    assert main(["export", "anna", *more]) == 0
    out, err = capfdbinary.readouterr()
    assert cards(out) == ALL
    assert b"3 objects of anna on standard output" in err


def test_cards_are_converted_only_if_that_is_asked_for(
    desk: Desk, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["export", "anna", "--version", "4.0"]) == 0
    assert {check(one).version for one in cards(capfdbinary.readouterr().out)} == {"4.0"}


def test_a_folder_holds_each_card_and_proves_itself(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = f"PHOTO;ENCODING=b:{b64encode(PNG).decode()}\r\n".encode()
    desk.put("p.vcf", card("p", "Pia").replace(b"END:", photo + b"END:"))
    target = tmp_path / "sd"
    assert main(["export", "anna", "--as", "folder", "--output", str(target)]) == 0
    sums = (target / "SHA256SUMS").read_text().splitlines()
    named = {line[66:]: line[:64] for line in sums}
    found = {str(p.relative_to(target)) for p in target.rglob("*") if p.is_file()}
    assert found == {*named, "SHA256SUMS"}
    for name, digest in named.items():
        assert hashlib.sha256((target / name).read_bytes()).hexdigest() == digest
    assert (target / "Contacts" / "Pia.png").read_bytes() == PNG
    assert (target / "Contacts" / "Ann (2).vcf").read_bytes() == card("b")
    said = capsys.readouterr().out
    assert f"4 objects of anna in {target}" in said
    assert "sha256sum -c SHA256SUMS" in said


def test_a_sim_card_gets_its_places_and_the_list_of_who_is_left_out(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(30):
        body = card(f"s{i}", f"Person {i:02}").replace(b"END:", b"TEL:+1555%02d\r\nEND:" % i)
        desk.put(f"s{i}.vcf", body)
    picks = tmp_path / "picks.txt"
    picks.write_text("Person 07\n# and\ns3\nNobody\n")
    target = tmp_path / "sim"
    words = ("--sim", "4", "--pick", str(picks), "--output", str(target))
    assert main(["export", "anna", *words]) == 0
    assert sorted(path.name for path in target.iterdir()) == ["LEFT-OUT.txt", "SIM.csv", "SIM.vcf"]
    table = (target / "SIM.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in table[1:]] == [
        "Person 07", "Person 03", "Person 00", "Person 01"
    ]  # fmt: skip
    assert len(cards((target / "SIM.vcf").read_bytes())) == 4
    left_out = (target / "LEFT-OUT.txt").read_text().splitlines()
    assert left_out[:4] == [*["Ann: there is no number"] * 3,
        "Nobody: it was picked, but nobody with a number is called so"]  # fmt: skip
    assert len(left_out) == 4 + 26
    said = capsys.readouterr().out
    assert "Not on the card (30)" in said
    assert "and 10 more" in said


def test_a_card_that_holds_everybody_leaves_no_list(desk: Desk, tmp_path: Path) -> None:
    for name in "abc":
        desk.put(f"{name}.vcf", card(name).replace(b"END:", b"TEL:1\r\nEND:"))
    target = tmp_path / "sim"
    assert main(["export", "anna", "--as", "sim", "--output", str(target)]) == 0
    assert sorted(path.name for path in target.iterdir()) == ["SIM.csv", "SIM.vcf"]


@pytest.mark.parametrize("form", ["vcf", "folder", "sim"])
def test_what_could_not_be_read_is_listed_and_the_exit_status_tells(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    desk.cell.lost = {desk.put("b.vcf", card("b"))}
    target = tmp_path / "out"
    words = ["export", "anna", "--as", form, "--output", str(target)]
    assert main(words) == 10
    said = capsys.readouterr().out
    assert "Not proven to be all: contacts." in said
    assert "Contacts/b.vcf: no copy of it can be read now" in said
    if form != "vcf":
        assert "Contacts/b.vcf: no copy" in (target / "MISSING.txt").read_text()
    target2 = tmp_path / "again"
    assert main([*words[:-1], str(target2), "--json"]) == 10
    assert told(capsys)["missing"] == [
        {"what": "Contacts/b.vcf", "why": "no copy of it can be read now"}
    ]


def test_a_frozen_account_is_exported_and_not_called_proven(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(desk.cell.freeze(desk.home, "account", "test", "e"))
    target = tmp_path / "all.vcf"
    assert main(["export", "anna", "--output", str(target)]) == 10
    assert cards(target.read_bytes()) == ALL
    assert "Not proven to be all: contacts." in capsys.readouterr().out


@pytest.mark.parametrize("form", ["vcf", "folder"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, UnsureError])
def test_who_is_interrupted_finds_nothing_and_can_run_it_again(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, error: type[Exception]
) -> None:
    real = desk.cell.bodies
    monkeypatch.setattr("strongroom.control.carrying.EXPORT_BODIES_MAX", 1)
    asked = 0

    async def bodies(digests: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise error
        return await real(digests)

    monkeypatch.setattr(desk.cell, "bodies", bodies)
    words = ["export", "anna", "--as", form, "--output", str(tmp_path / "out")]
    assert main(words) == (130 if error is KeyboardInterrupt else 4)
    assert list(tmp_path.iterdir()) == []
    assert main(words) == 0


@pytest.mark.parametrize(
    "words",
    [
        ["--as", "folder"],
        ["--as", "folder", "--output", "-"],
        ["--sim", "250"],
        ["--as", "vcf", "--sim", "250"],
        ["--as", "folder", "--pick", "x", "--output", "y"],
        ["--pick", "x"],
        ["--sim", "0", "--output", "x"],
        ["--json"],
        ["--output", "/"],
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_before_anything_is_asked(
    desk: Desk, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "anna", *words]) == 2
    assert "export rows" not in desk.asked
    assert capsys.readouterr().err


def test_a_list_of_picks_that_cannot_be_read_is_said(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "anna", "--sim", "1", "--output", str(tmp_path / "o"), "--pick"]
    latin = tmp_path / "latin"
    latin.write_bytes(b"J\xfcrgen")
    long = tmp_path / "long"
    long.write_bytes(b"a" * (1024 * 1024 + 1))
    for path in (tmp_path / "none", latin, long):
        assert main([*words, str(path)]) == 3
        assert "Nothing was made" in capsys.readouterr().err
    long.write_bytes(b"a" * (1024 * 1024))
    assert main([*words, str(long)]) == 0


# --- what is said ---------------------------------------------------------------------------------
def test_long_lists_are_cut_on_the_screen() -> None:
    missing = [{"what": f"w{i}", "why": "y"} for i in range(25)]
    report = {"output": "x", "as": "vcf", "count": 1, "login": "anna", "bytes": 5, "sha256": "d",
        "salvaged": ["contacts"], "missing": missing}  # fmt: skip
    text = report_text(report)
    assert "w19: y" in text
    assert "w20" not in text
    assert text.endswith("and 5 more")


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (50, 100, 2.0, "50 of 100 things, 25 a second, about 2 s left"),
        (1, 1000, 1.0, "1 of 1000 things, 1 a second, about 16 min 39 s left"),
        (100, 100, 2.0, "100 of 100 things, 50 a second, nearly there"),
        (0, 10, 2.0, "0 of 10 things, 0 a second, about 0 s left"),
    ],
)
def test_progress_tells_the_rate_and_the_end(
    done: int, total: int, seconds: float, text: str
) -> None:
    assert pace_text("things", done, total, seconds) == text


def test_progress_comes_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    moments = iter((100.0, 100.5, 101.0, 101.5, 102.0, 102.1))
    monkeypatch.setattr("strongroom.cli.pace.time.monotonic", lambda: next(moments))
    screen = Screen()
    monkeypatch.setattr(screen, "progress", said.append)
    pace = Pace(screen, "things", 10)
    for done in range(1, 6):
        pace.at(done)
    assert said == [
        "2 of 10 things, 2 a second, about 4 s left", "4 of 10 things, 2 a second, about 3 s left"
    ]  # fmt: skip

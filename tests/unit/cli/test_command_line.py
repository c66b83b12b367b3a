"""The grammar, the screen, the configuration file: all before any disk is touched."""

import argparse
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom import cli
from strongroom.base.errors import LockedError, SettingsError
from strongroom.cli.arguments import CONTENTS, build_parser
from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen, UsageError

LEAST = """
listen = "127.0.0.1:8800"
data = "data"
replicas = ["a", "b", "c"]
write_quorum = 2
"""


def leaves(parser: argparse.ArgumentParser, path: str = "") -> dict[str, argparse.ArgumentParser]:
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, child in action.choices.items():
                below = leaves(child, f"{path} {name}".strip())
                found |= below or {f"{path} {name}".strip(): child}
    return found


def test_the_table_of_contents_names_every_command():
    for name in leaves(build_parser()):
        assert f"  {name} " in CONTENTS, name


@pytest.mark.parametrize("name", sorted(leaves(build_parser())))
def test_every_command_says_what_it_does(name: str):
    assert len(leaves(build_parser())[name].description or "") > 20


@pytest.mark.parametrize(
    "line",
    [
        "--config x --json account list",
        "account --config x list --json",
        "--json account list --config x",
    ],
)
def test_config_and_json_may_stand_anywhere(line: str):
    given = build_parser().parse_args(line.split())
    assert (given.config, given.json) == ("x", True)


def test_without_config_nothing_is_chosen_here():
    given = build_parser().parse_args(["account", "list"])
    assert (given.config, given.json) == (None, False)


def test_help_is_there_at_once_and_imports_no_engine():
    code = (
        "import sys, strongroom.cli\n"
        "try: strongroom.cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'asyncio', 'apsw', 'uvicorn', 'lxml'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: strongroom")


def test_without_assertions_nothing_starts():
    command = [sys.executable, "-O", "-c", "import strongroom.cli as c; c.main(['status'])"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "drop assertions" in done.stderr


# --- the configuration file ---------------------------------------------------------------------
def test_directories_are_relative_to_the_file(tmp_path: Path):
    (tmp_path / "s.toml").write_text(LEAST)
    assert read_settings(str(tmp_path / "s.toml")).data == tmp_path / "data"


@pytest.mark.parametrize("place", ["strongroom.toml", "var/strongroom.toml"])
def test_without_config_two_places_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
):
    (tmp_path / "var").mkdir()
    (tmp_path / place).write_text(LEAST)
    monkeypatch.chdir(tmp_path)
    assert read_settings(None).data == (tmp_path / place).parent / "data"


def test_no_file_at_all_says_where_it_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="neither strongroom"):
        read_settings(None)


@pytest.mark.parametrize("content", [None, b"\xff", b"a" * (1024 * 1024 + 1), b"listen = 1"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None):
    path = tmp_path / "s.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"s\.toml"):
        read_settings(str(path))


# --- what is printed ----------------------------------------------------------------------------
def test_an_error_says_what_happened_and_what_to_do(capsys: pytest.CaptureFixture[str]):
    Screen().error(LockedError("held by another"))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"strongroom: held by another\n{LockedError.hint}\n"


def test_a_program_gets_one_object_also_for_an_error(capsys: pytest.CaptureFixture[str]):
    screen = Screen(for_programs=True)
    screen.say("on the way")
    screen.error(LockedError("held by another"))
    error = json.loads(capsys.readouterr().out)["error"]
    assert error == {"code": "locked", "message": "held by another", "hint": LockedError.hint}


def test_results_are_text_for_people_and_json_for_programs(capsys: pytest.CaptureFixture[str]):
    Screen().result({"a": 1}, "one")
    Screen(for_programs=True).result({"a": 1}, "one")
    assert capsys.readouterr().out == 'one\n{"a": 1}\n'


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_cleans_up_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
):
    left: list[str] = []

    def ended(*_: object) -> None:
        try:
            signal.raise_signal(number)
        finally:
            left.append("nothing")

    before = [(one, signal.getsignal(one)) for one in (signal.SIGTERM, signal.SIGHUP)]
    monkeypatch.setattr(cli, "_command", lambda name: ended)
    try:
        assert cli.main(["status"]) == 130
    finally:
        for one, handler in before:
            signal.signal(one, handler)
    assert left == ["nothing"]
    assert "Interrupted." in capsys.readouterr().err


def test_a_command_line_that_is_wrong_is_one_object_too(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["undo", "anna", "--json"]) == cli.main(["undo", "anna"]) == 2
    shown = capsys.readouterr()
    assert json.loads(shown.out)["error"]["code"] == "usage"
    assert shown.err.count("usage: strongroom") == 2
    assert "One of the arguments --to --entry --device is required." in shown.err


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_an_output_cannot_take_is_shown_all_the_same(
    monkeypatch: pytest.MonkeyPatch, encoding: str
):
    value = {"file": "a\udcff", "name": "\U0001f600"}

    def shown(*, for_programs: bool) -> str:
        out = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr("sys.stdout", out)
        Screen(for_programs=for_programs).result(value, value["file"])
        return out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]

    assert shown(for_programs=False) == "a\\udcff\n"
    assert json.loads(shown(for_programs=True)) == value


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_asked_for_must_be_typed_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", Terminal("412\n"))
    Screen().typed("number?", "412", "use --number")
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    with pytest.raises(UsageError, match="Nothing was changed"):
        Screen().typed("number?", "412", "use --number")


def test_nobody_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("412\n"))
    with pytest.raises(UsageError, match="use --number"):
        Screen().typed("number?", "412", "use --number")


def test_a_wrong_file_ends_with_its_exit_status(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["--json", "status", "--config", "/nowhere/s.toml"]) == 5
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "settings"

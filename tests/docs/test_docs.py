"""The docs tell the truth: the commands they show run, and every limit that they name is ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.server import ServerProcess, free_port
from strongroom.base import limits
from strongroom.cli.arguments import build_parser

ROOT = Path(__file__).resolve().parents[2]
SHOWN = re.compile(r"^(?:\.venv/bin/)?(strongroom .+?)(?:\s+#.*)?$")
DOCTOR = "strongroom doctor https://contacts.example.org/"
# Shown for another state of the world than the one here; each is run by a test of its own.
ELSEWHERE = {
    "strongroom serve": "started by the test itself",
    "strongroom serve --config strongroom.toml": "started by the test itself",
    "strongroom device add anna tablet --qr": "needs a network: tests/e2e/test_lan.py",
    DOCTOR: "needs that server: tests/e2e/test_doctor.py",
    f"{DOCTOR} --login anna --password-file password.txt": "needs that server, too",
    "strongroom demo": "before a start only: tests/e2e/test_commands.py",
    "strongroom replica rebuild r2": "needs a dead disk: tests/e2e/test_commands.py",
    "strongroom replica rebuild r1 --from r1": "needs a lost quorum: tests/e2e/test_commands.py",
    "strongroom account thaw anna": "needs a frozen account: tests/e2e/test_thaw.py",
}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    return [found[1] for line in lines if (found := SHOWN.match(line.strip()))]


@pytest.mark.parametrize("page", ["README.md", "docs/operate.md"])
def test_the_commands_of_a_page_run_in_their_order(page: str, tmp_path: Path) -> None:
    """Those before `serve` run without a server, those behind it beside one."""
    place = tmp_path / "a place"
    server = ServerProcess(place)
    shown = commands(page)
    assert len(shown) > 3
    try:
        for command in shown:
            if command.startswith("strongroom serve"):
                server.start()
            elif command not in ELSEWHERE:
                run(command, place)
    finally:
        server.stop()


def run(command: str, place: Path) -> None:
    words = re.findall(r'"([^"]*)"|(\S+)', command)
    arguments = [quoted or plain for quoted, plain in words][1:]
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", *arguments],
        cwd=place, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def test_the_toml_of_the_readme_is_accepted(tmp_path: Path) -> None:
    (block,) = re.findall(r"<<'TOML'\n(.*?)TOML", (ROOT / "README.md").read_text(), re.DOTALL)
    text = re.sub(r'"/(srv|disk\d)', rf'"{tmp_path}/\1', block)
    text = text.replace(":8800", f":{free_port()}") + "toy = true\n"
    (tmp_path / "strongroom.toml").write_text(text)
    run("strongroom init", tmp_path)
    assert (tmp_path / "disk3" / "strongroom" / "replica.json").exists()


def test_every_make_target_of_the_readme_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    shown = re.findall(r"(?:`|^)make ([a-z]+)|`([a-z]+)(?: [A-Z]+=\S+)?`", readme(), re.MULTILINE)
    named = {one or other for one, other in shown} & set(targets)
    assert {"run", "test", "check", "bench", "sim", "sabotage", "crash", "suites"} <= named


def readme() -> str:
    return (ROOT / "README.md").read_text()


def test_every_command_is_in_the_operating_page_or_the_readme() -> None:
    text = readme() + (ROOT / "docs/operate.md").read_text()
    missing = [name for name in command_names() if f"strongroom {name}" not in text]
    assert not missing


def command_names() -> list[str]:
    listed = re.findall(
        r"^  ([a-z]+(?: [a-z]+)?) .*  \S", build_parser().format_help(), re.MULTILINE
    )
    assert len(listed) > 8
    return listed


def test_every_link_of_a_page_leads_somewhere() -> None:
    pages = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{page.name}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text())
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert not broken


def test_the_default_reserve_of_the_settings_page_is_the_one_in_force() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    assert f"Default {limits.RESERVE_BYTES} " in text

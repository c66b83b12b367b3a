"""What lies in packaging/ fits together, and its commands are ours."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from strongroom.base.settings import Settings, parse
from strongroom.cli.arguments import build_parser
from strongroom.cli.exits import EXITS

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
UNIT = PACKAGING / "systemd" / "strongroom.service"
CONTAINER = PACKAGING / "container"
EXPOSURE_MAX = 2.0  # of systemd's own review: 0 = nothing is open, 10 = everything


def settings() -> Settings:
    return parse((PACKAGING / "strongroom.toml").read_text(), Path("/etc/strongroom"))


def unit(key: str) -> list[str]:
    """Every value of a key in the unit."""
    return re.findall(rf"^{key}=(.*)$", UNIT.read_text(), re.MULTILINE)


def accepted(words: str | list[str]) -> str:
    """Parse a command line without its program; gives the command."""
    given = build_parser().parse_args(shlex.split(words) if isinstance(words, str) else words)
    return str(given.command)


def test_the_example_is_for_a_machine_of_its_own() -> None:
    example = settings()
    assert (example.toy, len(example.replicas), example.write_quorum) == (False, 3, 2)
    assert example.public_url
    assert example.trusted_proxies
    assert example.access_log == "stderr"


def test_every_proxy_leads_to_the_address_of_the_example() -> None:
    example = settings()
    address = f"{example.host}:{example.port}"
    host = example.public_url.removeprefix("https://")
    for name in ("nginx.conf", "apache.conf", "Caddyfile"):
        text = (PACKAGING / "proxies" / name).read_text()
        assert address in text, name
        assert host in text, name


# --- systemd --------------------------------------------------------------------------------------
def test_the_unit_requires_data_and_only_wants_the_replicas() -> None:
    """I9: one of three disks may be missing, at a start too."""
    example = settings()
    assert unit("RequiresMountsFor") == [str(example.data)]
    mounts = " ".join(f"{place.parent.name}.mount" for place in example.replicas)
    assert unit("Wants")[-1] == unit("After")[-1] == mounts
    assert unit("Requires") == unit("BindsTo") == []


def test_the_unit_may_write_data_and_each_disk_by_its_mount_point() -> None:
    """A directory instead would hide a disk that comes back (docs/decisions.md 23)."""
    example = settings()
    assert unit("ProtectSystem") == ["strict"]
    disks = " ".join(f"-{place.parent}" for place in example.replicas)
    assert unit("ReadWritePaths") == [str(example.data), disks]


def test_the_unit_starts_what_there_is_and_not_again_what_cannot_start() -> None:
    (start,) = unit("ExecStart")
    program, _, words = start.partition(" ")
    assert program.endswith("/.venv/bin/strongroom")
    assert accepted(words) == "serve"
    ends = {int(number) for number in unit("RestartPreventExitStatus")[0].split()}
    assert ends == {EXITS["usage"], EXITS["settings"], EXITS["no-cell"]}


def review(*words: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze here")
    return subprocess.run(
        [program, *words], capture_output=True, text=True, timeout=60, check=False
    )


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    there = tmp_path / UNIT.name
    program = unit("ExecStart")[0].split()[0]
    there.write_text(UNIT.read_text().replace(program, shutil.which("true") or "/bin/true"))
    told = review("verify", "--man=no", str(there))
    ours = [line for line in told.stderr.splitlines() if there.name in line]
    assert ours == []
    there.write_text(there.read_text().replace("NoNewPrivileges", "NoNewPrivilege"))
    assert "NoNewPrivilege" in review("verify", "--man=no", str(there)).stderr


def test_systemd_finds_the_unit_closed() -> None:
    told = review("security", "--offline=true", "--no-pager", str(UNIT)).stdout
    (level,) = re.findall(r"Overall exposure level for \S+: ([0-9.]+)", told)
    assert float(level) <= EXPOSURE_MAX


# --- containers -----------------------------------------------------------------------------------
def test_what_the_container_copies_is_there_and_its_commands_are_ours() -> None:
    text = (CONTAINER / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert {"src", "requirements/lock.txt", "pyproject.toml"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    (program,) = json.loads(re.findall(r"^ENTRYPOINT (.+)$", text, re.MULTILINE)[0])
    assert Path(program).name == "strongroom"
    assert accepted(json.loads(re.findall(r"^CMD (.+)$", text, re.MULTILINE)[0])) == "serve"


def test_the_versions_in_the_container_are_those_of_the_lock() -> None:
    """The sed of the Containerfile leaves a name and a version on each line."""
    text = (CONTAINER / "Containerfile").read_text()
    (script,) = re.findall(r"sed '([^']+)'", text)
    done = subprocess.run(
        ["sed", script, str(ROOT / "requirements/lock.txt")],
        capture_output=True, text=True, timeout=20, check=True,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    assert len(lines) > 20
    assert [line for line in lines if not re.match(r"[\w.\-]+==[\w.+!]+( ;.*)?$", line)] == []


def test_the_compose_file_mounts_every_place_of_the_example_and_its_commands_are_ours() -> None:
    text = (CONTAINER / "compose.yaml").read_text()
    example = settings()
    mounted = re.findall(r"^ +- (\S+?):(\S+?)(?::ro)?$", text, re.MULTILINE)
    for place in (example.data, *example.replicas):
        assert (str(place), str(place)) in mounted
    files = [source for source, _ in mounted if source.startswith("../")]
    assert files
    assert all((CONTAINER / source).exists() for source in files)
    assert (ROOT / re.findall(r"dockerfile: (\S+)", text)[0]).exists()
    shown = re.findall(r"compose (?:run --rm|exec strongroom) strongroom ([a-z ]+?)(?:  |$)", text,
                       re.MULTILINE)  # fmt: skip
    assert [accepted(words) for words in shown] == ["init", "account", "status"]


# --- the page -------------------------------------------------------------------------------------
def test_the_commands_of_the_install_page_are_ours_and_its_files_are_there() -> None:
    text = (ROOT / "docs/install.md").read_text()
    shown = re.findall(r"^(?:runuser -u strongroom -- )?strongroom (.+)$", text, re.MULTILINE)
    assert [accepted(words) for words in shown] == [
        "init", "account", "status", "doctor", "device",
    ]  # fmt: skip
    files = re.findall(r"packaging/[\w./]+\w", text)
    assert len(files) > 3
    assert [name for name in files if not (ROOT / name).exists()] == []

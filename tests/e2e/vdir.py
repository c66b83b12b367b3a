"""The real client vdirsyncer, with a folder of vCards or of events for each device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from e2e.server import ServerProcess


class Kind(NamedTuple):
    """What is kept in step: its protocol, the ends of its files' names, its collections."""

    protocol: str
    extension: str
    names: tuple[str, ...]


CARDS = Kind("carddav", "vcf", ("contacts",))
EVENTS = Kind("caldav", "ics", ("calendar", "tasks", "notes"))
PROGRAMS = Path(sys.executable).parent
SECONDS = 60.0


class Vdirsyncer:
    """One device: `folder` holds its cards or events, `sync` runs the program once."""

    def __init__(
        self, place: Path, server: ServerProcess, login: str, password: str,
        kind: Kind = CARDS,
    ) -> None:  # fmt: skip
        self.place = place
        self.home = place / "things"
        self.folder = self.home / kind.names[0]  # where most is looked for
        self._extension = kind.extension
        for name in kind.names:
            (self.home / name).mkdir(parents=True)
        self._config = place / "config"
        self._config.write_text(
            f"""[general]
status_path = {json.dumps(str(place / "status"))}
[pair all]
a = "here"
b = "there"
collections = {json.dumps(kind.names)}
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = {json.dumps(str(self.home))}
fileext = ".{self._extension}"
[storage there]
type = "{kind.protocol}"
url = "{server.address}"
username = "{login}"
password = "{password}"
"""
        )

    def discover(self) -> None:
        self._run("discover", "all")

    def sync(self) -> str:
        """Sync once and give what the program said."""
        return self._run("sync", "all")

    def _run(self, *words: str, check: bool = True) -> str:
        command = [PROGRAMS / "vdirsyncer", "-c", self._config, *words]
        done = subprocess.run(
            [str(word) for word in command],
            input="y\n" * 5, capture_output=True, text=True, timeout=SECONDS, check=False,
            env=environment(self.place),
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == 0 or not check, said
        return said

    def sync_that_may_fail(self) -> str:
        return self._run("sync", "all", check=False)

    # --- what it has ------------------------------------------------------------------------------
    def add(self, name: str, body: bytes, collection: str = "") -> None:
        folder = self.home / collection if collection else self.folder
        (folder / f"{name}.{self._extension}").write_bytes(body)

    @property
    def _paths(self) -> list[Path]:
        return sorted(self.home.glob(f"*/*.{self._extension}"))

    @property
    def things(self) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in self._paths}

    def file_with(self, text: str) -> Path:
        """Give the one file that holds `text`."""
        (found,) = [p for p in self._paths if text in p.read_text(encoding="utf-8")]
        return found

    def has(self, text: str) -> bool:
        return any(text.encode() in body for body in self.things.values())


def environment(home: Path) -> dict[str, str]:
    """Give a client an environment in which it finds nobody's own settings."""
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "XDG_CONFIG_HOME": str(home),
    }

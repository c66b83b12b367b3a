"""The real client vdirsyncer, with a folder of vCards for each device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from e2e.server import ServerProcess

BOOK = "contacts"
PROGRAMS = Path(sys.executable).parent
SECONDS = 60.0


class Vdirsyncer:
    """One device: `folder` holds its cards, `sync` runs the program once."""

    def __init__(self, place: Path, server: ServerProcess, login: str, password: str) -> None:
        self.place = place
        self.folder = place / "cards" / BOOK
        self.folder.mkdir(parents=True)
        self._config = place / "config"
        self._config.write_text(
            f"""[general]
status_path = {json.dumps(str(place / "status"))}
[pair all]
a = "here"
b = "there"
collections = ["{BOOK}"]
conflict_resolution = "b wins"
[storage here]
type = "filesystem"
path = {json.dumps(str(place / "cards"))}
fileext = ".vcf"
[storage there]
type = "carddav"
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

    # --- its cards --------------------------------------------------------------------------------
    def add(self, name: str, body: bytes) -> None:
        (self.folder / f"{name}.vcf").write_bytes(body)

    @property
    def cards(self) -> dict[str, bytes]:
        return {path.stem: path.read_bytes() for path in sorted(self.folder.glob("*.vcf"))}

    def file_with(self, text: str) -> Path:
        """Give the one file that holds `text`."""
        (found,) = [p for p in self.folder.glob("*.vcf") if text in p.read_text(encoding="utf-8")]
        return found

    def has(self, text: str) -> bool:
        return any(text.encode() in body for body in self.cards.values())


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

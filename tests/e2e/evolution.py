"""GNOME's address book and calendars without a screen: evolution-data-server in a bus of its own.

The data server reads a file that names the account, as the account assistant of Evolution would
write it; see evolution_driver.py for what speaks to it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from e2e.server import BOOK, ServerProcess
from e2e.vdir import environment

PYTHON = "/usr/bin/python3"  # the one that Debian's python3-gi belongs to
DRIVER = Path(__file__).with_name("evolution_driver.py")
SOURCE = "strongroom"
END_SECONDS = 20.0
SETTLE_SECONDS = 30.0
FAILING_SECONDS = 1.0  # of a refresh that fails and is tried again behind the screen


def missing() -> str:
    """Say what keeps it from being run here; "" = nothing."""
    if shutil.which("dbus-run-session") is None:
        return "no dbus-run-session"
    if not Path("/usr/libexec/evolution-source-registry").exists():
        return "no evolution-data-server"
    asked = (
        "import gi; gi.require_version('EBook', '1.2'); gi.require_version('ECal', '2.0'); "
        "from gi.repository import EBook, ECal"
    )
    there = subprocess.run([PYTHON, "-c", asked], capture_output=True, check=False)
    return "" if there.returncode == 0 else "no python3-gi with gir1.2-ebook-1.2, gir1.2-ecal-2.0"


class Part(NamedTuple):
    """What of an account the desktop has: as its driver, its settings and our address call it."""

    kind: str
    section: str
    protocol: str
    path: str


CONTACTS = Part("book", "Address Book", "carddav", BOOK)
CALENDARS = [
    Part(kind, section, "caldav", f"/dav/calendars/{{login}}/{name}/")
    for kind, section, name in (
        ("events", "Calendar", "calendar"),
        ("tasks", "Task List", "tasks"),
        ("memos", "Memo List", "notes"),
    )
]


class Evolution:
    """One desktop with one collection of an account."""

    def __init__(
        self, place: Path, server: ServerProcess, login: str, password: str,
        part: Part = CONTACTS,
    ) -> None:  # fmt: skip
        sources = place / "evolution" / "sources"
        sources.mkdir(parents=True)
        (sources / f"{SOURCE}.source").write_text(
            f"""[Data Source]
DisplayName=Strongroom
Enabled=true
Parent={part.protocol}-stub
[{part.section}]
BackendName={part.protocol}
[Authentication]
Host=127.0.0.1
Port={urlsplit(server.address).port}
User={login}
Method=plain/password
RememberPassword=false
ProxyUid=system-proxy
[Security]
Method=none
[WebDAV Backend]
ResourcePath={part.path.format(login=login)}
[Offline]
StaySynchronized=true
"""
        )
        runtime = place / "run"
        runtime.mkdir(mode=0o700)
        folders = {f"XDG_{name}_HOME": str(place) for name in ("DATA", "CACHE")}
        self._log = (place / "log").open("wb")
        self._process = subprocess.Popen(
            ["dbus-run-session", "--", PYTHON, str(DRIVER), part.kind, SOURCE, login, password],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
            env={**environment(place), **folders, "XDG_RUNTIME_DIR": str(runtime),
                 "GIO_USE_NETWORK_MONITOR": "base", "GSETTINGS_BACKEND": "memory"},
        )  # fmt: skip
        assert self._read() == {"opened": True}, (place / "log").read_text()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else None

    def sync_that_may_fail(self) -> None:
        """Ask for a refresh; it goes on behind the screen for a moment."""
        self._say(do="refresh")
        time.sleep(FAILING_SECONDS)

    def _say(self, **words: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _ask(self, **words: str) -> Any:
        said = self._say(**words)
        assert "answer" in said, said
        return said["answer"]

    def refusal_of(self, **words: str) -> str:
        """Ask for what must not work, and give what the person reads."""
        said: str = self._say(**words)["error"]
        return said

    def add(self, uid: str, name: str) -> None:
        self.add_body(f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n")

    def add_body(self, body: str) -> None:
        self._ask(do="add", body=body)

    def rename(self, uid: str, name: str) -> None:
        self._ask(do="rename", uid=uid, name=name)

    def remove(self, uid: str) -> None:
        self._ask(do="remove", uid=uid)

    @property
    def contacts(self) -> dict[str, str]:
        """Give UID and name of each contact, or of each entry, that the desktop shows."""
        listed: dict[str, str] = self._ask(do="list")
        return listed

    def sync_until(self, contacts: dict[str, str]) -> None:
        """Refresh, and wait until the desktop shows just these."""
        until = time.monotonic() + SETTLE_SECONDS
        self._ask(do="refresh")
        while self.contacts != contacts and time.monotonic() < until:
            time.sleep(0.1)
        assert self.contacts == contacts

    def end(self) -> None:
        """End the driver, and with it the bus and all that was started on it."""
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            self._log.close()

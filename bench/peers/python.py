"""Radicale and Xandikos under test, from a venv of their own.

Radicale is filled by one PUT of the whole book and by files, Xandikos by files and one git commit.
It is the state that PUTs would have led to, only with a shorter git history, which favours them.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from bench import dav
from bench.adapter import LOGIN, PASSWORD, filled, filled_calendar
from bench.cards import card, uid
from bench.events import event
from bench.events import uid as event_uid
from bench.peers.peer import Peer
from bench.process import Process, run
from bench.wire import Connection

REQUIREMENTS = Path(__file__).parent.parent / "requirements.txt"
GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "Bench",
    "GIT_AUTHOR_EMAIL": "bench@localhost",
    "GIT_COMMITTER_NAME": "Bench",
    "GIT_COMMITTER_EMAIL": "bench@localhost",
}


def lock_digest() -> str:
    """What names a set of peers: the digest of their lock."""
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]


def ensure_venv(cache: Path) -> Path:
    """Make the peers' venv if it is not there for this lock; return its python."""
    venv = cache.parent / "bench-venv"
    python = venv / "bin" / "python"
    stamp = venv / "lock-digest"
    if stamp.exists() and stamp.read_text() == lock_digest() and python.exists():
        return python
    shutil.rmtree(venv, ignore_errors=True)
    print(f"installing the peers into {venv} ...", flush=True)
    run([sys.executable, "-m", "venv", venv])
    run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", REQUIREMENTS])
    stamp.write_text(lock_digest())
    return python


class VenvPeer(Peer):
    """A peer in the venv."""

    package: str

    def __init__(self, cache: Path) -> None:
        super().__init__(cache)
        self._python = Path()

    def version(self) -> str:
        ask = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        return run([self._python, "-c", ask]).strip()

    def _install(self) -> str:
        self._python = ensure_venv(self._cache)
        return f"{self.package}-{lock_digest()}"


class Radicale(VenvPeer):
    """Radicale with htpasswd (plain) and default storage: it fsyncs files and folders."""

    name = "Radicale"
    package = "radicale"

    def _home(self) -> str:
        return f"/{LOGIN}/"

    def _launch(self, place: Path, port: int) -> Process:
        users, config = place / "users", place / "config"
        users.write_text(f"{LOGIN}:{PASSWORD}\n")
        config.write_text(
            f"[server]\nhosts = 127.0.0.1:{port}\n"
            f"[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\n"
            f"[storage]\nfilesystem_folder = {place / 'store'}\n"
            "[logging]\nlevel = warning\n"
        )
        command: list[str | Path] = [self._python, "-m", "radicale", "--config", config]
        return Process(command, place / "server.log")

    async def _fill_book(
        self,
        connection: Connection,
        store: Path,  # noqa: ARG002 - only Xandikos is filled from behind
        size: int,
    ) -> None:
        book = connection.target.book(filled(size))
        body = b"".join(map(card, range(size)))
        (await connection.ask("PUT", book, dav.VCARD, body)).expect(201, 204)

    def _calendars(self) -> str:
        return self._home()

    async def _fill_calendar(
        self, connection: Connection, calendar: str, store: Path, size: int
    ) -> None:
        # It takes no calendar of that size in one PUT.
        await dav.make_calendar(connection, calendar)
        folder = store / "collection-root" / LOGIN / filled_calendar(size)
        for number in range(size):
            (folder / f"{event_uid(number)}.ics").write_bytes(event(number))


class Xandikos(VenvPeer):
    """Xandikos without a password check (it refuses one over plain HTTP), on a git store."""

    name = "Xandikos"
    package = "xandikos"

    def _home(self) -> str:
        return f"/{LOGIN}/contacts/"

    def _launch(self, place: Path, port: int) -> Process:
        command: list[str | Path] = [self._python, "-m", "xandikos", "serve", "--defaults"]
        command += ["--directory", place / "store", "--state-dir", place / "state"]
        command += ["--current-user-principal", f"/{LOGIN}/"]
        command += ["--listen-address", "127.0.0.1", "--port", str(port)]
        env = {**GIT_IDENTITY, "HOME": str(place)}
        return Process(command, place / "server.log", env)

    async def _fill_book(self, connection: Connection, store: Path, size: int) -> None:
        await dav.make_book(connection, connection.target.book(filled(size)))
        folder = store / LOGIN / "contacts" / filled(size)
        for number in range(size):
            (folder / f"{uid(number)}.vcf").write_bytes(card(number))
        _commit(folder)

    def _calendars(self) -> str:
        return f"/{LOGIN}/calendars/"

    async def _fill_calendar(
        self, connection: Connection, calendar: str, store: Path, size: int
    ) -> None:
        await dav.make_calendar(connection, calendar)
        folder = store / LOGIN / "calendars" / filled_calendar(size)
        for number in range(size):
            (folder / f"{event_uid(number)}.ics").write_bytes(event(number))
        _commit(folder)


def _commit(folder: Path) -> None:
    # No packing behind our back: the store is about to be copied, and PUTs pack nothing either.
    git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@localhost"]
    git += ["-c", "gc.auto=0", "-c", "maintenance.auto=false"]
    run([*git, "add", "-A"], folder)
    run([*git, "commit", "-q", "-m", "Fill"], folder)

"""Radicale and Xandikos under test, from a venv of their own, with their own default durability.

A book of ten thousand takes them minutes to fill by PUT, so a filled store is made once (Radicale:
one PUT of the whole collection; Xandikos: files and one git commit), warmed by one first sync, kept
under `.cache/bench`, and copied for each round. It is the state that PUTs would have led to, only
with a shorter git history, which favours the peer.
"""

import hashlib
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench import dav
from bench.adapter import FRESH, LOGIN, PASSWORD, Running, filled
from bench.cards import card, uid
from bench.process import Process, ServerError, free_port, run
from bench.wire import Connection, Target

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
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


class Peer(ABC):
    """What both have in common: the venv, and a filled store that is copied for each round."""

    name: str
    package: str

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._python = Path()

    def version(self) -> str:
        """The version in the venv."""
        ask = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        return run([self._python, "-c", ask]).strip()

    async def prepare(self, sizes: Sequence[int]) -> None:
        """Install, and make the filled store unless it is kept from an earlier run."""
        self._python = ensure_venv(self._cache)
        if (store := self._store(sizes)).exists():
            return
        print(f"filling {self.name} with {sizes} contacts, once ...", flush=True)
        making = store.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        await self._fill(making, sizes)
        making.rename(store)

    async def start(self, place: Path, sizes: Sequence[int]) -> Running:
        """Start on a copy of the filled store."""
        shutil.copytree(self._store(sizes), place / "store", symlinks=True)
        return await self._serve(place)

    def _store(self, sizes: Sequence[int]) -> Path:
        cards = hashlib.sha256(b"".join(map(card, range(100)))).hexdigest()[:8]
        return self._cache / "-".join([self.package, lock_digest(), cards, *map(str, sizes)])

    async def _fill(self, making: Path, sizes: Sequence[int]) -> None:
        place = making.with_suffix(".place")
        shutil.rmtree(place, ignore_errors=True)
        (place / "store").mkdir(parents=True)
        running = await self._serve(place)
        try:
            connection = Connection(running.target)
            await self._make_home(connection)
            for size in sizes:
                await self._fill_book(connection, place / "store", size)
                await warm(connection, filled(size), size)
            connection.close()
        finally:
            running.process.stop()
        shutil.copytree(place / "store", making, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(place)

    async def _serve(self, place: Path) -> Running:
        port = free_port()
        process = self._launch(place, port)
        try:
            process.wait_for_port(port)
        except BaseException:  # cleans up, then raises it again
            process.stop()
            raise
        target = Target(port, self._home(), LOGIN, PASSWORD)
        return Running(self.name, target, process)

    async def _make_home(self, connection: Connection) -> None:
        await dav.make_book(connection, connection.target.book(FRESH))

    @abstractmethod
    def _home(self) -> str: ...

    @abstractmethod
    def _launch(self, place: Path, port: int) -> Process: ...

    @abstractmethod
    async def _fill_book(self, connection: Connection, store: Path, size: int) -> None: ...


async def warm(connection: Connection, name: str, size: int) -> None:
    """One first sync, so that what a server keeps beside its store is there."""
    listing = await dav.sync(connection, connection.target.book(name), "")
    if (found := len(dav.members(listing.body))) != size:
        raise ServerError(f"filled {size}, but {found} are listed")


class Radicale(Peer):
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


class Xandikos(Peer):
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
        # No packing behind our back: the store is about to be copied, and PUTs pack nothing either.
        git = ["git", "-c", "user.name=Bench", "-c", "user.email=bench@localhost"]
        git += ["-c", "gc.auto=0", "-c", "maintenance.auto=false"]
        run([*git, "add", "-A"], folder)
        run([*git, "commit", "-q", "-m", "Fill"], folder)

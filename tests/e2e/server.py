"""A real server in a directory of its own: init, serve, accounts, devices, and its end.

It speaks to Strongroom as any other program does: the command, the TOML file, signals and HTTP. It
ends only the process that it started, by its own id, and always does.
"""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from phone.wire import Wire

START_SECONDS = 40.0
STOP_SECONDS = 40.0
COMMAND_SECONDS = 60.0
NEAR = 8  # batches that a replica may lack while writes go on
BOOK = "/dav/addressbooks/{login}/contacts/"


class ServerError(Exception):
    """The server or a command did not do what was asked of it."""


def free_port() -> int:
    """Give a loopback port that nobody held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """A cell with three replicas below `place`, and at most one process that serves it."""

    def __init__(self, place: Path, *, replicas: Sequence[Path] | None = None) -> None:
        self.place = place
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/"
        self.data = place / "data"
        self.replicas = list(replicas or (place / f"r{number}" for number in (1, 2, 3)))
        self.config = place / "strongroom.toml"
        self.log = place / "server.log"
        self.entry: tuple[str, ...] = ("-m", "strongroom")  # what is run instead of it in a test
        self.more: tuple[str, ...] = ()  # what `serve` is told besides
        self.authority: Path | None = None  # over TLS: whom a client trusts
        self._child: subprocess.Popen[bytes] | None = None
        self._wires: list[Wire] = []
        self.passwords: dict[str, str] = {}  # device -> password, of what `add_device` made
        place.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            f'listen = "127.0.0.1:{self.port}"\n'
            f"data = {json.dumps(str(self.data))}\n"
            f"replicas = {json.dumps([str(path) for path in self.replicas])}\n"
            "write_quorum = 2\ntoy = true\nreserve_bytes = 1048576\n"
        )

    # --- commands ---------------------------------------------------------------------------------
    def run(self, *words: str, check: bool = True, entry: Sequence[str] | None = None) -> str:
        """Run one command with this configuration and give what it printed."""
        command = [sys.executable, *(entry or ("-m", "strongroom")), *words]
        done = subprocess.run(
            [*command, "--config", str(self.config)],
            capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout)[-1500:]
            raise ServerError(f"{' '.join(words)} ended with {done.returncode}: {said}")
        return done.stdout

    def init(self) -> None:
        self.run("init")

    def add_account(self, login: str) -> None:
        self.run("account", "add", login)

    def add_device(self, login: str, name: str) -> str:
        """Give the new device's password."""
        self.passwords[name] = self.run("device", "add", login, name, "--print", "password").strip()
        return self.passwords[name]

    def copy_to(self, place: Path) -> ServerProcess:
        """Copy a cell that nobody serves; the copy has a port of its own."""
        copy = ServerProcess(place)
        for source, target in zip(
            [self.data, *self.replicas], [copy.data, *copy.replicas], strict=True
        ):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("lock", "*.sock"))
        copy.passwords = dict(self.passwords)
        return copy

    def whole(self) -> bool:
        """Say whether every replica of the running server is a voter, and none is far behind."""
        told: dict[str, Any] = json.loads(self.run("replica", "list", "--json"))
        rows = told["replicas"]
        return all(row["standing"] == "voter" and row["behind"] < NEAR for row in rows)

    def scrub(self) -> list[dict[str, Any]]:
        """Scrub all replicas and give what was found in each."""
        told: dict[str, Any] = json.loads(self.run("scrub", "--json"))
        rows: list[dict[str, Any]] = told["replicas"]
        return rows

    def rebuild(self, replica: str) -> None:
        """Fill a blank place anew; the server may be busy with it for a moment."""
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                self.run("replica", "rebuild", replica)
            except ServerError as error:
                if "already" not in str(error) or time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return

    # --- the process ------------------------------------------------------------------------------
    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start the server; with `wait`, return once it takes writes."""
        assert not self.running, "it runs already"
        with self.log.open("ab") as out:
            self._child = subprocess.Popen(
                [sys.executable, *self.entry, "serve", *self.more, "--config", str(self.config)],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )  # fmt: skip
        if wait:
            self.wait_until(200)

    def wait_until(self, status: int, seconds: float = START_SECONDS) -> None:
        """Return once /healthz answers with `status`."""
        if not self.answers(status, seconds):
            raise ServerError(f"/healthz is not {status} after {seconds:.0f} s: {self.words()}")

    def answers(self, status: int, seconds: float = START_SECONDS) -> bool:
        """Say whether /healthz comes to answer with `status`; False if the process ends before."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.running:
            if self.health() == status:
                return True
            time.sleep(0.02)
        return False

    def health(self) -> int:
        """Give the status of /healthz now; 0 = nobody answers."""
        probe = self.connection()
        try:
            probe.request("GET", "/healthz")
            return probe.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            probe.close()

    def connection(self, timeout: float = 5) -> http.client.HTTPConnection:
        """Give a new connection, over TLS once there is an authority to trust."""
        if self.authority is None or not self.authority.exists():
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        trusting = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection(
            "localhost", self.port, timeout=timeout, context=trusting
        )

    def words(self) -> str:
        """Give the end of its log."""
        return self.log.read_text(errors="replace")[-2000:].strip() if self.log.exists() else ""

    def kill(self) -> None:
        """End it as a crash would."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait(STOP_SECONDS)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Wait for it to end by itself and give its exit status."""
        assert self._child is not None
        return self._child.wait(seconds)

    def stop(self) -> int:
        """End it by SIGTERM, insist where it does not, and give its exit status."""
        if self._child is None:
            return 0
        if self.running:
            self._child.terminate()
            try:
                self._child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise ServerError(f"SIGTERM did not end it: {self.words()}") from None
        return self._child.returncode

    # --- clients ----------------------------------------------------------------------------------
    def wire(self, login: str, password: str, agent: str = "DAVx5/4.5 (test)") -> Wire:
        """Give a device's connection; `end` closes it."""
        wire = Wire(self.address, login, password, agent=agent)
        self._wires.append(wire)
        return wire

    def end(self) -> None:
        """Stop whatever runs, whatever state it is in, and close what was handed out."""
        try:
            self.stop()
        finally:
            for wire in self._wires:
                wire.close()


def put_back(away: Path, place: Path) -> None:
    """Mount a disk again, as it were: nothing but a lock was written where it was missing."""
    if place.is_dir():
        assert {entry.name for entry in place.iterdir()} <= {"lock"}
        shutil.rmtree(place)
    away.rename(place)


def book_of(login: str) -> str:
    """Give the path of the book that every account has."""
    return BOOK.format(login=login)

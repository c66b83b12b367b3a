"""Strongroom under test: three replicas, write quorum two, fsync before every answer.

Speaks to it as any other program does: the command, the TOML file and HTTP.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import dav
from bench.adapter import FRESH, LOGIN, Running, filled, filled_calendar
from bench.calendars import fill as fill_events
from bench.fill import fill
from bench.process import Process, ServerError, free_port, run
from bench.wire import Connection, Target

COMMAND = Path(sys.executable).parent / "strongroom"


@dataclass(frozen=True, slots=True)
class RunningStrongroom(Running):
    """A server that also tells how many batches it has committed."""

    config: Path

    def command(self, *words: str | Path) -> list[str | Path]:
        """A `strongroom` command on this cell, with its answer as JSON."""
        return [COMMAND, "--json", *words, "--config", self.config]

    def commits(self) -> tuple[int, int] | None:
        """Batches and entries from `status --json`; None if it does not tell them yet."""
        try:
            told = json.loads(run([COMMAND, "status", "--json", "--config", self.config]))
            return int(told["batches"]), int(told["entries"])
        except (ServerError, ValueError, KeyError, TypeError):
            return None


class Strongroom:
    """The product."""

    name = "Strongroom"

    def version(self) -> str:
        """What `strongroom --version` says."""
        return run([COMMAND, "--version"]).strip().rpartition(" ")[2]

    async def prepare(self, sizes: Sequence[int]) -> None:  # noqa: ARG002 - the protocol's
        """Nothing: each round fills its own cell through the front door."""
        if not COMMAND.exists():
            raise ServerError(f"{COMMAND} is missing; `make setup` installs it")

    async def start(self, place: Path, sizes: Sequence[int]) -> Running:
        """Make a cell, an account and a device; fill the books by PUT."""
        running = await self.start_empty(place)
        for size in sizes:
            await fill(running.target, await new_book(running.target, filled(size)), size)
        await _fill_calendar(running.target, max(sizes))
        return running

    async def start_empty(self, place: Path) -> RunningStrongroom:
        """Make a cell, an account and a device."""
        port = free_port()
        config = place / "strongroom.toml"
        config.write_text(_config(place, port))
        run([COMMAND, "init", "--config", config])
        process = self._serve(place, port)
        try:
            target = await _with_device(port, config)
        except BaseException:  # cleans up, then raises it again
            process.stop()
            raise
        return RunningStrongroom(self.name, target, process, config)

    def start_again(self, before: RunningStrongroom, place: Path) -> RunningStrongroom:
        """Start the server of a stopped cell again, at its old address."""
        process = self._serve(place, before.target.port)
        return RunningStrongroom(self.name, before.target, process, before.config)

    def _serve(self, place: Path, port: int) -> Process:
        command: list[str | Path] = [COMMAND, "serve", "--config", place / "strongroom.toml"]
        process = Process(command, place / "server.log")
        try:
            process.wait_for_port(port)
        except BaseException:  # cleans up, then raises it again
            process.stop()
            raise
        return process


async def new_book(target: Target, name: str) -> str:
    """Make a book and return its path."""
    connection = Connection(target)
    await dav.make_book(connection, target.book(name))
    connection.close()
    return target.book(name)


async def _fill_calendar(target: Target, events: int) -> None:
    calendar = target.calendar(filled_calendar(events))
    connection = Connection(target)
    await dav.make_calendar(connection, calendar)
    connection.close()
    await fill_events(target, calendar, events)


async def _with_device(port: int, config: Path) -> Target:
    run([COMMAND, "account", "add", LOGIN, "--config", config])
    add: list[str | Path] = [COMMAND, "device", "add", LOGIN, "generator", "--print", "password"]
    password = run([*add, "--config", config]).strip()
    home, calendars = f"/dav/addressbooks/{LOGIN}/", f"/dav/calendars/{LOGIN}/"
    target = Target(port, home, LOGIN, password, calendars=calendars)
    connection = Connection(target)
    (await connection.ask("GET", "/healthz")).expect(200)
    book = target.book(FRESH)
    (await connection.ask("PROPFIND", book, dav.XML + "Depth: 0\r\n", dav.POLL)).expect(207)
    connection.close()
    return target


def _config(place: Path, port: int) -> str:
    """One disk carries all three replicas here, so the cell is a toy; its fsyncs are not."""
    replicas = [str(place / f"replica{number}") for number in (1, 2, 3)]
    return (
        f'listen = "127.0.0.1:{port}"\n'
        f"data = {json.dumps(str(place / 'data'))}\n"
        f"replicas = {json.dumps(replicas)}\n"
        "write_quorum = 2\n"
        "toy = true\n"
    )

"""Servers and real clients for a test, each ended with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.server import ServerProcess
from e2e.vdir import CARDS, EVENTS, Kind, Vdirsyncer


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> ServerProcess:
    """A cell with the account `alice` and her devices, which nobody serves: each test copies it."""
    made = ServerProcess(tmp_path_factory.mktemp("prepared"))
    made.init()
    made.add_account("alice")
    for device in ("phone", "laptop", "desktop"):
        made.add_device("alice", device)
    return made


@pytest.fixture
def server(prepared: ServerProcess, tmp_path: Path) -> Iterator[ServerProcess]:
    """A running server with the account `alice` and her devices."""
    made = prepared.copy_to(tmp_path / "site")
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def laptop(server: ServerProcess, tmp_path: Path) -> Vdirsyncer:
    """Alice's laptop with vdirsyncer, which has found her address book."""
    return _device(server, tmp_path, "laptop")


@pytest.fixture
def desktop(server: ServerProcess, tmp_path: Path) -> Vdirsyncer:
    """Alice's other computer."""
    return _device(server, tmp_path, "desktop")


@pytest.fixture
def planner(server: ServerProcess, tmp_path: Path) -> Vdirsyncer:
    """Alice's laptop with vdirsyncer, which has found her calendars."""
    return _device(server, tmp_path, "laptop", EVENTS)


@pytest.fixture
def office(server: ServerProcess, tmp_path: Path) -> Vdirsyncer:
    """Her other computer, with the same calendars."""
    return _device(server, tmp_path, "desktop", EVENTS)


def _device(server: ServerProcess, place: Path, name: str, kind: Kind = CARDS) -> Vdirsyncer:
    made = Vdirsyncer(place / name, server, "alice", server.passwords[name], kind)
    made.discover()
    return made

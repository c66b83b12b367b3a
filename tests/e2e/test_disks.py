"""Disks of a running server are lost, hang and come back while nobody writes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.server import ServerProcess, book_of, put_back
from phone.database import card_bytes
from strongroom.base import limits

NOTICED_SECONDS = limits.CATCH_UP_PAUSE_SECONDS + limits.READ_SECONDS_MAX + 3  # a busy machine
PATIENCE_SECONDS = 0.5  # of the server whose disk hangs
SILENT_SECONDS = PATIENCE_SECONDS + 2 * NOTICED_SECONDS


def told(server: ServerProcess) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(server.run("status", "--json"))
    return report


def standings(server: ServerProcess) -> list[str]:
    return [row["standing"] for row in told(server)["replicas"]]


def until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_disk_that_is_lost_is_named_by_status_without_a_write_and_heals(
    server: ServerProcess,
) -> None:
    before = told(server)
    assert [row["standing"] for row in before["replicas"]] == ["voter"] * 3
    lost, away = server.replicas[1], server.place / "away"
    lost.rename(away)
    words = server.run("status")
    for said in (
        f"r2  {lost}  behind or not there",
        "is not there (known since 20",
        "2 of 3 copies are good; nothing that was acknowledged is lost",
        f"Look at the disk of r2, at {lost}",
        "1 of the 3 places cannot be reached now",
    ):
        assert said in words
    put_back(away, lost)
    until(lambda: standings(server) == ["voter"] * 3, NOTICED_SECONDS)
    assert told(server)["number"] == before["number"]


def test_lost_disks_are_noticed_though_nobody_asks(server: ServerProcess) -> None:
    """With two of three gone no write can be taken, and whoever watches is told."""
    lost = server.replicas[1:]
    for place in lost:
        place.rename(place.with_name(f"{place.name} away"))
    assert server.answers(503, NOTICED_SECONDS)
    for place in lost:
        put_back(place.with_name(f"{place.name} away"), place)
    assert server.answers(200, NOTICED_SECONDS)


@pytest.fixture
def flag(tmp_path: Path) -> Path:
    return tmp_path / "flag"


@pytest.fixture
def hanging(prepared: ServerProcess, tmp_path: Path, flag: Path) -> Iterator[ServerProcess]:
    """A running server whose third disk hangs while `flag` is there."""
    made = prepared.copy_to(tmp_path / "site")
    script, place = Path(__file__).with_name("hang.py"), made.replicas[2].name
    made.entry = (str(script), str(flag), place, str(PATIENCE_SECONDS))
    try:
        made.start()
        yield made
    finally:
        made.end()


def put(server: ServerProcess, name: str) -> int:
    wire = server.wire("alice", server.passwords["phone"])
    return wire.ask("PUT", f"{book_of('alice')}{name}.vcf", card_bytes(name, name)).status


def test_a_disk_that_hangs_holds_up_no_write_and_not_the_end(
    hanging: ServerProcess, flag: Path
) -> None:
    flag.touch()
    began = time.monotonic()
    for number in range(20):
        assert put(hanging, f"uid{number}") == 201
    assert time.monotonic() - began < limits.VOTE_SECONDS_MAX
    until(lambda: standings(hanging) == ["voter", "voter", "behind"], SILENT_SECONDS)
    assert "it does not answer" in told(hanging)["replicas"][2]["reason"]
    assert put(hanging, "later") == 201
    assert hanging.health() == 200
    assert hanging.stop() == 0
    assert flag.exists()


def test_a_disk_that_hung_catches_up_by_itself(hanging: ServerProcess, flag: Path) -> None:
    flag.touch()
    until(lambda: standings(hanging)[2] == "behind", SILENT_SECONDS)
    for number in range(20):
        assert put(hanging, f"uid{number}") == 201
    flag.unlink()
    until(hanging.whole, NOTICED_SECONDS)
    until(lambda: not told(hanging)["replicas"][2]["reason"], NOTICED_SECONDS)

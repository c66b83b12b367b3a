"""The server is down or its quorum is lost: what the real commands still show, changing nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

from e2e.server import ServerProcess, book_of, put_back

BOOK = book_of("alice")
LEFT_OUT = {"lock"}  # an empty file that is only ever locked


def card(name: str) -> bytes:
    lines = ("BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", f"FN:{name}", "END:VCARD", "")
    return "\r\n".join(lines).encode()


CARDS = {f"{name}.vcf": card(name) for name in ("Ann", "Ben", "Cora")}


def put(server: ServerProcess, name: str) -> None:
    token = b64encode(f"alice:{server.passwords['phone']}".encode()).decode()
    headers = {"authorization": f"Basic {token}", "content-type": "text/vcard"}
    line = server.connection()
    line.request("PUT", BOOK + name, CARDS[name], headers)
    assert line.getresponse().status == 201
    line.close()


def files(server: ServerProcess) -> dict[str, bytes]:
    found = sorted(path for path in server.place.rglob("*") if path.is_file())
    return {
        str(path.relative_to(server.place)): path.read_bytes()
        for path in found
        if path.name not in LEFT_OUT and path != server.log
    }


def ended(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "strongroom", *words, "--config", str(server.config)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


def shown(server: ServerProcess, target: Path, *, status: int) -> None:
    """Insist that the account, its history and its cards are all there to be read."""
    account = json.loads(server.run("account", "show", "alice", "--json"))
    assert account["collections"] == [
        {"collection": "contacts", "kind": "addressbook", "name": "Contacts", "objects": 3}
    ]
    assert len(account["devices"]) == 3
    assert set(CARDS) <= {event["href"] for event in _json(server, "history", "alice")["events"]}
    done = ended(server, "export", "alice", "--output", str(target))
    assert done.returncode == status, done
    assert all(body in target.read_bytes() for body in CARDS.values())


def _json(server: ServerProcess, *words: str) -> dict[str, list[dict[str, str]]]:
    told: dict[str, list[dict[str, str]]] = json.loads(server.run(*words, "--json"))
    return told


def taken_away(server: ServerProcess) -> dict[Path, Path]:
    """Take all disks but the first away; gives where each is now."""
    away = {place: place.with_name(f"{place.name} away") for place in server.replicas[1:]}
    for place, new in away.items():
        place.rename(new)
    return away


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_with_the_server_down_all_is_read_and_no_file_changes(
    server: ServerProcess, tmp_path: Path, end: str
) -> None:
    for name in CARDS:
        put(server, name)
    server.kill() if end == "killed" else server.stop()
    before = files(server)
    assert any("-wal" in name and body for name, body in before.items()) == (end == "killed")
    shown(server, tmp_path / "all.vcf", status=0)
    server.run("status")
    assert files(server) == before


def test_one_disk_alone_still_shows_all_and_says_what_that_is_worth(
    server: ServerProcess, tmp_path: Path
) -> None:
    for name in CARDS:
        put(server, name)
    server.stop()
    before = files(server)
    away = taken_away(server)
    shown(server, tmp_path / "all.vcf", status=10)
    devices = {row["name"] for row in _json(server, "custody", "alice")["devices"]}
    assert devices == {"phone", "laptop", "desktop"}
    done = ended(server, "account", "list", "--json")
    assert b"Nothing of this is proven" in done.stderr
    assert "r1, up to batch" in json.loads(done.stdout)["note"]
    ended(server, "export", "alice", "--as", "folder", "--output", str(tmp_path / "folder"))
    assert "r2 cannot be read" in (tmp_path / "folder" / "MISSING.txt").read_text()
    for place, new in away.items():
        put_back(new, place)
    assert files(server) == before
    server.start()  # and it opens as if nobody had looked


def test_a_scrub_of_one_disk_alone_says_what_it_found(server: ServerProcess) -> None:
    server.stop()
    away = taken_away(server)
    done = ended(server, "scrub", "--json")
    assert [row["replica"] for row in json.loads(done.stdout)["replicas"]] == ["r1"]
    assert "2 good voters are needed" in json.loads(done.stdout)["note"]
    for place, new in away.items():
        put_back(new, place)
    assert len(server.scrub()) == 3


@pytest.mark.slow  # a server looks every five seconds whether it can open
def test_a_running_server_whose_cell_is_frozen_still_shows_all(
    server: ServerProcess, tmp_path: Path
) -> None:
    for name in CARDS:
        put(server, name)
    server.stop()
    away = taken_away(server)
    server.start(wait=False)
    server.wait_until(503)
    shown(server, tmp_path / "all.vcf", status=10)
    assert [(row["replica"], row["damage"]) for row in server.scrub()] == [("r1", "")]
    done = ended(server, "account", "suspend", "alice", "--reason", "none")
    assert (done.returncode, b"good voters are needed" in done.stderr) == (5, True)
    for place, new in away.items():
        put_back(new, place)
    server.wait_until(200)

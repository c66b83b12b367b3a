"""Everything of an account carried away by the real command: beside a server, without, damaged."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from pathlib import Path

from e2e.server import ServerProcess, book_of
from e2e.test_thaw import freeze_by_forgetting
from strongroom.formats.cardstream import CardStream

BOOK = book_of("alice")
LARGE = b"NOTE:" + b"n" * 100_000 + b"\r\n"  # a body of this size is a file of its own


def card(uid: str, more: bytes = b"", end: bytes = b"\r\n") -> bytes:
    lines = (b"BEGIN:VCARD", b"VERSION:3.0", b"UID:" + uid.encode(), b"FN:" + uid.encode())
    return b"\r\n".join(lines) + b"\r\n" + more + b"END:VCARD" + end


def cards(body: bytes) -> list[bytes]:
    stream = CardStream()
    return [piece.card for part in (body, b"") for piece in stream.feed(part, last=not part)]


def put(server: ServerProcess, bodies: dict[str, bytes]) -> None:
    line = server.connection()
    try:
        for name, body in bodies.items():
            headers = {**signed(server), "content-type": "text/vcard"}
            line.request("PUT", BOOK + name, body, headers)
            answer = line.getresponse()
            answer.read()
            assert answer.status == 201
    finally:
        line.close()


def signed(server: ServerProcess) -> dict[str, str]:
    token = b64encode(f"alice:{server.passwords['phone']}".encode()).decode()
    return {"authorization": f"Basic {token}"}


def ended(server: ServerProcess, *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "strongroom", *words, "--config", str(server.config)]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


def test_the_same_bytes_come_beside_a_server_without_one_and_over_http(
    server: ServerProcess, tmp_path: Path
) -> None:
    bodies = {"a.vcf": card("a"), "b.vcf": card("b", end=b""), "c.vcf": card("c", LARGE)}
    put(server, bodies)
    beside = tmp_path / "beside.vcf"
    server.run("export", "alice", "--output", str(beside))
    assert cards(beside.read_bytes()) == list(bodies.values())

    line = server.connection()
    line.request("GET", BOOK + "?export", headers=signed(server))
    answer = line.getresponse()
    fetched = answer.read()
    line.close()
    assert fetched == beside.read_bytes()
    digest = (answer.headers["repr-digest"] or "").removeprefix("sha-256=:").rstrip(":")
    assert b64decode(digest) == hashlib.sha256(fetched).digest()

    server.stop()
    assert ended(server, "export", "alice").stdout == fetched
    folder = tmp_path / "card"
    server.run("export", "alice", "--as", "folder", "--output", str(folder))
    checked = subprocess.run(
        ["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=folder, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
    assert {p.name: p.read_bytes() for p in (folder / "Contacts").iterdir()} == bodies


def test_a_body_that_no_copy_has_any_more_is_listed_and_the_others_come(
    server: ServerProcess, tmp_path: Path
) -> None:
    put(server, {"a.vcf": card("a"), "b.vcf": card("b", LARGE), "c.vcf": card("c")})
    server.stop()
    digest = hashlib.sha256(card("b", LARGE)).hexdigest()
    lost = [path for replica in server.replicas for path in replica.rglob(f"{digest}*")]
    assert len(lost) == 3
    for path in lost:
        path.unlink()
    folder = tmp_path / "card"
    done = ended(server, "export", "alice", "--as", "folder", "--output", str(folder), "--json")
    assert done.returncode == 10
    told = json.loads(done.stdout)
    assert [gap["what"] for gap in told["missing"]] == ["Contacts/b.vcf"]
    assert told["count"] == 2
    assert "Contacts/b.vcf" in (folder / "MISSING.txt").read_text()
    assert sorted(p.name for p in (folder / "Contacts").iterdir()) == ["a.vcf", "c.vcf"]

    server.start()
    line = server.connection()
    line.request("GET", BOOK + "?export", headers=signed(server))
    assert line.getresponse().status == 503  # a program could take a part for everything
    line.close()


def test_who_is_interrupted_finds_nothing_and_can_run_it_again(
    server: ServerProcess, tmp_path: Path
) -> None:
    put(server, {f"{i}.vcf": card(str(i), LARGE) for i in range(60)})
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-m", "strongroom", "export", "alice", "--as", "folder",
        "--output", str(out / "card"), "--config", str(server.config)]  # fmt: skip
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not list(out.rglob("*.vcf")) and time.monotonic() < until:
            time.sleep(0.001)
        running.send_signal(signal.SIGINT)
        status = running.wait(30)
    finally:
        running.kill()
    if status != 0:  # else it was done before the signal came
        assert status == 130
        assert list(out.iterdir()) == []
        server.run("export", "alice", "--as", "folder", "--output", str(out / "card"))
    assert len(list((out / "card" / "Contacts").iterdir())) == 60


def test_a_frozen_account_is_carried_away_by_its_owner_and_not_by_a_program(
    server: ServerProcess, tmp_path: Path
) -> None:
    put(server, {"a.vcf": card("a")})
    freeze_by_forgetting(server)
    line = server.connection()
    line.request("GET", BOOK + "?export", headers=signed(server))
    assert line.getresponse().status == 503
    line.close()
    for name in ("beside", "without"):
        target = tmp_path / f"{name}.vcf"
        done = ended(server, "export", "alice", "--output", str(target))
        assert done.returncode == 10
        assert b"Not proven to be all: contacts." in done.stdout
        assert cards(target.read_bytes()) == [card("a")]
        server.stop()

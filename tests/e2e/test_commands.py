"""The commands as a person calls them: real processes, real directories, real sockets."""

from __future__ import annotations

import base64
import fcntl
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%s\r\nFN:A\r\nN:A;;;;\r\nEND:VCARD\r\n"


class Place:
    """One configuration in a folder of its own, with spaces in the path."""

    def __init__(self, root: Path) -> None:
        self.root = root / "a place"
        self.root.mkdir()
        self.config = self.root / "strongroom.toml"
        self.replicas = [self.root / name for name in ("r1", "r2", "r3")]
        self.configure()
        self.servers: list[subprocess.Popen[str]] = []
        self.address = ""

    def configure(self, *, toy: bool = True) -> None:
        self.config.write_text(
            'listen = "127.0.0.1:0"\ndata = "data"\nreplicas = ["r1", "r2", "r3"]\n'
            f"write_quorum = 2\ntoy = {str(toy).lower()}\n"
        )

    def run(self, *arguments: str, status: int = 0) -> str:
        done = self.popen(*arguments).communicate(timeout=60)
        process = self.servers.pop()
        assert process.returncode == status, done
        return done[0] if status == 0 else done[1]

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "strongroom", *arguments, "--config", str(self.config)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.servers.append(process)
        return process

    def serve(self) -> subprocess.Popen[str]:
        process = self.popen("serve")
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+:\d+", line)
        assert found, (line, process.communicate(timeout=20))
        self.address = found.group()
        return process

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
        process.send_signal(number)
        process.communicate(timeout=40)
        self.servers.remove(process)
        return process.returncode

    def http(self, method: str, path: str, password: str = "", body: bytes | None = None) -> int:
        request = urllib.request.Request(self.address + path, body, method=method)
        if body is not None:
            request.add_header("content-type", "text/vcard")
        if password:
            token = base64.b64encode(f"anna:{password}".encode()).decode()
            request.add_header("authorization", f"Basic {token}")
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for process in made.servers:
        process.kill()
        process.communicate(timeout=20)


def person(place: Place) -> str:
    """Make a cell, an account and a device; gives the password."""
    place.run("init")
    place.run("account", "add", "anna")
    return place.run("device", "add", "anna", "phone", "--print", "password").strip()


def card(name: str) -> tuple[str, bytes]:
    return f"/dav/addressbooks/anna/contacts/{name}.vcf", CARD % name.encode()


def test_init_creates_once_and_touches_nothing_the_second_time(place: Place):
    assert "was created" in place.run("init")
    before = {path: path.read_bytes() for path in place.root.glob("r*/replica.json")}
    assert len(before) == 3
    assert "already" in place.run("init", status=8)
    assert {path: path.read_bytes() for path in place.root.glob("r*/replica.json")} == before


def test_init_refuses_where_only_the_witness_remembers(place: Place):
    place.run("init")
    for replica in place.replicas:
        replica.rename(replica.with_name(f"gone {replica.name}"))
    assert "witness" in place.run("init", status=8)


def test_init_refuses_two_replicas_on_one_device_unless_it_is_a_toy(place: Place):
    place.configure(toy=False)
    assert "toy = true" in place.run("init", status=5)
    assert not list(place.root.glob("r*/replica.json"))
    place.configure(toy=True)
    place.run("init")
    place.configure(toy=False)
    assert "one device" in place.run("serve", status=5)


def test_serve_creates_nothing_where_nothing_is(place: Place):
    assert "strongroom init" in place.run("serve", status=9)
    assert sorted(path.name for path in place.root.iterdir()) == ["strongroom.toml"]
    for directory in ("data", "r1", "r2", "r3"):
        (place.root / directory).mkdir()
    place.run("serve", status=9)
    place.run("account", "add", "anna", status=9)
    assert not [*place.root.glob("r*/replica.json"), *place.root.glob("data/witness/*")]


def test_empty_directories_never_make_an_empty_cell(place: Place):
    password = person(place)
    for replica in place.replicas:
        replica.rename(replica.with_name(f"gone {replica.name}"))
        replica.mkdir()
    server = place.serve()
    path, body = card("one")
    assert place.http("GET", path) == 401
    assert place.http("GET", path, password) == 503
    assert place.http("PUT", path, password, body) == 503
    assert place.http("GET", "/healthz") == 503
    report = json.loads(place.run("status", "--json"))
    assert (report["open"], [row["state"] for row in report["places"]]) == (False, ["blank"] * 3)
    assert "mount the disks" in place.run("device", "add", "anna", "x", status=5)
    assert place.stop(server) == 0
    assert not list(place.root.glob("r*/replica.json"))


def test_one_blank_directory_is_filled_only_by_rebuild(place: Place):
    password = person(place)
    blank = place.replicas[2]
    blank.rename(blank.with_name("gone"))
    blank.mkdir()
    server = place.serve()
    path, body = card("one")
    assert place.http("PUT", path, password, body) == 201
    assert not (blank / "replica.json").exists()
    assert "is a good copy again" in place.run("replica", "rebuild", "r3")
    assert (blank / "replica.json").exists()
    report = json.loads(place.run("replica", "list", "--json"))
    assert [row["standing"] for row in report["replicas"]] == ["voter"] * 3
    assert "nothing to rebuild" in place.run("replica", "rebuild", "r3", status=5)
    assert place.stop(server) == 0


def test_a_second_server_says_that_one_is_there(place: Place):
    place.run("init")
    server = place.serve()
    assert "another process" in place.run("serve", status=7)
    assert place.stop(server) == 0


def test_commands_work_with_and_without_a_server(place: Place):
    person(place)
    assert "phone" in place.run("device", "list", "anna")
    server = place.serve()
    password = place.run("device", "add", "anna", "laptop", "--print", "password").strip()
    path, body = card("one")
    assert place.http("PUT", path, password, body) == 201
    assert place.http("GET", path, password) == 200
    place.run("device", "revoke", "anna", "laptop")
    assert place.http("GET", path, password) == 401
    assert "good" in place.run("scrub")
    assert place.run("account", "add", "anna", status=3)
    assert place.stop(server) == 0
    assert "No server runs" in place.run("status")
    assert place.run("device", "list", "anna").startswith("phone")


def test_the_password_is_printed_alone(place: Place):
    place.run("init")
    place.run("account", "add", "anna")
    shown = place.run("device", "add", "anna", "phone", "--print", "password")
    assert re.fullmatch(r"[0-9a-z]{4}(-[0-9a-z]{4}){7}\n", shown)


def test_sigterm_finishes_the_request_under_way(place: Place):
    password = person(place)
    server = place.serve()
    path, body = card("late")
    host, port = place.address.removeprefix("http://").split(":")
    token = base64.b64encode(f"anna:{password}".encode()).decode()
    head = (
        f"PUT {path} HTTP/1.1\r\nhost: x\r\nauthorization: Basic {token}\r\n"
        f"content-type: text/vcard\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), 20) as connection:
        connection.sendall(head.encode() + body[:20])
        place.http("GET", "/healthz")  # the server has taken the other one up by now
        server.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(0.5)
        connection.sendall(body[20:])
        assert connection.recv(4096).startswith(b"HTTP/1.1 201")
    assert server.wait(20) == 0
    again = place.serve()
    assert place.http("GET", path, password) == 200
    assert place.stop(again, signal.SIGINT) == 0


def test_a_killed_server_leaves_nothing_in_the_way(place: Place):
    person(place)
    server = place.serve()
    assert place.stop(server, signal.SIGKILL) == -signal.SIGKILL
    assert (place.root / "data/control.sock").exists()
    assert "phone" in place.run("device", "list", "anna")
    assert place.stop(place.serve()) == 0


def test_a_lock_without_a_server_is_said_in_words(place: Place):
    place.run("init")
    with (place.root / "data/lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "no server answers" in place.run("account", "list", status=7)


def test_past_a_lost_quorum_there_is_one_way(place: Place):
    password = person(place)
    server = place.serve()
    path, body = card("one")
    assert place.http("PUT", path, password, body) == 201
    assert place.stop(server) == 0
    for lost in place.replicas[1:]:
        lost.rename(lost.with_name(f"gone {lost.name}"))
        lost.mkdir()
    place.run("account", "add", "ben", status=5)
    assert "--number" in place.run("replica", "rebuild", "r1", "--from", "r1", status=2)
    number = json.loads(place.run("status", "--json"))["places"][0]["number"]
    wrong = str(number - 1)
    assert "not" in place.run(
        "replica", "rebuild", "r1", "--from", "r1", "--number", wrong, status=5
    )
    place.run("replica", "rebuild", "r1", "--from", "r1", "--number", str(number))
    server = place.serve()
    assert place.http("GET", path, password) == 200
    report = json.loads(place.run("status", "--json"))
    assert [row["standing"] for row in report["replicas"]] == ["voter"] * 3
    assert place.stop(server) == 0


def test_a_disk_that_comes_back_thaws_a_frozen_server_by_itself(place: Place):
    password = person(place)
    for lost in place.replicas[1:]:
        lost.rename(lost.with_name(f"gone {lost.name}"))
    server = place.serve()
    path, _ = card("one")
    assert place.http("GET", path, password) == 503
    for lost in place.replicas[1:]:
        lost.with_name(f"gone {lost.name}").rename(lost)
    for _ in range(60):
        if place.http("GET", "/healthz") == 200:
            break
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait(0.5)
    assert place.http("GET", path, password) == 404
    assert place.stop(server) == 0


def test_the_demo_fills_its_book_and_calendars_once_and_gives_a_password_each_time(place: Place):
    place.run("init")
    first = json.loads(place.run("demo", "--json"))
    second = json.loads(place.run("demo", "--json"))
    assert (first["contacts"], second["contacts"]) == (40, 0)
    assert (first["events"], second["events"]) == (18, 0)
    assert first["password"] != second["password"]
    assert "TLS" in place.run("demo")
    assert "https://127.0.0.1:0/" in place.run("demo", "--lan")
    assert "Calendar calendars/calendar: 12 entries" in place.run("account", "show", "demo")
    rows = json.loads(place.run("device", "list", "demo", "--json"))["devices"]
    assert [row["name"] for row in rows] == ["start 1", "start 2", "start 3", "start 4"]

"""One real server on a "local network" that is loopback: TLS, its files, and a phone's page."""

from __future__ import annotations

import base64
import html
import json
import plistlib
import re
import socket
import ssl
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from e2e.server import ServerError, ServerProcess

SECRET = re.compile(r"/pair/([\w-]{22})/")
PASSWORD = re.compile(r"[0-9a-z]{4}(?:-[0-9a-z]{4}){7}")


@pytest.fixture(scope="module")
def server(prepared: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    made = prepared.copy_to(tmp_path_factory.mktemp("lan") / "site")
    with made.config.open("a") as config:
        config.write('access_log = "stderr"\n')
    traces = str(made.place / "traces")
    made.more = ("--lan", "127.0.0.1", "--pair", "alice", "--trace", traces)
    made.authority = made.data / "keys" / "ca.pem"
    try:
        made.start()
        yield made
    finally:
        made.end()


def ask(
    server: ServerProcess, method: str, path: str, password: str = "", **headers: str
) -> tuple[int, bytes]:
    """One request over TLS, with the authority trusted and nothing else."""
    if password:
        token = base64.b64encode(f"alice:{password}".encode()).decode()
        headers["authorization"] = f"Basic {token}"
    connection = server.connection(20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def fingerprint(server: ServerProcess) -> str:
    """What a client is shown that trusts the authority."""
    context = ssl.create_default_context(cafile=str(server.authority))
    with (
        socket.create_connection(("127.0.0.1", server.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as encrypted,
    ):
        der = encrypted.getpeercert(True)
        assert der is not None
        return sha256(der).digest().hex(":").upper()


def status(server: ServerProcess) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(server.run("status", "--json"))["tls"]
    return told


def offer(server: ServerProcess, device: str) -> str:
    """The path of a new page."""
    told = json.loads(server.run("device", "add", "alice", device, "--qr", "--json"))
    assert told["url"].startswith(f"https://127.0.0.1:{server.port}/pair/")
    return str(told["url"].removeprefix(f"https://127.0.0.1:{server.port}"))


def test_a_client_that_trusts_the_authority_reads_its_contacts(server: ServerProcess) -> None:
    code, body = ask(
        server, "PROPFIND", "/dav/addressbooks/alice/", server.passwords["phone"], depth="1"
    )
    assert code == 207
    assert b"/dav/addressbooks/alice/contacts/" in body


def test_a_client_that_does_not_trust_it_gets_nowhere(server: ServerProcess) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", server.port), 10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_plain_http_on_the_tls_port_is_closed_and_the_server_goes_on(
    server: ServerProcess,
) -> None:
    with socket.create_connection(("127.0.0.1", server.port), 10) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        got = b""
        while piece := plain.recv(4096):
            got += piece
    assert not got.startswith(b"HTTP/")
    assert server.health() == 200
    assert "Traceback" not in server.words()


def test_it_says_its_address_its_fingerprints_and_a_page(server: ServerProcess) -> None:
    words = server.log.read_text()
    assert f"Strongroom serves at https://127.0.0.1:{server.port}/" in words
    assert words.count(fingerprint(server)) == 2  # at the top, and beside the code
    assert SECRET.search(words)
    assert "█" in words


def test_a_new_certificate_is_served_without_a_restart(server: ServerProcess) -> None:
    before = fingerprint(server)
    assert "renewed under the same" in server.run("tls", "init")
    told = status(server)
    assert (told["trouble"], told["local"]) == ("", True)
    assert told["days_left"] >= 395
    assert fingerprint(server) == told["fingerprint"] != before


def test_a_broken_certificate_file_keeps_the_old_one_and_is_an_alarm(
    server: ServerProcess,
) -> None:
    before = fingerprint(server)
    path = server.data / "keys" / "server.pem"
    good = path.read_bytes()
    path.write_bytes(good[:100])
    assert "Alarm (certificate)" in server.run("status")
    assert fingerprint(server) == before
    path.write_bytes(good)
    assert status(server)["trouble"] == ""


def test_a_page_sets_up_one_phone_once(server: ServerProcess) -> None:
    page = offer(server, "tablet")
    assert ask(server, "GET", page)[0] == 200
    assert "tablet" not in server.run("device", "list", "alice")
    code, body = ask(server, "POST", page + "android")
    assert code == 200
    (password,) = set(PASSWORD.findall(html.unescape(body.decode())))
    assert ask(server, "PROPFIND", "/", password, depth="0")[0] == 207
    assert ask(server, "POST", page + "android")[0] == 404
    assert ask(server, "GET", page)[0] == 404


def test_a_profile_sets_up_an_iphone(server: ServerProcess) -> None:
    code, body = ask(server, "POST", offer(server, "iphone") + "apple")
    assert code == 200
    contacts, calendars, root = plistlib.loads(body)["PayloadContent"]
    assert calendars["CalDAVPort"] == server.port
    assert calendars["CalDAVPassword"] == contacts["CardDAVPassword"]
    assert contacts["CardDAVPort"] == server.port
    assert contacts["CardDAVHostName"].endswith((".local", "127.0.0.1"))
    assert ask(server, "PROPFIND", "/", contacts["CardDAVPassword"], depth="0")[0] == 207
    assert server.authority is not None
    pem = ssl.DER_cert_to_PEM_cert(root["PayloadContent"])
    assert pem.split() == server.authority.read_text().split()


def test_no_password_and_no_address_of_a_page_is_in_a_log_or_a_trace(server: ServerProcess) -> None:
    page = offer(server, "watch")
    _, body = ask(server, "POST", page + "other")
    (password,) = set(PASSWORD.findall(body.decode()))
    profile = plistlib.loads(ask(server, "POST", offer(server, "pad") + "apple")[1])
    other = profile["PayloadContent"][0]["CardDAVPassword"]
    trace = "".join(path.read_text() for path in (server.place / "traces").iterdir())
    for text in (server.log.read_text(), trace):
        assert '"method"' in text  # each is on
        for secret in (password, other, page.split("/")[2]):
            assert secret not in text


def test_without_a_server_no_page_is_offered(prepared: ServerProcess) -> None:
    with pytest.raises(ServerError, match="none runs"):
        prepared.run("device", "add", "alice", "nowhere", "--qr")


def test_the_server_ends_well(server: ServerProcess) -> None:
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()

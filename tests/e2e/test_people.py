"""Devices, accounts and keys as an operator handles them while phones are connected."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
import time
from base64 import b64encode
from pathlib import Path

import pyrage

from e2e.server import ServerProcess, book_of

BOOK = book_of("alice")
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\nFN:A\r\nN:A;;;;\r\nEND:VCARD\r\n"
SOON = 1.0


class Phone:
    """One keep-alive connection of a device, which sees when the server ends it."""

    def __init__(self, server: ServerProcess, password: str) -> None:
        self.line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        token = b64encode(f"alice:{password}".encode()).decode()
        self.headers = {"authorization": f"Basic {token}", "content-type": "text/vcard"}

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        self.line.request(method, path, body, self.headers | {"depth": "0"})
        answer = self.line.getresponse()
        return answer.status, answer.read().decode()

    def seconds_until_ended(self) -> float:
        began = time.monotonic()
        assert self.line.sock is not None
        with contextlib.suppress(ConnectionError):
            assert self.line.sock.recv(1) == b""
        return time.monotonic() - began

    def close(self) -> None:
        self.line.close()


def test_a_revoked_phone_and_a_suspended_account_are_out_within_a_second(
    server: ServerProcess,
) -> None:
    phone, laptop = (Phone(server, server.passwords[name]) for name in ("phone", "laptop"))
    try:
        assert phone.ask("PUT", BOOK + "a.vcf", CARD)[0] == 201
        assert laptop.ask("GET", BOOK + "a.vcf")[0] == 200
        server.run("device", "revoke", "alice", "phone")
        assert phone.seconds_until_ended() < SOON
        phone.close()
        assert phone.ask("GET", BOOK + "a.vcf")[0] == 401
        assert laptop.ask("GET", BOOK + "a.vcf")[0] == 200

        server.run("account", "suspend", "alice", "--reason", "unpaid")
        assert laptop.seconds_until_ended() < SOON
        laptop.close()
        status, words = laptop.ask("GET", BOOK + "a.vcf")
        assert status == 503
        assert "unpaid" in words
        server.run("account", "resume", "alice")
        assert laptop.ask("GET", BOOK + "a.vcf") == (200, CARD.decode())
    finally:
        phone.close()
        laptop.close()


def test_a_read_only_device_is_made_shown_and_kept_to_it(server: ServerProcess) -> None:
    words = ("--services", "contacts", "--read-only", "--print", "password")
    password = server.run("device", "add", "alice", "screen", *words).strip()
    screen = Phone(server, password)
    try:
        assert screen.ask("PROPFIND", BOOK)[0] == 207
        status, words_of_it = screen.ask("PUT", BOOK + "a.vcf", CARD)
        assert status == 403
        assert "need-privileges" in words_of_it
    finally:
        screen.close()
    shown = server.run("account", "show", "alice")
    assert "Device screen  since" in shown
    assert "contacts, read only" in shown
    assert "Book contacts: 0 contacts" in shown


def test_keys_that_others_can_read_stop_the_start_and_a_backup_opens(
    prepared: ServerProcess, tmp_path: Path
) -> None:
    server = prepared.copy_to(tmp_path / "site")
    key = server.data / "keys" / "server.key"
    key.parent.mkdir(mode=0o700)
    key.write_bytes(b"secret")
    key.chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-m", "strongroom", "serve", "--config", str(server.config)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 5
    assert f"chmod 600 {key}" in done.stderr
    assert "Alarm (keys)" in server.run("status")
    assert "NOT AS IT MUST BE" in server.run("keys", "list")
    key.chmod(0o600)
    assert json.loads(server.run("keys", "list", "--json"))["keys"][0]["trouble"] == ""

    holder = pyrage.x25519.Identity.generate()
    backup = tmp_path / "keys.age"
    told = server.run("keys", "backup", str(backup), "--recipient", str(holder.to_public()))
    assert "read back" in told
    assert b"secret" in pyrage.decrypt(backup.read_bytes(), [holder])
    server.run("keys", "backup", str(backup), "--recipient", str(holder.to_public()), check=False)
    assert b"secret" in pyrage.decrypt(backup.read_bytes(), [holder])

"""An edit that a phone was refused and has dropped comes back by its owner, on a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from e2e.server import ServerProcess, book_of
from phone.wire import Answer, Wire

BOOK = book_of("alice")
PHOTO = "QUJD" * 60_000  # over what a batch keeps in the catalog


def card(*lines: str) -> bytes:
    fixed = ["BEGIN:VCARD", "VERSION:3.0", "UID:ann", "N:Ann;;;;"]
    return "\r\n".join([*fixed, *lines, "END:VCARD", ""]).encode()


def put(server: ServerProcess, device: str, body: bytes, **headers: str) -> Answer:
    wire = Wire(server.address, "alice", server.passwords[device])
    try:
        return wire.ask("PUT", BOOK + "ann.vcf", body, Content_Type="text/vcard", **headers)
    finally:
        wire.close()


def listed(server: ServerProcess) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(server.run("refused", "list", "alice", "--json"))[
        "refused"
    ]
    return rows


def test_what_a_phone_dropped_is_listed_given_out_and_applied(server: ServerProcess) -> None:
    first = put(server, "laptop", card("FN:Ann", "TEL:1"))
    put(server, "laptop", card("FN:Ann Lee", "TEL:1"), If_Match=first.etag)
    mine = card("FN:Ann", "TEL:2", f"PHOTO;ENCODING=b;TYPE=JPEG:{PHOTO}")
    assert put(server, "phone", mine, If_Match=first.etag).status == 412
    read_only = ("--read-only", "--print", "password")
    server.passwords["wall"] = server.run("device", "add", "alice", "wall", *read_only).strip()
    assert put(server, "wall", mine, Expect="100-continue").status == 403

    rows = listed(server)
    assert [(row["number"], row["device"], row["whole"]) for row in rows] == [
        (1, "phone", True), (2, "wall", True),
    ]  # fmt: skip
    raw = subprocess.run(
        [sys.executable, "-m", "strongroom", "refused", "show", "alice", "2", "--raw",
         "--config", str(server.config)],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert raw.stdout == mine
    assert "ann.vcf was changed" in server.run("refused", "apply", "alice", "1")

    wire = Wire(server.address, "alice", server.passwords["laptop"])
    got = wire.ask("GET", BOOK + "ann.vcf").body.replace(b"\r\n ", b"")
    wire.close()
    assert got == card("FN:Ann Lee", "TEL:2", f"PHOTO;ENCODING=b;TYPE=JPEG:{PHOTO}")
    server.stop()
    assert [row["number"] for row in listed(server)] == [2]
    assert not any(row["damage"] or row["lost"] or row["silent"] for row in server.scrub())

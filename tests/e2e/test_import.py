"""Everything out, everything gone, everything in again; and an import that is interrupted."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.server import ServerProcess, book_of
from phone.wire import DAV, Wire, propfind, read_multistatus

BOOK = book_of("alice")
PHOTO = b"PHOTO;ENCODING=b;TYPE=JPEG:" + b"\r\n ".join([b"A" * 74] * 1200) + b"\r\n"


def card(uid: str, *lines: bytes, end: bytes = b"\r\n", last: bytes = b"\r\n") -> bytes:
    head = (b"BEGIN:VCARD", b"VERSION:3.0", b"UID:" + uid.encode(), b"FN:" + uid.encode())
    return end.join((*head, *lines, b"END:VCARD")) + last


# What phones and programs send, as it comes: each must come back to the byte.
UGLY: Mapping[str, bytes] = {
    "apple.vcf": card("apple", b"item1.TEL;type=pref:1", b"item1.X-ABLabel:_$!<Mobile>!$_"),
    "photo.vcf": card("photo", PHOTO.rstrip()),
    "lf.vcf": card("lf", b"NOTE:a", end=b"\n", last=b"\n"),
    "bare.vcf": card("bare", last=b""),
    "bare-lf.vcf": card("bare-lf", end=b"\n", last=b""),
    "mixed.vcf": card("mixed", b"NOTE:x\n y\r\n z"),
    "lower.vcf": card("lower").lower().replace(b"vcard", b"vCard"),
    "soft.vcf": card("soft", b"NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\nEND:VCARD=\r\n b"),
    "agent.vcf": card("agent", rb"AGENT:BEGIN:VCARD\nFN:x\nEND:VCARD"),
    "four.vcf": card("urn:uuid:4", b"KIND:individual").replace(b"3.0", b"4.0"),
    "folded.vcf": card("folded", b"NOTE:M\xc3\r\n \xbcller"),
    "twin-1.vcf": card("twin-1", b"TEL:1234567").replace(b"FN:twin-1", b"FN:Twin"),
    "twin-2.vcf": card("twin-2", b"TEL:1234567").replace(b"FN:twin-2", b"FN:Twin"),
    "name with space.vcf": card("spaced name"),
}


def standing(wire: Wire) -> dict[bytes, str]:
    """Bytes and ETag of all that stands, whatever it is called."""
    found = {}
    for href in hrefs(wire):
        answer = wire.ask("GET", href)
        assert answer.status == 200
        found[answer.body] = answer.etag
    return found


def hrefs(wire: Wire) -> list[str]:
    answer = wire.ask("PROPFIND", BOOK, propfind(DAV + "getetag"), depth="1")
    return [one.href for one in read_multistatus(answer.body).items if one.href != BOOK]


def fill(wire: Wire) -> None:
    for name, body in UGLY.items():
        address = BOOK + name.replace(" ", "%20")
        answer = wire.ask("PUT", address, body, content_type="text/vcard")
        assert answer.status == 201, (name, answer)


def wipe(wire: Wire) -> None:
    for href in hrefs(wire):
        assert wire.ask("DELETE", href).status == 204
    assert standing(wire) == {}


def test_export_wipe_import_gives_the_same_bytes(server: ServerProcess, tmp_path: Path) -> None:
    """The ETags too, for they are the digests; and a second import changes nothing."""
    wire = server.wire("alice", server.passwords["phone"])
    fill(wire)
    before = standing(wire)
    assert set(before) == set(UGLY.values())
    out = tmp_path / "all.vcf"
    server.run("export", "alice", "--output", str(out))
    wipe(wire)
    report = brought(server, out)
    assert (report["new"], report["refused"]) == (len(UGLY), 0)
    assert standing(wire) == before
    again = brought(server, out)
    assert (again["unchanged"], again["new"], again["merged"]) == (len(UGLY), 0, 0)


def test_what_a_get_carries_away_a_post_brings_back(server: ServerProcess) -> None:
    wire = server.wire("alice", server.passwords["phone"])
    fill(wire)
    before = standing(wire)
    carried = wire.ask("GET", BOOK + "?export").body
    wipe(wire)
    answer = wire.ask("POST", BOOK, carried, content_type="text/vcard")
    assert answer.status == 207
    assert answer.body.count(b"201 Created") == len(UGLY)
    assert standing(wire) == before


def brought(server: ServerProcess, *files: Path) -> dict[str, Any]:
    words = ("import", "alice", *map(str, files), "--json")
    found: dict[str, Any] = json.loads(server.run(*words))
    return found


def test_an_import_that_is_killed_is_run_again_and_ends_as_one(
    prepared: ServerProcess, tmp_path: Path
) -> None:
    """Without a server: the command itself holds the locks, and dies in the middle."""
    site = prepared.copy_to(tmp_path / "site")
    file = tmp_path / "many.vcf"
    count = 6000
    file.write_bytes(b"".join(card(f"{n:06}", b"NOTE:" + b"x" * 400) for n in range(count)))
    command = [sys.executable, "-m", "strongroom", "import", "alice", str(file)]
    process = subprocess.Popen(
        [*command, "--config", str(site.config)], stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until_it_writes(site.replicas[0], process)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    report = brought(site, file)
    assert report["new"] + report["unchanged"] == count
    assert 0 < report["unchanged"] < count
    assert brought(site, file)["unchanged"] == count
    shutil.rmtree(site.place)


def until_it_writes(replica: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until a replica grew by what cannot be the opening alone."""
    begun = size(replica)
    while process.poll() is None and size(replica) < begun + 1_000_000:
        time.sleep(0.01)


def size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())

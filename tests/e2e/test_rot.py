"""Bodies that rot on every disk of a real server, and come back with who still has them."""

from __future__ import annotations

import pytest

from contract.harm import rot_body
from e2e.server import ServerProcess, book_of
from strongroom.history.entries import digest_of
from strongroom.stores.sqlite import SqliteReplica

BOOK = book_of("alice")
PHOTO = "QUJD" * 60_000  # over what a batch keeps in the catalog


def card(name: str, *lines: str) -> bytes:
    whole = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", *lines, "END:VCARD", ""]
    return "\r\n".join(whole).encode()


def rot(server: ServerProcess, bodies: list[bytes]) -> None:
    """Let bodies rot on all disks of a server that does not run."""
    for place in server.replicas:
        replica = SqliteReplica(place)
        replica.probe()
        for body in bodies:
            rot_body(replica, digest_of(body), b"rot")
        replica.checkpoint()
        replica.close()


@pytest.mark.parametrize("away", ["overwritten", "standing"])
def test_bytes_that_rotted_everywhere_are_there_again_once_a_phone_puts_them(
    server: ServerProcess, away: str
) -> None:
    """A 2xx says that the bytes can be read, however often they were kept before (I1)."""
    old = {
        "small.vcf": card("small", "FN:Ann"),
        "big.vcf": card("big", "FN:Ann", f"PHOTO;ENCODING=b;TYPE=JPEG:{PHOTO}"),
    }
    wire = server.wire("alice", server.passwords["phone"])
    for name, body in old.items():
        assert wire.ask("PUT", BOOK + name, body, Content_Type="text/vcard").status == 201
        if away == "overwritten":
            newer = card(name.removesuffix(".vcf"), "FN:Ann Lee")
            assert wire.ask("PUT", BOOK + name, newer, Content_Type="text/vcard").status == 204
    server.stop()
    rot(server, list(old.values()))
    server.start()

    for name, body in old.items():
        expected = 200 if away == "overwritten" else 503
        assert wire.ask("GET", BOOK + name).status == expected
        assert wire.ask("PUT", BOOK + name, body, Content_Type="text/vcard").status == 204
        got = wire.ask("GET", BOOK + name)
        assert (got.status, got.body) == (200, body)
    rows = server.scrub()
    assert [(row["damage"], row["lost"]) for row in rows] == [("", [])] * 3

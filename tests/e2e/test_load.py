"""Many connections and stalled readers cost the real server a bounded amount of memory."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator

from e2e.server import ServerProcess, book_of

CONNECTIONS = 300
STALLED = 20
GROWTH_MB_MAX = 64  # 300 connections at 30 KiB, and 20 answers of 6 MB of which pieces wait


def megabytes(server: ServerProcess) -> float:
    assert server._child is not None
    with open(f"/proc/{server._child.pid}/status") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@contextlib.contextmanager
def asking(server: ServerProcess, request: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as door:
        door.sendall(request)
        yield door


def head(server: ServerProcess, method: str, path: str, body: bytes) -> bytes:
    secret = base64.b64encode(f"alice:{server.passwords['phone']}".encode()).decode()
    lines = [f"{method} {path} HTTP/1.1", "Host: here", f"Authorization: Basic {secret}",
             "Depth: 0", f"Content-Length: {len(body)}", "", ""]  # fmt: skip
    return "\r\n".join(lines).encode() + body


def test_three_hundred_clients_and_stalled_readers_cost_bounded_memory(
    server: ServerProcess,
) -> None:
    wire = server.wire("alice", server.passwords["phone"])
    note = b"x" * 60_000
    for number in range(100):
        body = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%d\r\nFN:A\r\nNOTE:%s\r\nEND:VCARD\r\n"
        put = wire.ask("PUT", f"{book_of('alice')}{number}.vcf", body % (number, note))
        assert put.status == 201
    hrefs = "".join(f"<D:href>{book_of('alice')}{n}.vcf</D:href>" for n in range(100))
    query = (
        '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop>'
        f"<C:address-data/></D:prop>{hrefs}</C:addressbook-multiget>"
    ).encode()
    before = megabytes(server)
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            door = stack.enter_context(asking(server, head(server, "PROPFIND", "/dav/", b"")))
            assert door.recv(12) == b"HTTP/1.1 207"
        for _ in range(STALLED):
            request = head(server, "REPORT", book_of("alice"), query)
            door = stack.enter_context(asking(server, request))
            assert door.recv(12) == b"HTTP/1.1 207"  # and nothing more is read
        grown = megabytes(server) - before
        assert wire.ask("GET", f"{book_of('alice')}0.vcf").status == 200
    assert grown < GROWTH_MB_MAX, f"{grown:.0f} MB"
    assert grown > 0.5, "nothing was measured"

"""Many connections and stalled readers cost the real server a bounded amount of memory."""

from __future__ import annotations

import base64
import contextlib
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

from e2e.server import ServerProcess, book_of
from strongroom.base.limits import CONNECTIONS_MAX, FILES_KEPT

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


CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%d\r\nFN:A\r\nEND:VCARD\r\n"


def test_strangers_who_open_connections_do_not_keep_the_copies_from_their_files(
    server: ServerProcess,
) -> None:
    """More connections than the process may open files: who is there goes on, none is doubtful."""
    assert server._child is not None
    wire = server.wire("alice", server.passwords["phone"])
    assert wire.ask("PUT", f"{book_of('alice')}0.vcf", CARD % 0).status == 201
    few = FILES_KEPT + 20
    resource.prlimit(server._child.pid, resource.RLIMIT_NOFILE, (few, few))
    with contextlib.ExitStack() as crowd:
        for _ in range(few + 20):
            door = socket.create_connection(("127.0.0.1", server.port), timeout=20)
            crowd.enter_context(door)
        for number in range(1, 9):
            assert wire.ask("PUT", f"{book_of('alice')}{number}.vcf", CARD % number).status == 201
    assert server.whole()


def test_a_server_that_a_shell_starts_takes_the_files_that_it_may_open(
    prepared: ServerProcess, tmp_path: Path
) -> None:
    made = prepared.copy_to(tmp_path / "site")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_KEPT, hard))
    try:
        made.start()
        assert made._child is not None
        found, _ = resource.prlimit(made._child.pid, resource.RLIMIT_NOFILE)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        made.end()
    wanted = CONNECTIONS_MAX + FILES_KEPT
    assert found == (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))

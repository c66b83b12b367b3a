"""Slow, half-open and hostile connections, under the real ASGI server and the real protocol.

Each gets its documented end in bounded time, changes nothing, and others are served meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.site import BOOK, Site, card
from strongroom import compose, wire
from strongroom.base.limits import CONNECTIONS_MAX, FILES_KEPT, HEAD_BYTES_MAX

OUTSIDE = 10.0  # what no test waits for


@pytest.fixture(scope="module")
def site() -> Site:
    return Site()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in wire._SECONDS:
        monkeypatch.setitem(wire._SECONDS, kind, 0.25)
    monkeypatch.setattr(compose, "TICKS_A_SECOND", 1)


@contextlib.asynccontextmanager
async def serving(site: Site) -> AsyncIterator[int]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = compose.HttpServer(site.app)
        task = asyncio.create_task(server.serve(sockets=[door]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield door.getsockname()[1]
        finally:
            server.should_exit = True
            await task


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def answer_to(site: Site, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send some bytes with pauses between them and give all that comes until the end."""
    async with serving(site) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        try:
            return await asyncio.wait_for(reader.read(), OUTSIDE)
        except ConnectionError:
            return b""
        finally:
            writer.close()


def head(site: Site, method: str, path: str, *lines: str) -> bytes:
    signed = f"Authorization: {site.alice.headers['authorization']}"
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", signed, *lines, "", ""]).encode()


def ask(site: Site, *parts: bytes, pause: float = 0.0) -> bytes:
    return site.run(answer_to(site, *parts, pause=pause))


# --- slow -----------------------------------------------------------------------------------------
def test_a_connection_that_says_nothing_is_closed(site: Site) -> None:
    assert ask(site).startswith(b"HTTP/1.1 408")


def test_a_head_that_never_ends_is_closed_with_408(site: Site) -> None:
    answer = ask(site, b"PROPFIND / HTTP/1.1\r\nHost: here\r\n")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer
    assert answer.endswith(b"nothing was changed.\n")


def test_a_head_that_drips_is_closed_as_well(site: Site) -> None:
    drops = [bytes([letter]) for letter in head(site, "GET", "/")[:40]]
    # Or reset, where it goes on after the end; without an end, `ask` would raise TimeoutError.
    answer = ask(site, *drops, pause=0.05)
    assert not answer or answer.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops_half_way_changes_nothing(site: Site) -> None:
    body = card("half")
    begun = head(site, "PUT", BOOK + "half.vcf", f"Content-Length: {len(body)}") + body[:20]
    assert ask(site, begun).startswith(b"HTTP/1.1 408 ")
    assert site.do("GET", BOOK + "half.vcf").status == 404


def test_a_body_that_is_slow_but_moves_is_taken(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(wire._PROGRESS, wire._BODY_OF, 10)
    monkeypatch.setitem(wire._SECONDS, wire._BODY_OF, 0.5)
    body = card("slow")
    begun = head(
        site, "PUT", BOOK + "slow.vcf", f"Content-Length: {len(body)}", "Connection: close"
    )
    parts = [body[i : i + 12] for i in range(0, len(body), 12)]
    assert ask(site, begun, *parts, pause=0.15).startswith(b"HTTP/1.1 201 ")


def test_a_body_that_was_refused_is_not_waited_for_long(site: Site) -> None:
    begun = b"PUT /dav/ HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n"

    async def drip() -> None:
        async with serving(site) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            assert (await reader.readline()).startswith(b"HTTP/1.1 401 ")
            with contextlib.suppress(ConnectionError):
                async with asyncio.timeout(OUTSIDE):  # TimeoutError = it was waited for
                    while True:
                        writer.write(b"x")
                        await writer.drain()
                        await asyncio.sleep(0.05)
            writer.close()

    site.run(drip())


def test_a_reader_that_does_not_read_is_cut_off_and_costs_little(site: Site) -> None:
    big = Site()
    photo = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:p%d\r\nFN:P\r\nNOTE:%s\r\nEND:VCARD\r\n"
    for number in range(12):
        body = photo % (number, b"x" * 1_000_000)
        assert big.do("PUT", f"{BOOK}p{number}.vcf", body).status == 201
    hrefs = "".join(f"<D:href>{BOOK}p{n}.vcf</D:href>" for n in range(12))
    query = (
        '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
        f"<D:prop><C:address-data/></D:prop>{hrefs}</C:addressbook-multiget>"
    ).encode()
    request = head(big, "REPORT", BOOK, f"Content-Length: {len(query)}") + query

    async def stall() -> int:
        async with serving(big) as port:
            with socket.socket() as door:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                door.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(door, ("127.0.0.1", port))
                await loop.sock_sendall(door, request)
                await asyncio.sleep(3)
                size = 0
                with contextlib.suppress(ConnectionError):
                    while part := await asyncio.wait_for(loop.sock_recv(door, 65536), OUTSIDE):
                        size += len(part)
                return size

    # Cut off: what the kernel holds comes still, the rest never does.
    assert big.run(stall()) < 8_000_000


def test_idle_and_half_open_connections_keep_nobody_else_waiting(site: Site) -> None:
    async def crowd() -> bytes:
        async with serving(site) as port:
            held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(300)]
            for _, writer in held:
                writer.write(b"PROPFIND /dav/ HTTP/1.1\r\nHost:")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(head(site, "OPTIONS", "/dav/", "Connection: close"))
            answer = await asyncio.wait_for(reader.read(), OUTSIDE)
            endings = [await asyncio.wait_for(r.read(), OUTSIDE) for r, _ in held]
            for _, other in [*held, (reader, writer)]:
                other.close()
            assert all(ending.startswith(b"HTTP/1.1 408") for ending in endings)
            return answer

    assert site.run(crowd()).startswith(b"HTTP/1.1 200 ")


def files(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int = 0) -> list[tuple[int, int]]:
    """Let the process have other limits on open files; gives those that it sets itself."""
    kept: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: kept.append(limits))
    return kept


ENOUGH = CONNECTIONS_MAX + FILES_KEPT


@pytest.mark.parametrize(
    ("soft", "hard", "kept"),
    [
        (1024, 524_288, [(ENOUGH, 524_288)]),
        (1024, resource.RLIM_INFINITY, [(ENOUGH, resource.RLIM_INFINITY)]),
        (1024, 2048, [(2048, 2048)]),
        (1024, 1024, []),
        (20_000, 20_000, []),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, []),
    ],
)
def test_a_server_may_open_as_many_files_as_it_needs(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, kept: list[tuple[int, int]]
) -> None:
    found = files(monkeypatch, soft, hard)
    wire.allow_files()
    assert found == kept


@pytest.mark.parametrize(
    ("soft", "most"),
    [(1024, 1024 - FILES_KEPT), (20_000, CONNECTIONS_MAX), (-1, CONNECTIONS_MAX)],
)
def test_connections_leave_files_for_all_else(
    monkeypatch: pytest.MonkeyPatch, soft: int, most: int
) -> None:
    assert resource.RLIM_INFINITY == -1
    files(monkeypatch, soft)
    assert wire.connections_max() == most


@pytest.mark.parametrize("by", ["limit", "files"])
def test_more_connections_than_the_limit_are_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    assert CONNECTIONS_MAX > 1000
    if by == "limit":
        monkeypatch.setattr(wire, "CONNECTIONS_MAX", 5)
    else:
        files(monkeypatch, FILES_KEPT + 5)

    async def crowd() -> list[bytes]:
        async with serving(site) as port:
            held = []
            for _ in range(8):
                held.append(await asyncio.open_connection("127.0.0.1", port))
                await asyncio.sleep(0.02)
            endings = []
            for reader, writer in held:
                try:
                    endings.append(await asyncio.wait_for(reader.read(), OUTSIDE))
                except ConnectionError:
                    endings.append(b"cut")
                writer.close()
            return endings

    endings = site.run(crowd())
    assert [e.startswith(b"HTTP/1.1 408") for e in endings] == [True] * 5 + [False] * 3


def test_a_connection_that_asks_nothing_more_is_closed_without_a_word(site: Site) -> None:
    answer = ask(site, head(site, "OPTIONS", "/dav/"))
    assert answer.count(b"HTTP/1.1 ") == answer.count(b"HTTP/1.1 200 ") == 1


def test_a_connection_that_asks_again_in_time_is_kept(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(wire._SECONDS, wire._NEXT, 0.5)
    asked = [head(site, "OPTIONS", "/dav/")] * 6
    assert ask(site, *asked, pause=0.25).count(b"HTTP/1.1 200 ") == 6


class StillThere(asyncio.Transport):
    """A client that never takes its part of the end, as one over TLS may; `unread` waits for it."""

    def __init__(self, unread: int = 0) -> None:
        super().__init__()
        self.unread = unread
        self.written = b""
        self.closing = self.aborted = self.was_closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.was_closing |= self.closing and not self.aborted
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.unread


def looked_at(site: Site, client: StillThere, *said: bytes) -> bool:
    """Say one thing after the other, each looked at before it is answered; was it ended?"""

    async def look() -> bool:
        server = compose.HttpServer(site.app)
        line = wire.OneWriteProtocol(server.config, server.server_state, {})
        line.connection_made(client)
        for data in said:
            if not client.closing:  # a transport that is closed gives no more
                line.data_received(data)
            wire.sweep([line], 0.0)
            await asyncio.sleep(0.003)
        for second in range(1, 10):
            wire.sweep([line], float(second))
            await asyncio.sleep(0.003)
        ended = client.closing or client.aborted
        line.connection_lost(None)
        await asyncio.gather(*server.server_state.tasks)
        return ended

    return site.run(look())


def test_a_client_that_takes_no_part_in_the_end_is_cut_off(site: Site) -> None:
    """Also where the address was so wrong that no request ever began; the server goes on."""
    client = StillThere()
    looked_at(site, client, b"GET http://[::1 HTTP/1.1\r\nHost: here\r\n\r\n")
    assert client.written.startswith(b"HTTP/1.1 400 ")
    assert (client.closing, client.aborted) == (True, True)


def test_a_client_that_reads_not_even_a_little_is_cut_off(site: Site) -> None:
    client = StillThere(unread=5)
    looked_at(site, client, head(site, "OPTIONS", "/dav/"))
    assert client.written.startswith(b"HTTP/1.1 200 ")
    assert client.aborted
    assert not client.was_closing  # an end would wait behind what it does not read


PIECES = (
    b"GET /dav/ HTTP/1.1\r\nHost: here\r\n\r\n", b"GET http://[::1 HTTP/1.1\r\n\r\n", b"nonsense",
    b"PUT /dav/ HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n", b"123456789", b"1234",
    b"\r\n", b"CONNECT here:1 HTTP/1.1\r\n\r\n", b"HEAD /healthz HTTP/1.0\r\n\r\n", b"PROPFIND /",
    b"GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", b" HTTP/1.1\r\n\r\n",
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"4\r\n1234\r\n", b"0\r\n\r\n",
    b"PUT / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n",
    b"x" * (HEAD_BYTES_MAX + 1),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.sampled_from(PIECES), max_size=6))
def test_whatever_a_client_says_its_connection_ends_and_the_server_does_not(
    site: Site, said: list[bytes]
) -> None:
    """An error while one connection is looked at would end the server for all."""
    assert looked_at(site, StillThere(), *said)


# --- large ----------------------------------------------------------------------------------------
def padded(site: Site, size: int) -> bytes:
    """A request whose address and headers have exactly `size` bytes, as they are counted."""
    lines = [f"Authorization: {site.alice.headers['authorization']}", "Host: here",
             "Connection: close"]  # fmt: skip
    counted = len("/dav/") + sum(len(line) + 2 for line in lines)
    lines.append("X-Pad: " + "x" * (size - counted - len("X-Pad: ") - 2))
    return "\r\n".join(["OPTIONS /dav/ HTTP/1.1", *lines, "", ""]).encode()


def test_a_head_at_the_limit_is_answered_and_one_byte_more_is_431(site: Site) -> None:
    filler = b"\r\n" * 2  # so that the read itself is over the limit, and the head is measured
    at = ask(site, padded(site, HEAD_BYTES_MAX) + filler)
    over = ask(site, padded(site, HEAD_BYTES_MAX + 1) + filler)
    assert at.startswith(b"HTTP/1.1 200 ")
    assert over.startswith(b"HTTP/1.1 431 ")
    assert b"nothing was changed" in over


def test_a_head_that_grows_for_ever_is_431_before_it_ends(site: Site) -> None:
    line = b"X-Pad: " + b"x" * 8000 + b"\r\n"
    answer = ask(site, b"GET / HTTP/1.1\r\n", *[line] * 40, pause=0.005)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


# --- ambiguous lengths (request smuggling) --------------------------------------------------------
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: here\r\n\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -5",),
        ("Content-Length: +5",),
        ("Content-Length: 0x5",),
        ("Content-Length: 99999999999999999999",),
        ("Transfer-Encoding: identity, chunked, x",),
        ("Transfer-Encoding : chunked",),
        ("X: a\nContent-Length: 5",),
    ],
)
def test_an_ambiguous_length_is_refused_and_nothing_after_it_is_read(
    site: Site, lines: tuple[str, ...]
) -> None:
    request = head(site, "PUT", BOOK + "x.vcf", *lines) + b"0\r\n\r\n" + SMUGGLED
    answer = ask(site, request)
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1
    assert site.do("GET", BOOK + "x.vcf").status == 404


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,  # TLS to a plain port
        b"FOOBAR / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: here\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1\r\nHo st: here\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"\r\n\r\n\r\nnonsense\r\n\r\n",
    ],
)
def test_what_is_no_http_is_400_and_closed(site: Site, request_bytes: bytes) -> None:
    answer = ask(site, request_bytes)
    assert answer.startswith(b"HTTP/1.1 400 "), answer[:200]
    assert b"connection: close" in answer


def test_a_body_shorter_than_promised_is_no_request(site: Site) -> None:
    async def cut() -> None:
        async with serving(site) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            body = card("cut")
            length = f"Content-Length: {len(body) + 1}"
            writer.write(head(site, "PUT", BOOK + "cut.vcf", length) + body)
            await writer.drain()
            writer.close()
            await asyncio.sleep(0.2)

    site.run(cut())
    assert site.do("GET", BOOK + "cut.vcf").status == 404


@pytest.mark.parametrize(
    "rest",
    [
        b"nonsense\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 200_000,
    ],
)
def test_a_refusal_of_what_follows_is_never_the_answer_to_a_write(site: Site, rest: bytes) -> None:
    """I1: the card may have been kept; "nothing was changed" would be a lie."""
    body = card("follows")
    put = head(site, "PUT", BOOK + "follows.vcf", f"Content-Length: {len(body)}") + body
    answer = ask(site, put + rest)
    assert not answer or answer.startswith((b"HTTP/1.1 201 ", b"HTTP/1.1 204 "))


def test_bytes_after_a_request_are_a_request_of_their_own(site: Site) -> None:
    two = head(site, "OPTIONS", "/dav/") + head(site, "OPTIONS", "/dav/", "Connection: close")
    assert ask(site, two).count(b"HTTP/1.1 200 ") == 2


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What anybody can send fills no log."""
    yield
    assert not [
        r for r in caplog.get_records("call") if r.levelname in {"WARNING", "ERROR", "CRITICAL"}
    ]

"""A revoked device and a suspended account lose their open connections, under the real server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from fakes.site import BOOK, Site, card
from strongroom import compose
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin
from strongroom.history.entries import Member
from strongroom.service.accounts import resume, revoke_device, suspend

SOON = 1.0  # the promise: within a second
LONG = 9_900_000  # more than the system's buffers take
OUTSIDE = 10.0  # what no test waits for
Act = Callable[[Site], Coroutine[Any, Any, None]]


@contextlib.asynccontextmanager
async def serving(site: Site) -> AsyncIterator[int]:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = compose.HttpServer(site.app, cell=lambda: site.cell if site.open else None)
        task = asyncio.create_task(server.serve(sockets=[door]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield door.getsockname()[1]
        finally:
            server.should_exit = True
            await task


class Line:
    """One keep-alive connection of a device."""

    def __init__(self, port: int, secret: str) -> None:
        self.port, self.secret = port, secret

    async def __aenter__(self) -> Line:
        end = socket.socket()
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)  # a long answer has to wait
        end.setblocking(False)
        await asyncio.get_running_loop().sock_connect(end, ("127.0.0.1", self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=end)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    def send(self, method: str, path: str, *more: str, body: bytes = b"") -> None:
        lines = [f"{method} {path} HTTP/1.1", "host: x", "depth: 0",
                 f"authorization: {self.secret}", *more, "", ""]  # fmt: skip
        self.writer.write("\r\n".join(lines).encode() + body)

    async def ask(self, method: str, path: str) -> int:
        self.send(method, path)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n")
                      if line.startswith(b"content-length"))  # fmt: skip
        await self.reader.readexactly(length)
        return int(head.split()[1])

    async def ended(self, seconds: float = SOON) -> bool:
        """Say whether the server ends it in that time."""
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(1 << 16):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True


async def revoke(site: Site) -> None:
    await revoke_device(site.cell, "alice", "phone", Origin())  # type: ignore[arg-type]


async def close_account(site: Site) -> None:
    await suspend(site.cell, "alice", "unpaid", Origin())  # type: ignore[arg-type]


@pytest.fixture
def site() -> Site:
    return Site()


def line(site: Site, port: int, client: str = "alice") -> Line:
    return Line(port, getattr(site, client).headers["authorization"])


@pytest.mark.parametrize(("act", "status"), [(revoke, 401), (close_account, 503)])
def test_an_idle_connection_ends_within_a_second_and_others_stay(
    site: Site, act: Act, status: int
) -> None:
    async def scene() -> None:
        async with serving(site) as port, line(site, port) as phone, line(site, port, "bob") as bob:
            assert await phone.ask("PROPFIND", "/") == 207
            assert await bob.ask("PROPFIND", "/") == 207
            await act(site)
            assert await phone.ended()
            assert await bob.ask("PROPFIND", "/") == 207
            async with line(site, port) as again:
                assert await again.ask("PROPFIND", "/") == status

    asyncio.run(scene())


def test_an_answer_that_is_on_its_way_ends_too(site: Site) -> None:
    """A stalled reader of a long answer holds it open for a minute; a revoked one does not."""
    site.do("PUT", BOOK + "big.vcf", card("big", "x" * LONG), content_type="text/vcard")

    async def scene() -> None:
        async with serving(site) as port, line(site, port) as phone:
            phone.send("GET", BOOK + "big.vcf")
            assert (await phone.reader.readline()).startswith(b"HTTP/1.1 200")
            await revoke(site)
            await asyncio.sleep(SOON)
            with contextlib.suppress(ConnectionError):
                rest = await asyncio.wait_for(phone.reader.read(), OUTSIDE)
                assert len(rest) < LONG

    asyncio.run(scene())


def test_a_body_that_is_on_its_way_is_not_kept(site: Site) -> None:
    async def scene() -> None:
        async with serving(site) as port, line(site, port) as phone:
            phone.send("PUT", BOOK + "a.vcf", "content-length: 1000", body=b"BEGIN:VCARD\r\n")
            await phone.writer.drain()
            await asyncio.sleep(0.2)
            await revoke(site)
            batch = site.cell.batch
            assert await phone.ended()
            assert site.cell.batch == batch

    asyncio.run(scene())


def test_who_hears_that_an_account_is_suspended_is_not_cut_off(site: Site) -> None:
    async def scene() -> None:
        await close_account(site)
        async with serving(site) as port, line(site, port) as phone:
            assert await phone.ask("PROPFIND", "/") == 503
            assert not await phone.ended(0.7)
            await resume(site.cell, "alice", Origin())  # type: ignore[arg-type]
            assert await phone.ask("PROPFIND", "/") == 207
            assert not await phone.ended(0.7)

    asyncio.run(scene())


def test_a_cell_that_is_closed_or_opened_anew_costs_nobody_a_connection(site: Site) -> None:
    async def scene() -> None:
        async with serving(site) as port, line(site, port) as phone:
            assert await phone.ask("PROPFIND", "/") == 207
            site.open = False
            assert not await phone.ended(0.7)
            rows = (row for row in site.cell.table.values() if isinstance(row, Member))
            site.cell.directory = Directory(Member(*row) for row in rows)
            site.open = True
            assert not await phone.ended(0.7)
            assert await phone.ask("PROPFIND", "/") == 207

    asyncio.run(scene())

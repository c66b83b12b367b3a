"""Under the real ASGI server: a broken multistatus is cut off, never closed politely (I4)."""

from __future__ import annotations

import asyncio

import pytest
import uvicorn

from fakes.site import BOOK, Site
from strongroom.base.errors import UnsureError
from strongroom.dav import propfind


async def ask(port: int, lines: list[str], body: bytes = b"") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer


async def serve(site: Site, *requests: tuple[list[str], bytes]) -> list[bytes]:
    config = uvicorn.Config(
        site.app, port=0, log_level="critical", http="httptools", lifespan="off"
    )  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        return [await ask(port, *request) for request in requests]
    finally:
        server.should_exit = True
        await task


def head(site: Site, method: str, path: str, *more: str) -> list[str]:
    return [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close",
            f"Authorization: {site.alice.headers['authorization']}", *more]  # fmt: skip


@pytest.fixture
def site() -> Site:
    site = Site()
    for i in range(propfind.ROWS_A_PIECE * 2):
        site.put(f"{i}.vcf")
    return site


def test_a_whole_listing_ends_with_the_last_chunk(site: Site) -> None:
    (answer,) = site.run(serve(site, (head(site, "PROPFIND", BOOK, "Depth: 1"), b"")))
    assert answer.startswith(b"HTTP/1.1 207")
    assert answer.endswith(b"</D:multistatus>\n\r\n0\r\n\r\n")


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_listing_that_breaks_half_way_has_no_last_chunk(
    site: Site, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    real, written = propfind.describe_propfind, 0

    def describe(*arguments: object) -> bytes:
        nonlocal written
        written += 1
        if written > propfind.ROWS_A_PIECE + 5:
            raise UnsureError
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(propfind, "describe_propfind", describe)
    asked = head(site, "PROPFIND", BOOK, "Depth: 1", f"Accept-Encoding: {coding}")
    (answer,) = site.run(serve(site, (asked, b"")))
    assert answer.startswith(b"HTTP/1.1 207")
    assert (b"content-encoding: gzip" in answer) == (coding == "gzip")
    assert (b"199.vcf" in answer) == (coding == "identity")
    assert b"</D:multistatus>" not in answer
    assert not answer.endswith(b"0\r\n\r\n")


def test_a_refused_upload_hears_its_answer_and_an_expecting_one_sends_nothing(site: Site) -> None:
    big = 11 * 1024 * 1024
    path = BOOK + "big.vcf"
    length = f"Content-Length: {big}"
    sent, expecting, put = site.run(
        serve(
            site,
            (head(site, "PUT", path, length), b"x" * big),
            (head(site, "PUT", path, length, "Expect: 100-continue"), b""),
            (head(site, "PUT", path, "Transfer-Encoding: chunked"), b"5\r\nBEGIN\r\n0\r\n\r\n"),
        )
    )
    for answer in (sent, expecting):
        assert answer.startswith(b"HTTP/1.1 403")
        assert b"max-resource-size" in answer
    assert put.startswith(b"HTTP/1.1 403")
    assert b"valid-address-data" in put

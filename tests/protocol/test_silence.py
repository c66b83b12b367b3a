"""Under the real server: a 5xx that would make a client give an edit up is silence instead (I4)."""

from __future__ import annotations

import asyncio
import logging

import pytest
import uvicorn

from fakes.site import BOOK, Site, card
from phone.davx5 import Davx5
from phone.evolution import Evolution
from phone.thunderbird import Thunderbird
from strongroom.base.errors import NoSpaceError, StrongroomError, UnknownError
from strongroom.wire import OneWriteProtocol


@pytest.fixture
def site() -> Site:
    made = Site()
    made.put("ann.vcf", "ann")
    return made


def ask(site: Site, method: str, agent: str, body: bytes = b"", **headers: str) -> bytes:
    """Send one request to a real server and give all bytes that came back."""
    lines = [f"{method} {BOOK}ann.vcf HTTP/1.1", "Host: localhost", "Connection: close",
             f"User-Agent: {agent}", f"Content-Length: {len(body)}",
             f"Authorization: {site.alice.headers['authorization']}",
             *(f"{n.replace('_', '-')}: {value}" for n, value in headers.items())]  # fmt: skip
    return asyncio.run(_ask(site, "\r\n".join([*lines, "", ""]).encode() + body))


async def _ask(site: Site, sent: bytes) -> bytes:
    config = uvicorn.Config(site.app, port=0, log_config=None, http=OneWriteProtocol,
                            lifespan="off")  # type: ignore[arg-type]  # fmt: skip
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        try:
            return await asyncio.wait_for(reader.read(), 20)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()
    finally:
        server.should_exit = True
        await task


@pytest.mark.parametrize("error", [UnknownError(), NoSpaceError()])
@pytest.mark.parametrize(
    ("method", "agent"),
    [("DELETE", Thunderbird.AGENT), ("DELETE", Davx5.AGENT)],
)
def test_what_would_be_given_up_meets_no_answer(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    method: str,
    agent: str,
    error: StrongroomError,
) -> None:
    site.cell.refuse = error
    with caplog.at_level(logging.ERROR):
        assert ask(site, method, agent, card("ann", "Edited" * 20_000)) == b""
    assert caplog.records == []


@pytest.mark.parametrize(
    ("method", "agent"),
    [("PUT", Davx5.AGENT), ("PUT", Thunderbird.AGENT), ("DELETE", Evolution.AGENT)],
)
def test_everybody_else_hears_503(site: Site, method: str, agent: str) -> None:
    site.cell.refuse = UnknownError()
    answer = ask(site, method, agent, card("ann", "Edited"))
    assert answer.startswith(b"HTTP/1.1 503")
    assert b"retry-after: " in answer


def test_reads_and_the_clients_own_mistakes_are_answered(site: Site) -> None:
    agent = Thunderbird.AGENT
    assert ask(site, "PUT", agent, b"no card").startswith(b"HTTP/1.1 403")
    assert ask(site, "PUT", agent, card("ann", "B"), if_match='"other"').startswith(b"HTTP/1.1 412")
    assert ask(site, "PUT", agent, card("ann", "New")).startswith(b"HTTP/1.1 204")
    site.cell.unsure.add(site.book.id)
    assert ask(site, "GET", agent).startswith(b"HTTP/1.1 503")
    site.open = False
    assert ask(site, "DELETE", agent) == b""

"""The load generator reads what servers really send: in pieces, in chunks, and broken off."""

import asyncio

import pytest

from bench.wire import Answer, AnswerReader, Connection, Target, WireError, WrongAnswerError

WHOLE = b'HTTP/1.1 201 Created\r\nETag: "abc"\r\nContent-Length: 3\r\n\r\nyes'
CHUNKED = (
    b"HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4\r\n<a/>\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n"
)


def fed(data: bytes, size: int) -> list[Answer]:
    reader = AnswerReader()
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return [answer for piece in pieces if (answer := reader.feed(piece)) is not None]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_answer_reads_the_same_however_it_is_cut(size: int) -> None:
    expected = [Answer(201, '"abc"', b"yes", False)]

    assert expected == fed(WHOLE, size)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_chunks_are_joined_and_their_extensions_dropped(size: int) -> None:
    expected = [Answer(207, "", b"<a/>0123456789", False)]

    assert expected == fed(CHUNKED, size)


def test_a_second_answer_on_the_same_connection_starts_afresh() -> None:
    reader = AnswerReader()

    assert Answer(207, "", b"<a/>0123456789", False) == reader.feed(CHUNKED)
    assert Answer(201, '"abc"', b"yes", False) == reader.feed(WHOLE)


def test_an_interim_answer_is_passed_over() -> None:
    assert fed(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE, 1000)[0].status == 201


def test_no_content_needs_no_length() -> None:
    answer = AnswerReader().feed(b"HTTP/1.1 204 No Content\r\nEtag: W/1\r\n\r\n")

    assert Answer(204, "W/1", b"", False) == answer


@pytest.mark.parametrize(
    "head,closes",
    [
        (b"HTTP/1.1 204 OK\r\n", False),
        (b"HTTP/1.1 204 OK\r\nConnection: close\r\n", True),
        (b"HTTP/1.0 204 OK\r\n", True),
        (b"HTTP/1.0 204 OK\r\nConnection: keep-alive\r\n", False),
    ],
)
def test_a_connection_lives_on_as_the_version_and_header_say(head: bytes, closes: bool) -> None:
    answer = AnswerReader().feed(head + b"\r\n")

    assert answer is not None
    assert closes == answer.closes


def test_a_body_without_a_length_ends_with_the_stream() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\nall of it") is None

    assert Answer(200, "", b"all of it", True) == reader.end()


@pytest.mark.parametrize("cut", [10, len(WHOLE) - 1])
def test_an_answer_that_breaks_off_is_no_answer(cut: int) -> None:
    reader = AnswerReader()
    reader.feed(WHOLE[:cut])

    assert reader.end() is None


def test_what_is_not_http_is_refused() -> None:
    with pytest.raises(WireError):
        AnswerReader().feed(b"SSH-2.0-x\r\n\r\n")


def test_a_wrong_status_is_never_a_success() -> None:
    answer = Answer(503, "", b"later", False)

    assert answer is answer.expect(207, 503)
    with pytest.raises(WrongAnswerError, match="later"):
        answer.expect(200, 201)


def test_only_loopback_is_ever_put_under_load() -> None:
    with pytest.raises(ValueError, match="loopback"):
        Target(80, "/", "a", "b", host="192.0.2.1")


def test_a_request_carries_who_and_how_long() -> None:
    request = Target(80, "/h/", "ada", "pw").request("PUT", "/h/c/1.vcf", "X: y\r\n", b"BODY")

    head, _, body = request.partition(b"\r\n\r\n")
    assert body == b"BODY"
    assert head.startswith(b"PUT /h/c/1.vcf HTTP/1.1\r\nHost: 127.0.0.1:80\r\n")
    assert b"Authorization: Basic YWRhOnB3" in head
    assert b"X: y" in head
    assert b"Content-Length: 4" in head


def test_a_client_opens_again_what_the_server_closed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async def ask_three_times() -> tuple[int, list[bytes]]:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            connection = Connection(Target(port, "/", "a", "b"))
            bodies = [(await connection.ask("GET", "/")).body for _ in range(3)]
            connection.close()
            return connection.opened, bodies

    assert asyncio.run(ask_three_times()) == (3, [b"ok"] * 3)

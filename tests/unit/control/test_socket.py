"""The control socket, both sides over a real socket, with a fake table behind it."""

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from strongroom.base.errors import NotFoundError, SettingsError, UnknownError
from strongroom.control.address import short_path
from strongroom.control.ask import NoServerError, ask
from strongroom.control.listen import listening
from strongroom.control.protocol import (
    CONNECTIONS_MAX,
    REQUEST_BYTES_MAX,
    AnsweredError,
    Request,
    decode_answer,
)

Tell = Callable[[str], None]


async def fake_run(request: Request, tell: Tell) -> dict[str, Any]:
    if request.command == "fail":
        raise NotFoundError("no such thing")
    if request.command == "break":
        raise ZeroDivisionError("our own mistake")
    if request.command == "wait":
        await asyncio.sleep(60)
    tell("one")
    tell("two")
    return {"asked": request.command, **request.arguments}


def over_socket(path: Path, client: Callable[[], Any], seconds_max: float = 5.0) -> Any:
    """Run a blocking client in a thread while the socket is listened to."""

    async def both() -> Any:
        async with listening(path, fake_run, seconds_max):
            return await asyncio.to_thread(client)

    return asyncio.run(both())


def raw(path: Path, data: bytes, *, end: bool = True) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection, short_path(path) as name:
        connection.settimeout(10)
        connection.connect(name)
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it may be closed before all was sent, and still have answered
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
        return b"".join(parts)


def error_of(line: bytes) -> AnsweredError:
    answer = decode_answer(line)
    assert isinstance(answer, AnsweredError)
    return answer


def test_progress_comes_before_the_result(tmp_path: Path):
    path = tmp_path / "control.sock"
    told: list[str] = []
    result = over_socket(path, lambda: ask(path, Request("x", {"a": 1}), told.append))
    assert result == {"asked": "x", "a": 1}
    assert told == ["one", "two"]


def test_an_error_of_the_command_is_raised_by_its_code(tmp_path: Path):
    path = tmp_path / "control.sock"
    with pytest.raises(AnsweredError, match="no such thing") as caught:
        over_socket(path, lambda: ask(path, Request("fail"), print))
    assert caught.value.code == "not-found"


def test_a_mistake_of_ours_is_answered_and_the_socket_lives_on(tmp_path: Path):
    path = tmp_path / "control.sock"

    def client() -> dict[str, Any]:
        with pytest.raises(AnsweredError, match="ZeroDivisionError"):
            ask(path, Request("break"), print)
        return ask(path, Request("x"), lambda text: None)

    assert over_socket(path, client) == {"asked": "x"}


@pytest.mark.parametrize(
    "data",
    [b"\n", b"{}\n", b"\xff\n", b"[" * 1000 + b"\n", b"a" * (REQUEST_BYTES_MAX + 10) + b"\n", b""],
    ids=["empty", "no command", "no text", "deep", "long", "nothing"],
)
def test_hostile_input_is_answered_with_the_one_error(tmp_path: Path, data: bytes):
    path = tmp_path / "control.sock"
    assert error_of(over_socket(path, lambda: raw(path, data))).code == "control-protocol"


def test_who_sends_no_whole_line_is_not_waited_for(tmp_path: Path):
    path = tmp_path / "control.sock"
    answer = over_socket(path, lambda: raw(path, b'{"comm', end=False), seconds_max=0.1)
    assert error_of(answer).code == "control-protocol"


def test_too_many_at_once_are_told_so(tmp_path: Path):
    path = tmp_path / "control.sock"

    def client() -> bytes:
        waiting = []
        for _ in range(CONNECTIONS_MAX):
            connection = socket.socket(socket.AF_UNIX)
            with short_path(path) as name:
                connection.connect(name)
            connection.sendall(b'{"command":"wait"}\n')
            waiting.append(connection)
        time.sleep(0.3)  # until all of them are being waited for
        try:
            return raw(path, b'{"command":"x"}\n')
        finally:
            for connection in waiting:
                connection.close()

    assert error_of(over_socket(path, client)).code == "busy"


def test_only_the_owner_may_connect_and_the_name_goes_at_the_end(tmp_path: Path):
    path = tmp_path / "control.sock"
    assert over_socket(path, lambda: oct(os.stat(path).st_mode & 0o777)) == "0o600"
    assert not path.exists()


def test_a_socket_left_by_a_killed_server_is_replaced(tmp_path: Path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left, short_path(path) as name:
        left.bind(name)
    with pytest.raises(NoServerError):
        ask(path, Request("x"), print)
    assert over_socket(path, lambda: ask(path, Request("x"), lambda text: None)) == {"asked": "x"}


def test_a_directory_that_takes_no_writes_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A read-only disk under `data` is no mistake of ours, at the start nor at the end."""
    path = tmp_path / "control.sock"
    path.touch()

    def refused(name: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(name))

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refused)
        with pytest.raises(SettingsError, match="Read-only file system"):
            over_socket(path, lambda: None)
    path.unlink()

    def turned() -> None:
        monkeypatch.setattr(os, "unlink", refused)

    over_socket(path, turned)
    assert path.exists()


def test_a_path_longer_than_a_socket_address_works(tmp_path: Path):
    folder = tmp_path / ("a path with spaces " * 5) / ("b" * 100)
    folder.mkdir(parents=True)
    path = folder / "control.sock"
    assert over_socket(path, lambda: ask(path, Request("x"), lambda text: None)) == {"asked": "x"}


def test_a_server_that_goes_away_is_no_success(tmp_path: Path):
    path = tmp_path / "control.sock"

    async def both() -> None:
        async with listening(path, fake_run):
            asking = asyncio.create_task(
                asyncio.to_thread(ask, path, Request("wait"), lambda text: None)
            )
            await asyncio.sleep(0.2)
        with pytest.raises(UnknownError, match="may have run"):
            await asking

    asyncio.run(both())


def test_an_answer_that_is_cut_off_is_no_misunderstanding(tmp_path: Path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as server, short_path(path) as name:
        server.bind(name)
        server.listen()

        def half() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b'{"result": {"asked"')

        with ThreadPoolExecutor(1) as pool:
            pool.submit(half)
            with pytest.raises(UnknownError, match="may have run"):
                ask(path, Request("x"), print)

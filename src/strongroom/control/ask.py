"""The asking side of the control socket: blocking, for the command line."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from strongroom.base.errors import OperatorError, UnknownError
from strongroom.control.address import short_path
from strongroom.control.protocol import (
    ANSWER_BYTES_MAX,
    Progress,
    Request,
    Result,
    decode_answer,
    encode_request,
)


class NoServerError(OperatorError):
    """Nobody listens on the control socket; nothing was asked of anyone."""

    code = "no-server"
    hint = "Start it with `strongroom serve`."


def ask(path: Path, request: Request, progress: Callable[[str], None]) -> dict[str, Any]:
    """Let the running server run a command.

    Raises:
        NoServerError: nobody listens there. Nothing was changed.
        AnsweredError: what the server's command raised.
        ProtocolError: the answer is none of this release; the command may have run.
        UnknownError: the server went away before the answer; the command may have run.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            with short_path(path) as name:
                connection.connect(name)
        except OSError as error:
            raise NoServerError(f"No server listens on {path}: {error.strerror}.") from error
        try:
            connection.sendall(encode_request(request))
            return _answers(connection, progress)
        except OSError as error:
            raise _gone() from error


def _answers(connection: socket.socket, progress: Callable[[str], None]) -> dict[str, Any]:
    with connection.makefile("rb") as lines:
        while line := lines.readline(ANSWER_BYTES_MAX + 1):
            if len(line) <= ANSWER_BYTES_MAX and not line.endswith(b"\n"):
                break  # cut off in the middle
            answer = decode_answer(line)
            if isinstance(answer, Result):
                return answer.value
            if not isinstance(answer, Progress):
                raise answer
            progress(answer.text)
    raise _gone()


def _gone() -> UnknownError:
    return UnknownError(
        "The server went away before it answered; the command may have run. See whether it took"
        " effect before you repeat it."
    )

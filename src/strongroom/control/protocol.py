"""The words of the control socket: one JSON object a line, UTF-8. Pure.

A request is one line, `{"command": ..., "arguments": {...}}`. The answer is any number of
`{"progress": text}` lines, then one `{"result": ...}` or `{"error": {"code", "message", "hint"}}`.
Whatever a line holds, `decode_*` gives a value or raises ProtocolError; it never trusts a length.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.base.errors import StrongroomError

REQUEST_BYTES_MAX: Final = 2 * 1024 * 1024  # a page of an import, coded in base64
ANSWER_BYTES_MAX: Final = 32 * 1024 * 1024  # what was not taken of a page; the largest body, coded
REQUEST_SECONDS_MAX: Final = 10.0  # for the one line; the work itself may take hours
CONNECTIONS_MAX: Final = 32


class ProtocolError(StrongroomError):
    """A line on the control socket is not what the protocol says; nothing was run."""

    code = "control-protocol"
    hint = "Use the `strongroom` command of the same release as the server. Nothing was changed."


class AnsweredError(StrongroomError):
    """The running server refused or failed; it keeps the code and hint that came over the wire."""

    code = "answered"

    def __init__(self, code: str, message: str, hint: str) -> None:
        """Stand for an error of the server's process."""
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the class's code is only a default here
        self.hint = hint  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted."""

    command: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """One line for a person who waits."""

    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """The end, and what came of it."""

    value: dict[str, Any]


Answer = Progress | Result | StrongroomError


def encode_request(request: Request) -> bytes:
    """Give the request's line."""
    return _line({"command": request.command, "arguments": dict(request.arguments)})


def decode_request(line: bytes) -> Request:
    """Read a request's line; raises ProtocolError."""
    record = _record(line, REQUEST_BYTES_MAX)
    command, arguments = record.get("command"), record.get("arguments", {})
    if set(record) - {"command", "arguments"}:
        raise ProtocolError("A request has a command and arguments, no more.")
    if not isinstance(command, str) or not isinstance(arguments, dict):
        raise ProtocolError("A request's command is a text, its arguments are an object.")
    return Request(command, arguments)


def encode_answer(answer: Answer) -> bytes:
    """Give the answer's line."""
    if isinstance(answer, Progress):
        return _line({"progress": answer.text})
    if isinstance(answer, Result):
        return _line({"result": answer.value})
    error = {"code": answer.code, "message": str(answer), "hint": answer.hint}
    return _line({"error": error})


def decode_answer(line: bytes) -> Answer:
    """Read an answer's line; an error is given, not raised. Raises ProtocolError."""
    record = _record(line, ANSWER_BYTES_MAX)
    if isinstance(record.get("progress"), str):
        return Progress(record["progress"])
    if isinstance(record.get("result"), dict):
        return Result(record["result"])
    error = record.get("error")
    if isinstance(error, dict):
        parts = [error.get(name) for name in ("code", "message", "hint")]
        if all(isinstance(part, str) for part in parts):
            return AnsweredError(*map(str, parts))
    raise ProtocolError("The server's answer is neither progress, nor a result, nor an error.")


def _line(record: dict[str, Any]) -> bytes:
    # What is no UTF-8 goes as an escape of JSON, so that it arrives, and is refused by its name.
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="backslashreplace") + b"\n"


def _record(line: bytes, limit: int) -> dict[str, Any]:
    if len(line) > limit:
        raise ProtocolError(f"A line of over {limit} bytes.")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"A line that is not JSON: {type(error).__name__}.") from error
    if not isinstance(record, dict):
        raise ProtocolError("A line that is no JSON object.")
    return record

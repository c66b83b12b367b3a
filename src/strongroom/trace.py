"""Traces of requests: what a phone asks and what it is answered, with nothing personal in it.

It stands around the application where `serve --trace` was asked for, to find out what no source
tells: what a real phone makes of a 503, a 507 or an empty home. A line is JSON; what may stand in
it is decided by formats/redaction.py. The beginning of each body is kept in memory until its
request has ended.

Not here: the file (stores/trace_file.py). Status 0 = no answer began; `cut` = it did not end well.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from strongroom.base.limits import TRACE_BODY_BYTES_MAX
from strongroom.dav.request import REQUEST_ID, Message, Receive, Scope, Send
from strongroom.formats.redaction import Redactor
from strongroom.ports.world import Clock

App = Callable[[Scope, Receive, Send], Awaitable[None]]
Write = Callable[[bytes], None]  # takes one line without its end; must not wait

_METHOD_MAX: Final = 24
_log: Final = logging.getLogger("strongroom.trace")


class Trace:
    """An application that tells what passes in and out of another."""

    def __init__(self, app: App, write: Write, clock: Clock, secret: bytes) -> None:
        """Stand around `app`; `secret` makes the pseudonyms and is kept nowhere."""
        self._app = app
        self._write = write
        self._clock = clock
        self._redactor = Redactor(secret)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection event on, and tell of it if it was a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tap = _Tap(receive, send)
        loop = asyncio.get_running_loop()
        began, at_ms = loop.time(), self._clock.now_ms()
        try:
            await self._app(scope, tap.receive, tap.send)
        except BaseException:  # takes note, then raises it again
            tap.cut = True
            raise
        finally:
            self._tell(scope, tap, at_ms, (loop.time() - began) * 1000)

    def _tell(self, scope: Scope, tap: _Tap, at_ms: int, took_ms: float) -> None:
        try:
            line = self._line(scope, tap, at_ms, took_ms)
        except Exception as error:  # noqa: BLE001 - a trace never breaks what it looks at
            _log.warning("a request could not be traced: %r", error)
            return
        self._write(json.dumps(line, ensure_ascii=False).encode("utf-8", "replace"))

    def _line(self, scope: Scope, tap: _Tap, at_ms: int, took_ms: float) -> dict[str, Any]:
        redact = self._redactor
        sent = dict(scope["headers"])
        got = dict(tap.headers)
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "ms": round(took_ms, 1),
            "request": scope.get(REQUEST_ID, ""),
            "who": redact.pseudonym(sent.get(b"authorization", b"")),
            "method": _method(scope["method"]),
            "path": redact.path(scope["raw_path"].decode("latin-1")),
            "headers": redact.headers(scope["headers"]),
            "body": tap.asked.told(redact, sent.get(b"content-encoding", b"")),
            "status": tap.status,
            "answer_headers": redact.headers(tap.headers),
            "answer": tap.answered.told(redact, got.get(b"content-encoding", b"")),
        }
        return line | {"cut": True} if tap.cut or not tap.ended else line


class _Part:
    """The beginning of a body, and how long all of it is."""

    def __init__(self) -> None:
        self.start = bytearray()
        self.size = 0

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        self.start += piece[: TRACE_BODY_BYTES_MAX - len(self.start)]

    def told(self, redact: Redactor, coding: bytes) -> dict[str, Any] | None:
        return redact.body(bytes(self.start), self.size, coding) if self.size else None


class _Tap:
    """What is seen while a request runs."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.asked, self.answered = _Part(), _Part()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.cut = self.ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self.asked.add(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.answered.add(message.get("body", b""))
            self.ended = not message.get("more_body", False)
        await self._send(message)


def _method(method: str) -> str:
    return method if method.isalpha() and len(method) <= _METHOD_MAX else "other"

"""The access log: one JSON line for each request, and nothing personal in it.

It stands around the application and is not there at all where `access_log` is "none". A line tells
time, request id (also in the header X-Request-Id of an answer that is an error), the client's
address, method, status, milliseconds, bytes in and out, the number of the device, and the family of
the program. Never a login, an address on this server, a name, a password or a body: each value is a
number, an IP address, or a word from a list of ours. Requests for /healthz are not logged.

Status 0 = the client went away, or the connection was cut before an answer began.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from strongroom.dav.auth import ADMITTED
from strongroom.dav.request import REQUEST_ID, Message, Receive, Scope, Send
from strongroom.ports.world import Clock
from strongroom.service.accounts import Caller

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_METHODS: Final = frozenset(
    {
        *("COPY", "DELETE", "GET", "HEAD", "LOCK", "MKCALENDAR", "MKCOL", "MOVE", "OPTIONS"),
        *("POST", "PROPFIND", "PROPPATCH", "PUT", "REPORT", "UNLOCK"),
    }
)
# What a User-Agent holds -> the family that is written; the first one that fits.
_FAMILIES: Final = (
    (b"davx5", "DAVx5"),
    (b"thunderbird", "Thunderbird"),
    (b"evolution", "Evolution"),
    (b"vdirsyncer", "vdirsyncer"),
    (b"kde ", "KDE"),
    (b"akonadi", "KDE"),
    (b"caldavsynchronizer", "Outlook CalDav Synchronizer"),
    (b"mozilla/", "browser"),
    (b"macos/", "macOS"),
    (b"mac os x/", "macOS"),
    (b"ios/", "iOS"),
    (b"dataaccessd", "iOS"),
    (b"curl/", "curl"),
    (b"strongroom-doctor", "doctor"),
)


class AccessLog:
    """An application that writes a line about each request of another."""

    def __init__(self, app: App, clock: Clock, write: Callable[[str], object]) -> None:
        """Stand around `app`; `write` takes each line, with its end."""
        self._app = app
        self._clock = clock
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one connection event on, and write a line if it was a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        line = _Line(scope, receive, send)
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self._app(scope, line.receive, line.send)
        except BaseException:  # takes note, then raises it again
            line.cut = True
            raise
        finally:
            if REQUEST_ID in scope:
                told = line.told(scope, self._clock.now_ms(), (loop.time() - began) * 1000)
                with suppress(OSError):  # a log that is full or gone breaks no request
                    self._write(told)


class _Line:
    """What is counted while a request runs."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._tell: Callable[[Caller], None] | None = scope.get(ADMITTED)
        scope[ADMITTED] = self._admitted
        self.device: int | None = None
        self.status = 0
        self.bytes_in = self.bytes_out = 0
        self.cut = False

    def _admitted(self, caller: Caller) -> None:
        self.device = caller.device.id
        if self._tell is not None:
            self._tell(caller)

    async def receive(self) -> Message:
        message = await self._receive()
        self.bytes_in += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.bytes_out += len(message.get("body", b""))
        await self._send(message)

    def told(self, scope: Scope, now_ms: int, took_ms: float) -> str:
        """Write the line by hand, which costs half; no value of it needs an escape in JSON."""
        method = scope["method"]
        device = "null" if self.device is None else self.device
        cut = ', "cut": true' if self.cut else ""
        return (
            f'{{"time": "{_second(now_ms // 1000)}.{now_ms % 1000:03d}Z", '
            f'"request": "{scope[REQUEST_ID]}", "client": "{_address(scope)}", '
            f'"method": "{method if method in _METHODS else "other"}", "status": {self.status}, '
            f'"ms": {took_ms:.1f}, "bytes_in": {self.bytes_in}, "bytes_out": {self.bytes_out}, '
            f'"device": {device}, "agent": "{family(_header(scope, b"user-agent"))}"{cut}}}\n'
        )


@lru_cache(16)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _address(scope: Scope) -> str:
    """Give the client's address; what a proxy passed on may be anything, so it is looked at."""
    client = scope.get("client")
    return _checked(client[0]) if client else "unknown"


@lru_cache(4096)
def _checked(address: str) -> str:
    try:
        # What a zone is called may be anything; nobody needs it here.
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return "unknown"


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


@lru_cache(1024)
def family(agent: bytes) -> str:
    """Say which family of programs a User-Agent is of."""
    low = agent.lower()
    return next((name for word, name in _FAMILIES if word in low), "other")

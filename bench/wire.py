"""HTTP/1.1 as a load generator needs it: one request at a time, as few cycles as possible.

Not an HTTP library: it reads the status, the length, the ETag and whether the connection lives on,
and it trusts its servers to be servers. The two cores of a small machine are shared with the
server under test, so each microsecond here is one that the server does not get.
"""

import asyncio
import base64
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "::1")
CONNECT_S = 60.0


class WireError(Exception):
    """The server broke off, or what it said is not HTTP."""


class WrongAnswerError(Exception):
    """The server answered, but not what the workload demands."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One response; `etag` is as it stood in the header, quotes and all, or empty."""

    status: int
    etag: str
    body: bytes
    closes: bool

    def expect(self, *statuses: int) -> "Answer":
        """Return self, or raise WrongAnswerError if the status is none of these."""
        if self.status not in statuses:
            said = self.body[:300].decode("utf-8", "replace")
            raise WrongAnswerError(f"{self.status} instead of {statuses}: {said}")
        return self


@dataclass(slots=True)
class _Head:
    status: int
    etag: str
    closes: bool
    chunked: bool
    length: int | None


def _header(head: bytes, lower: bytes, name: bytes) -> bytes:
    """The value of a header; `lower` is `head` in lower case, `name` begins with a line break."""
    at = lower.find(name)
    if at < 0:
        return b""
    at += len(name)
    end = head.find(b"\r\n", at)
    return head[at : end if end >= 0 else len(head)].strip()


def _read_head(head: bytes) -> _Head:
    if head[:5] != b"HTTP/" or not head[9:12].isdigit():
        raise WireError(f"not a status line: {head[:60]!r}")
    lower = head.lower()
    status = int(head[9:12])
    connection = _header(head, lower, b"\r\nconnection:").lower()
    old = head[5:8] == b"1.0"
    length = _header(head, lower, b"\r\ncontent-length:")
    return _Head(
        status=status,
        etag=_header(head, lower, b"\r\netag:").decode("latin-1"),
        closes=connection == b"close" or (old and connection != b"keep-alive"),
        chunked=_header(head, lower, b"\r\ntransfer-encoding:").lower() == b"chunked",
        length=0 if status in {204, 304} else int(length) if length else None,
    )


class AnswerReader:
    """Turns the bytes of one connection into answers; HEAD is never asked for."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> Answer | None:
        """Take bytes; return the answer once it is whole."""
        self._buffer += data
        while self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return None
            head = _read_head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if head.status >= 200:  # an interim 1xx announces another head
                self._head = head
        if self._head.chunked:
            return self._chunked(self._head)
        if self._head.length is not None and len(self._buffer) >= self._head.length:
            body = bytes(self._buffer[: self._head.length])
            del self._buffer[: self._head.length]
            return self._finish(self._head, body)
        return None

    def end(self) -> Answer | None:
        """Take the end of the stream: it ends an answer that has no length, and no other."""
        head = self._head
        if head is None or head.chunked or head.length is not None:
            return None
        head.closes = True
        body = bytes(self._buffer)
        self._buffer.clear()
        return self._finish(head, body)

    def _chunked(self, head: _Head) -> Answer | None:
        at = 0
        answer = None
        while True:
            line = self._buffer.find(b"\r\n", at)
            if line < 0:
                break
            size = int(bytes(self._buffer[at:line]).split(b";")[0], 16)
            after = line + 2 + size + 2
            if len(self._buffer) < after:
                break
            at = after
            if size == 0:
                answer = self._finish(head, b"".join(self._parts))
                break
            self._parts.append(bytes(self._buffer[line + 2 : line + 2 + size]))
        del self._buffer[:at]
        return answer

    def _finish(self, head: _Head, body: bytes) -> Answer:
        self._head = None
        self._parts = []
        return Answer(head.status, head.etag, body, head.closes)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a server listens and whose books are meant; `home` ends with a slash."""

    port: int
    home: str
    login: str
    password: str
    host: str = LOOPBACK[0]
    calendars: str = ""  # the home of calendars, likewise
    _fixed: str = field(init=False, repr=False, default="")

    def __post_init__(self) -> None:
        """Refuse what is not this machine, and make once what each request repeats."""
        if self.host not in LOOPBACK:
            raise ValueError(f"the load generator speaks to loopback only, not to {self.host}")
        word = base64.b64encode(f"{self.login}:{self.password}".encode()).decode()
        fixed = f" HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: Basic {word}\r\n"
        object.__setattr__(self, "_fixed", fixed)

    def book(self, name: str) -> str:
        """The path of an address book of this home."""
        return f"{self.home}{name}/"

    def calendar(self, name: str) -> str:
        """The path of a calendar of this account."""
        return f"{self.calendars}{name}/"

    def request(self, method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
        """The bytes of a request; each line of `headers` ends with a line break of its own."""
        length = f"Content-Length: {len(body)}\r\n" if body or method == "PUT" else ""
        return f"{method} {path}{self._fixed}{headers}{length}\r\n".encode() + body


def path_of(href: str) -> str:
    """The path of an href, which servers may also send as a whole URL."""
    return urlsplit(href).path if "://" in href else href


class _Line(asyncio.Protocol):
    """One socket: carries one request at a time, and is thrown away when it is closed."""

    def __init__(self) -> None:
        self.alive = True
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._waiting: asyncio.Future[Answer] | None = None

    def ask(self, data: bytes) -> asyncio.Future[Answer]:
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._waiting

    def close(self) -> None:
        self.alive = False
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        try:
            answer = self._reader.feed(data)
        except (WireError, ValueError) as error:
            self._fail(WireError(str(error)))
            return
        if answer is not None:
            self._give(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        answer = self._reader.end()
        if answer is not None:
            self._give(answer)
        else:
            self._fail(WireError(f"the server broke off: {exc or 'end of stream'}"))

    def _give(self, answer: Answer) -> None:
        if answer.closes:
            self.close()
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _fail(self, error: WireError) -> None:
        self.close()
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(error)


class Connection:
    """One client's connection: opened when needed, opened again when the server closed it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.opened = 0
        self._line: _Line | None = None

    async def ask(self, method: str, path: str, headers: str = "", body: bytes = b"") -> Answer:
        """Send one request and return its answer, whatever its status.

        Raises:
            WireError: the connection broke before the answer was whole.
        """
        line = self._line
        if line is None or not line.alive:
            line = await self._open()
        return await line.ask(self.target.request(method, path, headers, body))

    def close(self) -> None:
        """Close the connection; a next `ask` opens it again."""
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _open(self) -> _Line:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_S):
                _, line = await loop.create_connection(_Line, self.target.host, self.target.port)
        except (OSError, TimeoutError) as error:
            raise WireError(f"no connection: {error}") from error
        self.opened += 1
        self._line = line
        return line

"""A small proxy with TLS in front of a real server, which lies in one way or another.

It is what badly set up proxies do, one thing at a time, so that `strongroom doctor` can be seen to
find each. Without a lie it passes everything on as it came.
"""

from __future__ import annotations

import gzip
import http.client
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from e2e.certificates import Pair

METHODS = (
    *("OPTIONS", "GET", "HEAD", "PUT", "POST", "DELETE", "COPY", "MOVE"),
    *("MKCOL", "MKCALENDAR", "PROPFIND", "PROPPATCH", "REPORT"),
)
PIECE = 64 * 1024


class Told:
    """An answer on its way back; a lie may change it."""

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def set(self, name: str, value: str | None) -> None:
        self.headers = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Asked(BaseHTTPRequestHandler):
    """One connection to the proxy."""

    protocol_version = "HTTP/1.1"
    server: LyingProxy

    def log_message(self, *_: Any) -> None:
        return

    def answer(self) -> None:
        early = self.server.early(self)
        told = early or self.passed_on()
        if early:
            self.close_connection = True
        else:
            self.server.late(self, told)
        self.send_response_only(told.status)
        for name, value in told.headers:
            if name.lower() not in {"transfer-encoding", "content-length"}:
                self.send_header(name, value)
        if told.status not in {204, 304}:
            self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(told.body)
        if told.get("connection") == "close":
            self.close_connection = True

    def passed_on(self) -> Told:
        line = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=20)
        try:
            line.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in self.server.dropped:
                    line.putheader(name, value)
            line.endheaders()
            self.send_body(line)
            reply = line.getresponse()
            return Told(reply.status, reply.getheaders(), reply.read())
        finally:
            line.close()

    def send_body(self, line: http.client.HTTPConnection) -> None:
        left = int(self.headers.get("content-length") or 0)
        while left > 0:
            part = self.rfile.read(min(left, PIECE))
            left -= len(part)
            line.send(part)


for _method in METHODS:
    setattr(Asked, f"do_{_method}", Asked.answer)


def honest(_asked: Asked, _told: Told) -> None:
    """Change nothing."""


class LyingProxy(ThreadingHTTPServer):
    """Listens on loopback until the block ends."""

    daemon_threads = True

    def __init__(
        self,
        upstream: int,
        pair: Pair | None,
        *,
        late: Callable[[Asked, Told], None] = honest,
        early: Callable[[Asked], Told | None] = lambda _: None,
        dropped: tuple[str, ...] = (),
    ) -> None:
        super().__init__(("127.0.0.1", 0), Asked)
        self.upstream, self.late, self.early, self.dropped = upstream, late, early, dropped
        self.port: int = self.server_address[1]
        self.address = f"{'https' if pair else 'http'}://localhost:{self.port}/"
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.certificate, pair.key)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is not worth a word."""

    def __enter__(self) -> LyingProxy:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.shutdown()
        self._thread.join()
        self.server_close()


def compressed(told: Told) -> None:
    told.body = gzip.compress(told.body)
    told.set("Content-Encoding", "gzip")

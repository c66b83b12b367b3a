"""A stand-in for Strongroom behind a proxy: it says what reached it, byte by byte.

It takes one connection at a time; the test plays the server by hand.
"""

from __future__ import annotations

import socket

SECONDS = 10.0


class Upstream:
    """Listens on loopback; `take` gives the next connection and what came on it so far."""

    def __init__(self) -> None:
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.settimeout(SECONDS)
        self.port: int = self._door.getsockname()[1]
        self._connection: socket.socket | None = None

    def take(self) -> str:
        """Take a connection and read up to the end of the request's head; gives the head."""
        self._connection, _ = self._door.accept()
        self._connection.settimeout(SECONDS)
        got = b""
        while b"\r\n\r\n" not in got:
            got += self.read()
        head, _, self.rest = got.partition(b"\r\n\r\n")
        return head.decode("latin-1")

    def read(self) -> bytes:
        """Read what comes next."""
        assert self._connection is not None
        part = self._connection.recv(65536)
        assert part, "the proxy closed the connection"
        return part

    def send(self, data: bytes) -> None:
        assert self._connection is not None
        self._connection.sendall(data)

    def cut(self) -> None:
        """Close the connection, whatever was promised on it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        self.cut()
        self._door.close()

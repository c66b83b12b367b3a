"""A cell for the harness: a real server with one account, its oracle and its inspector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crash.inspection import Inspector
from crash.load import Load, Shape
from crash.oracle import Oracle
from e2e.server import ServerProcess, book_of

LOGIN = "alice"


class Ground:
    """All that an event needs."""

    def __init__(self, server: ServerProcess, password: str) -> None:
        self.server = server
        self.password = password
        self.book = book_of(LOGIN)
        self.oracle = Oracle("")
        self.inspector = Inspector(server.wire(LOGIN, password), self.book, self.oracle)

    def load(self, shape: Shape | None = None, seed: int = 1) -> Load:
        target = (self.server.address, LOGIN, self.password, self.book, self.oracle)
        return Load(*target, shape, seed)


@contextmanager
def ground(place: Path, replicas: Sequence[Path] | None = None) -> Iterator[Ground]:
    """Make a cell and start its server; whatever happens, it ends."""
    server = ServerProcess(place, replicas=replicas)
    try:
        server.init()
        server.add_account(LOGIN)
        password = server.add_device(LOGIN, "load")
        server.start()
        yield Ground(server, password)
    finally:
        server.end()

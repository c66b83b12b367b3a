"""A cell for the harness: a real server with one account, its oracle and its inspector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crash.inspection import Inspector
from crash.kinds import collections_of
from crash.load import Load, Shape
from crash.oracle import Oracle
from e2e.server import ServerProcess

LOGIN = "alice"


class Ground:
    """All that an event needs."""

    def __init__(self, server: ServerProcess, password: str) -> None:
        self.server = server
        self.password = password
        self.collections = collections_of(LOGIN)
        self.oracle = Oracle("")
        wire = server.wire(LOGIN, password)
        self._inspectors = [Inspector(wire, one, self.oracle) for one in self.collections]

    def inspect(self, *, settled: bool = True) -> None:
        """Look at everything once, as each inspector does."""
        for one in self._inspectors:
            one.inspect(settled=settled)

    def load(self, shape: Shape | None = None, seed: int = 1) -> Load:
        target = (self.server.address, LOGIN, self.password, self.collections, self.oracle)
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

"""Servers for a test, each ended with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e.server import ServerProcess


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A running server with the account `alice`; its device is `phone`."""
    made = ServerProcess(tmp_path / "site")
    try:
        made.init()
        made.start()
        made.add_account("alice")
        yield made
    finally:
        made.end()

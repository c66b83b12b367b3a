"""A replica on a disk, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.story import identity
from strongroom.stores.sqlite import SqliteReplica


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "r1").mkdir()
    return tmp_path / "r1"


@pytest.fixture
def replica(root: Path) -> Iterator[SqliteReplica]:
    replica = SqliteReplica(root)
    replica.create(identity())
    replica.promise(1)
    yield replica
    replica.close()

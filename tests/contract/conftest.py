"""Each kind of replica, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.faulty import Faulty
from contract.story import Make, identity
from strongroom.ports.replica import Replica
from strongroom.stores.memory import MemoryReplica
from strongroom.stores.sqlite import SqliteReplica


@pytest.fixture(params=["memory", "sqlite", "faulty memory", "faulty sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    made: list[Replica] = []

    def build(name: str) -> Replica:
        replica: Replica
        if "memory" in request.param:
            replica = MemoryReplica()
        else:
            (tmp_path / name).mkdir()
            replica = SqliteReplica(tmp_path / name)
        made.append(Faulty(replica) if "faulty" in request.param else replica)
        return made[-1]

    yield build
    for replica in made:
        replica.close()


@pytest.fixture
def replica(make: Make) -> Replica:
    replica = make("r1")
    replica.create(identity())
    replica.promise(1)
    return replica

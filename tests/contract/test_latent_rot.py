"""Rot below a cached page is found by a scrub, not by the next failure of another disk (I9)."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.story import identity, short_story
from strongroom.base.errors import BrokenReplicaError
from strongroom.stores.sqlite import SqliteReplica

PAGE = 4096


def test_a_page_that_rots_below_the_cache_is_read_anew(tmp_path: Path) -> None:
    place = tmp_path / "r1"
    place.mkdir()
    replica = SqliteReplica(place)
    replica.create(identity())
    replica.promise(1)
    story = short_story()
    story.tell_to(replica)
    replica.checkpoint()
    keys = list(story.rows)
    replica.rows(keys)
    replica.batches(0, 100)
    (catalog,) = place.glob("catalog-*/catalog.db")
    with catalog.open("r+b") as file:
        size = catalog.stat().st_size
        for page in range(1, size // PAGE):
            file.seek(page * PAGE + 2000)
            file.write(b"rot")
    replica.drop_cache()

    with pytest.raises(BrokenReplicaError):
        replica.batches(0, 100)
    replica.close()

"""Looking at a replica changes no file: what is there stays, byte for byte, and nothing is made."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.story import BOOK, identity, more, short_story
from strongroom.base.errors import UnavailableReplicaError
from strongroom.history.entries import OBJECT
from strongroom.ports.replica import Found
from strongroom.stores.sqlite import SqliteReplica

STORY = short_story()


def files(root: Path) -> dict[str, bytes]:
    found = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


def closed_well(root: Path, replica: SqliteReplica) -> None:
    replica.close()


def killed(root: Path, replica: SqliteReplica) -> None:
    """Leave the files as a process that was killed leaves them: with a WAL that holds batches."""
    image = root.with_name("image")
    shutil.copytree(root, image)
    replica.close()
    shutil.rmtree(root)
    image.rename(root)
    assert any(name.endswith("-wal") and body for name, body in files(root).items())


def emptied(root: Path, replica: SqliteReplica) -> None:
    """Leave a WAL of no bytes, as one is left that was large and then moved over."""
    replica.close()
    next(root.glob("catalog-*/catalog.db")).with_name("catalog.db-wal").touch()


@pytest.mark.parametrize("leave", [closed_well, killed, emptied])
def test_all_is_read_and_no_file_changes(
    tmp_path: Path, leave: Callable[[Path, SqliteReplica], None]
) -> None:
    root = tmp_path / "a 100%? place#1"  # in a URI it has to be quoted
    root.mkdir()
    replica = SqliteReplica(root)
    replica.create(identity())
    replica.promise(1)
    STORY.tell_to(replica)
    leave(root, replica)
    before = files(root)

    looking = SqliteReplica(root, looks_only=True)
    found = looking.probe()
    assert isinstance(found, Found)
    assert (found.position, found.promised) == (STORY.position, 1)
    assert len(looking.listing(BOOK, OBJECT).value.members) == 3
    assert None not in looking.bodies(list(STORY.bodies))
    assert len(looking.remains().lines(BOOK, 0, 100).rows) == 6
    looking.close()
    assert files(root) == before


def test_what_would_change_a_file_is_refused(root: Path, replica: SqliteReplica) -> None:
    story = short_story()
    story.tell_to(replica)
    more(story)
    replica.close()
    before = files(root)
    looking = SqliteReplica(root, looks_only=True)
    looking.probe()
    (body,) = list(story.bodies.items())[:1]
    for change in (
        lambda: looking.promise(9),
        lambda: looking.apply(story.batches[-1], story.bodies, 1),
        lambda: looking.heal(*body),
        looking.checkpoint,
    ):
        with pytest.raises(UnavailableReplicaError):
            change()
    looking.close()
    assert files(root) == before


def test_even_a_wrong_program_cannot_write_through_it(root: Path, replica: SqliteReplica) -> None:
    """The connections themselves refuse: the promise does not rest on each method alone."""
    STORY.tell_to(replica)
    image = root.with_name("image")
    shutil.copytree(root, image)  # with its WAL
    replica.close()
    for place in (root, image):
        looking = SqliteReplica(place, looks_only=True)
        looking.probe()
        assert looking._opened is not None
        before = files(place)
        with pytest.raises(Exception, match="readonly"):
            looking._opened.write_connection.execute("UPDATE cell SET promised = 99")
        looking.close()
        assert files(place) == before

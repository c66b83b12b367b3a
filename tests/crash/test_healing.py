"""The power goes while a body that had rotted is put again: the old is there or the new.

A replica's disk is cut at every moment of one `apply`, with all that may become of what was not
synced by then.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from contract.harm import rot_body
from contract.story import identity, short_story
from crash.disk import Disk, Event, Fate, Image, image_of
from crash.record import Recorder
from crash.seam import watched
from strongroom.history.entries import digest_of
from strongroom.stores.sqlite import SqliteReplica

ROT = b"rot"


def rotten(root: Path, digest: str) -> None:
    """Leave a closed replica of the short story, in which one body has rotted."""
    root.mkdir()
    replica = SqliteReplica(root)
    replica.create(identity())
    replica.promise(1)
    short_story().tell_to(replica)
    rot_body(replica, digest, ROT)
    replica.checkpoint()
    replica.close()


def put_again(root: Path, body: bytes) -> tuple[list[Event], list[Event]]:
    """Hand the body in once more, below a new name; gives the changes before and until the vote."""
    story = short_story()
    story.put("again.vcf", body)
    recorder = Recorder()
    with watched(recorder):
        replica = SqliteReplica(root)
        replica.probe()
        before = len(recorder.lines)
        replica.apply(story.batch(), {digest_of(body): body}, 1)
        lines = [line for line in recorder.lines if isinstance(line, Event)]
        replica.close()
    return lines[:before], lines[before:]


def after_the_cut(
    image: Image, lines: list[Event], fate: Fate, place: Path
) -> tuple[int, list[bytes | None]]:
    """Give the last batch, and what can be read of all bodies, after a power cut."""
    disk = Disk(image)
    for line in lines:
        disk.take(line)
    disk.write_image(place, fate, random.Random(len(lines)))
    replica = SqliteReplica(place)
    try:
        bodies = replica.bodies(list(short_story().bodies))
        return replica.heads().position.number, bodies
    finally:
        replica.close()


@pytest.mark.parametrize("fate", Fate)
@pytest.mark.parametrize("body", [b"anna", b"big" * 40_000], ids=["small", "big"])
def test_a_cut_while_a_body_is_healed_leaves_the_old_or_the_new(
    tmp_path: Path, body: bytes, fate: Fate
) -> None:
    rotten(tmp_path / "r1", digest_of(body))
    image = image_of(tmp_path / "r1")
    before, lines = put_again(tmp_path / "r1", body)
    story = short_story()
    new = list(story.bodies.values())
    old = [ROT if one == body else one for one in new]
    assert len(lines) > 3

    seen = set()
    for count in range(len(lines) + 1):
        place = tmp_path / f"cut{count}"
        number, bodies = after_the_cut(image, [*before, *lines[:count]], fate, place)
        assert bodies == new if number > story.position.number else bodies in (old, new)
        seen.add((number, bodies == new))
    assert number > story.position.number  # it was voted for
    assert {(story.position.number, False), (number, True)} <= seen

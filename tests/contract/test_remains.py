"""What is left of a replica: all of a sound one, and of a damaged one all but what is bad.

Damage is one flipped bit in one page, for each page of a catalog in turn; so the pages need not be
known, and each kind of page is among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from contract.harm import catalog, flip
from contract.story import BOOK, Story, identity
from strongroom.base.errors import UnavailableReplicaError
from strongroom.history.entries import OBJECT, genesis_head
from strongroom.ports.replica import Left, Remains, Replica
from strongroom.stores.memory import MemoryReplica
from strongroom.stores.sqlite import SqliteReplica

PAGE = 4096
PAGE_ROWS = 40  # more than a page of the catalog holds of any table
CARDS = 240


def long_story() -> Story:
    story = Story()
    for batch in range(CARDS // 40):
        for n in range(40):
            name = sha256(b"%d" % (batch * 40 + n)).hexdigest()[:20]
            story.put(f"{name}.vcf", b"card " + name.encode() * 20)
        story.batch()
    return story


STORY = long_story()


@pytest.fixture(params=["memory", "sqlite"])
def replica(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Replica]:
    (tmp_path / "r1").mkdir()
    made = MemoryReplica() if request.param == "memory" else SqliteReplica(tmp_path / "r1")
    made.create(identity())
    made.promise(1)
    STORY.tell_to(made)
    yield made
    made.close()


def all_lines(left: Remains, limit: int = 50) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    more = True
    while more:
        part = left.lines(BOOK, max(found, default=0), limit)
        assert len(part.rows) <= limit
        numbers = [line.number for line in part.rows]
        assert numbers == sorted(numbers)
        found |= {line.number: line.line for line in part.rows}
        more = part.more
    return found


def all_members(left: Remains, limit: int = 50) -> dict[str, str]:
    found: dict[str, str] = {}
    more = True
    while more:
        part = left.members(BOOK, OBJECT, max(found, default=""), limit)
        assert len(part.rows) <= limit
        found |= {member.href: member.etag for member in part.rows}
        more = part.more
    return found


def all_bodies(left: Remains) -> dict[str, bytes]:
    digests = list(STORY.bodies)
    pairs = zip(digests, left.bodies(digests), strict=True)
    return {digest: body for digest, body in pairs if body is not None}


LINES = {e.number: e.encode() for b in STORY.batches for e in b.entries}
MEMBERS = {e.href: e.etag for b in STORY.batches for e in b.entries}


@pytest.mark.parametrize("limit", [7, 1000])
def test_of_a_sound_replica_all_is_left(replica: Replica, limit: int) -> None:
    left = replica.remains()
    assert all_lines(left, limit) == LINES
    assert all_members(left, limit) == MEMBERS
    assert all_bodies(left) == STORY.bodies
    assert left.head(BOOK) == STORY.heads[BOOK]
    assert left.head(BOOK + 1) == genesis_head(BOOK + 1)
    assert left.bodies(["00" * 32]) == [None]
    assert left.lines(BOOK + 1, 0, 10).rows == ()
    assert left.lines(BOOK, 0, 10).holes == 0


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound") / "r1"
    root.mkdir()
    made = SqliteReplica(root)
    made.create(identity())
    made.promise(1)
    STORY.tell_to(made)
    made.close()
    return root


@pytest.mark.parametrize("opened", [True, False], ids=["open", "unopened"])
def test_with_one_bad_page_what_is_left_is_all_but_that_page(sound: Path, opened: bool) -> None:
    """Whichever page it is: only a page of its own table costs rows, and only those on it."""
    good = catalog(sound).read_bytes()
    lost = []
    try:
        for page in range(1, len(good) // PAGE):
            flip(catalog(sound), page * PAGE + 1000)
            replica = SqliteReplica(sound, looks_only=True)
            if opened:
                replica.probe()
            left = replica.remains()
            lines, members, bodies = all_lines(left), all_members(left), all_bodies(left)
            replica.close()
            assert all(LINES[number] == line for number, line in lines.items())
            assert all(MEMBERS[href] == etag for href, etag in members.items())
            assert all(STORY.bodies[digest] == body for digest, body in bodies.items())
            lost.append((len(LINES) - len(lines), CARDS - len(members), CARDS - len(bodies)))
            catalog(sound).write_bytes(good)
    finally:
        catalog(sound).write_bytes(good)
    # A page of the inner nodes, or of the schema, hides all below it; there are few of them.
    hidden = [row for row in lost if max(row) > PAGE_ROWS]
    assert len(hidden) <= 4, lost
    assert all(sum(count > 0 for count in row) <= 1 for row in lost if row not in hidden), lost
    assert sum(max(row) > 0 for row in lost) > len(lost) // 3, lost


def test_of_what_is_no_catalog_nothing_is_left_and_it_is_said(sound: Path) -> None:
    good = catalog(sound).read_bytes()
    try:
        catalog(sound).write_bytes(b"no catalog at all" * 1000)
        left = SqliteReplica(sound, looks_only=True).remains()
        assert left.lines(BOOK, 0, 10) == Left((), more=False, holes=1)
        assert left.members(BOOK, OBJECT, "", 10) == Left((), more=False, holes=1)
        assert left.bodies(list(STORY.bodies)) == [None] * CARDS
        assert left.head(BOOK) is None
        catalog(sound).unlink()
        with pytest.raises(UnavailableReplicaError):
            SqliteReplica(sound, looks_only=True).remains().lines(BOOK, 0, 1)
    finally:
        catalog(sound).write_bytes(good)


def test_where_no_marker_is_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UnavailableReplicaError):
        SqliteReplica(tmp_path).remains().lines(BOOK, 0, 1)

"""Fail the n-th input or output of a call, for every n; then look at what is really there.

No batch that was voted for may be lost, none may be held half, and the error must say what it
means (ports/replica.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.faulty_disk import CountingDisk, Fuse, faulty_sqlite
from contract.harm import rot_body
from contract.story import BOOK, Story, identity, short_story
from strongroom.base.errors import BrokenReplicaError, DamageError, UnavailableReplicaError
from strongroom.history.entries import OBJECT, digest_of
from strongroom.ports.replica import Damaged, Found, Replica
from strongroom.stores.durable import Durable
from strongroom.stores.memory import MemoryReplica
from strongroom.stores.sqlite import SqliteReplica
from strongroom.stores.sqlite.leftovers import MARK

BIG = b"big" * 40_000


@pytest.fixture(scope="module")
def fuse() -> Iterator[Fuse]:
    with faulty_sqlite() as fuse:
        yield fuse
        fuse.arm(0)


@dataclass
class Try:
    """One call on a replica that holds the short story; `story` has one batch more."""

    replica: SqliteReplica
    story: Story
    held: int  # number of the last batch that was voted for


Heal = Callable[[Try, bytes], None]


def put(case: Try) -> None:
    case.replica.apply(case.story.batches[-1], case.story.bodies, 1)
    case.held += 1


def copy(case: Try) -> None:
    made = case.replica.begin_copy("i2")
    for batch in case.story.batches[:-1]:
        made.apply(batch, case.story.bodies, 1)
    case.replica.switch(made)


def checkpoint(case: Try) -> None:
    case.replica.checkpoint()


def small_card(story: Story) -> None:
    story.put("new.vcf", b"new")


def big_card(story: Story) -> None:
    story.put("new.vcf", b"new" * 40_000)


def same_big_card(story: Story) -> None:
    story.put("new.vcf", BIG)


def delete(story: Story) -> None:
    story.delete("a.vcf")


CALLS = {
    "put small": (small_card, put),
    "put big": (big_card, put),
    "put deduped": (same_big_card, put),
    "delete": (delete, put),
    "copy": (small_card, copy),
    "checkpoint": (small_card, checkpoint),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, fuse: Fuse) -> Path:
    """A closed replica that holds the short story: copying it is quicker than making it."""
    root = tmp_path_factory.mktemp("template")
    replica = SqliteReplica(root)
    replica.create(identity())
    replica.promise(1)
    short_story().tell_to(replica)
    replica.close()
    return root


def prepared(
    root: Path, template: Path, fuse: Fuse, tell: Callable[[Story], None] = small_card
) -> Try:
    shutil.copytree(template, root)
    replica = SqliteReplica(root, Durable(CountingDisk(fuse)))
    replica.probe()
    story = short_story()
    tell(story)
    story.batch()
    return Try(replica, story, 3)


def expected(story: Story, number: int) -> Replica:
    replica = MemoryReplica()
    replica.create(identity())
    replica.promise(1)
    for batch in story.batches[:number]:
        replica.apply(batch, story.bodies, 1)
    return replica


def told(replica: Replica) -> tuple[object, ...]:
    listing = replica.listing(BOOK, OBJECT)
    journal = replica.journal(BOOK, 0, 100)
    chains = [b.chain for b in replica.batches(0, 100)]
    return listing, journal, chains, replica.heads(), replica.directory()


def check_what_is_left(root: Path, case: Try, error: DamageError | None) -> None:
    replica = SqliteReplica(root)
    found = replica.probe()
    assert isinstance(found, Found), found
    assert found.promised == 1
    number = found.position.number
    assert case.held <= number <= len(case.story.batches)
    if isinstance(error, UnavailableReplicaError) and error.rolled_back:
        assert number == case.held
    assert told(replica) == told(expected(case.story, number))
    healthy = case.story.bodies if number == 4 else short_story().bodies
    assert replica.bodies(list(healthy)) == list(healthy.values())
    for batch in case.story.batches:
        replica.apply(batch, case.story.bodies, 1)
    assert told(replica) == told(expected(case.story, 4))
    replica.close()


def run(call: Callable[[Try], None], case: Try) -> DamageError | None:
    try:
        call(case)
    except DamageError as error:
        return error
    return None


@pytest.mark.parametrize("full", [False, True], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("name", CALLS)
def test_whatever_fails_no_vote_is_lost_and_no_batch_is_half(
    tmp_path: Path, template: Path, fuse: Fuse, name: str, full: bool
) -> None:
    tell, call = CALLS[name]
    errors: set[type[DamageError]] = set()
    step = 3 if name == "copy" else 1  # a copy has hundreds, and takes the longest
    for n in range(1, 2000, step):
        fuse.arm(0)
        case = prepared(tmp_path / f"{n}", template, fuse, tell)
        if name == "checkpoint":
            put(case)  # so that the WAL holds something
        fuse.arm(n, full=full)
        error = run(call, case)
        blown, what = fuse.blown, fuse.seen[-1:]
        fuse.arm(0)
        if isinstance(error, BrokenReplicaError):
            assert name == "copy" or isinstance(case.replica.probe(), Damaged), what
        case.replica.close()
        check_what_is_left(tmp_path / f"{n}", case, error)
        if error is not None:
            errors.add(type(error))
        if not blown:
            break
    else:
        pytest.fail("the sweep has no end")
    assert n > 1
    assert errors <= {BrokenReplicaError, UnavailableReplicaError}
    assert BrokenReplicaError in errors
    assert (UnavailableReplicaError in errors) == full


def test_a_place_that_vanishes_in_a_switch_is_what_it_was_or_is_not_believed(
    tmp_path: Path, template: Path, fuse: Fuse
) -> None:
    """What the kernel shows may be the copy, and after a power cut the old one."""
    seen: set[tuple[bool, bool]] = set()
    for n in range(1, 100):
        fuse.arm(0)
        case = prepared(tmp_path / f"{n}", template, fuse)
        old = (tmp_path / f"{n}" / "replica.json").read_bytes()
        made = case.replica.begin_copy("i2")
        for batch in case.story.batches[:-1]:
            made.apply(batch, case.story.bodies, 1)
        fuse.arm(n, gone=True)
        error = run(lambda c, made=made: c.replica.switch(made), case)
        blown, what = fuse.blown, fuse.seen[-1]
        fuse.arm(0)
        if error is not None and not what.startswith("sqlite"):
            unchanged = (tmp_path / f"{n}" / "replica.json").read_bytes() == old
            is_marked = (tmp_path / f"{n}" / "catalog-i2" / MARK).exists()
            believed = isinstance(case.replica.probe(), Found)
            assert believed or not (unchanged and isinstance(error, UnavailableReplicaError)), what
            assert not (believed and not unchanged and is_marked), what
            seen.add((unchanged, believed))
        case.replica.close()
        check_what_is_left(tmp_path / f"{n}", case, error)
        if not blown:
            break
    assert not blown
    assert {(True, True), (False, False)} <= seen


def put_rotten(case: Try, body: bytes) -> None:
    case.replica.apply(case.story.batches[-1], {digest_of(body): body}, 1)


def heal(case: Try, body: bytes) -> None:
    case.replica.heal(digest_of(body), body)


@pytest.mark.parametrize("full", [False, True], ids=["EIO", "ENOSPC"])
@pytest.mark.parametrize("body", [b"anna", BIG], ids=["small", "big"])
@pytest.mark.parametrize("call", [put_rotten, heal])
def test_whatever_fails_while_a_body_is_healed_the_old_is_there_or_the_new(
    tmp_path: Path, template: Path, fuse: Fuse, call: Heal, body: bytes, full: bool
) -> None:
    """And no vote is without the body that it promises (I1)."""
    digest = digest_of(body)
    errors: set[type[DamageError]] = set()
    for n in range(1, 100):
        fuse.arm(0)
        case = prepared(tmp_path / f"{n}", template, fuse, lambda s: s.put("new.vcf", body))
        rot_body(case.replica, digest, b"rot")
        fuse.arm(n, full=full)
        error = run(lambda c: call(c, body), case)
        blown = fuse.blown
        fuse.arm(0)
        case.replica.close()

        left = SqliteReplica(tmp_path / f"{n}")
        held = left.heads().position.number > case.held
        promised = held or error is None
        assert left.bodies([digest]) in ([[body]] if promised else [[body], [b"rot"]])
        left.close()
        if error is not None:
            errors.add(type(error))
        if not blown:
            break
    assert not blown
    assert held == (call is put_rotten)
    assert errors == {BrokenReplicaError, *([UnavailableReplicaError] if full else [])}


def test_after_a_failed_fsync_nothing_is_tried_again(
    tmp_path: Path, template: Path, fuse: Fuse
) -> None:
    case = prepared(tmp_path / "counted", template, fuse)
    fuse.arm(0)
    put(case)
    at = fuse.seen.index("sqlite sync") + 1
    case.replica.close()
    case = prepared(tmp_path / "failing", template, fuse)
    fuse.arm(at)
    with pytest.raises(BrokenReplicaError):
        put(case)
    for _ in range(2):
        with pytest.raises(BrokenReplicaError):
            put(case)
    assert fuse.seen.count("sqlite sync") == 1
    fuse.arm(0)
    assert isinstance(case.replica.probe(), Damaged)
    case.replica.close()

"""What every replica promises of bodies: what is recorded, what is given, what rotted."""

from __future__ import annotations

import pytest

from contract.harm import rot_body
from contract.story import short_story
from strongroom.base.errors import RefusedBatchError
from strongroom.history.entries import digest_of
from strongroom.ports.replica import Replica


def test_a_batch_whose_body_is_missing_is_refused(replica: Replica) -> None:
    story = short_story()
    with pytest.raises(RefusedBatchError):
        replica.apply(story.batches[0], {}, 1)
    assert replica.batches(0, 9) == []


def test_a_body_that_is_not_its_digest_is_refused(replica: Replica) -> None:
    story = short_story()
    digest = story.batches[0].entries[0].etag
    with pytest.raises(RefusedBatchError):
        replica.apply(story.batches[0], {**story.bodies, digest: b"not anna"}, 1)
    assert replica.missing([digest]) == [digest]


def test_a_recorded_body_need_not_be_given_again(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    story.put("again.vcf", b"anna")
    replica.apply(story.batch(), {}, 1)
    assert replica.bodies([digest_of(b"anna")]) == [b"anna"]


OLD = {"small": b"anna", "big": b"big" * 40_000}
LEFT = {"other bytes": b"rot", "nothing": None}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
@pytest.mark.parametrize("body", OLD.values(), ids=OLD)
@pytest.mark.parametrize("named", [True, False], ids=["entry", "no entry"])
def test_a_recorded_body_that_rotted_is_good_again_once_it_is_given(
    replica: Replica, body: bytes, left: bytes | None, named: bool
) -> None:
    """Whoever is told that his bytes are kept can read them, though they were kept before (I1)."""
    story = short_story()
    story.tell_to(replica)
    digest, others = digest_of(body), {b"ben", b"ben is back"}
    rot_body(replica, digest, left)
    assert replica.bodies([digest]) == [left]
    if named:
        story.put("again.vcf", body)
    vote = replica.apply(story.batch(), {digest: body}, 1)
    assert vote == story.position
    assert replica.bodies([digest, *map(digest_of, others)]) == [body, *others]
    assert replica.healed() == 1


def test_a_recorded_body_that_is_good_is_left_as_it_is(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    for body in OLD.values():
        story.put("again.vcf", body)
    replica.apply(story.batch(), story.bodies, 1)
    assert replica.healed() == 0


@pytest.mark.parametrize("body", [b"lost", b"lost" * 40_000], ids=["small", "big"])
def test_what_no_copy_can_give_is_recorded_and_healed_by_who_brings_it(
    replica: Replica, body: bytes
) -> None:
    story = short_story()
    story.tell_to(replica)
    digest, known = digest_of(body), digest_of(b"anna")
    replica.record_lost([digest, known])
    assert replica.missing([digest, known]) == []
    assert replica.bodies([digest, known]) == [None, b"anna"]
    story.put("lost.vcf", body)
    replica.apply(story.batch(), {}, 1)
    assert replica.bodies([digest]) == replica.remains().bodies([digest]) == [None]
    story.put("again.vcf", body)
    replica.apply(story.batch(), {digest: body}, 1)
    assert replica.bodies([digest]) == [body]


def test_a_recorded_body_is_not_given_other_bytes(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    digest = digest_of(b"anna")
    story.put("again.vcf", b"anna")
    with pytest.raises(RefusedBatchError):
        replica.apply(story.batch(), {digest: b"not anna"}, 1)
    assert replica.bodies([digest]) == [b"anna"]
    replica.apply(story.batches[-1], {}, 1)


def test_what_is_given_and_nobody_names_is_not_recorded(replica: Replica) -> None:
    """The records of bodies are a fold of the batches (I2)."""
    story = short_story()
    other = digest_of(b"never named")
    replica.apply(story.batches[0], {**story.bodies, other: b"never named"}, 1)
    assert replica.missing([other]) == [other]


def test_missing_names_what_is_not_recorded_here(replica: Replica) -> None:
    story = short_story()
    replica.apply(story.batches[0], story.bodies, 1)
    recorded = list(story.batches[0].digests())
    other = digest_of(b"never seen")
    assert replica.missing([*recorded, other]) == [other]
    assert replica.bodies([other]) == [None]


@pytest.mark.parametrize("body", [b"anna two", b"big" * 40_000])
def test_a_healed_body_is_read_again(replica: Replica, body: bytes) -> None:
    story = short_story()
    story.tell_to(replica)
    replica.heal(digest_of(body), body)
    assert replica.bodies([digest_of(body)]) == [body]
    story.tell_to(replica)

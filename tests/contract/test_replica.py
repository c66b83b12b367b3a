"""What every replica promises (ports/replica.py); run for each kind of replica."""

from __future__ import annotations

import pytest

from contract.faulty import Faulty
from contract.story import BOOK, CELL_ID, Make, Story, identity, short_story, spoiled
from strongroom.base.errors import (
    BrokenReplicaError,
    CellExistsError,
    RefusedBatchError,
    UnavailableReplicaError,
)
from strongroom.history.entries import (
    GAP,
    OBJECT,
    Batch,
    Entry,
    Key,
    Member,
    Tombstone,
    canonical,
    digest_of,
    genesis_chain,
    genesis_position,
    make_batch,
    uid_key,
)
from strongroom.history.fold import apply
from strongroom.ports.replica import Blank, Found, Replica


def tables(replica: Replica) -> tuple[object, ...]:
    """All that a replica tells: equal for equal histories (I2)."""
    heads = replica.heads()
    listings = [replica.listing(c, k).value for c in heads.value for k in (OBJECT, "account")]
    journals = [replica.journal(c, 0, 10_000).value for c in heads.value]
    batches = [(b.header(), b.lines, b.chain) for b in replica.batches(0, 10_000)]
    return heads, listings, journals, batches, replica.directory()


# --- coming to be -----------------------------------------------------------------------------


def test_a_directory_without_marker_is_blank(make: Make) -> None:
    assert make("r1").probe() == Blank()


def test_a_created_replica_is_found_at_the_beginning(make: Make) -> None:
    replica = make("r1")
    replica.create(identity())
    found = replica.probe()
    assert isinstance(found, Found)
    assert (found.identity, found.promised) == (identity(), 0)
    assert found.position == genesis_position(CELL_ID)


def test_creating_twice_is_refused_and_changes_nothing(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    with pytest.raises(CellExistsError):
        replica.create(identity("i2"))
    found = replica.probe()
    assert isinstance(found, Found)
    assert (found.identity, found.position) == (identity(), story.position)


@pytest.mark.parametrize("call", ["promise", "missing", "batches", "heads", "begin_copy"])
def test_a_blank_replica_answers_nothing(make: Make, call: str) -> None:
    replica = make("r1")
    arguments = {"promise": (1,), "missing": ([],), "batches": (0, 1), "begin_copy": ("i2",)}
    with pytest.raises(UnavailableReplicaError):
        getattr(replica, call)(*arguments.get(call, ()))


# --- promises ---------------------------------------------------------------------------------


def test_a_promise_never_goes_back(replica: Replica) -> None:
    replica.promise(5)
    replica.promise(5)
    with pytest.raises(UnavailableReplicaError):
        replica.promise(4)
    found = replica.probe()
    assert isinstance(found, Found)
    assert found.promised == 5


@pytest.mark.parametrize("term", [1, 3])
def test_a_batch_under_another_term_than_promised_gets_no_vote(replica: Replica, term: int) -> None:
    replica.promise(2)
    story = short_story()
    with pytest.raises(UnavailableReplicaError) as caught:
        replica.apply(story.batches[0], story.bodies, term)
    assert caught.value.rolled_back
    assert replica.batches(0, 9) == []


def test_a_batch_of_an_older_term_is_taken_under_the_promised_one(replica: Replica) -> None:
    replica.promise(4)
    story = short_story()
    story.tell_to(replica, term=4)
    assert replica.heads().position == story.position


def test_a_batch_of_a_later_term_than_promised_is_refused(replica: Replica) -> None:
    story = short_story(Story(term=2))
    with pytest.raises(RefusedBatchError):
        replica.apply(story.batches[0], story.bodies, 1)


# --- applying ---------------------------------------------------------------------------------


def test_what_a_story_leaves_is_what_is_read(replica: Replica) -> None:
    story = short_story()
    for batch in story.batches:
        assert replica.apply(batch, story.bodies, 1) == batch.position
    keys = list(story.rows)
    snapshot = replica.rows(keys)
    assert snapshot.position == story.position
    assert snapshot.value == [story.rows[key] for key in keys]
    assert replica.heads().value == story.heads
    assert replica.bodies(list(story.bodies)) == list(story.bodies.values())
    assert [m.href for m in replica.directory().value] == ["demo"]


def test_the_same_batch_again_is_a_vote(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    before = tables(replica)
    for batch in story.batches:
        assert replica.apply(batch, {}, 1) == batch.position
    assert tables(replica) == before


def test_another_batch_of_a_number_that_is_held_is_refused(replica: Replica) -> None:
    story, other = short_story(), Story()
    story.tell_to(replica)
    other.put("x.vcf", b"another")
    before = tables(replica)
    with pytest.raises(RefusedBatchError):
        replica.apply(other.batch(), other.bodies, 1)
    assert tables(replica) == before


def test_a_batch_that_does_not_follow_what_is_held_is_refused(replica: Replica) -> None:
    story, other = short_story(), Story()
    replica.apply(story.batches[0], story.bodies, 1)
    other.put("x.vcf", b"another")
    other.batch()
    other.put("y.vcf", b"another two")
    with pytest.raises(RefusedBatchError):
        replica.apply(other.batch(), other.bodies, 1)


def test_a_batch_from_the_future_gets_no_vote_and_no_doubt(replica: Replica) -> None:
    story = short_story()
    with pytest.raises(UnavailableReplicaError) as caught:
        replica.apply(story.batches[1], story.bodies, 1)
    assert caught.value.rolled_back


def test_a_batch_of_another_cell_is_refused(replica: Replica) -> None:
    batch = make_batch("another", genesis_position("another"), 1, 0, (), ())
    with pytest.raises(RefusedBatchError):
        replica.apply(batch, {}, 1)


def test_an_empty_batch_moves_the_position(replica: Replica) -> None:
    batch = make_batch(CELL_ID, genesis_position(CELL_ID), 1, 5, (), ())
    replica.apply(batch, {}, 1)
    assert [b.chain for b in replica.batches(0, 5)] == [batch.chain]
    assert replica.heads().position == batch.position


@pytest.mark.parametrize(
    "spoil",
    [
        {"was_etag": "00" * 32},
        {"was_number": 9},
        {"number": 9},
        {"verb": "unheard of"},
    ],
)
def test_a_pre_image_or_number_that_disagrees_is_refused_and_rolled_back(
    replica: Replica, spoil: dict[str, str | int]
) -> None:
    story = short_story()
    replica.apply(story.batches[0], story.bodies, 1)
    before = tables(replica)
    with pytest.raises(RefusedBatchError):
        replica.apply(spoiled(story.batches[1], 0, **spoil), story.bodies, 1)
    assert tables(replica) == before
    replica.apply(story.batches[1], story.bodies, 1)


def test_heads_that_disagree_are_refused_and_rolled_back(replica: Replica) -> None:
    story = short_story()
    batch = story.batches[0]
    wrong = Batch(
        CELL_ID, 1, 1, batch.at, batch.previous, digest_of(b"other"), batch.entries, batch.lines
    )
    with pytest.raises(RefusedBatchError):
        replica.apply(wrong, story.bodies, 1)
    assert replica.batches(0, 9) == []
    assert replica.rows([batch.entries[0].key]).value == [None]
    replica.apply(batch, story.bodies, 1)


def test_one_name_may_change_many_times_in_one_batch(replica: Replica) -> None:
    story = Story()
    for body in (b"one", b"two"):
        story.put("a.vcf", body)
        story.delete("a.vcf")
    story.put("b.vcf", b"three")
    story.delete("b.vcf")
    story.put("b.vcf", b"four")
    batch = story.batch()
    replica.apply(batch, story.bodies, 1)
    keys = list(story.rows)
    assert replica.rows(keys).value == [story.rows[k] for k in keys]
    assert isinstance(story.rows[keys[0]], Tombstone)
    assert isinstance(story.rows[keys[1]], Member)
    assert replica.heads().value == story.heads


def test_a_gap_leaps_ahead_and_names_nothing(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    head = story.heads[BOOK]
    entry = Entry(BOOK, 100, GAP, "", "", 0, data="{}")
    line = entry.encode()
    after, _ = apply(entry, line, head, None, 4)
    batch = make_batch(CELL_ID, story.position, 1, 5, [after], [entry])
    replica.apply(batch, {}, 1)
    assert replica.heads().value[BOOK] == after
    assert replica.journal(BOOK, 50, 5).value.chain is None
    assert [line.number for line in replica.journal(BOOK, head.number, 5).value.lines] == [100]


# --- reading ----------------------------------------------------------------------------------


def test_a_listing_has_one_kind_in_order_and_the_head(replica: Replica) -> None:
    story = Story()
    for name in ("é.vcf", "b.vcf", "a.vcf", "\U0001f600.vcf", "Z.vcf", "\uffee.vcf"):
        story.put(name, name.encode())
    story.place("freeze", "x", "{}", BOOK)
    story.batch()
    story.tell_to(replica)
    snapshot = replica.listing(BOOK, OBJECT)
    hrefs = [m.href for m in snapshot.value.members]
    assert hrefs == sorted(hrefs)
    assert len(hrefs) == 6
    assert snapshot.value.head == story.heads[BOOK]
    assert snapshot.value.head.members == 7


def test_a_collection_without_entries_lists_as_such(replica: Replica) -> None:
    listing = replica.listing(99, OBJECT).value
    assert (listing.members, listing.head.number) == ((), 0)


def test_a_journal_is_read_in_parts_that_chain(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    whole = replica.journal(BOOK, 0, 100).value
    assert whole.chain == genesis_chain(BOOK)
    assert [line.number for line in whole.lines] == [1, 2, 3, 4, 5, 6]
    assert whole.lines[-1].chain == story.heads[BOOK].chain
    part = replica.journal(BOOK, 2, 3).value
    assert part.chain == whole.lines[1].chain
    assert part.lines == whole.lines[2:5]
    assert replica.journal(BOOK, 6, 3).value.lines == ()
    assert replica.journal(BOOK, 7, 3).value.chain is None
    assert replica.journal(BOOK, 6, 0).value.chain == story.heads[BOOK].chain


def test_a_name_never_seen_is_none_and_a_deleted_one_a_tombstone(replica: Replica) -> None:
    story = Story()
    story.put("a.vcf", b"a")
    story.delete("a.vcf")
    story.batch()
    story.tell_to(replica)
    gone, never = Key(BOOK, OBJECT, "a.vcf"), Key(BOOK, OBJECT, "never.vcf")
    assert replica.rows([gone, never]).value == [story.rows[gone], None]


def test_a_uid_is_answered_with_what_carries_it_now_and_never_with_the_past(
    replica: Replica,
) -> None:
    story = Story()
    story.put("a.vcf", b"a", uid="ann")
    story.put("ben.vcf", b"b", uid="ben")
    story.put("other.vcf", b"other", BOOK + 1, uid="ann")
    story.put("none.vcf", b"none")
    story.place("freeze", "x", canonical({"uid": "frozen"}), BOOK)
    story.batch()
    story.tell_to(replica)
    asked = [uid_key(BOOK, uid) for uid in ("ann", "ben", "frozen", "", "never")]
    ann, ben = (story.rows[Key(BOOK, OBJECT, name)] for name in ("a.vcf", "ben.vcf"))
    assert replica.rows(asked).value == [ann, ben, None, None, None]
    assert replica.rows([ben.key, asked[1], asked[0]]).value == [ben, ben, ann]

    story.put("a.vcf", b"a two", uid="never")
    story.delete("ben.vcf")
    story.put("ann.vcf", b"x", uid="xenia")
    story.batch()
    replica.apply(story.batches[-1], story.bodies, 1)
    changed = story.rows[Key(BOOK, OBJECT, "a.vcf")]
    assert replica.rows(asked).value == [None, None, None, None, changed]


def test_of_two_that_carry_a_uid_each_replica_names_the_same(replica: Replica) -> None:
    """Nothing refused them before no-uid-conflict was there."""
    story = Story()
    uid = 'odd "uid" \\ é'
    for name in ("é.vcf", "z.vcf", f"{uid}.vcf", "\U0001f600.vcf", "p.vcf"):
        story.put(name, name.encode(), uid=uid)
    story.batch()
    story.tell_to(replica)
    named, least = (story.rows[Key(BOOK, OBJECT, name)] for name in (f"{uid}.vcf", "p.vcf"))
    assert replica.rows([uid_key(BOOK, uid)]).value == [named]
    story.put("a.vcf", b"a", uid="p")
    story.put("p.vcf", b"p", uid="p")
    story.delete(f"{uid}.vcf")
    story.batch()
    replica.apply(story.batches[-1], story.bodies, 1)
    asked = [uid_key(BOOK, uid), uid_key(BOOK, "p")]
    assert replica.rows(asked).value == [
        story.rows[Key(BOOK, OBJECT, "z.vcf")], story.rows[Key(BOOK, OBJECT, "a.vcf")]
    ]  # fmt: skip
    assert least not in replica.rows(asked).value


def test_batches_are_given_in_order_and_in_parts(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    assert [b.chain for b in replica.batches(1, 1)] == [story.batches[1].chain]
    assert replica.batches(3, 5) == []


def test_replaying_the_batches_into_an_empty_replica_gives_equal_tables(
    make: Make, replica: Replica
) -> None:
    story = short_story()
    story.tell_to(replica)
    other = make("r2")
    other.create(identity("i2", "r2"))
    other.promise(1)
    for batch in replica.batches(0, 100):
        other.apply(batch, story.bodies, 1)
    assert tables(other) == tables(replica)


def test_who_is_present_says_how_much_room_there_is(replica: Replica) -> None:
    assert replica.present() > 0
    replica.checkpoint()


# --- copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("incarnation", ["i2", "i1"])
def test_a_copy_takes_over_by_switch_and_keeps_the_promise(
    replica: Replica, incarnation: str
) -> None:
    """A new replica, or the same one anew."""
    story = short_story()
    replica.promise(3)
    story.tell_to(replica, term=3)
    before = tables(replica)
    copy = replica.begin_copy(incarnation)
    for batch in story.batches:
        copy.apply(batch, story.bodies, 3)
    assert tables(replica) == before
    replica.promise(4)
    replica.switch(copy)
    found = replica.probe()
    assert isinstance(found, Found)
    assert (found.identity, found.promised) == (identity(incarnation), 4)
    assert tables(replica) == before
    story.put("later.vcf", b"later")
    assert replica.apply(story.batch(), story.bodies, 4) == story.position


def test_a_copy_starts_empty_and_records_no_body(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    copy = replica.begin_copy("i2")
    assert copy.batches(0, 9) == []
    assert copy.missing(list(story.bodies)) == list(story.bodies)
    copy.close()


def test_a_copy_that_is_given_up_changes_nothing(replica: Replica) -> None:
    story = short_story()
    story.tell_to(replica)
    before = tables(replica)
    for incarnation in ("i2", "i3"):
        copy = replica.begin_copy(incarnation)
        copy.apply(story.batches[0], story.bodies, 1)
        copy.close()
    assert tables(replica) == before


# --- the fault wrapper ------------------------------------------------------------------------


def test_a_fault_after_the_work_leaves_the_batch_held(make: Make) -> None:
    inner = make("r1")
    inner.create(identity())
    inner.promise(1)
    story = short_story()
    faulty = Faulty(inner, 1, BrokenReplicaError("no answer"), after=True)
    with pytest.raises(BrokenReplicaError):
        faulty.apply(story.batches[0], story.bodies, 1)
    assert inner.batches(0, 9)[0].chain == story.batches[0].chain
    assert faulty.apply(story.batches[0], {}, 1) == story.batches[0].position

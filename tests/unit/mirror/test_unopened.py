"""A cell that is not open: what is proven, what is only read, and that looking changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fakes.ground import Ground
from strongroom.base.errors import NoCellError, SettingsError, UnsureError
from strongroom.history.edits import Put, Remove, Together
from strongroom.history.entries import (
    COLLECTION,
    EVIDENCE,
    Head,
    Key,
    Member,
    canonical,
    digest_of,
    genesis_chain,
)
from strongroom.mirror.site import FrozenCellError
from strongroom.mirror.unopened import look
from strongroom.stores.memory import MemoryState
from strongroom.upkeep.scrub import Findings, Pace, scrub


@pytest.fixture
def ground() -> Ground:
    return Ground()


BODIES = {"a.vcf": b"anna", "b.vcf": b"ben"}


def test_what_was_closed_well_is_proven(ground: Ground) -> None:
    found = ground.look()
    assert found.proves(1, ground.home, ground.book)
    assert "3 of 3 copies agree up to batch" in found.note
    assert ground.names(found) == ["a.vcf", "b.vcf"]
    start = genesis_chain(ground.book)[:8]
    changes = ground.run(found.changes(ground.book, 0, start, 10))
    assert (len(changes.entries), changes.more) == (2, False)
    key = ground.key("a.vcf")
    ((member, body),) = filter(None, ground.run(found.fetch([key, ground.key("none")])))
    assert (member.key, body) == (key, b"anna")
    assert ground.run(found.row(ground.key("none"))) is None
    assert found.head(ground.book).members == 2
    assert found.head(99) == Head(99, 0, genesis_chain(99), 0, 0, 0)
    assert found.directory.account("ann") is not None
    assert ground.salvaged(found) == BODIES


def test_two_good_copies_prove_and_one_does_not(ground: Ground) -> None:
    ground.away(2)
    assert ground.names(ground.look()) == ["a.vcf", "b.vcf"]
    ground.away(1)
    found = ground.look()
    assert "2 good voters are needed" in ground.unproven(found)
    assert found.directory.account("ann") is not None
    assert found.head(ground.book).members == 2
    assert ground.salvaged(found) == BODIES


def test_what_only_one_copy_holds_is_read_and_not_proven(ground: Ground) -> None:
    """Its writer may never have heard of a success, and another opening may drop it."""
    before = ground.states()
    ground.write("c.vcf", b"carl")
    newest = ground.states()[0]
    for index in (1, 2):
        ground.set(index, before[index])
    ground.witness.testimony = None
    found = ground.look()
    assert "what was written after it is not proven" in found.note
    ground.unproven(found)
    assert found.proves(1, ground.home)
    home = ground.run(found.listing(ground.home, COLLECTION))
    assert [m.href for m in home[1]] == ["contacts"]
    assert newest.heads[ground.book].members == 3
    assert ground.salvaged(found) == {**BODIES, "c.vcf": b"carl"}


def test_a_proof_needs_the_same_heads_of_two_copies(ground: Ground) -> None:
    """The table of heads is not covered by the chain: one that is old must not prove anything."""
    first, second, _ = ground.states()
    older = second.heads[ground.book]._replace(members=1)
    ground.set(1, replace(second, heads={**second.heads, ground.book: older}))
    found = ground.look()
    assert "2 of 3 copies agree" in found.note
    assert ground.names(found) == ["a.vcf", "b.vcf"]
    ground.away(2)
    assert "tell the same heads" in ground.unproven(ground.look())
    # Nor does one that the copy in front of the others has.
    ground = Ground()
    first = ground.states()[0]
    ground.set(0, replace(first, heads={**first.heads, ground.book: older}))
    assert ground.names(ground.look()) == ["a.vcf", "b.vcf"]


def test_two_copies_that_hold_a_batch_prove_nothing_once_a_later_term_began(ground: Ground) -> None:
    """Raft's figure 8: an opening that failed put it on both, and the third knows a later term."""
    before, witness = ground.states(), ground.witness.testimony
    ground.write("c.vcf", b"carl")
    alone = ground.states()[0]  # say that this copy alone held it, and nobody was told
    for index in (1, 2):
        ground.set(index, before[index])
    ground.witness.testimony = witness
    ground.away(0)
    ground.write("d.vcf", b"dora")  # the others went on in a later term
    later = ground.states()[2]
    # Of that later term the second copy has only the promise; then it is levelled with the first.
    promised = later.promised + 1
    for index in (0, 1):
        identity = before[index].identity
        ground.set(index, replace(alone, identity=identity, promised=promised))
    ground.away(2)
    ground.witness.testimony = witness
    found = ground.look()
    assert "an opening began that did not end" in ground.unproven(found)
    # And it would have been wrong: with the third copy the other history is the cell's.
    ground.set(2, later)
    ground.away(1)
    ground.unproven(ground.look())


def test_what_a_thaw_accepted_is_proven_though_the_witness_knows_more(ground: Ground) -> None:
    before = ground.states()
    ground.write("c.vcf", b"carl")
    witness = ground.witness.testimony
    for index in range(3):
        ground.set(index, before[index])

    async def accept() -> None:
        cell = await ground.open()
        freeze = cell.directory.frozen(ground.home, ground.book)
        assert freeze is not None
        evidence = freeze.facts["evidence"]
        data = canonical({"collection": ground.book, "to": 1000})
        accepted = Put(Key(ground.home, EVIDENCE, evidence), digest_of(data.encode()), data)
        await cell.submit(Together((Remove(freeze.key), accepted)), {})
        await cell.close()

    ground.run(accept())
    assert witness is not None
    testimony = ground.witness.testimony
    assert testimony is not None
    known = {**testimony.heads, ground.book: witness.heads[ground.book]}
    ground.witness.testimony = testimony._replace(heads=known)
    found = ground.look()
    assert ground.names(found) == ["a.vcf", "b.vcf"]
    assert found.directory.frozen(ground.home, ground.book) is None


def test_a_promise_of_an_opening_that_failed_hinders_no_proof_that_the_witness_has(
    ground: Ground,
) -> None:
    for index, state in enumerate(ground.states()):
        ground.set(index, replace(state, promised=state.promised + 5))
    assert ground.names(ground.look()) == ["a.vcf", "b.vcf"]
    ground.witness.testimony = None
    assert "an opening began that did not end" in ground.unproven(ground.look())


def test_where_the_witness_knows_more_nothing_is_proven(ground: Ground) -> None:
    before = ground.states()
    ground.write("c.vcf", b"carl")
    for index in range(3):
        ground.set(index, before[index])
    found = ground.look()  # what it knows more concerns this book alone
    ground.unproven(found)
    freeze = found.directory.frozen(ground.home, ground.book)
    assert freeze is not None
    assert freeze.facts["evidence"].startswith(f"witness:{ground.book}:3:")

    async def opened() -> Member | None:
        cell = await ground.open()
        await cell.close()
        return cell.directory.frozen(ground.home, ground.book)

    states, testimony = ground.states(), ground.witness.testimony
    written = ground.run(opened())  # an opening writes down the same
    assert written is not None
    assert written.data == freeze.data
    for index, state in enumerate(states):
        ground.set(index, state)
    ground.witness.testimony = testimony
    assert found.proves(ground.home)
    assert ("later changes that the witness or a device has seen", 1) in ground.gaps(found)
    testimony = ground.witness.testimony
    assert testimony is not None
    ground.witness.testimony = testimony._replace(heads={})
    assert "a newer disk is missing" in ground.unproven(ground.look())


def test_two_copies_of_one_number_and_two_histories_prove_nothing(ground: Ground) -> None:
    """Each holds the empty batch of an opening that the other never saw."""
    before, witness = ground.states(), ground.witness.testimony
    ground.run(_opened_and_closed(ground))
    first = ground.states()[0]
    for index in (1, 2):  # of that opening they have the promise alone
        ground.set(index, replace(before[index], promised=first.promised))
    ground.witness.testimony = witness
    ground.away(0)
    ground.run(_opened_and_closed(ground))
    ground.set(0, first)
    ground.away(1)
    numbers = [ground.states()[index].position.number for index in (0, 2)]
    assert numbers[0] == numbers[1]
    assert "tell the same history" in ground.unproven(ground.look())


async def _opened_and_closed(ground: Ground) -> None:
    cell = await ground.open()
    await cell.close()


def test_a_copy_that_contradicts_the_others_is_asked_no_more(ground: Ground) -> None:
    first = ground.states()[0]
    ground.set(0, replace(first, rows={k: r for k, r in first.rows.items() if k.href != "a.vcf"}))
    found = ground.look()
    assert ground.names(found) == ["a.vcf", "b.vcf"]
    row = ground.run(found.row(ground.key("a.vcf")))
    assert isinstance(row, Member)


def test_who_is_told_so_may_read_what_one_copy_holds(ground: Ground) -> None:
    """For the history that a person reads where nothing can be proven."""
    ground.away(1, 2)
    found = ground.look().believed()
    assert ground.names(found) == ["a.vcf", "b.vcf"]
    assert ground.run(found.row(ground.key("none"))) is None
    start = genesis_chain(ground.book)[:8]
    assert len(ground.run(found.changes(ground.book, 0, start, 10)).entries) == 2
    assert not found.proves(ground.book)
    assert not found.sure


def test_what_one_copy_holds_must_agree_with_its_own_head(ground: Ground) -> None:
    ground.away(2)
    ground.witness.testimony = None

    def without(state: MemoryState, name: str) -> MemoryState:
        rows = {key: row for key, row in state.rows.items() if key.href != name}
        promised = state.promised + 1  # so that nothing is proven
        return replace(state, rows=rows, promised=promised)

    first, second = ground.states()[:2]
    ground.set(0, without(first, "a.vcf"))
    ground.set(1, without(second, "no such name"))
    found = ground.look().believed()
    assert not found.proves(ground.book)
    assert ground.names(found) == ["a.vcf", "b.vcf"]  # of the other copy
    ground.set(1, without(second, "b.vcf"))
    with pytest.raises(UnsureError):
        ground.names(ground.look().believed())
    with pytest.raises(UnsureError):
        ground.run(ground.look().believed().row(ground.key("a.vcf")))


def test_where_a_proof_falls_when_it_is_asked_for_one_copy_may_still_tell(ground: Ground) -> None:
    ground.away(2)
    first = ground.states()[0]
    rows = {key: row for key, row in first.rows.items() if key.href != "a.vcf"}
    ground.set(0, replace(first, rows=rows))
    found, key = ground.look(), ground.key("a.vcf")
    assert found.proves(ground.book)
    with pytest.raises(UnsureError):  # one says this, the other that
        ground.run(found.row(key))
    told = ground.run(ground.look().believed().row(key))
    assert isinstance(told, Member)


def test_a_bad_body_is_taken_from_another_copy_and_nothing_is_mended(ground: Ground) -> None:
    anna = digest_of(b"anna")
    for index, spoilt in ((0, b"other"), (1, None)):
        state = ground.states()[index]
        ground.set(index, replace(state, blobs={**state.blobs, anna: spoilt}))
    assert ground.run(ground.look().bodies([anna])) == [b"anna"]
    ground.away(2)
    found = ground.look()
    assert ground.run(found.bodies([anna, digest_of(b"ben")])) == [None, b"ben"]
    assert ground.salvaged(found)["a.vcf"] is None


def test_a_frozen_cell_can_be_scrubbed_and_nobody_is_made_doubtful(ground: Ground) -> None:
    """Damage is told; a body is healed from whichever copy has it, for that changes no standing."""
    anna, ben = digest_of(b"anna"), digest_of(b"ben")
    ground.away(2)
    first, second = ground.states()[:2]
    identity = second.identity
    assert identity is not None
    ground.set(0, replace(first, blobs={**first.blobs, anna: None}))
    rows = {key: row for key, row in second.rows.items() if key.href != "b.vcf"}
    blobs = {**second.blobs, ben: None}
    # Of another incarnation than is recorded: no voter, so that the cell is frozen.
    other = replace(identity, incarnation="another")
    ground.set(1, replace(second, identity=other, rows=rows, blobs=blobs))

    async def work() -> list[Findings]:
        found = await look(ground.sites, ground.witness.testimony, 2, ground.clock)
        assert not found.sure
        return await scrub(found, lambda _: None, Pace(0))

    good, damaged = ground.run(work())
    assert (good.damage, good.healed, good.lost) == ("", [anna], [])
    assert "members" in damaged.damage
    assert ground.states()[0].blobs == first.blobs
    assert ground.states()[1].rows == rows


def test_a_proven_head_is_what_a_scrub_compares_with(ground: Ground) -> None:
    found = ground.look()
    head = found.head(ground.book)
    assert found.head_at(ground.book, head.batch) == head
    assert found.head_at(ground.book, head.batch - 1) is None
    ground.away(1, 2)
    assert ground.look().head_at(ground.book, head.batch) is None


def test_where_no_copy_s_own_words_agree_the_homes_are_salvaged(ground: Ground) -> None:
    for index, state in enumerate(ground.states()):
        head = state.heads[ground.home]
        heads = {**state.heads, ground.home: head._replace(members=head.members + index + 1)}
        ground.set(index, replace(state, heads=heads))
    found = ground.look()
    assert not found.proves(ground.home)
    assert "Nothing of this is proven" in found.note
    assert found.directory.collection(ground.home, "contacts") is not None
    assert found.head(ground.book).members == 2
    assert ground.salvaged(found) == BODIES


def test_where_nothing_lies_nothing_is_read(ground: Ground) -> None:
    ground.away(0, 1, 2)
    with pytest.raises(FrozenCellError):
        ground.look()
    ground.witness.testimony = None
    with pytest.raises(NoCellError):
        ground.look()


def test_the_disks_of_two_cells_are_not_read_as_one(ground: Ground) -> None:
    other = Ground()
    identity = ground.states()[1].identity
    assert identity is not None
    ground.set(1, replace(other.states()[1], identity=replace(identity, cell="another")))
    with pytest.raises(SettingsError):
        ground.look()


def test_a_place_that_does_not_answer_is_named(ground: Ground) -> None:
    ground.away(0, 1)
    assert [what for what, _ in ground.gaps(ground.look())] == [
        "the copy in /disk1 cannot be read: there is no marker",
        "the copy in /disk2 cannot be read: there is no marker",
    ]

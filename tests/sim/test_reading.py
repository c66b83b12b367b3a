"""Named lives, reading: no answer without proof."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sim import rot
from sim.stage import ANN, BOB, held, opened, rest, settle, spoil
from sim.world import ok
from strongroom.base.errors import FoldError, NotFoundError, UnsureError
from strongroom.history.edits import Move, Origin
from strongroom.history.entries import Tombstone, genesis_chain


def test_a_lost_row_is_not_an_absence() -> None:
    """404 needs N-W+1 voters: one that lost the row is found out (I4)."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    key = world.object_key("contacts", "a.vcf")
    settle(world)
    state = held(world.disks[0])
    spoil(world.disks[0], replace(state, rows={k: r for k, r in state.rows.items() if k != key}))
    assert world.get("a.vcf") == ANN
    rest(world)


def test_a_refusal_that_rests_on_a_lost_row_is_not_told() -> None:
    """DELETE and conditional PUT hear neither 404 nor 412 from one replica alone (I4)."""
    for act in ("remove", "put"):
        world = opened()
        ok(world.put("a.vcf", ANN))
        key = world.object_key("contacts", "a.vcf")
        settle(world)
        state = held(world.disks[0])
        rows = {k: r for k, r in state.rows.items() if k != key}
        spoil(world.disks[0], replace(state, rows=rows))
        if act == "remove":
            ok(world.remove("a.vcf"))
        else:
            ok(world.put("a.vcf", BOB, must_exist=True))
        rest(world)


def test_a_repeated_move_that_one_replica_alone_remembers_is_not_done() -> None:
    """What it rests on is proven: a replica of the past still has under the target what is gone."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    source, target = world.object_key("contacts", "a.vcf"), world.object_key("contacts", "b.vcf")

    def move() -> Any:
        return world.run(world.submit(Move(source, target, origin=Origin(7, world.request()))))

    assert ok(move()) == ok(move())
    past = held(world.disks[0]).rows[target]
    ok(world.remove("b.vcf"))
    settle(world)
    state = held(world.disks[0])
    spoil(world.disks[0], replace(state, rows={**state.rows, target: past}))
    assert isinstance(move(), NotFoundError)
    rest(world)


def test_a_tombstone_of_the_past_is_not_an_absence() -> None:
    """A page from before the name was made again holds a deletion that its journal proves."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    ok(world.remove("a.vcf"))
    key = world.object_key("contacts", "a.vcf")
    settle(world)
    stone = held(world.disks[0]).rows[key]
    assert isinstance(stone, Tombstone)
    ok(world.put("a.vcf", BOB))
    settle(world)
    state = held(world.disks[0])
    spoil(world.disks[0], replace(state, rows={**state.rows, key: stone}))
    assert world.get("a.vcf") == BOB
    rest(world)


def test_a_tombstone_that_no_journal_explains_is_not_believed() -> None:
    """A forged deletion makes its replica doubtful."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    state = rot.forged_tombstone(held(world.disks[0]), (), world.rng)
    assert state is not None
    spoil(world.disks[0], state)
    assert world.get("a.vcf") == ANN
    rest(world)


def test_a_laggard_is_not_asked() -> None:
    """A read never goes back behind what was acknowledged when it was asked."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[0].read_only = True
    ok(world.put("a.vcf", BOB))
    for _ in range(10):
        assert world.get("a.vcf") == BOB
        book = world.books["contacts"]
        assert [m.number for m in world.run(world.listing(book))] == [2]
    for good in world.disks[1:]:
        good.slow = 1e5
    assert isinstance(world.get("a.vcf"), UnsureError)
    for disk in world.disks:
        disk.lift()
    world.wait_until(world.all_level)
    rest(world)


def test_a_bad_body_is_healed_on_the_way() -> None:
    """No body is served that is not what its digest says; a bad copy changes no standing (I3)."""
    for spoilt in (b"other", None):
        world = opened()
        ok(world.put("a.vcf", ANN))
        settle(world)
        state = held(world.disks[0])
        digest = next(iter(state.blobs))
        spoil(world.disks[0], replace(state, blobs={digest: spoilt}))
        assert world.get("a.vcf") == ANN
        world.wait(5)
        assert held(world.disks[0]).blobs[digest] == ANN
        assert world.all_level()
        rest(world)


def test_a_body_that_is_good_on_no_copy_is_good_again_once_it_is_brought() -> None:
    """That it stands already is not said before it does: a repeated PUT asks all copies (I1)."""
    world = opened()
    ok(world.put("a.vcf", ANN, must_exist=False))
    settle(world)
    digest = next(iter(held(world.disks[0]).blobs))
    for disk in world.disks:
        spoil(disk, replace(held(disk), blobs={digest: b"other"}))
    ok(world.put("a.vcf", ANN, must_exist=False))
    assert world.get("a.vcf") == ANN
    assert all(held(disk).blobs[digest] == ANN for disk in world.disks)
    assert world.cell is not None
    assert world.cell.head(world.books["contacts"]).number == 1
    rest(world)


def test_a_journal_that_does_not_fold_is_not_told() -> None:
    """A delta is exactly the entries between, or another replica's (I4)."""
    world = opened()
    for number in range(6):
        ok(world.put(f"{number}.vcf", ANN))
    settle(world)
    state = held(world.disks[0])
    book = world.books["contacts"]
    lines = list(state.journals[book])
    lines[2] = lines[2]._replace(line=lines[3].line)
    spoil(world.disks[0], replace(state, journals={**state.journals, book: tuple(lines)}))
    world.forget()
    found = world.run(world.changes(book, 0, genesis_chain(book)[:8]))
    assert [e.href for e in found.entries] == [f"{n}.vcf" for n in range(6)]
    rest(world)


def test_a_token_that_no_journal_explains_is_told_apart() -> None:
    """Evidence that we forgot is a FoldError, never an empty delta (I5)."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    book = world.books["contacts"]
    for after, chain in ((1, b"\0" * 8), (99, b"\0" * 8)):
        with pytest.raises(FoldError):
            world.run(world.changes(book, after, chain))
    rest(world)


def test_an_absence_that_one_voter_alone_can_tell_is_unsure() -> None:
    """503, not 404: N-W+1 voters must be asked (I4)."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[1].slow = world.disks[2].slow = 30_000.0
    assert isinstance(world.get("nobody.vcf"), UnsureError)
    assert world.get("a.vcf") == ANN
    world.disks[1].slow = world.disks[2].slow = 1.0
    world.wait(600)  # what they were asked comes before what they are asked now
    assert world.get("nobody.vcf") is None
    rest(world)

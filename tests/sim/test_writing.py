"""Named lives, writing: one for each point that is easily skipped."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from sim import checkers
from sim.disk import BELOW_RESERVE, FULL, ROOMY, SimReplica
from sim.loop import MachineDownError
from sim.stage import ANN, BOB, EVE, held, opened, rest, restart, settle, spoil
from sim.world import World, ok
from strongroom.base.errors import (
    NoSpaceError,
    RefusedBatchError,
    UnavailableReplicaError,
    UnknownError,
    UnsureError,
)
from strongroom.history.entries import Member, digest_of, genesis_chain, heads_digest
from strongroom.history.fold import member_hash
from strongroom.stores.memory import MemoryReplica, MemoryState


def test_a_batch_of_an_older_term_is_refused() -> None:
    """The guard: who promised a later opening takes nothing from an earlier one."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    before = held(world.disks[0])
    restart(world)
    late = following_batch(before)
    with pytest.raises(UnavailableReplicaError):
        SimReplica(world.places[0], set()).apply(late, {}, before.promised)
    assert late.chain not in {b.chain for b in held(world.disks[0]).batches}
    rest(world)


def test_a_batch_that_follows_another_history_is_refused_though_its_entries_fit() -> None:
    """The chain of batches is held against what stands here, also where no journal can differ."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    state = held(world.disks[0])
    other = replace(following_batch(state), previous=bytes(32), heads=heads_digest(()))
    with pytest.raises(RefusedBatchError):
        MemoryReplica(state).apply(other, {}, state.promised)
    MemoryReplica(state).apply(replace(other, previous=state.position.chain), {}, state.promised)


def following_batch(state: MemoryState) -> Any:
    """Build the empty batch that follows a state, as the writer of its term would."""
    last = state.batches[-1]
    return replace(
        last, number=last.number + 1, previous=last.chain, entries=(), lines=(), heads=""
    )


def test_a_replica_whose_row_is_old_refuses_and_is_doubtful() -> None:
    """The pre-image: each replica holds it against its own rows, also where only numbers differ."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    old = held(world.disks[2])
    ok(world.put("a.vcf", BOB))
    ok(world.put("a.vcf", ANN))
    settle(world)
    key = world.object_key("contacts", "a.vcf")
    new = held(world.disks[2])
    spoil(world.disks[2], replace(new, rows={**new.rows, key: old.rows[key]}))
    ok(world.put("a.vcf", EVE))
    settle(world)
    assert world.get("a.vcf") == EVE
    rest(world)
    assert world.disks[2].quarantine


def test_a_replica_whose_rows_and_head_agree_is_still_not_believed() -> None:
    """The committed head is held by the writer, not read from the file that it proves."""
    world = opened()
    for name in ("a.vcf", "b.vcf", "c.vcf"):
        ok(world.put(name, ANN))
    settle(world)
    state = held(world.disks[0])
    key = world.object_key("contacts", "b.vcf")
    row = state.rows[key]
    assert isinstance(row, Member)
    head = state.heads[key.collection]
    less = (head.sum - member_hash(row)) % (1 << 256)
    rows = {k: r for k, r in state.rows.items() if k != key}
    heads = {**state.heads, head.collection: head._replace(members=head.members - 1, sum=less)}
    spoil(world.disks[0], replace(state, rows=rows, heads=heads))
    members = world.run(world.listing(key.collection))
    assert [m.href for m in members] == ["a.vcf", "b.vcf", "c.vcf"]
    rest(world)


def test_nothing_below_quorum_is_answered() -> None:
    """What stands on one replica alone is told to nobody."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[1].read_only = world.disks[2].read_only = True
    cell = world.cell
    assert cell is not None
    book = world.books["contacts"]
    number = cell.head(book).number
    world.forget()

    async def race() -> list[Any]:
        edit, bodies = world.put_edit("a.vcf", BOB)
        writing = asyncio.ensure_future(world.submit(edit, bodies))
        seen = []
        for _ in range(8):  # first alone, for a listing that does not fit would end it
            seen.append(await world.row(world.object_key("contacts", "a.vcf")))
            await asyncio.sleep(0.1)
        for _ in range(8):
            seen.append(await world.listing(book))
            seen.append(await world.changes(book, 0, genesis_chain(book)[:8]))
            await asyncio.sleep(0.1)
        seen.append(await writing)
        return seen

    *seen, ending = world.run(race(), 120)
    assert isinstance(ending, UnknownError)
    assert held(world.disks[0]).journals[book][-1].number == number + 1
    assert cell.head(book).number == number
    for answer in seen:
        if isinstance(answer, Member):
            assert answer.number == number
    world.disks[1].read_only = world.disks[2].read_only = False
    rest(world)


def test_an_opening_begins_with_an_empty_batch() -> None:
    """Each term has a batch of its own on a quorum before anything is served."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    before = held(world.disks[1]).position
    restart(world)
    for disk in world.disks[:2]:
        last = held(disk).batches[-1]
        assert (last.number, last.entries) == (before.number + 1, ())
        assert last.term > before.term
    rest(world)


def test_a_body_that_another_left_unsynced_is_synced_again() -> None:
    """A PUT of bytes that lie there already counts only once they are durable."""
    for calls in range(1, 12):
        world = opened(calls)
        world.disks[0].plant("cut", calls)
        with suppress(MachineDownError):
            world.put("a.vcf", ANN)
        world.disks[0].fail_at.clear()
        world.kill()  # the process ends, the system keeps what was written
        world.boot()
        ok(world.put("b.vcf", ANN))
        world.power_cut()
        world.boot()
        assert world.get("b.vcf") == ANN
        rest(world)


@pytest.mark.parametrize("rotten", [(0, 1, 2), (0, 1), (1, 2), (0, 2)])
@pytest.mark.parametrize("spoilt", [b"other", None])
def test_old_bytes_that_rotted_are_good_again_once_they_are_put(
    rotten: tuple[int, ...], spoilt: bytes | None
) -> None:
    """That a body was recorded once says nothing of what lies there now (I1, I3)."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    ok(world.put("a.vcf", BOB))
    settle(world)
    for disk in rotten:
        spoil_body(world, disk, ANN, spoilt)
    ok(world.put("a.vcf", ANN))
    settle(world)
    assert world.get("a.vcf") == ANN
    assert all(held(disk).blobs[digest_of(ANN)] == ANN for disk in world.disks)
    assert checkers.doubtful(world) == []
    assert world.cell is not None
    assert world.cell.report()["healed"] == len(rotten)
    rest(world)


def test_old_bytes_that_rotted_are_put_whole_or_not_at_all_whenever_the_power_goes() -> None:
    """At each system call of one disk: the name has the old body or the new one."""
    told = set()
    for calls in range(1, 12):
        world = opened(calls)
        ok(world.put("a.vcf", ANN))
        ok(world.put("a.vcf", BOB))
        settle(world)
        for disk in range(3):
            spoil_body(world, disk, ANN, b"other")
        world.disks[0].plant("cut", calls)
        with suppress(MachineDownError):
            ok(world.put("a.vcf", ANN))
            told.add(calls)
        acknowledged = calls in told
        world.power_cut()
        world.boot()
        got = world.get("a.vcf")
        assert got == ANN if acknowledged else got in {ANN, BOB}
        ok(world.put("a.vcf", ANN))
        assert world.get("a.vcf") == ANN
        rest(world)
    assert 0 < len(told) < 11


@pytest.mark.parametrize("spoilt", [b"other", None])
def test_who_catches_up_is_given_what_rotted_there(spoilt: bytes | None) -> None:
    """A replica that was away holds in the end what those who voted hold."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    ok(world.put("a.vcf", BOB))
    settle(world)
    spoil_body(world, 2, ANN, spoilt)
    world.disks[2].read_only = True
    ok(world.put("a.vcf", ANN))
    world.disks[2].read_only = False
    world.wait_until(world.all_level)
    assert held(world.disks[2]).blobs[digest_of(ANN)] == ANN
    assert checkers.doubtful(world) == []
    rest(world)


def test_who_catches_up_is_not_kept_from_it_by_what_nobody_has() -> None:
    """An old body that every copy records and none can give holds nothing up."""
    world = one_behind_with_an_old_body_gone(from_disks=(0, 1, 2))
    world.disks[2].read_only = False
    world.wait_until(world.all_level)
    rest(world)


def test_who_catches_up_needs_no_old_body_that_a_disk_which_is_away_may_have() -> None:
    """It records the body already: that it rotted there too is no reason to stay behind."""
    world = one_behind_with_an_old_body_gone(from_disks=(1, 2))
    world.disks[0].dead = True
    world.disks[2].read_only = False
    world.wait(10)
    ok(world.put("b.vcf", ANN))
    world.disks[0].lift()
    world.wait_until(world.all_level)
    rest(world)


def one_behind_with_an_old_body_gone(from_disks: Iterable[int]) -> World:
    """Give a world whose last disk, read-only yet, missed batches that name the body."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    ok(world.put("a.vcf", BOB))
    settle(world)
    world.disks[2].read_only = True
    ok(world.put("a.vcf", ANN))
    ok(world.put("a.vcf", BOB))
    for disk in from_disks:
        spoil_body(world, disk, ANN, None)
    return world


def spoil_body(world: World, disk: int, body: bytes, left: bytes | None) -> None:
    """Let a body rot that a disk records."""
    state = held(world.disks[disk])
    spoil(world.disks[disk], replace(state, blobs={**state.blobs, digest_of(body): left}))


def test_a_failing_statement_fails_one_edit_alone() -> None:
    """The others of its batch are acknowledged, and nobody is doubtful."""
    world = opened()
    world.poison.add("poison.vcf")

    async def together() -> list[Any]:
        names = ["a.vcf", "b.vcf", "poison.vcf", "c.vcf"]
        edits = [world.put_edit(name, ANN) for name in names]
        return await asyncio.gather(*(world.submit(*edit) for edit in edits))

    first, second, poisoned, third = world.run(together())
    for result in (first, second, third):
        ok(result)
    assert isinstance(poisoned, UnsureError)
    assert checkers.doubtful(world) == []
    rest(world)


def test_a_slow_replica_holds_a_rebuilt_batch_up_and_never_has_the_old_one() -> None:
    """A batch is rebuilt without a failing edit only once nobody can hold the old one."""
    world = opened()
    world.poison.add("poison.vcf")
    world.disks[2].slow = 300.0

    async def together() -> list[Any]:
        names = ["a.vcf", "poison.vcf", "b.vcf"]
        edits = [world.put_edit(name, ANN) for name in names]
        return await asyncio.gather(*(world.submit(*edit) for edit in edits))

    first, poisoned, second = world.run(together())
    ok(first)
    ok(second)
    assert isinstance(poisoned, UnsureError)
    world.disks[2].slow = 1.0
    rest(world)
    assert len({tuple(b.chain for b in held(d).batches) for d in world.disks}) == 1


def test_a_full_disk_refuses_writes_and_nothing_else() -> None:
    """Below the reserve: 507 for what grows; deletes, reads and standing go on."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    for disk in world.disks:
        disk.room = BELOW_RESERVE
    world.wait(3)
    assert isinstance(world.put("b.vcf", BOB), NoSpaceError)
    assert world.get("a.vcf") == ANN
    ok(world.remove("a.vcf"))
    world.disks[0].room = FULL
    ok(world.put_nothing("c.vcf"))
    assert checkers.doubtful(world) == []
    for disk in world.disks:
        disk.room = ROOMY
    world.wait(3)
    ok(world.put("b.vcf", BOB))
    rest(world)


def test_one_full_disk_is_behind_and_catches_up() -> None:
    """A disk without room gives no vote, and is never doubtful for it."""
    world = opened()
    world.disks[1].room = FULL
    for number in range(20):
        ok(world.put(f"{number}.vcf", ANN))
    assert checkers.doubtful(world) == []
    world.disks[1].room = ROOMY
    rest(world)


def test_a_batch_that_full_disks_hold_up_is_offered_to_them_now_and_then() -> None:
    """It lands once there is room; until then neither processor nor disk is kept busy with it."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    settle(world)
    for disk in world.disks[:2]:
        disk.room = FULL
    ended = world.put("b.vcf", BOB)  # it was decided before anybody knew how full they are
    assert isinstance(ended, UnknownError | UnsureError)
    calls = [disk.calls for disk in world.disks]
    world.wait(20)
    assert [disk.calls - before <= 25 for disk, before in zip(world.disks, calls, strict=True)] == [
        True, True, True,
    ]  # fmt: skip
    assert world.get("a.vcf") == ANN
    for disk in world.disks:
        disk.room = ROOMY
    world.wait(5)
    assert world.get("b.vcf") == BOB
    rest(world)


def test_entry_times_never_go_back() -> None:
    """A clock that jumps changes the order of nothing."""
    world = opened()
    for jump in (0, -40, 400, -1):
        world.clock.jump_ms += jump * 86_400_000
        ok(world.put(f"{jump}.vcf", ANN))
        restart(world)
    times = [b.at for b in held(world.disks[0]).batches]
    assert times == sorted(times)
    rest(world)


def test_entries_of_a_time_to_come_are_an_alarm() -> None:
    """A clock that was ahead once keeps the journal's time where it was: an owner must know."""
    world = opened()
    assert world.cell is not None
    for jump, alarm in ((400, False), (-398, True), (1, True), (396.5, False)):
        world.clock.jump_ms += int(jump * 86_400_000)
        ok(world.put("a.vcf", ANN))
        assert ("clock" in world.cell.report()["alarms"]) == alarm
        if alarm:
            assert "ahead of the clock" in world.cell.report()["alarms"]["clock"]

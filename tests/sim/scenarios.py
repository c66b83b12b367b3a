"""Named lives: one for each point that is easily skipped. Each is a function of no arguments.

`ALL` names them; a scenario fails by an assertion. Replica r1 lies on `world.disks[0]`, and so on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from sim import checkers, rot
from sim.disk import BELOW_RESERVE, FULL, ROOMY, Disk, SimReplica
from sim.loop import MachineDownError
from sim.walk import Walk
from sim.world import LEVEL_SECONDS, World, ok
from strongroom.base.errors import (
    FoldError,
    NoCellError,
    NoSpaceError,
    PreconditionError,
    RetryError,
    SettingsError,
    UnavailableReplicaError,
    UnknownError,
    UnsureError,
)
from strongroom.history.entries import CELL, OBJECT, Member, Tombstone, genesis_chain
from strongroom.history.fold import member_hash
from strongroom.mirror.site import FrozenCellError
from strongroom.stores.memory import MemoryState

ANN, BOB, EVE = b"FN:Ann", b"FN:Bob", b"FN:Eve"
ALL: dict[str, Callable[[], None]] = {}


def scenario(function: Callable[[], None]) -> Callable[[], None]:
    """Register a scenario under its name."""
    ALL[function.__name__] = function
    return function


def opened(seed: int = 1) -> World:
    """Give a world with a fresh, open cell."""
    world = World(seed)
    world.initialise()
    return world


def rest(world: World) -> None:
    """Insist that all is readable, level and equal."""
    world.wait_until(world.all_level)
    assert world.run(checkers.audit(world, whole=True), LEVEL_SECONDS)
    checkers.check_tables(world)
    checkers.require(world.model)


def take_away(world: World, *names: int) -> dict[int, Disk]:
    """Unmount disks by number (1 = r1); `bring_back` mounts them again."""
    gone = {}
    for place in world.places:
        for name in names:
            if place.mounted is world.disks[name - 1]:
                gone[name], place.mounted = place.mounted, None
    return gone


def bring_back(world: World, gone: dict[int, Disk]) -> None:
    """Mount disks again where they lay."""
    for name, disk in gone.items():
        world.places[name - 1].mounted = disk


def spoil(disk: Disk, state: MemoryState) -> None:
    """Let a disk hold another state, silently."""
    disk.main.cached = disk.main.durable = state


def held(disk: Disk) -> MemoryState:
    """Give what a disk shows."""
    return disk.main.cached


def restart(world: World) -> None:
    """Kill the process and open again."""
    world.kill()
    world.boot()


# --- the two seeds of the design ------------------------------------------------------------------


@scenario
def seed_1_figure_8_of_raft() -> None:
    """What a minority holds of an old term never wins over what a later opening showed."""
    world = opened(1)
    ok(world.put("a.vcf", ANN))
    world.disks[1].read_only = world.disks[2].read_only = True
    assert isinstance(world.put("a.vcf", BOB), UnknownError)  # stands on r1 alone
    world.power_cut()
    world.disks[1].read_only = world.disks[2].read_only = False
    gone = take_away(world, 1)
    world.boot()
    world.disks[1].read_only = True
    assert isinstance(world.put("a.vcf", EVE), UnknownError)  # stands on r3 alone, later term
    world.power_cut()
    world.disks[1].read_only = False
    bring_back(world, gone)
    gone = take_away(world, 3)
    told = ANN
    with suppress(FrozenCellError):  # r1 holds something beside: one good voter is not enough
        world.boot()
        told = world.get("a.vcf")
    world.power_cut()
    bring_back(world, gone)
    gone = take_away(world, 1)
    world.boot()
    assert told in {ANN, world.get("a.vcf")}
    assert world.get("a.vcf") != BOB
    bring_back(world, gone)
    rest(world)


@scenario
def seed_2_a_replica_that_lost_its_disk_and_votes() -> None:
    """A blank directory proves nothing, and is never counted or filled unasked."""
    world = opened(2)
    gone = take_away(world, 3)
    ok(world.put("a.vcf", ANN))  # on r1 and r2
    world.close()
    bring_back(world, gone)
    gone = take_away(world, 2)
    world.disks[0] = world.places[0].mounted = Disk(99)
    with pytest.raises(FrozenCellError):
        world.boot()
    assert held(world.disks[0]).identity is None
    world.kill()
    bring_back(world, gone)
    world.boot()
    assert world.get("a.vcf") == ANN
    world.wait(30)
    assert held(world.disks[0]).identity is None
    assert world.cell is not None
    world.run(world.cell.rebuild("r1"), LEVEL_SECONDS)
    rest(world)


# --- writing --------------------------------------------------------------------------------------


@scenario
def a_batch_of_an_older_term_is_refused() -> None:
    """The guard: who promised a later opening takes nothing from an earlier one."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    before = held(world.disks[0])
    restart(world)
    late = replace_term(before)
    with pytest.raises(UnavailableReplicaError):
        SimReplica(world.places[0], set()).apply(late, {}, before.promised)
    assert late.chain not in {b.chain for b in held(world.disks[0]).batches}
    rest(world)


def replace_term(state: MemoryState) -> Any:
    """Build the empty batch that follows a state, as the writer of its term would."""
    last = state.batches[-1]
    return replace(
        last, number=last.number + 1, previous=last.chain, entries=(), lines=(), heads=""
    )


@scenario
def a_replica_whose_row_is_old_refuses_and_is_doubtful() -> None:
    """The pre-image: each replica holds it against its own rows."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    rest(world)
    old = held(world.disks[2])
    ok(world.put("a.vcf", BOB))
    rest(world)
    key = world.object_key("contacts", "a.vcf")
    new = held(world.disks[2])
    spoil(world.disks[2], replace(new, rows={**new.rows, key: old.rows[key]}))
    ok(world.put("a.vcf", EVE))
    world.wait_until(lambda: world.standing("r3") != "voter" or world.all_level())
    rest(world)
    assert world.disks[2].quarantine
    assert world.get("a.vcf") == EVE


@scenario
def a_replica_whose_rows_and_head_agree_is_still_not_believed() -> None:
    """The committed head is held by the writer, not read from the file that it proves."""
    world = opened()
    for name in ("a.vcf", "b.vcf", "c.vcf"):
        ok(world.put(name, ANN))
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


@scenario
def nothing_below_quorum_is_answered() -> None:
    """What stands on one replica alone is told to nobody."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[1].read_only = world.disks[2].read_only = True
    cell = world.cell
    assert cell is not None
    book = world.books["contacts"]
    number = cell.head(book).number

    async def race() -> list[Any]:
        edit, bodies = world.put_edit("a.vcf", BOB)
        writing = asyncio.ensure_future(world.submit(edit, bodies))
        seen = []
        for _ in range(8):
            seen.append(await world.row(world.object_key("contacts", "a.vcf")))
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


@scenario
def an_opening_begins_with_an_empty_batch() -> None:
    """Each term has a batch of its own on a quorum before anything is served."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    before = held(world.disks[1]).position
    restart(world)
    for disk in world.disks[:2]:
        last = held(disk).batches[-1]
        assert (last.number, last.entries) == (before.number + 1, ())
        assert last.term > before.term
    rest(world)


@scenario
def a_body_that_another_left_unsynced_is_synced_again() -> None:
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


@scenario
def a_failing_statement_fails_one_edit_alone() -> None:
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


@scenario
def a_slow_replica_holds_a_rebuilt_batch_up_and_never_has_the_old_one() -> None:
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


@scenario
def a_full_disk_refuses_writes_and_nothing_else() -> None:
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


@scenario
def one_full_disk_is_behind_and_catches_up() -> None:
    """A disk without room gives no vote, and is never doubtful for it."""
    world = opened()
    world.disks[1].room = FULL
    for number in range(20):
        ok(world.put(f"{number}.vcf", ANN))
    assert checkers.doubtful(world) == []
    world.disks[1].room = ROOMY
    rest(world)


@scenario
def entry_times_never_go_back() -> None:
    """A clock that jumps changes the order of nothing."""
    world = opened()
    for jump in (0, -40, 400, -1):
        world.clock.jump_ms += jump * 86_400_000
        ok(world.put(f"{jump}.vcf", ANN))
        restart(world)
    times = [b.at for b in held(world.disks[0]).batches]
    assert times == sorted(times)
    rest(world)


# --- standing -------------------------------------------------------------------------------------


@scenario
def a_doubtful_replica_stays_so_over_restarts() -> None:
    """What it says proves nothing until a copy has taken its place."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[0].dead = True
    ok(world.put("b.vcf", BOB))
    world.wait_until(lambda: checkers.doubtful(world) == ["r1"])
    world.power_cut()
    world.disks[0].dead = False  # it seems well again
    gone = take_away(world, 2)
    with pytest.raises(FrozenCellError):
        world.boot()
    world.kill()
    bring_back(world, gone)
    world.boot()
    assert world.standing("r1") != "voter"
    assert world.get("b.vcf") == BOB
    rest(world)
    assert world.disks[0].quarantine


@scenario
def the_doubt_is_recorded_before_the_next_acknowledgement() -> None:
    """Power may go at any step after a failed fsync: what was acknowledged stays."""
    for cut in range(0, 60, 3):
        world = opened(cut)
        world.disks[0].plant("fsync", 2)
        world.loop.stop_at = world.loop.steps + cut * 5
        world.loop.on_stop = world.machine_goes_down
        try:
            for number in range(20):
                world.put(f"{number}.vcf", ANN)
        except MachineDownError:
            pass
        world.loop.stop_at = -1
        world.power_cut()
        world.boot()
        rest(world)


@scenario
def a_vote_from_an_unmounted_disk_is_not_counted() -> None:
    """Open handles of an unmounted disk still write: the identity is checked after the commit."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[2].read_only = True
    gone = take_away(world, 1)
    assert isinstance(world.put("a.vcf", BOB), UnknownError)
    world.disks[2].read_only = False
    bring_back(world, gone)
    rest(world)


@scenario
def another_replicas_marker_in_its_place_is_not_believed() -> None:
    """While it runs: doubtful. At a start: refused, for two places are one replica."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    clone = Disk(7)
    spoil(clone, held(world.disks[1]))
    world.places[0].mounted = clone
    ok(world.put("b.vcf", BOB))
    world.wait_until(lambda: world.standing("r1") != "voter")
    world.kill()
    with pytest.raises(SettingsError):
        world.boot()
    world.kill()
    world.places[0].mounted = world.disks[0]
    world.boot()
    rest(world)


@scenario
def a_voter_that_was_rolled_back_is_levelled() -> None:
    """Its volume manager took it back to a snapshot: what it forgot, the others have."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    snapshot = held(world.disks[0])
    for number in range(5):
        ok(world.put(f"{number}.vcf", BOB))
    world.close()
    spoil(world.disks[0], snapshot)
    world.boot()
    assert world.get("4.vcf") == BOB
    rest(world)


@scenario
def a_corrupt_row_at_the_writers_source_harms_nobody_else() -> None:
    """All others refuse: the batch is dead and who took it is doubtful under a new term."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    old = held(world.disks[0])
    ok(world.put("a.vcf", BOB))
    new = held(world.disks[0])
    key = world.object_key("contacts", "a.vcf")
    spoil(world.disks[0], replace(new, rows={**new.rows, key: old.rows[key]}))
    assert isinstance(world.put("a.vcf", EVE), UnknownError)
    assert world.cell is not None
    world.run(world.cell.ended())
    world.close()
    world.boot()
    assert world.standing("r1") == "doubtful"
    assert world.get("a.vcf") == BOB
    ok(world.put("a.vcf", EVE))
    rest(world)


# --- reading --------------------------------------------------------------------------------------


@scenario
def a_lost_row_is_not_an_absence() -> None:
    """404 needs N-W+1 voters: one that lost the row is found out (I4)."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    key = world.object_key("contacts", "a.vcf")
    state = held(world.disks[0])
    spoil(world.disks[0], replace(state, rows={k: r for k, r in state.rows.items() if k != key}))
    assert world.get("a.vcf") == ANN
    rest(world)


@scenario
def a_refusal_that_rests_on_a_lost_row_is_not_told() -> None:
    """DELETE and conditional PUT hear neither 404 nor 412 from one replica alone (I4)."""
    for act in ("remove", "put"):
        world = opened()
        ok(world.put("a.vcf", ANN))
        key = world.object_key("contacts", "a.vcf")
        state = held(world.disks[0])
        rows = {k: r for k, r in state.rows.items() if k != key}
        spoil(world.disks[0], replace(state, rows=rows))
        if act == "remove":
            ok(world.remove("a.vcf"))
        else:
            ok(world.put("a.vcf", BOB, must_exist=True))
        rest(world)


@scenario
def a_tombstone_of_the_past_is_not_an_absence() -> None:
    """A page from before the name was made again holds a deletion that its journal proves."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    ok(world.remove("a.vcf"))
    key = world.object_key("contacts", "a.vcf")
    stone = held(world.disks[0]).rows[key]
    assert isinstance(stone, Tombstone)
    ok(world.put("a.vcf", BOB))
    state = held(world.disks[0])
    spoil(world.disks[0], replace(state, rows={**state.rows, key: stone}))
    assert world.get("a.vcf") == BOB
    rest(world)


@scenario
def a_tombstone_that_no_journal_explains_is_not_believed() -> None:
    """A forged deletion makes its replica doubtful."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    state = rot.forged_tombstone(held(world.disks[0]), (), world.rng)
    assert state is not None
    spoil(world.disks[0], state)
    assert world.get("a.vcf") == ANN
    rest(world)


@scenario
def a_laggard_is_not_asked() -> None:
    """A read never goes back behind what was acknowledged when it was asked."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[0].read_only = True
    ok(world.put("a.vcf", BOB))
    for _ in range(10):
        assert world.get("a.vcf") == BOB
        book = world.books["contacts"]
        assert [m.number for m in world.run(world.listing(book))] == [2]
    world.disks[0].read_only = False
    rest(world)


@scenario
def a_bad_body_is_healed_on_the_way() -> None:
    """No body is served that is not what its digest says; a bad copy changes no standing (I3)."""
    for spoilt in (b"other", None):
        world = opened()
        ok(world.put("a.vcf", ANN))
        state = held(world.disks[0])
        digest = next(iter(state.blobs))
        spoil(world.disks[0], replace(state, blobs={digest: spoilt}))
        assert world.get("a.vcf") == ANN
        world.wait(5)
        assert held(world.disks[0]).blobs[digest] == ANN
        assert world.all_level()
        rest(world)


@scenario
def a_journal_that_does_not_fold_is_not_told() -> None:
    """A delta is exactly the entries between, or another replica's (I4)."""
    world = opened()
    for number in range(6):
        ok(world.put(f"{number}.vcf", ANN))
    state = held(world.disks[0])
    book = world.books["contacts"]
    lines = list(state.journals[book])
    lines[2] = lines[2]._replace(line=lines[3].line)
    spoil(world.disks[0], replace(state, journals={**state.journals, book: tuple(lines)}))
    found = world.run(world.changes(book, 0, genesis_chain(book)[:8]))
    assert [e.href for e in found.entries] == [f"{n}.vcf" for n in range(6)]
    rest(world)


@scenario
def a_token_that_no_journal_explains_is_told_apart() -> None:
    """Evidence that we forgot is a FoldError, never an empty delta (I5)."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    book = world.books["contacts"]
    for after, chain in ((1, b"\0" * 8), (99, b"\0" * 8)):
        with pytest.raises(FoldError):
            world.run(world.changes(book, after, chain))
    rest(world)


# --- opening --------------------------------------------------------------------------------------


@scenario
def the_witness_is_asked_at_opening() -> None:
    """Two replicas that went back together are noticed, and what differs is frozen."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    snapshots = [held(disk) for disk in world.disks]
    ok(world.put("a.vcf", BOB))
    world.wait(3)  # the witness is told
    world.close()
    take_away(world, 3)
    for disk, snapshot in zip(world.disks[:2], snapshots, strict=False):
        spoil(disk, snapshot)
    try:
        cell = world.boot()
    except FrozenCellError:
        return
    assert cell.directory.frozen(world.home, world.books["contacts"]) is not None


@scenario
def a_witness_that_knows_a_newer_disk_keeps_the_cell_shut() -> None:
    """The cell's own journal went back: nothing is served."""
    world = opened()
    snapshots = [held(disk) for disk in world.disks]
    world.disks[2].dead = True
    ok(world.put("a.vcf", ANN))
    world.wait_until(lambda: checkers.doubtful(world) == ["r3"])
    world.wait(3)
    world.close()
    for disk, snapshot in zip(world.disks, snapshots, strict=True):
        spoil(disk, snapshot)
        disk.dead = False
    with pytest.raises(FrozenCellError):
        world.boot()


@scenario
def a_lost_witness_is_written_anew() -> None:
    """Beside existing replicas it is an alarm, not an end."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.close()
    world.witness.cached = world.witness.durable = None
    cell = world.boot()
    assert "witness" in cell.report()["alarms"]
    assert world.witness.recall().heads[CELL] == cell.head(CELL)
    rest(world)


@scenario
def empty_directories_never_make_a_cell() -> None:
    """A cell whose disks are not mounted is not a new one."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.close()
    old = list(world.disks)
    for number, place in enumerate(world.places):
        world.disks[number] = place.mounted = Disk(50 + number)
    with pytest.raises(FrozenCellError):
        world.boot()
    world.kill()
    world.witness.cached, witness = None, world.witness.cached
    with pytest.raises(NoCellError):
        world.boot()
    world.kill()
    for disk in world.disks:
        assert held(disk).identity is None
    world.witness.cached = witness
    for number, place in enumerate(world.places):
        world.disks[number] = place.mounted = old[number]
    world.boot()
    assert world.get("a.vcf") == ANN
    rest(world)


@scenario
def a_crash_in_the_middle_of_a_copy_leaves_the_old_files() -> None:
    """Until the one rename the old files keep what they prove; then it begins anew."""
    for calls in range(1, 40, 2):
        world = opened(calls)
        for number in range(3):
            ok(world.put(f"{number}.vcf", ANN))
        assert world.cell is not None
        world.disks[0].plant("cut", calls)
        world.cell.disbelieve("r1", "the scenario says so")
        try:
            world.wait(30)
        except MachineDownError:
            world.power_cut()
            world.boot()
        rest(world)


@scenario
def a_crash_in_the_middle_of_an_opening_is_harmless() -> None:
    """At each system call of an opening, twice in a row."""
    for calls in range(8):
        world = opened(calls)
        ok(world.put("a.vcf", ANN))
        world.disks[2].read_only = True
        world.put("a.vcf", BOB)
        world.power_cut()
        world.disks[2].read_only = False
        for disk in (world.disks[calls % 3], world.disks[(calls + 1) % 3]):
            disk.plant("cut", calls // 2)
            with suppress(MachineDownError):
                world.boot()
            world.power_cut()
        world.boot()
        rest(world)


@scenario
def power_cuts_under_load_open_by_themselves() -> None:
    """The whole machine, at any moment, again and again."""
    walk = Walk(11)
    world = walk.world
    world.initialise()
    for _ in range(12):
        world.loop.stop_at = world.loop.steps + world.rng.randrange(100, 1500)
        world.loop.on_stop = world.machine_goes_down
        with pytest.raises(MachineDownError):
            world.run(walk.busy_without_faults(), 600)
        world.power_cut()
        world.boot()
    rest(world)


@scenario
def a_reboot_with_new_device_numbers_opens() -> None:
    """Disks in other places and under other numbers are the same replicas."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.close()
    mounted = [place.mounted for place in world.places]
    for place, disk in zip(world.places, mounted[1:] + mounted[:1], strict=True):
        place.mounted = disk
        assert disk is not None
        disk.device += 100
    world.boot()
    assert world.get("a.vcf") == ANN
    rest(world)


@scenario
def a_start_with_one_disk_unmounted_serves_and_takes_it_back() -> None:
    """Each disk in turn; what it missed it gets when it comes back, while all goes on."""
    for name in (1, 2, 3):
        world = opened(name)
        ok(world.put("a.vcf", ANN))
        world.close()
        gone = take_away(world, name)
        world.boot()
        ok(world.put("b.vcf", BOB))
        assert world.get("a.vcf") == ANN
        bring_back(world, gone)
        rest(world)
        assert checkers.doubtful(world) == []


@scenario
def a_start_with_two_disks_unmounted_is_frozen_and_answers_nothing() -> None:
    """Quorums count configured voters, never those present."""
    for name in (1, 2, 3):
        world = opened(name)
        ok(world.put("a.vcf", ANN))
        world.close()
        others = [n for n in (1, 2, 3) if n != name]
        gone = take_away(world, *others)
        before = held(world.disks[name - 1]).position
        with pytest.raises(FrozenCellError):
            world.boot()
        assert held(world.disks[name - 1]).position == before
        world.kill()
        bring_back(world, gone)
        world.boot()
        rest(world)


@scenario
def wrong_heads_of_one_replica_do_not_keep_the_cell_shut() -> None:
    """The one that the others contradict is doubtful, also if it has the newest history."""
    for name in (1, 2, 3):
        world = opened(name)
        for number in range(4):
            ok(world.put(f"{number}.vcf", ANN))
        world.close()
        disk = world.disks[name - 1]
        state = held(disk)
        book = world.books["contacts"]
        head = state.heads[book]._replace(members=1)
        spoil(disk, replace(state, heads={**state.heads, book: head}))
        world.boot()
        rest(world)
        assert disk.quarantine


@scenario
def two_doubts_at_once_do_not_shut_the_cell_for_good() -> None:
    """A doubt that no quorum can record is settled by a new opening."""
    world = opened()
    ok(world.put("a.vcf", ANN))
    world.disks[0].plant("eio", 0)
    world.disks[1].plant("eio", 0)
    ending = world.put("b.vcf", BOB)
    assert isinstance(ending, RetryError)
    assert world.cell is not None
    world.run(world.cell.ended())
    world.close()
    world.boot()
    assert world.get("a.vcf") == ANN
    rest(world)


@scenario
def a_repeated_request_finds_its_own_bytes() -> None:
    """A conditional PUT whose answer was lost succeeds when it is sent again; another's fails."""
    world = opened()
    ok(world.put("a.vcf", ANN, must_exist=False))
    ok(world.put("a.vcf", ANN, must_exist=False))
    assert isinstance(world.put("a.vcf", ANN, device=8, must_exist=False), PreconditionError)
    rest(world)
    entries = [e for e in world.model.journals[world.books["contacts"]] if e.kind == OBJECT]
    assert len(entries) == 1

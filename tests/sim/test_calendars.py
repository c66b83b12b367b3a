"""Named lives, calendars: who asks for a time hears of all that happens then, or "not now" (I4).

Phones that list a calendar by a query remove what it does not name, so a short answer is a deletion
that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from sim.calendars import (
    ALL_ASKED,
    CALENDARS,
    FROM_NOW_ON,
    NEXT_WEEK,
    WEEK,
    Asked,
    Diary,
    ask,
    event_edit,
)
from sim.loop import MachineDownError
from sim.model import Attempt
from sim.stage import bring_back, held, opened, rest, settle, spoil, take_away
from sim.world import World, ok
from strongroom.base.errors import UnsureError
from strongroom.history.edits import (
    OURSELVES,
    Copy,
    Edit,
    Move,
    Origin,
    Restore,
    Seen,
    SkipNumbers,
    Wanted,
)
from strongroom.history.entries import COLLECTION, Member
from strongroom.service.beginnings import begin, has_begun
from strongroom.service.spans import Spans
from strongroom.service.thaw import freezes, thaw

MINE, OTHER = CALENDARS
THIS, NEXT, WEEKLY = 0, 1, 3  # versions of an event
STEPS = 60


def write(world: World, uid: str, version: int, calendar: str = MINE) -> None:
    ok(world.run(world.submit(*event_edit(world, uid, version, calendar))))


def do(world: World, edit: Edit) -> Any:
    return ok(world.run(world.submit(edit)))


def asked(
    world: World, spans: Spans, what: Asked = WEEK, calendar: str = MINE
) -> list[str] | Exception:
    found = world.run(ask(world, spans, calendar, what))
    return sorted(found) if isinstance(found, dict) else found


def member(world: World, href: str, calendar: str = MINE) -> Member:
    found = world.run(world.row(world.object_key(calendar, href)))
    assert isinstance(found, Member)
    return found


def origin(world: World) -> Origin:
    return Origin(7, world.request())


# --- what the index says --------------------------------------------------------------------------
def to_next_week(world: World) -> None:
    write(world, "e0", NEXT)


def put_another(world: World) -> None:
    write(world, "e2", THIS)


def moved(world: World) -> None:
    do(world, Move(
        world.object_key(MINE, "e0.ics"), world.object_key(OTHER, "e0.ics"), "e0",
        origin=origin(world), source_parent=world.book_key(MINE),
        target_parent=world.book_key(OTHER),
    ))  # fmt: skip


def renamed(world: World) -> None:
    do(world, Move(
        world.object_key(MINE, "e0.ics"), world.object_key(MINE, "other.ics"), "e0",
        origin=origin(world),
    ))  # fmt: skip


def copied(world: World) -> None:
    do(world, Copy(
        world.object_key(MINE, "e0.ics"), world.object_key(OTHER, "e0.ics"), "e0",
        origin=origin(world),
    ))  # fmt: skip


def given_a_property(world: World) -> None:
    do(world, world.props_edit("e0.ics", "1", MINE))


def removed(world: World) -> None:
    ok(world.remove("e0.ics", MINE))


def removed_and_undone(world: World) -> None:
    was = member(world, "e0.ics")
    (stone,) = ok(world.remove("e0.ics", MINE))
    wanted = Wanted(was.key, was.id, was.etag, was.data, was.props, world.book_key(MINE))
    do(world, Restore((Seen(was.key, stone.number),), (wanted,), origin(world)))


def changed_and_undone(world: World) -> None:
    was = member(world, "e0.ics")
    write(world, "e0", NEXT)
    now = member(world, "e0.ics")
    wanted = Wanted(was.key, was.id, was.etag, was.data, was.props, world.book_key(MINE))
    do(world, Restore((Seen(now.key, now.number),), (wanted,), origin(world)))


def numbers_left_out(world: World) -> None:
    assert world.cell is not None
    book = world.books[MINE]
    do(world, SkipNumbers(book, world.cell.head(book).number + 9, origin(world)))
    write(world, "e2", THIS)


def frozen_and_thawed(world: World) -> None:
    cell, book = world.cell, world.books[MINE]
    assert cell is not None
    evidence = f"token:{book}:{cell.head(book).number + 5}:00"
    world.run(cell.freeze(world.home, str(book), "a test", evidence))
    world.run(thaw(cell, "alice", told_of(world, OURSELVES)))
    write(world, "e2", THIS)


def told_of(world: World, by: Origin, times: int = 9) -> Origin:
    """Let the model know of a request that a service makes by itself."""
    request = world.request()
    edit = SkipNumbers(0, 0, Origin(by.device, request))
    world.model.attempts[request] = Attempt(edit, (request,) * times, 0, 0)
    return Origin(by.device, request)


ACTS = [
    to_next_week, put_another, moved, renamed, copied, given_a_property, removed,
    removed_and_undone, changed_and_undone, numbers_left_out, frozen_and_thawed,
]  # fmt: skip


@pytest.mark.parametrize("memory", [True, False])
@pytest.mark.parametrize("act", ACTS)
def test_the_index_follows_whatever_is_done(act: Callable[[World], None], memory: bool) -> None:
    """What it followed is what a fresh one lists, from the last commits or from the replicas."""
    world, spans = opened(1, CALENDARS), Spans()
    for uid, version, calendar in (
        ("e0", THIS, MINE), ("e1", WEEKLY, MINE), ("e3", NEXT, OTHER),
    ):  # fmt: skip
        write(world, uid, version, calendar)
    assert asked(world, spans) == ["e0.ics", "e1.ics"]
    assert asked(world, spans, WEEK, OTHER) == []
    act(world)
    if not memory:
        world.forget()
    for calendar in CALENDARS:
        for what in ALL_ASKED:
            followed = asked(world, spans, what, calendar)
            assert followed == asked(world, Spans(), what, calendar)
    rest(world)


def test_an_index_of_a_history_that_was_lost_is_made_anew() -> None:
    """All disks went back and the account was thawed; the server had not ended meanwhile (I5)."""
    world, spans = opened(1, CALENDARS), Spans()
    write(world, "e0", THIS)
    settle(world)
    past = [held(disk) for disk in world.disks]
    write(world, "e0", NEXT)
    write(world, "e1", NEXT)
    assert asked(world, spans, NEXT_WEEK) == ["e0.ics", "e1.ics"]
    world.close()
    for disk, state in zip(world.disks, past, strict=True):
        spoil(disk, state)
    cell = world.boot()
    assert freezes(cell.directory, "alice")
    assert isinstance(asked(world, spans), (list, UnsureError))  # no face asks it before the thaw
    world.run(thaw(cell, "alice", told_of(world, OURSELVES)))
    write(world, "e2", THIS)
    assert asked(world, spans) == ["e0.ics", "e2.ics"]
    assert asked(world, spans, NEXT_WEEK) == []


# --- what a phone keeps ---------------------------------------------------------------------------
def test_a_row_of_the_past_costs_no_event() -> None:
    """It happened in another week then; that is found out, and the replica is copied."""
    world, spans, phone = opened(1, CALENDARS), Spans(), Diary(MINE, WEEK)
    write(world, "e0", NEXT)
    write(world, "e1", THIS)
    settle(world)
    key = world.object_key(MINE, "e0.ics")
    past = held(world.disks[0]).rows[key]
    write(world, "e0", THIS)
    assert world.run(phone.sync(world, spans))
    settle(world)
    state = held(world.disks[0])
    spoil(world.disks[0], replace(state, rows={**state.rows, key: past}))
    write(world, "e2", THIS)
    assert world.run(phone.sync(world, spans))
    assert sorted(phone.held) == ["e0.ics", "e1.ics", "e2.ics"]
    rest(world)
    assert world.disks[0].quarantine


def test_a_lost_row_costs_no_event() -> None:
    """An index names it, so one replica that lost it is not believed."""
    world, spans, phone = opened(1, CALENDARS), Spans(), Diary(MINE, FROM_NOW_ON)
    write(world, "e0", THIS)
    write(world, "e1", WEEKLY)
    assert world.run(phone.sync(world, spans))
    settle(world)
    state = held(world.disks[0])
    rows = {k: row for k, row in state.rows.items() if k.href != "e0.ics"}
    spoil(world.disks[0], replace(state, rows=rows))
    write(world, "e1", THIS)
    assert world.run(phone.sync(world, spans))
    assert sorted(phone.held) == ["e0.ics", "e1.ics"]
    rest(world)


@pytest.mark.parametrize("kept", [True, False])
def test_replicas_that_do_not_answer_cost_no_event(kept: bool) -> None:
    """One alone may tell all, for the head proves it; none says that nothing happens."""
    for away in ((1, 2), (1, 3), (2, 3), (1, 2, 3)):
        world, spans = opened(1, CALENDARS), Spans()
        write(world, "e0", THIS)
        assert asked(world, spans) == ["e0.ics"]
        write(world, "e1", WEEKLY)
        settle(world)
        gone = take_away(world, *away)
        heard = asked(world, spans if kept else Spans())
        assert heard == ["e0.ics", "e1.ics"] or isinstance(heard, UnsureError)
        bring_back(world, gone)
        world.power_cut()
        world.boot()
        assert asked(world, spans) == ["e0.ics", "e1.ics"]
        rest(world)


# --- the calendars that an account begins with ----------------------------------------------------
FIRST = {"calendars/calendar", "calendars/tasks", "calendars/notes"}


def standing(world: World) -> Mapping[str, Member]:
    assert world.cell is not None
    found = world.cell.directory.members(world.home, COLLECTION)
    return {one.href: one for one in found if one.href.startswith("calendars/")}


@pytest.mark.parametrize("end", [World.power_cut, World.kill])
def test_first_calendars_are_there_all_at_once_and_once(end: Callable[[World], None]) -> None:
    """Whenever the machine goes down while two phones ask for them first."""
    seen = set()
    for step in range(0, STEPS, 2):
        world = opened(step)
        world.loop.stop_at = world.loop.steps + step
        world.loop.on_stop = world.machine_goes_down
        with suppress(MachineDownError):
            first_calendars(world)
        world.loop.stop_at = -1
        end(world)
        world.boot()
        there = standing(world)
        assert set(there) in (set(), FIRST)
        seen.add(len(there))
        first_calendars(world)
        assert set(standing(world)) == FIRST
        assert {n: m.id for n, m in standing(world).items()} | {
            n: m.id for n, m in there.items()
        } == {n: m.id for n, m in standing(world).items()}
    assert seen == {0, 3}


def first_calendars(world: World) -> None:
    cell = world.cell
    assert cell is not None
    account = cell.directory.account("alice")
    assert account is not None
    if not has_begun(account):
        world.run(begin(cell, account))

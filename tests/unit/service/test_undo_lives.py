"""Undo in lives made by chance: every moment comes back, and no id comes to stand twice (I6)."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from fakes.past import Past, State
from fakes.site import HOME, card
from strongroom.formats.moments import write_moment
from strongroom.history.entries import COLLECTION, DEVICE, OBJECT
from strongroom.service.collections import is_shown
from strongroom.service.past import read_past

BOOKS = ("contacts", "work", "club")
NAMES = ("a", "b", "c", "d")


def live(site: Past, dice: random.Random) -> None:
    """Do one thing, as a phone or the laptop would; much of it is refused."""
    client = dice.choice([site.alice, site.laptop])
    path = f"{HOME}{dice.choice(BOOKS)}/"
    name, other = dice.choice(NAMES), dice.choice(NAMES)
    target = f"{HOME}{dice.choice(BOOKS)}/"
    act = dice.randrange(20)
    if act < 8:
        body = card(dice.choice(NAMES), f"Name {dice.randrange(5)}")
        job = client("PUT", path + name, body, content_type="text/vcard")
    elif act < 11:
        job = client("DELETE", path + name)
    elif act < 15:
        job = client("MOVE", path + name, destination=target + other)
    elif act < 16:
        patch = f'<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">{act}</x></prop></set>'
        job = client(
            "PROPPATCH", path + dice.choice(["", name]), f"{patch}</propertyupdate>".encode()
        )
    elif act < 18:
        job = client("MKCOL", path)
    elif act < 19:
        job = client("DELETE", path)
    else:
        job = client("MOVE", path, destination=target)
    site.run(job)


def ids(states: Iterable[State]) -> list[int]:
    return [row[0] for state in states for row in state.values()]


@pytest.mark.parametrize("seed", [*range(40), 471, 561, 888])  # the last have failed
def test_any_life_can_be_gone_back_through(seed: int) -> None:
    """I6: each moment comes back exactly, and so does what stood before the undo."""
    site, dice = Past(), random.Random(seed)
    moments: list[tuple[str, State]] = []
    for _ in range(60):
        live(site, dice)
        moments.append((site.last, site.state()))
    for _ in range(6):
        then, state = dice.choice(moments)
        before = site.state()
        plan = site.plan(to=then)
        assert plan.cannot == ()
        assert site.apply(plan).left == ()
        assert site.state() == state
        assert len(set(ids([state]))) == len(state)
        if dice.random() < 0.5:
            site.undo(to=write_moment(plan.latest))
            assert site.state() == before
        moments.append((site.last, site.state()))
        for _ in range(5):
            live(site, dice)
            moments.append((site.last, site.state()))


@pytest.mark.parametrize("seed", range(30))
def test_any_device_can_be_undone_without_harm_to_what_others_did(seed: int) -> None:
    """Nothing that only the phone ever touched is changed, and no id comes to stand twice."""
    site, dice = Past(), random.Random(1000 + seed)
    for _ in range(20):
        live(site, dice)
    then = site.now
    start = {book: len(lines) for book, lines in site.cell.journal.items()}
    for _ in range(40):
        live(site, dice)
    laptop = site.cell.directory.get(site.home, DEVICE, "laptop")
    assert laptop is not None
    theirs = {
        entry.id
        for book, lines in site.cell.journal.items()
        for entry, _ in lines[start.get(book, 0) :]
        if entry.by == laptop.id
    }
    before = site.state()
    plan = site.plan(device="laptop", since=then)
    site.apply(plan)
    after = site.state()
    assert len(set(ids([after]))) == len(after)
    gone = {row[0] for row in before.values()} - {row[0] for row in after.values()}
    inside = {book for book, lines in site.cell.journal.items() if book in gone}
    touched = theirs | {entry.id for book in inside for entry, _ in site.cell.journal.get(book, [])}
    assert gone <= touched
    site.undo(to=write_moment(plan.latest))
    assert site.state() == before


@pytest.mark.parametrize("seed", range(20))
def test_any_entry_can_be_undone_alone(seed: int) -> None:
    site, dice = Past(), random.Random(2000 + seed)
    for _ in range(50):
        live(site, dice)
    past = site.run(read_past(site.cell, site.home))
    book = dice.choice([site.home, *(e.id for e in past.collections.values() if is_shown(e.data))])
    if book not in site.cell.journal:
        return
    entry = dice.choice([e for e in site.entries(book) if e.kind in {OBJECT, COLLECTION}] or [None])
    if entry is None:
        return
    before = site.state()
    plan = site.plan(entry=f"{book}:{entry.number}")
    outcome = site.apply(plan)
    after = site.state()
    assert len(set(ids([after]))) == len(after)
    assert outcome.left == ()
    assert bool(plan.units) == (outcome.done > 0)
    assert bool(plan.units) or after == before
    site.undo(to=write_moment(plan.latest))
    assert site.state() == before

"""Thunderbird, GNOME's address book and vdirsyncer on one account, both ways; and its calendar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from e2e import evolution
from e2e.evolution import Evolution
from e2e.server import ServerProcess
from e2e.test_thaw import freeze_by_forgetting
from e2e.thunderbird import SETTLE_SECONDS, Thunderbird, missing
from e2e.thunderbird_calendar import ThunderbirdCalendar
from e2e.vdir import Vdirsyncer
from fakes.events import BERLIN, calendar, component
from phone.database import card_bytes

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=f"Thunderbird: {WHY_NOT}")
NO_GNOME = evolution.missing()


SERIES = ("DTSTART;TZID=Europe/Berlin:20261123T190000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")


def weekly(uid: str, name: str) -> bytes:
    lines = ("DTSTAMP:20261101T000000Z", *SERIES, f"SUMMARY:{name}")
    return calendar(BERLIN, component("VEVENT", *lines, uid=uid))


class Side(NamedTuple):
    """What is kept on both: which part of Thunderbird, which device, how a thing is written."""

    desktop: type[Thunderbird]
    device: str  # a fixture
    write: Callable[[str, str], bytes]


SIDES = [Side(Thunderbird, "laptop", card_bytes), Side(ThunderbirdCalendar, "planner", weekly)]
both = pytest.mark.parametrize("side", SIDES, ids=["contacts", "events"])


@pytest.fixture
def side() -> Side:
    return SIDES[0]


@pytest.fixture
def thunderbird(side: Side, server: ServerProcess, tmp_path: Path) -> Iterator[Thunderbird]:
    made = side.desktop(tmp_path / "bird", server, "alice", server.passwords["phone"])
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def device(side: Side, request: pytest.FixtureRequest) -> Vdirsyncer:
    found: Vdirsyncer = request.getfixturevalue(side.device)
    return found


def sync_until(device: Vdirsyncer, holds: Callable[[], bool]) -> None:
    """Sync until what a desktop sends behind its own screen has come."""
    until = time.monotonic() + SETTLE_SECONDS
    device.sync()
    while not holds() and time.monotonic() < until:
        time.sleep(0.2)
        device.sync()
    assert holds(), device.things


@both
def test_things_go_from_thunderbird_to_another_device_and_back(
    side: Side, device: Vdirsyncer, thunderbird: Thunderbird
) -> None:
    device.add("erika", side.write("erika", "Erika"))
    device.add("max", side.write("max", "Max"))
    device.sync()
    thunderbird.sync_until({"erika": "Erika", "max": "Max"})

    thunderbird.add("zoe", "Zoë Ångström")
    thunderbird.rename("erika", "Erika Changed")
    thunderbird.remove("max")
    sync_until(
        device,
        lambda: (
            len(device.things) == 2 and device.has("Zoë Ångström") and device.has(":Erika Changed")
        ),
    )
    if side.write is weekly:
        changed = device.file_with("SUMMARY:Erika Changed").read_text("utf-8")
        assert "RRULE:FREQ=WEEKLY" in changed
        assert SERIES[0] in changed

    device.file_with("Zoë").write_bytes(side.write("zoe", "Zoë Changed"))
    device.file_with("Erika").unlink()
    device.add("new", side.write("new", "New"))
    device.sync()
    thunderbird.sync_until({"zoe": "Zoë Changed", "new": "New"})


@both
def test_a_freeze_takes_nothing_from_the_screen(
    side: Side, device: Vdirsyncer, thunderbird: Thunderbird, server: ServerProcess
) -> None:
    """D3, with the real client."""
    shown = {uid: uid.upper() for uid in ("a", "b", "c")}
    for uid, name in shown.items():
        device.add(uid, side.write(uid, name))
    device.sync()
    thunderbird.sync_until(shown)
    freeze_by_forgetting(server)

    thunderbird.sync_that_may_fail()
    assert thunderbird.contacts == shown


@pytest.mark.skipif(bool(NO_GNOME), reason=f"GNOME's address book: {NO_GNOME}")
def test_three_desktops_on_one_account_show_the_same(
    thunderbird: Thunderbird, laptop: Vdirsyncer, server: ServerProcess, tmp_path: Path
) -> None:
    place = tmp_path / "gnome"
    place.mkdir()
    gnome = Evolution(place, server, "alice", server.passwords["desktop"])
    try:
        laptop.add("l", card_bytes("l", "From the laptop"))
        laptop.sync()
        gnome.add("g", "From GNOME")
        thunderbird.add("t", "From Thunderbird")
        sync_until(laptop, lambda: len(laptop.things) == 3)
        everything = {"l": "From the laptop", "g": "From GNOME", "t": "From Thunderbird"}
        gnome.sync_until(everything)
        thunderbird.sync_until(everything)

        gnome.remove("t")
        thunderbird.sync_until({"l": "From the laptop", "g": "From GNOME"})
        thunderbird.rename("g", "Renamed")
        sync_until(laptop, lambda: laptop.has("Renamed"))
        gnome.sync_until({"l": "From the laptop", "g": "Renamed"})
    finally:
        gnome.end()


@pytest.mark.parametrize("side", SIDES[1:], ids=["events"])
def test_a_cell_that_does_not_open_takes_no_event_from_the_screen(
    planner: Vdirsyncer, thunderbird: Thunderbird, server: ServerProcess
) -> None:
    """D3, with the real client."""
    shown = {uid: uid.upper() for uid in ("a", "b", "c")}
    for uid, name in shown.items():
        planner.add(uid, weekly(uid, name))
    planner.sync()
    thunderbird.sync_until(shown)

    server.stop()
    for place in server.replicas[:2]:
        place.rename(server.place / f"away{place.name}")
        place.mkdir()
    server.start(wait=False)
    assert server.answers(503)
    thunderbird.sync_that_may_fail()
    assert thunderbird.contacts == shown

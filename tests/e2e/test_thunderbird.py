"""Thunderbird, GNOME's address book and vdirsyncer on one account, both ways; and its calendar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

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


@pytest.fixture
def thunderbird(server: ServerProcess, tmp_path: Path) -> Iterator[Thunderbird]:
    made = Thunderbird(tmp_path / "bird", server, "alice", server.passwords["phone"])
    try:
        yield made
    finally:
        made.end()


def sync_until(device: Vdirsyncer, holds: Callable[[], bool]) -> None:
    """Sync until what a desktop sends behind its own screen has come."""
    until = time.monotonic() + SETTLE_SECONDS
    device.sync()
    while not holds() and time.monotonic() < until:
        time.sleep(0.2)
        device.sync()
    assert holds(), device.things


def test_contacts_go_from_thunderbird_to_another_device_and_back(
    thunderbird: Thunderbird, laptop: Vdirsyncer
) -> None:
    laptop.add("erika", card_bytes("erika", "Erika"))
    laptop.add("max", card_bytes("max", "Max"))
    laptop.sync()
    thunderbird.sync_until({"erika": "Erika", "max": "Max"})

    thunderbird.add("zoe", "Zoë Ångström")
    thunderbird.rename("erika", "Erika Changed")
    thunderbird.remove("max")
    sync_until(
        laptop,
        lambda: (
            sorted(laptop.things) == ["erika", "zoe"]
            and laptop.has("Zoë Ångström")
            and laptop.has("Erika Changed")
        ),
    )

    laptop.file_with("Zoë").write_bytes(card_bytes("zoe", "Zoë Changed"))
    laptop.file_with("Erika").unlink()
    laptop.add("new", card_bytes("new", "New"))
    laptop.sync()
    thunderbird.sync_until({"zoe": "Zoë Changed", "new": "New"})


def test_a_freeze_takes_no_contact_from_the_screen(
    thunderbird: Thunderbird, laptop: Vdirsyncer, server: ServerProcess
) -> None:
    """D3, with the real client."""
    for uid in ("a", "b", "c"):
        laptop.add(uid, card_bytes(uid, uid.upper()))
    laptop.sync()
    thunderbird.sync_until({"a": "A", "b": "B", "c": "C"})
    freeze_by_forgetting(server)

    thunderbird.sync_that_may_fail()
    assert thunderbird.contacts == {"a": "A", "b": "B", "c": "C"}


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


# --- its calendar ---------------------------------------------------------------------------------
SERIES = ("DTSTART;TZID=Europe/Berlin:20261123T190000", "DURATION:PT1H", "RRULE:FREQ=WEEKLY")


@pytest.fixture
def almanac(server: ServerProcess, tmp_path: Path) -> Iterator[ThunderbirdCalendar]:
    made = ThunderbirdCalendar(tmp_path / "bird", server, "alice", server.passwords["phone"])
    try:
        yield made
    finally:
        made.end()


def weekly(uid: str, name: str) -> bytes:
    lines = ("DTSTAMP:20261101T000000Z", *SERIES, f"SUMMARY:{name}")
    return calendar(BERLIN, component("VEVENT", *lines, uid=uid))


def test_events_go_from_thunderbird_to_another_device_and_back(
    planner: Vdirsyncer, almanac: ThunderbirdCalendar
) -> None:
    planner.add("erika", weekly("erika", "Erika"))
    planner.add("max", weekly("max", "Max"))
    planner.sync()
    almanac.sync_until({"erika": "Erika", "max": "Max"})

    almanac.add("zoe", "Zoë Ångström")
    almanac.rename("erika", "Erika Changed")
    almanac.remove("max")
    sync_until(
        planner,
        lambda: (
            len(planner.things) == 2
            and planner.has("SUMMARY:Zoë Ångström")
            and planner.has("SUMMARY:Erika Changed")
        ),
    )
    changed = planner.file_with("SUMMARY:Erika Changed").read_text("utf-8")
    assert "RRULE:FREQ=WEEKLY" in changed
    assert SERIES[0] in changed

    planner.file_with("Erika").unlink()
    planner.add("new", weekly("new", "New"))
    planner.sync()
    almanac.sync_until({"zoe": "Zoë Ångström", "new": "New"})


def test_a_freeze_takes_no_event_from_the_screen(
    planner: Vdirsyncer, almanac: ThunderbirdCalendar, server: ServerProcess
) -> None:
    """D3, with the real client."""
    shown = {uid: uid.upper() for uid in ("a", "b", "c")}
    for uid, name in shown.items():
        planner.add(uid, weekly(uid, name))
    planner.sync()
    almanac.sync_until(shown)

    server.stop()
    for place in server.replicas[:2]:
        place.rename(server.place / f"away{place.name}")
        place.mkdir()
    server.start(wait=False)
    assert server.answers(503)
    almanac.sync_that_may_fail()
    assert almanac.contacts == shown

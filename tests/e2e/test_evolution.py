"""GNOME's address book, calendars, tasks and memos, and vdirsyncer on one account, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.evolution import CALENDARS, Evolution, Part, missing
from e2e.server import ServerProcess
from e2e.test_thaw import freeze_by_forgetting
from e2e.vdir import Vdirsyncer
from fakes.events import BERLIN, calendar, component
from phone.database import card_bytes

WHY_NOT = missing()
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=f"GNOME's address book: {WHY_NOT}")


@pytest.fixture
def evolution(server: ServerProcess, tmp_path: Path) -> Iterator[Evolution]:
    place = tmp_path / "gnome"
    place.mkdir()
    made = Evolution(place, server, "alice", server.passwords["desktop"])
    try:
        yield made
    finally:
        made.end()


def test_contacts_go_from_gnome_to_another_device_and_back(
    evolution: Evolution, laptop: Vdirsyncer
) -> None:
    laptop.add("erika", card_bytes("erika", "Erika"))
    laptop.add("max", card_bytes("max", "Max"))
    laptop.sync()
    evolution.sync_until({"erika": "Erika", "max": "Max"})

    evolution.add("zoe", "Zoë Ångström")
    evolution.rename("erika", "Erika Changed")
    evolution.remove("max")
    laptop.sync()
    assert sorted(laptop.things) == ["erika", "zoe"]
    assert laptop.has("FN:Zoë Ångström")
    assert laptop.has("FN:Erika Changed")

    laptop.file_with("Zoë").write_bytes(card_bytes("zoe", "Zoë Changed"))
    laptop.file_with("Erika").unlink()
    laptop.add("new", card_bytes("new", "New"))
    laptop.sync()
    evolution.sync_until({"zoe": "Zoë Changed", "new": "New"})


def test_gnome_keeps_its_contacts_while_the_server_is_away(
    evolution: Evolution, laptop: Vdirsyncer, server: ServerProcess
) -> None:
    laptop.add("erika", card_bytes("erika", "Erika"))
    laptop.sync()
    evolution.sync_until({"erika": "Erika"})
    server.stop()
    assert evolution.contacts == {"erika": "Erika"}

    server.start()
    laptop.add("max", card_bytes("max", "Max"))
    laptop.sync()
    evolution.sync_until({"erika": "Erika", "max": "Max"})


def test_gnome_keeps_its_contacts_through_a_freeze_and_says_why_it_takes_no_edit(
    evolution: Evolution, laptop: Vdirsyncer, server: ServerProcess
) -> None:
    """D3: a freeze takes no contact from the screen; an edit is refused to the person's face."""
    for uid in ("a", "b"):
        laptop.add(uid, card_bytes(uid, uid.upper()))
    laptop.sync()
    evolution.sync_until({"a": "A", "b": "B"})
    freeze_by_forgetting(server)

    evolution.sync_that_may_fail()
    assert evolution.contacts == {"a": "A", "b": "B"}
    said = evolution.refusal_of(do="rename", uid="a", name="Renamed")
    assert "frozen to protect it" in said  # the person reads our words and keeps the editor open
    assert evolution.contacts == {"a": "A", "b": "B"}

    server.run("account", "thaw", "alice", "--yes")
    evolution.rename("a", "Renamed")
    evolution.sync_until({"a": "Renamed", "b": "B"})
    laptop.sync()
    assert laptop.has("FN:Renamed")
    assert sorted(laptop.things) == ["a", "b"]


LINES = {
    "events": ("VEVENT", "DTSTART;TZID=Europe/Berlin:20261123T190000", "RRULE:FREQ=WEEKLY"),
    "tasks": ("VTODO", "DUE;TZID=Europe/Berlin:20261201T120000", "PRIORITY:1"),
    "memos": ("VJOURNAL", "DTSTART;VALUE=DATE:20261123", "DESCRIPTION:Not under the mat"),
}


@pytest.mark.parametrize("part", CALENDARS, ids=[part.kind for part in CALENDARS])
def test_events_tasks_and_memos_go_from_gnome_to_another_device_and_back(
    server: ServerProcess, planner: Vdirsyncer, tmp_path: Path, part: Part
) -> None:
    name, *lines = LINES[part.kind]
    folder = part.path.rstrip("/").rpartition("/")[2]

    def body(uid: str, summary: str) -> bytes:
        stamp = "DTSTAMP:20261101T000000Z"
        return calendar(BERLIN, component(name, stamp, *lines, f"SUMMARY:{summary}", uid=uid))

    for uid, summary in (("erika", "Erika"), ("max", "Max")):
        planner.add(uid, body(uid, summary), folder)
    planner.sync()
    (tmp_path / "gnome").mkdir()
    desktop = Evolution(tmp_path / "gnome", server, "alice", server.passwords["desktop"], part)
    try:
        desktop.sync_until({"erika": "Erika", "max": "Max"})

        added = component(name, "DTSTAMP:20261101T000000Z", *lines, "SUMMARY:Zoë", uid="zoe")
        desktop.add_body(added.replace("\n", "\r\n"))
        desktop.rename("erika", "Erika Changed")
        desktop.remove("max")
        planner.sync()
        assert len(planner.things) == 2
        assert planner.has("SUMMARY:Zoë")
        changed = planner.file_with("SUMMARY:Erika Changed").read_text("utf-8")
        assert all(line in changed for line in lines)

        planner.file_with("SUMMARY:Erika Changed").unlink()
        planner.add("new", body("new", "New"), folder)
        planner.sync()
        desktop.sync_until({"zoe": "Zoë", "new": "New"})
    finally:
        desktop.end()

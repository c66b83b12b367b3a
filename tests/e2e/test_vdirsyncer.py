"""Two computers kept in step through the server by the real client vdirsyncer, both ways.

Contacts first, then calendars, tasks and notes: three collections of one account.
"""

from __future__ import annotations

from datetime import date

from e2e.server import ServerProcess, put_back
from e2e.vdir import Vdirsyncer
from fakes.events import event
from phone.database import card_bytes
from strongroom.cli.demo_events import samples

CARDS = 30


def rich_card(number: int) -> bytes:
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:person{number}\r\nFN:Zoë Ångström {number}\r\n"
        f"N:Ångström;Zoë {number};;;\r\nTEL;TYPE=CELL:+49 170 {number:07}\r\n"
        "NOTE:line one\\nline two\\, with comma\\; and 😀\r\n"
        "item1.X-ABLABEL:_$!<Anniversary>!$_\r\nX-PHONETIC-LAST-NAME:ongstrom\r\nEND:VCARD\r\n"
    ).encode()


def bodies(device: Vdirsyncer) -> list[bytes]:
    return sorted(device.things.values())


def filled(laptop: Vdirsyncer, desktop: Vdirsyncer) -> list[bytes]:
    """Put thirty cards on both devices, through the server."""
    sent = [rich_card(number) for number in range(CARDS)]
    for number, body in enumerate(sent):
        laptop.add(f"p{number}", body)
    laptop.sync()
    desktop.sync()
    return sorted(sent)


def test_what_one_device_uploads_the_other_gets_byte_for_byte(
    laptop: Vdirsyncer, desktop: Vdirsyncer
) -> None:
    sent = filled(laptop, desktop)

    assert bodies(desktop) == sent


def test_changes_removals_and_additions_go_both_ways(
    laptop: Vdirsyncer, desktop: Vdirsyncer
) -> None:
    filled(laptop, desktop)
    changed = desktop.file_with("UID:person5\n")
    changed.write_bytes(card_bytes("person5", "Changed on the desktop"))
    desktop.file_with("UID:person9\n").unlink()
    laptop.add("new", card_bytes("new", "New on the laptop"))

    for device in (desktop, laptop, desktop):
        device.sync()

    assert bodies(laptop) == bodies(desktop)
    assert len(laptop.things) == CARDS
    assert laptop.has("Changed on the desktop")
    assert desktop.has("New on the laptop")
    assert not laptop.has("UID:person9\r")


def test_of_two_changes_of_one_contact_the_first_stays(
    laptop: Vdirsyncer, desktop: Vdirsyncer
) -> None:
    filled(laptop, desktop)
    for device, name in ((laptop, "First"), (desktop, "Second")):
        device.file_with("UID:person3\n").write_bytes(card_bytes("person3", name))

    laptop.sync()
    desktop.sync()

    assert bodies(laptop) == bodies(desktop)
    assert desktop.has("FN:First")


def test_an_idle_sync_copies_and_deletes_nothing(laptop: Vdirsyncer, desktop: Vdirsyncer) -> None:
    filled(laptop, desktop)

    said = laptop.sync() + desktop.sync()

    assert "Copying" not in said
    assert "Deleting" not in said


def test_with_two_replicas_gone_nothing_is_deleted_and_later_all_arrives(
    laptop: Vdirsyncer, desktop: Vdirsyncer, server: ServerProcess
) -> None:
    filled(laptop, desktop)
    server.stop()
    pairs = [(place, server.place / f"away{place.name}") for place in server.replicas[:2]]
    for place, away in pairs:
        place.rename(away)
        place.mkdir()
    server.start(wait=False)
    assert server.answers(503)
    desktop.add("new", card_bytes("new", "Written meanwhile"))

    desktop.sync_that_may_fail()
    laptop.sync_that_may_fail()

    assert len(laptop.things) == CARDS
    assert len(desktop.things) == CARDS + 1
    server.stop()
    for place, away in pairs:
        put_back(away, place)
    server.start()
    desktop.sync()
    laptop.sync()
    assert laptop.has("Written meanwhile")
    assert bodies(laptop) == bodies(desktop)


# --- calendars ------------------------------------------------------------------------------------
SAMPLES = samples(date(2026, 11, 28))


def planned(planner: Vdirsyncer, office: Vdirsyncer) -> list[bytes]:
    """Put series, whole days, tasks and a note on both computers, through the server."""
    for one in SAMPLES:
        planner.add(one.href.removesuffix(".ics"), one.body, one.calendar)
    planner.sync()
    office.sync()
    return sorted(one.body for one in SAMPLES)


def test_events_tasks_and_notes_come_through_byte_for_byte_each_to_its_place(
    planner: Vdirsyncer, office: Vdirsyncer
) -> None:
    sent = planned(planner, office)

    assert bodies(office) == sent
    for one in SAMPLES:
        assert (office.home / one.calendar / one.href).exists()
    said = planner.sync() + office.sync()
    assert "Copying" not in said
    assert "Deleting" not in said


def test_changes_removals_and_additions_of_events_go_both_ways(
    planner: Vdirsyncer, office: Vdirsyncer
) -> None:
    planned(planner, office)
    moved = office.file_with("SUMMARY:Dentist")
    moved.write_bytes(moved.read_bytes().replace(b"SUMMARY:Dentist", b"SUMMARY:Dentist\\, later"))
    office.file_with("SUMMARY:Learn to sail").unlink()
    planner.add("new", event("DTSTART:20261201T090000Z", "SUMMARY:New on the laptop", uid="new"))

    for device in (office, planner, office):
        device.sync()

    assert bodies(planner) == bodies(office)
    assert len(planner.things) == len(SAMPLES)
    assert planner.has("SUMMARY:Dentist\\, later")
    assert office.has("SUMMARY:New on the laptop")
    assert not planner.has("SUMMARY:Learn to sail")

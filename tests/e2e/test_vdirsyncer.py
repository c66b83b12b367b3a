"""Two computers kept in step through the server by the real client vdirsyncer, both ways."""

from __future__ import annotations

from e2e.server import ServerProcess, put_back
from e2e.vdir import Vdirsyncer
from phone.database import card_bytes

CARDS = 30


def rich_card(number: int) -> bytes:
    return (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:person{number}\r\nFN:Zoë Ångström {number}\r\n"
        f"N:Ångström;Zoë {number};;;\r\nTEL;TYPE=CELL:+49 170 {number:07}\r\n"
        "NOTE:line one\\nline two\\, with comma\\; and 😀\r\n"
        "item1.X-ABLABEL:_$!<Anniversary>!$_\r\nX-PHONETIC-LAST-NAME:ongstrom\r\nEND:VCARD\r\n"
    ).encode()


def bodies(device: Vdirsyncer) -> list[bytes]:
    return sorted(device.cards.values())


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
    assert len(laptop.cards) == CARDS
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

    assert len(laptop.cards) == CARDS
    assert len(desktop.cards) == CARDS + 1
    server.stop()
    for place, away in pairs:
        put_back(away, place)
    server.start()
    desktop.sync()
    laptop.sync()
    assert laptop.has("Written meanwhile")
    assert bodies(laptop) == bodies(desktop)

"""GNOME's address book and vdirsyncer on one account, both ways."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.evolution import Evolution, missing
from e2e.server import ServerProcess
from e2e.vdir import Vdirsyncer
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
    assert sorted(laptop.cards) == ["erika", "zoe"]
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

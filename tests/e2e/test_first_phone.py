"""No fault of ours makes the first phone lose a contact or drop an edit (I4, history D1 and D3)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from e2e.server import ServerProcess, put_back
from phone.database import card_bytes
from phone.davx5 import FirstPhone, Outcome

CARDS = 30
PAGE = 4096


@dataclass
class World:
    """A server, the phone that has been in use with it, and what the phone's user has."""

    server: ServerProcess
    password: str
    phone: FirstPhone

    def another_phone(self) -> FirstPhone:
        phone = FirstPhone(self.server.wire("alice", self.password))
        assert phone.refresh() is Outcome.DONE, phone.reason
        assert phone.sync() is Outcome.DONE, phone.reason
        return phone


@pytest.fixture
def world(server: ServerProcess) -> World:
    password = server.passwords["phone"]
    phone = FirstPhone(server.wire("alice", password))
    assert phone.refresh() is Outcome.DONE, phone.reason
    for number in range(CARDS):
        phone.save(card_bytes(f"uid{number}", f"Contact {number}"))
    assert phone.sync() is Outcome.DONE, phone.reason
    assert len(phone.contacts) == CARDS
    return World(server, password, phone)


# --- faults: each gives what mends it -------------------------------------------------------------
Mend: TypeAlias = Callable[[], None]


def killed(server: ServerProcess) -> Mend:
    server.kill()
    return server.start


def replica_moved_away(server: ServerProcess) -> Mend:
    away = server.place / "away"
    server.replicas[0].rename(away)
    return lambda: put_back(away, server.replicas[0])


def replica_emptied(server: ServerProcess) -> Mend:
    for entry in server.replicas[1].iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    return lambda: server.rebuild("r2")


def catalog_rotted(server: ServerProcess) -> Mend:
    (catalog,) = server.replicas[2].glob("catalog-*/catalog.db")
    rot(catalog)
    return lambda: None


def rot(path: Path) -> None:
    """Turn bits over in every page but the first."""
    fd = os.open(path, os.O_RDWR)
    try:
        for offset in range(PAGE, os.fstat(fd).st_size, PAGE):
            old = os.pread(fd, 64, offset + 100)
            os.pwrite(fd, bytes(byte ^ 0x55 for byte in old), offset + 100)
    finally:
        os.close(fd)


def two_replicas_gone(server: ServerProcess) -> Mend:
    pairs = [(place, server.place / f"away{place.name}") for place in server.replicas[:2]]
    for place, away in pairs:
        place.rename(away)
    return lambda: [put_back(away, place) for place, away in pairs] and None


def two_replicas_gone_at_the_start(server: ServerProcess) -> Mend:
    server.stop()
    mend = two_replicas_gone(server)
    server.start(wait=False)
    return lambda: _mend_and_restart(server, mend)


def all_replicas_empty_at_the_start(server: ServerProcess) -> Mend:
    server.stop()
    pairs = [(place, server.place / f"away{place.name}") for place in server.replicas]
    for place, away in pairs:
        place.rename(away)
        place.mkdir()
    server.start(wait=False)
    return lambda: _mend_and_restart(
        server, lambda: [put_back(away, place) for place, away in pairs] and None
    )


def _mend_and_restart(server: ServerProcess, mend: Mend) -> None:
    server.stop()
    mend()
    server.start()


def witness_gone(server: ServerProcess) -> Mend:
    shutil.rmtree(server.data / "witness")
    server.kill()
    server.start()
    return lambda: None


def witness_gone_meanwhile(server: ServerProcess) -> Mend:
    shutil.rmtree(server.data / "witness")
    return lambda: None


FAULTS = [
    killed,
    replica_moved_away,
    replica_emptied,
    catalog_rotted,
    two_replicas_gone,
    two_replicas_gone_at_the_start,
    all_replicas_empty_at_the_start,
    witness_gone,
    witness_gone_meanwhile,
]
SERVES_ON = {replica_moved_away, replica_emptied, catalog_rotted, witness_gone}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_phone_keeps_everything_under(
    world: World, fault: Callable[[ServerProcess], Mend]
) -> None:
    phone = world.phone
    phone.save(card_bytes("uid3", "Edited before"))
    phone.save(card_bytes("new1", "New before"))
    mine = dict(phone.contacts)
    mend = fault(world.server)

    outcomes = [phone.sync(), phone.refresh(), phone.resync(), phone.refresh()]

    assert phone.contacts == mine
    assert phone.dropped_edits == []
    assert set(outcomes) <= {Outcome.DONE, Outcome.LATER}, phone.reason
    if fault in SERVES_ON:
        assert outcomes == [Outcome.DONE] * 4, phone.reason
    mend()
    assert_all_arrives(world)


def assert_all_arrives(world: World) -> None:
    """After the fault the phone's edits reach the server, and another phone gets all of them."""
    phone, server = world.phone, world.server
    phone.save(card_bytes("new2", "New after"))
    mine = dict(phone.contacts)
    server.wait_until(200)

    assert phone.refresh() is Outcome.DONE, phone.reason
    assert phone.sync() is Outcome.DONE, phone.reason
    assert phone.resync() is Outcome.DONE, phone.reason

    assert phone.contacts == mine
    assert phone.unsent == set()
    assert phone.dropped_edits == []
    assert world.another_phone().contacts == mine


def test_a_server_rolled_back_as_a_whole_says_later_and_the_phone_keeps_all(world: World) -> None:
    """Replicas and witness come back from an old snapshot; the phone's token tells (I5)."""
    phone, server = world.phone, world.server
    server.stop()
    snapshot = server.place / "snapshot"
    places = [server.data, *server.replicas]
    for place in places:
        shutil.copytree(place, snapshot / place.name, ignore=shutil.ignore_patterns("*.sock"))
    server.start()
    phone.save(card_bytes("late", "Acknowledged, then forgotten"))
    assert phone.sync() is Outcome.DONE, phone.reason
    server.stop()
    for place in places:
        shutil.rmtree(place)
        shutil.copytree(snapshot / place.name, place)
    server.start()
    phone.save(card_bytes("new", "New"))
    phone.save(card_bytes("uid1", "Edited"))
    mine = dict(phone.contacts)

    outcomes = [phone.refresh(), phone.sync(), phone.refresh(), phone.resync(), phone.sync()]

    assert phone.contacts == mine
    assert "late" in phone.contacts
    assert phone.dropped_edits == []
    assert outcomes[1] is Outcome.LATER, phone.reason
    assert set(outcomes[2:]) == {Outcome.LATER}, phone.reason


def test_a_deletion_on_one_phone_reaches_the_other_and_only_that(world: World) -> None:
    other = world.another_phone()
    world.phone.delete("uid7")
    assert world.phone.sync() is Outcome.DONE

    assert other.sync() is Outcome.DONE

    assert set(world.phone.contacts) == set(other.contacts)
    assert set(other.contacts) == {f"uid{number}" for number in range(CARDS)} - {"uid7"}


def test_a_token_that_nobody_issued_costs_one_full_sync_and_no_contact(world: World) -> None:
    (book,) = world.phone.books.values()
    mine = dict(world.phone.contacts)
    book.token = "urn:strongroom:sync:of-another-server"

    assert world.phone.sync() is Outcome.DONE, world.phone.reason

    assert world.phone.contacts == mine
    assert book.token != "urn:strongroom:sync:of-another-server"

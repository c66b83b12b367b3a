"""No fault of ours makes a phone of any family lose a contact or drop an edit (I4, D1 and D3).

Each fault happens once, to a server that is shared by one phone of each family, each with an
account of its own. Under every family's name stands what it would do to a server that lies
(tests/phone/test_families.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import pytest

from e2e.server import ServerProcess, put_back
from phone.database import card_bytes
from phone.davx5 import Davx5
from phone.families import FAMILIES
from phone.family import Outcome, Phone
from phone.thunderbird import Thunderbird

CARDS = 30
PAGE = 4096
DONE, LATER = Outcome.DONE, Outcome.LATER
BASE = {f"uid{number}" for number in range(CARDS)}


@dataclass
class World:
    """A server and the phones that have been in use with it, by their login."""

    server: ServerProcess
    phones: dict[str, Phone]

    def another(self, login: str, family: type[Phone] = Davx5) -> Phone:
        """Give a phone that was never connected."""
        return family(self.server.wire(login, self.server.passwords[login], family.AGENT))


def login_of(family: type[Phone]) -> str:
    return family.__name__.lower()


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A cell that nobody serves, with a filled phone of each family."""
    server = ServerProcess(tmp_path_factory.mktemp("used"))
    server.init()
    server.start()
    world = World(server, {})
    try:
        for family in FAMILIES:
            login = login_of(family)
            server.add_account(login)
            server.passwords[login] = server.add_device(login, "phone")
            phone = world.phones[login] = world.another(login, family)
            assert phone.refresh() is DONE, phone.reason
            for uid in sorted(BASE):
                phone.save(card_bytes(uid, "Ann"))
            assert phone.sync() is DONE, phone.reason
            assert set(phone.contacts) == BASE
    finally:
        server.end()
    return world


@pytest.fixture
def world(used: World, tmp_path: Path) -> Iterator[World]:
    server = used.server.copy_to(tmp_path / "site")
    world = World(server, {})
    for login, phone in used.phones.items():
        wire = server.wire(login, server.passwords[login], phone.AGENT)
        world.phones[login] = phone.twin(wire)
    try:
        server.start()
        yield world
    finally:
        server.end()


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
    server.wait_until(503)
    return lambda: _mend_and_restart(server, mend)


def all_replicas_empty_at_the_start(server: ServerProcess) -> Mend:
    server.stop()
    pairs = [(place, server.place / f"away{place.name}") for place in server.replicas]
    for place, away in pairs:
        place.rename(away)
        place.mkdir()
    server.start(wait=False)
    server.wait_until(503)
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
def test_phones_of_all_families_keep_everything_under(
    world: World, fault: Callable[[ServerProcess], Mend]
) -> None:
    for phone in world.phones.values():
        phone.save(card_bytes("uid3", "Edited before"))
        phone.save(card_bytes("new1", "New before"))
    mend = fault(world.server)

    with ThreadPoolExecutor(2 * len(world.phones)) as pool:  # some answers take seconds
        jobs = [pool.submit(live_on, p, fault in SERVES_ON) for p in world.phones.values()]
        for login, phone in world.phones.items():
            fresh = world.another(login, type(phone))
            jobs.append(pool.submit(set_up_afresh, fresh, fault in SERVES_ON))
        for job in jobs:
            job.result()
    mend()
    world.server.wait_until(200)

    for login, phone in world.phones.items():
        assert_all_arrives(phone, world.another(login))


def live_on(phone: Phone, serves_on: bool, *, forces: bool = True) -> None:
    """Use a phone while the fault lasts: nothing is lost, nothing is given up.

    With `forces`, its user also loses patience and lets it list everything anew.
    """
    phone.save(card_bytes("uid4", "Edited meanwhile"))
    phone.save(card_bytes("new2", "New meanwhile"))
    phone.delete_online("uid9")
    mine = dict(phone.contacts)

    again = phone.resync if forces else phone.sync
    outcomes = [phone.sync(), phone.refresh(), again(), phone.refresh()]

    assert phone.contacts == mine, phone.reason
    assert phone.dropped_edits == [], phone.reason
    assert set(outcomes) <= {DONE, LATER}, phone.reason
    if serves_on:
        assert outcomes == [DONE] * 4, phone.reason


def set_up_afresh(fresh: Phone, serves_on: bool) -> None:
    """Connect a new phone while the fault lasts: it sees all or nothing, never an empty book."""
    outcomes = [fresh.refresh(), fresh.sync()]

    assert set(outcomes) <= {DONE, LATER}, fresh.reason
    assert not serves_on or outcomes == [DONE, DONE], fresh.reason
    if outcomes[0] is LATER:
        assert fresh.books == {}
    elif outcomes[1] is DONE:
        assert set(fresh.contacts) >= BASE - {"uid9"}


def assert_all_arrives(phone: Phone, another: Phone) -> None:
    """After the fault the phone's edits reach the server, and another phone gets all of them."""
    phone.save(card_bytes("new3", "New after"))
    mine = dict(phone.contacts)

    outcomes = [phone.refresh(), phone.sync(), phone.resync(), another.refresh(), another.sync()]

    assert outcomes == [DONE] * 5, (phone.reason, another.reason)
    assert phone.contacts == mine
    assert phone.unsent == set()
    assert phone.dropped_edits == []
    assert another.contacts == mine
    assert set(mine) == BASE - {"uid9"} | {"new1", "new2", "new3"}


def test_a_server_rolled_back_as_a_whole_says_later_and_all_phones_keep_all(world: World) -> None:
    """Replicas and witness come back from an old snapshot; the phones' tokens tell (I5).

    Rule 7 of D3 is kept as well: a frozen account says 503, also to one who connects anew.
    """
    server = world.server
    server.stop()
    snapshot = server.place / "snapshot"
    places = [server.data, *server.replicas]
    for place in places:
        shutil.copytree(place, snapshot / place.name, ignore=shutil.ignore_patterns("*.sock"))
    server.start()
    phones = [phone for phone in world.phones.values() if keeps_tokens(phone)]
    for phone in phones:
        phone.save(card_bytes("late", "Acknowledged, then forgotten"))
        assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
    server.stop()
    for place in places:
        shutil.rmtree(place)
        shutil.copytree(snapshot / place.name, place)
    server.start()

    for phone in phones:
        assert phone.sync() is LATER, phone.reason
        live_on(phone, False, forces=False)
        assert "late" in phone.contacts
    for phone in phones:
        fresh = world.another(login_of(type(phone)), type(phone))
        assert [fresh.refresh(), fresh.sync()] == [LATER, DONE]
        assert fresh.books == {}
    for phone in phones:
        login = login_of(type(phone))
        server.run("account", "thaw", login, "--yes")
        assert [phone.sync(), phone.sync()] == [DONE, DONE], phone.reason
        assert phone.dropped_edits == []
        assert "late" in phone.contacts
        assert set(world_of(world.another(login))) >= BASE - {"uid9"} | {"new2"}


def keeps_tokens(phone: Phone) -> bool:
    """Say whether it would tell us that we forgot; vdirsyncer compares listings only."""
    return any(book.token for book in phone.books.values())


def world_of(phone: Phone) -> dict[str, bytes]:
    assert [phone.refresh(), phone.sync()] == [DONE, DONE], phone.reason
    return phone.contacts


def test_a_deletion_on_one_phone_reaches_the_other_and_only_that(world: World) -> None:
    phone = world.phones["davx5"]
    other = world.another("davx5")
    assert set(world_of(other)) == BASE
    phone.delete("uid7")
    assert phone.sync() is DONE

    assert other.sync() is DONE

    assert set(phone.contacts) == set(other.contacts) == BASE - {"uid7"}


@pytest.mark.parametrize("token", ["urn:strongroom:sync:of-another-server", "5", "\x7f:/"])
def test_a_token_that_nobody_issued_costs_one_full_sync_and_no_contact(
    world: World, token: str
) -> None:
    for phone in filter(keeps_tokens, world.phones.values()):
        (book,) = phone.books.values()
        book.token = token

        assert phone.sync() is DONE, phone.reason

        assert set(phone.contacts) == BASE
        assert book.token not in {"", token}


def test_thunderbird_sends_again_what_met_no_answer(world: World) -> None:
    """An edit made while nobody listens waits on the desktop."""
    phone = world.phones["thunderbird"]
    assert isinstance(phone, Thunderbird)
    world.server.kill()
    phone.save_online(card_bytes("uid1", "Edited"))
    world.server.start()

    assert phone.sync() is DONE, phone.reason

    assert phone.unsent == set()
    assert world_of(world.another("thunderbird"))["uid1"] == card_bytes("uid1", "Edited")

"""The whole machine set back to an older state: a phone knows more than we do (I5, D3 rules 4, 6).

Nothing on the server can notice that by itself, for the witness was set back as well. The phone's
sync token is the evidence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from e2e.server import ServerProcess
from phone.database import card_bytes
from phone.davx5 import Davx5
from phone.family import Outcome


def set_back(server: ServerProcess, places: Sequence[Path]) -> None:
    """Put directories of the cell back to what was saved beside them."""
    for place in places:
        shutil.rmtree(place)
        shutil.copytree(server.place / "saved" / place.name, place)


def save(server: ServerProcess) -> None:
    for place in (server.data, *server.replicas):
        target = server.place / "saved" / place.name
        shutil.copytree(place, target, ignore=shutil.ignore_patterns("*.sock"))


def freeze_by_forgetting(server: ServerProcess) -> None:
    """Set the machine back to before a phone's last edit, and let the phone bring the evidence."""
    phone = Davx5(server.wire("alice", server.add_device("alice", "handset")))
    assert phone.refresh() is Outcome.DONE
    server.stop()
    save(server)
    server.start()
    phone.save(card_bytes("lost", "Lost Friend"))
    assert phone.sync() is Outcome.DONE
    server.stop()
    set_back(server, (server.data, *server.replicas))
    server.start()
    assert phone.sync() is not Outcome.DONE


def test_a_server_set_back_freezes_instead_of_emptying_the_phone(server: ServerProcess) -> None:
    phone = Davx5(server.wire("alice", server.add_device("alice", "handset")))
    assert phone.refresh() is Outcome.DONE
    phone.save(card_bytes("old", "Old Friend"))
    assert phone.sync() is Outcome.DONE
    server.stop()
    save(server)
    server.start()
    phone.save(card_bytes("new", "New Friend"))
    assert phone.sync() is Outcome.DONE
    server.stop()
    set_back(server, (server.data, *server.replicas))
    server.start()

    assert phone.sync() is not Outcome.DONE  # frozen: 503, and the phone keeps what it has
    assert len(phone.contacts) == 2

    shown = json.loads(server.run("account", "thaw", "alice", "--json", check=False) or "{}")
    thawed = server.run("account", "thaw", "alice", "--yes")
    assert "handset" in f"{shown}{thawed}"  # the evidence names the device that brought it
    assert phone.sync() is Outcome.DONE, phone.reason
    assert len(phone.contacts) == 2  # told as additions; nothing is taken from the phone
    assert phone.sync() is Outcome.DONE  # the same evidence cannot freeze twice


def test_disks_set_back_are_noticed_by_the_witness_and_only_that_book_is_frozen(
    server: ServerProcess,
) -> None:
    phone = Davx5(server.wire("alice", server.add_device("alice", "handset")))
    assert phone.refresh() is Outcome.DONE
    server.add_account("bob")
    bob = Davx5(server.wire("bob", server.add_device("bob", "phone")))
    assert bob.refresh() is Outcome.DONE
    server.stop()
    save(server)
    server.start()
    phone.save(card_bytes("new", "New Friend"))
    assert phone.sync() is Outcome.DONE
    server.stop()
    set_back(server, server.replicas)
    server.start()

    assert bob.sync() is Outcome.DONE  # nothing of his was forgotten
    assert phone.sync() is not Outcome.DONE
    assert "witness" in server.run("account", "thaw", "alice", "--yes")
    assert phone.sync() is Outcome.DONE, phone.reason
    assert len(phone.contacts) == 1
    server.stop()
    server.start()
    assert phone.sync() is Outcome.DONE, phone.reason  # the witness was told, too
    phone.save(card_bytes("newer", "Newer Friend"))
    assert phone.sync() is Outcome.DONE, phone.reason
    assert len(phone.contacts) == 2

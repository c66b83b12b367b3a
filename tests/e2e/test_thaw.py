"""The whole machine set back to an older state: a phone knows more than we do (I5, D3 rules 4, 6).

Nothing on the server can notice that by itself, for the witness was set back as well. The phone's
sync token is the evidence.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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

    refused = json.loads(server.run("account", "thaw", "alice", "--json", check=False))
    assert refused["error"]["code"] == "usage"  # nobody agreed, so nothing was changed
    told = json.loads(server.run("account", "thaw", "alice", "--yes", "--json"))
    (accepted,) = told["accepted"]  # the evidence names the device that brought it
    assert (accepted["device"], accepted["evidence"].split(":")[0]) == ("handset", "token")
    assert "handset" in {device["name"] for device in told["custody"]["devices"]}
    assert "handset" in server.run("account", "show", "alice")
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


def custody(server: ServerProcess) -> dict[str, Any]:
    """Give what is told of each device, by name."""
    told = json.loads(server.run("custody", "alice", "--json"))
    assert told["visits"] is True
    return {device["name"]: device for device in told["devices"]}


def frozen_and_explained(server: ServerProcess) -> None:
    """What a person sees of a freeze that the laptop's token is the evidence for."""
    status = json.loads(server.run("status", "--json"))["frozen"]
    assert (status["accounts"], status["rows"][0]["device"]) == (1, "laptop")
    shown = server.run("account", "show", "alice")
    assert "brought by the device laptop" in shown
    assert "Keep the account on laptop" in shown
    assert server.run("device", "add", "alice", "third", check=False) == ""
    assert custody(server)["laptop"]["books"][0]["of"] == 2  # readable while it is frozen


def test_who_holds_what_is_told_across_restarts_a_freeze_and_the_later_disks(
    server: ServerProcess,
) -> None:
    """An old phone in a drawer, a phone that knows more, and the disks from before coming back."""
    old = Davx5(server.wire("alice", server.passwords["phone"]))
    handset = Davx5(server.wire("alice", server.passwords["laptop"]))
    assert old.refresh() is Outcome.DONE
    for uid in ("ann", "bob"):
        old.save(card_bytes(uid, uid))
    assert [old.sync(), old.sync()] == [Outcome.DONE] * 2  # and it is laid into a drawer
    assert handset.refresh() is Outcome.DONE
    assert [handset.sync(), handset.sync()] == [Outcome.DONE] * 2
    server.stop()
    save(server)
    server.start()
    handset.save(card_bytes("new", "New Friend"))
    assert [handset.sync(), handset.sync()] == [Outcome.DONE] * 2
    server.stop()

    told = custody(server)  # without a server, from the file
    assert told["phone"]["client"].startswith("DAVx5/")
    assert [(b["holds"], b["of"], b["behind"]) for b in told["phone"]["books"]] == [(2, 3, 1)]
    assert [(b["holds"], b["of"], b["behind"]) for b in told["laptop"]["books"]] == [(3, 3, 0)]
    assert (told["phone"]["alone"], told["laptop"]["alone"]) == (0, 1)

    later = server.place / "later"
    later.mkdir()
    for place in (server.data, *server.replicas):
        place.rename(later / place.name)
        shutil.copytree(server.place / "saved" / place.name, place)
    server.start()
    assert handset.sync() is Outcome.LATER
    assert len(handset.contacts) == 3
    frozen_and_explained(server)
    handset.save(card_bytes("meanwhile", "Met meanwhile"))
    assert handset.sync() is Outcome.LATER
    server.stop()
    assert "Frozen: 1 account" in server.run("status")  # also while no server runs

    for place in (server.data, *server.replicas):
        shutil.rmtree(place)
        (later / place.name).rename(place)
    server.start()
    assert [handset.sync(), old.sync()] == [Outcome.DONE] * 2, (handset.reason, old.reason)
    assert set(handset.contacts) == set(old.contacts) == {"ann", "bob", "new", "meanwhile"}
    assert json.loads(server.run("status", "--json"))["frozen"]["accounts"] == 0

"""History and undo as a person uses them: real commands, a real server, and phones that sync."""

from __future__ import annotations

import json
from typing import Any

from e2e.server import ServerProcess
from phone.database import card_bytes
from phone.davx5 import Davx5
from phone.family import Outcome, Phone
from phone.thunderbird import Thunderbird
from strongroom.formats.moments import write_moment


def told(server: ServerProcess, *words: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(server.run(*words, "--json"))
    return result


def phone_of(server: ServerProcess, family: type[Phone], name: str) -> Any:
    phone = family(server.wire("alice", server.add_device("alice", name), family.AGENT))
    assert phone.refresh() is Outcome.DONE
    assert phone.sync() is Outcome.DONE
    return phone


def test_an_owner_sees_what_happened_and_takes_it_back(server: ServerProcess) -> None:
    phone = phone_of(server, Davx5, "handset")
    for number in range(50):
        phone.save(card_bytes(f"uid{number:02}", f"Friend {number}"))
    assert phone.sync() is Outcome.DONE
    friends = dict(phone.contacts)
    last = told(server, "history", "alice", "--limit", "1")["events"][0]["at"]
    then = write_moment(last + 1)

    for number in range(50):
        phone.delete(f"uid{number:02}")
    assert phone.sync() is Outcome.DONE
    phone.save(card_bytes("later", "Later Friend"))
    assert phone.sync() is Outcome.DONE
    deleted = server.run("history", "alice", "--device", "handset", "--since", then)
    assert deleted.count("  deleted  ") == 50
    assert "Friend 7 (uid07.vcf)  by handset, DAVx5/4.5-ose" in deleted

    wish = ("undo", "alice", "--device", "handset", "--since", then)
    plan = told(server, *wish, "--dry-run")
    assert plan["counts"] == {"create": 50, "change": 0, "move": 0, "remove": 1, "cannot": 0}
    (friend,) = [change for change in plan["changes"] if change["href"] == "uid07.vcf"]
    field = {"field": "Full name", "old": "", "new": "Friend 7"}
    assert (friend["kind"], friend["name"]) == ("create", "Friend 7")
    assert field in friend["fields"]
    asked = server.run(*wish, check=False)  # nobody can be asked here
    assert "50 to create" in asked
    assert phone.sync() is Outcome.DONE
    assert set(phone.contacts) == {"later"}

    done = told(server, *wish, "--yes")
    assert (done["done"], done["left"]) == (51, [])
    phone.save(card_bytes("new", "New Friend"))  # an edit of the phone that was not sent yet
    assert phone.sync() is Outcome.DONE
    assert phone.dropped_edits == []
    assert phone.contacts == {**friends, "new": card_bytes("new", "New Friend")}


def test_a_removed_book_comes_back_without_a_server(server: ServerProcess) -> None:
    wire = server.wire("alice", server.passwords["phone"])
    book = "/dav/addressbooks/alice/contacts/"
    for name in "ab":
        body = card_bytes(name, f"Friend {name}")
        assert wire.ask("PUT", f"{book}{name}.vcf", body, content_type="text/vcard").status == 201
    assert wire.ask("DELETE", book).status == 204
    assert wire.ask("GET", f"{book}a.vcf").status == 404
    server.stop()

    event = told(server, "history", "alice", "--collection", "contacts")["events"][0]
    assert (event["what"], event["unconditional"]) == ("collection removed", True)
    entry = f"{event['book']}:{event['number']}"
    shown = server.run("undo", "alice", "--entry", entry, "--yes")
    assert "the collection contacts comes back, with 2 things in it" in shown
    server.start()
    answer = server.wire("alice", server.passwords["phone"]).ask("GET", f"{book}a.vcf")
    assert (answer.status, answer.body) == (200, card_bytes("a", "Friend a"))


def test_what_thunderbird_overwrites_unseen_is_flagged_and_comes_back(
    server: ServerProcess,
) -> None:
    phone = phone_of(server, Davx5, "handset")
    phone.save(card_bytes("ann", "Ann of the phone"))
    assert phone.sync() is Outcome.DONE
    computer = phone_of(server, Thunderbird, "computer")
    phone.save(card_bytes("ann", "Ann of today"))
    assert phone.sync() is Outcome.DONE
    computer.save_online(card_bytes("ann", "Ann of the computer"))

    (flagged,) = [
        event for event in told(server, "history", "alice")["events"] if event["unconditional"]
    ]
    assert (flagged["device"], flagged["client"]) == ("computer", "Thunderbird/140.3.0")
    entry = f"{flagged['book']}:{flagged['number']}"
    server.run("undo", "alice", "--entry", entry, "--yes")
    assert phone.sync() is Outcome.DONE
    assert phone.contacts == {"ann": card_bytes("ann", "Ann of today")}

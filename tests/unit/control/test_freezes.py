"""What is frozen, why, who brought the evidence, who holds what, and what to do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.site import card
from strongroom.base.errors import NotFoundError
from strongroom.base.limits import FREEZE_SECONDS_MAX, FREEZES_TOLD_MAX
from strongroom.control.freezes import frozen_accounts
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Origin
from strongroom.history.entries import Member
from strongroom.ports.positions import CameBack
from strongroom.service.objects import put_object
from unit.control.test_commands import Desk, add_phone


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.do("account add", login="anna", name="", email="")
    add_phone(made)
    return made


def account(desk: Desk, login: str = "anna") -> Member:
    found = desk.cell.directory.account(login)
    assert found is not None
    return found


def phone(desk: Desk) -> Member:
    (found,) = desk.cell.directory.members(account(desk).id, "device")
    return found


def fill(desk: Desk) -> None:
    """Let anna's phone write a card, and come back with what it then has."""
    book = desk.cell.directory.collection(account(desk).id, "contacts")
    assert book is not None
    origin = Origin(phone(desk).id)
    asyncio.run(put_object(desk.cell, book, "x.vcf", card("x"), Precondition(), origin))
    head = desk.cell.head(book.id)
    desk.positions.seen(account(desk).id, phone(desk).id, b"DAVx5/4.5")
    place = CameBack(head.number, head.chain[:8])
    desk.positions.came_back(account(desk).id, phone(desk).id, book.id, place)


def freeze(desk: Desk, login: str = "anna", scope: str = "account") -> None:
    by = Origin(phone(desk).id) if login == "anna" else Origin()
    home = account(desk, login).id
    asyncio.run(desk.cell.freeze(home, scope, "It knows more.", "token:5:9:c0", by))


def test_custody_is_told_of_each_device_also_while_the_account_is_frozen(desk: Desk) -> None:
    fill(desk)
    freeze(desk)

    shown = desk.do("custody", login="Anna")

    (device,) = shown["devices"]
    assert shown["visits"] is True
    assert (device["name"], device["client"], device["alone"]) == ("phone", "DAVx5/4.5", 1)
    assert device["books"] == [
        {"book": "contacts", "stands": True, "came_back": 1, "beyond": False, "behind": 0,
         "holds": 1, "of": 1},
    ]  # fmt: skip
    assert [one["href"] for one in device["only_here"]] == ["x.vcf"]
    with pytest.raises(NotFoundError):
        desk.do("custody", login="nobody")


def test_custody_without_the_file_of_visits_says_so(desk: Desk) -> None:
    fill(desk)
    desk.positions.lost = True

    shown = desk.do("custody", login="anna")

    assert shown["visits"] is False
    assert shown["devices"][0]["books"][0]["holds"] == 1  # it wrote that


def test_a_thaw_shows_evidence_device_steps_and_custody_and_journals_what_was_accepted(
    desk: Desk,
) -> None:
    fill(desk)
    freeze(desk)

    shown = desk.do("account freezes", login="anna")

    (row,) = shown["freezes"]
    assert (row["device"], row["by"], row["evidence"]) == ("phone", phone(desk).id, "token:5:9:c0")
    assert "Keep the account on phone" in row["advice"]
    assert row["overdue"] is False
    assert shown["custody"]["devices"][0]["books"][0]["holds"] == 1
    thawed = desk.do("account thaw", login="anna", evidence=["token:5:9:c0"])
    assert [one["device"] for one in thawed["thawed"]] == ["phone"]
    (accepted,) = thawed["accepted"]
    assert (accepted["evidence"], accepted["device"]) == ("token:5:9:c0", "phone")
    told = desk.do("account show", login="anna")
    assert (told["freezes"], told["accepted"]) == ([], thawed["accepted"])


def test_evidence_is_shown_though_custody_cannot_be_proven_now(desk: Desk) -> None:
    freeze(desk)
    desk.cell.unsure.add(account(desk).id)

    shown = desk.do("account freezes", login="anna")

    assert (len(shown["freezes"]), shown["custody"]) == (1, None)


def test_a_list_of_accounts_says_since_when_each_is_frozen(desk: Desk) -> None:
    at = desk.cell.now_ms
    freeze(desk)
    freeze(desk, scope="77")
    desk.do("account add", login="bert", name="", email="")

    rows = desk.do("account list")["accounts"]

    assert [(r["login"], r["frozen"], r["frozen_since"]) for r in rows] == [
        ("anna", True, at), ("bert", False, 0),
    ]  # fmt: skip
    assert [row["device"] for row in desk.do("account show", login="anna")["freezes"]] == [
        "phone", "phone",
    ]  # fmt: skip


def frozen(desk: Desk, now_ms: int = 0) -> dict[str, Any]:
    return frozen_accounts(desk.cell.directory, now_ms)


def test_the_status_counts_frozen_accounts_and_tells_the_longest_frozen(desk: Desk) -> None:
    assert frozen(desk) == {"accounts": 0, "overdue": 0, "rows": []}
    at = desk.cell.now_ms
    freeze(desk)
    freeze(desk, scope="77")
    for number in range(FREEZES_TOLD_MAX - 2):
        desk.do("account add", login=f"p{number}", name="", email="")
        freeze(desk, f"p{number}")

    found = frozen(desk)
    assert found["accounts"] == FREEZES_TOLD_MAX - 1
    assert len(found["rows"]) == FREEZES_TOLD_MAX
    assert (found["rows"][0]["login"], found["rows"][0]["since"]) == ("anna", at)

    desk.do("account add", login="last", name="", email="")
    freeze(desk, "last")
    found = frozen(desk)
    assert (found["accounts"], len(found["rows"])) == (FREEZES_TOLD_MAX, FREEZES_TOLD_MAX)
    assert "last" not in {row["login"] for row in found["rows"]}


def test_a_freeze_is_bounded_by_an_alarm_and_never_ends_by_itself(desk: Desk) -> None:
    at = desk.cell.now_ms
    freeze(desk)
    day = int(FREEZE_SECONDS_MAX * 1000)

    assert frozen(desk, at + day)["overdue"] == 0
    found = frozen(desk, at + day + 1)
    assert (found["overdue"], found["rows"][0]["overdue"]) == (1, True)
    assert frozen(desk, at + 400 * day)["accounts"] == 1

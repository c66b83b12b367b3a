"""The commands themselves, over a cell in memory."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.cell import FakeCell
from fakes.mirror import FakeClock
from fakes.positions import FakePositions
from fakes.world import FakeEntropy
from strongroom.base.errors import (
    ConflictError,
    InvalidError,
    NotFoundError,
    RefusedPlanError,
    StrongroomError,
)
from strongroom.base.settings import Settings
from strongroom.compose import Parts
from strongroom.control.copies import percent
from strongroom.control.protocol import Request
from strongroom.control.room import Room
from strongroom.control.table import COMMANDS, Needs, find, run
from strongroom.history.edits import Origin
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.site import FrozenCellError
from strongroom.service.accounts import sign_in
from strongroom.service.collections import calendar_data, display_name, make_collection

SETTINGS = Settings("127.0.0.1", 0, Path("data"), (Path("r1"), Path("r2"), Path("r3")), 2)


class Desk:
    """Runs commands one after another against one fake cell."""

    def __init__(self) -> None:
        self.cell = FakeCell()
        self.positions, self.clock = FakePositions(), FakeClock()
        world = {"entropy": FakeEntropy(), "clock": self.clock, "positions": self.positions}
        parts = cast(Parts, SimpleNamespace(settings=SETTINGS, **world))
        self.room = Room(parts, cast(MirrorCell, self.cell))

    def do(self, command: str, **arguments: Any) -> dict[str, Any]:
        return asyncio.run(run(self.room, Request(command, arguments), lambda text: None))


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.do("account add", login="anna", name="Anna Berg", email="anna@example.org")
    return made


def test_an_account_gets_a_book_and_its_name(desk: Desk):
    account = desk.cell.directory.account("anna")
    assert account is not None
    assert "Anna Berg" in account.properties["{DAV:}displayname"]
    assert desk.cell.directory.collection(account.id, "contacts") is not None
    assert [row["login"] for row in desk.do("account list")["accounts"]] == ["anna"]


def test_an_account_its_book_and_its_name_are_made_in_one_batch(desk: Desk):
    """However the login is typed: what stands afterwards is all of it or nothing."""
    batch = desk.cell.batch
    desk.do("account add", login="BERT", name="Bert <b>", email="")
    assert desk.cell.batch == batch + 1
    assert desk.do("account show", login="bert")["name"] == "Bert <b>"


@pytest.mark.parametrize("name", ["x" * 501, "a\nb"])
def test_a_name_that_is_none_makes_no_account(desk: Desk, name: str):
    with pytest.raises(InvalidError):
        desk.do("account add", login="bert", name=name, email="")
    assert desk.cell.directory.account("bert") is None


def test_an_account_is_not_made_twice(desk: Desk):
    with pytest.raises(ConflictError):
        desk.do("account add", login="anna", name="", email="")


def test_a_name_that_xml_cannot_carry_makes_no_account(desk: Desk):
    with pytest.raises(InvalidError):
        desk.do("account add", login="bert", name="a\x00b", email="")
    assert desk.cell.directory.account("bert") is None


def add_phone(desk: Desk, *services: str, read_only: bool = False) -> dict[str, Any]:
    return desk.do(
        "device add", login="anna", name="phone", services=list(services), read_only=read_only
    )


def test_a_device_signs_in_until_it_is_revoked(desk: Desk):
    password = add_phone(desk)["password"]
    assert sign_in(desk.cell.directory, "anna", password) is not None
    listed = desk.do("device list", login="anna")
    assert [row["name"] for row in listed["devices"]] == ["phone"]
    assert password not in str(listed)
    desk.do("device revoke", login="anna", name="phone")
    assert sign_in(desk.cell.directory, "anna", password) is None


def test_a_scope_is_shown_and_a_service_that_is_not_known_makes_no_device(desk: Desk):
    with pytest.raises(InvalidError, match="telepathy"):
        add_phone(desk, "contacts", "telepathy")
    add_phone(desk, "contacts", read_only=True)
    (row,) = desk.do("device list", login="anna")["devices"]
    assert (row["services"], row["read_only"]) == (["contacts"], True)


def test_all_of_an_account_is_shown_but_no_secret(desk: Desk):
    password = add_phone(desk)["password"]
    desk.do("account suspend", login="anna", reason="unpaid")
    shown = desk.do("account show", login="Anna")
    account = desk.cell.directory.account("anna")
    assert account is not None
    assert (shown["login"], shown["name"], shown["email"], shown["suspended"]) == (
        "anna", "Anna Berg", "anna@example.org", "unpaid",
    )  # fmt: skip
    book = {"collection": "contacts", "kind": "addressbook", "name": "Contacts", "objects": 0}
    assert shown["collections"] == [book]
    data = calendar_data(("VEVENT",))
    asyncio.run(
        make_collection(desk.cell, account.id, "calendars/a", display_name("A"), Origin(), data)
    )
    calendar = {"collection": "calendars/a", "kind": "calendar", "name": "A", "objects": 0}
    assert desk.do("account show", login="anna")["collections"] == [book, calendar]
    assert [row["name"] for row in shown["devices"]] == ["phone"]
    secret = desk.cell.directory.members(account.id, "device")[0].facts["secret"]
    for hidden in (password, secret, account.facts["key"]):
        assert hidden not in str(shown)
    assert [row["suspended"] for row in desk.do("account list")["accounts"]] == ["unpaid"]
    desk.do("account resume", login="anna")
    assert desk.do("account show", login="anna")["suspended"] == ""


def test_a_quota_is_set_shown_and_taken_away(desk: Desk):
    assert desk.do("account set-quota", login="Anna", amount="2K") == {
        "login": "anna",
        "quota": 2048,
    }
    shown = desk.do("account show", login="anna")
    assert shown["bytes"] == {"live": 0, "history": 0, "quota": 2048}
    desk.cell.unsure.add(next(iter(desk.cell.directory.accounts())).id)
    assert desk.do("account show", login="anna")["bytes"] is None
    assert desk.do("account set-quota", login="anna", amount="none")["quota"] is None


def freeze(desk: Desk) -> int:
    account = desk.cell.directory.account("anna")
    assert account is not None
    asyncio.run(desk.cell.freeze(account.id, "account", "a token knows more", "token:1"))
    return account.id


def test_a_thaw_shows_the_evidence_then_journals_it(desk: Desk):
    home = freeze(desk)
    (shown,) = desk.do("account freezes", login="anna")["freezes"]
    assert (shown["why"], shown["evidence"]) == ("a token knows more", "token:1")
    desk.do("account thaw", login="anna", evidence=["token:1"])
    assert desk.cell.directory.frozen(home) is None
    assert desk.cell.directory.accepted(home, "token:1")


def test_a_thaw_on_other_evidence_than_was_shown_is_refused(desk: Desk):
    home = freeze(desk)
    with pytest.raises(RefusedPlanError):
        desk.do("account thaw", login="anna", evidence=["token:2"])
    assert desk.cell.directory.frozen(home) is not None


def test_nothing_frozen_is_nothing_to_thaw(desk: Desk):
    with pytest.raises(NotFoundError):
        desk.do("account thaw", login="anna", evidence=[])


def test_the_journal_says_which_command_it_was(desk: Desk):
    add_phone(desk)
    account = desk.cell.directory.account("anna")
    assert account is not None
    assert desk.cell.journal[account.id][-1][0].request == "command device add"


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("rm -rf", {}),
        ("account add", {}),
        ("account add", {"login": "a", "name": "b", "email": "", "more": "c"}),
        ("account add", {"login": 1, "name": "b", "email": ""}),
        ("device add", {"login": "a", "name": "b", "services": [], "read_only": 1}),
        ("account thaw", {"login": "a", "evidence": "b"}),
        ("account thaw", {"login": "a", "evidence": [1]}),
        ("replica rebuild from", {"source": "r1", "number": True}),
        ("account show", {"login": "a\udcff"}),
        ("account thaw", {"login": "a", "evidence": ["\udcff"]}),
    ],
)
def test_arguments_that_do_not_fit_run_nothing(command: str, arguments: dict[str, Any]):
    with pytest.raises(InvalidError):
        find(Request(command, arguments))


def test_on_a_frozen_cell_each_command_that_needs_it_says_why():
    desk = Desk()
    desk.room.cell, desk.room.trouble = None, FrozenCellError("two disks are missing")
    samples = {str: "x", list: [], int: 1, bool: False}
    for name, command in COMMANDS.items():
        if command.needs is Needs.OPEN:
            given = {key: samples[kind] for key, kind in command.takes.items()}
            with pytest.raises(StrongroomError, match="two disks are missing"):
                desk.do(name, **given)


def test_a_lost_quorum_s_way_out_is_closed_while_the_cell_is_open(desk: Desk):
    with pytest.raises(RefusedPlanError):
        desk.do("replica plan", source="r1")
    with pytest.raises(RefusedPlanError):
        desk.do("replica rebuild from", source="r1", number=1)


def test_progress_is_told_once_for_each_hundredth():
    told: list[str] = []
    show = percent(told.append)
    for held in range(1, 1001):
        show(held, 1000)
    assert len(told) == 101
    assert told[-1] == "copied 1000 of 1000 batches (100 %)"


class Looking:
    """What a look at the places finds, and how often somebody looked."""

    def __init__(self, cell: FakeCell, *, sure: bool) -> None:
        self.cell, self.sure, self.looks = cell, sure, 0
        self.note = "what one copy holds"

    async def look(self) -> Any:
        self.looks += 1
        return SimpleNamespace(
            directory=self.cell.directory,
            sure=self.sure,
            note=self.note,
            believed=lambda: self.cell,
        )


@pytest.mark.parametrize("sure", [True, False])
def test_without_an_open_cell_a_command_that_reads_says_what_that_is_worth(
    desk: Desk, sure: bool
) -> None:
    found = Looking(desk.cell, sure=sure)
    desk.room.parts.look = found.look  # type: ignore[method-assign]
    desk.room.cell = None
    told: list[str] = []
    for _ in range(2):
        answer = asyncio.run(run(desk.room, Request("account list", {}), told.append))
        assert [row["login"] for row in answer["accounts"]] == ["anna"]
        assert answer["note"] == found.note
    assert told == ([] if sure else [found.note])  # once, for all pages of one piece of work
    assert found.looks == 1
    desk.room.serving, desk.room.looked = True, None  # then things move between two pages
    for _ in range(2):
        asyncio.run(run(desk.room, Request("account list", {}), told.append))
    assert found.looks == 3


def test_beside_an_open_cell_nobody_looks_and_nothing_is_noted(desk: Desk) -> None:
    assert "note" not in desk.do("account list")


def test_an_opening_waits_for_a_command_that_reads_and_is_then_used(desk: Desk) -> None:
    found = Looking(desk.cell, sure=True)
    desk.room.parts.look = found.look  # type: ignore[method-assign]
    cell, desk.room.cell = desk.room.cell, None

    async def work() -> dict[str, Any]:
        async with desk.room.changing:
            asking = asyncio.create_task(
                run(desk.room, Request("account list", {}), lambda text: None)
            )
            await asyncio.sleep(0.01)
            assert not asking.done()
            desk.room.cell = cell
        return await asking

    assert "note" not in asyncio.run(work())
    assert found.looks == 0

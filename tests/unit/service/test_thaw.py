"""A thaw ends all freezes of one account and records the evidence (I5)."""

from __future__ import annotations

import asyncio

import pytest

from fakes.cell import FakeCell
from fakes.world import FakeEntropy
from strongroom.base.errors import NotFoundError
from strongroom.base.limits import FREEZE_SECONDS_MAX
from strongroom.history.edits import Origin
from strongroom.service.accounts import add_account, add_device
from strongroom.service.thaw import Freeze, accepted, advice, freezes, overdue, thaw


def test_thaw_shows_the_evidence_and_accepts_it_in_one_batch() -> None:
    async def scene() -> None:
        cell = FakeCell()
        home = (await add_account(cell, "alice", FakeEntropy(), Origin())).id
        other = (await add_account(cell, "bob", FakeEntropy(), Origin())).id
        await cell.freeze(home, "account", "a token from the future", "token:5:9:00")
        await cell.freeze(home, "77", "a head behind the witness", "")
        await cell.freeze(other, "account", "why", "token:5:9:00")
        shown = freezes(cell.directory, "alice")
        batch = cell.batch

        assert [(f.scope, f.why, f.evidence) for f in shown] == [
            ("77", "a head behind the witness", ""),
            ("account", "a token from the future", "token:5:9:00"),
        ]
        assert await thaw(cell, "alice", Origin()) == shown
        assert cell.batch == batch + 1
        assert cell.head(5).number == 1009  # what was lost is never issued again
        assert cell.directory.accepted(home, "token:5:8:ff")  # of the same lost history
        assert not cell.directory.accepted(home, "token:5:1010:ff")
        assert not cell.directory.accepted(home, "token:6:8:ff")
        assert cell.directory.frozen(home) is None
        assert cell.directory.frozen(home, 77) is None
        assert cell.directory.accepted(home, "token:5:9:00")
        assert not cell.directory.accepted(other, "token:5:9:00")
        assert cell.directory.frozen(other) is not None
        with pytest.raises(NotFoundError):
            await thaw(cell, "alice", Origin())
        with pytest.raises(NotFoundError):
            freezes(cell.directory, "nobody")

    asyncio.run(scene())


def test_a_freeze_and_what_a_thaw_accepted_name_the_device_and_the_book() -> None:
    async def scene() -> None:
        cell = FakeCell()
        home = (await add_account(cell, "alice", FakeEntropy(), Origin())).id
        await add_device(cell, "alice", "handset", FakeEntropy(7), Origin())
        device = cell.directory.members(home, "device")[0].id
        book = cell.directory.collection(home, "contacts")
        assert book is not None
        at = cell.now_ms
        await cell.freeze(home, "account", "It knows more.", "token:5:9:00", Origin(device))
        await cell.freeze(home, str(book.id), "why", "witness:6:2:00")

        scoped, whole = sorted(freezes(cell.directory, "alice"), key=lambda f: f.scope)
        assert whole == Freeze(
            "account", "It knows more.", "token:5:9:00", at, device, "handset", ""
        )
        assert (scoped.by, scoped.device, scoped.book) == (0, "", "contacts")
        assert accepted(cell.directory, "alice") == []
        assert cell.journal[home][-2][0].by == device

        await thaw(cell, "alice", Origin())

        first, second = sorted(accepted(cell.directory, "alice"))
        assert (first.evidence, first.device, first.why) == (
            "token:5:9:00", "handset", "It knows more.",
        )  # fmt: skip
        assert (second.evidence, second.device) == ("witness:6:2:00", "")
        facts = cell.directory.members(home, "evidence")[0].facts
        assert (facts["by"], facts["since"]) == (device, at)
        with pytest.raises(NotFoundError):
            accepted(cell.directory, "nobody")

    asyncio.run(scene())


def test_the_advice_names_the_device_and_each_step() -> None:
    told = advice("alice", Freeze("account", "why", "token:5:9:00", 0, 7, "handset"))
    assert "Keep the account on handset: do not remove it" in told
    for step in (
        "Export what handset holds into a file",
        "later copy",
        "`strongroom account thaw alice`",
        "`strongroom custody alice`",
    ):
        assert step in told
    told = advice("alice", Freeze("account", "why", "witness:5:9:00", 0))
    assert "Keep the account on every device" in told
    assert "Export what each device holds into a file" in told
    assert "only one" not in told


def test_a_freeze_is_overdue_after_a_day_and_not_before() -> None:
    freeze = Freeze("account", "why", "", 1000)
    most = 1000 + int(FREEZE_SECONDS_MAX * 1000)
    assert not overdue(freeze, most)
    assert overdue(freeze, most + 1)


def test_two_pieces_of_evidence_about_one_journal_are_accepted_together() -> None:
    """A token and the witness may both know more of it; it is one lost history."""

    async def scene() -> None:
        cell = FakeCell()
        home = (await add_account(cell, "alice", FakeEntropy(), Origin())).id
        await cell.freeze(home, "account", "why", "token:5:9:00")
        await cell.freeze(home, "5", "why", "witness:5:12:00")

        await thaw(cell, "alice", Origin())

        assert cell.head(5).number == 1012
        for evidence in ("token:5:9:00", "witness:5:12:00", "token:5:1012:ff"):
            assert cell.directory.accepted(home, evidence)
        assert not cell.directory.accepted(home, "token:5:1013:ff")

    asyncio.run(scene())

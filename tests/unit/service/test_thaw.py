"""A thaw ends all freezes of one account and records the evidence (I5)."""

from __future__ import annotations

import asyncio

import pytest

from fakes.cell import FakeCell
from fakes.world import FakeEntropy
from strongroom.base.errors import NotFoundError
from strongroom.history.edits import Origin
from strongroom.service.accounts import add_account
from strongroom.service.thaw import freezes, thaw


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

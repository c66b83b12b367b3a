"""An account with an address book in a fake cell, and the asking side of the control socket."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from fakes.cell import FakeCell
from fakes.world import FakeEntropy
from strongroom.base.settings import Settings
from strongroom.compose import Parts
from strongroom.control.carrying import Carrying
from strongroom.control.protocol import ANSWER_BYTES_MAX, Request, Result, encode_answer
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.formats.calendar import COMPONENTS
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Origin
from strongroom.history.entries import Member
from strongroom.mirror.cell import MirrorCell
from strongroom.service.accounts import add_account
from strongroom.service.collections import calendar_data, make_collection
from strongroom.service.objects import put_object

SETTINGS = Settings("127.0.0.1", 0, Path("data"), (Path("r1"), Path("r2"), Path("r3")), 2)


def card(uid: str, name: str = "Ann") -> bytes:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n".encode()


class Desk:
    """An account with cards, and who asks for them."""

    def __init__(self) -> None:
        self.cell = FakeCell()
        entropy = FakeEntropy()
        parts = cast(Parts, SimpleNamespace(settings=SETTINGS, entropy=entropy))
        self.room = Room(parts, cast(MirrorCell, self.cell))
        self.asked: list[str] = []
        self.book = asyncio.run(self._begin(entropy))

    async def _begin(self, entropy: FakeEntropy) -> Member:
        account = await add_account(self.cell, "anna", entropy, Origin())
        self.home = account.id
        book = self.cell.directory.collection(account.id, "contacts")
        assert book is not None
        return book

    def calendar(self, name: str) -> Member:
        """Make a calendar."""
        data = calendar_data(COMPONENTS)
        return asyncio.run(make_collection(self.cell, self.home, name, {}, Origin(), data))

    def put(self, name: str, body: bytes, book: Member | None = None) -> str:
        made, _ = asyncio.run(
            put_object(self.cell, book or self.book, name, body, Precondition(), Origin())
        )
        return made.etag

    def ask(self, command: str, given: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(command)
        answer = asyncio.run(run(self.room, Request(command, given), lambda text: None))
        assert len(encode_answer(Result(answer))) <= ANSWER_BYTES_MAX
        return answer

    def carried(self, *collections: str) -> tuple[list[tuple[str, bytes]], Carrying]:
        made = Carrying(self.ask, "anna", collections)
        return [(thing.href, thing.body) for thing in made.things()], made

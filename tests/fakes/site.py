"""A server over a fake cell with two accounts, alice (two devices) and bob."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from fakes.asgi import Answer, Client
from fakes.cell import FakeCell
from fakes.positions import FakePositions
from fakes.world import FakeEntropy
from strongroom.dav.auth import Gate
from strongroom.history.edits import Origin
from strongroom.history.entries import COLLECTION, Member
from strongroom.server import Server
from strongroom.service.accounts import add_account, add_device
from strongroom.service.collections import shown

T = TypeVar("T")

HOME = "/dav/addressbooks/alice/"
BOOK = HOME + "contacts/"


def card(uid: str, name: str = "Ann") -> bytes:
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n".encode()


class Site:
    """What a protocol test needs; `do` runs one request of alice's phone."""

    def __init__(self) -> None:
        self.cell = FakeCell()
        self.open = True
        entropy = self.entropy = FakeEntropy()
        self.positions = FakePositions()
        self.app = Server(
            lambda: self.cell if self.open else None, entropy, Gate(delay_seconds=0),
            positions=self.positions,
        )  # fmt: skip
        self.passwords = {}
        for login, device in (("alice", "phone"), ("alice", "laptop"), ("bob", "phone")):
            if device == "phone":
                self.run(add_account(self.cell, login, entropy, Origin()))
            self.passwords[login, device] = self.run(
                add_device(self.cell, login, device, entropy, Origin())
            )
        self.alice = Client(self.app, "alice", self.passwords["alice", "phone"])
        self.laptop = Client(self.app, "alice", self.passwords["alice", "laptop"])
        self.bob = Client(self.app, "bob", self.passwords["bob", "phone"])
        self.nobody = Client(self.app)

    def run(self, job: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(job)

    def turns_during(self, job: Coroutine[Any, Any, T]) -> tuple[T, int]:
        """Run `job`; gives its result, and how often another task had its turn meanwhile."""
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async def watched() -> T:
            watching = asyncio.create_task(others())
            try:
                return await job
            finally:
                watching.cancel()

        return self.run(watched()), turns

    def do(self, method: str, path: str, body: Any = b"", **headers: Any) -> Answer:
        return self.run(self.alice(method, path, body, **headers))

    def put(self, name: str, uid: str = "", called: str = "Ann", **headers: Any) -> Answer:
        body = card(uid or name, called)
        return self.do("PUT", BOOK + name, body, content_type="text/vcard", **headers)

    def bodies_read(self) -> list[str]:
        """Give the list to which the digests of all bodies that are read from now on are added."""
        seen: list[str] = []
        bodies = self.cell.bodies

        async def counted(digests: Sequence[str]) -> list[bytes | None]:
            seen.extend(digests)
            return await bodies(digests)

        self.cell.bodies = counted  # type: ignore[method-assign]
        return seen

    def standing(self) -> dict[str, tuple[int, int]]:
        """Count and sum of each of alice's collections that her clients see: what stands there."""
        books = shown(self.cell.directory.members(self.home, COLLECTION))
        heads = {book.href: self.cell.head(book.id) for book in books}
        return {name: (head.members, head.sum) for name, head in heads.items()}

    @property
    def home(self) -> int:
        account = self.cell.directory.account("alice")
        assert account is not None
        return account.id

    @property
    def book(self) -> Member:
        book = self.cell.directory.collection(self.home, "contacts")
        assert book is not None
        return book

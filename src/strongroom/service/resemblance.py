"""Who stood in a collection before an import, by what is said of them: found without a UID."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from strongroom.formats.cardlikeness import Likeness, is_same_person
from strongroom.history.entries import Member
from strongroom.ports.cell import Reader
from strongroom.service.objects import read_bodies


class Resemblances:
    """What tells who each object is about; follows what the import itself writes."""

    def __init__(self, likeness: Callable[[bytes], Likeness | None]) -> None:
        """Know nobody yet; `likeness` reads a body."""
        self._likeness = likeness
        self._by_name: dict[str, dict[str, Likeness]] = {}  # name -> UID -> who
        self._names: dict[str, str] = {}  # UID -> name

    async def read(self, cell: Reader, members: Sequence[tuple[str, Member]]) -> None:
        """Look at objects, each given with its UID; what cannot be read now resembles nobody."""
        uids = iter(members)
        async for page in read_bodies(cell, [member for _, member in members]):
            for _, body in page:
                uid, _ = next(uids)
                self.learn(uid, body or b"")
            await asyncio.sleep(0)

    def learn(self, uid: str, body: bytes) -> None:
        """Take over what is said under a UID now."""
        if uid in self._names:
            del self._by_name[self._names.pop(uid)][uid]
        who = self._likeness(body)
        if who is not None:
            self._by_name.setdefault(who.name, {})[uid] = who
            self._names[uid] = who.name

    def of(self, who: Likeness) -> set[str]:
        """Give the UIDs of all that surely are the same."""
        named = self._by_name.get(who.name, {})
        return {uid for uid, one in named.items() if is_same_person(one, who)}

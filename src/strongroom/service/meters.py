"""Meters: how many bytes an account's collections hold now, without reading them for each write.

What a collection holds is counted once from a proven listing, and then follows its journal: O(what
changed). Names and sizes are remembered for a bounded number of members in all; the collections
that were asked for longest ago are forgotten and counted anew.

Rules: a quota is a promise about space, never about safety: a collection that cannot be counted now
stops no write. Bytes under way count, so that many writes at once do not pass together what one of
them could not. What shrinks an account is never refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, NamedTuple

from strongroom.base.errors import QuotaError, RetryError, UnsureError
from strongroom.base.limits import METER_SECONDS_MAX, METERED_NAMES_MAX
from strongroom.history.entries import COLLECTION, GONE, OBJECT, Entry, Head, Key, Member
from strongroom.ports.cell import Cell
from strongroom.service.collections import shown
from strongroom.service.journals import followed
from strongroom.service.objects import Room, no_limit, size_in
from strongroom.service.usage import quota_of

_PAGE: Final = 4096  # changes followed, or members counted, before others get their turn
_TRIES: Final = 3  # to find all collections of an account level at one moment


class Reading(NamedTuple):
    """What a meter shows; not `sure`: some collection could not be counted now."""

    live: int
    sure: bool


class _Meter:
    """The sizes of one collection's members, as of one place in its journal."""

    __slots__ = ("chain", "number", "sizes", "total")

    def __init__(self, head: Head) -> None:
        self.number, self.chain = head.number, head.chain
        self.sizes: dict[str, int] = {}
        self.total = 0

    def set(self, href: str, size: int | None) -> None:
        """Take over what stands under a name now; None = nothing."""
        self.total += (size or 0) - self.sizes.pop(href, 0)
        if size is not None:
            self.sizes[href] = size

    def is_level(self, head: Head) -> bool:
        """Say whether nothing happened behind this."""
        return (self.number, self.chain) == (head.number, head.chain)


class Meters:
    """The meters of all accounts that were asked about lately."""

    def __init__(self, names_max: int = METERED_NAMES_MAX) -> None:
        """Remember so many names; those of one account always."""
        self._meters: OrderedDict[int, _Meter] = OrderedDict()
        self._reserved: dict[int, int] = {}  # home -> bytes under way
        self._under_way: dict[int, asyncio.Future[bool]] = {}
        self._names_max = names_max

    def room(self, cell: Cell, account: Member) -> Room:
        """Give what holds room in an account; it raises QuotaError where there is none."""
        quota = quota_of(account)
        if quota is None:
            return no_limit
        return lambda key, size: self._room(cell, account, quota, (key, size))

    @asynccontextmanager
    async def _room(
        self, cell: Cell, account: Member, quota: int, wanted: tuple[Key, int]
    ) -> AsyncIterator[None]:
        key, size = wanted
        live = (await self.read(cell, account)).live
        meter = self._meters.get(key.collection)
        grows = max(0, size - (meter.sizes.get(key.href, 0) if meter else 0))
        reserved = self._reserved.get(account.id, 0)
        if grows and live + reserved + grows > quota:
            raise QuotaError
        self._reserved[account.id] = reserved + grows
        try:
            yield
        finally:
            self._reserved[account.id] -= grows
            if not self._reserved[account.id]:
                del self._reserved[account.id]

    async def read(self, cell: Cell, account: Member) -> Reading:
        """Say how many bytes an account holds now."""
        collections: list[Member] = []
        sure = True
        for _ in range(_TRIES):
            collections = shown(cell.directory.members(account.id, COLLECTION))
            behind = [one.id for one in collections if not self._is_level(cell, one.id)]
            if not (behind and sure):
                break
            sure = all([await self._leveled(cell, one) for one in behind])
        total = sum(self._meters[one.id].total for one in collections if one.id in self._meters)
        self._forget({one.id for one in collections})
        return Reading(total, sure)

    def _is_level(self, cell: Cell, collection: int) -> bool:
        meter = self._meters.get(collection)
        if meter is None:
            return False
        self._meters.move_to_end(collection)
        return meter.is_level(cell.head(collection))

    async def _leveled(self, cell: Cell, collection: int) -> bool:
        """Bring one meter up to date, once for all who wait for it; False = not now."""
        task = self._under_way.get(collection)
        if task is None:
            task = asyncio.ensure_future(self._level(cell, collection))
            self._under_way[collection] = task
        try:
            async with asyncio.timeout(METER_SECONDS_MAX):
                return await asyncio.shield(task)
        except TimeoutError:
            return False  # it goes on counting; a write does not wait for it

    async def _level(self, cell: Cell, collection: int) -> bool:
        meter = self._meters.get(collection)
        try:
            if meter is None or not await followed(
                cell, collection, meter, len(meter.sizes), partial(_take, meter)
            ):
                self._meters[collection] = await _counted(cell, collection)
        except RetryError:
            return False
        finally:
            del self._under_way[collection]
        return True

    def _forget(self, kept: Iterable[int]) -> None:
        names = sum(len(meter.sizes) for meter in self._meters.values())
        for collection in [one for one in self._meters if one not in kept]:
            if names <= self._names_max:
                return
            names -= len(self._meters.pop(collection).sizes)


async def _counted(cell: Cell, collection: int) -> _Meter:
    head, members = await cell.listing(collection, OBJECT)
    if len(members) != head.members:
        raise UnsureError
    meter = _Meter(head)
    for index, member in enumerate(members, 1):
        meter.set(member.href, size_in(member.data))
        if index % _PAGE == 0:
            await asyncio.sleep(0)
    return meter


def _take(meter: _Meter, entry: Entry) -> None:
    if entry.kind == OBJECT:
        meter.set(entry.href, None if entry.verb in GONE else size_in(entry.data))

"""What an account may keep, and what it keeps: its quota, its live bytes, and what history costs.

A quota is a fact of the account's row: setting it is an entry of the history like everything else.
It bounds what stands now. Old versions and deleted things are kept beside it until the owner's
retention passes (I6), and count against nobody's quota: who deletes, has room again at once.

Not here: counting for each write (meters).
Source: RFC 4331.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.base.errors import FoldError, InvalidError, UnsureError
from strongroom.history.edits import Origin
from strongroom.history.entries import COLLECTION, GONE, OBJECT, Entry, Member, genesis_chain
from strongroom.ports.cell import Cell
from strongroom.service.accounts import change_facts
from strongroom.service.objects import size_in

_QUOTA: Final = "quota"
_PAGE: Final = 4096  # entries of a journal read at once
_AMOUNT: Final = re.compile(r"(\d{1,18})([KMGT]?)")
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
QUOTA_BYTES_MAX: Final = 1 << 53  # what JSON carries everywhere


class Usage(NamedTuple):
    """Bytes: what stands, what is kept of the past beside it, how much may stand (None = any)."""

    live: int
    history: int
    quota: int | None


async def set_quota(cell: Cell, login: str, amount: str, origin: Origin) -> Member:
    """Say how much may stand in an account: bytes, or `2G` and the like; "none" = no bound.

    What stands already stays, also where it is more.

    Raises:
        InvalidError: `amount` is none. Nothing changed.
        NotFoundError, ConflictError: no such account; it changed meanwhile. Nothing changed.
    """
    return await change_facts(cell, login, {_QUOTA: _read_amount(amount)}, origin)


def _read_amount(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    found = _AMOUNT.fullmatch(text.strip().upper())
    amount = int(found[1]) * _UNITS[found[2]] if found else QUOTA_BYTES_MAX + 1
    if amount > QUOTA_BYTES_MAX:
        raise InvalidError("A quota is a number of bytes, like 5000000 or 2G, or none.")
    return amount


def quota_of(account: Member) -> int | None:
    """Give how many bytes may stand in an account; None = any."""
    return _quota_in(account.data) if _QUOTA in account.data else None


@lru_cache(4096)
def _quota_in(facts: str) -> int | None:
    quota = json.loads(facts).get(_QUOTA)
    return quota if isinstance(quota, int) else None


async def usage(cell: Cell, account: Member) -> Usage:
    """Say what an account keeps.

    A body that stands under two names counts twice as live, as quotas do; in the history each body
    counts once. It costs time and memory proportional to the account's whole history, for all its
    journals are read, those of removed collections too; a command asks for it, no request does.

    Raises:
        UnsureError: not provable now.
    """
    standing = {book.id for book in cell.directory.members(account.id, COLLECTION)}
    live = 0
    kept: dict[str, int] = {}
    here: set[str] = set()
    for collection in sorted(standing | await _collections(cell, account)):
        members: dict[str, tuple[str, int]] = {}
        async for entry in _journal(cell, collection):
            if entry.kind != OBJECT or entry.verb in GONE:
                members.pop(entry.href, None)
                continue
            members[entry.href] = entry.etag, size_in(entry.data)
            kept[entry.etag] = size_in(entry.data)
        if collection in standing:
            live += sum(size for _, size in members.values())
            here.update(digest for digest, _ in members.values())
    history = sum(size for digest, size in kept.items() if digest not in here)
    return Usage(live, history, quota_of(account))


async def _collections(cell: Cell, account: Member) -> set[int]:
    """Give the ids of all collections that the account ever had."""
    return {e.id async for e in _journal(cell, account.id) if e.kind == COLLECTION}


async def _journal(cell: Cell, collection: int) -> AsyncIterator[Entry]:
    number, chain, more = 0, genesis_chain(collection), True
    while more:
        try:
            part = await cell.changes(collection, number, chain[:8], _PAGE)
        except FoldError as error:
            raise UnsureError from error  # it changed its past under our hands
        for entry in part.entries:
            yield entry
        number, chain, more = part.upto, part.chain, part.more
        await asyncio.sleep(0)

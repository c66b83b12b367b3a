"""What an account may keep, and what it keeps: its quota, its live bytes, and what history costs.

A quota is a fact of the account's row: setting it is an entry of the history like everything else.
It bounds what stands now. Old versions and deleted things are kept beside it until the owner's
retention passes (I6), and count against nobody's quota: who deletes, has room again at once.

Not here: counting for each write (meters).
Source: RFC 4331.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.base.errors import InvalidError
from strongroom.history.edits import Origin
from strongroom.history.entries import COLLECTION, GONE, OBJECT, Member
from strongroom.ports.cell import Cell, Reader
from strongroom.service.accounts import change_facts
from strongroom.service.collections import shown
from strongroom.service.journals import collections_ever, entries
from strongroom.service.objects import size_in

_QUOTA: Final = "quota"
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


async def usage(cell: Reader, account: Member) -> Usage:
    """Say what an account keeps.

    A body that stands under two names counts twice as live, as quotas do; in the history each body
    counts once. It costs time and memory proportional to the account's whole history, for all its
    journals are read, those of removed collections too; a command asks for it, no request does.

    Raises:
        UnsureError: not provable now.
    """
    standing = {one.id for one in shown(cell.directory.members(account.id, COLLECTION))}
    live = 0
    kept: dict[str, int] = {}
    here: set[str] = set()
    for collection in sorted(standing | set(await collections_ever(cell, account.id))):
        members: dict[str, tuple[str, int]] = {}
        async for entry in entries(cell, collection):
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

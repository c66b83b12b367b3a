"""Refused writes: what a device tried to save and we did not take, kept for its owner.

Phones drop an edit that was refused (features.md 3.1), so the bytes are here before they hear of
it. They are objects of a collection of the home that no address reaches and no client sees; it has
a journal and is proven like all others. Their names are numbers, which people use. Nothing of it
counts for a quota or a UID.

Rules: one row for one content of one device under one name; bounded in number, bytes and pace; what
cannot be kept now is remembered by name in memory, and written down with the next that can. Trouble
here is never the client's: whoever calls answers what it would have answered.
Not here: bringing one into what stands now (applying).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from strongroom.base.errors import NotFoundError, RetryError, StrongroomError
from strongroom.base.limits import (
    REFUSED_BYTES_MAX,
    REFUSED_DELETES_AN_HOUR,
    REFUSED_KEEP_SECONDS_MAX,
    REFUSED_KEPT_MAX,
    REFUSED_NAMES_MAX,
    REFUSED_REPEAT_SECONDS,
    REFUSED_WRITES_AN_HOUR,
)
from strongroom.formats.title import title_of
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin, Put, Remove, Together
from strongroom.history.entries import COLLECTION, OBJECT, Key, Member, canonical, digest_of
from strongroom.ports.cell import Cell, Reader
from strongroom.service.access import check_collection
from strongroom.service.aside import aside
from strongroom.service.buckets import Bucket
from strongroom.service.collections import ABSENT, REFUSED_DATA
from strongroom.service.objects import size_of

NAME: Final = "/refused"  # no path holds a slash inside a name (formats.hrefs)
NOTHING: Final = digest_of(b"")
_MADE_ROOM: Final = "made room for newer ones"
_STATES_MAX: Final = 1000  # of accounts and devices remembered; full buckets are forgotten then


class Refusal(NamedTuple):
    """A write that was refused: what it was about, why, and how much of it came."""

    book: str  # name of the collection, as it was addressed
    href: str  # "" = the name was left to us
    status: int
    element: str = ""  # the precondition in Clark notation
    why: str = ""  # what the error says
    other: str = ""  # name of the object that was in the way
    condition: str = ""  # as it was sent
    type: str = ""  # as it was sent
    sent: int = 0  # bytes, as far as known
    whole: bool = True


class Kept(NamedTuple):
    """One refused write that is kept; `number` is what people call it by."""

    number: int
    member: Member
    facts: dict[str, Any]

    @property
    def whole(self) -> bool:
        """Say whether all of it is here."""
        return bool(self.facts.get("whole"))


class _Write(NamedTuple):
    """What becomes a row."""

    facts: dict[str, Any]
    body: bytes
    digest: str
    origin: Origin

    def without_body(self) -> _Write:
        """Give what is left of it where there is no room."""
        return self._replace(facts={**self.facts, "whole": False}, body=b"", digest=NOTHING)


@dataclass(slots=True)
class _Account:
    """What is remembered of an account between two refusals."""

    rows: Bucket
    bytes: Bucket
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    touched: dict[str, float] = field(default_factory=dict)  # row -> when its time moved
    names: list[_Write] = field(default_factory=list)
    unnamed: int = 0  # those beyond REFUSED_NAMES_MAX

    def is_idle(self, now: float) -> bool:
        """Say whether nothing is lost if all of this is forgotten."""
        full = self.rows.is_full(now) and self.bytes.is_full(now)
        return full and not self.names and not self.lock.locked()

    def remember(self, write: _Write) -> None:
        """Take the name of one that cannot be kept now."""
        if len(self.names) < REFUSED_NAMES_MAX:
            self.names.append(write.without_body())
        else:
            self.unnamed += 1


class Keeper:
    """Keeps refused writes, for all accounts of a server."""

    def __init__(self) -> None:
        """Begin with nothing remembered."""
        self._accounts: dict[int, _Account] = {}
        self._deletes: dict[int, Bucket] = {}

    def may_tell_again(self, device: int) -> bool:
        """Say whether one more refused deletion of a device that may not write is told again."""
        now = _now()
        if len(self._deletes) >= _STATES_MAX:
            self._deletes = {k: one for k, one in self._deletes.items() if not one.is_full(now)}
        bucket = self._deletes.get(device)
        if bucket is None:
            bucket = Bucket(REFUSED_DELETES_AN_HOUR, REFUSED_DELETES_AN_HOUR, now)
            self._deletes[device] = bucket
        return bucket.take(now)

    async def keep(
        self, cell: Cell, home: int, refusal: Refusal, body: bytes, origin: Origin
    ) -> bool:
        """Keep a refused write; `origin` names the device, which must be of this home.

        Returns:
            Whether it is kept as it came; else its name is remembered.

        Raises:
            StrongroomError, TimeoutError: it is not known to be kept; its name is remembered.
        """
        account = self._account(home)
        name, digest = await aside(body, lambda: (title_of(body), digest_of(body)))
        write = _Write(_facts(cell.directory, refusal, name, origin), body, digest, origin)
        try:
            async with asyncio.timeout(REFUSED_KEEP_SECONDS_MAX), account.lock:
                return await _keep(cell, home, account, write)
        except (StrongroomError, TimeoutError):
            account.remember(write)
            raise

    def _account(self, home: int) -> _Account:
        if home in self._accounts:
            return self._accounts[home]
        now = _now()
        if len(self._accounts) >= _STATES_MAX:
            self._accounts = {k: one for k, one in self._accounts.items() if not one.is_idle(now)}
        rows = Bucket(REFUSED_KEPT_MAX, REFUSED_WRITES_AN_HOUR, now)
        self._accounts[home] = _Account(rows, Bucket(REFUSED_BYTES_MAX, REFUSED_BYTES_MAX, now))
        return self._accounts[home]


def _now() -> float:
    return asyncio.get_running_loop().time()


def _facts(directory: Directory, refusal: Refusal, name: str, origin: Origin) -> dict[str, Any]:
    device = directory.device(origin.device)
    facts = {
        **refusal._asdict(), "name": name, "client": origin.client,
        "device": device.href if device else "",
    }  # fmt: skip
    return {key: value for key, value in facts.items() if value != ""}


async def _keep(cell: Cell, home: int, account: _Account, write: _Write) -> bool:
    shelf = await _shelf(cell, home)
    _, rows = await cell.listing(shelf.id, OBJECT)
    known = {row.href for row in rows}
    account.touched = {name: at for name, at in account.touched.items() if name in known}
    if same := next((row for row in rows if _is_of(row, write)), None):
        await _touch(cell, shelf, account, same, write)
        return True
    now = _now()
    if not account.rows.take(now):
        account.remember(write)
        return False
    whole = account.bytes.take(now, len(write.body))
    write = write if whole else write.without_body()
    write.facts.update(await _stood(cell, home, write.facts))
    names, more = list(account.names), account.unnamed
    if more:
        write.facts["more"] = more
    name = await _add(cell, shelf, rows, [write, *names])
    # Others may have been remembered meanwhile: those that wait for the lock in vain.
    del account.names[: len(names)]
    account.unnamed -= more
    account.touched[name] = now
    return whole


async def _shelf(cell: Cell, home: int) -> Member:
    """Give the collection of a home that they are kept in; it is made with the first one."""
    shelf = cell.directory.collection(home, NAME)
    if shelf is None:
        key = Key(home, COLLECTION, NAME)
        edit = Put(key, digest_of(REFUSED_DATA.encode()), REFUSED_DATA, when=ABSENT)
        row = (await cell.submit(edit, {}))[0]
        assert isinstance(row, Member)
        return row
    check_collection(cell, home, shelf)
    return shelf


def _is_of(row: Member, write: _Write) -> bool:
    """Say whether a row is of the same content of the same device under the same name."""
    if (row.by, row.etag) != (write.origin.device, write.digest):
        return False
    facts = row.facts
    return all(facts.get(key) == write.facts.get(key) for key in ("book", "href"))


async def _touch(cell: Cell, shelf: Member, account: _Account, row: Member, write: _Write) -> None:
    now = _now()
    if now - account.touched.get(row.href, -REFUSED_REPEAT_SECONDS) < REFUSED_REPEAT_SECONDS:
        return
    data = canonical({**row.facts, "times": row.facts.get("times", 1) + 1})
    edit = Put(row.key, row.etag, data, write.origin, parent=shelf.key, size=len(write.body))
    await cell.submit(edit, {row.etag: write.body})
    account.touched[row.href] = now


async def _stood(cell: Cell, home: int, facts: dict[str, Any]) -> dict[str, Any]:
    """Say what stands under the name that was meant, as far as that can be known now."""
    book = cell.directory.collection(home, facts["book"])
    if book is None:
        return {}
    found = {"collection": book.id}
    if "href" not in facts:
        return found  # the name was left to us
    try:
        row = await cell.row(Key(book.id, OBJECT, facts["href"]))
    except RetryError:
        row = None
    return found if row is None else {**found, "stood": {"etag": row.etag, "number": row.number}}


async def _add(cell: Cell, shelf: Member, rows: Iterable[Member], writes: list[_Write]) -> str:
    """Add rows, and take the oldest ones away where there is no room; gives the first one's name.

    All or none. A number is that of no entry yet, so no two rows ever have the same.
    """
    first = cell.head(shelf.id).number + 1
    edits: list[Put | Remove] = []
    for number, (facts, body, digest, origin) in enumerate(writes, first):
        key = Key(shelf.id, OBJECT, str(number))
        data = canonical({**facts, "size": len(body)})
        edits.append(Put(key, digest, data, origin, ABSENT, shelf.key, size=len(body)))
    count = len(writes)
    size = sum(len(write.body) for write in writes)
    for row in sorted(rows, key=lambda row: row.number, reverse=True):
        count += 1
        size += size_of(row)
        if count > REFUSED_KEPT_MAX or size > REFUSED_BYTES_MAX:
            by = Origin(request=writes[0].origin.request, condition=_MADE_ROOM)
            edits.append(Remove(row.key, by, parent=shelf.key))
    await cell.submit(Together(tuple(edits)), {write.digest: write.body for write in writes})
    return str(first)


# --- what is kept ---------------------------------------------------------------------------------


async def listed(cell: Reader, home: int) -> list[Kept]:
    """Give what is kept of an account, oldest first.

    Raises:
        UnsureError: not provable now.
    """
    shelf = cell.directory.collection(home, NAME)
    if shelf is None:
        return []
    _, rows = await cell.listing(shelf.id, OBJECT)
    return sorted(Kept(int(row.href), row, row.facts) for row in rows)


def count(cell: Reader, home: int) -> int:
    """Say how many are kept of an account, from its head alone."""
    shelf = cell.directory.collection(home, NAME)
    return cell.head(shelf.id).members if shelf else 0


async def find(cell: Reader, home: int, number: int) -> Kept:
    """Give one that is kept; raises NotFoundError or UnsureError."""
    for kept in await listed(cell, home):
        if kept.number == number:
            return kept
    raise NotFoundError(
        f"No refused write {number} is kept. `strongroom refused list` shows those that are; "
        "what was applied, dropped or replaced by newer ones is in `strongroom history`."
    )


async def drop(cell: Cell, home: int, number: int, origin: Origin) -> Kept:
    """Take one from the list; its bytes stay in the history.

    Raises:
        NotFoundError, UnsureError: nothing changed.
    """
    kept = await find(cell, home, number)
    await cell.submit(Remove(kept.member.key, origin), {})
    return kept


# --- in words -------------------------------------------------------------------------------------

_REASONS: Final = {
    "need-privileges": "this device may only read",
    "no-uid-conflict": "another object has its UID",
    "max-resource-size": "it is larger than what is taken",
    "quota-not-exceeded": "the account was full",
    "sufficient-disk-space": "the disks were nearly full",
}
_BY_STATUS: Final = {
    409: "there was no such collection",
    412: "it had changed in the meantime",
    413: "it is larger than what is taken",
}


def reason(facts: dict[str, Any]) -> str:
    """Say in plain words why a write was refused."""
    element = str(facts.get("element", "")).rpartition("}")[2]
    if facts["status"] == 412 and "if-none-match" in str(facts.get("condition", "")):
        return "something of that name was there already"
    found = _REASONS.get(element) or _BY_STATUS.get(facts["status"])
    return found or str(facts.get("why", "")) or f"status {facts['status']}"

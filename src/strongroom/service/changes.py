"""What changed in a collection since a token was given out (I4, I5).

Deletions come from the last entry of a name and from nowhere else. A token that we made and that no
journal of ours explains says that we forgot: the account is frozen, once for each such evidence.
Evidence that a thaw accepted is answered with what stands and the device may lack, as additions:
nothing is removed from a phone that knows more than we do (history.md D3, rule 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.base.errors import FoldError, FrozenError, InvalidError, UnsureError
from strongroom.base.limits import SYNC_REPEATS_MAX
from strongroom.formats import FormatError
from strongroom.formats.synctoken import CHAIN_BYTES, SyncToken, read, write
from strongroom.history.edits import Origin
from strongroom.history.entries import GONE, OBJECT, Entry, Head, Member, genesis_chain
from strongroom.history.evidence import Evidence
from strongroom.ports.cell import Cell, Changes
from strongroom.ports.positions import CameBack, Positions
from strongroom.service.accounts import Caller

VALID_SYNC_TOKEN: Final = "{DAV:}valid-sync-token"  # noqa: S105 - the name of an element


class Delta(NamedTuple):
    """What to tell; `token` is where the teller stands then, and `asked` where the asker stood."""

    changed: tuple[Member, ...]
    removed: tuple[str, ...]
    token: str
    more: bool = False  # cut off at the limit that was asked for
    asked: CameBack | None = None  # None: with a token of a history that a thaw gave up


def token_at(caller: Caller, collection: int, number: int, chain: bytes) -> str:
    """Give the token of a place in a journal."""
    return _write(SyncToken(collection, number, chain[:CHAIN_BYTES]), caller.key)


# Polls ask for the same few tokens again and again.
_write: Final = lru_cache(4096)(write)


def token_of(caller: Caller, head: Head) -> str:
    """Give the token of the committed head."""
    return token_at(caller, head.collection, head.number, head.chain)


async def sync(
    cell: Cell, caller: Caller, collection: Member, text: str, limit: int | None,
    positions: Positions | None = None,
) -> Delta:  # fmt: skip
    """Say what changed since the token `text`; "" = tell everything.

    `positions` tell how far a device was before we forgot, should its token prove that we did.

    Raises:
        InvalidError: the token was not made by us for this collection; nothing is frozen.
        FrozenError: the token proves that we forgot; the account is frozen now (I5).
        UnsureError: the answer cannot be proven now.
    """
    if not text:
        start = CameBack(0, genesis_chain(collection.id)[:CHAIN_BYTES])
        if limit is None:
            return (await _everything(cell, caller, collection))._replace(asked=start)
        return await _page(cell, caller, SyncToken(collection.id, *start), limit, first=True)
    head = cell.head(collection.id)
    if text == token_of(caller, head):
        return Delta((), (), text, False, CameBack(head.number, head.chain[:CHAIN_BYTES]))
    token = _read(caller, collection, text)
    if token.number > head.number:
        return await _forgotten(cell, caller, collection, token, positions)
    try:
        if limit is not None:
            return await _page(cell, caller, token, limit)
        return await _since(cell, caller, token)
    except FoldError:
        return await _forgotten(cell, caller, collection, token, positions)


def _read(caller: Caller, collection: Member, text: str) -> SyncToken:
    try:
        token = read(text, caller.key)
    except FormatError as error:
        raise InvalidError(error.message, VALID_SYNC_TOKEN) from error
    if token.collection != collection.id:
        raise InvalidError("This sync token is of another collection.", VALID_SYNC_TOKEN)
    return token


async def _everything(cell: Cell, caller: Caller, collection: Member) -> Delta:
    head, members = await cell.listing(collection.id, OBJECT)
    if len(members) != head.members:
        raise UnsureError
    return Delta(members, (), token_of(caller, head))


async def _since(cell: Cell, caller: Caller, token: SyncToken) -> Delta:
    most = max(1, cell.head(token.collection).number - token.number)
    return _delta(caller, token, await cell.changes(*token, most))._replace(more=False)


def _delta(caller: Caller, token: SyncToken, part: Changes) -> Delta:
    changed, removed = fold(part.entries)
    place = token_at(caller, token.collection, part.upto, part.chain)
    return Delta(changed, removed, place, part.more, CameBack(token.number, token.chain))


async def _page(
    cell: Cell, caller: Caller, token: SyncToken, limit: int, *, first: bool = False
) -> Delta:
    """Tell of `limit` names, or of all there are; who asks for the `first` page lacks them all.

    Many entries may be about one name. They are followed as far as SYNC_REPEATS_MAX; behind a
    longer run of them a page is short, and says that there is more.
    """
    part = await cell.changes(*token, limit)
    if part.more and _entries_about(part.entries, limit - 1, first=first) == len(part.entries):
        part = await cell.changes(*token, limit + SYNC_REPEATS_MAX)
        count = _entries_about(part.entries, limit, first=first)
        if count < len(part.entries):
            part = await cell.changes(*token, count)
    delta = _delta(caller, token, part)
    # A first answer names nothing that is gone (RFC 6578 section 3.4).
    return delta._replace(removed=()) if first else delta


def _entries_about(entries: Iterable[Entry], names: int, *, first: bool) -> int:
    """Give how many entries, from the first one on, tell of no more than so many `names`."""
    told: set[str] = set()
    most = 0
    for count, entry in enumerate(entries, 1):
        if first and entry.verb in GONE:
            told.discard(entry.href)
        elif entry.kind == OBJECT:
            told.add(entry.href)
        if len(told) <= names:
            most = count
    return most


async def _forgotten(
    cell: Cell, caller: Caller, collection: Member, token: SyncToken, positions: Positions | None
) -> Delta:
    evidence = Evidence("token", token.collection, token.number, token.chain.hex()).text()
    if cell.directory.accepted(caller.home, evidence):
        return await _what_it_lacks(cell, caller, collection, positions)
    why = (
        f"The device {caller.device.href} has seen change {token.number} of {collection.href}, "
        f"which is not in our history (it ends with {cell.head(collection.id).number})."
    )
    await cell.freeze(caller.home, "account", why, evidence, Origin(caller.device.id))
    raise FrozenError


async def _what_it_lacks(
    cell: Cell, caller: Caller, collection: Member, positions: Positions | None
) -> Delta:
    """Tell a device that knows a lost history what stands, except what it has already.

    It had taken in all up to the place that it came back with before, and what it wrote itself; of
    these it may hold a later version, the last one anywhere, which ours must not replace.
    """
    delta = await _everything(cell, caller, collection)
    upto = await _explained(cell, caller, collection, positions)
    device = caller.device.id
    lacking = tuple(m for m in delta.changed if m.number > upto and m.by != device)
    return delta._replace(changed=lacking)


async def _explained(
    cell: Cell, caller: Caller, collection: Member, positions: Positions | None
) -> int:  # fmt: skip
    """Give the last number that a device came back with and that our journal explains; or 0."""
    known = await positions.of(caller.home) if positions is not None else None
    seen = known.get(caller.device.id) if known else None
    place = seen.places.get(collection.id) if seen else None
    if place is None:
        return 0
    try:
        await cell.changes(collection.id, *place, 1)
    except FoldError:
        return 0
    return place.number


def fold(entries: Iterable[Entry]) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """Keep the last entry of each name: what stands now, and which names are gone.

    A name that came and went in between is named as gone: the device that made it knows of it,
    though its token is older.
    """
    last = {entry.href: entry for entry in entries if entry.kind == OBJECT}
    gone = tuple(e.href for e in last.values() if e.verb in GONE)
    return tuple(_member(e) for e in last.values() if e.verb not in GONE), gone


def _member(entry: Entry) -> Member:
    return Member(
        entry.collection, entry.kind, entry.href, entry.id, entry.number,
        entry.etag, entry.data, entry.props, entry.at, entry.by,
    )  # fmt: skip

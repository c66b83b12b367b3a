"""`apply`: the one fold. Every table of a catalog that is promised is made by it (I2).

The pre-image is compared here, so that the writer, each replica's transaction, a copy and a scrub
all hold an entry against what they themselves know.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring
from typing import Final

from strongroom.base.errors import FoldError
from strongroom.base.limits import BATCH_ENTRIES_MAX
from strongroom.history.entries import (
    ARRIVED,
    GAP,
    GONE,
    PROPS,
    PUT,
    Entry,
    Head,
    Member,
    Row,
    Tombstone,
)

_MODULUS: Final = 1 << 256


def member_hash(member: Member) -> int:
    """Hash what a listing says of a member: kind, id, href, ETag, digest of its properties (I4)."""
    props = sha256(member.props.encode()).hexdigest() if member.props else ""
    # Canonical JSON, written by hand, for this is done for every member that is listed.
    href = encode_basestring(member.href)
    text = f'["{member.kind}",{member.id},{href},"{member.etag}","{props}"]'
    return int.from_bytes(sha256(text.encode()).digest())


def next_chain(chain: bytes, line: bytes) -> bytes:
    """Fold one entry's canonical bytes into a journal's chain."""
    return sha256(chain + line).digest()


def next_number(number: int, entry: Entry) -> int:
    """Say which number this entry must carry after `number`; a gap may leap ahead (I5)."""
    return entry.number if entry.verb == GAP and entry.number > number else number + 1


def apply(
    entry: Entry, line: bytes, head: Head, old: Row | None, batch: int
) -> tuple[Head, Row | None]:
    """Fold one entry into its collection's head and its name's row.

    Args:
        entry: what happened.
        line: the canonical bytes of `entry`.
        head: of the entry's collection, before it.
        old: what stands under the entry's name, before it.
        batch: number of the batch that carries the entry.

    Returns:
        The new head, and the new row of that name (None for a gap: no name is touched).

    Raises:
        FoldError: the entry does not follow the head, or its pre-image disagrees with `old`.
    """
    return _apply(entry, line, head, old, batch)


# Writer and replicas fold the same batch at about the same time: who holds equal values gets the
# result that was computed from them (docs/decisions.md 15).
@lru_cache(BATCH_ENTRIES_MAX)
def _apply(
    entry: Entry, line: bytes, head: Head, old: Row | None, batch: int
) -> tuple[Head, Row | None]:
    if entry.number != next_number(head.number, entry):
        raise FoldError(f"entry {entry.number} does not follow {head.number} in {head.collection}")
    chain = next_chain(head.chain, line)
    if entry.verb == GAP:
        return Head(head.collection, entry.number, chain, head.members, head.sum, batch), None
    _check_pre_image(entry, old)
    new = _row_after(entry, old)
    count, total = head.members, head.sum
    if isinstance(old, Member):
        count, total = count - 1, total - member_hash(old)
    if isinstance(new, Member):
        count, total = count + 1, total + member_hash(new)
    return Head(head.collection, entry.number, chain, count, total % _MODULUS, batch), new


def _check_pre_image(entry: Entry, old: Row | None) -> None:
    number = old.number if old is not None else 0
    etag = old.etag if isinstance(old, Member) else ""
    if (entry.was_number, entry.was_etag) != (number, etag):
        raise FoldError(f"pre-image of {entry.key} is {entry.was_number}, here it is {number}")


def _row_after(entry: Entry, old: Row | None) -> Row:
    if entry.verb in GONE:
        if not isinstance(old, Member):
            raise FoldError(f"{entry.key} is not there to be removed")
        return Tombstone(entry.collection, entry.kind, entry.href, old.id, entry.number)
    if entry.verb not in {PUT, ARRIVED, PROPS}:
        raise FoldError(f"unknown verb {entry.verb}")
    return member_after(entry)


def member_after(entry: Entry) -> Member:
    """Give what stands after an entry that takes nothing away."""
    return Member(
        entry.collection, entry.kind, entry.href, entry.id, entry.number,
        entry.etag, entry.data, entry.props, entry.at, entry.by,
    )  # fmt: skip

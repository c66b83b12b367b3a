"""Entries, members, heads and batches: the values of the history and their canonical bytes.

A collection is a journal of entries; what the entries leave behind are *members*. Everything is a
member of some collection: the cell is collection 1 and has accounts and replicas, an account's home
has collections, devices and freezes, a collection has objects. One shape of entry and one fold
serve them all. Canonical bytes are JSON in UTF-8, keys sorted, no white space, empty fields left
out; docs/formats/history.md is normative and has test vectors.

Not here: what may happen (decide.py) and what it leaves (fold.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, NamedTuple

from strongroom.base.limits import ENTRY_SLOT_BITS

FORMAT: Final = 1
CELL: Final = 1  # the collection whose members are accounts and replicas

# --- kinds of member ----------------------------------------------------------------------------
OBJECT: Final = "object"
COLLECTION: Final = "collection"
DEVICE: Final = "device"
ACCOUNT: Final = "account"
REPLICA: Final = "replica"  # a configured voter and its standing; href is the replica's id
FREEZE: Final = "freeze"  # href is the frozen collection's id, or "account"
FACTS: Final = "cell"  # one member, href "cell": how many replicas, which quorum
EVIDENCE: Final = "evidence"  # accepted by a thaw; cannot freeze twice (I5)
# No kind of member: such a key asks for the object that carries this UID now, and never has a
# tombstone. History does not conflict.
UID: Final = "uid"
FROM_REPLICAS: Final = frozenset({OBJECT, UID})  # kinds that the directory does not hold

# --- verbs --------------------------------------------------------------------------------------
PUT: Final = "put"
DELETE: Final = "delete"
LEFT: Final = "left"  # MOVE away
ARRIVED: Final = "arrived"  # MOVE here; same id and request as its `left`
PROPS: Final = "props"
GAP: Final = "gap"  # numbers that a restored history never issues again (I5)

GONE: Final = frozenset({DELETE, LEFT})

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


_quote = json.encoder.encode_basestring


def canonical(value: Any) -> str:
    """Write a value of dicts, lists, str, int, bool and None as canonical JSON text."""
    return _encode(value)


class Key(NamedTuple):
    """Where a member stands: its collection, its kind and its name there."""

    collection: int
    kind: str
    href: str


class Entry(NamedTuple):
    """What did happen: one line of a journal. Digests are lower-case hex."""

    collection: int
    number: int  # dense from 1, per collection
    verb: str
    kind: str
    href: str
    id: int
    etag: str = ""  # objects: SHA-256 of the body; others: of `data`; "" once gone
    data: str = ""  # canonical JSON: size, type and uid of an object; a device's secret; ...
    props: str = ""  # canonical JSON of all dead properties after this entry
    was_number: int = 0  # pre-image: number of the row that was replaced; 0 = the name is new
    was_etag: str = ""  # pre-image: its ETag; "" = new or a tombstone
    at: int = 0  # ms since 1970 UTC; never goes back within a cell
    by: int = 0  # device id; 0 = the cell itself
    request: str = ""
    condition: str = ""  # the condition the request came with; "" = none
    client: str = ""  # family and version, as the client says; absent in entries before issue 4

    @property
    def key(self) -> Key:
        """Name the member that this entry is about."""
        return Key(self.collection, self.kind, self.href)

    def encode(self) -> bytes:
        """Give the canonical bytes: what is hashed, kept and archived.

        Equal to `canonical` over the non-empty fields, but fast; a test compares the two.
        """
        parts = [f'{{"at":{self.at}']
        for name, place in _ORDER:
            value = self[place]
            if value:
                parts.append(name + (_quote(value) if isinstance(value, str) else str(value)))
        return (",".join(parts) + "}").encode()


# Name and place of each field in the order of canonical JSON; `at` is first and always written.
_ORDER: Final = tuple(
    (f'"{name}":', Entry._fields.index(name)) for name in sorted(Entry._fields) if name != "at"
)
_EMPTY: Final = {"number": 0, "kind": "", "href": "", "id": 0}


def decode_entry(raw: bytes) -> Entry:
    """Read canonical bytes; raises ValueError (or a child) on anything else."""
    try:
        return Entry(**{**_EMPTY, **json.loads(raw)})
    except TypeError as error:
        raise ValueError(f"not an entry: {error}") from error


class Member(NamedTuple):
    """What stands under a name: the fold of its last entry."""

    collection: int
    kind: str
    href: str
    id: int
    number: int
    etag: str
    data: str
    props: str
    at: int
    by: int

    @property
    def key(self) -> Key:
        """Name this member."""
        return Key(self.collection, self.kind, self.href)

    @property
    def facts(self) -> dict[str, Any]:
        """Decode `data`."""
        return dict(json.loads(self.data)) if self.data else {}

    @property
    def properties(self) -> dict[str, str]:
        """Decode `props`: Clark name -> XML text."""
        return dict(json.loads(self.props)) if self.props else {}


class Tombstone(NamedTuple):
    """That nothing stands under a name since entry `number`: the proof of absence (I4)."""

    collection: int
    kind: str
    href: str
    id: int
    number: int

    @property
    def key(self) -> Key:
        """Name the member that is gone."""
        return Key(self.collection, self.kind, self.href)


Row = Member | Tombstone


def uid_of(data: str) -> str:
    """Give the UID that an object's `data` tells; "" where it tells none."""
    # In canonical JSON these characters can only be a key; most UIDs need no decoding.
    _, found, rest = data.partition('"uid":"')
    uid = rest.partition('"')[0]
    return uid if "\\" not in uid or not found else str(json.loads(data)["uid"])


def uid_key(collection: int, uid: str) -> Key:
    """Ask for the object of a collection that carries `uid` now (the one of the least href)."""
    return Key(collection, UID, uid)


def carrier(rows: Iterable[Row], key: Key) -> Member | None:
    """Find what a key of kind `UID` asks for among `rows`: what a replica without an index does."""
    found = (
        row
        for row in rows
        if isinstance(row, Member)
        and (row.collection, row.kind) == (key.collection, OBJECT)
        and uid_of(row.data) == key.href != ""
    )
    return min(found, key=lambda row: row.href, default=None)


class Head(NamedTuple):
    """What must be readable of a collection: a few bytes that prove a listing (I4)."""

    collection: int
    number: int
    chain: bytes  # 32 bytes: SHA-256 over the journal
    members: int  # how many, of all kinds
    sum: int  # sum modulo 2**256 of the member hashes
    batch: int  # number of the batch that wrote it; not part of the digest


def genesis_chain(collection: int) -> bytes:
    """Give the chain of a journal without entries."""
    return sha256(f"strongroom/journal/{FORMAT}/{collection}".encode()).digest()


def genesis_head(collection: int) -> Head:
    """Give the head of a journal without entries."""
    return Head(collection, 0, genesis_chain(collection), 0, 0, 0)


def heads_digest(heads: Iterable[Head]) -> str:
    """Digest the heads that a batch changed; each replica folds and compares its own (I2)."""
    rows = sorted(
        [h.collection, h.number, h.chain.hex(), h.members, f"{h.sum:064x}"] for h in heads
    )
    return sha256(_encode(rows).encode()).hexdigest()


class Position(NamedTuple):
    """How far a history reaches: (term, number) names one content for ever, `chain` proves it."""

    term: int
    number: int
    chain: bytes


def genesis_position(cell: str) -> Position:
    """Give the position before the first batch of a cell."""
    return Position(0, 0, sha256(f"strongroom/cell/{FORMAT}/{cell}".encode()).digest())


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One group commit: canonical bytes are a header line and one line per entry."""

    cell: str
    term: int
    number: int
    at: int
    previous: bytes
    heads: str  # heads_digest of the heads that it changes
    entries: tuple[Entry, ...]
    lines: tuple[bytes, ...]  # entry.encode() of each, encoded once
    chain: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Fold the chain once; everything that holds this batch proves it by that."""
        assert len(self.entries) == len(self.lines) < 1 << ENTRY_SLOT_BITS
        digest = sha256(self.previous)
        digest.update(self.header())
        for line in self.lines:
            digest.update(b"\n" + line)
        object.__setattr__(self, "chain", digest.digest())

    @property
    def position(self) -> Position:
        """Say where a replica stands that holds this batch last."""
        return Position(self.term, self.number, self.chain)

    def header(self) -> bytes:
        """Give the header line (without its line feed)."""
        return _encode(
            {
                "at": self.at,
                "cell": self.cell,
                "entries": len(self.entries),
                "format": FORMAT,
                "heads": self.heads,
                "number": self.number,
                "previous": self.previous.hex(),
                "term": self.term,
            }
        ).encode()

    def digests(self) -> Iterable[str]:
        """Name the bodies that must be durable before this batch counts (I1)."""
        return (e.etag for e in self.entries if e.kind == OBJECT and e.verb in {PUT, ARRIVED})


def make_batch(
    cell: str,
    after: Position,
    term: int,
    at: int,
    heads: Iterable[Head],
    entries: Iterable[Entry],
    lines: Iterable[bytes] | None = None,
) -> Batch:
    """Build the batch that follows `after`; `lines` are the entries' bytes where they are known."""
    entries = tuple(entries)
    encoded = tuple(e.encode() for e in entries) if lines is None else tuple(lines)
    digest = heads_digest(heads)
    return Batch(cell, term, after.number + 1, at, after.chain, digest, entries, encoded)


def entry_id(batch: int, position: int) -> int:
    """Give the id of what entry `position` of batch `batch` creates; also its journal place."""
    return batch << ENTRY_SLOT_BITS | position


def digest_of(body: bytes) -> str:
    """Name a body: SHA-256, lower-case hex."""
    return sha256(body).hexdigest()


Bodies = Mapping[str, bytes]

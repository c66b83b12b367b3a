"""A history told batch by batch: entries with right pre-images, as a writer would make them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from strongroom.history.entries import (
    DELETE,
    OBJECT,
    PUT,
    Batch,
    Entry,
    Head,
    Key,
    Member,
    Position,
    Row,
    canonical,
    digest_of,
    entry_id,
    genesis_head,
    genesis_position,
    make_batch,
)
from strongroom.history.fold import apply
from strongroom.ports.replica import Identity, Replica

CELL_ID = "c0ffee"
BOOK = 7
Make = Callable[[str], Replica]  # gives a blank one by its name


def identity(incarnation: str = "i1", replica: str = "r1") -> Identity:
    return Identity(CELL_ID, replica, incarnation)


class Story:
    """Grows by `put` and `delete`; `batch` closes what was told since the last one."""

    def __init__(self, term: int = 1) -> None:
        self.term = term
        self.position: Position = genesis_position(CELL_ID)
        self.heads: dict[int, Head] = {}
        self.rows: dict[Key, Row] = {}
        self.bodies: dict[str, bytes] = {}
        self.batches: list[Batch] = []
        self._entries: list[Entry] = []
        self._changed: dict[int, Head] = {}

    def _head(self, collection: int) -> Head:
        return self._changed.get(collection) or self.heads.get(collection) or genesis_head(
            collection
        )  # fmt: skip

    def _tell(self, entry: Entry) -> Entry:
        number = self.position.number + 1
        old = self.rows.get(entry.key)
        head, row = apply(entry, entry.encode(), self._head(entry.collection), old, number)
        self._changed[entry.collection] = head
        if row is not None:
            self.rows[entry.key] = row
        self._entries.append(entry)
        return entry

    def _next(self, key: Key, verb: str, **fields: str | int) -> Entry:
        old = self.rows.get(key)
        made = entry_id(self.position.number + 1, len(self._entries))
        values: dict[str, str | int] = {
            "was_number": old.number if old else 0,
            "was_etag": old.etag if isinstance(old, Member) else "",
            "id": old.id if old else made,
            "at": 1_700_000_000_000 + self.position.number,
            **fields,
        }
        number = self._head(key.collection).number + 1
        return Entry(key.collection, number, verb, key.kind, key.href, **values)  # type: ignore[arg-type]

    def put(
        self, href: str, body: bytes, collection: int = BOOK, uid: str = "", client: str = ""
    ) -> Entry:
        digest = digest_of(body)
        self.bodies[digest] = body
        data = canonical({"size": len(body), **({"uid": uid} if uid else {})})
        fields = {"etag": digest, "data": data, "client": client}
        return self._tell(self._next(Key(collection, OBJECT, href), PUT, **fields))

    def place(self, kind: str, href: str, data: str, collection: int = 1) -> Entry:
        """Put a member that is not an object."""
        key = Key(collection, kind, href)
        return self._tell(self._next(key, PUT, etag=digest_of(data.encode()), data=data))

    def delete(self, href: str, collection: int = BOOK) -> Entry:
        return self._tell(self._next(Key(collection, OBJECT, href), DELETE))

    def batch(self) -> Batch:
        batch = make_batch(
            CELL_ID, self.position, self.term, 1_700_000_000_000, self._changed.values(),
            self._entries,
        )  # fmt: skip
        self.heads.update(self._changed)
        self.position = batch.position
        self.batches.append(batch)
        self._entries, self._changed = [], {}
        return batch

    def tell_to(self, replica: Replica, term: int | None = None) -> None:
        """Hand every batch to `replica`."""
        for batch in self.batches:
            replica.apply(batch, self.bodies, term or self.term)


def spoiled(batch: Batch, position: int, **changes: str | int) -> Batch:
    """Give the batch with one entry changed and all else as it was."""
    entries = list(batch.entries)
    entries[position] = entries[position]._replace(**changes)  # type: ignore[arg-type]
    return replace(batch, entries=tuple(entries), lines=tuple(e.encode() for e in entries))


def short_story(story: Story | None = None) -> Story:
    """Three batches: two cards and an account; one replaced, one deleted; one again."""
    story = story or Story()
    story.put("a.vcf", b"anna")
    story.put("b.vcf", b"ben")
    story.place("account", "demo", '{"key":"00"}')
    story.batch()
    story.put("a.vcf", b"anna two", client="DAVx5/4.5")
    story.delete("b.vcf")
    story.put("big.vcf", b"big" * 40_000)
    story.batch()
    story.put("b.vcf", b"ben is back")
    story.batch()
    return story


def tell(replica: Replica, story: Story | None = None) -> Story:
    """Hand a story to `replica`; the short one where none is given."""
    story = story or short_story()
    story.tell_to(replica)
    return story


def more(story: Story, body: bytes = b"more") -> Story:
    """Tell one batch more."""
    story.put("more.vcf", body)
    story.batch()
    return story

"""A cell in memory that keeps the promises of ports.cell with the real rule book and fold.

Knobs: `unsure` (collections that cannot be proven now), `lost` (digests whose body is not to be
had now), `refuse` (an error that every submit raises), `unreadable` (what salvage says is missing),
`forget` (a journal that went back).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from strongroom.base.errors import FoldError, StrongroomError, UnsureError
from strongroom.history.decide import Overlay, Stamp, decide
from strongroom.history.directory import Directory
from strongroom.history.edits import OURSELVES, Edit, Origin, keys
from strongroom.history.entries import (
    OBJECT,
    UID,
    Entry,
    Head,
    Key,
    Member,
    Row,
    carrier,
    genesis_chain,
    genesis_head,
)
from strongroom.history.evidence import freeze_edit
from strongroom.history.fold import next_chain
from strongroom.ports.cell import Changes, Salvaged, Unreadable


class FakeCell:
    """One replica without a disk; every submit is a batch of its own."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.table: dict[Key, Row] = {}
        self.heads: dict[int, Head] = {}
        self.journal: dict[int, list[tuple[Entry, bytes]]] = {}
        self.blobs: dict[str, bytes] = {}
        self.batch = 0
        self.now_ms = 1_700_000_000_000
        self.reads = 0
        self.frozen: list[tuple[int, str, str, str]] = []
        self.unsure: set[int] = set()
        self.lost: set[str] = set()
        self.refuse: StrongroomError | None = None
        self.unreadable: list[Unreadable] = []

    def head(self, collection: int) -> Head:
        return self.heads.get(collection) or genesis_head(collection)

    def writable(self) -> bool:
        return self.refuse is None

    async def submit(self, edit: Edit, bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
        if self.refuse is not None:
            raise self.refuse
        view = Overlay({key: self._row(key) for key in keys(edit)}, self.heads)
        rows = decide(view, edit, Stamp(self.batch + 1, self.now_ms))
        self.batch += 1
        self.now_ms += 1
        for entry, line in zip(view.entries, view.lines, strict=True):
            lines = self.journal.setdefault(entry.collection, [])
            before = lines[-1][1] if lines else genesis_chain(entry.collection)
            lines.append((entry, next_chain(before, line)))
            row = view._rows.get(entry.key)
            if row is not None:
                self.table[entry.key] = row
                self.directory.take(row)
        self.heads.update(view.heads)
        self.blobs.update(bodies)
        return rows

    def _row(self, key: Key) -> Row | None:
        return carrier(self.table.values(), key) if key.kind == UID else self.table.get(key)

    async def row(self, key: Key) -> Member | None:
        return (await self.rows([key]))[0]

    async def rows(self, keys: Sequence[Key]) -> list[Member | None]:
        self.reads += 1
        self._check(*(key.collection for key in keys))
        found = [self._row(key) for key in keys]
        return [row if isinstance(row, Member) else None for row in found]

    async def fetch(self, keys: Sequence[Key]) -> list[tuple[Member, bytes | None] | None]:
        rows = await self.rows(keys)
        bodies = iter(await self.bodies([row.etag for row in rows if row is not None]))
        return [None if row is None else (row, next(bodies)) for row in rows]

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        self.reads += 1
        return [None if d in self.lost else self.blobs.get(d) for d in digests]

    async def listing(self, collection: int, kind: str) -> tuple[Head, tuple[Member, ...]]:
        self.reads += 1
        self._check(collection)
        rows = sorted(
            (
                row
                for key, row in self.table.items()
                if key.collection == collection and key.kind == kind and isinstance(row, Member)
            ),
            key=lambda row: row.href,
        )
        return self.head(collection), tuple(rows)

    async def changes(self, collection: int, after: int, chain: bytes, limit: int) -> Changes:
        self.reads += 1
        self._check(collection)
        head = self.head(collection)
        journal = self.journal.get(collection, [])
        known = {0: genesis_chain(collection), **{e.number: c for e, c in journal}}
        if after not in known or known[after][:8] != chain:
            raise FoldError(f"the journal of {collection} does not explain {after}")
        part = [(entry, link) for entry, link in journal if entry.number > after][:limit]
        upto, link = (part[-1][0].number, part[-1][1]) if part else (after, known[after])
        return Changes(tuple(entry for entry, _ in part), upto, link, upto != head.number)

    async def salvage(
        self, collection: int, after: str = ""
    ) -> AsyncIterator[Salvaged | Unreadable]:
        rows = [self.table[key] for key in sorted(self.table) if key.collection == collection]
        for row in rows:
            if isinstance(row, Member) and row.kind == OBJECT and row.href > after:
                body = None if row.etag in self.lost else self.blobs[row.etag]
                yield Salvaged(row, body)
        for gap in self.unreadable:
            yield gap

    async def freeze(
        self, home: int, scope: str, why: str, evidence: str, by: Origin = OURSELVES
    ) -> None:
        self.frozen.append((home, scope, why, evidence))
        device = self.directory.device(by.device)
        name = device.href if device else ""
        await self.submit(freeze_edit((home, scope), why, evidence, by, name), {})

    def saved(self) -> dict[str, Any]:
        """Give all that it holds, as a copy of its disks would."""
        return deepcopy(self.__dict__)

    def set_back(self, saved: dict[str, Any]) -> None:
        """Hold what was saved and nothing else, as a restore from an old copy does."""
        self.__dict__.update(deepcopy(saved))

    def forget(self, collection: int, number: int) -> None:
        """Go back to `number`, as a restore from an old copy would."""
        lines = [pair for pair in self.journal[collection] if pair[0].number <= number]
        self.journal[collection] = lines
        head = self.head(collection)
        chain = lines[-1][1] if lines else genesis_chain(collection)
        self.heads[collection] = head._replace(number=number, chain=chain)

    def _check(self, *collections: int) -> None:
        if self.unsure.intersection(collections):
            raise UnsureError

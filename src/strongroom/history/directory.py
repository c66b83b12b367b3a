"""The directory: all members that are not objects, folded in memory from committed entries.

It answers who may sign in, which path is which collection, and what is frozen, without asking a
disk; so trouble with a disk never looks like a wrong password or a missing book (I4). It is loaded
at opening from one replica, checked against the heads, and follows each committed batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from strongroom.base.errors import FoldError
from strongroom.history.entries import (
    ACCOUNT,
    CELL,
    COLLECTION,
    DEVICE,
    EVIDENCE,
    FREEZE,
    OBJECT,
    REPLICA,
    Head,
    Member,
    Row,
    genesis_head,
)
from strongroom.history.evidence import read_evidence
from strongroom.history.fold import member_hash


class Directory:
    """Members by (collection, kind, href); only the cell's and the homes'."""

    def __init__(self, members: Iterable[Member] = ()) -> None:
        """Fold `members` in; the caller checks with `verify`."""
        self._homes: dict[int, dict[tuple[str, str], Member]] = {}
        self._devices: dict[int, tuple[int, Member]] = {}
        for member in members:
            self.take(member)

    def take(self, row: Row) -> None:
        """Follow one committed row; objects are of no concern here."""
        if row.kind == OBJECT:
            return
        home = self._homes.setdefault(row.collection, {})
        if isinstance(row, Member):
            home[row.kind, row.href] = row
            if row.kind == DEVICE:
                self._devices[row.id] = (row.collection, row)
        else:
            home.pop((row.kind, row.href), None)
            self._devices.pop(row.id, None)

    def verify(self, heads: Mapping[int, Head]) -> None:
        """Hold every home, and the cell itself, against its committed head (I4).

        Raises:
            FoldError: a count or a sum disagrees; nothing of this directory may be served.
        """
        for collection in {CELL, *(m.id for m in self.accounts())}:
            head = heads.get(collection) or genesis_head(collection)
            members = self.members(collection)
            total = sum(member_hash(m) for m in members) % (1 << 256)
            if (len(members), total) != (head.members, head.sum):
                raise FoldError(f"members of collection {collection} disagree with its head")

    def members(self, collection: int, kind: str = "") -> list[Member]:
        """Give the members of a home (or of the cell), of one kind or all, by name."""
        home = self._homes.get(collection, {})
        return [home[key] for key in sorted(key for key in home if kind in {"", key[0]})]

    def get(self, collection: int, kind: str, href: str) -> Member | None:
        """Give one member."""
        return self._homes.get(collection, {}).get((kind, href))

    def accounts(self) -> list[Member]:
        """Give all accounts."""
        return self.members(CELL, ACCOUNT)

    def account(self, login: str) -> Member | None:
        """Give the account of that login; its id is its home."""
        return self.get(CELL, ACCOUNT, login)

    def collection(self, home: int, name: str) -> Member | None:
        """Give the collection of that name in a home."""
        return self.get(home, COLLECTION, name)

    def device(self, device: int) -> Member | None:
        """Give a device by its id."""
        found = self._devices.get(device)
        return found[1] if found else None

    def frozen(self, home: int, collection: int = 0) -> Member | None:
        """Give the freeze that covers an account, or one of its collections."""
        whole = self.get(home, FREEZE, "account")
        return whole or (self.get(home, FREEZE, str(collection)) if collection else None)

    def accepted(self, home: int, evidence: str) -> bool:
        """Say whether a thaw accepted this, or more of the same lost history (I5)."""
        if self.get(home, EVIDENCE, evidence) is not None:
            return True
        read = read_evidence(evidence)
        if read is None:
            return False
        accepted = (member.facts for member in self.members(home, EVIDENCE))
        return any(
            facts.get("collection") == read.collection and facts.get("to", 0) >= read.number
            for facts in accepted
        )

    def standings(self) -> dict[str, Member]:
        """Give the replicas by id; their facts hold `standing` and `incarnation`."""
        return {m.href: m for m in self.members(CELL, REPLICA)}

    def keys(self) -> dict[int, str]:
        """Give each home's token key, hex (I5)."""
        return {m.id: m.facts["key"] for m in self.accounts()}

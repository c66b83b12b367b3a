"""The last committed entries, so that a phone that was here lately is answered from memory.

A delta of one change is what nearly all syncs ask for, and a replica's page cache is cold after
each commit. What lies here is what the writer folded and a quorum confirmed by its votes; it is
given as a journal's part, and folded against the committed head like any other (I4). What lies not
here, or not wholly, is for a replica to tell. Bounded in entries and in bytes; the oldest go first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from strongroom.base.limits import RECENT_BYTES_MAX, RECENT_ENTRIES_MAX
from strongroom.history.entries import Batch, Head
from strongroom.history.fold import next_chain
from strongroom.ports.replica import Journal, Line


class Recent:
    """The ends of the journals that were written last."""

    def __init__(
        self, entries_max: int = RECENT_ENTRIES_MAX, bytes_max: int = RECENT_BYTES_MAX
    ) -> None:
        """Start with nothing."""
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._order: deque[int] = deque()  # the collection of each entry, the oldest first
        # Each begins with a line that was dropped, or with the head before its first line.
        self._journals: dict[int, deque[Line]] = {}

    def take(self, batch: Batch, before: Mapping[int, Head]) -> None:
        """Add a batch that was committed; `before` are the heads that it replaced."""
        for entry, line in zip(batch.entries, batch.lines, strict=True):
            collection = entry.collection
            journal = self._journals.get(collection)
            if journal is None:
                head = before[collection]
                journal = deque((Line(head.number, head.chain, b""),))
                self._journals[collection] = journal
            journal.append(Line(entry.number, next_chain(journal[-1].chain, line), line))
            self._order.append(collection)
            self._bytes += len(line)
        while len(self._order) > self._entries_max or self._bytes > self._bytes_max:
            self._drop()

    def _drop(self) -> None:
        collection = self._order.popleft()
        journal = self._journals[collection]
        journal.popleft()
        self._bytes -= len(journal[0].line)
        journal[0] = journal[0]._replace(line=b"")
        if len(journal) == 1:
            del self._journals[collection]

    def since(self, collection: int, after: int, limit: int) -> Journal | None:
        """Give all that follows number `after`; None where that is not here, or is too much."""
        lines: list[Line] = []
        for line in reversed(self._journals.get(collection, ())):
            if line.number <= after:
                lines.reverse()
                known = line.number == after
                return Journal(after, line.chain, tuple(lines)) if known else None
            if len(lines) == limit:
                return None
            lines.append(line)
        return None

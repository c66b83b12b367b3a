"""Rows of a calendar that tell too little time are told anew, by scrub, as an edit of the server.

All replicas hold such a row as it was acknowledged, so no copy could mend it; what is wrong is what
an older release made of the bytes, and these are as they were. The new entry has the same bytes,
names who wrote them last, and changes nothing that a person knows of; phones ask once more. It
happens only where the row is still the one that was looked at. Until it has happened the index
believes no row of that calendar, so no answer about a time is short meanwhile (I4).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from strongroom.base.errors import ClientError, StrongroomError
from strongroom.formats.calendarspan import told_in
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin, Restore, Seen, Wanted
from strongroom.history.entries import COLLECTION, Member
from strongroom.ports.cell import Cell
from strongroom.service.objects import TIME_RETOLD
from strongroom.service.spans import Spans

_ACCOUNTS: Final = 1000  # looked at in a few ms


class Retelling:
    """What one scrub of an open cell mends (upkeep.scrub.Times)."""

    def __init__(self, cell: Cell, spans: Spans, request: str) -> None:
        """Mend in `cell`; `spans` answers queries meanwhile; `request` is the id of the entries."""
        self._cell = cell
        self._spans = spans
        self._request = request
        self._homes: dict[int, int] | None = None  # of each collection that stood when first asked

    async def retell(self, rows: Sequence[tuple[Member, str]]) -> list[Member]:
        """Give rows of one calendar other data, each for itself.

        Returns:
            Those that stand as they were, for nothing can be written there now: it is frozen or
            was removed, there is no room, or no quorum. Another scrub will try again.
        """
        calendar = rows[0][0].collection
        if any(told_in(row.data).span for row, _ in rows):
            self._spans.doubt(calendar)  # what other rules told is not believed anyway
        if await self._may_not(calendar):
            return [row for row, _ in rows]
        edits = [self._edit(row, data) for row, data in rows]
        endings = await asyncio.gather(
            *(self._cell.submit(edit, {}) for edit in edits), return_exceptions=True
        )
        left = []
        for (row, _), ending in zip(rows, endings, strict=True):
            # Whoever wrote it meanwhile has had its time told by today's rules.
            if isinstance(ending, BaseException) and not isinstance(ending, ClientError):
                if not isinstance(ending, StrongroomError):
                    raise ending
                left.append(row)
        return left

    def trust(self, calendar: int) -> None:
        """Hear that no row of a calendar tells too little."""
        self._spans.trust(calendar)

    async def _may_not(self, calendar: int) -> bool:
        directory = self._cell.directory
        if self._homes is None:
            # Once for a scrub: calendars that were removed may be many, and accounts a million.
            self._homes = await _homes_in(directory)
        home = self._homes.get(calendar)
        return home is None or directory.frozen(home, calendar) is not None

    def _edit(self, row: Member, data: str) -> Restore:
        wanted = Wanted(row.key, row.id, row.etag, data, row.props)
        return Restore(
            (Seen(row.key, row.number),), (wanted,), Origin(row.by, self._request, TIME_RETOLD)
        )


async def _homes_in(directory: Directory) -> dict[int, int]:
    """Give the home of each collection that stands."""
    homes: dict[int, int] = {}
    for count, account in enumerate(directory.accounts(), 1):
        homes |= {one.id: account.id for one in directory.members(account.id, COLLECTION)}
        if count % _ACCOUNTS == 0:
            await asyncio.sleep(0)  # others get their turn
    return homes

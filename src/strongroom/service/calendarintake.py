"""Bringing a file of events, tasks and notes into the calendars that take them.

Each object goes to the calendar that an account has for its kind: that of the first ones that it
began with, where it still stands, else the first that takes it. Each of them is an import by
itself (intake), with all its promises; what fits nowhere is told.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.base.limits import INTAKE_EDITS
from strongroom.formats import FormatError
from strongroom.formats.calendarfile import cut
from strongroom.formats.cardstream import Piece
from strongroom.history.entries import COLLECTION, Member
from strongroom.ports.cell import Cell
from strongroom.service.access import find_collection
from strongroom.service.beginnings import begin, has_begun
from strongroom.service.collections import shown
from strongroom.service.content import components_of
from strongroom.service.intake import Intake, Outcome, Stream
from strongroom.service.kinds import CALENDAR

_ZONE: Final = b"VTIMEZONE"
_NONE: Final = "The account has no calendar. Make one, and run it again. Nothing was changed."
_NONE_YET: Final = (
    "The account has no calendars yet; an import makes them, a dry run does not. Run it without "
    "--dry-run; all of it would be new. Nothing was changed."
)


class _Given:
    """Objects that were cut from a stream, as a stream."""

    def __init__(self, pieces: list[Piece]) -> None:
        self._pieces = pieces

    def feed(self, _chunk: bytes, *, last: bool = False) -> Iterator[Piece]:
        """Give all of them."""
        del last
        yield from self._pieces


class CalendarIntake:
    """One import into all calendars of an account; used as an Intake is."""

    def __init__(
        self, cell: Cell, account: Member, make: Callable[[Member], Intake], *, dry: bool = False
    ) -> None:
        """Hold what it works on; `make` begins to bring into one calendar."""
        self._cell = cell
        self._account = account
        self._make = make
        self._dry = dry
        self._calendars: list[Member] = []  # those that an account begins with come first
        self._intakes: dict[int, Intake] = {}

    async def begin(self) -> None:
        """Look at which calendars there are; the first ones are made where none ever were.

        Raises:
            InvalidError: the account has no calendar.
            FrozenError, UnsureError: not now. In these cases nothing changed.
        """
        if not has_begun(self._account) and not self._dry:
            await begin(self._cell, self._account)
        found = shown(self._cell.directory.members(self._account.id, COLLECTION), CALENDAR)
        self._calendars = [
            await find_collection(self._cell, self._account.id, one.href)
            for one in sorted(found, key=lambda one: one.id)
        ]
        if not self._calendars:
            raise InvalidError(_NONE if has_begun(self._account) else _NONE_YET)

    async def feed(
        self, stream: Stream, chunk: bytes, *, last: bool = False
    ) -> AsyncIterator[list[Outcome]]:
        """Take a chunk of a stream, as `Intake.feed`; raises what that raises.

        Nothing is held back for an end: a UID alone says that two events are one.
        """
        pieces = _cut(stream, chunk, last)
        while part := list(islice(pieces, INTAKE_EDITS)):
            by_place: dict[int, list[Piece]] = defaultdict(list)
            for piece in part:
                by_place[self._place(piece)].append(piece)
            for place in sorted(by_place):
                intake = await self._intake(place)
                async for outcomes in intake.feed(_Given(by_place[place]), b""):
                    yield outcomes
            await asyncio.sleep(0)  # others get their turn

    async def _intake(self, place: int) -> Intake:
        if place not in self._intakes:
            intake = self._make(self._calendars[place])
            await intake.begin()
            self._intakes[place] = intake
        return self._intakes[place]

    def _place(self, piece: Piece) -> int:
        """Choose a calendar; the first one tells why what fits nowhere is not taken."""
        kind = _kind(piece.card)
        takes = (kind in components_of(one) for one in self._calendars)
        return next((place for place, fits in enumerate(takes) if fits), 0)


def _cut(stream: Stream, chunk: bytes, last: bool) -> Iterator[Piece]:
    try:
        yield from stream.feed(chunk, last=last)
    except FormatError as error:
        raise InvalidError(error.message) from error


def _kind(body: bytes) -> str:
    """Name the component that an object is about; "" = none that can be told."""
    try:
        names = [part.name for part in cut(body).parts if part.name != _ZONE]
    except FormatError:
        return ""
    return names[0].decode("ascii", "replace") if names else ""

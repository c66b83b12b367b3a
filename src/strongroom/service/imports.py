"""Imports that come page by page, and are remembered between two of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from strongroom.base.errors import InvalidError
from strongroom.base.limits import IMPORTS_MAX
from strongroom.service.intake import Outcome, Stream
from strongroom.service.kinds import Kind

_FORGOTTEN: Final = (
    "The server has forgotten this import, for it was started anew or runs too many. What came in "
    "stands; run the import again, and it goes on from there."
)


class Taker(Protocol):
    """Takes a stream in, as an Intake does."""

    async def begin(self) -> None:
        """Look at what stands."""

    def feed(
        self, stream: Stream, chunk: bytes, *, last: bool = False
    ) -> AsyncIterator[list[Outcome]]:
        """Take a chunk of a stream; give what became of what is whole by now."""


@dataclass(slots=True)
class Running:
    """An import between two of its pages."""

    make: Callable[[Kind], Awaitable[Taker]]  # into what takes objects of a kind
    takers: dict[Kind, Taker] = field(default_factory=dict)  # that have begun
    stream: Stream | None = None  # of the file that is being read

    async def taker(self, kind: Kind) -> Taker:
        """Give what takes a kind in; begun with the first file of it."""
        if kind not in self.takers:
            taker = await self.make(kind)
            await taker.begin()
            self.takers[kind] = taker
        return self.takers[kind]


@dataclass(slots=True)
class Imports:
    """The imports that are running; the one that was used longest ago is forgotten first."""

    _running: OrderedDict[str, Running] = field(default_factory=OrderedDict)
    _begun: int = 0

    def add(self, running: Running) -> str:
        """Keep one; give its number."""
        self._begun += 1
        self._running[str(self._begun)] = running
        if len(self._running) > IMPORTS_MAX:
            self._running.popitem(last=False)
        return str(self._begun)

    def get(self, number: str) -> Running:
        """Give one; raises InvalidError where it is not known any more."""
        if number not in self._running:
            raise InvalidError(_FORGOTTEN)
        self._running.move_to_end(number)
        return self._running[number]

    def forget(self, number: str) -> None:
        """Let one go."""
        self._running.pop(number, None)

"""Time, chance, the witness: what the world gives to the engines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol, TypeVar

from strongroom.history.entries import Head, Position

T = TypeVar("T")


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Give ms since 1970 UTC; may jump, so nothing is derived from differences of it."""


class Entropy(Protocol):
    """Gives chance."""

    def token(self, size: int) -> bytes:
        """Give `size` bytes that nobody can guess."""


class Lane(Protocol):
    """Runs blocking calls one after another: a thread, or the simulator's idea of one."""

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run `call` after those before it; its exceptions come out where it is awaited.

        Who will not wait any longer may end the future; the call itself goes on.
        """

    def close(self) -> None:
        """Take no more calls; end when the running one has ended."""


class Testimony(NamedTuple):
    """What the witness remembers: the last committed batch and every head it was told."""

    cell: str
    position: Position
    heads: dict[int, Head]
    keys: dict[int, str]  # home -> token key, hex (I5)


class Witness(Protocol):
    """A place outside the replicas that keeps committed heads (blocking calls)."""

    def recall(self) -> Testimony | None:
        """Give what was told last; None where there is no file. Torn last lines are dropped."""

    def tell(self, position: Position, heads: Iterable[Head], keys: dict[int, str]) -> None:
        """Append one fsynced line."""

    def rewrite(self, testimony: Testimony) -> None:
        """Replace the whole file, durable, by one rename."""

"""One configured replica directory, as the engine holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from strongroom.base import limits
from strongroom.base.errors import DamageError, OperatorError, UnavailableReplicaError
from strongroom.ports.replica import Absent, Probe, Replica
from strongroom.ports.world import Lane

T = TypeVar("T")


class FrozenCellError(OperatorError):
    """The cell cannot be opened without risk; nothing was changed and nothing is served."""

    code = "frozen-cell"
    hint = (
        "Nothing was lost by this. Bring the missing disks back, or see `strongroom replica list`."
    )


@dataclass(slots=True)
class Site:
    """A place, the replica in it, and the two lanes that its calls run on."""

    place: str  # the directory as configured, for people
    replica: Replica
    write: Lane
    read: Lane

    def writing(self, call: Callable[[Replica], T]) -> asyncio.Future[T]:
        """Run a call that changes the replica, after those before it."""
        return self.write.run(lambda: call(self.replica))

    def reading(self, call: Callable[[Replica], T]) -> asyncio.Future[T]:
        """Run a call that only reads."""
        return self.read.run(lambda: call(self.replica))

    async def told(self, call: Callable[[Replica], T]) -> T:
        """Read, and wait for a whole collection's time; then UnavailableReplicaError."""
        return await in_time(self.reading(call), limits.LISTING_SECONDS_MAX)

    async def probed(self) -> Probe:
        """Look at the place; one that hangs or raises is absent."""
        try:
            return await in_time(self.writing(lambda r: r.probe()), limits.LISTING_SECONDS_MAX)
        except DamageError as error:
            return Absent(f"{error}")


class Patient:
    """A site for long work: each call may take as long as a step of a copy, and not for ever."""

    def __init__(self, site: Site) -> None:
        """Run calls on the lanes of `site`."""
        self._site = site
        self.place = site.place

    async def reading(self, call: Callable[[Replica], T]) -> T:
        """Run a call that only reads; UnavailableReplicaError if it takes too long."""
        return await in_time(self._site.reading(call))

    async def writing(self, call: Callable[[Replica], T]) -> T:
        """Run a call that changes the replica; UnavailableReplicaError if it takes too long."""
        return await in_time(self._site.writing(call))


async def in_time(call: Awaitable[T], seconds: float = 0.0) -> T:
    """Wait for one call, of a copy where no time is given; UnavailableReplicaError if it is late.

    A disk that hangs must not be waited for, for ever; what runs there goes on.
    """
    try:
        async with asyncio.timeout(seconds or limits.COPY_STEP_SECONDS_MAX):
            return await call
    except TimeoutError:
        raise UnavailableReplicaError("it does not answer in time") from None

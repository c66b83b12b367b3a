"""One configured replica directory, as the engine holds it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from strongroom.base.errors import OperatorError
from strongroom.ports.replica import Replica
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

"""How many bytes of bodies each account has on its way: they are held until they are whole.

A client that sends large objects and never ends them would fill the memory otherwise. Small bodies
are bounded by the number of requests.
"""

from __future__ import annotations

from strongroom.base.errors import BusyError
from strongroom.base.limits import BODIES_HELD_BYTES_MAX, LARGE_BODY_BYTES


class Holding:
    """The large bodies that are on their way, by account."""

    def __init__(self) -> None:
        """Begin with none."""
        self._bytes: dict[int, int] = {}

    def grow(self, account: int, size: int, new_size: int) -> None:
        """Let a body of an account grow.

        Raises:
            BusyError: there would be too many bytes; it has not grown.
        """
        held = self._bytes.get(account, 0) + _counted(new_size) - _counted(size)
        if held > BODIES_HELD_BYTES_MAX:
            raise BusyError
        if held:
            self._bytes[account] = held

    def let_go(self, account: int, size: int) -> None:
        """Forget a body of so many bytes."""
        held = self._bytes.pop(account, 0) - _counted(size)
        if held > 0:
            self._bytes[account] = held


def _counted(size: int) -> int:
    return size if size > LARGE_BODY_BYTES else 0

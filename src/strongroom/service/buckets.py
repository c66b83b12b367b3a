"""A bucket: so much at once, and then so much an hour. In memory; pure but for what it holds."""

from __future__ import annotations

from typing import Final

_HOUR_SECONDS: Final = 3600.0


class Bucket:
    """Holds `capacity` at the beginning, and gets `an_hour` back in each hour."""

    __slots__ = ("_capacity", "_left", "_rate", "_then")

    def __init__(self, capacity: int, an_hour: int, now: float) -> None:
        """Begin full; `now` is any clock's seconds, the same clock's in all calls."""
        self._capacity = self._left = float(capacity)
        self._rate = an_hour / _HOUR_SECONDS
        self._then = now

    def take(self, now: float, amount: int = 1) -> bool:
        """Take `amount` if there is as much; says whether it was taken."""
        self._fill(now)
        if self._left < amount:
            return False
        self._left -= amount
        return True

    def is_full(self, now: float) -> bool:
        """Say whether nothing would be lost if this were forgotten and made anew."""
        self._fill(now)
        return self._left >= self._capacity

    def _fill(self, now: float) -> None:
        self._left = min(self._capacity, self._left + (now - self._then) * self._rate)
        self._then = now

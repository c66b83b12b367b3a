"""Chance that repeats itself, so that a test does too."""

from __future__ import annotations

from hashlib import sha256

from strongroom.stores.clock import SystemClock


class FakeEntropy:
    """Bytes from a counter."""

    def __init__(self, seed: int = 0) -> None:
        self.count = seed << 32

    def token(self, size: int) -> bytes:
        self.count += 1
        return sha256(str(self.count).encode()).digest()[:size]


class Later:
    """The machine's clock, set forward."""

    def __init__(self, by_ms: int = 0) -> None:
        self.by_ms = by_ms

    def now_ms(self) -> int:
        return SystemClock().now_ms() + self.by_ms

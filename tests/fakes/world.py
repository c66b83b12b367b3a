"""Chance that repeats itself, so that a test does too."""

from __future__ import annotations

from hashlib import sha256


class FakeEntropy:
    """Bytes from a counter."""

    def __init__(self, seed: int = 0) -> None:
        self.count = seed << 32

    def token(self, size: int) -> bytes:
        self.count += 1
        return sha256(str(self.count).encode()).digest()[:size]

"""The machine's own time and chance. Only compose hands these out."""

from __future__ import annotations

import os
import time


class SystemClock:
    """The wall clock; may jump."""

    def now_ms(self) -> int:
        """Give ms since 1970 UTC."""
        return time.time_ns() // 1_000_000  # noqa: TID251 - this is the Clock


class SystemEntropy:
    """The kernel's chance."""

    def token(self, size: int) -> bytes:
        """Give `size` bytes that nobody can guess."""
        return os.urandom(size)  # noqa: TID251 - this is the Entropy

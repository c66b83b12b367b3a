"""Strongroom, ending itself as by kill -9 at its n-th fsync: `die_at.py N serve --config FILE`.

Test only; it is the same program with a watcher below it (seam.py).
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from crash.seam import watched  # noqa: E402 - the path comes first
from strongroom.cli import main  # noqa: E402 - the path comes first

KILLED = 137


class Death:
    """Counts syncs and ends the process at one of them, before it is made."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._count = itertools.count(1)

    def _quietly(self, *what: object) -> None:
        """Let everything but syncs pass."""

    made = made_dir = wrote = cut = renamed = unlinked = _quietly

    def sync(self, path: str) -> bool:
        if next(self._count) >= self._number:
            os._exit(KILLED)
        return True

    sync_dir = sync


if __name__ == "__main__":
    with watched(Death(int(sys.argv[1]))):
        sys.exit(main(sys.argv[2:]))

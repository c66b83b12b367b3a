"""Strongroom on a disk that can hang: `hang.py FLAG PLACE SECONDS serve --config FILE`.

While the file FLAG exists, no call on the replica in the directory called PLACE returns. Test only;
it is the same program with a wait before the calls of its threads there, and with so little
patience.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from strongroom import compose  # noqa: E402 - the path comes first
from strongroom.base import limits  # noqa: E402 - the path comes first
from strongroom.cli import main  # noqa: E402 - the path comes first
from strongroom.stores.threads import ThreadLane  # noqa: E402 - the path comes first


def hang(flag: Path, place: str) -> None:
    """Let the lanes of `place` wait while `flag` is there."""
    run = ThreadLane.run

    def slowly(lane: ThreadLane, call: Callable[[], Any]) -> Any:
        def waiting() -> Any:
            while flag.exists():
                time.sleep(0.02)
            return call()

        return run(lane, waiting if lane._name.endswith(f" {place}") else call)

    ThreadLane.run = slowly  # type: ignore[assignment, method-assign]


if __name__ == "__main__":
    limits.SILENT_SECONDS_MAX = compose.CLOSE_SECONDS = float(sys.argv[3])  # type: ignore[misc]
    hang(Path(sys.argv[1]), sys.argv[2])
    sys.exit(main(sys.argv[4:]))

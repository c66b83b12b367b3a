"""The machine under the figures: its processor, and what its disk makes of an fsync.

The fsync figure is the physical limit of a PUT at one connection: no server that syncs before it
answers can be faster.
"""

import os
import platform
import time
from pathlib import Path
from statistics import median
from typing import Any

PROBES = 100


def _model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def fsync_ms(place: Path) -> float:
    """The median time of appending 4 KiB to a file and syncing it."""
    path = place / "fsync-probe"
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(PROBES):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    path.unlink()
    return median(took) * 1000


def describe(place: Path) -> dict[str, Any]:
    """What is worth knowing about this machine; `place` is on the disk that is measured."""
    return {
        "cpu": _model(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "fsync_ms": round(fsync_ms(place), 3),
        "load_before": round(os.getloadavg()[0], 2),
    }

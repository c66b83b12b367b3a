"""What was set aside in a replica's directory: counted for the status, deleted when asked for (I6).

Nothing reads it, and nothing but `drop` deletes it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

NAME: Final = "quarantine"


def count(root: Path, most: int) -> tuple[int, int]:
    """Give how many files are set aside below `root` and their bytes; stops at `most` files."""
    sizes = list(islice(_sizes(root / NAME), most))
    return len(sizes), sum(sizes)


def drop(root: Path) -> tuple[int, int]:
    """Delete for good what is set aside below `root`; gives how many files and bytes.

    Raises:
        OSError: it cannot be deleted now; a part of it may be gone.
    """
    sizes = list(_sizes(root / NAME))
    if sizes:
        shutil.rmtree(root / NAME)
    return len(sizes), sum(sizes)


def _sizes(folder: Path) -> Iterator[int]:
    for place, _, names in os.walk(folder):  # what cannot be read counts as nothing
        for name in names:
            try:
                yield os.lstat(Path(place) / name).st_size
            except OSError:
                continue

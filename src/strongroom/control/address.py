"""Where the control socket is, whatever the length of the path to it.

An address of a Unix socket holds 107 bytes. A longer path is reached through its folder's open
descriptor, so that a deep checkout works as any other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ADDRESS_BYTES_MAX: Final = 107


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """Give a name for `path` that fits into a socket address, valid inside the block."""
    if len(os.fsencode(path)) <= _ADDRESS_BYTES_MAX:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)

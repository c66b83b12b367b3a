"""One process at a time on a replica directory or on `data`.

The lock is `flock` on a file of its own, `DIR/lock`: it belongs to this open file, so neither a
stray open and close of a database file nor of the lock file itself drops it, and the kernel frees
it however the process ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final

from strongroom.base.errors import LockedError, SettingsError
from strongroom.stores.durable import Disk

NAME: Final = "lock"


class Locks:
    """Locks on some directories, held until `release`."""

    def __init__(self, disk: Disk | None = None) -> None:
        """Hold nothing yet."""
        self._disk = disk or Disk()
        self._held: dict[Path, int] = {}

    def take(self, directories: Iterable[Path]) -> None:
        """Lock all of them or none; one that is not there is left out.

        Raises:
            LockedError: another process holds one; it is named.
            SettingsError: two of the paths are one directory.
        """
        try:
            _refuse_twins(directories := list(directories))
            for directory in directories:
                if directory.is_dir():
                    self._take(directory)
        except BaseException:  # cleans up, then raises it again
            self.release()
            raise

    def _take(self, directory: Path) -> None:
        try:
            fd = self._disk.open_lock(directory / NAME)
        except OSError as error:
            # Read-only or failing: it can be read, and nobody else can write it either.
            fd = self._open_readable(directory, error)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise LockedError(f"another process works on {directory}") from error
        self._held[directory] = fd

    def _open_readable(self, directory: Path, error: OSError) -> int:
        try:
            return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            raise SettingsError(f"{directory} cannot be locked: {error.strerror}") from error

    def release(self) -> None:
        """Give all back."""
        for fd in self._held.values():
            os.close(fd)
        self._held.clear()

    def __enter__(self) -> Locks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _refuse_twins(directories: Iterable[Path]) -> None:
    seen: dict[tuple[int, int] | Path, Path] = {}
    for directory in directories:
        key: tuple[int, int] | Path
        try:
            found = directory.stat()
            key = (found.st_dev, found.st_ino)
        except OSError:
            key = Path(os.path.realpath(directory))
        if key in seen:
            raise SettingsError(f"{directory} and {seen[key]} are the same directory")
        seen[key] = directory

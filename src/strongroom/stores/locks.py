"""One process at a time on a replica directory or on `data`.

The lock is `flock` on a file of its own, `DIR/lock`: it belongs to this open file, so neither a
stray open and close of a database file nor of the lock file itself drops it, and the kernel frees
it however the process ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar

from strongroom.base.errors import (
    LockedError,
    OperatorError,
    SettingsError,
    UnavailableReplicaError,
)
from strongroom.stores.durable import Disk
from strongroom.stores.threads import ThreadLane

T = TypeVar("T")
NAME: Final = "lock"


class Locks:
    """Locks on some directories, held until `release`."""

    def __init__(self, disk: Disk | None = None) -> None:
        """Hold nothing yet."""
        self._disk = disk or Disk()
        self._held: dict[Path, int] = {}
        self._seen: dict[tuple[int, int] | Path, Path] = {}
        self._taking: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
        self._noting = threading.Lock()
        self._ended = False

    def take(self, directories: Iterable[Path]) -> None:
        """Lock all of them or none; one that is not there is left out.

        Raises:
            LockedError: another process holds one; it is named.
            SettingsError: two of the paths are one directory.
        """
        try:
            for directory in directories:
                self.take_one(directory)
        except BaseException:  # cleans up, then raises it again
            self.release()
            raise

    def holds(self, directory: Path) -> bool:
        """Say whether it is locked by this."""
        return directory in self._held

    def take_one(self, directory: Path, *, again: bool = False) -> None:
        """Lock one; it takes as long as its disk hangs, on any thread.

        Raises as `take` does; then all others stay locked. What comes behind `release` is not kept.
        `again`: it may be locked already.
        """
        with self._taking[directory]:
            if again and directory in self._held:
                return
            self._refuse_twin(directory)
            if directory.is_dir():
                self._keep(directory, self._locked(directory))

    def _keep(self, directory: Path, fd: int) -> None:
        with self._noting:
            if not self._ended:
                self._held[directory] = fd
                return
        os.close(fd)
        raise LockedError(f"{directory} answered after the end")

    def _locked(self, directory: Path) -> int:
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
        return fd

    def _open_readable(self, directory: Path, error: OSError) -> int:
        try:
            return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            raise SettingsError(f"{directory} cannot be locked: {error.strerror}") from error

    def _refuse_twin(self, directory: Path) -> None:
        key: tuple[int, int] | Path
        try:
            found = directory.stat()
            key = (found.st_dev, found.st_ino)
        except OSError:
            key = Path(os.path.realpath(directory))
        with self._noting:
            twin = self._seen.setdefault(key, directory)
            is_twin = twin != directory or directory in self._held
        if is_twin:
            raise SettingsError(f"{directory} and {twin} are the same directory")

    def release(self) -> None:
        """Give all back, for good."""
        with self._noting:
            self._ended = True
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


class LockedLane(ThreadLane):
    """Runs calls on a place once it is locked; until then it is not there."""

    def __init__(self, name: str, locks: Locks, place: Path) -> None:
        """Lock `place` with the first call, which takes as long as its disk hangs."""
        super().__init__(name)
        self._take = partial(locks.take_one, place, again=True)

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run `call` after those before it; UnavailableReplicaError where it cannot be locked."""

        def locked() -> T:
            try:
                self._take()
            except OperatorError as error:
                raise UnavailableReplicaError(f"{error}", rolled_back=True) from error
            return call()

        return super().run(locked)

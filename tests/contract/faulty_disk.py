"""Disks whose n-th input or output fails: one below SQLite, one below our own writes.

Both count on one `Fuse`, so that a sweep goes through every operation of a call in order.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw

from strongroom.stores.durable import Disk
from strongroom.stores.sqlite import vfs


class Fuse:
    """Counts operations; blows at number `at` (from 1), and with `stays` at each one after."""

    def __init__(self) -> None:
        self.count = 0
        self.at = 0
        self.stays = False
        self.full = False
        self.gone = False
        self.seen: list[str] = []

    def arm(self, at: int, *, full: bool = False, stays: bool = False, gone: bool = False) -> None:
        self.count, self.at, self.full, self.stays, self.gone = 0, at, full, stays, gone
        self.seen = []

    @property
    def blown(self) -> bool:
        return 0 < self.at <= self.count

    def burns(self, what: str) -> bool:
        self.count += 1
        self.seen.append(what)
        return self.count == self.at or (self.stays and self.blown)


FUSE = Fuse()


_CODES = {
    "write": apsw.SQLITE_IOERR_WRITE,
    "sync": apsw.SQLITE_IOERR_FSYNC,
    "truncate": apsw.SQLITE_IOERR_TRUNCATE,
    "read": apsw.SQLITE_IOERR_READ,
}


class FaultyFile(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int]) -> None:
        super().__init__("unix-excl", name, flags)

    def _pass(self, what: str) -> None:
        if FUSE.burns(f"sqlite {what}"):
            full = FUSE.full and what == "write"
            raise apsw.exception_for(apsw.SQLITE_FULL if full else _CODES[what])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw names it
        self._pass("write")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._pass("sync")
        super().xSync(flags)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        self._pass("truncate")
        super().xTruncate(size)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._pass("read")
        return super().xRead(amount, offset)


class FaultyVfs(apsw.VFS):
    def __init__(self) -> None:
        super().__init__("faulty", "unix-excl")

    def xOpen(self, name: Any, flags: list[int]) -> FaultyFile:  # noqa: N802
        return FaultyFile(name, flags)


@contextmanager
def faulty_sqlite() -> Iterator[Fuse]:
    """Put the faulty VFS below the checksums; no catalog may be open before and after."""
    faulty = FaultyVfs()
    vfs.install("faulty")
    try:
        yield FUSE
    finally:
        vfs.install()
        faulty.unregister()


class CountingDisk(Disk):
    """The real disk; counts what is asked of it, and fails where the fuse blows."""

    def __init__(self, fuse: Fuse | None = None) -> None:
        self.fuse = fuse or Fuse()
        self.synced: list[str] = []
        self._names: dict[int, str] = {}

    def _pass(self, what: str) -> None:
        if self.fuse.burns(what):
            code = errno.ENOSPC if self.fuse.full and what in {"write", "open"} else errno.EIO
            if self.fuse.gone:
                code = errno.ENOENT
            raise OSError(code, os.strerror(code))

    def open(self, path: Path, flags: int) -> int:
        self._pass("open")
        fd = super().open(path, flags)
        self._names[fd] = path.name
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._pass("write")
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self._pass("fsync")
        super().fsync(fd)
        self.synced.append(self._names[fd])

    def rename(self, source: Path, target: Path) -> None:
        self._pass("rename")
        super().rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._pass("link")
        super().link(source, target)

    def mkdir(self, path: Path) -> None:
        self._pass("mkdir")
        super().mkdir(path)

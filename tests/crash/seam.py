"""Puts a watcher below everything that Strongroom writes: the `Disk` seam and a SQLite VFS.

Test only. The watcher hears each change in the order in which it happens, and may end the process
or withhold a sync; it does not change what is written.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import apsw

from strongroom.stores import durable
from strongroom.stores.sqlite import vfs

VFS = "watched"
_JOURNALS = apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL


class Watcher(Protocol):
    """Hears of changes; `sync` says whether the real one is to be made."""

    def made(self, path: str) -> None:
        """A file is new."""

    def made_dir(self, path: str) -> None:
        """A directory is new."""

    def wrote(self, path: str, offset: int, data: bytes) -> None:
        """Bytes were written."""

    def cut(self, path: str, size: int) -> None:
        """A file was truncated."""

    def renamed(self, source: str, target: str) -> None:
        """A name was given in another's place."""

    def unlinked(self, path: str) -> None:
        """A name is gone."""

    def sync(self, path: str) -> bool:
        """A file is being made durable."""

    def sync_dir(self, path: str) -> bool:
        """The names in a directory are being made durable."""


class WatchedDisk(durable.Disk):
    """The system calls of stores/durable.py, watched."""

    watcher: Watcher

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}
        self._offsets: dict[int, int] = {}
        self._lock = threading.Lock()

    def open(self, path: Path, flags: int) -> int:
        existed = path.exists()
        fd = super().open(path, flags)
        with self._lock:
            self._paths[fd] = str(path)
            self._offsets[fd] = os.fstat(fd).st_size if flags & os.O_APPEND else 0
        if not existed:
            self.watcher.made(str(path))
        elif flags & os.O_TRUNC:
            self.watcher.cut(str(path), 0)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        done = super().write(fd, data)
        with self._lock:
            path, offset = self._paths[fd], self._offsets[fd]
            self._offsets[fd] = offset + done
        self.watcher.wrote(path, offset, bytes(data[:done]))
        return done

    def fsync(self, fd: int) -> None:
        path = self._paths[fd]
        tell = self.watcher.sync_dir if Path(path).is_dir() else self.watcher.sync
        if tell(path):
            super().fsync(fd)

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.watcher.renamed(str(source), str(target))

    def mkdir(self, path: Path) -> None:
        super().mkdir(path)
        self.watcher.made_dir(str(path))

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.watcher.unlinked(str(path))


class WatchedFile(apsw.VFSFile):
    """One database file or WAL, watched."""

    def __init__(self, watcher: Watcher, name: Any, flags: list[int]) -> None:
        self._watcher = watcher
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        is_new = not Path(self._path).exists()
        super().__init__("unix-excl", name, flags)
        # SQLite syncs the directory of a journal that it made, with that journal's first sync.
        self._is_new_journal = is_new and bool(flags[0] & _JOURNALS)
        if is_new:
            watcher.made(self._path)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        super().xWrite(data, offset)
        self._watcher.wrote(self._path, offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802 - apsw's name
        super().xTruncate(size)
        self._watcher.cut(self._path, size)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
        if self._watcher.sync(self._path):
            super().xSync(flags)
        if self._is_new_journal:
            self._is_new_journal = False
            self._watcher.sync_dir(str(Path(self._path).parent))


class WatchedVFS(apsw.VFS):
    """`unix-excl`, watched; the page checksums stand on it as they do in the server."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        super().__init__(VFS, "unix-excl")

    def xOpen(self, name: Any, flags: list[int]) -> WatchedFile:  # noqa: N802 - apsw's name
        return WatchedFile(self._watcher, name, flags)

    def xDelete(self, name: str, sync_dir: bool) -> None:  # noqa: N802 - apsw's name
        super().xDelete(name, sync_dir)
        self._watcher.unlinked(name)
        if sync_dir:
            self._watcher.sync_dir(str(Path(name).parent))


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Watch all that this process writes through Strongroom, within the block."""
    plain = durable.Disk
    below = WatchedVFS(watcher)
    durable.Disk = type("Watched", (WatchedDisk,), {"watcher": watcher})  # type: ignore[misc]
    vfs.install(VFS)
    try:
        yield
    finally:
        durable.Disk = plain  # type: ignore[misc]
        vfs.install()
        below.unregister()

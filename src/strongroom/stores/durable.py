"""The only place that opens files for writing, fsyncs and renames.

Rules (I1): a new file is written beside, fsynced, renamed, and its directory fsynced; after a
failed fsync nothing is tried again, since the kernel has dropped the dirty pages and a second fsync
would lie. A full, read-only or vanished disk is `UnavailableReplicaError` (behind), anything else
is `BrokenReplicaError` (doubtful). Reading is free everywhere, except of a database file that is
open: a stray open and close of it would drop SQLite's locks.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError

T = TypeVar("T")

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
STARVED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})  # says nothing of a disk
_VANISHED: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN}
)


class Disk:
    """The system calls used here, one method each, so that a test can make the n-th one fail."""

    def open(self, path: Path, flags: int) -> int:
        """Open or create a file (0600) and give its descriptor."""
        return os.open(path, flags | os.O_CLOEXEC, 0o600)

    def open_lock(self, path: Path) -> int:
        """Open a file that is only ever locked, making it where it is missing."""
        return self.open(path, os.O_RDWR | os.O_CREAT)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some bytes and say how many."""
        return os.write(fd, data)

    def fsync(self, fd: int) -> None:
        """Make a file or a directory durable."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file another name, taking the place of what is there."""
        os.rename(source, target)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name."""
        os.link(source, target)

    def mkdir(self, path: Path) -> None:
        """Make one directory (0700)."""
        path.mkdir(0o700)

    def unlink(self, path: Path) -> None:
        """Remove one name."""
        path.unlink()

    def rmdir(self, path: Path) -> None:
        """Remove one empty directory."""
        path.rmdir()


def translated(error: OSError, doing: str) -> UnavailableReplicaError | BrokenReplicaError:
    """Say what a system call's failure means for the replica it happened to."""
    text = f"{doing}: {error.strerror or error}"
    if error.errno in _FULL | _READ_ONLY | _VANISHED | STARVED:
        return UnavailableReplicaError(text, rolled_back=True)
    return BrokenReplicaError(text)


class Durable:
    """Writes that are on stable storage when a method returns."""

    def __init__(self, disk: Disk | None = None) -> None:
        """Work on `disk`; the real one where none is given."""
        self._disk = disk or Disk()

    def write_new(self, path: Path, data: bytes) -> None:
        """Make a file of these bytes; nobody sees it half-written. An old one is replaced."""
        self.replace(path, data)

    def replace(self, path: Path, data: bytes, aside: Path | None = None) -> None:
        """Put these bytes in a file's place by one rename; the old file is kept as `aside`."""
        beside = path.with_name(f".{path.name}.new")
        self._write_beside(beside, data)
        if aside is not None:
            self._keep(path, aside)
        self._try(f"rename {path}", lambda: self._disk.rename(beside, path))
        self.sync_dir(path.parent)

    def _keep(self, path: Path, aside: Path) -> None:
        try:
            self._disk.link(path, aside)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise translated(error, f"keep {path}") from error
            self._try(f"rename {path}", lambda: self._disk.rename(path, aside))
        self.sync_dir(aside.parent)

    def create(self, path: Path, data: bytes) -> None:
        """Make a file of these bytes where nothing is; one that cannot be finished is removed.

        It is written in its place, not beside: it may lie on a medium that has no hard links.

        Raises:
            FileExistsError: something of that name is there; it is untouched.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        try:
            fd = self._disk.open(path, flags)
        except FileExistsError:
            raise
        except OSError as error:
            raise translated(error, f"create {path}") from error
        try:
            self._fill(fd, data, path)
        except BaseException:  # cleans up, then raises it again
            with suppress(OSError):
                self._disk.unlink(path)
            raise
        self.sync_dir(path.parent)

    def _write_beside(self, beside: Path, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        fd = self._try(f"create {beside}", lambda: self._disk.open(beside, flags))
        self._fill(fd, data, beside)

    def _fill(self, fd: int, data: bytes, path: Path) -> None:
        try:
            self._write_all(fd, data, path)
            self._fsync(fd, path)
        finally:
            self._disk.close(fd)

    def open_draft(self, path: Path) -> int:
        """Make a new file for `write`; nobody relies on it before it is fsynced and renamed."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        return self._try(f"create {path}", lambda: self._disk.open(path, flags))

    def write(self, fd: int, path: Path, data: bytes) -> None:
        """Add bytes to a draft; they are durable after `sync_content`."""
        self._write_all(fd, data, path)

    def make_draft_dir(self, path: Path) -> None:
        """Make a new directory (0700) for drafts; durable once its parent is fsynced."""
        self._try(f"make {path}", lambda: self._disk.mkdir(path))

    def open_append(self, path: Path) -> int:
        """Open a file for `append_line`, made durable where it is new; the caller closes it."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        fd = self._try(f"open {path}", lambda: self._disk.open(path, flags))
        self.sync_dir(path.parent)
        return fd

    def append_line(self, fd: int, path: Path, line: bytes) -> None:
        """Append one line (its line feed is added) and fsync."""
        assert b"\n" not in line
        self._write_all(fd, line + b"\n", path)
        self._fsync(fd, path)

    def close(self, fd: int) -> None:
        """Close what `open_append` gave."""
        self._disk.close(fd)

    def move(self, source: Path, target: Path) -> None:
        """Give a file or directory another name; both parents are fsynced."""
        self.move_unsynced(source, target)
        self.sync_dir(target.parent)
        if source.parent != target.parent:
            self.sync_dir(source.parent)

    def remove(self, path: Path) -> None:
        """Remove one file; its directory is fsynced."""
        self._try(f"remove {path}", lambda: self._disk.unlink(path))
        self.sync_dir(path.parent)

    def remove_dir(self, path: Path) -> None:
        """Remove one empty directory; its parent is fsynced."""
        self._try(f"remove {path}", lambda: self._disk.rmdir(path))
        self.sync_dir(path.parent)

    def move_unsynced(self, source: Path, target: Path) -> None:
        """Give a file or directory another name; durable once the directory is fsynced."""
        self._try(f"rename {source}", lambda: self._disk.rename(source, target))

    def sync_file(self, path: Path) -> None:
        """Fsync a file that somebody may have left unsynced (I1), and its name."""
        self.sync_content(path)
        self.sync_dir(path.parent)

    def sync_content(self, path: Path) -> None:
        """Fsync a file, not its name."""
        fd = self._try(f"open {path}", lambda: self._disk.open(path, os.O_RDONLY))
        try:
            self._fsync(fd, path)
        finally:
            self._disk.close(fd)

    def sync_dir(self, path: Path) -> None:
        """Fsync a directory."""
        flags = os.O_RDONLY | os.O_DIRECTORY
        fd = self._try(f"open {path}", lambda: self._disk.open(path, flags))
        try:
            self._fsync(fd, path)
        finally:
            self._disk.close(fd)

    def make_dirs(self, path: Path) -> None:
        """Make a directory and those above it that are missing; each is fsynced in its parent."""
        if path.is_dir():
            return
        self.make_dirs(path.parent)
        self.make_dir(path)

    def make_dir(self, path: Path) -> None:
        """Make one directory, which may be there already; its parent must be."""
        try:
            self._disk.mkdir(path)
        except FileExistsError:
            pass
        except OSError as error:
            raise translated(error, f"make {path}") from error
        self.sync_dir(path.parent)

    def _write_all(self, fd: int, data: bytes, path: Path) -> None:
        rest = memoryview(data)
        while rest:
            done = self._try(f"write {path}", partial(self._disk.write, fd, rest))
            rest = rest[done:]

    def _fsync(self, fd: int, path: Path) -> None:
        try:
            self._disk.fsync(fd)
        except OSError as error:
            raise BrokenReplicaError(f"fsync {path}: {error.strerror or error}") from error

    def _try(self, doing: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except OSError as error:
            raise translated(error, doing) from error

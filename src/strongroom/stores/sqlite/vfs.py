"""Opening catalog files: page checksums on, other processes out.

`cksmvfs` ships with apsw and stacks on whatever is the default VFS when it is loaded; here that is
`unix-excl`, which locks a file for as long as it is open and keeps the WAL index in memory.
Connections name their VFS always. A test may put a fault-injecting VFS below instead.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import apsw
import apsw.sqlite_extra

from strongroom.base.errors import SettingsError

NAME: Final = "cksmvfs"
_LOOKING: Final = "strongroom-looking"
RESERVED_BYTES: Final = 8  # per page, for its checksum
OLDEST: Final = (3, 51, 3)  # before it two connections could corrupt a WAL that is being restarted


class _Stack:
    """Which VFS the checksums stand on in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.base = ""
        self.looking: apsw.VFS | None = None  # SQLite knows it for as long as it is held


_STACK: Final = _Stack()


def install(base: str = "unix-excl") -> None:
    """Stack the checksum VFS on `base`, once; on another `base` only with no catalog open."""
    with _STACK.lock:
        if _STACK.base == base:
            return
        version = apsw.sqlite_lib_version()
        if tuple(map(int, version.split(".")[:3])) < OLDEST:
            raise SettingsError(f"SQLite {version} is too old: need {OLDEST}")
        if NAME in apsw.vfs_names():
            apsw.unregister_vfs(NAME)
        apsw.set_default_vfs(base)
        loader = apsw.Connection(":memory:", vfs="unix")
        apsw.sqlite_extra.load(loader, "cksumvfs")
        loader.close()
        apsw.set_default_vfs("unix")
        _STACK.base = base


def connect(path: Path, *, create: bool = False) -> apsw.Connection:
    """Open a catalog file; raises apsw.Error. Only `create` makes one."""
    if not _STACK.base:
        install()
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    return _connect(str(path), flags)


def look(path: Path) -> apsw.Connection:
    """Open a catalog file so that no file is changed, made or removed; raises apsw.Error.

    Whoever looks holds the directory's lock, so nobody else changes it meanwhile. A catalog that
    was closed well has no WAL, and SQLite would make one. Where there is one, SQLite would keep its
    index in a file beside, unless it has the catalog for itself; a file that is open for reading
    only cannot be locked so, nor needs to be.
    """
    if not _STACK.base:
        install()
    if not path.with_name(f"{path.name}-wal").exists():
        uri = f"{path.absolute().as_uri()}?immutable=1"
        return _connect(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    with _STACK.lock:
        _STACK.looking = _STACK.looking or _LookingVFS(_LOOKING, NAME)
    connection = _connect(str(path), apsw.SQLITE_OPEN_READONLY, _LOOKING)
    connection.pragma("locking_mode", "exclusive")
    return connection


class _LookingFile(apsw.VFSFile):
    """A file that is open for reading only, and that nobody else writes."""

    def xLock(self, level: int) -> None:  # noqa: N802 - SQLite's name
        """Need none."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """Have none."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        """Nobody writes."""
        return False


class _LookingVFS(apsw.VFS):
    """The VFS of the checksums, for reading only whatever SQLite asks for."""

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open the catalog and its WAL for reading only; makes neither."""
        writing = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        if flags[0] & (apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL):
            flags[0] = flags[0] & ~writing | apsw.SQLITE_OPEN_READONLY
        return _LookingFile(NAME, name, flags)


def _connect(name: str, flags: int, vfs: str = NAME) -> apsw.Connection:
    connection = apsw.Connection(name, flags=flags, vfs=vfs, statementcachesize=64)
    connection.set_busy_timeout(1000)
    return connection

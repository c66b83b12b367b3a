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
RESERVED_BYTES: Final = 8  # per page, for its checksum
OLDEST: Final = (3, 51, 3)  # before it two connections could corrupt a WAL that is being restarted


class _Stack:
    """Which VFS the checksums stand on in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.base = ""


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
    """Open a catalog file so that no file changes, not even the WAL at the end; raises apsw.Error.

    Whoever looks holds the directory's lock, so nothing changes it meanwhile either. A catalog that
    was closed well has no WAL, and opening it as ever would make one.
    """
    if not _STACK.base:
        install()
    if not path.with_name(f"{path.name}-wal").exists():
        uri = f"{path.absolute().as_uri()}?immutable=1"
        return _connect(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    # Not read-only: SQLite would then keep the WAL's index in a file beside.
    connection = _connect(str(path), apsw.SQLITE_OPEN_READWRITE)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.pragma("query_only", 1)
    return connection


def _connect(name: str, flags: int) -> apsw.Connection:
    connection = apsw.Connection(name, flags=flags, vfs=NAME, statementcachesize=64)
    connection.set_busy_timeout(1000)
    return connection

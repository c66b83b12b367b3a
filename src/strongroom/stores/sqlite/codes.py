"""What SQLite's result codes mean for a replica's standing; one table.

FULL, READONLY, CANTOPEN, BUSY: no vote now. IOERR, CORRUPT, NOTADB and what nobody foresaw: its
word is worth nothing. An error from COMMIT may leave the batch held.
"""

from __future__ import annotations

import errno
from typing import Final

import apsw

from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError

_PRIMARY: Final = 0xFF

NO_VOTE: Final = frozenset(
    {
        apsw.SQLITE_FULL,
        apsw.SQLITE_READONLY,
        apsw.SQLITE_CANTOPEN,
        apsw.SQLITE_BUSY,
        apsw.SQLITE_LOCKED,
        apsw.SQLITE_PERM,
        apsw.SQLITE_NOMEM,
    }
)
BROKEN: Final = frozenset(
    {apsw.SQLITE_IOERR, apsw.SQLITE_CORRUPT, apsw.SQLITE_NOTADB, apsw.SQLITE_PROTOCOL}
)
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})

Verdict = UnavailableReplicaError | BrokenReplicaError


def primary(error: apsw.Error) -> int:
    """Give the primary result code; -1 for errors of apsw's own."""
    return int(getattr(error, "result", -1)) & _PRIMARY if hasattr(error, "result") else -1


def extended(error: apsw.Error) -> int:
    """Give the extended result code; -1 for errors of apsw's own."""
    return int(getattr(error, "extendedresult", -1))


def is_bad_page(error: apsw.Error) -> bool:
    """Say whether a page was read and is not what it was when written."""
    return extended(error) == apsw.SQLITE_IOERR_DATA or primary(error) in {
        apsw.SQLITE_CORRUPT,
        apsw.SQLITE_NOTADB,
    }


def words(error: apsw.Error) -> str:
    """Say what SQLite says, and what it means where its words hide that."""
    bad = extended(error) == apsw.SQLITE_IOERR_DATA
    meant = " (the checksum of a page is wrong)" if bad else ""
    return f"{type(error).__name__}: {error}{meant}"


def _no_room(error: apsw.Error, system: int) -> bool:
    # A quota or a remount to read-only comes out as a failed write; a failed fsync never passes.
    return extended(error) == apsw.SQLITE_IOERR_WRITE and system in _NO_ROOM


def verdict(error: apsw.Error, doing: str, system: int = 0) -> Verdict:
    """Judge an error from anything but COMMIT; nothing was committed."""
    text = f"{doing}: {words(error)}"
    if primary(error) in NO_VOTE or _no_room(error, system):
        return UnavailableReplicaError(text, rolled_back=True)
    return BrokenReplicaError(text)


def verdict_of_commit(error: apsw.Error, system: int = 0) -> Verdict:
    """Judge an error from COMMIT: the batch may be held."""
    text = f"commit: {words(error)}"
    if primary(error) == apsw.SQLITE_FULL or _no_room(error, system):
        return UnavailableReplicaError(text, rolled_back=False)
    return BrokenReplicaError(text)


def is_fault_of_statement(error: apsw.Error) -> bool:
    """Say whether an entry's own statement is to blame, and not the replica (I9)."""
    return primary(error) not in NO_VOTE | BROKEN | {-1, apsw.SQLITE_INTERRUPT}

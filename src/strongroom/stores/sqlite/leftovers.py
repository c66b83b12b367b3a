"""What a copy that was never finished left behind: told by its mark from a replica, and removed.

A copy carries the mark from before its catalog is made until its marker has taken over for good; it
loses it before it is counted. So what has it was never a voter and proves nothing. Without this a
disk that is nearly full, or whose marker cannot be replaced, would fill with what is left of each
try. What has no mark, or holds anything else, is left to its owner.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError
from strongroom.ports.replica import Identity
from strongroom.stores import marker
from strongroom.stores.durable import Durable, translated
from strongroom.stores.marker import Marker
from strongroom.stores.sqlite.schema import FILE

MARK: Final = "unfinished.json"  # holds what the marker shall say
_OURS: Final = frozenset({MARK, FILE, *(f"{FILE}-{part}" for part in ("wal", "shm", "journal"))})


def clear(root: Path, held: Marker, durable: Durable) -> None:
    """Delete the unfinished copies beside the replica `held` in `root`.

    Raises:
        DamageError: one could not be looked at or deleted; it can be done again.
    """
    try:
        for folder in sorted(root.glob(marker.folder_of("*"))):
            if folder.name != held.folder and _is_unfinished(folder, held.identity):
                _remove(folder, durable)
    except OSError as error:
        raise translated(error, f"look for unfinished copies in {root}") from error


def take_over(root: Path, copy: Marker, old: bytes, durable: Durable) -> None:
    """Let the marker of `root` name `copy` in place of what `old` names, and it be no leftover.

    Raises:
        UnavailableReplicaError: nothing happened.
        BrokenReplicaError: after a power cut the marker may name the one or the other.
    """
    try:
        durable.replace(root / marker.NAME, copy.encode())
        unmark(root / copy.folder, durable)
    except UnavailableReplicaError as error:
        if _has(root, old):
            raise
        raise BrokenReplicaError(str(error)) from error


def _has(root: Path, raw: bytes) -> bool:
    """Say whether the marker surely has these bytes."""
    try:
        return marker.read(root) == raw
    except OSError:
        return False


def unmark(folder: Path, durable: Durable) -> None:
    """Let what lies in `folder` be a replica from now on; it is never removed any more.

    Raises:
        DamageError: it may still have its mark, and must not be counted.
    """
    mark = folder / MARK
    try:
        is_there = mark.exists()
    except OSError as error:
        raise translated(error, f"look for {mark}") from error
    if is_there:
        durable.remove(mark)


def _is_unfinished(folder: Path, owner: Identity) -> bool:
    """Say whether all that is in `folder` is of a copy of `owner` that never took over.

    So is a folder with nothing in it: a replica has a catalog.
    """
    if folder.is_symlink() or not folder.is_dir():
        return False
    names = {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    if not names:
        return True
    if MARK not in names or not names <= _OURS:
        return False
    try:
        copy = marker.decode((folder / MARK).read_bytes())
    except ValueError:
        return False
    same = (copy.identity.cell, copy.identity.replica) == (owner.cell, owner.replica)
    return same and copy.folder == folder.name


def _remove(folder: Path, durable: Durable) -> None:
    # The mark goes last: what is left of a try that ends half-way is still known.
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name == MARK):
        durable.remove(entry)
    durable.remove_dir(folder)

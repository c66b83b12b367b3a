"""What a copy that was never finished left behind: told by its mark from a replica, and removed.

A copy carries the mark from before its catalog is made until the moment that its marker takes over,
so what has it was never a voter and proves nothing. Without this a disk that is nearly full would
fill with what is left of each try. What has no mark, or holds anything else, is left to its owner.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

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

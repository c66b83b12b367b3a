"""The identity check: is the directory still the one that was opened (DESIGN "Standing").

Open handles of an unmounted disk still write, so it is made after each commit and before the vote.
"""

from __future__ import annotations

import os
from pathlib import Path

from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError
from strongroom.stores import marker
from strongroom.stores.sqlite.schema import FILE


class OtherReplicaError(BrokenReplicaError):
    """Something else lies here; what was opened may be good, and may come back."""


class Anchor:
    """What an opening found: the marker's bytes, the device, the catalog file."""

    def __init__(self, root: Path, folder: str, expected: bytes) -> None:
        """Look at `root` once; raises OSError where the catalog is not there."""
        self._root = str(root)
        self._expected = expected
        self.catalog = root / folder / FILE
        self.wal = root / folder / f"{FILE}-wal"
        self._path = str(self.catalog)
        self._marker = str(root / marker.NAME)
        self.device = os.stat(root).st_dev
        self._inode = os.stat(self._path).st_ino

    def expect(self, raw: bytes) -> None:
        """From now on the marker must have these bytes."""
        self._expected = raw

    def holds(self, raw: bytes) -> bool:
        """Say whether what lies there now is what was opened, given the marker's bytes."""
        try:
            self.check()
        except (BrokenReplicaError, UnavailableReplicaError):
            return False
        return raw == self._expected

    def check(self) -> None:
        """Compare; a batch may have been committed before.

        Raises:
            UnavailableReplicaError: the marker or the catalog is not there: vanished.
            OtherReplicaError: another marker, device or catalog is.
        """
        try:
            raw = self._read_marker()
            device = os.stat(self._root).st_dev
            inode = os.stat(self._path).st_ino
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnavailableReplicaError(f"vanished: {error}") from error
        except OSError as error:
            raise BrokenReplicaError(f"the marker cannot be read: {error}") from error
        if raw != self._expected:
            raise OtherReplicaError("another marker lies here")
        if (device, inode) != (self.device, self._inode):
            raise OtherReplicaError("another device or catalog lies here")

    def _read_marker(self) -> bytes:
        fd = os.open(self._marker, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 4096)
        finally:
            os.close(fd)

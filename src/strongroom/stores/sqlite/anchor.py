"""The identity check: is the directory still the one that was opened (DESIGN "Standing").

Open handles of an unmounted disk still write, so it is made after each commit and before the vote.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError
from strongroom.stores import marker
from strongroom.stores.durable import STARVED, translated
from strongroom.stores.sqlite.schema import FILE

# One entry for each disk that the kernel has. A disk that is pulled out leaves at once, while what
# was mounted from it answers from memory as if nothing had happened.
DISKS: Final = Path("/sys/dev/block")
# One line for each mount. After an error ext4 says there that it takes no writes (since Linux 6.15;
# before that by its read-only flag), while all that was read goes on to be answered from memory.
MOUNTS: Final = Path("/proc/self/mountinfo")
_STOPPED: Final = frozenset({"emergency_ro", "shutdown"})


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
        self._number = f"{os.major(self.device)}:{os.minor(self.device)}"
        entry = DISKS / self._number
        self._disk = str(entry) if entry.exists() else ""  # a network drive has none

    def wal_bytes(self) -> int:
        """Say how large the WAL is; 0 where there is none."""
        try:
            return self.wal.stat().st_size
        except OSError:
            return 0

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
            UnavailableReplicaError: the disk, the marker or the catalog is not there: vanished.
            OtherReplicaError: another marker, device or catalog is.
        """
        try:
            raw = self._read_marker()
            device = os.stat(self._root).st_dev
            inode = os.stat(self._path).st_ino
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UnavailableReplicaError(f"vanished: {error.filename} is not there") from error
        except OSError as error:
            self._refuse_pulled_out()
            text = f"the marker cannot be read: {error.strerror or error}"
            if error.errno in STARVED:
                raise UnavailableReplicaError(text) from error
            raise BrokenReplicaError(text) from error
        if raw != self._expected:
            raise OtherReplicaError("another marker lies here")
        if (device, inode) != (self.device, self._inode):
            raise OtherReplicaError("another device or catalog lies here")

    def room(self) -> int:
        """Say how much room the medium has, in bytes.

        Raises:
            UnavailableReplicaError: it is not there, or takes no writes.
            BrokenReplicaError: the system does not tell.
        """
        self._refuse_pulled_out()
        try:
            found = os.statvfs(self._root)
            stopped = self._disk and _is_stopped(self._number, MOUNTS.read_text())
        except OSError as error:
            raise translated(error, f"look at {self._root}") from error
        if found.f_flag & os.ST_RDONLY or stopped:
            raise UnavailableReplicaError("its file system takes no writes; see the system's log")
        return found.f_bavail * found.f_frsize

    def _refuse_pulled_out(self) -> None:
        if self._disk and not os.path.lexists(self._disk):
            raise UnavailableReplicaError("vanished: the disk was pulled out")

    def _read_marker(self) -> bytes:
        fd = os.open(self._marker, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(fd, 4096)
        finally:
            os.close(fd)


def _is_stopped(number: str, mounts: str) -> bool:
    """Say whether the file system on the device `number` (as in "8:17") stopped after an error."""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if fields[2:3] == [number] and not _STOPPED.isdisjoint(fields[-1].split(",")):
            return True
    return False

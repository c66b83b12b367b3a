"""Small ext4 disks in files, for what only a disk of its own can do. Needs root and loop devices.

Each is unmounted and freed at the end, whatever happened before.
"""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DISK_BYTES = 192 * 1024 * 1024
MOUNT_SECONDS = 30.0
COMMAND_SECONDS = 30.0
FILLER = ".filler"
_CHUNK = bytes(64 * 1024)
_EXT4_IOC_SHUTDOWN, _WITHOUT_THE_LOG = 0x8004587D, 2


class NoDisksError(Exception):
    """Small disks cannot be made here; the text says why."""


def _run(*words: str | Path) -> str:
    command = [str(word) for word in words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise NoDisksError(f"{command[0]}: {said.strip()}") from error
    return done.stdout.strip()


class LoopDisk:
    """One disk, mounted at `place`."""

    def __init__(self, image: Path, place: Path) -> None:
        """Make and mount it; raises NoDisksError where that cannot be."""
        if os.geteuid() != 0:
            raise NoDisksError("mounting needs root")
        self.place = place
        self._image = image
        place.mkdir(parents=True, exist_ok=True)
        with image.open("wb") as file:
            file.truncate(DISK_BYTES)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", image)
        self._device = _run("losetup", "--find", "--show", image)
        try:
            self.mount()
        except NoDisksError:
            _run("losetup", "--detach", self._device)
            raise

    def mount(self) -> None:
        """Mount it writable."""
        _run("mount", "-t", "ext4", "-o", "errors=remount-ro", self._device, self.place)

    def unmount(self) -> None:
        """Take it away under whoever uses it; open files go on."""
        _run("umount", "--lazy", self.place)

    def make_read_only(self) -> None:
        """Do what ext4 does to itself after a fault, also under open files."""
        _run("mount", "-o", "remount,abort", self.place)

    def stop(self) -> None:
        """Do what the kernel does to ext4 when its disk is pulled out."""
        place = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(place, _EXT4_IOC_SHUTDOWN, struct.pack("I", _WITHOUT_THE_LOG))
        finally:
            os.close(place)

    def mount_again(self) -> None:
        """Mount it once the last user of the faulty mount has let go of it."""
        until = time.monotonic() + MOUNT_SECONDS
        while True:
            with suppress(NoDisksError):
                self.mount()
                if not os.statvfs(self.place).f_flag & os.ST_RDONLY:
                    return
                self.unmount()
            if time.monotonic() > until:
                raise NoDisksError(f"{self.place} stays in use")
            time.sleep(0.2)

    def fill(self) -> None:
        """Leave no byte free."""
        with (self.place / FILLER).open("wb", buffering=0) as file:
            for chunk in (_CHUNK, _CHUNK[:1024]):
                with suppress(OSError):
                    while file.write(chunk):
                        pass

    def empty_again(self) -> None:
        """Take the filler away."""
        (self.place / FILLER).unlink()

    def free(self) -> None:
        """Unmount and forget it."""
        with suppress(NoDisksError):
            self.unmount()
        with suppress(NoDisksError):
            _run("losetup", "--detach", self._device)
        self._image.unlink(missing_ok=True)


@contextmanager
def loop_disks(place: Path, count: int) -> Iterator[list[LoopDisk]]:
    """Mount some disks below `place`; raises NoDisksError before the block where it cannot."""
    disks: list[LoopDisk] = []
    try:
        while len(disks) < count:
            number = len(disks) + 1
            disks.append(LoopDisk(place / f"disk{number}.img", place / f"disk{number}"))
        yield disks
    finally:
        for disk in disks:
            disk.free()

"""What a disk holds after a power cut, from the record of what was written to it.

A recorded write is durable once its file was synced after it; a new name once its directory was.
What was not may be there, in part, torn at a sector, or not at all: that is the `Fate`. Pure, but
for reading the first image and writing the last.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import NamedTuple

SECTOR = 512


class Event(NamedTuple):
    """One recorded change: `kind` is the name of the watcher's method."""

    kind: str
    path: str
    offset: int = 0
    data: bytes = b""
    target: str = ""


class Fate(Enum):
    """What becomes of writes that were not synced."""

    DROPPED = "dropped"
    KEPT = "kept"
    TORN = "torn"  # a part of them, some of them torn


@dataclass
class _File:
    durable: bytearray
    pending: list[Event] = field(default_factory=list)


_DIR = None
_Node = _File | None  # None = a directory


class _Rename(NamedTuple):
    """A change of names; `old` or `new` may be empty."""

    old: str
    new: str
    node: _Node


class Image(NamedTuple):
    """All that lay below a directory at one time; None = a directory."""

    root: Path
    content: dict[str, bytes | None]


def image_of(root: Path) -> Image:
    """Read a directory tree; what is no file and no directory (a socket) is left out."""
    paths = [path for path in sorted(root.rglob("*")) if path.is_dir() or path.is_file()]
    return Image(root, {str(p): None if p.is_dir() else p.read_bytes() for p in paths})


class Disk:
    """The files below one directory."""

    def __init__(self, image: Image) -> None:
        """Begin with an image; all of it is durable."""
        self.root = image.root
        self._live: dict[str, _Node] = {
            path: _DIR if content is None else _File(bytearray(content))
            for path, content in image.content.items()
        }
        self._durable = dict(self._live)
        self._names: dict[str, list[_Rename]] = defaultdict(list)  # directory -> not yet durable

    def holds(self, path: str) -> bool:
        return path == str(self.root) or path.startswith(f"{self.root}/")

    # --- the record -------------------------------------------------------------------------------
    def take(self, event: Event) -> None:
        """Let one recorded change happen."""
        getattr(self, f"_{event.kind}")(event)

    def _made(self, event: Event) -> None:
        self._rename(_Rename("", event.path, _File(bytearray())))

    def _made_dir(self, event: Event) -> None:
        self._rename(_Rename("", event.path, _DIR))

    def _renamed(self, event: Event) -> None:
        inner = [path for path in self._live if path.startswith(f"{event.path}/")]
        for path in inner:  # a directory takes what is in it along
            moved = event.target + path[len(event.path) :]
            self._live[moved] = self._live.pop(path)
            if path in self._durable:
                self._durable[moved] = self._durable[path]
        self._rename(_Rename(event.path, event.target, self._live[event.path]))

    def _unlinked(self, event: Event) -> None:
        self._rename(_Rename(event.path, "", _DIR))

    def _rename(self, change: _Rename) -> None:
        _apply(self._live, change)
        self._names[str(Path(change.new or change.old).parent)].append(change)

    def _wrote(self, event: Event) -> None:
        self._file(event.path).pending.append(event)

    _cut = _wrote

    def _sync(self, event: Event) -> None:
        file = self._file(event.path)
        for write in file.pending:
            _write(file.durable, write)
        file.pending.clear()

    def _sync_dir(self, event: Event) -> None:
        for change in self._names.pop(event.path, ()):
            _apply(self._durable, change)

    def _file(self, path: str) -> _File:
        file = self._live[path]
        assert file is not None, f"{path} is a directory"
        return file

    # --- the cut ----------------------------------------------------------------------------------
    def write_image(self, target: Path, fate: Fate, chance: random.Random) -> None:
        """Write into `target` what is there when the power comes back."""
        target.mkdir(parents=True)
        names = dict(self._durable)
        for directory in sorted(self._names):
            changes = self._names[directory]
            for change in changes[: _share(len(changes), fate, chance)]:
                _apply(names, change)
        for path in sorted(names):
            place = target / Path(path).relative_to(self.root)
            if not place.parent.is_dir():
                continue  # its directory's own name is gone
            node = names[path]
            if node is None:
                place.mkdir(exist_ok=True)
            else:
                place.write_bytes(_content(node, fate, chance))


def _apply(names: dict[str, _Node], change: _Rename) -> None:
    if change.old:
        names.pop(change.old, None)
    if change.new:
        names[change.new] = change.node


def _share(count: int, fate: Fate, chance: random.Random) -> int:
    return {Fate.DROPPED: 0, Fate.KEPT: count, Fate.TORN: chance.randint(0, count)}[fate]


def _content(file: _File, fate: Fate, chance: random.Random) -> bytes:
    content = bytearray(file.durable)
    if fate is Fate.DROPPED:
        return bytes(content)
    for write in file.pending:
        if fate is Fate.KEPT:
            _write(content, write)
        elif chance.random() < 0.6:
            _write(content, _torn(write, chance))
    return bytes(content)


def _torn(write: Event, chance: random.Random) -> Event:
    """Tear one write in three at a sector; its beginning is what reached the disk."""
    if write.kind == "cut" or chance.random() < 0.66:
        return write
    sectors = len(write.data) // SECTOR
    return write._replace(data=write.data[: SECTOR * chance.randint(0, sectors)])


def _write(content: bytearray, write: Event) -> None:
    if write.kind == "cut":
        del content[write.offset :]
        return
    if len(content) < write.offset:
        content.extend(bytes(write.offset - len(content)))
    content[write.offset : write.offset + len(write.data)] = write.data

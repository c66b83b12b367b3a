"""Bodies as plain files: `blobs/ab/<digest>`, and `quarantine/` for what was replaced.

A file counts only once a catalog records it; until then another's write of it may be unsynced, so
`keep` fsyncs what it finds there (I1). Nothing here deletes (I6).
"""

from __future__ import annotations

from pathlib import Path

from strongroom.stores.durable import Durable, translated


class BlobFiles:
    """The body files of one replica directory."""

    def __init__(self, root: Path, durable: Durable) -> None:
        """Work below `root`; nothing is made until it is needed."""
        self._root = root
        self._durable = durable

    def path(self, digest: str) -> Path:
        """Say where a body lies."""
        return self._root / "blobs" / digest[:2] / digest

    def read(self, digest: str) -> bytes | None:
        """Give a file's bytes, unchecked; None where it is missing or unreadable (I3)."""
        return _content(self.path(digest))

    def keep(self, digest: str, body: bytes) -> bool:
        """Make a body durable under its name; `body` was held against `digest` by the caller.

        What lies there otherwise, or cannot be read, goes to quarantine.

        Returns:
            Whether it lay there already.
        """
        path = self.path(digest)
        self._make_room(path)
        if self.read(digest) == body:
            self._durable.sync_file(path)
            return True
        aside = self._free_name(digest) if path.exists() else None
        self._durable.replace(path, body, aside)
        return False

    def set_aside(self, digest: str, body: bytes) -> None:
        """Keep bytes that shall be replaced inside the catalog as a file in quarantine, once."""
        name = self._free_name(digest)
        if all(_content(other) != body for other in name.parent.glob(f"{digest}.*")):
            self._durable.write_new(name, body)

    def set_aside_folder(self, folder: str) -> None:
        """Move a catalog's folder to quarantine."""
        self._durable.move(self._root / folder, self._free_name(folder))

    def _make_room(self, path: Path) -> None:
        if not path.parent.is_dir():
            self._below_root("blobs")
            self._durable.make_dir(path.parent)

    def _below_root(self, name: str) -> Path:
        """Make a folder of the replica; never the replica itself, which may be unmounted."""
        folder = self._root / name
        if not folder.is_dir():
            self._durable.make_dir(folder)
        return folder

    def _free_name(self, name: str) -> Path:
        folder = self._below_root("quarantine")
        try:
            taken = {entry.name for entry in folder.iterdir()}
        except OSError as error:
            raise translated(error, f"list {folder}") from error
        count = 1
        while f"{name}.{count}" in taken:
            count += 1
        return folder / f"{name}.{count}"


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None

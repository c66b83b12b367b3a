"""The witness as a file: `data/witness/CELL.ndjson`, one fsynced line for each telling.

It remembers committed heads outside the replicas, so that forgetting is noticed (I5). Rewritten
whole by one rename at opening, appended to afterwards; a torn last line is dropped, a bad line
before it is damage and stops the opening. docs/formats/witness.md is normative.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from strongroom.base.errors import BrokenReplicaError, SettingsError
from strongroom.history.entries import FORMAT, Head, Position, canonical, digest_of
from strongroom.ports.world import Testimony
from strongroom.stores.durable import Durable

SUFFIX = ".ndjson"


class FileWitness:
    """The witness of the one cell of a `data` directory (ports.world.Witness)."""

    def __init__(self, folder: Path, durable: Durable | None = None) -> None:
        """Keep it in `folder`, which is made when something is told."""
        self._folder = folder
        self._durable = durable or Durable()
        self._path: Path | None = None
        self._fd: int | None = None
        self._cell = ""
        self._torn = False  # the last line may be half there

    def recall(self) -> Testimony | None:
        """Give what was told last; None where there is no file.

        Raises:
            SettingsError: it remembers more than one cell.
            BrokenReplicaError: it cannot be read, or a line is no testimony.
        """
        try:
            files = sorted(self._folder.glob(f"*{SUFFIX}"))
            files = [f for f in files if not f.name.startswith(".")]
            if len(files) > 1:
                names = ", ".join(f.name for f in files)
                raise SettingsError(f"{self._folder} remembers several cells: {names}")
            if not files:
                return None
            raw = files[0].read_bytes()
        except OSError as error:
            raise BrokenReplicaError(f"witness: {error}") from error
        testimony = decode(raw)
        if files[0].name != f"{testimony.cell}{SUFFIX}":
            raise BrokenReplicaError(f"witness: {files[0].name} tells of cell {testimony.cell}")
        self._cell, self._path, self._torn = testimony.cell, files[0], True
        return testimony

    def tell(self, position: Position, heads: Iterable[Head], keys: dict[int, str]) -> None:
        """Append one fsynced line. `rewrite` or `recall` came before and named the cell."""
        assert self._path is not None, "who tells must have recalled or rewritten"
        told = Testimony(self._cell, position, {h.collection: h for h in heads}, keys)
        if not self._path.exists():
            raise BrokenReplicaError(f"witness: {self._path} was removed")
        if self._torn:
            self._tell_whole(told)
            return
        if self._fd is None:
            self._fd = self._durable.open_append(self._path)
        self._torn = True  # until it is surely not
        self._durable.append_line(self._fd, self._path, encode(told))
        self._torn = False

    def _tell_whole(self, told: Testimony) -> None:
        """Write all anew, for the last line may be torn and must not get another behind it."""
        before = self.recall()
        heads = {**before.heads, **told.heads} if before is not None else told.heads
        self.rewrite(told._replace(heads=heads))

    def rewrite(self, testimony: Testimony) -> None:
        """Replace the whole file, durable, by one rename."""
        self.close()
        self._durable.make_dirs(self._folder)
        path = self._folder / f"{testimony.cell}{SUFFIX}"
        self._durable.replace(path, encode(testimony) + b"\n")
        self._cell, self._path, self._torn = testimony.cell, path, False

    def close(self) -> None:
        """Close the file."""
        if self._fd is not None:
            self._durable.close(self._fd)
            self._fd = None


def encode(testimony: Testimony) -> bytes:
    """Write one line (without its line feed): canonical JSON with its own SHA-256."""
    term, number, chain = testimony.position
    record: dict[str, Any] = {
        "batch": {"chain": chain.hex(), "number": number, "term": term},
        "cell": testimony.cell,
        "format": FORMAT,
        "heads": [_plain(testimony.heads[c]) for c in sorted(testimony.heads)],
        "keys": {str(home): testimony.keys[home] for home in sorted(testimony.keys)},
    }
    record["check"] = digest_of(canonical(record).encode())
    return canonical(record).encode()


def _plain(head: Head) -> list[int | str]:
    return [
        head.collection, head.number, head.chain.hex(), head.members, f"{head.sum:064x}", head.batch
    ]  # fmt: skip


def decode(raw: bytes) -> Testimony:
    """Fold all lines of a file; a torn last line is dropped.

    Raises:
        BrokenReplicaError: a line before the last is bad, or there is no whole line at all.
    """
    *lines, _torn = raw.split(b"\n")
    testimonies = [_line(line) for line in lines]
    if testimonies and testimonies[-1] is None:
        testimonies.pop()  # written out of order when the power went
    whole = [t for t in testimonies if t is not None]
    if not whole or len(whole) < len(testimonies) or len({t.cell for t in whole}) > 1:
        raise BrokenReplicaError("the witness is damaged; look at it before anything is served")
    heads: dict[int, Head] = {}
    for testimony in whole:
        heads |= testimony.heads
    return whole[-1]._replace(heads=heads)


def _line(line: bytes) -> Testimony | None:
    try:
        record = json.loads(line)
        check = record.pop("check")
        if record["format"] != FORMAT or check != digest_of(canonical(record).encode()):
            return None
        batch = record["batch"]
        position = Position(batch["term"], batch["number"], bytes.fromhex(batch["chain"]))
        heads = {
            c: Head(c, n, bytes.fromhex(chain), members, int(total, 16), b)
            for c, n, chain, members, total, b in record["heads"]
        }
        keys = {int(home): key for home, key in record["keys"].items()}
        return Testimony(record["cell"], position, heads, keys)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

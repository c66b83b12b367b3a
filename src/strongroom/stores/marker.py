"""The marker `replica.json`: whose replica a directory is, and which folder holds its catalog.

Written last when a replica is made and replaced by one rename when a copy takes over; so it never
names a folder that is not whole. docs/formats/catalog.md is normative.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.history.entries import FORMAT, canonical
from strongroom.ports.replica import Identity

NAME: Final = "replica.json"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a marker says."""

    identity: Identity
    folder: str

    def encode(self) -> bytes:
        """Give the marker's bytes: canonical JSON and a line feed."""
        record = {
            "cell": self.identity.cell,
            "folder": self.folder,
            "format": FORMAT,
            "incarnation": self.identity.incarnation,
            "replica": self.identity.replica,
        }
        return canonical(record).encode() + b"\n"


def folder_of(incarnation: str) -> str:
    """Name the folder of an incarnation's catalog."""
    return f"catalog-{incarnation}"


def free_folder(incarnation: str, taken: str) -> str:
    """Name the folder of a copy of this incarnation, beside `taken`: it may go on as the same."""
    folder = folder_of(incarnation)
    return folder if folder != taken else f"{folder}-again"


def decode(raw: bytes) -> Marker:
    """Read a marker's bytes; raises ValueError on anything else."""
    record = json.loads(raw)
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise ValueError("not a marker of a format known here")
    try:
        identity = Identity(record["cell"], record["replica"], record["incarnation"])
        marker = Marker(identity, record["folder"])
    except KeyError as error:
        raise ValueError(f"the marker lacks {error}") from error
    fields = (identity.cell, identity.replica, identity.incarnation, marker.folder)
    if not all(_is_name(field) for field in fields):
        raise ValueError("the marker has a field that is no name")
    return marker


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != "" and "/" not in value


def read(root: Path) -> bytes | None:
    """Give the marker's bytes; None where there is none. Raises OSError."""
    try:
        return (root / NAME).read_bytes()
    except FileNotFoundError:
        return None

"""What a fault is."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One fault and who must notice it."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

"""Where each device was last: what it came back with, when it came last, as what it names itself.

Kept lazily and beside everything promised: losing all of it loses no contact, only the knowledge
of who else holds one (service/custody.py). An answer that was sent proves nothing; only a token
that a device comes back with says what it has taken in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol


class CameBack(NamedTuple):
    """Place in a journal whose token a device brought: its number, and the chain there (prefix)."""

    number: int  # 0 = it asked for everything, so it had nothing
    chain: bytes


@dataclass(frozen=True, slots=True)
class Sighting:
    """What is known of a device's visits."""

    at: int  # ms since 1970 UTC of its last request, to half a minute
    client: str  # family and version, as formats.clients reads them; "" = it names none
    places: Mapping[int, CameBack]  # by collection


class Positions(Protocol):
    """Remembers visits. Noting never waits, never raises and syncs nothing."""

    def seen(self, home: int, device: int, agent: bytes) -> None:
        """Note that a device asked for something; `agent` is its User-Agent."""

    def came_back(self, home: int, device: int, collection: int, place: CameBack) -> None:
        """Note the token that a device brought; only one that a journal of ours explained."""

    async def of(self, home: int) -> Mapping[int, Sighting] | None:
        """Give all that is known of an account's devices, by id; None = it cannot be read now."""

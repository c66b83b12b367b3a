"""Visits of devices, remembered in memory."""

from __future__ import annotations

from collections.abc import Mapping

from strongroom.formats.clients import client_of
from strongroom.ports.positions import CameBack, Sighting


class FakePositions:
    """Writes at once; `at` is the time of the next visit, `lost` = it cannot be read now."""

    def __init__(self) -> None:
        self.at = 1_700_000_000_000
        self.lost = False
        self._seen: dict[int, dict[int, Sighting]] = {}

    def seen(self, home: int, device: int, agent: bytes) -> None:
        devices = self._seen.setdefault(home, {})
        places = devices[device].places if device in devices else {}
        devices[device] = Sighting(self.at, client_of(agent), places)

    def came_back(self, home: int, device: int, collection: int, place: CameBack) -> None:
        old = self._seen[home][device]
        self._seen[home][device] = Sighting(old.at, old.client, {**old.places, collection: place})

    async def of(self, home: int) -> Mapping[int, Sighting] | None:
        return None if self.lost else self._seen.get(home, {})

    def saved(self) -> dict[int, dict[int, Sighting]]:
        """Give all that it holds, as a copy of its file would."""
        return {home: dict(devices) for home, devices in self._seen.items()}

    def set_back(self, saved: dict[int, dict[int, Sighting]]) -> None:
        """Hold what was saved and nothing else."""
        self._seen = {home: dict(devices) for home, devices in saved.items()}

"""How long work goes: a line now and then, with what is done, the rate, and when it ends."""

from __future__ import annotations

import time
from typing import Final

from strongroom.cli.screen import Screen
from strongroom.control.pace import pace_text

_SECONDS: Final = 1.0  # between two lines; short work tells nothing


class Pace:
    """Tells of work that goes on."""

    def __init__(self, screen: Screen, things: str, total: int) -> None:
        """Begin to count `things`, of which there will be about `total`."""
        self._screen = screen
        self._things = things
        self._total = total
        self._began = self._told = time.monotonic()

    def at(self, done: int) -> None:
        """Tell that so many are done, if it is time to."""
        now = time.monotonic()
        if now - self._told >= _SECONDS:
            self._told = now
            self._screen.progress(pace_text(self._things, done, self._total, now - self._began))

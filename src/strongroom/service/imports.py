"""Imports that come page by page, and are remembered between two of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from strongroom.base.errors import InvalidError
from strongroom.base.limits import IMPORTS_MAX
from strongroom.service.intake import Intake, Stream

_FORGOTTEN: Final = (
    "The server has forgotten this import, for it was started anew or runs too many. What came in "
    "stands; run the import again, and it goes on from there."
)


@dataclass(slots=True)
class Running:
    """An import between two of its pages."""

    intake: Intake
    stream: Stream | None = None  # of the file that is being read


@dataclass(slots=True)
class Imports:
    """The imports that are running; the one that was used longest ago is forgotten first."""

    _running: OrderedDict[str, Running] = field(default_factory=OrderedDict)
    _begun: int = 0

    def add(self, intake: Intake) -> str:
        """Keep one; give its number."""
        self._begun += 1
        self._running[str(self._begun)] = Running(intake)
        if len(self._running) > IMPORTS_MAX:
            self._running.popitem(last=False)
        return str(self._begun)

    def get(self, number: str) -> Running:
        """Give one; raises InvalidError where it is not known any more."""
        if number not in self._running:
            raise InvalidError(_FORGOTTEN)
        self._running.move_to_end(number)
        return self._running[number]

    def forget(self, number: str) -> None:
        """Let one go."""
        self._running.pop(number, None)

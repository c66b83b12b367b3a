"""What people call an object: the name on a card, the summary of an event, a task or a note.

Rules: pure; never raises; what cannot be read, and what has no name, is called "". What an object
is, is told by its first line.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from strongroom.base.limits import CALENDAR_TITLE_CHARACTERS_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartime import moment_of
from strongroom.formats.calendartree import Component, own, read_tree
from strongroom.formats.cardlines import unescape
from strongroom.formats.vcard import full_name_of

_CALENDAR: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*BEGIN:VCALENDAR", re.IGNORECASE)
_SPACES: Final = re.compile(r"\s+")


class Happening(NamedTuple):
    """An event, a task or a note as a list shows it, plain and on one line; "" = it has none."""

    summary: str
    when: str  # local, as written: 2026-01-05 or 2026-01-05 09:00


def is_calendar(body: bytes) -> bool:
    """Say whether a body begins as a calendar object."""
    return _CALENDAR.match(body) is not None


def title_of(body: bytes) -> str:
    """Give the name that people see."""
    return read_happening(body).summary if is_calendar(body) else full_name_of(body)


def read_happening(body: bytes) -> Happening:
    """Give what people see of a calendar object: of a series, its first component."""
    try:
        components = own(read_tree(body))
    except FormatError:
        components = []
    summary = next(filter(None, map(_summary, components)), "")
    return Happening(summary, next(filter(None, map(_when, components)), ""))


def _summary(component: Component) -> str:
    text = unescape(component.text(b"SUMMARY").decode("utf-8", "replace"))
    return _SPACES.sub(" ", text).strip()[:CALENDAR_TITLE_CHARACTERS_MAX]


def _when(component: Component) -> str:
    line = component.first(b"DTSTART") or component.first(b"DUE")
    if line is None:
        return ""
    try:
        moment = moment_of(line)
    except FormatError:
        return ""
    # Not strftime, which writes the year 5 with one digit.
    return moment.local.isoformat(" ", "auto")[: 10 if moment.is_date else 16]

"""How what a phone wanted comes together with what stands, by the kind of the collection.

Cards are merged field by field. What is in a calendar is taken whole, the phone's version or the
server's: half of one meeting and half of another is a third that nobody agreed to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from strongroom.formats import calendar as calendars
from strongroom.formats.calendardialects import mended_object
from strongroom.formats.calendardiff import differences
from strongroom.formats.carddialects import mended
from strongroom.formats.carddiff import Difference
from strongroom.formats.cardmerge import Prefer, merge
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind

CARDS: Final = "text/vcard"
EVENTS: Final = "text/calendar"


class Mended(NamedTuple):
    """An object that can be kept; `mendings` tells what had to be done to it."""

    body: bytes
    uid: str
    mendings: tuple[str, ...]


class Reconciled(NamedTuple):
    """What both are together; of conflicts, old = as it stands, new = as the phone wants it."""

    body: bytes
    conflicts: tuple[Difference, ...]


class Way(NamedTuple):
    """How it is done for one kind."""

    media_type: str
    words: str  # what it is not, where it cannot be read
    choices: tuple[str, ...]  # whose word may count where both changed something
    mended: Callable[[bytes], Mended]  # raises FormatError
    # base (None = not known), standing, wanted; raises FormatError
    reconciled: Callable[[bytes | None, bytes, bytes, Prefer], Reconciled]


def _card(body: bytes) -> Mended:
    found = mended(body)
    return Mended(found.body, found.facts.uid, found.mendings)


def _cards(base: bytes | None, standing: bytes, wanted: bytes, prefer: Prefer) -> Reconciled:
    found = merge(base, standing, wanted, prefer)
    return Reconciled(found.body, found.conflicts)


def _event(body: bytes) -> Mended:
    found = mended_object(body)
    return Mended(found.body, calendars.check(found.body).uid, found.mendings)


def _events(base: bytes | None, standing: bytes, wanted: bytes, prefer: Prefer) -> Reconciled:
    if base == standing:
        return Reconciled(wanted, ())  # nobody else changed it
    if wanted in {base, standing}:
        return Reconciled(standing, ())
    body = wanted if prefer == "wanted" else standing
    return Reconciled(body, differences(EVENTS, standing, wanted))


_WAYS: Final = {
    ADDRESS_BOOK: Way(CARDS, "no card", ("phone", "server", "both"), _card, _cards),
    CALENDAR: Way(EVENTS, "no calendar object", ("phone", "server"), _event, _events),
}


def way_of(kind: Kind) -> Way:
    """Give the way of a kind."""
    return _WAYS[kind]

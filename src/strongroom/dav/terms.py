"""What differs in words between the kinds of collection: names of elements, types, refusals."""

from __future__ import annotations

from typing import Final, NamedTuple

from strongroom.dav.statuses import CAL, CARD, DAV
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind


class Terms(NamedTuple):
    """The words of one kind."""

    space: str  # its namespace in Clark notation
    resource_types: frozenset[str]  # of a collection of this kind
    media_types: frozenset[str]  # that an object may be sent as; "" = not said
    supported_data: str  # the precondition about media types and versions
    location: str  # the precondition about where a collection may be
    only: str  # for people: what is kept here
    one: str  # for people: a collection of this kind, and several
    many: str
    protocol: str


TERMS: Final = {
    ADDRESS_BOOK: Terms(
        CARD,
        frozenset({DAV + "collection", CARD + "addressbook"}),
        frozenset({"", "text/vcard", "text/x-vcard", "text/directory"}),
        CARD + "supported-address-data",
        CARD + "addressbook-collection-location-ok",
        "Only vCards are kept here.",
        "an address book",
        "address books",
        "CardDAV",
    ),
    CALENDAR: Terms(
        CAL,
        frozenset({DAV + "collection", CAL + "calendar"}),
        frozenset({"", "text/calendar"}),
        CAL + "supported-calendar-data",
        CAL + "calendar-collection-location-ok",
        "Only calendar objects (iCalendar) are kept here.",
        "a calendar",
        "calendars",
        "CalDAV",
    ),
}


def said_by(kind: Kind, condition: str) -> str:
    """Give a precondition that all kinds have in the words of one."""
    return condition.replace(CARD, TERMS[kind].space)

"""The kinds of collection that people have, and where each stands in a home.

A home holds all collections of an account; each kind has names of its own there, so that a calendar
and an address book may both be called `work`: calendars stand under `calendars/`, which no name of
an address book can begin with, for a name has no slash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from strongroom.service.rights import CALENDARS, CONTACTS


class Kind(NamedTuple):
    """One kind: its service (as in rights), its type (a fact of the collection), its names.

    `noun`, `thing` and `things` are what people call one, and what is in it.
    """

    service: str
    type: str
    prefix: str  # of its collections' names in the home
    first: str  # by which name the one is addressed that an account begins with
    extension: str  # of the names that we choose for objects
    noun: str
    thing: str
    things: str

    def stands(self, name: str) -> str:
        """Give the name in the home of a collection that is addressed by `name`."""
        return self.prefix + name


ADDRESS_BOOK: Final = Kind(
    CONTACTS, "addressbook", "", "contacts", "vcf", "book", "contact", "contacts"
)
CALENDAR: Final = Kind(
    CALENDARS, "calendar", "calendars/", "calendar", "ics", "calendar", "entry", "entries"
)
KINDS: Final = (ADDRESS_BOOK, CALENDAR)


def kind_of(name: str) -> Kind:
    """Give the kind of a collection by its name in the home."""
    return CALENDAR if name.startswith(CALENDAR.prefix) else ADDRESS_BOOK


def name_in(segments: Sequence[str]) -> str:
    """Give the name in the home of the collection that an object's address leads through.

    Args:
        segments: of an address (`/dav/calendars/anna/work/a.ics`), or of what is shown to people
            (`calendars/work/a.ics`, `contacts/a.vcf`); "" is given for a name alone.
    """
    if len(segments) < 2:
        return ""
    name = segments[-2]
    over = segments[:-2] if len(segments) == 3 else segments[:-3]  # without the login
    return CALENDAR.stands(name) if [f"{one}/" for one in over[-1:]] == [CALENDAR.prefix] else name


def short_name(name: str) -> str:
    """Give the name that a collection is addressed by."""
    return name.removeprefix(CALENDAR.prefix)

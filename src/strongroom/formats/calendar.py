"""One calendar object: what must be known of it, read from bytes that stay as they are (I3).

`check` refuses what RFC 4791 section 5.3.2.1 forbids and what would make one bad object poison a
calendar; whatever else real clients write is kept as sent, also where it breaks RFC 5545.

Not here: when it happens (calendarspan), which part of it matches (calendarfilter).
Rules: unfold bytes before anything is decoded; split at LF only; a UID or a METHOD counts only
where it belongs to the object itself, not inside an alarm; the largest object of a hostile client
is looked at in a few ten milliseconds, whatever it holds.
Source: RFC 5545 section 3, RFC 4791 sections 4.1 and 5.3.2.1.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from strongroom.base.limits import (
    CALENDAR_DEPTH_MAX,
    CARD_FOLDS_KEPT_MAX,
    CARD_LINES_KEPT_MAX,
    UID_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.characters import carried, unfolded
from strongroom.formats.vcard import value_of

EVENT: Final = "VEVENT"
TODO: Final = "VTODO"
JOURNAL: Final = "VJOURNAL"
FREE_BUSY: Final = "VFREEBUSY"
AVAILABILITY: Final = "VAVAILABILITY"  # RFC 7953: kept, and in no calendar's default set
COMPONENTS: Final = (EVENT, TODO, JOURNAL, FREE_BUSY, AVAILABILITY)

_CALENDAR: Final = b"VCALENDAR"
_ZONE: Final = b"VTIMEZONE"
_BOM: Final = b"\xef\xbb\xbf"
# The leading LF is a literal prefix, which the search uses to skip from line to line.
_WANTED: Final = re.compile(rb"\n(BEGIN|END|UID|METHOD|SUMMARY)(?=[;:])([^\n]*)", re.IGNORECASE)
_NO_PROPERTY: Final = re.compile(rb"\n[^:\n\r][^:\n]*+(?:\n|\Z)")
_SUMMARY_CHARACTERS_MAX: Final = 255  # a fact for people to recognise it by, not the data


class CalendarFacts(NamedTuple):
    """What is known of an object. `uid` and `summary` are values as written, escapes kept."""

    uid: str
    component: str  # in capitals
    summary: str


def check(body: bytes) -> CalendarFacts:
    """Read the facts of one calendar object.

    Raises:
        FormatError: `not-a-calendar`, `not-xml-clean`, `too-complex`, `two-calendars`, `method`,
            `no-component`, `unknown-component`, `mixed-components`, `no-uid`, `two-uids` or
            `uid-too-long`.
    """
    folds = body.count(b"\n ") + body.count(b"\n\t")
    if folds > CARD_FOLDS_KEPT_MAX or body.count(b"\n") - folds > CARD_LINES_KEPT_MAX:
        raise FormatError("too-complex", "The object has too many lines.")
    text = b"\n" + unfolded(carried(body, "not-a-calendar").removeprefix(_BOM)).lstrip()
    reader = _Reader()
    for line in _WANTED.finditer(text):
        reader.take(line[1].upper(), value_of(line[2]), line.start())
    if not reader.closed_at:
        raise FormatError("not-a-calendar", "It does not begin and end as a VCALENDAR.")
    if _NO_PROPERTY.search(text, 0, reader.closed_at):
        raise FormatError("not-a-calendar", "A line has no colon.")
    return reader.facts()


class _Reader:
    """Follows the nesting of components, and keeps what stands right inside the object's own."""

    def __init__(self) -> None:
        self._open: list[bytes] = []
        self.closed_at = 0  # where the calendar ends in the text
        self._components: set[bytes] = set()
        self._uids: set[bytes] = set()
        self._has_uid = False  # of the component that is open now
        self._summary = b""

    def take(self, name: bytes, value: bytes, place: int) -> None:
        """Follow one line."""
        if name == b"BEGIN":
            self._begin(value.upper(), place)
        elif name == b"END":
            self._end(value.upper(), place)
        elif not self.closed_at:
            self._property(name, value)

    def _begin(self, value: bytes, place: int) -> None:
        if self.closed_at or (self._open and value == _CALENDAR):
            raise FormatError("two-calendars", "One address holds one VCALENDAR.")
        if not self._open and (value != _CALENDAR or place):
            raise FormatError("not-a-calendar", "It does not begin as a VCALENDAR.")
        if len(self._open) == CALENDAR_DEPTH_MAX:
            raise FormatError("too-complex", "The components are nested too deeply.")
        if len(self._open) == 1 and value != _ZONE:
            self._components.add(value)
            self._has_uid = False
        self._open.append(value)

    def _end(self, value: bytes, place: int) -> None:
        if self.closed_at:
            return
        if not self._open or self._open.pop() != value:
            raise FormatError("not-a-calendar", "A component does not end where it should.")
        if not self._open:
            self.closed_at = place
        elif len(self._open) == 1 and value != _ZONE and not self._has_uid:
            raise FormatError("no-uid", "A component has no UID.")

    def _property(self, name: bytes, value: bytes) -> None:
        if len(self._open) == 1 and name == b"METHOD":
            raise FormatError("method", "An object that is kept has no METHOD.")
        if len(self._open) != 2 or self._open[1] == _ZONE or not value:
            return
        if name == b"UID":
            self._has_uid = True
            self._uids.add(value)
        elif name == b"SUMMARY":
            self._summary = self._summary or value

    def facts(self) -> CalendarFacts:
        """Give what was found; raises FormatError where it is not one object."""
        if not self._components:
            raise FormatError("no-component", "It holds neither an event, nor a task, nor a note.")
        if len(self._components) > 1:
            raise FormatError("mixed-components", "One address holds one kind of component.")
        component = self._components.pop().decode()
        if component not in COMPONENTS:
            raise FormatError("unknown-component", "This kind of component is not known.")
        if len(self._uids) > 1:
            raise FormatError("two-uids", "All components of one object have one UID.")
        uid = self._uids.pop()
        if len(uid) > UID_BYTES_MAX:
            raise FormatError("uid-too-long", f"The UID has more than {UID_BYTES_MAX} bytes.")
        summary = self._summary.decode()[:_SUMMARY_CHARACTERS_MAX]
        return CalendarFacts(uid.decode(), component, summary)

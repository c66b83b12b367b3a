"""Calendar objects for tests, written as clients write them."""

from __future__ import annotations

BERLIN = """BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
TZNAME:CEST
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
TZNAME:CET
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
END:VTIMEZONE"""


def calendar(*parts: str) -> bytes:
    """Put parts (lines with LF) into a VCALENDAR with CRLF."""
    text = "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//T//T//EN", *parts))
    return (text + "\nEND:VCALENDAR\n").replace("\n", "\r\n").encode()


def component(kind: str, *lines: str, uid: str = "u1") -> str:
    """Write one component."""
    return "\n".join((f"BEGIN:{kind}", f"UID:{uid}", *lines, f"END:{kind}"))


def event(*lines: str, uid: str = "u1") -> bytes:
    """Write an object with one event."""
    return calendar(component("VEVENT", *lines, uid=uid))


def events_between(start: str, end: str) -> bytes:
    """Write the calendar-query for the events of a time, bodies and all."""
    return (
        '<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><prop>'
        '<getetag/><C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()

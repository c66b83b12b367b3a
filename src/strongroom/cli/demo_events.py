"""Sample events, tasks and a note for the demo account: an invented life, around today.

Series with a moved and a dropped day, whole days, a trip over months, a zone of its own, floating
times, alarms, guests that nobody ever writes to, a task inside a task, many scripts and every
awkward character. Addresses end in example.org.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.cli.demo_cards import fold


class Sample(NamedTuple):
    """One sample: the calendar that it stands in, as its address names it, its name, its bytes."""

    calendar: str
    href: str
    body: bytes


_DAY: Final = re.compile(r"@([+-]\d+)")  # a day, counted from today
_OSLO: Final = "TZID=Europe/Oslo"
_TOKYO: Final = "TZID=Asia/Tokyo"
_ZONES: Final = {
    _OSLO: (
        "BEGIN:VTIMEZONE", "TZID:Europe/Oslo",
        "BEGIN:DAYLIGHT", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "TZNAME:CEST",
        "DTSTART:19700329T020000", "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU", "END:DAYLIGHT",
        "BEGIN:STANDARD", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100", "TZNAME:CET",
        "DTSTART:19701025T030000", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD",
        "END:VTIMEZONE",
    ),
    _TOKYO: (
        "BEGIN:VTIMEZONE", "TZID:Asia/Tokyo",
        "BEGIN:STANDARD", "TZOFFSETFROM:+0900", "TZOFFSETTO:+0900", "TZNAME:JST",
        "DTSTART:19510101T000000", "END:STANDARD",
        "END:VTIMEZONE",
    ),
}  # fmt: skip
_ALARM: Final = (
    "BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Soon", "TRIGGER:-PT15M", "END:VALARM",
)  # fmt: skip

# lines; "+" begins a further component of the same object: one day of a series, moved
_EVENTS: Final = (
    ("SUMMARY:Choir practice", f"DTSTART;{_OSLO}:@-14T190000", f"DTEND;{_OSLO}:@-14T210000",
     "RRULE:FREQ=WEEKLY", f"EXDATE;{_OSLO}:@+14T190000", "LOCATION:Parish hall",
     "+", "SUMMARY:Choir practice (in the church)", f"RECURRENCE-ID;{_OSLO}:@+7T190000",
     f"DTSTART;{_OSLO}:@+8T180000", f"DTEND;{_OSLO}:@+8T200000"),
    ("SUMMARY:Birthday of Anna", "DTSTART;VALUE=DATE:19840229", "DTEND;VALUE=DATE:19840301",
     "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1", "TRANSP:TRANSPARENT", "CATEGORIES:Birthdays"),
    ("SUMMARY:Lofoten\\, at last", "DTSTART;VALUE=DATE:@+20", "DTEND;VALUE=DATE:@+34",
     "DESCRIPTION:Ferry booked\\; cabin 7.\\nBring the good boots 🥾",
     "URL:https://example.org/ferry"),
    ("SUMMARY:Plan the harbour festival", f"DTSTART;{_OSLO}:@+2T100000", "DURATION:PT1H30M",
     "ORGANIZER;CN=Demo;SCHEDULE-AGENT=NONE:mailto:demo@example.org",
     "ATTENDEE;CN=Anna Berg;PARTSTAT=ACCEPTED;SCHEDULE-AGENT=NONE:mailto:anna.berg@example.org",
     'ATTENDEE;CN="Seán; of the pier";SCHEDULE-AGENT=NONE:mailto:sean@example.org', *_ALARM),
    ("SUMMARY:Night train", "DTSTART:@+19T213000Z", "DTEND:@+20T051500Z", "LOCATION:Platform 4",
     "GEO:59.9109;10.7528"),
    ("SUMMARY:Coffee, wherever I am", "DTSTART:20260105T073000", "DTEND:20260105T080000",
     "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
    ("SUMMARY:お茶会", f"DTSTART;{_TOKYO}:@+5T140000", f"DTEND;{_TOKYO}:@+5T160000",
     "LOCATION:京都"),
    ("SUMMARY:عشاء مع ليلى", f"DTSTART;{_OSLO}:@+3T193000", "DURATION:PT2H"),
    ("SUMMARY:Quiz evening", f"DTSTART;{_OSLO}:20260130T200000", f"DTEND;{_OSLO}:20260130T230000",
     "RRULE:FREQ=MONTHLY;BYDAY=-1FR", "COLOR:steelblue"),
    ("SUMMARY:Dentist", f"DTSTART;{_OSLO}:@+6T081500", "DURATION:PT30M", "CLASS:PRIVATE",
     "CATEGORIES:Health,Appointments", *_ALARM),
    ("SUMMARY:Sailing (cancelled: storm)", f"DTSTART;{_OSLO}:@+1T120000", "DURATION:PT5H",
     "STATUS:CANCELLED"),
    ("SUMMARY:Holiday house", "DTSTART;VALUE=DATE:@+90", "DURATION:P2W", "TRANSP:TRANSPARENT",
     "X-UNKNOWN-FIELD;X-PARAM=keep:as it came"),
)  # fmt: skip
_TASKS: Final = (
    ("SUMMARY:Prepare the festival", "PRIORITY:1", f"DUE;{_OSLO}:@+10T120000",
     "PERCENT-COMPLETE:40", "STATUS:IN-PROCESS", *_ALARM),
    ("SUMMARY:Hire a tent", "RELATED-TO:{0}", "DUE;VALUE=DATE:@+4"),
    ("SUMMARY:Water the plants", "DTSTART;VALUE=DATE:@-3", "DUE;VALUE=DATE:@-2",
     "RRULE:FREQ=DAILY;INTERVAL=3"),
    ("SUMMARY:Return the library books", "STATUS:COMPLETED", "COMPLETED:@-1T150000Z",
     "PERCENT-COMPLETE:100"),
    ("SUMMARY:Learn to sail", "CATEGORIES:Some day"),
)  # fmt: skip
_NOTES: Final = (
    ("SUMMARY:Where the spare key is", "DTSTART;VALUE=DATE:@+0",
     "DESCRIPTION:Not under the mat.\\n\\n- ask Ольга\\n- she feeds the cat"),
)  # fmt: skip
_PLACES: Final = (
    ("calendar", "VEVENT", _EVENTS),
    ("tasks", "VTODO", _TASKS),
    ("notes", "VJOURNAL", _NOTES),
)


def samples(today: date) -> list[Sample]:
    """Make all samples, around a day: the same bytes each time."""
    return [
        _sample(calendar, kind, index, lines, today)
        for calendar, kind, rows in _PLACES
        for index, lines in enumerate(rows)
    ]


def _sample(calendar: str, kind: str, index: int, lines: tuple[str, ...], today: date) -> Sample:
    uid, over = _uid(kind, index), _uid(kind, 0)
    stamp = f"{today:%Y%m%d}T000000Z"
    head = (f"BEGIN:{kind}", f"UID:{uid}", f"DTSTAMP:{stamp}")
    rows = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Strongroom//Demo//EN"]
    for zone, definition in _ZONES.items():
        rows += definition if any(zone in line for line in lines) else ()
    rows += head
    for line in lines:
        rows += (f"END:{kind}", *head) if line == "+" else (_dated(line, today),)
    rows += (f"END:{kind}", "END:VCALENDAR")
    body = "".join(f"{fold(row.replace('{0}', over))}\r\n" for row in rows)
    return Sample(calendar, f"{uid}.ics", body.encode())


def _dated(line: str, today: date) -> str:
    return _DAY.sub(lambda found: f"{today + timedelta(days=int(found[1])):%Y%m%d}", line)


def _uid(kind: str, index: int) -> str:
    text = sha256(f"strongroom demo {kind} {index}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"

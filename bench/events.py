"""Events that differ as real ones do, and are the same in each run: number in, iCalendar out.

One of ten recurs, in the ways that calendars of people do; the others are spread over five years.
An event is a function of its number and revision, so that all servers get equal bytes.
"""

from datetime import UTC, datetime, timedelta

EVERY = 10  # one of so many recurs
_FIRST = datetime(2024, 1, 1, tzinfo=UTC)
_DAYS = 5 * 365
_SERIES_DAYS = 2 * 365  # within which a series begins: most of them go on today
_SUMMARIES = ("Dentist", "Stand-up", "Lunch with", "Swimming", "Call", "Concert", "Train to")
_PLACES = ("Aarhus", "Bergen", "Cádiz", "Dresden", "Évora", "Firenze", "Graz")
_RULES = (
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
    "FREQ=DAILY",
    "FREQ=MONTHLY;BYDAY=2TU",
    "FREQ=YEARLY",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH",
    "FREQ=MONTHLY;BYMONTHDAY=15",
    "FREQ=WEEKLY;COUNT=40",
    "FREQ=DAILY;UNTIL={until}",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
)
_ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:DAYLIGHT\r\nTZOFFSETFROM:+0100\r\n"
    "TZOFFSETTO:+0200\r\nTZNAME:CEST\r\nDTSTART:19810329T020000\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nBEGIN:STANDARD\r\n"
    "TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\nDTSTART:19961027T030000\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


def uid(number: int) -> str:
    """The UID of an event; also the stem of its file name."""
    return f"event-{number * 2654435761 % 2**32:08x}-{number:08d}"


def summary(number: int) -> str:
    """What the event of this number is called."""
    return f"{_SUMMARIES[number % len(_SUMMARIES)]} {number}"


def starts(number: int) -> datetime:
    """When the event of this number begins, or its first instance does (local time)."""
    day = number * 7919 % (_DAYS if number % EVERY else _SERIES_DAYS)
    return _FIRST + timedelta(days=day, hours=7 + number % 12, minutes=number % 4 * 15)


def _rule(number: int, start: datetime) -> str:
    until = start + timedelta(days=200)
    return _RULES[number // EVERY % len(_RULES)].format(until=f"{until:%Y%m%dT%H%M%SZ}")


def event(number: int, revision: int = 0) -> bytes:
    """The event of this number; another revision differs in its description and SEQUENCE."""
    start = starts(number)
    end = start + timedelta(minutes=30 + number % 4 * 30)
    place = _PLACES[number % len(_PLACES)]
    rule = f"RRULE:{_rule(number, start)}\r\n" if number % EVERY == 0 else ""
    alarm = (
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Reminder\r\nTRIGGER:-PT15M\r\nEND:VALARM\r\n"
    )
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Strongroom//Bench//EN\r\n"
        f"{_ZONE}BEGIN:VEVENT\r\nUID:{uid(number)}\r\n"
        f"DTSTAMP:20260101T{revision // 60 % 24:02d}{revision % 60:02d}00Z\r\n"
        f"DTSTART;TZID=Europe/Berlin:{start:%Y%m%dT%H%M%S}\r\n"
        f"DTEND;TZID=Europe/Berlin:{end:%Y%m%dT%H%M%S}\r\n"
        f"SUMMARY:{summary(number)}\r\n"
        f"LOCATION:{place}\r\nDESCRIPTION:As agreed in revision {revision}\r\n{rule}"
        f"SEQUENCE:{revision}\r\nSTATUS:CONFIRMED\r\n{alarm if number % 2 else ''}"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()

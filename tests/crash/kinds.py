"""What is written into the collections that an account begins with, and what asks for its times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from phone.wire import time_query

SINCE: Final = "20260101T000000Z"  # before all that is written


@dataclass(frozen=True)
class Collection:
    """An address book, or a calendar of one component."""

    path: str
    component: str = ""

    @property
    def media_type(self) -> str:
        return "text/calendar" if self.component else "text/vcard"

    def href(self, uid: str) -> str:
        """Name an object of this collection."""
        return f"{self.path}{uid}.{'ics' if self.component else 'vcf'}"

    def body(self, uid: str, version: int, size: int) -> bytes:
        """Write an object whose bytes no other version has; of calendars, one of three recurs."""
        line = f"{uid} {version} "
        text = (line * (1 + size // len(line)))[: max(size, len(line))].rstrip()
        if not self.component:
            lines = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}", f"FN:Version {version}"]
            lines += [f"NOTE:{text}", "END:VCARD", ""]
            return "\r\n".join(lines).encode()
        lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//T//T//EN", f"BEGIN:{self.component}"]
        lines += [f"UID:{uid}", "DTSTAMP:20260101T000000Z", "DTSTART:20260105T090000Z"]
        lines += [f"SUMMARY:Version {version}"] + ["RRULE:FREQ=WEEKLY"] * (version % 3 == 0)
        lines += [f"DESCRIPTION:{text}", f"END:{self.component}", "END:VCALENDAR", ""]
        return "\r\n".join(lines).encode()

    def in_time(self) -> bytes:
        """Ask a calendar for all that was written, by its time."""
        return time_query(SINCE, self.component)


def collections_of(login: str) -> tuple[Collection, ...]:
    """Give what an account begins with: contacts, events, tasks, notes."""
    calendars = f"/dav/calendars/{login}/"
    return (
        Collection(f"/dav/addressbooks/{login}/contacts/"),
        Collection(calendars + "calendar/", "VEVENT"),
        Collection(calendars + "tasks/", "VTODO"),
        Collection(calendars + "notes/", "VJOURNAL"),
    )

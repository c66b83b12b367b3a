"""A release that told too little time of events, and the scrub of the one after it."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

from e2e.server import ServerProcess
from fakes.events import event

# A server whose rules take the first day of a series for all of it.
OLDER = """
import sys
from strongroom.formats.calendarspan import Span
from strongroom.service import content
content.span_of = lambda body: Span(1767603600, 1767607200)
from strongroom.cli import main
sys.exit(main())
"""
CALENDAR = "/dav/calendars/alice/calendar/"
LATER = (
    '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/>'
    '</D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
    '<C:time-range start="20260601T000000Z" end="20260608T000000Z"/>'
    "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
)
SERIES = event("DTSTART:20260105T090000Z", "RRULE:FREQ=DAILY", uid="s")


def asked(server: ServerProcess, method: str, path: str, body: bytes) -> bytes:
    token = b64encode(f"alice:{server.passwords['phone']}".encode()).decode()
    line = server.connection()
    try:
        kind = "text/calendar" if method == "PUT" else "application/xml"
        head = {"authorization": f"Basic {token}", "content-type": kind, "depth": "1"}
        line.request(method, path, body, head)
        answer = line.getresponse()
        assert answer.status in {201, 207}
        return answer.read()
    finally:
        line.close()


def found(server: ServerProcess) -> bool:
    return b"s.ics" in asked(server, "REPORT", CALENDAR, LATER.encode())


def test_the_first_scrub_after_an_upgrade_tells_anew_what_was_told_wrongly(
    prepared: ServerProcess, tmp_path: Path
) -> None:
    server = prepared.copy_to(tmp_path / "site")
    normal = server.entry
    try:
        server.entry = ("-c", OLDER)
        server.start()
        asked(server, "PUT", CALENDAR + "s.ics", SERIES)
        assert server.stop() == 0
        server.entry = normal
        server.start()
        assert not found(server)
        assert [row["retold"] for row in server.scrub()] == [1, 0, 0]
        assert found(server)
        told = json.loads(server.run("history", "alice", "--object", "s.ics", "--json"))
        assert [one["what"] for one in told["events"]] == ["index made anew", "created"]
    finally:
        server.end()

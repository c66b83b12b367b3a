"""What clients really write: kept byte for byte, and found in the week that it is in."""

from __future__ import annotations

import pytest

from fakes.events import BERLIN, calendar, component
from fakes.site import Site
from strongroom.service.spans import span_in

XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
HOME = "/dav/calendars/alice/"
EVENTS, TASKS, NOTES = (HOME + name + "/" for name in ("calendar", "tasks", "notes"))
IN, BEFORE, BEHIND = (
    f'<C:time-range start="{start}T000000Z" end="{end}T000000Z"/>'
    for start, end in (
        ("20260309", "20260316"),
        ("20260223", "20260302"),
        ("20260323", "20260330"),
    )
)
WHERE = {"VEVENT": EVENTS, "VTODO": TASKS, "VJOURNAL": NOTES}

EASTERN = """BEGIN:VTIMEZONE
TZID:Eastern Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=1SU;BYMONTH=11
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=2SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""
TEN = "DTSTART;TZID=Europe/Berlin:20260310T100000"
END = "DTEND;TZID=Europe/Berlin:20260310T110000"


def written(kind: str, *lines: str) -> bytes:
    return calendar(component(kind, "DTSTAMP:20260301T080000Z", *lines))


PHOTO = "ATTACH;ENCODING=BASE64;VALUE=BINARY;FMTTYPE=image/png:" + "\n ".join(
    ["iVBORw0K" * 9] * 200
)
SAMPLES: dict[str, tuple[str, bytes]] = {
    # Calendar of iOS and macOS
    "an iPhone's event": ("VEVENT", calendar(
        "CALSCALE:GREGORIAN", BERLIN,
        component(
            "VEVENT", TEN, END, "CREATED:20260301T080000Z", "LAST-MODIFIED:20260301T080000Z",
            "SEQUENCE:1", "TRANSP:OPAQUE", "SUMMARY:Zahnarzt",
            'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-ADDRESS="Am Platz 1\\, 10115'
            ' Berlin";X-APPLE-RADIUS=70;X-TITLE=Praxis:geo:52.53\\,13.38',
            "X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC",
            "BEGIN:VALARM\nUID:5A\nX-WR-ALARMUID:5A\nACTION:DISPLAY\nTRIGGER:-PT30M\n"
            "DESCRIPTION:Erinnerung\nACKNOWLEDGED:20260301T080000Z\nX-APPLE-DEFAULT-ALARM:TRUE\n"
            "END:VALARM",
        ),
    )),
    "a moved instance without its series": ("VEVENT", written(
        "VEVENT", "RECURRENCE-ID:20260210T090000Z", "DTSTART:20260312T090000Z",
        "DTEND:20260312T100000Z", "X-APPLE-CREATOR-IDENTITY:com.apple.mobilecal",
    )),
    "a moved day without its series": ("VEVENT", written(
        "VEVENT", "RECURRENCE-ID;VALUE=DATE:20260310", "DTSTART;VALUE=DATE:20260311",
        "DTEND;VALUE=DATE:20260312",
    )),
    "Reminders": ("VTODO", written(
        "VTODO", "DUE;TZID=Europe/Berlin:20260310T100000", "STATUS:NEEDS-ACTION", "PRIORITY:9",
        "X-APPLE-SORT-ORDER:660000000", "SUMMARY:Milch",
        "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;VALUE=DATE-TIME:20260310T090000Z\n"
        "X-APPLE-PROXIMITY:ARRIVE\nEND:VALARM",
    )),
    # Google and Outlook
    "Google": ("VEVENT", calendar(
        "X-WR-CALNAME:anna@example.org", "X-WR-TIMEZONE:Europe/Berlin",
        component("VEVENT", TEN, END, "RRULE:FREQ=WEEKLY;WKST=MO;UNTIL=20260401T215959Z;BYDAY=TU",
                  "X-GOOGLE-CONFERENCE:https://meet.example.org/abc", "STATUS:CONFIRMED"),
    )),
    "Outlook": ("VEVENT", calendar(
        EASTERN,
        component(
            "VEVENT", 'DTSTART;TZID="Eastern Standard Time":20260310T100000',
            'DTEND;TZID="Eastern Standard Time":20260310T110000', "CLASS:PUBLIC",
            "X-MICROSOFT-CDO-BUSYSTATUS:BUSY", "X-MICROSOFT-CDO-IMPORTANCE:1",
            'X-ALT-DESC;FMTTYPE=text/html:<html><body>a\\, b\\; "c": d</body></html>',
        ),
    )),
    "Outlook's custom zone": ("VEVENT", calendar(
        EASTERN.replace("Eastern Standard Time", "Customized Time Zone 1"),
        component("VEVENT", "DTSTART;TZID=Customized Time Zone 1:20260310T100000",
                  "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
    )),
    # Android and the desktop
    "DAVx5": ("VEVENT", written(
        "VEVENT", TEN, "DURATION:PT1H", "COLOR:tomato", "ORGANIZER:mailto:a@example.org",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:b@example.org", "CLASS:PRIVATE",
    )),
    "Tasks.org": ("VTODO", written(
        "VTODO", "DTSTART;VALUE=DATE:20260310", "DUE;VALUE=DATE:20260310", "PERCENT-COMPLETE:0",
        "RELATED-TO;RELTYPE=PARENT:u0", "X-APPLE-SORT-ORDER:1", "CATEGORIES:home",
    )),
    "a task that is due alone": ("VTODO", written("VTODO", "DUE;VALUE=DATE:20260310")),
    "a task done, with a zone": ("VTODO", written(
        "VTODO", "COMPLETED;TZID=Europe/Berlin:20260310T100000", "STATUS:COMPLETED",
        "CREATED:20260309T080000Z",
    )),
    "jtx Board": ("VJOURNAL", written(
        "VJOURNAL", "DTSTART;VALUE=DATE:20260310", "STATUS:FINAL", "SUMMARY:Notiz",
        "DESCRIPTION:# Titel\\n\\n- a\\n- b", "CLASS:CONFIDENTIAL", "URL:https://example.org",
    )),
    "Thunderbird": ("VEVENT", calendar(
        BERLIN,
        component("VEVENT", TEN, END, "X-MOZ-LASTACK:20260310T090000Z", "X-MOZ-GENERATION:3",
                  "X-MOZ-SNOOZE-TIME:20260310T091500Z", "RRULE:FREQ=MONTHLY;BYDAY=2TU"),
    )),
    "Evolution": ("VEVENT", calendar(
        BERLIN.replace("Europe/Berlin", "/freeassociation.sourceforge.net/Europe/Berlin"),
        component("VEVENT",
                  "DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260310T100000",
                  "DTEND;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260310T110000",
                  "X-EVOLUTION-CALDAV-HREF:x"),
    )),
    # what newer standards add
    "a picture": ("VEVENT", written("VEVENT", TEN, END, PHOTO)),
    "RFC 7986": ("VEVENT", written(
        "VEVENT", TEN, END, "IMAGE;VALUE=URI;DISPLAY=BADGE:https://example.org/i.png",
        "CONFERENCE;VALUE=URI;FEATURE=AUDIO,VIDEO;LABEL=Call:https://example.org/c",
    )),
    "RFC 9073": ("VEVENT", written(
        "VEVENT", TEN, END, "STYLED-DESCRIPTION;VALUE=TEXT;FMTTYPE=text/html:<b>x</b>",
        "BEGIN:PARTICIPANT\nUID:p1\nPARTICIPANT-TYPE:SPEAKER\nBEGIN:VLOCATION\nUID:l1\n"
        "NAME:Saal\nEND:VLOCATION\nEND:PARTICIPANT",
        "BEGIN:VLOCATION\nUID:l2\nNAME:Haus\nEND:VLOCATION",
    )),
    "RFC 9253": ("VTODO", written(
        "VTODO", "DTSTART:20260310T090000Z", "RELATED-TO;RELTYPE=FINISHTOSTART;GAP=P1D:u0",
        "CONCEPT:https://example.org/c", "LINK;LINKREL=SOURCE;VALUE=URI:https://example.org/l",
    )),
    "RFC 7529": ("VEVENT", written(
        "VEVENT", "DTSTART;VALUE=DATE:20260310", "RRULE:RSCALE=CHINESE;FREQ=YEARLY",
    )),
    # what should not be, and is
    "an end before its beginning": ("VEVENT", written(
        "VEVENT", "DTSTART:20260310T090000Z", "DTEND:20260310T080000Z",
    )),
    "a day that ends at a time": ("VEVENT", written(
        "VEVENT", "DTSTART;VALUE=DATE:20260310", "DTEND:20260310T090000Z",
    )),
    "a date without VALUE": ("VEVENT", written("VEVENT", "DTSTART:20260310", "DTEND:20260311")),
    "a cancelled event": ("VEVENT", written("VEVENT", TEN, END, "STATUS:CANCELLED")),
    "midnight as hour 24": ("VEVENT", written("VEVENT", "DTSTART:20260310T240000Z")),
    "small letters": ("VEVENT", written("VEVENT", TEN, END).lower()),
    "LF alone": ("VEVENT", written("VEVENT", TEN, END).replace(b"\r\n", b"\n")),
    "a byte order mark": ("VEVENT", b"\xef\xbb\xbf" + written("VEVENT", TEN, END)),
    "a CR too many": ("VEVENT", written("VEVENT", TEN, END, "DESCRIPTION:a\rb")),
    "folded inside a character": ("VEVENT", written("VEVENT", TEN, END, "SUMMARY:M@").replace(
        b"@", b"\xc3\r\n \xbcnchen"
    )),
    "folded inside a name": ("VEVENT", written("VEVENT", "DTST\n ART:2026\n 0310T090000Z")),
    "no end of line": ("VEVENT", written("VEVENT", TEN, END).rstrip()),
    "an empty line": ("VEVENT", written("VEVENT", TEN, END, "", "SUMMARY:x")),
}  # fmt: skip
# Who reads these cannot say when they happen, so they are in every week.
ALWAYS = {"midnight as hour 24", "RFC 7529"}


@pytest.fixture
def site() -> Site:
    return Site()


def asked(site: Site, kind: str, span: str) -> list[str]:
    body = (
        f"<C:calendar-query {XML}><D:prop><D:getetag/></D:prop><C:filter>"
        f'<C:comp-filter name="VCALENDAR"><C:comp-filter name="{kind}">{span}</C:comp-filter>'
        "</C:comp-filter></C:filter></C:calendar-query>"
    )
    answer = site.do("REPORT", WHERE[kind], body, depth="1")
    assert answer.status == 207
    return answer.hrefs


@pytest.mark.rfc("4791", "5.3.2.1", "7.8", "9.9")
@pytest.mark.parametrize("name", SAMPLES)
def test_what_clients_write_is_kept_and_found(site: Site, name: str) -> None:
    kind, body = SAMPLES[name]
    href = WHERE[kind] + "sent.ics"
    put = site.do("PUT", href, body, content_type="text/calendar; charset=utf-8")
    assert put.status == 201
    got = site.do("GET", href)
    assert (got.body, got.headers["etag"]) == (body, put.headers["etag"])
    assert asked(site, kind, IN) == [href]
    elsewhere = [asked(site, kind, span) for span in (BEFORE, BEHIND)]
    if name in ALWAYS:
        assert [href] in elsewhere
    elif "RRULE" not in body.decode(errors="replace"):
        assert elsewhere == [[], []]


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in ALWAYS])
def test_the_index_knows_when_it_is(site: Site, name: str) -> None:
    kind, body = SAMPLES[name]
    href = WHERE[kind] + "sent.ics"
    assert site.do("PUT", href, body, content_type="text/calendar").status == 201
    stored = site.cell.directory.collection(site.home, "calendars/" + href.split("/")[-2])
    assert stored is not None
    (member,) = site.run(site.cell.listing(stored.id, "object"))[1]
    first, last, component_name = span_in(member.data)
    assert component_name == kind
    assert first < 1_773_600_000  # the end of that week
    assert last >= 1_773_014_400  # and its beginning


@pytest.mark.rfc("4791", "5.3.2")
def test_a_bare_cr_ends_no_line(site: Site) -> None:
    body = written("VEVENT", TEN, END).replace(b"\r\n", b"\r")
    answer = site.do("PUT", EVENTS + "cr.ics", body, content_type="text/calendar")
    assert answer.status == 403


@pytest.mark.parametrize(("count", "found"), [(8, [TASKS + "t.ics"]), (4, [])])
def test_a_task_that_recurs_by_its_end_is_found(site: Site, count: int, found: list[str]) -> None:
    task = written("VTODO", "DUE:20260305T110000Z", f"RRULE:FREQ=DAILY;COUNT={count}")
    assert site.do("PUT", TASKS + "t.ics", task, content_type="text/calendar").status == 201
    assert asked(site, "VTODO", IN) == found

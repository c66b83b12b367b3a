"""Makes a small cell through the front door, with what the format can hold, and what must be read.

`expected.json` beside the replicas names each card with the digest of its bytes, so that later code
is held against what was sent, not against itself. Cards are fixed; ids, keys and times are not.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

from e2e.server import ServerProcess
from fakes.events import calendar, component, event
from phone.database import card_bytes
from phone.wire import XML_TYPE, Wire

EXPECTED = "expected.json"
PLACES = ("data", "r1", "r2", "r3")
LOGINS = ("alice", "bob")
LEFT_OUT = shutil.ignore_patterns("lock", "*.sock", "scrub.json")
MORE = "more"  # a second book
GONE = "gone.vcf"
_MKCOL = (
    '<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype>'
    "<collection/><C:addressbook/></resourcetype><displayname>More</displayname>"
    "</prop></set></mkcol>"
)
_PROPPATCH = (
    '<propertyupdate xmlns="DAV:"><set><prop><n:note xmlns:n="urn:n">kept</n:note></prop></set>'
    "</propertyupdate>"
)


def bodies() -> dict[str, bytes]:
    """Give the cards of each book, by file name."""
    photo = b"NOTE:" + b"x" * 70_000  # over the size from which bodies are files of their own
    large = card_bytes("large", "Large").replace(b"END:", photo + b"\r\nEND:")
    four = "BEGIN:VCARD\r\nVERSION:4.0\r\nUID:four\r\nFN:Zoë 😀\r\nEND:VCARD\r\n".encode()
    plain = {f"c{number}.vcf": card_bytes(f"c{number}", f"Contact {number}") for number in range(9)}
    return {**plain, "large.vcf": large, "four.vcf": four, "sp ace@.vcf": card_bytes("s", "Space")}


def make(target: Path) -> None:
    """Make the sample in `target`, which must not be there."""
    with tempfile.TemporaryDirectory() as place:
        server = ServerProcess(Path(place))
        try:
            expected = _filled(server)
        finally:
            server.end()
        target.mkdir(parents=True)
        for name in PLACES:
            shutil.copytree(Path(place) / name, target / name, ignore=LEFT_OUT)
    (target / EXPECTED).write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")


def _filled(server: ServerProcess) -> dict[str, object]:
    server.init()
    server.start()
    accounts = {}
    for login in LOGINS:
        server.add_account(login)
        password = server.add_device(login, "phone")
        wire = server.wire(login, password)
        books = _fill(wire, f"/dav/addressbooks/{login}/")
        calendars = _fill_calendars(wire, f"/dav/calendars/{login}/")
        _be_refused(wire, f"/dav/addressbooks/{login}/contacts/")
        accounts[login] = {"password": password, "books": books, "calendars": calendars}
    return {"accounts": accounts}


def _fill_calendars(wire: Wire, home: str) -> dict[str, dict[str, str]]:
    """Put an event, a series and a task where an account begins with a calendar for them."""
    series = component("VEVENT", "DTSTART:20260101T090000Z", "RRULE:FREQ=DAILY", uid="series")
    objects = {
        "calendar": {"one.ics": event("DTSTART:20260101T090000Z", uid="one"),
                     "series.ics": calendar(series)},
        "tasks": {"task.ics": calendar(component("VTODO", "SUMMARY:Buy milk", uid="task"))},
    }  # fmt: skip
    for name, bodies_of in objects.items():
        for href, body in bodies_of.items():
            _do(wire, "PUT", f"{home}{name}/{href}", body, Content_Type="text/calendar")
        _do(wire, "PROPPATCH", f"{home}{name}/", _PROPPATCH.encode(), Content_Type=XML_TYPE)
    return {
        name: {href: hashlib.sha256(body).hexdigest() for href, body in bodies_of.items()}
        for name, bodies_of in objects.items()
    }


def _be_refused(wire: Wire, base: str) -> None:
    """Leave a refused write behind, which is kept for the owner."""
    answer = wire.ask("PUT", f"{base}no.vcf", card_bytes("c2", "Other"), Content_Type="text/vcard")
    assert answer.status == 403


def _fill(wire: Wire, home: str) -> dict[str, dict[str, str]]:
    _do(wire, "MKCOL", f"{home}{MORE}/", _MKCOL.encode(), Content_Type=XML_TYPE)
    books = {}
    for book in ("contacts", MORE):
        base = f"{home}{book}/"
        for name, body in {**bodies(), GONE: card_bytes("gone", "Gone")}.items():
            path = base + name.replace(" ", "%20")
            _do(wire, "PUT", path, body, Content_Type="text/vcard")
        _do(wire, "PUT", f"{base}c1.vcf", card_bytes("c1", "Changed"), Content_Type="text/vcard")
        _do(wire, "DELETE", base + GONE)
        _do(wire, "PROPPATCH", base, _PROPPATCH.encode(), Content_Type=XML_TYPE)
        kept = {**bodies(), "c1.vcf": card_bytes("c1", "Changed")}
        books[book] = {name: hashlib.sha256(body).hexdigest() for name, body in kept.items()}
    return books


def _do(wire: Wire, method: str, path: str, body: bytes = b"", **headers: str) -> None:
    answer = wire.ask(method, path, body, **headers)
    assert answer.status in {200, 201, 204, 207}, (method, path, answer)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

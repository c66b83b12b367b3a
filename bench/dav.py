"""The CardDAV bodies that a phone sends, and the little that is read from the answers.

Not an XML library: answers are searched with regular expressions, because parsing ten thousand
entries would cost the machine as much as it costs the server to write them.
"""

import html
import re
from collections.abc import Sequence

from bench.wire import Answer, Connection, WrongAnswerError, path_of

XML = "Content-Type: application/xml; charset=utf-8\r\n"
VCARD = "Content-Type: text/vcard; charset=utf-8\r\n"
EVENT = "Content-Type: text/calendar; charset=utf-8\r\n"
NEW_EVENT = EVENT + "If-None-Match: *\r\n"
NEW = VCARD + "If-None-Match: *\r\n"

_HREF = re.compile(rb"<(?:[\w.-]+:)?href[^>]*>([^<]+)<")
_TOKEN = re.compile(rb"<(?:[\w.-]+:)?sync-token[^>]*>([^<]+)<")
_RESPONSE = re.compile(rb"<(?:[\w.-]+:)?response[ >].*?</(?:[\w.-]+:)?response>", re.DOTALL)
_ETAG = re.compile(rb"<(?:[\w.-]+:)?getetag[^>]*>([^<]+)<")

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
POLL = (
    f'{_HEAD}<propfind xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/"><prop>'
    "<CS:getctag/><sync-token/></prop></propfind>"
).encode()
MAKE_BOOK = (
    f'{_HEAD}<mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>'
    "<resourcetype><collection/><C:addressbook/></resourcetype><displayname>Bench</displayname>"
    "</prop></set></mkcol>"
).encode()


def sync_body(token: str) -> bytes:
    """A sync-collection report (RFC 6578); an empty token asks for everything."""
    return (
        f'{_HEAD}<sync-collection xmlns="DAV:"><sync-token>{html.escape(token)}</sync-token>'
        "<sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
    ).encode()


def multiget_body(hrefs: Sequence[bytes]) -> bytes:
    """An addressbook-multiget (RFC 6352 section 8.7) for hrefs still escaped as they came."""
    wanted = b"".join(b"<D:href>%b</D:href>" % href for href in hrefs)
    head = (
        f'{_HEAD}<C:addressbook-multiget xmlns:D="DAV:" '
        'xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop><D:getetag/><C:address-data/></D:prop>'
    ).encode()
    return head + wanted + b"</C:addressbook-multiget>"


def multiget_events_body(hrefs: Sequence[bytes]) -> bytes:
    """A calendar-multiget (RFC 4791 section 7.9)."""
    wanted = b"".join(b"<D:href>%b</D:href>" % href for href in hrefs)
    head = (
        f'{_HEAD}<C:calendar-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
    ).encode()
    return head + wanted + b"</C:calendar-multiget>"


def week_body(start: str, end: str) -> bytes:
    """A calendar-query (RFC 4791 section 7.8) for the ETags of the events of a time."""
    return (
        f'{_HEAD}<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        '<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()


def query_body(prop: str, text: str) -> bytes:
    """An addressbook-query (RFC 6352 section 8.6) for cards whose property contains the text."""
    return (
        f'{_HEAD}<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
        f'<D:prop><D:getetag/><C:address-data/></D:prop><C:filter><C:prop-filter name="{prop}">'
        '<C:text-match collation="i;unicode-casemap" match-type="contains">'
        f"{html.escape(text)}</C:text-match></C:prop-filter></C:filter></C:addressbook-query>"
    ).encode()


def words_body(prop: str, text: str) -> bytes:
    """A calendar-query for events whose property contains the text."""
    return (
        f'{_HEAD}<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        '<D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR">'
        f'<C:comp-filter name="VEVENT"><C:prop-filter name="{prop}"><C:text-match>'
        f"{html.escape(text)}</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter>"
        "</C:filter></C:calendar-query>"
    ).encode()


def members(body: bytes) -> list[bytes]:
    """The hrefs of objects, as they stand in a multistatus; collections are left out."""
    return [href for href in _HREF.findall(body) if not href.endswith(b"/")]


def token_of(body: bytes) -> str:
    """The sync token of a multistatus, which a sync-collection answer must have."""
    found = _TOKEN.search(body)
    if found is None:
        raise WrongAnswerError("a sync-collection answer without a sync token")
    return html.unescape(found[1].decode())


def etags(body: bytes) -> dict[str, str]:
    """Path to ETag (in its quotes) for each object of a multistatus."""
    pairs = {}
    for entry in _RESPONSE.findall(body):
        href, etag = _HREF.search(entry), _ETAG.search(entry)
        if href and etag and not href[1].endswith(b"/"):
            path = path_of(html.unescape(href[1].decode()))
            pairs[path] = html.unescape(etag[1].decode()).strip()
    return pairs


async def sync(connection: Connection, book: str, token: str) -> Answer:
    """Send a sync-collection and demand a multistatus."""
    answer = await connection.ask("REPORT", book, XML + "Depth: 0\r\n", sync_body(token))
    return answer.expect(207)


async def multiget(connection: Connection, book: str, hrefs: Sequence[bytes]) -> None:
    """Fetch these objects, and count that each came with its card."""
    await _fetch(connection, book, multiget_body(hrefs), b"BEGIN:VCARD", len(hrefs))


async def multiget_events(connection: Connection, calendar: str, hrefs: Sequence[bytes]) -> None:
    """Fetch these objects, and count that each came with its event."""
    await _fetch(connection, calendar, multiget_events_body(hrefs), b"BEGIN:VCALENDAR", len(hrefs))


async def _fetch(
    connection: Connection, collection: str, body: bytes, begin: bytes, wanted: int
) -> None:
    answer = await connection.ask("REPORT", collection, XML + "Depth: 0\r\n", body)
    if (came := answer.expect(207).body.count(begin)) != wanted:
        raise WrongAnswerError(f"multiget of {wanted} brought {came} objects")


async def make_book(connection: Connection, book: str) -> None:
    """Make an address book with an extended MKCOL (RFC 5689)."""
    (await connection.ask("MKCOL", book, XML, MAKE_BOOK)).expect(201)


async def make_calendar(connection: Connection, calendar: str) -> None:
    """Make a calendar (RFC 4791 section 5.3.1)."""
    (await connection.ask("MKCALENDAR", calendar)).expect(201)

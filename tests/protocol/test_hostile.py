"""Hostile requests of a signed-in device, over the whole application.

Each is refused (or harmless) in bounded time and memory, says so in the documented way, and leaves
the history as it was. The parsers' own tests are in tests/unit/formats.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence

import pytest

from fakes.site import BOOK, HOME, Site, card
from strongroom.base.limits import (
    HREF_BYTES_MAX,
    MULTIGET_HREFS_MAX,
    OBJECT_BYTES_MAX,
    REQUEST_XML_BYTES_MAX,
)
from strongroom.formats.propertynames import NAMES_MAX
from strongroom.history.entries import Key, Member

SECONDS_MAX = 3.0  # on a busy machine; each takes some ms
GROWTH_BYTES_MAX = 192 * 1024 * 1024

BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + ']><D:propfind xmlns:D="DAV:"><D:prop><D:x>&i;</D:x></D:prop></D:propfind>'
)
QUADRATIC = (
    f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'
    f'<D:propfind xmlns:D="DAV:"><D:prop>{"&a;" * 20_000}</D:prop></D:propfind>'
)
FILE_ENTITY = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>&a;</D:displayname>'
    "</D:prop></D:set></D:propertyupdate>"
)
OUTSIDE_DTD = '<!DOCTYPE D:propfind SYSTEM "http://127.0.0.1:9/x.dtd"><D:propfind xmlns:D="DAV:"/>'
DEEP = '<D:propfind xmlns:D="DAV:">' + "<x>" * 100_000
ATTRIBUTES = (
    '<D:propfind xmlns:D="DAV:"><D:prop '
    + " ".join(f'a{i}="1"' for i in range(200_000))
    + "/></D:propfind>"
)
NAMES = (
    '<D:propfind xmlns:D="DAV:"><D:prop>'
    + "".join(f"<D:n{i}/>" for i in range(NAMES_MAX + 1))
    + "</D:prop></D:propfind>"
)
TEXT = f'<D:propfind xmlns:D="DAV:"><D:prop>{"x" * 3_000_000}</D:prop></D:propfind>'
MANY_SPACES = (
    '<D:propfind xmlns:D="DAV:"><D:prop>'
    + "".join(f'<x{i} xmlns="urn:{i}"/>' for i in range(120_000))
    + "</D:prop></D:propfind>"
)
SPACES = (
    "<D:propfind xmlns:D='DAV:'>"
    + "".join(f'<x xmlns:n{i}="urn:{i}">' for i in range(200))
    + "</x>" * 200
    + "</D:propfind>"
)
CARD_NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
HREFS = (
    f"<C:addressbook-multiget {CARD_NS}><D:prop><D:getetag/></D:prop>"
    + "".join(f"<D:href>{BOOK}{i}</D:href>" for i in range(MULTIGET_HREFS_MAX + 1))
    + "</C:addressbook-multiget>"
)
FILTERS = (
    f"<C:addressbook-query {CARD_NS}><D:prop><D:getetag/></D:prop><C:filter>"
    + '<C:prop-filter name="FN"><C:text-match>a</C:text-match></C:prop-filter>' * 10_000
    + "</C:filter></C:addressbook-query>"
)
LONG_TEXT = (
    f"<C:addressbook-query {CARD_NS}><D:prop><D:getetag/></D:prop><C:filter>"
    f'<C:prop-filter name="FN"><C:text-match>{"a" * 1_000_000}</C:text-match></C:prop-filter>'
    "</C:filter></C:addressbook-query>"
)
LIMIT = (
    f"<C:addressbook-query {CARD_NS}><D:prop><D:getetag/></D:prop><C:filter/>"
    f"<C:limit><C:nresults>{'9' * 4000}</C:nresults></C:limit></C:addressbook-query>"
)
TOKEN = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token>'
    + "x" * 1_000_000
    + "</D:sync-token><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>"
)
EXPAND = (
    '<D:expand-property xmlns:D="DAV:">'
    + '<D:property name="current-user-principal">' * 200
    + "</D:property>" * 200
    + "</D:expand-property>"
)
HOSTILE = {
    "bomb": ("PROPFIND", HOME, BOMB, 400),
    "quadratic": ("PROPFIND", HOME, QUADRATIC, 400),
    "file": ("PROPPATCH", BOOK, FILE_ENTITY, 403),
    "outside dtd": ("PROPFIND", HOME, OUTSIDE_DTD, 403),
    "deep": ("PROPFIND", HOME, DEEP, 400),
    "attributes": ("PROPFIND", HOME, ATTRIBUTES, 207),
    "names": ("PROPFIND", HOME, NAMES, 413),
    "text": ("PROPFIND", HOME, TEXT, 207),
    "namespaces": ("PROPFIND", HOME, SPACES, 400),
    "hrefs": ("REPORT", BOOK, HREFS, 413),
    "filters": ("REPORT", BOOK, FILTERS, 413),
    "long text": ("REPORT", BOOK, LONG_TEXT, 413),
    "limit": ("REPORT", BOOK, LIMIT, 400),
    "token": ("REPORT", BOOK, TOKEN, 403),
    "expand": ("REPORT", HOME, EXPAND, 413),
    "not xml": ("PROPFIND", HOME, "{}", 400),
    "utf-16 that is none": ("PROPFIND", HOME, "\ufffe\x00<", 400),
    "unknown encoding": ("PROPFIND", HOME, '<?xml version="1.0" encoding="x-no"?><a/>', 400),
    "too much": ("PROPFIND", HOME, "<a>" + " " * REQUEST_XML_BYTES_MAX, 413),
    "mkcol bomb": ("MKCOL", HOME + "new/", BOMB, 400),
    "report on nothing": ("REPORT", BOOK, "", 400),
    "a card as XML": ("PROPPATCH", BOOK, card("x").decode(), 400),
}


@pytest.fixture(scope="module")
def site() -> Site:
    site = Site()
    for number in range(5):
        site.put(f"{number}.vcf")
    return site


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_quickly_and_changes_nothing(site: Site, name: str) -> None:
    method, path, body, status = HOSTILE[name]
    batch, before = site.cell.batch, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()

    answer = site.do(method, path, body, depth="0")

    assert time.process_time() - start < SECONDS_MAX
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < GROWTH_BYTES_MAX / 1024
    assert answer.status == status, answer.body[:300]
    assert len(answer.body) < 100_000
    assert b"root:" not in answer.body
    assert site.cell.batch == batch


UGLY_BODIES = {
    "nothing": b"",
    "an image": b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "folds without end": b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN:" + b"x\r\n " * 500_000,
    "lines without end": b"BEGIN:VCARD\r\n" + b"X:1\r\n" * 1_000_000,
    "parameters without end": b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN" + b";A=1" * 500_000,
    "an open quote": b'BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN;A="' + b"x" * 1_000_000,
    "cards without end": b"BEGIN:VCARD\r\n" * 100_000,
    "nul": card("nul").replace(b"Ann", b"A\x00n"),
    "an escape character": card("esc").replace(b"Ann", b"A\x1bn"),
    "latin-1": card("lat").replace(b"Ann", b"J\xf6rg"),
    "half a character": card("half").replace(b"Ann", b"J\xc3"),
    "a surrogate": card("sur").replace(b"Ann", b"\xed\xa0\x80"),
    "not a character": card("non").replace(b"Ann", "\uffff".encode()),
    "a long uid": card("u" * 5000),
    "colons": b":" * 1_000_000,
    "too large": card("big") + b" " * OBJECT_BYTES_MAX,
}


@pytest.mark.parametrize("name", UGLY_BODIES)
def test_a_hostile_card_is_refused_quickly_and_changes_nothing(site: Site, name: str) -> None:
    before, start = site.standing(), time.process_time()
    answer = site.do("PUT", BOOK + "ugly.vcf", UGLY_BODIES[name], content_type="text/vcard")
    assert time.process_time() - start < SECONDS_MAX
    assert answer.status == 403, answer.body[:300]
    assert answer.condition.startswith("{urn:ietf:params:xml:ns:carddav}")
    assert site.standing() == before
    assert site.do("GET", BOOK + "ugly.vcf").status == 404


def test_a_name_is_taken_at_the_limit_and_not_one_byte_past_it(site: Site) -> None:
    longest = "n" * (HREF_BYTES_MAX - 4) + ".vcf"
    assert site.put(longest, uid="longest").status == 201
    batch = site.cell.batch
    assert site.put("n" + longest, uid="longer").status == 404
    assert site.cell.batch == batch


@pytest.mark.parametrize(
    "headers",
    [
        {"depth": "9" * 1000},
        {"depth": "-1"},
        {"if": "(" * 5000},
        {"if": "(<urn:x>)" * 5000},
        {"if_match": '"' * 5000},
        {"if_match": ",".join(['"x"'] * 5000)},
        {"prefer": "a=" * 5000},
        {"content_length": "abc"},
        {"authorization": "Basic " + "A" * 60_000},
        {"accept_encoding": ";q=" * 5000},
        {"range": "bytes=" + "0-1," * 5000},
    ],
)
@pytest.mark.parametrize("method", ["PROPFIND", "PUT", "DELETE", "GET", "MKCOL"])
def test_hostile_headers_change_nothing_and_break_nothing(
    site: Site, method: str, headers: dict[str, str]
) -> None:
    batch, start = site.cell.batch, time.process_time()
    body = card("h") if method == "PUT" else b""
    path = BOOK + ("hostile.vcf" if method != "PROPFIND" else "")
    answer = site.do(method, path, body, **headers)
    assert time.process_time() - start < SECONDS_MAX
    assert answer.status < 500, answer.body[:300]
    if site.cell.batch != batch:  # a header that means nothing may be passed over
        assert method == "PUT"
        assert answer.status == 201
        assert site.do("DELETE", path).status == 204


@pytest.mark.parametrize(
    "destination",
    ["", "x", "http://", "//", "/", "http://here/%00", "/dav/addressbooks/alice/contacts/../../x",
     "/dav/addressbooks/bob/contacts/stolen.vcf", "/dav/addressbooks/alice/contacts/",
     "/dav/addressbooks/alice/", "/dav/principals/alice/", "file:///etc/passwd",
     "/dav/addressbooks/alice/contacts/" + "n" * 70_000],
)  # fmt: skip
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_hostile_destinations_change_nothing(site: Site, method: str, destination: str) -> None:
    batch = site.cell.batch
    answer = site.do(method, BOOK + "0.vcf", destination=destination)
    assert 400 <= answer.status < 500, answer.status
    assert site.cell.batch == batch
    assert site.do("GET", BOOK + "0.vcf").status == 200


ABSENT = (
    '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
    "<D:prop><D:getetag/></D:prop>"
    + "".join(f"<D:href>{BOOK}{i}.vcf</D:href>" for i in range(10_000))
    + "</C:addressbook-multiget>"
)


def test_no_more_names_are_looked_up_at_once_than_others_can_wait_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    rows = site.cell.rows

    async def counted(keys: Sequence[Key]) -> list[Member | None]:
        asked.append(len(keys))
        return await rows(keys)

    monkeypatch.setattr(site.cell, "rows", counted)
    assert site.do("REPORT", BOOK, ABSENT, depth="1").status == 207
    assert sum(asked) == 10_000
    assert max(asked) <= 500


@pytest.mark.parametrize(
    ("method", "body", "status"), [("REPORT", ABSENT, 207), ("PROPFIND", MANY_SPACES, 413)]
)
def test_others_get_their_turn_while_a_large_request_is_read(
    site: Site, method: str, body: str, status: int
) -> None:
    answer, turns = site.turns_during(site.alice(method, BOOK, body, depth="1"))
    assert answer.status == status
    assert turns > 20

"""A multistatus is compressed on request, an object never, and no request may come compressed."""

from __future__ import annotations

import gzip

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card

FIND = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/></D:prop></D:propfind>'
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
QUERY = (
    '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
    "<D:prop><D:getetag/><C:address-data/></D:prop></C:addressbook-query>"
)
EXPAND = '<D:expand-property xmlns:D="DAV:"><D:property name="owner"/></D:expand-property>'
SMALL, LARGE = 3, 450  # cards: within one piece, and of several


@pytest.fixture
def site() -> Site:
    return Site()


def fill(site: Site, count: int) -> None:
    for index in range(count):
        site.put(f"{index:04}.vcf")


def ask(site: Site, method: str, body: str, accept: str) -> Answer:
    return site.do(method, BOOK, body, depth="1", accept_encoding=accept)


@pytest.mark.parametrize("count", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("method", "body"), [("PROPFIND", FIND), ("REPORT", SYNC), ("REPORT", QUERY)]
)
@pytest.mark.rfc("9110", "12.5.3")
def test_a_compressed_multistatus_holds_the_same_bytes(
    site: Site, method: str, body: str, count: int
) -> None:
    fill(site, count)
    plain = ask(site, method, body, "identity")
    pressed = ask(site, method, body, "br, gzip;q=0.8")
    assert "content-encoding" not in plain.headers
    assert pressed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(pressed.body) == plain.body
    assert len(pressed.body) < len(plain.body) / 2
    assert pressed.pieces > 2 if count == LARGE else pressed.pieces <= plain.pieces
    assert plain.headers["vary"] == pressed.headers["vary"] == "accept-encoding"
    assert "etag" not in pressed.headers


def test_what_is_short_is_not_compressed_unless_plain_bytes_are_refused(site: Site) -> None:
    for method, body in (("PROPFIND", FIND), ("REPORT", EXPAND), ("PROPPATCH", update())):
        plain = site.do(method, HOME, body, depth="0", accept_encoding="gzip")
        pressed = site.do(method, HOME, body, depth="0", accept_encoding="gzip, identity;q=0")
        assert plain.status == 207
        assert "content-encoding" not in plain.headers
        assert gzip.decompress(pressed.body) == plain.body


def update() -> str:
    return (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x/></D:prop></D:set></D:propertyupdate>'
    )


@pytest.mark.parametrize("accept", ["", "deflate, br", "gzip;q=0, *", "identity;q=0"])
def test_without_a_wish_for_gzip_nothing_is_compressed(site: Site, accept: str) -> None:
    fill(site, SMALL)
    answer = ask(site, "PROPFIND", FIND, accept)
    assert "content-encoding" not in answer.headers
    assert len(answer.hrefs) == SMALL + 1


@pytest.mark.parametrize("accept", ["gzip", "gzip, identity;q=0"])
def test_the_bytes_of_a_card_are_never_compressed(site: Site, accept: str) -> None:
    """I3; a proxy is asked to leave them alone as well."""
    body = card("ann", "Ann" * 1000)
    site.do("PUT", BOOK + "ann.vcf", body)
    answer = site.do("GET", BOOK + "ann.vcf", accept_encoding=accept)
    assert answer.body == body
    assert "content-encoding" not in answer.headers
    assert "no-transform" in answer.headers["cache-control"]


def test_a_large_card_in_a_multistatus_is_compressed_beside_the_loop(site: Site) -> None:
    site.do("PUT", BOOK + "ann.vcf", card("ann", "Ann" * 200_000))
    plain, pressed = (ask(site, "REPORT", QUERY, accept) for accept in ("", "gzip"))
    assert gzip.decompress(pressed.body) == plain.body


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", BOOK + "ann.vcf", card("ann").decode()),
        ("POST", BOOK, card("ann").decode()),
        ("PROPFIND", BOOK, FIND),
        ("REPORT", BOOK, SYNC),
        ("PROPPATCH", BOOK, update()),
        ("MKCOL", HOME + "new/", ""),
    ],
)
@pytest.mark.parametrize("coding", ["gzip", "br, gzip", "x-unknown"])
@pytest.mark.rfc("9110", "15.5.16")
def test_a_compressed_request_is_415_and_told_what_is_taken(
    site: Site, method: str, path: str, body: str, coding: str
) -> None:
    before = dict(site.cell.heads)
    answer = site.do(method, path, gzip.compress(body.encode()), depth="1", content_encoding=coding)
    assert answer.status == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert "Content-Encoding" in answer.text
    assert site.cell.heads == before


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_identity_is_no_coding(site: Site, coding: str) -> None:
    answer = site.do("PUT", BOOK + "ann.vcf", card("ann"), content_encoding=coding)
    assert answer.status == 201

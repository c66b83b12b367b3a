"""Names and addresses: exact bytes, one spelling, paths only; what cannot be a name is refused.

Also here: the order of books, and that 409 means a missing parent and nothing else.
"""

from __future__ import annotations

import re
import unicodedata

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card

ANN = BOOK + "ann.vcf"
PRINCIPAL = "/dav/principals/alice/"
CARD = "{urn:ietf:params:xml:ns:carddav}"
MULTIGET = (
    '<C:addressbook-multiget xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">'
    "<D:prop><D:getetag/></D:prop><D:href>%s</D:href></C:addressbook-multiget>"
)
SYNC = (
    '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    "<D:prop><D:getetag/></D:prop></D:sync-collection>"
)
WHO = (
    '<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop>'
    "<D:current-user-principal/><D:owner/><D:principal-URL/><D:principal-collection-set/>"
    "<C:addressbook-home-set/><D:add-member/></D:prop></D:propfind>"
)


@pytest.fixture
def site() -> Site:
    site = Site()
    site.do("PUT", ANN, card("ann"))
    return site


def is_path(text: str) -> bool:
    return text.startswith("/") and not text.startswith("//")


@pytest.mark.rfc("4918", "8.3")
def test_every_href_is_a_path_whatever_host_a_proxy_names(site: Site) -> None:
    """A proxy may speak another scheme, host and port than its clients see."""
    host = {"host": "inner.example:8080", "x_forwarded_proto": "https"}
    answers = [
        *(site.do("PROPFIND", path, WHO, depth="0", **host)
          for path in ("/", "/dav/", "/principals/", PRINCIPAL, HOME, BOOK, ANN)),
        site.do("PROPFIND", HOME, WHO, depth="1", **host),
        site.do("REPORT", BOOK, SYNC, **host),
        site.do("REPORT", BOOK, MULTIGET % f"https://other{ANN}", **host),
    ]  # fmt: skip
    hrefs = re.findall("<D:href>([^<]*)</D:href>", "".join(answer.text for answer in answers))
    assert len(hrefs) > 40
    assert [href for href in hrefs if not is_path(href)] == [f"https://other{ANN}"]
    made = site.do("POST", BOOK, card("new"), content_type="text/vcard", **host)
    copied = site.do("MOVE", ANN, destination=f"http://inner.example:8080{BOOK}b.vcf", **host)
    known = site.run(site.nobody("PROPFIND", "/.well-known/carddav", **host))
    assert known.status == 301
    assert all(is_path(answer.headers["location"]) for answer in (made, copied, known))


def test_a_name_is_its_bytes_and_percent_signs_do_not_matter(site: Site) -> None:
    """No form of Unicode is taken for another: each phone finds what it has put."""
    names = [unicodedata.normalize(form, "Bjürn@x") for form in ("NFC", "NFD")]
    for index, name in enumerate(names):
        path = BOOK + "".join(f"%{byte:02x}" for byte in name.encode())
        assert site.do("PUT", path, card(f"u{index}")).status == 201
    listed = site.do("PROPFIND", BOOK, depth="1").hrefs
    assert len(listed) == 4
    assert len([href for href in listed if href.endswith("@x")]) == 2
    for spelling in ("Bj%C3%BCrn@x", "Bj%c3%bcrn%40x", "%42j%C3%BCrn%40%78"):
        assert b"UID:u0" in site.do("GET", BOOK + spelling).body
        assert (
            site.do("REPORT", BOOK, MULTIGET % (BOOK + spelling)).status_of(BOOK + spelling) == ""
        )
    assert site.do("GET", BOOK + "bj%C3%BCrn@x").status == 404
    assert (
        site.do("PUT", BOOK + "Bj%C3%BCrn%40x", card("u0", "Bo"), if_none_match="*").status == 412
    )


@pytest.mark.parametrize(
    "name", ["a%2Fb", "%2f", "a%00b", ".", "..", "%2e", "%2E%2e", "a%0Ab", "%ff", "a%zz", "a//b"]
)
def test_what_cannot_be_a_name_is_refused_on_every_way_in(site: Site, name: str) -> None:
    batch = site.cell.batch
    assert site.do("PUT", BOOK + name, card("new")).status == 404
    assert site.do("MKCOL", HOME + name + "/").status == 404
    for method in ("COPY", "MOVE"):
        assert site.do(method, ANN, destination=BOOK + name).status == 403
    found = site.do("REPORT", BOOK, MULTIGET % (BOOK + name))
    assert found.status_of(BOOK + name) == "HTTP/1.1 404 Not Found"
    assert site.cell.batch == batch


def test_the_default_book_is_first_whatever_else_there_is(site: Site) -> None:
    """MacOS shows only the first."""
    for name in ("%21", "-", "A", "aaa", "contacts2", "%C3%A4"):
        assert site.do("MKCOL", HOME + name + "/").status == 201
    site.do("PROPPATCH", BOOK, WHO)
    everything = site.do("PROPFIND", HOME, depth="1").hrefs
    books = site.do("PROPFIND", HOME, depth="1", prefer="depth-noroot").hrefs
    assert everything[:2] == [HOME, BOOK]
    assert books == everything[1:]
    site.do("DELETE", BOOK)
    site.do("MKCOL", BOOK)
    assert site.do("PROPFIND", HOME, depth="1").hrefs[1] == BOOK


# --- what is refused, and how ---------------------------------------------------------------------
VERSION_2 = card("new").replace(b"3.0", b"2.1")
NO_UID = card("new").replace(b"UID:new\r\n", b"")


@pytest.mark.parametrize(
    ("body", "kind", "element"),
    [
        (VERSION_2, "text/vcard", "supported-address-data"),
        (card("new"), "text/calendar", "supported-address-data"),
        (NO_UID, "text/vcard", "valid-address-data"),
        (card("a") + card("b"), "text/vcard", "valid-address-data"),
        (b"", "text/vcard", "valid-address-data"),
        (card("new") * 300_000, "text/vcard", "max-resource-size"),
        (card("ann"), "text/vcard", "no-uid-conflict"),
    ],
)  # fmt: skip
@pytest.mark.rfc("6352", "6.3.2.1")
def test_a_body_refused_for_its_content_is_403_with_the_element(
    site: Site, body: bytes, kind: str, element: str
) -> None:
    """409 would make DAVx5 drop the edit and take the server's version."""
    before = site.standing()
    for method, path in (("PUT", BOOK + "new.vcf"), ("POST", BOOK)):
        if method == "POST" and (element == "no-uid-conflict" or body.count(b"BEGIN:VCARD") > 1):
            continue  # POST of a card that is there finds it; of many it is an import
        answer = site.do(method, path, body, content_type=kind)
        assert (answer.status, answer.condition) == (403, CARD + element)
    assert site.standing() == before


def test_409_is_said_of_a_missing_parent_only(site: Site) -> None:
    gone = HOME + "nowhere/"
    answers: list[Answer] = [
        site.do("PUT", gone + "a.vcf", card("a")),
        site.do("COPY", ANN, destination=gone + "a.vcf"),
        site.do("MOVE", ANN, destination=gone + "a.vcf"),
        site.do("MKCOL", gone + "deeper/"),
    ]
    assert [answer.status for answer in answers] == [409] * 4
    for method in ("GET", "DELETE", "PROPFIND", "PROPPATCH", "REPORT", "POST"):
        body = {"PROPPATCH": WHO, "REPORT": SYNC}.get(method, "")
        path = gone if method in {"REPORT", "POST"} else gone + "a.vcf"
        answer = site.do(method, path, body, depth="0")
        assert answer.status in {400, 404}, method


# --- what a client would rather have --------------------------------------------------------------
@pytest.mark.parametrize(
    "accept",
    [
        "text/vcard; version=4.0",
        "text/vcard;version=3.0",
        "text/x-vcard",
        "text/html",
        "*/*;q=0",
        "",
    ],
)
@pytest.mark.parametrize("version", [b"3.0", b"4.0"])
def test_get_gives_the_stored_bytes_whatever_is_accepted(
    site: Site, accept: str, version: bytes
) -> None:
    """I3: one address, one ETag, one sequence of bytes; reports convert (decision 16)."""
    body = card("ann").replace(b"3.0", version)
    etag = site.do("PUT", ANN, body).headers["etag"]
    answer = site.do("GET", ANN, accept=accept)
    assert (answer.status, answer.body, answer.headers["etag"]) == (200, body, etag)
    assert site.do("GET", ANN, accept=accept, if_none_match=etag).status == 304

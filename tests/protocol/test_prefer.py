"""Prefer and Brief: how much of an answer a client wants (RFC 7240, RFC 8144)."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.site import BOOK, HOME, Site, card

D = "{DAV:}"
ANN = BOOK + "ann.vcf"
PROPS = '<prop><getetag/><no-such/><displayname/><x xmlns="u:"/></prop>'
MINIMAL = [{"prefer": "return=minimal"}, {"brief": "t"}]


@pytest.fixture
def site() -> Site:
    site = Site()
    site.put("ann.vcf")
    return site


def stats(node: Any) -> list[str]:
    return [stat.findtext(D + "status") for stat in node.findall(D + "propstat")]


# --- PROPFIND and REPORT --------------------------------------------------------------------------


@pytest.mark.parametrize("headers", MINIMAL)
@pytest.mark.parametrize("path,depth", [(BOOK, "0"), (BOOK, "1"), (ANN, "0"), (HOME, "1")])
@pytest.mark.rfc("8144", "2.1")
@pytest.mark.rfc("7240", "2", "3", "4.2")
def test_a_minimal_propfind_does_not_name_what_is_not_there(
    site: Site, path: str, depth: str, headers: dict[str, str]
) -> None:
    """RFC 8144 section 2.1: no propstat of 404; one of 200 is always there."""
    body = f'<propfind xmlns="DAV:">{PROPS}</propfind>'
    whole = site.do("PROPFIND", path, body, depth=depth)
    answer = site.do("PROPFIND", path, body, depth=depth, **headers)
    assert "HTTP/1.1 404 Not Found" in stats(whole.xml[0])
    assert answer.hrefs == whole.hrefs
    assert all(stats(node) == ["HTTP/1.1 200 OK"] for node in answer.xml.findall(D + "response"))
    assert answer.headers.get("preference-applied") == headers.get("prefer")
    assert "preference-applied" not in whole.headers


@pytest.mark.parametrize("headers", MINIMAL)
@pytest.mark.rfc("8144", "2.1")
def test_where_nothing_is_there_an_empty_prop_is_left(site: Site, headers: dict[str, str]) -> None:
    """RFC 8144 section 2.1."""
    body = '<propfind xmlns="DAV:"><prop><no-such/></prop></propfind>'
    answer = site.do("PROPFIND", ANN, body, depth="0", **headers)
    assert stats(answer.response(ANN)) == ["HTTP/1.1 200 OK"]
    assert len(answer.response(ANN).findall(f"{D}propstat/{D}prop/*")) == 0


@pytest.mark.parametrize("headers", MINIMAL)
@pytest.mark.parametrize(
    "report",
    [
        f'<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level>{PROPS}'
        "</sync-collection>",
        f'<C:addressbook-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">{PROPS}'
        f"<href>{ANN}</href><href>{BOOK}none.vcf</href></C:addressbook-multiget>",
        f'<C:addressbook-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">{PROPS}'
        "<C:filter/></C:addressbook-query>",
    ],
)
@pytest.mark.rfc("8144", "2.1")
def test_minimal_reports_name_what_is_there_and_hrefs_that_are_gone(
    site: Site, report: str, headers: dict[str, str]
) -> None:
    """RFC 8144 section 2.1; a member that is gone is no property, and is always told (I4)."""
    answer = site.do("REPORT", BOOK, report, depth="1", **headers)
    assert stats(answer.response(ANN)) == ["HTTP/1.1 200 OK"]
    assert answer.headers.get("preference-applied") == headers.get("prefer")
    if "multiget" in report:
        assert answer.status_of(BOOK + "none.vcf") == "HTTP/1.1 404 Not Found"


@pytest.mark.parametrize("path,members", [(BOOK, [ANN]), (HOME, [BOOK])])
@pytest.mark.rfc("8144", "4")
@pytest.mark.rfc("7240", "3")
def test_a_listing_without_its_root(site: Site, path: str, members: list[str]) -> None:
    """RFC 8144 section 2.3: depth-noroot at depth 1; at depth 0 there is nothing but the root."""
    body = '<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
    answer = site.do("PROPFIND", path, body, depth="1", prefer="depth-noroot, return=minimal")
    assert answer.hrefs == members
    assert answer.headers["preference-applied"] == "return=minimal, depth-noroot"
    alone = site.do("PROPFIND", path, body, depth="0", prefer="depth-noroot")
    assert alone.hrefs == [path]
    assert "preference-applied" not in alone.headers


@pytest.mark.rfc("8144", "4")
def test_an_empty_book_without_its_root_is_proven_like_any_other(site: Site) -> None:
    """I4."""
    site.do("DELETE", ANN)
    answer = site.do("PROPFIND", BOOK, depth="1", prefer="depth-noroot")
    assert (answer.status, answer.hrefs) == (207, [])
    site.cell.unsure.add(site.book.id)
    assert site.do("PROPFIND", BOOK, depth="1", prefer="depth-noroot").status == 503


# --- PROPPATCH, MKCOL, PUT ------------------------------------------------------------------------


def patch(name: str) -> str:
    inner = f'<set><prop><{name} xmlns:u="u:">1</{name}></prop></set>'
    return f'<propertyupdate xmlns="DAV:">{inner}</propertyupdate>'


@pytest.mark.parametrize("headers", MINIMAL)
@pytest.mark.rfc("8144", "2.2")
def test_a_minimal_proppatch_is_silent_when_all_went_well(
    site: Site, headers: dict[str, str]
) -> None:
    """RFC 8144 section 2.2: 200 without a body; what went wrong is told in full."""
    answer = site.do("PROPPATCH", ANN, patch("u:x"), **headers)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers.get("preference-applied") == headers.get("prefer")
    asked = '<propfind xmlns="DAV:"><prop><x xmlns="u:"/></prop></propfind>'
    assert site.do("PROPFIND", ANN, asked, depth="0").prop(ANN, "{u:}x") is not None
    refused = site.do("PROPPATCH", ANN, patch("getetag"), **headers)
    assert stats(refused.response(ANN)) == ["HTTP/1.1 403 Forbidden"]


@pytest.mark.parametrize("headers", MINIMAL)
@pytest.mark.rfc("8144", "2.3")
def test_a_minimal_mkcol_is_silent_when_all_went_well(site: Site, headers: dict[str, str]) -> None:
    """RFC 8144 section 2.2."""
    answer = site.do("MKCOL", HOME + "new/", **headers)
    assert (answer.status, answer.body) == (201, b"")


@pytest.mark.rfc("8144", "3.1")
@pytest.mark.rfc("7240", "4.2")
def test_a_put_answers_with_the_bytes_where_they_are_wanted(site: Site) -> None:
    """RFC 7240 section 4.2: 201 or 200 with the representation, its address and its ETag."""
    body = card("new")
    for status in (201, 200):
        answer = site.do("PUT", BOOK + "new.vcf", body, prefer="return=representation")
        assert (answer.status, answer.body) == (status, body)
        assert answer.headers["content-location"] == BOOK + "new.vcf"
        assert answer.headers["preference-applied"] == "return=representation"
        got = site.do("GET", BOOK + "new.vcf")
        for name in ("etag", "content-type", "last-modified", "cache-control"):
            assert answer.headers[name] == got.headers[name]


@pytest.mark.parametrize("headers", [*MINIMAL, {}])
@pytest.mark.rfc("7240", "4.2")
def test_any_other_put_has_no_body(site: Site, headers: dict[str, str]) -> None:
    answer = site.do("PUT", ANN, card("ann.vcf", "New"), **headers)
    assert (answer.status, answer.body) == (204, b"")

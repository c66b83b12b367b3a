"""GET and HEAD of a collection and of a home: a page for people, and nothing of what is in it."""

from __future__ import annotations

import re

import pytest

from fakes.asgi import Answer, Client
from fakes.events import event
from fakes.site import BOOK, HOME, Site
from strongroom.history.edits import Origin
from strongroom.service.accounts import add_device
from strongroom.service.rights import choose

D = "{DAV:}"
CALENDARS = "/dav/calendars/alice/"
CALENDAR = CALENDARS + "calendar/"
PLACES = (HOME, BOOK, CALENDARS, CALENDAR)
ASK = (
    '<D:propfind xmlns:D="DAV:"><D:prop><D:getcontentlength/><D:getcontenttype/><D:getetag/>'
    "<D:getlastmodified/></D:prop></D:propfind>"
)


@pytest.fixture
def site() -> Site:
    return Site()


def props(site: Site, path: str, depth: str = "0", body: str = ASK) -> Answer:
    return site.do("PROPFIND", path, body, depth=depth)


def name(site: Site, path: str, text: str) -> None:
    body = (
        '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>'
        f"<D:displayname>{text}</D:displayname></D:prop></D:set></D:propertyupdate>"
    )
    assert site.do("PROPPATCH", path, body).status == 207


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.rfc("4918", "9.4", "15.4", "15.5")
def test_there_is_a_page_as_long_as_the_property_says(site: Site, path: str) -> None:
    got, head, told = site.do("GET", path), site.do("HEAD", path), props(site, path)
    assert (got.status, head.status, head.body) == (200, 200, b"")
    assert got.headers == head.headers
    for header, element in (
        ("content-length", "getcontentlength"), ("content-type", "getcontenttype"),
    ):  # fmt: skip
        found = told.prop(path, D + element)
        assert found is not None
        assert found.text == got.headers[header]
    assert len(got.body) == int(got.headers["content-length"])
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in got.headers["content-security-policy"]
    assert got.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.rfc("4918", "15.6", "15.7")
def test_a_collection_has_no_etag_and_no_time_that_a_client_could_trust(
    site: Site, path: str
) -> None:
    assert not {"etag", "last-modified"} & set(site.do("GET", path).headers)
    for element in ("getetag", "getlastmodified"):
        assert props(site, path).prop(path, D + element) is None


@pytest.mark.parametrize("path", PLACES)
def test_the_page_is_complete_and_leads_to_the_export(site: Site, path: str) -> None:
    text = site.do("GET", path).text
    for words in (f"<dd>{path}</dd>", "<dd>alice</dd>", '<a href="?export">'):
        assert words in text
    assert ("CardDAV" in text, "CalDAV" in text) == (path.startswith(HOME), path >= CALENDARS)
    assert not re.search(r"<script|src=|https?://", text)
    assert "{" not in text.partition("</style>")[2]


def test_nothing_of_what_is_in_it_is_told_and_what_people_wrote_is_escaped(site: Site) -> None:
    for path in (BOOK, CALENDAR):
        name(site, path, "&lt;b&gt; &amp; &quot;x")
        empty = site.do("GET", path)
        assert "&lt;b&gt; &amp; &quot;x" in empty.text
        assert "<b>" not in empty.text.replace("<b>alice</b>", "")
        site.put("ann.vcf", called="Secret")
        site.do("PUT", CALENDAR + "a.ics", event("SUMMARY:Secret"), content_type="text/calendar")
        assert site.do("GET", path).body == empty.body
        told = props(site, path).prop(path, D + "getcontentlength")
        assert told is not None
        assert told.text == str(len(empty.body))


@pytest.mark.rfc("4918", "15.4")
def test_a_listing_tells_it_of_each_collection_and_still_of_each_object(site: Site) -> None:
    site.put("ann.vcf")
    for path, depth in ((HOME, "1"), (BOOK, "1")):
        answer = props(site, path, depth)
        for href in answer.hrefs:
            length = answer.prop(href, D + "getcontentlength")
            assert length is not None
            assert length.text == site.do("HEAD", href).headers["content-length"]


@pytest.mark.parametrize("path", PLACES)
@pytest.mark.rfc("9110", "13.1.1", "13.1.2")
def test_conditions_are_tried_on_something_without_an_etag(site: Site, path: str) -> None:
    assert site.do("GET", path, if_match="*").status == 200
    assert site.do("GET", path, if_none_match='"x"').status == 200
    known = site.do("GET", path, if_none_match="*")
    assert (known.status, known.body) == (304, b"")
    assert site.do("GET", path, if_match='"x"').status == 412


@pytest.mark.parametrize("path", PLACES)
def test_who_may_not_come_here_gets_no_page(site: Site, path: str) -> None:
    assert site.run(site.nobody("GET", path)).status == 401
    assert site.run(site.bob("GET", path)).status == 404
    service = "calendars" if path.startswith(HOME) else "contacts"
    rights = choose([service], read_only=False)
    secret = site.run(add_device(site.cell, "alice", "one", site.entropy, Origin(), rights))
    other = Client(site.app, "alice", secret)
    assert site.run(other("GET", path)).status == 503
    assert site.do("GET", HOME + "nobook/").status == 404


def test_what_is_frozen_or_unsure_has_no_page(site: Site) -> None:
    site.cell.unsure |= {site.book.id, site.home}
    assert site.do("GET", HOME + "nobook/").status == 503
    site.run(site.cell.freeze(site.home, "account", "why", ""))
    for path in PLACES:
        answer = site.do("GET", path)
        assert (answer.status, "retry-after" in answer.headers) == (503, True)

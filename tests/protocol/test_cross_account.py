"""Nothing of one account is visible from another, nor can it be changed (goal 3), by any method.

Bob is asked for by alice under every method, path and header that names a thing, and each answer
must be that for a person who does not exist, byte for byte.
"""

from __future__ import annotations

import itertools

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card

METHODS = ("OPTIONS", "GET", "HEAD", "PUT", "DELETE", "COPY", "MOVE", "MKCOL", "PROPFIND",
           "PROPPATCH", "REPORT", "POST", "LOCK", "UNLOCK", "PATCH", "ACL", "SEARCH",
           "MKCALENDAR")  # fmt: skip
CARD_NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
SECRET = "Bobs Secret Friend"


def paths(login: str) -> list[str]:
    return [
        f"/dav/principals/{login}/",
        f"/dav/principals/{login}",
        f"/dav/addressbooks/{login}/",
        f"/dav/addressbooks/{login}",
        f"/dav/addressbooks/{login}/contacts/",
        f"/dav/addressbooks/{login}/contacts",
        f"/dav/addressbooks/{login}/contacts/friend.vcf",
        f"/dav/addressbooks/{login}/contacts/none.vcf",
        f"/dav/addressbooks/{login}/none/",
        f"/dav/addressbooks/alice/../{login}/contacts/",
        f"/dav/addressbooks/{login.upper()}/contacts/",
        f"/dav/addressbooks/%{ord(login[0]):x}{login[1:]}/contacts/",
    ]


BODIES = {
    "PUT": card("mine"),
    "PROPFIND": b"",
    "PROPPATCH": b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:displayname>x</D:displayname>'
    b"</D:prop></D:set></D:propertyupdate>",
    "REPORT": b'<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level>'
    b"<D:prop><D:getetag/></D:prop></D:sync-collection>",
    "POST": card("mine"),
}


@pytest.fixture(scope="module")
def site() -> Site:
    site = Site()
    made = site.run(site.bob("PUT", "/dav/addressbooks/bob/contacts/friend.vcf",
                             card("friend", SECRET)))  # fmt: skip
    assert made.status == 201
    assert site.put("mine.vcf").status == 201
    return site


def essence(answer: Answer) -> tuple[int, dict[str, str], bytes]:
    return answer.status, answer.headers, answer.body


@pytest.mark.parametrize("depth", ["0", "1", "infinity"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.rfc("6352", "7", "13")
@pytest.mark.rfc("3744", "7.1")
def test_a_stranger_and_nobody_are_the_same(site: Site, method: str, depth: str) -> None:
    batch = site.cell.batch
    for bobs, nobodys in zip(paths("bob"), paths("nul"), strict=True):
        answers = [
            essence(site.do(method, path, BODIES.get(method, b""), depth=depth,
                            destination=BOOK + "stolen.vcf"))
            for path in (bobs, nobodys)
        ]  # fmt: skip
        assert answers[0] == answers[1], bobs
        assert answers[0][0] >= 400, bobs
        assert SECRET.encode() not in answers[0][2]
    assert site.cell.batch == batch


@pytest.mark.parametrize("scheme", ["", "http://here", "https://elsewhere:8443"])
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
@pytest.mark.rfc("6352", "7")
def test_nothing_is_carried_into_or_out_of_another_account(
    site: Site, method: str, scheme: str
) -> None:
    batch = site.cell.batch
    for name in ("contacts/new.vcf", "contacts/friend.vcf", "new/", "contacts/"):
        target = "/dav/addressbooks/{}/" + name
        both = [
            essence(site.do(method, BOOK + "mine.vcf", destination=scheme + target.format(login)))
            for login in ("bob", "nul")
        ]
        assert both[0] == both[1], target
        assert both[0][0] >= 400
    assert site.cell.batch == batch


REPORTS = {
    "multiget": f"<C:addressbook-multiget {CARD_NS}><D:prop><D:getetag/><C:address-data/></D:prop>"
    "<D:href>{}</D:href></C:addressbook-multiget>",
    "expand": '<D:expand-property xmlns:D="DAV:"><D:property name="owner"><D:property '
    'name="displayname"/></D:property><D:href>{}</D:href></D:expand-property>',
    "query": f"<C:addressbook-query {CARD_NS}><D:prop><C:address-data/></D:prop><C:filter>"
    '<C:prop-filter name="FN"><C:text-match>{}</C:text-match></C:prop-filter></C:filter>'
    "</C:addressbook-query>",
    "search": '<D:principal-property-search xmlns:D="DAV:"><D:property-search><D:prop>'
    "<D:displayname/></D:prop><D:match>{}</D:match></D:property-search>"
    "<D:prop><D:displayname/></D:prop></D:principal-property-search>",
    "match": '<D:principal-match xmlns:D="DAV:"><D:self/><!--{}--></D:principal-match>',
}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.rfc("6352", "13")
@pytest.mark.rfc("3744", "9.4")
def test_no_report_tells_whether_somebody_else_is_there(site: Site, name: str) -> None:
    texts = itertools.chain(zip(paths("bob"), paths("nul"), strict=True), [("bob", "nul")])
    for bobs, nobodys in texts:
        for place in ("/", "/dav/principals/", HOME, BOOK):
            both = [
                site.do("REPORT", place, REPORTS[name].format(text), depth="1")
                for text in (bobs, nobodys)
            ]
            bodies = [
                answer.body.replace(text.encode(), b"")
                for answer, text in zip(both, (bobs, nobodys), strict=True)
            ]
            assert both[0].status == both[1].status
            assert bodies[0] == bodies[1], (place, bobs)
            assert SECRET.encode() not in bodies[0]


@pytest.mark.parametrize("header", ["if", "if_match", "if_none_match"])
def test_no_condition_tells_whether_a_strangers_card_is_there(site: Site, header: str) -> None:
    etag = site.run(site.bob("GET", "/dav/addressbooks/bob/contacts/friend.vcf")).headers["etag"]
    value = f"([{etag}])" if header == "if" else etag
    tagged = "</dav/addressbooks/{}/contacts/friend.vcf> " if header == "if" else "{}"
    for method in ("PUT", "DELETE", "GET", "PROPFIND"):
        both = [
            essence(site.do(method, f"/dav/addressbooks/{login}/contacts/friend.vcf",
                            BODIES.get(method, b""), **{header: value}))
            for login in ("bob", "nul")
        ]  # fmt: skip
        assert both[0] == both[1]
        if header == "if":  # a tagged list names another thing than the request's own
            both = [
                essence(site.do(method, BOOK + "mine.vcf", BODIES.get(method, b""),
                                **{"if": tagged.format(login) + f"([{etag}])"}))
                for login in ("bob", "nul")
            ]  # fmt: skip
            assert both[0] == both[1], method


def test_bob_sees_his_own_all_the_while(site: Site) -> None:
    """The fixture is not empty: what the others must not see is there for its owner."""
    answer = site.run(site.bob("GET", "/dav/addressbooks/bob/contacts/friend.vcf"))
    assert SECRET.encode() in answer.body

"""Reports about principals (RFC 3744 9.2 to 9.5) and expand-property (RFC 3253 3.8)."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site
from strongroom.formats.principalxml import EXPANSION_DEPTH_MAX, SEARCHES_MAX
from strongroom.formats.propertynames import NAMES_MAX
from strongroom.history.edits import Put
from strongroom.history.entries import FREEZE, Key

D, C = "{DAV:}", "{urn:ietf:params:xml:ns:carddav}"
PRINCIPALS, ALICE = "/dav/principals/", "/dav/principals/alice/"
NS = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
NAME = "<prop><displayname/></prop>"


@pytest.fixture
def site() -> Site:
    site = Site()
    site.put("ann.vcf")
    return site


def ask(site: Site, path: str, report: str, inner: str = "", **headers: Any) -> Answer:
    name, _, attributes = report.partition(" ")
    return site.do("REPORT", path, f"<{name} {NS} {attributes}>{inner}</{name}>", **headers)


def search(*texts: str, prop: str = NAME) -> str:
    return "".join(f"<property-search>{prop}<match>{t}</match></property-search>" for t in texts)


# --- principal-property-search --------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/dav/", PRINCIPALS, ALICE])
@pytest.mark.parametrize(
    "text,found",
    [
        ("alice", True),
        ("LIC", True),
        (" ali ", True),
        ("", True),
        ("bob", False),
        ("alices", False),
    ],
)  # fmt: skip
@pytest.mark.rfc("3744", "9.4")
def test_only_the_caller_is_ever_found(site: Site, path: str, text: str, found: bool) -> None:
    """RFC 3744 section 9.4: caseless, a part is enough; bob exists and is not found."""
    answer = ask(site, path, "principal-property-search", search(text) + NAME)
    assert answer.status == 207
    assert answer.hrefs == ([ALICE] if found else [])
    if found:
        name = answer.prop(ALICE, D + "displayname")
        assert name is not None
        assert name.text == "alice"


@pytest.mark.rfc("3744", "9.4")
def test_all_searches_must_hold_or_any_where_that_is_said(site: Site) -> None:
    """RFC 3744 section 9.4; `test` is what Apple's clients send."""
    both = search("ali", "bob")
    assert ask(site, PRINCIPALS, "principal-property-search", both).hrefs == []
    assert ask(site, PRINCIPALS, 'principal-property-search test="anyof"', both).hrefs == [ALICE]
    every = search("ali", "ice")
    assert ask(site, PRINCIPALS, "principal-property-search", every).hrefs == [ALICE]


@pytest.mark.rfc("3744", "9.4")
def test_what_cannot_be_searched_for_is_not_found(site: Site) -> None:
    """RFC 3744 section 9.4: owner names alice, and is no text to search in."""
    owner = search("alice", prop="<prop><owner/></prop>")
    assert ask(site, PRINCIPALS, "principal-property-search", owner).hrefs == []
    two = search("alice", prop="<prop><displayname/><owner/></prop>")
    assert ask(site, PRINCIPALS, "principal-property-search", two).hrefs == []


@pytest.mark.parametrize("path", [HOME, BOOK, BOOK + "ann.vcf"])
@pytest.mark.rfc("3744", "9.4")
def test_elsewhere_a_search_must_ask_for_the_principal_collections(site: Site, path: str) -> None:
    """RFC 3744 section 9.4: DAV:apply-to-principal-collection-set."""
    inner = search("alice") + NAME
    refused = ask(site, path, "principal-property-search", inner)
    assert (refused.status, refused.condition) == (403, D + "supported-report")
    found = ask(
        site, path, "principal-property-search", inner + "<apply-to-principal-collection-set/>"
    )
    assert found.hrefs == [ALICE]


@pytest.mark.parametrize(
    "inner",
    ["", NAME, "<property-search/>", f"<property-search>{NAME}</property-search>",
     "<property-search><match>x</match></property-search>", search("x") + NAME + NAME],
)  # fmt: skip
def test_a_search_for_nothing_is_400(site: Site, inner: str) -> None:
    assert ask(site, PRINCIPALS, "principal-property-search", inner).status == 400


@pytest.mark.rfc("3744", "9.4")
def test_a_search_has_a_limit(site: Site) -> None:
    most = search(*["a"] * SEARCHES_MAX)
    assert ask(site, PRINCIPALS, "principal-property-search", most).status == 207
    assert ask(site, PRINCIPALS, "principal-property-search", most + search("a")).status == 413


@pytest.mark.parametrize("depth", ["1", "infinity"])
@pytest.mark.parametrize(
    "report,inner",
    [("principal-property-search", search("a")), ("principal-search-property-set", ""),
     ("principal-match", "<self/>"), ("acl-principal-prop-set", NAME), ("expand-property", "")],
)  # fmt: skip
@pytest.mark.rfc("3744", "9.1")
def test_these_reports_are_asked_with_depth_0(
    site: Site, report: str, inner: str, depth: str
) -> None:
    """RFC 3744 sections 9.2 to 9.5."""
    assert ask(site, PRINCIPALS, report, inner, depth=depth).status == 400
    assert ask(site, PRINCIPALS, report, inner, depth="0").status in {200, 207}


# --- the others of RFC 3744 -----------------------------------------------------------------------


@pytest.mark.rfc("3744", "9.5")
def test_what_can_be_searched_for_is_told(site: Site) -> None:
    """RFC 3744 section 9.5."""
    answer = ask(site, PRINCIPALS, "principal-search-property-set")
    assert answer.status == 200
    assert answer.xml.tag == D + "principal-search-property-set"
    name, email = answer.xml
    assert name.find(f"{D}prop/{D}displayname") is not None
    assert name.findtext(D + "description") == "Name"
    assert email.findtext(D + "description") == "E-mail"
    assert ask(site, HOME, "principal-search-property-set").condition == D + "supported-report"


@pytest.mark.rfc("3744", "9.3")
def test_the_caller_matches_itself(site: Site) -> None:
    """RFC 3744 section 9.3."""
    for path in (PRINCIPALS, ALICE, "/"):
        answer = ask(site, path, "principal-match", "<self/>" + NAME)
        assert answer.hrefs == [ALICE]
        assert answer.prop(ALICE, D + "displayname") is not None
    assert ask(site, PRINCIPALS, "principal-match", "<self/>").hrefs == [ALICE]
    assert ask(site, HOME, "principal-match", "<self/>").hrefs == []


@pytest.mark.rfc("3744", "9.3")
def test_books_whose_property_names_the_caller_match(site: Site) -> None:
    """RFC 3744 section 9.3."""
    by = "<principal-property><{}/></principal-property>" + NAME
    owned = ask(site, HOME, "principal-match", by.format("owner"))
    assert owned.hrefs == [BOOK]
    assert owned.prop(BOOK, D + "displayname") is not None
    for name in ("acl", "sync-token", "displayname"):
        assert ask(site, HOME, "principal-match", by.format(name)).hrefs == []
    assert ask(site, PRINCIPALS, "principal-match", by.format("principal-URL")).hrefs == [ALICE]
    assert ask(site, PRINCIPALS, "principal-match", by.format("nothing")).hrefs == []
    assert ask(site, BOOK, "principal-match", "<self/>").condition == D + "supported-report"


@pytest.mark.parametrize(
    "inner", ["", NAME, "<principal-property/>", "<self/>" + NAME + NAME,
              "<principal-property><a/><b/></principal-property>"],
)  # fmt: skip
@pytest.mark.rfc("3744", "9.3")
def test_a_match_of_nothing_or_of_much_is_400(site: Site, inner: str) -> None:
    assert ask(site, PRINCIPALS, "principal-match", inner).status == 400


@pytest.mark.parametrize("path", [HOME, BOOK, BOOK + "ann.vcf", PRINCIPALS])
@pytest.mark.rfc("3744", "9.2")
def test_the_owner_alone_has_rights(site: Site, path: str) -> None:
    """RFC 3744 section 9.2."""
    assert ask(site, path, "acl-principal-prop-set", NAME).hrefs == [ALICE]
    assert ask(site, path, "acl-principal-prop-set", "<all/>").status == 400
    assert ask(site, path, "acl-principal-prop-set", NAME + NAME).status == 400


@pytest.mark.rfc("3744", "9.2")
def test_about_what_is_not_there_nothing_is_told(site: Site) -> None:
    """I4: 404 with proof for one's own, 404 by the address for another's."""
    for path in (BOOK + "none.vcf", HOME + "none/", "/dav/addressbooks/bob/contacts/"):
        assert ask(site, path, "acl-principal-prop-set", NAME).status == 404
        assert ask(site, path, "expand-property").status == 404


# --- expand-property ------------------------------------------------------------------------------


def prop(name: str, inner: str = "", namespace: str = "") -> str:
    space = f' namespace="{namespace}"' if namespace else ""
    return f'<property name="{name}"{space}>{inner}</property>'


@pytest.mark.rfc("3253", "3.8")
def test_a_property_is_expanded_to_what_its_href_leads_to(site: Site) -> None:
    """RFC 3253 section 3.8: a response stands in the place of the href, and again inside it."""
    homes = prop("addressbook-home-set", prop("owner", prop("displayname")), C[1:-1])
    wanted = prop("current-user-principal", prop("displayname") + prop("no-such") + homes)
    answer = ask(site, BOOK, "expand-property", wanted + prop("displayname"))
    assert answer.hrefs == [BOOK]
    assert answer.prop(BOOK, D + "displayname") is not None
    caller = answer.prop(BOOK, D + "current-user-principal")
    assert caller is not None
    assert caller.find(D + "href") is None
    first = caller.find(D + "response")
    assert first is not None
    assert first.findtext(D + "href") == ALICE
    assert first.findtext(f"{D}propstat/{D}prop/{D}displayname") == "alice"
    missing = [s.findtext(D + "status") for s in first.findall(D + "propstat")]
    assert missing == ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]
    home = first.find(f".//{C}addressbook-home-set/{D}response")
    assert home is not None
    assert home.findtext(D + "href") == HOME
    assert home.findtext(f".//{D}owner/{D}response//{D}displayname") == "alice"


@pytest.mark.rfc("3253", "3.8")
def test_what_is_not_expanded_stays_an_href(site: Site) -> None:
    """RFC 3253 section 3.8: a property without properties inside is told as PROPFIND does."""
    answer = ask(site, ALICE, "expand-property", prop("principal-URL"))
    found = answer.prop(ALICE, D + "principal-URL")
    assert found is not None
    assert found.findtext(D + "href") == ALICE


@pytest.mark.rfc("3253", "3.8")
def test_dead_and_missing_properties_expand_to_nothing(site: Site) -> None:
    patch = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:"><href>/</href></x></prop></set>'
    site.do("PROPPATCH", BOOK + "ann.vcf", patch + "</propertyupdate>")
    inner = prop("x", prop("displayname"), "u:") + prop("no", prop("displayname"))
    answer = ask(site, BOOK + "ann.vcf", "expand-property", inner)
    dead = answer.prop(BOOK + "ann.vcf", "{u:}x")
    assert dead is not None
    assert dead.find("{u:}href") is not None
    assert answer.prop(BOOK + "ann.vcf", D + "no") is None


def test_other_places_expand_too(site: Site) -> None:
    wanted = prop("add-member", prop("displayname")) + prop(
        "principal-collection-set", prop("displayname")
    )
    answer = ask(site, BOOK, "expand-property", wanted)
    book = answer.prop(BOOK, D + "add-member")
    root = answer.prop(BOOK, D + "principal-collection-set")
    assert book is not None
    assert root is not None
    assert book.findtext(f".//{D}displayname") == "Contacts"
    assert root.findtext(f".//{D}displayname") == "Strongroom"


def test_a_frozen_home_is_not_looked_into(site: Site) -> None:
    """I4: the principal still answers; what is frozen stays an href."""
    site.run(site.cell.submit(Put(Key(site.home, FREEZE, "account"), "e", '{"why":"t"}'), {}))
    wanted = prop("addressbook-home-set", prop("displayname"), C[1:-1])
    answer = ask(site, ALICE, "expand-property", wanted)
    found = answer.prop(ALICE, C + "addressbook-home-set")
    assert found is not None
    assert found.findtext(D + "href") == HOME
    assert ask(site, HOME, "expand-property", wanted).status == 503


@pytest.mark.rfc("3253", "3.8")
def test_an_expansion_is_bounded(site: Site) -> None:
    """The limits of formats/principalxml.py, at them and one past."""

    def nested(depth: int) -> str:
        return prop("owner", nested(depth - 1)) if depth > 1 else prop("owner")

    assert ask(site, ALICE, "expand-property", nested(EXPANSION_DEPTH_MAX)).status == 207
    assert ask(site, ALICE, "expand-property", nested(EXPANSION_DEPTH_MAX + 1)).status == 413
    many = [prop(f"p{i}") for i in range(NAMES_MAX + 1)]
    assert ask(site, ALICE, "expand-property", "".join(many[1:])).status == 207
    assert ask(site, ALICE, "expand-property", "".join(many)).status == 413


@pytest.mark.parametrize("attributes", ["", 'name=""', 'name="a b"', 'name="a" namespace="a b"'])
def test_a_property_without_a_name_is_400(site: Site, attributes: str) -> None:
    assert ask(site, ALICE, "expand-property", f"<property {attributes}/>").status == 400


@pytest.mark.rfc("3253", "3.1.5", "3.6")
@pytest.mark.rfc("6352", "8.1", "8.2", "3")
def test_each_place_names_the_reports_that_it_answers(site: Site) -> None:
    """RFC 3253 section 3.1.5: DAV:supported-report-set is neither more nor less than true."""
    asked = '<propfind xmlns="DAV:"><prop><supported-report-set/></prop></propfind>'
    bodies = {
        "principal-property-search": search("a"), "principal-search-property-set": "",
        "principal-match": "<self/>", "acl-principal-prop-set": NAME, "expand-property": "",
        "sync-collection": "<sync-token/><sync-level>1</sync-level>" + NAME,
    }  # fmt: skip
    for path in (PRINCIPALS, ALICE, HOME, BOOK, BOOK + "ann.vcf"):
        told = site.do("PROPFIND", path, asked, depth="0").prop(path, D + "supported-report-set")
        assert told is not None
        names = {str(one[0].tag) for one in told.iter(D + "report")}
        for name, inner in bodies.items():
            status = ask(site, path, name, inner).status
            assert (status in {200, 207}) == (D + name in names), (path, name)

"""PROPFIND, PROPPATCH and MKCOL."""

from __future__ import annotations

import pytest

from fakes.site import BOOK, HOME, Site
from strongroom.dav.getters import EMAILS
from strongroom.dav.live import live_at
from strongroom.dav.routes import Place

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:carddav}"
CTAG = "{http://calendarserver.org/ns/}getctag"
PRINCIPAL = "/dav/principals/alice/"
XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'


@pytest.fixture
def site() -> Site:
    return Site()


def find(*names: str) -> str:
    inner = "".join(f"<{name}/>" for name in names)
    return f"<D:propfind {XML}><D:prop>{inner}</D:prop></D:propfind>"


def update(*parts: str) -> str:
    return f'<D:propertyupdate {XML} xmlns:x="urn:x">{"".join(parts)}</D:propertyupdate>'


def set_(inner: str) -> str:
    return f"<D:set><D:prop>{inner}</D:prop></D:set>"


@pytest.mark.parametrize(
    "path", ["/", "/dav/", "/dav", "/dav/principals/", "/principals/", PRINCIPAL, HOME, BOOK]
)
@pytest.mark.rfc("5397", "3")
@pytest.mark.rfc("3744", "2", "4.2", "5.1", "5.8")
@pytest.mark.rfc("6352", "7.1.1")
@pytest.mark.rfc("6764", "6")
def test_every_place_tells_who_the_caller_is_and_where_the_home_is(site: Site, path: str) -> None:
    answer = site.do(
        "PROPFIND", path, find("D:current-user-principal", "C:addressbook-home-set"), depth="0"
    )
    href = path if path.endswith("/") else path + "/"

    assert answer.status == 207
    principal = answer.prop(href, D + "current-user-principal")
    home = answer.prop(href, C + "addressbook-home-set")
    assert principal is not None
    assert home is not None
    assert (principal.findtext(D + "href"), home.findtext(D + "href")) == (PRINCIPAL, HOME)


@pytest.mark.rfc("6352", "5.2", "10.1")
@pytest.mark.rfc("4918", "9.1", "15.9")
def test_the_home_lists_itself_and_its_books_the_default_one_first(site: Site) -> None:
    for name in ("aaa", "zzz"):
        assert site.do("MKCOL", HOME + name + "/").status == 201
    answer = site.do("PROPFIND", HOME, find("D:resourcetype", "D:displayname"), depth="1")

    assert answer.hrefs == [HOME, BOOK, HOME + "aaa/", HOME + "zzz/"]
    kinds = answer.prop(BOOK, D + "resourcetype")
    assert kinds is not None
    assert [kind.tag for kind in kinds] == [D + "collection", C + "addressbook"]
    names = [answer.prop(href, D + "displayname") for href in answer.hrefs]
    assert [n is not None and n.text for n in names] == ["alice", "Contacts", "aaa", "zzz"]


@pytest.mark.rfc("6352", "6.2.2", "6.2.3", "8.3.1", "10.2")
@pytest.mark.rfc("3744", "5.4")
@pytest.mark.rfc("6578", "4", "3.1")
@pytest.mark.rfc("5995", "3.2")
@pytest.mark.rfc("4918", "15.2")
def test_a_book_says_what_phones_ask_for(site: Site) -> None:
    body = find(
        "D:sync-token", "CS:getctag", "D:supported-report-set", "C:supported-address-data",
        "C:max-resource-size", "D:current-user-privilege-set", "D:owner", "D:nothing",
    )  # fmt: skip
    answer = site.do("PROPFIND", BOOK, body, depth="0")
    token, ctag = answer.prop(BOOK, D + "sync-token"), answer.prop(BOOK, CTAG)

    assert token is not None
    assert ctag is not None
    assert token.text == ctag.text
    assert (token.text or "").startswith("data:,")
    for name in ("supported-report-set", "current-user-privilege-set", "owner"):
        assert answer.prop(BOOK, D + name) is not None
    data = answer.prop(BOOK, C + "supported-address-data")
    assert data is not None
    assert [one.get("version") for one in data] == ["3.0", "4.0"]
    assert answer.prop(BOOK, D + "nothing") is None
    assert "404 Not Found" in answer.text


@pytest.mark.rfc("6578", "4")
def test_a_poll_of_a_book_reads_no_disk_and_moves_with_each_change(site: Site) -> None:
    poll = find("CS:getctag", "D:sync-token")
    reads = site.cell.reads
    first = site.do("PROPFIND", BOOK, poll, depth="0")
    assert site.cell.reads == reads
    assert site.do("PROPFIND", BOOK, poll, depth="0").body == first.body
    site.put("ann.vcf")
    assert site.do("PROPFIND", BOOK, poll, depth="0").body != first.body


@pytest.mark.rfc("4918", "9.1", "5.2", "15.6")
def test_a_book_at_depth_1_lists_each_card_with_its_etag(site: Site) -> None:
    tags = {BOOK + f"{i}.vcf": site.put(f"{i}.vcf").headers["etag"] for i in range(3)}
    answer = site.do(
        "PROPFIND",
        BOOK,
        find("D:getetag", "D:getcontenttype", "D:getcontentlength", "D:getlastmodified",
             "D:resourcetype"),
        depth="1",
    )  # fmt: skip

    assert answer.hrefs == [BOOK, *tags]
    for href, tag in tags.items():
        assert answer.prop(href, D + "getetag").text == tag  # type: ignore[union-attr]
        kind = answer.prop(href, D + "getcontenttype")
        assert kind is not None
        assert kind.text == "text/vcard; charset=utf-8"
        assert answer.prop(href, D + "getlastmodified") is not None
        types = answer.prop(href, D + "resourcetype")
        assert types is not None
        assert len(types) == 0


def test_a_long_listing_goes_out_in_pieces_and_is_whole(site: Site) -> None:
    for i in range(450):
        site.put(f"{i}.vcf")
    answer = site.do("PROPFIND", BOOK, find("D:getetag"), depth="1")

    assert len(answer.hrefs) == 451
    assert answer.pieces > 2
    assert "content-length" not in answer.headers


@pytest.mark.rfc("4918", "13")
def test_a_listing_that_cannot_be_proven_is_503_not_short(site: Site) -> None:
    site.put("ann.vcf")
    site.cell.unsure.add(site.book.id)
    answer = site.do("PROPFIND", BOOK, find("D:getetag"), depth="1")
    assert (answer.status, answer.headers["retry-after"]) == (503, "60")
    site.cell.unsure = {site.home}
    assert site.do("PROPFIND", HOME, find("D:resourcetype"), depth="1").status == 503
    # The poll and the principal do not depend on what is not asked.
    assert site.do("PROPFIND", PRINCIPAL, find("D:owner"), depth="0").status == 207


def test_a_missing_book_is_404_only_when_the_replicas_prove_it(site: Site) -> None:
    assert site.do("PROPFIND", HOME + "nobook/", depth="0").status == 404
    site.cell.unsure.add(site.home)
    assert site.do("PROPFIND", HOME + "nobook/", depth="0").status == 503


def test_a_book_that_only_the_replicas_know_is_503(site: Site) -> None:
    book = site.book
    site.cell.directory._homes[site.home].pop((book.kind, book.href))
    assert site.do("PROPFIND", BOOK, depth="0").status == 503


@pytest.mark.parametrize("path", ["/", HOME, BOOK])
@pytest.mark.rfc("4918", "9.1", "10.2", "16")
def test_infinite_depth_is_refused(site: Site, path: str) -> None:
    answer = site.do("PROPFIND", path, depth="infinity")
    assert (answer.status, answer.condition) == (403, D + "propfind-finite-depth")


@pytest.mark.parametrize("path", [HOME, BOOK])
@pytest.mark.rfc("4918", "10.2")
def test_no_depth_means_infinity(site: Site, path: str) -> None:
    assert site.do("PROPFIND", path).status == 403


@pytest.mark.rfc("4918", "10.2")
def test_odd_depths_are_400_and_a_card_has_no_depth(site: Site) -> None:
    site.put("ann.vcf")
    assert site.do("PROPFIND", BOOK, depth="2").status == 400
    assert site.do("PROPFIND", BOOK + "ann.vcf").hrefs == [BOOK + "ann.vcf"]
    assert site.do("PROPFIND", BOOK + "no.vcf", depth="0").status == 404


@pytest.mark.rfc("4918", "9.1", "15.4", "15.5", "15.6", "15.7")
def test_allprop_holds_the_classic_ones_and_the_dead_ones(site: Site) -> None:
    site.put("ann.vcf")
    site.do("PROPPATCH", BOOK + "ann.vcf", update(set_("<x:colour>red</x:colour>")))
    answer = site.do("PROPFIND", BOOK + "ann.vcf", depth="0")
    found = answer.response(BOOK + "ann.vcf").findall(f"{D}propstat/{D}prop/*")

    assert [f.tag for f in found] == [
        D + "lockdiscovery", D + "supportedlock", D + "resourcetype", D + "getetag",
        D + "getcontentlength", D + "getlastmodified", D + "getcontenttype", "{urn:x}colour",
    ]  # fmt: skip
    with_more = f"<D:propfind {XML}><D:allprop/><D:include><D:owner/></D:include></D:propfind>"
    answer = site.do("PROPFIND", BOOK + "ann.vcf", with_more, depth="0")
    assert answer.prop(BOOK + "ann.vcf", D + "owner") is not None


@pytest.mark.parametrize(
    "place,path",
    [(Place.ROOT, "/"), (Place.PRINCIPAL, PRINCIPAL), (Place.HOME, HOME), (Place.COLLECTION, BOOK),
     (Place.OBJECT, BOOK + "ann.vcf")],
)  # fmt: skip
@pytest.mark.rfc("4918", "9.1")
def test_propname_names_what_prop_then_finds(site: Site, place: Place, path: str) -> None:
    site.put("ann.vcf")
    answer = site.do("PROPFIND", path, f"<D:propfind {XML}><D:propname/></D:propfind>", depth="0")
    names = [str(f.tag) for f in answer.response(path).findall(f"{D}propstat/{D}prop/*")]
    # There is neither a quota nor an e-mail address.
    assert set(names) >= set(live_at(place)) - {D + "quota-available-bytes", EMAILS}
    tags = "".join(f'<y:{n.split("}")[1]} xmlns:y="{n[1:].split("}")[0]}"/>' for n in names)
    body = f"<D:propfind {XML}><D:prop>{tags}</D:prop></D:propfind>"
    again = site.do("PROPFIND", path, body, depth="0")
    assert "404 Not Found" not in again.text
    assert [f.tag for f in again.response(path).findall(f"{D}propstat/{D}prop/*")] == names


@pytest.mark.rfc("4918", "9.2", "17")
def test_a_dead_property_is_kept_as_xml_and_removed_again(site: Site) -> None:
    value = '<x:tree a="1"><x:leaf>&lt;&amp;é</x:leaf>tail</x:tree>'
    assert site.do("PROPPATCH", BOOK, update(set_(value))).status == 207
    asked = f'<D:propfind {XML}><D:prop><tree xmlns="urn:x"/></D:prop></D:propfind>'
    tree = site.do("PROPFIND", BOOK, asked, depth="0").prop(BOOK, "{urn:x}tree")

    assert tree is not None
    assert tree.get("a") == "1"
    assert tree[0].text == "<&é"
    assert tree[0].tail == "tail"
    gone = update("<D:remove><D:prop><x:tree/></D:prop></D:remove>")
    assert site.do("PROPPATCH", BOOK, gone).status == 207
    assert site.do("PROPFIND", BOOK, asked, depth="0").prop(BOOK, "{urn:x}tree") is None


@pytest.mark.parametrize("path", [HOME, BOOK, BOOK + "ann.vcf"])
@pytest.mark.rfc("4918", "15.2", "9.2")
def test_a_name_for_people_can_be_set_everywhere(site: Site, path: str) -> None:
    site.put("ann.vcf")
    answer = site.do("PROPPATCH", path, update(set_("<D:displayname>Öl &amp; Gas</D:displayname>")))
    assert answer.status == 207
    assert answer.prop(path, D + "displayname") is not None
    name = site.do("PROPFIND", path, find("D:displayname"), depth="0").prop(path, D + "displayname")
    assert name is not None
    assert name.text == "Öl & Gas"
    principal = site.do("PROPFIND", PRINCIPAL, find("D:displayname"), depth="0")
    assert principal.prop(PRINCIPAL, D + "displayname").text == "alice"  # type: ignore[union-attr]


@pytest.mark.rfc("4918", "9.2")
def test_properties_do_not_touch_a_card(site: Site) -> None:
    tag = site.put("ann.vcf").headers["etag"]
    site.do("PROPPATCH", BOOK + "ann.vcf", update(set_("<x:colour>red</x:colour>")))
    assert site.do("GET", BOOK + "ann.vcf").headers["etag"] == tag


@pytest.mark.rfc("4918", "9.2", "11.4")
def test_proppatch_is_all_or_nothing(site: Site) -> None:
    answer = site.do(
        "PROPPATCH", BOOK, update(set_("<x:a>1</x:a>"), set_("<D:getetag>2</D:getetag>"))
    )
    fates = {
        str(stat.find(D + "prop")[0].tag): stat.findtext(D + "status")  # type: ignore[index]
        for stat in answer.response(BOOK).findall(D + "propstat")
    }

    assert answer.status == 207
    assert fates == {
        D + "getetag": "HTTP/1.1 403 Forbidden",
        "{urn:x}a": "HTTP/1.1 424 Failed Dependency",
    }
    assert "cannot-modify-protected-property" in answer.text
    assert site.book.properties.keys() == {D + "displayname"}


@pytest.mark.rfc("4918", "9.2")
def test_proppatch_over_the_limit_changes_nothing(site: Site) -> None:
    answer = site.do("PROPPATCH", BOOK, update(set_(f"<x:a>{'y' * 70_000}</x:a>")))
    assert answer.status == 413
    assert site.book.properties.keys() == {D + "displayname"}


@pytest.mark.rfc("4918", "9.2")
def test_proppatch_of_what_is_not_there_is_404(site: Site) -> None:
    body = update(set_("<x:a>1</x:a>"))
    assert site.do("PROPPATCH", BOOK + "no.vcf", body).status == 404
    assert site.do("PROPPATCH", HOME + "nobook/", body).status == 404
    assert site.do("PROPPATCH", PRINCIPAL, body).status == 405


def mkcol(*inner: str) -> str:
    return f'<D:mkcol {XML} xmlns:x="urn:x">{"".join(map(set_, inner))}</D:mkcol>'


KIND = "<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype>"


@pytest.mark.rfc("5689", "3", "5.1")
@pytest.mark.rfc("6352", "6.3.1")
def test_mkcol_makes_a_book_together_with_its_properties(site: Site) -> None:
    body = mkcol(KIND, "<D:displayname>Work</D:displayname>", "<x:a>1</x:a>")
    assert site.do("MKCOL", HOME + "work/", body, content_type="application/xml").status == 201
    answer = site.do("PROPFIND", HOME + "work/", find("D:displayname"), depth="0")
    assert answer.prop(HOME + "work/", D + "displayname").text == "Work"  # type: ignore[union-attr]
    assert site.do("PUT", HOME + "work/a.vcf", b"no card").status == 403


@pytest.mark.rfc("4918", "9.3")
def test_mkcol_of_what_is_there_is_405(site: Site) -> None:
    assert site.do("MKCOL", BOOK).status == 405
    assert site.do("MKCOL", HOME).status == 405
    assert site.do("MKCOL", HOME + "plain").status == 201
    assert site.do("MKCOL", HOME + "plain/").status == 405


@pytest.mark.rfc("4918", "9.3")
def test_two_mkcols_of_one_name_at_once_make_one_book(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = site.book
    monkeypatch.setattr(site.cell.directory, "collection", lambda *_: None)
    assert site.run(site.laptop("MKCOL", BOOK)).status == 405
    assert site.cell.table[book.key] == book


@pytest.mark.rfc("6352", "5.2")
@pytest.mark.rfc("4918", "9.3")
def test_mkcol_inside_a_book_is_refused(site: Site) -> None:
    answer = site.do("MKCOL", BOOK + "sub/")
    assert (answer.status, answer.condition) == (403, C + "addressbook-collection-location-ok")
    assert site.do("MKCOL", HOME + "nobook/sub/").status == 409


@pytest.mark.parametrize(
    "kind",
    ["<D:resourcetype><D:collection/></D:resourcetype>",
     '<D:resourcetype><D:collection/><q:calendar xmlns:q="urn:q"/></D:resourcetype>'],
)  # fmt: skip
@pytest.mark.rfc("5689", "3.3")
def test_mkcol_of_another_type_is_refused(site: Site, kind: str) -> None:
    answer = site.do("MKCOL", HOME + "cal/", mkcol(kind))
    assert (answer.status, answer.condition) == (403, D + "valid-resourcetype")
    assert site.do("PROPFIND", HOME + "cal/", depth="0").status == 404


@pytest.mark.rfc("5689", "3.2", "5.2")
def test_mkcol_with_a_protected_property_makes_nothing(site: Site) -> None:
    answer = site.do("MKCOL", HOME + "work/", mkcol(KIND, "<D:getetag/>", "<x:a/>"))
    assert answer.status == 403
    assert answer.xml.tag == D + "mkcol-response"
    assert "424 Failed Dependency" in answer.text
    assert site.do("PROPFIND", HOME + "work/", depth="0").status == 404


@pytest.mark.rfc("5689", "3.2")
@pytest.mark.rfc("4918", "9.3")
def test_mkcol_with_another_body_is_415_and_with_too_much_413(site: Site) -> None:
    assert site.do("MKCOL", HOME + "w/", b"hi", content_type="text/plain").status == 415
    big = mkcol(KIND, f"<x:a>{'y' * 70_000}</x:a>")
    assert site.do("MKCOL", HOME + "w/", big).status == 413


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    '<D:propfind xmlns:D="DAV:">&b;</D:propfind>'
)
ENTITY = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    '<D:propfind xmlns:D="DAV:"><D:prop><D:owner>&a;</D:owner></D:prop></D:propfind>'
)


@pytest.mark.parametrize(
    "body,status",
    [
        (BOMB, 403),
        (ENTITY, 403),
        ("<D:propfind", 400),
        ("<x/>", 400),
        ("\x00", 400),
        ("<a>" * 300 + "</a>" * 300, 400),
        (f"<D:propfind {XML}/>", 400),
        (find(*(f"D:p{i}" for i in range(300))), 413),
    ],
)
@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT"])
@pytest.mark.rfc("4918", "8.2", "20.6")
def test_hostile_bodies_are_the_clients_error(
    site: Site, method: str, body: str, status: int
) -> None:
    answer = site.do(method, BOOK, body, depth="0")
    expected = {status, 400, 403} if method != "PROPFIND" else {status}
    assert answer.status in expected
    assert b"root:" not in answer.body


@pytest.mark.rfc("4918", "20.2")
def test_a_request_body_over_the_limit_is_413(site: Site) -> None:
    assert site.do("PROPFIND", BOOK, b" " * (4 * 1024 * 1024 + 1), depth="0").status == 413


@pytest.mark.rfc("4918", "8.3")
def test_an_address_in_raw_utf_8_is_echoed_as_one_that_can_be_asked_for(site: Site) -> None:
    site.put("%C3%BC.vcf")
    raw = BOOK + "ü.vcf".encode().decode("latin-1")
    assert site.do("PROPFIND", raw, depth="0").hrefs == [BOOK + "%C3%BC.vcf"]

"""REPORT addressbook-query, and the forms in which cards are given: versions and parts of them."""

from __future__ import annotations

import pytest

from fakes.asgi import Answer, CutError
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.limits import CARD_LINES_MAX, FILTER_CONDITIONS_MAX

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:carddav}"
DATA = C + "address-data"
NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
ANN = "<C:prop-filter name='FN'><C:text-match>ann</C:text-match></C:prop-filter>"


@pytest.fixture
def site() -> Site:
    """Three cards, of which two are called Ann."""
    site = Site()
    for name, called in (("a", "Ann"), ("b", "Bob"), ("c", "Joanna")):
        site.do("PUT", BOOK + f"{name}.vcf", card(name, called))
    return site


def query(
    site: Site,
    inner: str = "",
    *,
    path: str = BOOK,
    props: str = "<D:getetag/>",
    limit: int | None = None,
    depth: str | None = "1",
) -> Answer:
    most = f"<C:limit><C:nresults>{limit}</C:nresults></C:limit>" if limit else ""
    body = (
        f"<C:addressbook-query {NS}><D:prop>{props}</D:prop>"
        f"<C:filter>{inner}</C:filter>{most}</C:addressbook-query>"
    )
    headers = {} if depth is None else {"depth": depth}
    return site.do("REPORT", path, body, **headers)


def multiget(site: Site, *names: str, data: str) -> Answer:
    hrefs = "".join(f"<D:href>{BOOK}{name}</D:href>" for name in names)
    body = f"<C:addressbook-multiget {NS}><D:prop>{data}</D:prop>{hrefs}</C:addressbook-multiget>"
    return site.do("REPORT", BOOK, body)


def told(answer: Answer) -> list[str]:
    assert answer.status == 207
    return [href.removeprefix(BOOK) for href in answer.hrefs]


def data_of(answer: Answer, name: str) -> bytes:
    element = answer.prop(BOOK + name, DATA)
    assert element is not None
    return (element.text or "").encode()


# --- which cards ----------------------------------------------------------------------------------


@pytest.mark.rfc("6352", "8.6", "10.3", "3")
def test_a_query_gives_the_cards_that_match(site: Site) -> None:
    """RFC 6352 section 8.6."""
    answer = query(site, ANN, props="<D:getetag/><C:address-data/>")

    assert told(answer) == ["a.vcf", "c.vcf"]
    assert data_of(answer, "a.vcf") == card("a", "Ann")
    tag = site.do("GET", BOOK + "a.vcf").headers["etag"]
    assert answer.prop(BOOK + "a.vcf", D + "getetag").text == tag  # type: ignore[union-attr]


@pytest.mark.rfc("6352", "10.5")
def test_an_empty_filter_gives_every_card(site: Site) -> None:
    """RFC 6352 section 10.5; a body that nobody asked for is not read."""
    site.cell.lost.update(site.cell.blobs)

    assert told(query(site)) == ["a.vcf", "b.vcf", "c.vcf"]


@pytest.mark.rfc("6352", "10.3")
def test_a_query_can_ask_for_names_or_for_what_there_is(site: Site) -> None:
    """RFC 6352 section 10.3: DAV:allprop and DAV:propname."""
    for kind, found in (("allprop", True), ("propname", False)):
        body = f"<C:addressbook-query {NS}><D:{kind}/><C:filter/></C:addressbook-query>"
        answer = site.do("REPORT", BOOK, body, depth="1")
        etag = answer.prop(BOOK + "a.vcf", D + "getetag")
        assert etag is not None
        assert bool(etag.text) is found
        assert answer.prop(BOOK + "a.vcf", DATA) is None


@pytest.mark.parametrize(
    "depth, names",
    [(None, ["a.vcf", "c.vcf"]), ("1", ["a.vcf", "c.vcf"]), ("infinity", ["a.vcf", "c.vcf"]),
     ("0", [])],
)  # fmt: skip
@pytest.mark.rfc("6352", "8.6")
def test_depth_says_whether_the_cards_of_a_book_are_meant(
    site: Site, depth: str | None, names: list[str]
) -> None:
    """RFC 6352 section 8.6: the scope is that of the Depth header."""
    assert told(query(site, ANN, depth=depth)) == names


def test_another_depth_is_refused(site: Site) -> None:
    """RFC 4918 section 10.2."""
    assert query(site, ANN, depth="2").status == 400


@pytest.mark.rfc("6352", "8.1")
def test_one_card_can_be_asked(site: Site) -> None:
    """RFC 6352 section 8.6: the report may be asked of an address object."""
    assert told(query(site, ANN, path=BOOK + "a.vcf", depth=None)) == ["a.vcf"]
    assert told(query(site, ANN, path=BOOK + "b.vcf", depth="0")) == []
    assert query(site, ANN, path=BOOK + "none.vcf").status == 404
    body = f"<D:sync-collection {NS}><D:sync-token/><D:prop/></D:sync-collection>"
    answer = site.do("REPORT", BOOK + "a.vcf", body)
    assert (answer.status, answer.condition) == (403, D + "supported-report")


@pytest.mark.rfc("6352", "8.6.1", "8.6.2", "10.6")
@pytest.mark.rfc("4918", "11.5")
def test_a_limit_is_said_about_the_book(site: Site) -> None:
    """RFC 6352 section 8.6.1."""
    answer = query(site, ANN, limit=1)

    assert told(answer) == ["a.vcf", ""]
    assert answer.status_of(BOOK) == "HTTP/1.1 507 Insufficient Storage"
    assert answer.response(BOOK).find(f"{D}error/{D}number-of-matches-within-limits") is not None
    assert told(query(site, ANN, limit=2)) == ["a.vcf", "c.vcf"]
    assert told(query(site, limit=2)) == ["a.vcf", "b.vcf", ""]


def test_a_long_answer_goes_out_in_pieces(site: Site) -> None:
    for i in range(450):
        site.put(f"{i}.vcf")
    for props in ("<D:getetag/>", "<C:address-data/>"):
        answer = query(site, ANN, props=props)
        assert len(answer.hrefs) == 452
        assert answer.pieces > 1
    assert len(query(site).hrefs) == 453


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner, condition",
    [
        ("<C:comp-filter name='VCARD'/>", "supported-filter"),
        ("<C:prop-filter name='FN'><C:text-match collation='i;nameprep'>a</C:text-match>"
         "</C:prop-filter>", "supported-collation"),
        ("<C:prop-filter/>", "valid-filter"),
    ],
)  # fmt: skip
@pytest.mark.rfc("6352", "8.6", "8.3")
def test_a_filter_that_is_not_known_is_refused_by_name(
    site: Site, inner: str, condition: str
) -> None:
    """RFC 6352 section 8.6: CARDDAV:supported-filter, CARDDAV:supported-collation."""
    answer = query(site, inner)
    assert (answer.status, answer.condition) == (403, C + condition)


def test_an_endless_filter_is_refused(site: Site) -> None:
    assert query(site, "<C:prop-filter name='X'/>" * (FILTER_CONDITIONS_MAX + 1)).status == 413


@pytest.mark.parametrize("form", ["content-type='text/calendar'", "version='2.1'"])
@pytest.mark.rfc("6352", "8.6", "10.4")
def test_data_in_a_form_that_there_is_not_is_refused(site: Site, form: str) -> None:
    """RFC 6352 sections 8.6 and 8.7: CARDDAV:supported-address-data."""
    data = f"<C:address-data {form}/>"
    for answer in (query(site, ANN, props=data), multiget(site, "a.vcf", data=data)):
        assert (answer.status, answer.condition) == (403, C + "supported-address-data")


@pytest.mark.rfc("6352", "8.2")
def test_a_query_of_a_home_or_of_no_book_is_refused(site: Site) -> None:
    assert query(site, path=HOME).status in {403, 405}  # not an address book
    assert query(site, path=HOME + "none/").status == 404


# --- what cannot be proven ------------------------------------------------------------------------


def test_a_body_that_is_not_to_be_had_makes_the_query_503(site: Site) -> None:
    """I4: an answer without this card would say that it does not match."""
    site.cell.lost.add(site.do("GET", BOOK + "b.vcf").headers["etag"].strip('"'))
    assert query(site, ANN).status == 503
    assert query(site, ANN, path=BOOK + "b.vcf").status == 503
    assert told(query(site, ANN, path=BOOK + "a.vcf")) == ["a.vcf"]


def test_a_body_that_is_missed_half_way_cuts_the_answer_off(site: Site) -> None:
    """I4, features 3.1 rule 2: never a polite end of a short answer."""
    for i in range(450):
        site.do("PUT", BOOK + f"{i:03}.vcf", card(f"{i}", "Ann " + "x" * 600))
    site.cell.lost.add(site.do("GET", BOOK + "c.vcf").headers["etag"].strip('"'))
    with pytest.raises(CutError):
        query(site, ANN, props="<C:address-data/>")


def test_a_listing_that_cannot_be_proven_is_503(site: Site) -> None:
    """I4."""
    del site.cell.table[next(k for k in site.cell.table if k.href == "b.vcf")]
    assert query(site, ANN).status == 503
    site.cell.unsure.add(site.book.id)
    assert query(site, ANN).status == 503


@pytest.mark.rfc("6352", "8.6")
def test_a_card_that_is_too_long_to_look_into_is_listed_as_it_is(site: Site) -> None:
    """I4: it might match."""
    body = card("long").replace(b"FN:Ann", b"FN:Zoe\r\n" + b"X:\r\n" * (CARD_LINES_MAX + 1))
    site.do("PUT", BOOK + "long.vcf", body)
    sought = "<C:prop-filter name='X'><C:text-match>y</C:text-match></C:prop-filter>"
    part = "<C:address-data version='4.0'><C:prop name='FN'/></C:address-data>"
    answer = query(site, sought, props=part)

    assert told(answer) == ["long.vcf"]
    assert data_of(answer, "long.vcf") == body
    # A search that finds its lines can still say no.
    assert told(query(site, ANN)) == ["a.vcf", "c.vcf"]


def test_what_xml_cannot_carry_is_503_for_that_card_alone(site: Site) -> None:
    """Features 3.1 rule 3: what cannot be told of still exists."""
    tag = site.do("GET", BOOK + "c.vcf").headers["etag"].strip('"')
    site.cell.blobs[tag] = b"FN:Ann\x00"
    answer = query(site, ANN, props="<C:address-data/>")

    assert told(answer) == ["a.vcf", "c.vcf"]
    assert answer.status_of(BOOK + "c.vcf") == "HTTP/1.1 503 Service Unavailable"


# --- versions -------------------------------------------------------------------------------------

FOUR = (
    b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:four\r\nFN:Ann\r\nN:;Ann;;;\r\nKIND:individual\r\n"
    b"TEL;PREF=1:+1\r\nEND:VCARD\r\n"
)
FOUR_AS_THREE = (
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:four\r\nFN:Ann\r\nN:;Ann;;;\r\n"
    b"X-ADDRESSBOOKSERVER-KIND:individual\r\nTEL;TYPE=pref:+1\r\nEND:VCARD\r\n"
)


@pytest.mark.rfc("6352", "10.4", "5.1.1")
def test_cards_are_3_0_unless_4_0_is_asked_for(site: Site) -> None:
    """RFC 6352 section 10.4: the default of `version` is 3.0; GET gives what is stored (I3)."""
    site.do("PUT", BOOK + "four.vcf", FOUR)
    four = "<C:address-data content-type='text/vcard' version='4.0'/>"

    plain = multiget(site, "four.vcf", "a.vcf", data="<C:address-data/>")
    assert data_of(plain, "four.vcf") == FOUR_AS_THREE
    assert data_of(plain, "a.vcf") == card("a", "Ann")
    asked = multiget(site, "four.vcf", "a.vcf", data=four)
    assert data_of(asked, "four.vcf") == FOUR
    assert data_of(asked, "a.vcf") == card("a", "Ann").replace(b"3.0", b"4.0")
    assert data_of(query(site, ANN, props=four), "four.vcf") == FOUR
    assert data_of(query(site, ANN, props="<C:address-data/>"), "four.vcf") == FOUR_AS_THREE
    assert site.do("GET", BOOK + "four.vcf").body == FOUR


def test_a_card_in_the_version_asked_for_is_not_looked_into(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sync of a phone is nothing but this."""

    def refuse(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr("strongroom.dav.object_rows.to_version", refuse)
    answer = multiget(site, "a.vcf", data="<C:address-data/>")
    assert data_of(answer, "a.vcf") == card("a", "Ann")


@pytest.mark.rfc("6352", "6.3.2.3")
def test_an_etag_is_that_of_the_stored_bytes_in_every_version(site: Site) -> None:
    """RFC 6352 section 10.4: a form of the data is not another card."""
    site.do("PUT", BOOK + "four.vcf", FOUR)
    tag = site.do("GET", BOOK + "four.vcf").headers["etag"]
    answer = multiget(site, "four.vcf", data="<D:getetag/><C:address-data/>")
    assert answer.prop(BOOK + "four.vcf", D + "getetag").text == tag  # type: ignore[union-attr]


# --- parts ----------------------------------------------------------------------------------------


@pytest.mark.rfc("6352", "8.4", "10.4.2", "9.1")
def test_a_part_of_a_card_can_be_asked_for(site: Site) -> None:
    """RFC 6352 section 8.4, 10.4.2: C:prop with `novalue`."""
    parts = "<C:address-data><C:prop name='fn'/><C:prop name='UID' novalue='yes'/></C:address-data>"
    part = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:\r\nFN:Ann\r\nEND:VCARD\r\n"

    assert data_of(query(site, ANN, props=parts), "a.vcf") == part
    assert data_of(multiget(site, "a.vcf", data=parts), "a.vcf") == part


@pytest.mark.rfc("6352", "8.4")
def test_a_part_is_taken_from_the_version_asked_for(site: Site) -> None:
    """RFC 6352 section 10.4."""
    site.do("PUT", BOOK + "four.vcf", FOUR)
    parts = "<C:address-data><C:prop name='X-ADDRESSBOOKSERVER-KIND'/></C:address-data>"

    assert data_of(multiget(site, "four.vcf", data=parts), "four.vcf").splitlines()[2:3] == [
        b"X-ADDRESSBOOKSERVER-KIND:individual"
    ]


# --- what is advertised ---------------------------------------------------------------------------


@pytest.mark.rfc("6352", "8.3.1", "10.2")
@pytest.mark.rfc("3253", "3.1.5")
def test_a_book_says_what_can_be_asked_of_it(site: Site) -> None:
    """RFC 6352 sections 6.2.2, 8.3.1; RFC 3253 section 3.1.5."""
    props = "<C:supported-collation-set/><C:supported-address-data/><D:supported-report-set/>"
    body = f"<D:propfind {NS}><D:prop>{props}</D:prop></D:propfind>"
    answer = site.do("PROPFIND", BOOK, body, depth="0")

    collations = answer.prop(BOOK, C + "supported-collation-set")
    assert collations is not None
    assert [c.text for c in collations] == ["i;ascii-casemap", "i;octet", "i;unicode-casemap"]
    kinds = answer.prop(BOOK, C + "supported-address-data")
    assert kinds is not None
    assert [(k.get("content-type"), k.get("version")) for k in kinds] == [
        ("text/vcard", "3.0"),
        ("text/vcard", "4.0"),
    ]
    reports = answer.prop(BOOK, D + "supported-report-set")
    assert reports is not None
    assert reports.find(f"{D}supported-report/{D}report/{C}addressbook-query") is not None


def test_others_get_their_turn_while_a_long_query_runs(site: Site) -> None:
    for i in range(300):
        site.put(f"{i}.vcf")
    body = f"<C:addressbook-query {NS}><D:prop/><C:filter>{ANN}</C:filter></C:addressbook-query>"
    _, turns = site.turns_during(site.alice("REPORT", BOOK, body, depth="1"))
    assert turns >= 3

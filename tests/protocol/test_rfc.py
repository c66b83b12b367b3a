"""What single sections of the RFCs say and no other test shows (docs/compliance.md)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card
from strongroom.history.edits import Edit
from strongroom.history.entries import Row

D = "{DAV:}"
C = "{urn:ietf:params:xml:ns:carddav}"
NS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"'
WRITTEN = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:zoe\r\nFN:Zoë Ångström\r\n"
    "X-PHONETIC-LAST-NAME;X-BY=me:ongstrom\r\nEND:VCARD\r\n"
)


@pytest.fixture
def site() -> Site:
    site = Site()
    site.do("PUT", BOOK + "zoe.vcf", WRITTEN.encode(), content_type="text/vcard")
    site.put("ann.vcf")
    return site


def propfind(site: Site, path: str, *names: str) -> Answer:
    asked = "".join(f"<{name}/>" for name in names)
    body = f"<D:propfind {NS}><D:prop>{asked}</D:prop></D:propfind>"
    return site.do("PROPFIND", path, body, depth="0")


def query(site: Site, conditions: str, data: str = "") -> Answer:
    body = (
        f"<C:addressbook-query {NS}><D:prop><D:getetag/>{data}</D:prop>"
        f"<C:filter>{conditions}</C:filter></C:addressbook-query>"
    )
    return site.do("REPORT", BOOK, body, depth="1")


def text_of(answer: Answer, href: str, name: str) -> str:
    found = answer.prop(href, name)
    assert found is not None
    return found.text or ""


@pytest.mark.rfc("6352", "6.2.1", "6.3.1")
def test_a_book_is_made_with_its_description_and_its_language(site: Site) -> None:
    body = (
        f"<D:mkcol {NS}><D:set><D:prop><D:resourcetype><D:collection/><C:addressbook/>"
        '</D:resourcetype><C:addressbook-description xml:lang="de">Die Familie'
        "</C:addressbook-description></D:prop></D:set></D:mkcol>"
    )
    assert site.do("MKCOL", HOME + "family/", body).status == 201

    answer = propfind(site, HOME + "family/", "C:addressbook-description")
    assert text_of(answer, HOME + "family/", C + "addressbook-description") == "Die Familie"
    assert 'xml:lang="de"' in answer.text


@pytest.mark.rfc("6352", "10.4.1")
@pytest.mark.parametrize(
    "data", ["<C:address-data/>", "<C:address-data><C:allprop/></C:address-data>"]
)
def test_all_properties_are_the_whole_card(site: Site, data: str) -> None:
    answer = query(site, '<C:prop-filter name="X-PHONETIC-LAST-NAME"/>', data)

    assert text_of(answer, BOOK + "zoe.vcf", C + "address-data").split() == WRITTEN.split()


@pytest.mark.rfc("6352", "8.5", "6.3.2.2")
def test_a_property_that_no_standard_knows_is_searched_for_and_given(site: Site) -> None:
    wish = '<C:address-data><C:prop name="X-PHONETIC-LAST-NAME"/></C:address-data>'
    match = '<C:param-filter name="X-BY"><C:text-match>me</C:text-match></C:param-filter>'
    answer = query(
        site, f'<C:prop-filter name="X-PHONETIC-LAST-NAME">{match}</C:prop-filter>', wish
    )

    assert answer.hrefs == [BOOK + "zoe.vcf"]
    data = text_of(answer, BOOK + "zoe.vcf", C + "address-data")
    assert "X-PHONETIC-LAST-NAME;X-BY=me:ongstrom" in data
    assert "FN:" not in data


@pytest.mark.rfc("6352", "12", "8.3")
def test_letters_of_all_scripts_are_compared_without_case(site: Site) -> None:
    match = '<C:text-match collation="i;unicode-casemap">ÅNGSTRÖM</C:text-match>'
    assert query(site, f'<C:prop-filter name="FN">{match}</C:prop-filter>').hrefs == [
        BOOK + "zoe.vcf"
    ]


@pytest.mark.rfc("6352", "9.3")
@pytest.mark.rfc("6764", "6")
@pytest.mark.rfc("5397", "3")
def test_from_the_well_known_address_to_a_card_every_step_is_told(site: Site) -> None:
    redirect = site.do("PROPFIND", "/.well-known/carddav", depth="0")
    assert redirect.status == 301

    def href(path: str, name: str) -> str:
        answer = propfind(site, path, name)
        inner = answer.prop(path, name.replace("D:", D).replace("C:", C))
        assert inner is not None
        return inner.findtext(D + "href") or ""

    principal = href(redirect.headers["location"], "D:current-user-principal")
    home = href(principal, "C:addressbook-home-set")
    listed = site.do("PROPFIND", home, depth="1")
    books = [one for one in listed.hrefs if f"{C}addressbook" in types(listed, one)]
    cards = site.do("PROPFIND", books[0], depth="1").hrefs

    assert site.do("GET", cards[-1]).status == 200


def types(answer: Answer, href: str) -> list[str]:
    found = answer.prop(href, D + "resourcetype")
    assert found is not None
    return [child.tag for child in found]


@pytest.mark.rfc("6578", "5")
@pytest.mark.rfc("4918", "10.4")
def test_a_sync_token_is_a_condition_on_the_book_around(site: Site) -> None:
    def token() -> str:
        return text_of(propfind(site, BOOK, "D:sync-token"), BOOK, D + "sync-token")

    old = token()
    answers = []
    for condition in (f"<{BOOK}> (<{old}>)", f"<{BOOK}> (<{old}>)", f"<{BOOK}> (Not <{old}>)",
                      f"(<{token()}>)", f'<{BOOK}> (["a"])', f"<{HOME}> (<{old}>)"):  # fmt: skip
        name = f"new{len(answers)}"
        answers.append(site.do("PUT", f"{BOOK}{name}.vcf", card(name), **{"if": condition}).status)
    assert answers == [201, 412, 201, 412, 412, 412]

    for method, more in (("GET", {}), ("MOVE", {"destination": BOOK + "b.vcf"}), ("DELETE", {})):
        ours = BOOK + ("b.vcf" if method == "DELETE" else "ann.vcf")
        assert site.do(method, ours, **{"if": f"<{BOOK}> (<{old}>)"}, **more).status == 412
        assert site.do(method, ours, **{"if": f"<{BOOK}> (<{token()}>)"}, **more).status < 300


@pytest.mark.rfc("6578", "5")
def test_a_change_between_the_look_at_a_sync_token_and_the_write_is_412(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = text_of(propfind(site, BOOK, "D:sync-token"), BOOK, D + "sync-token")
    submit = site.cell.submit

    async def after_another(edit: Edit, bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
        monkeypatch.undo()
        assert (await site.laptop("PUT", BOOK + "first.vcf", card("first"))).status == 201
        return await submit(edit, bodies)

    monkeypatch.setattr(site.cell, "submit", after_another)
    answer = site.do("PUT", BOOK + "x.vcf", card("x"), **{"if": f"<{BOOK}> (<{token}>)"})
    assert answer.status == 412

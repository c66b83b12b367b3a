"""What clients ask for (features.md 3.3): what is told of it at each place, and what is not there.

Names are written as in that list; `-` in front says that it must be missing.
"""

from __future__ import annotations

import pytest
from lxml import etree

from fakes.site import BOOK, HOME, Site, card
from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.live import IMAGE_BYTES_MAX
from strongroom.history.edits import Origin
from strongroom.service.accounts import change_facts
from strongroom.service.usage import set_quota

ANN = BOOK + "ann.vcf"
PRINCIPAL = "/dav/principals/alice/"
SPACES = {
    "D": "DAV:",
    "C": "urn:ietf:params:xml:ns:carddav",
    "CS": "http://calendarserver.org/ns/",
    "CAL": "urn:ietf:params:xml:ns:caldav",
}
APPLE_PRINCIPAL = """
    CS:email-address-set D:principal-collection-set D:principal-URL D:resource-id
    D:supported-report-set D:displayname C:addressbook-home-set D:group-membership
    D:group-member-set D:alternate-URI-set D:current-user-principal D:resourcetype
    D:current-user-privilege-set
    CAL:calendar-home-set CAL:calendar-user-address-set
    -C:directory-gateway -CAL:schedule-inbox-URL -CS:dropbox-home-URL -CS:notification-URL
"""
APPLE_HOME = """
    D:current-user-privilege-set D:owner D:quota-used-bytes D:quota-available-bytes D:resourcetype
    D:displayname D:current-user-principal D:resource-id D:supported-report-set
    -CS:push-transports -CS:pushkey -CS:source -CS:publish-url -CS:refreshrate -CS:me-card
    -D:sync-token
"""
APPLE_BOOK = """
    D:add-member D:current-user-privilege-set D:owner D:quota-used-bytes D:quota-available-bytes
    CS:getctag D:sync-token C:max-resource-size C:max-image-size D:resourcetype D:displayname
    D:supported-report-set C:supported-address-data C:supported-collation-set D:resource-id
    D:supportedlock D:lockdiscovery
    -CS:push-transports -CS:me-card -C:addressbook-description -CAL:supported-calendar-component-set
"""
CARD = """
    D:getetag D:getcontenttype D:getcontentlength D:getlastmodified D:resourcetype D:owner
    D:current-user-privilege-set D:supportedlock D:lockdiscovery D:resource-id
    -D:creationdate -D:quota-used-bytes -C:max-resource-size -C:directory-gateway
"""


def clark(name: str) -> str:
    space, _, local = name.lstrip("-").partition(":")
    return f"{{{SPACES[space]}}}{local}"


@pytest.fixture
def site() -> Site:
    site = Site()
    site.do("PUT", ANN, card("ann"))
    site.run(set_quota(site.cell, "alice", "1M", Origin()))
    site.run(change_facts(site.cell, "alice", {"email": "a&b@example.org"}, Origin()))
    return site


def told(site: Site, path: str, *names: str) -> list[etree._Element | None]:
    root = etree.Element("{DAV:}propfind", nsmap=SPACES)
    prop = etree.SubElement(root, "{DAV:}prop")
    for name in names:
        etree.SubElement(prop, clark(name))
    answer = site.do("PROPFIND", path, etree.tostring(root), depth="0")
    return [answer.prop(path, clark(name)) for name in names]


def one(site: Site, path: str, name: str) -> etree._Element:
    (found,) = told(site, path, name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "names"),
    [(PRINCIPAL, APPLE_PRINCIPAL), (HOME, APPLE_HOME), (BOOK, APPLE_BOOK), (ANN, CARD)],
)
def test_what_clients_ask_for_is_there_or_truly_not(site: Site, path: str, names: str) -> None:
    asked = names.split()
    found = told(site, path, *asked)
    assert [
        name for name, xml in zip(asked, found, strict=True) if (xml is None) != ("-" in name[:1])
    ] == []


@pytest.mark.rfc("6352", "6.2.2", "6.2.3", "8.3.1")
def test_a_book_tells_its_limits_versions_and_collations(site: Site) -> None:
    assert one(site, BOOK, "C:max-resource-size").text == str(OBJECT_BYTES_MAX)
    assert one(site, BOOK, "C:max-image-size").text == str(IMAGE_BYTES_MAX)
    assert 4 * IMAGE_BYTES_MAX / 3 * 1.05 < OBJECT_BYTES_MAX
    kinds = one(site, BOOK, "C:supported-address-data")
    assert [(kind.get("content-type"), kind.get("version")) for kind in kinds] == [
        ("text/vcard", "3.0"), ("text/vcard", "4.0"),
    ]  # fmt: skip
    collations = [node.text for node in one(site, BOOK, "C:supported-collation-set")]
    assert set(collations) == {"i;ascii-casemap", "i;unicode-casemap", "i;octet"}


@pytest.mark.rfc("3744", "4.1", "4.3", "4.4", "5.4", "5.8")
def test_nobody_is_in_a_group_and_there_are_no_other_addresses(site: Site) -> None:
    for name in ("group-membership", "group-member-set", "alternate-URI-set"):
        assert len(one(site, PRINCIPAL, f"D:{name}")) == 0
    privileges = [str(p[0].tag) for p in one(site, BOOK, "D:current-user-privilege-set")]
    for privilege in ("read", "write", "write-content", "bind", "unbind"):
        assert f"{{DAV:}}{privilege}" in privileges
    assert (
        one(site, BOOK, "D:principal-collection-set").findtext("{DAV:}href") == "/dav/principals/"
    )


@pytest.mark.rfc("4918", "15.8", "15.10")
def test_there_are_no_locks(site: Site) -> None:
    for path in ("/", PRINCIPAL, HOME, BOOK, ANN):
        for name in ("supportedlock", "lockdiscovery"):
            assert len(one(site, path, f"D:{name}")) == 0


def test_an_email_address_is_told_and_can_be_searched_for(site: Site) -> None:
    emails = one(site, PRINCIPAL, "CS:email-address-set")
    assert [node.text for node in emails] == ["a&b@example.org"]
    body = (
        '<D:principal-property-search xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/">'
        "<D:property-search><D:prop><CS:email-address-set/></D:prop><D:match>%s</D:match>"
        "</D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>"
    )
    found = site.do("REPORT", "/dav/principals/", body % "B@EXAMPLE", depth="0")
    assert found.hrefs == [PRINCIPAL]
    assert site.do("REPORT", "/dav/principals/", body % "other", depth="0").hrefs == []
    site.run(change_facts(site.cell, "alice", {"email": None}, Origin()))
    assert told(site, PRINCIPAL, "CS:email-address-set") == [None]


def test_a_me_card_is_kept_on_the_home_as_it_was_set(site: Site) -> None:
    """macOS Contacts may crash where its me-card is refused."""
    value = f"<CS:me-card><D:href>{ANN}</D:href></CS:me-card>"
    spaces = f'xmlns:D="DAV:" xmlns:CS="{SPACES["CS"]}"'
    change = (
        f"<D:propertyupdate {spaces}><D:set><D:prop>{value}</D:prop></D:set></D:propertyupdate>"
    )
    answer = site.do("PROPPATCH", HOME, change)
    assert answer.status == 207
    assert answer.prop(HOME, clark("CS:me-card")) is not None
    kept = one(site, HOME, "CS:me-card")
    assert (kept.tag, kept.findtext("{DAV:}href")) == (clark("CS:me-card"), ANN)
    assert told(site, BOOK, "CS:me-card") == [None]
    assert one(site, HOME, "D:displayname").text == "alice"


def test_a_resource_id_is_one_things_own_and_goes_with_it(site: Site) -> None:
    """RFC 5842 section 3.1: for all time; it stays through MOVE and a new body."""
    ids = [one(site, path, "D:resource-id")[0].text for path in (PRINCIPAL, HOME, BOOK, ANN)]
    assert len(set(ids)) == len(ids)
    assert all(text and text.startswith("urn:uuid:") for text in ids)
    site.do("PUT", ANN, card("ann", "Anna"))
    site.do("MKCOL", HOME + "friends/")
    site.do("MOVE", ANN, destination=HOME + "friends/a.vcf")
    assert one(site, HOME + "friends/a.vcf", "D:resource-id")[0].text == ids[-1]
    site.do("PUT", ANN, card("ann"))
    assert one(site, ANN, "D:resource-id")[0].text not in ids


@pytest.mark.parametrize("path", ["/", "/dav/", PRINCIPAL, HOME, BOOK, ANN])
@pytest.mark.rfc("6352", "6.1")
def test_every_place_says_in_its_dav_header_that_it_has_address_books(
    site: Site, path: str
) -> None:
    """DAVx5 takes a principal only if OPTIONS there says so."""
    words = site.do("OPTIONS", path).headers["dav"].split(", ")
    assert {"1", "3", "access-control", "addressbook"} <= set(words)
    assert "2" not in words

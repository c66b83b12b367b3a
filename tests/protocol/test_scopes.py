"""What a device may do is fixed when it is made; and no device learns or makes what it must not."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.asgi import Answer, Client
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import RightsError
from strongroom.dav.app import _METHODS
from strongroom.dav.options import ALLOW
from strongroom.history.edits import Origin, Put
from strongroom.history.entries import DEVICE, FREEZE, Key
from strongroom.service.accounts import add_device
from strongroom.service.rights import Rights, choose

DAV = "{DAV:}"
CARDDAV = "{urn:ietf:params:xml:ns:carddav}"
PRINCIPAL = "/dav/principals/alice/"
READING = ("GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT")
HOME_SET = '<propfind xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><C:addressbook-home-set/><current-user-principal/></prop></propfind>'  # noqa: E501
PRIVILEGES = '<propfind xmlns="DAV:"><prop><current-user-privilege-set/></prop></propfind>'
MULTIGET = f'<C:addressbook-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><prop><getetag/><C:address-data/></prop><href>{BOOK}ann.vcf</href></C:addressbook-multiget>'  # noqa: E501
SYNC = '<sync-collection xmlns="DAV:"><sync-token/><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>'  # noqa: E501


@pytest.fixture
def site() -> Site:
    made = Site()
    made.put("ann.vcf", "ann")
    return made


def device(site: Site, name: str, rights: Rights) -> Client:
    password = site.run(add_device(site.cell, "alice", name, site.entropy, Origin(), rights))
    return Client(site.app, "alice", password)


@pytest.fixture
def screen(site: Site) -> Client:
    return device(site, "screen", choose(["contacts"], read_only=True))


@pytest.fixture
def elsewhere(site: Site) -> Client:
    """A device for a service that is not this one."""
    return device(site, "elsewhere", Rights(frozenset({"files"})))


# --- read-only ------------------------------------------------------------------------------------
def test_a_read_only_device_reads_all_that_another_reads(site: Site, screen: Client) -> None:
    for method, path, body in (
        ("PROPFIND", PRINCIPAL, b""),
        ("PROPFIND", HOME, b""),
        ("PROPFIND", BOOK, b""),
        ("GET", BOOK + "ann.vcf", b""),
        ("HEAD", BOOK + "ann.vcf", b""),
        ("OPTIONS", BOOK, b""),
        ("REPORT", BOOK, MULTIGET),
        ("REPORT", BOOK, SYNC),
    ):
        full = site.do(method, path, body, depth="0" if path == PRINCIPAL else "1")
        read = site.run(screen(method, path, body, depth="0" if path == PRINCIPAL else "1"))
        assert (read.status, read.body) == (full.status, full.body), (method, path)
        assert read.status in {200, 207}


WRITES: list[tuple[str, str, bytes, dict[str, str], list[tuple[str, str]]]] = [
    ("PUT", BOOK + "ann.vcf", card("ann", "New"), {},
     [(BOOK + "ann.vcf", "write-content"), (BOOK, "bind")]),
    ("PUT", BOOK + "new.vcf", card("new"), {"if_none_match": "*"},
     [(BOOK + "new.vcf", "write-content"), (BOOK, "bind")]),
    ("DELETE", BOOK + "ann.vcf", b"", {}, [(BOOK, "unbind")]),
    ("DELETE", BOOK, b"", {}, [(HOME, "unbind")]),
    ("MKCOL", HOME + "more/", b"", {}, [(HOME, "bind")]),
    ("MKCALENDAR", HOME + "more/", b"", {}, [(HOME, "bind")]),
    ("PROPPATCH", BOOK, b"", {}, [(BOOK, "write-properties")]),
    ("PROPPATCH", HOME, b"", {}, [(HOME, "write-properties")]),
    ("POST", BOOK, card("new"), {}, [(BOOK, "bind")]),
    ("COPY", BOOK + "ann.vcf", b"", {"destination": HOME + "other/b.vcf"},
     [(HOME + "other/", "bind")]),
    ("MOVE", BOOK + "ann.vcf", b"", {"destination": HOME + "other/b.vcf"},
     [(BOOK, "unbind"), (HOME + "other/", "bind")]),
    ("MOVE", BOOK, b"", {"destination": "/dav/addressbooks/bob/contacts/"},
     [(HOME, "unbind"), (HOME, "bind")]),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "headers", "needed"), WRITES)
@pytest.mark.rfc("3744", "7.1")
@pytest.mark.rfc("5995", "5")
def test_a_read_only_device_changes_nothing_and_hears_which_privilege_it_lacks(
    site: Site,
    screen: Client,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    needed: list[tuple[str, str]],
) -> None:
    before = site.standing()
    answer = site.run(screen(method, path, body, **headers))
    assert site.standing() == before
    assert (answer.status, answer.condition) == (403, DAV + "need-privileges")
    told = [
        (one.findtext(DAV + "href"), one.find(DAV + "privilege")[0].tag)  # type: ignore[index]
        for one in answer.xml.iter(DAV + "resource")
    ]
    assert told == [(href, DAV + name) for href, name in needed]


def test_every_method_that_is_not_known_to_read_is_refused_to_a_read_only_device() -> None:
    """One that is added later must be named as reading, or it is taken for a write."""
    spoken = {method for text in ALLOW.values() for method in text.decode().split(", ")}
    tried = {method for method, *_ in WRITES}
    assert spoken | set(_METHODS) == {*READING, *tried}


@pytest.mark.rfc("3744", "5.4")
def test_a_read_only_device_is_told_so_at_set_up(site: Site, screen: Client) -> None:
    """Thunderbird and DAVx5 hide the pencil then, so that nothing is typed in vain."""
    for path in (HOME, BOOK, BOOK + "ann.vcf"):
        read = site.run(screen("PROPFIND", path, PRIVILEGES, depth="0"))
        full = site.do("PROPFIND", path, PRIVILEGES, depth="0")
        assert privileges(read) == {"read", "read-current-user-privilege-set"}
        assert {"write-content", "bind", "unbind", "write-properties"} < privileges(full)


def privileges(answer: Answer) -> set[str]:
    return {node[0].tag.removeprefix(DAV) for node in answer.xml.iter(DAV + "privilege")}


def test_a_frozen_account_is_503_for_a_read_only_device_too(site: Site, screen: Client) -> None:
    """D3 rule 7: a freeze never looks like rights that were taken away."""
    site.run(site.cell.submit(Put(Key(site.home, FREEZE, "account"), "e", '{"why":"t"}'), {}))
    assert site.run(screen("PUT", BOOK + "a.vcf", card("a"))).status == 503
    assert site.run(screen("PROPFIND", BOOK, depth="0")).status == 503


# --- a device for another service -----------------------------------------------------------------
def test_nothing_leads_a_device_of_another_service_to_the_contacts(
    site: Site, elsewhere: Client
) -> None:
    for path in ("/", PRINCIPAL):
        answer = site.run(elsewhere("PROPFIND", path, HOME_SET, depth="0"))
        assert answer.prop(path, CARDDAV + "addressbook-home-set") is None
        assert answer.prop(path, DAV + "current-user-principal") is not None
        stats = answer.response(path).findall(DAV + "propstat")
        assert [stat.findtext(DAV + "status") for stat in stats] == [
            "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found",
        ]  # fmt: skip
        names = site.run(
            elsewhere("PROPFIND", path, "<propfind xmlns='DAV:'><propname/></propfind>", depth="0")
        )
        assert "addressbook-home-set" not in names.text
    expand = '<expand-property xmlns="DAV:"><property name="addressbook-home-set" namespace="urn:ietf:params:xml:ns:carddav"><property name="displayname"/></property></expand-property>'  # noqa: E501
    assert HOME not in site.run(elsewhere("REPORT", PRINCIPAL, expand)).text
    assert HOME in site.do("REPORT", PRINCIPAL, expand).text


@pytest.mark.parametrize("path", [HOME, BOOK, BOOK + "ann.vcf", BOOK + "no.vcf", HOME + "no/"])
def test_what_a_phone_was_set_up_with_before_is_503_for_another_service_and_never_gone(
    site: Site, elsewhere: Client, path: str
) -> None:
    """A phone whose password was replaced by a narrower one must not forget (I4, D1)."""
    batch = site.cell.batch
    for method in ALLOW_AT[path]:
        answer = site.run(elsewhere(method, path, depth="0"))
        assert (answer.status, answer.headers["retry-after"]) == (503, "7200"), method
    assert site.cell.batch == batch


ALLOW_AT = {
    HOME: ("PROPFIND", "PROPPATCH", "REPORT"),
    BOOK: ("PROPFIND", "PROPPATCH", "MKCOL", "REPORT", "POST", "MOVE", "DELETE"),
    HOME + "no/": ("PROPFIND", "MKCOL", "DELETE"),
    BOOK + "ann.vcf": ("GET", "HEAD", "PUT", "DELETE", "COPY", "MOVE", "PROPFIND", "REPORT"),
    BOOK + "no.vcf": ("GET", "HEAD", "PUT", "DELETE", "PROPFIND"),
}


# --- what no device can -----------------------------------------------------------------------
QUESTIONS = {
    "allprop": "<propfind xmlns='DAV:'><allprop/></propfind>",
    "propname": "<propfind xmlns='DAV:'><propname/></propfind>",
    "everything by name": "<propfind xmlns='DAV:'><prop><secret/><scope/><key/><data/><facts/>"
    "<acl/><acl-restrictions/><group-member-set/><resource-id/><getetag/><sync-token/>"
    "<email-address-set xmlns='http://calendarserver.org/ns/'/></prop></propfind>",
}
REPORTS = {
    "multiget": MULTIGET.replace(BOOK + "ann.vcf", HOME + "device"),
    "sync": SYNC,
    "expand": '<expand-property xmlns="DAV:"><property name="current-user-principal"><property name="secret"/><property name="owner"><property name="key"/></property></property><property name="addressbook-home-set" namespace="urn:ietf:params:xml:ns:carddav"><property name="displayname"/></property></expand-property>',  # noqa: E501
    "match": '<principal-match xmlns="DAV:"><self/><prop><secret/><displayname/></prop></principal-match>',  # noqa: E501
    "search": '<principal-property-search xmlns="DAV:"><property-search><prop><displayname/></prop><match>a</match></property-search><prop><secret/><displayname/></prop></principal-property-search>',  # noqa: E501
    "searchable": '<principal-search-property-set xmlns="DAV:"/>',
}


def secrets(site: Site) -> list[str]:
    """All that must never be in an answer: keys, secrets, passwords and names of devices."""
    directory = site.cell.directory
    found = [account.facts["key"] for account in directory.accounts()]
    for account in directory.accounts():
        for one in directory.members(account.id, DEVICE):
            found += [one.facts["secret"], one.href, one.etag]
        if account.href != "alice":
            found.append(account.href)
    return [*found, *(p.replace("-", "") for p in site.passwords.values())]


@pytest.mark.parametrize("path", ["/", "/dav/", PRINCIPAL, HOME, BOOK])
@pytest.mark.parametrize("depth", ["0", "1", "infinity"])
def test_no_property_tells_of_devices_secrets_or_keys(site: Site, path: str, depth: str) -> None:
    hidden = secrets(site)
    assert len(hidden) > 10
    for words in QUESTIONS.values():
        answer = site.do("PROPFIND", path, words, depth=depth)
        assert not [one for one in hidden if one in answer.text], (path, words)
    for words in REPORTS.values():
        answer = site.do("REPORT", path, words, depth="0")
        assert not [one for one in hidden if one in answer.text], (path, words)


@pytest.mark.parametrize("name", ["laptop", "device", "phone", "account"])
def test_a_device_is_no_address_and_no_method_makes_changes_or_removes_one(
    site: Site, name: str
) -> None:
    before = [one.data for one in site.cell.directory.members(site.home, DEVICE)]
    paths = (f"{HOME}{name}", f"{HOME}device/{name}", f"{PRINCIPAL}{name}", f"/dav/devices/{name}")
    for path in paths:
        assert site.do("GET", path).status in {404, 405}
        assert site.do("PROPFIND", path, depth="0").status == 404
        for method in ("PUT", "POST", "DELETE", "PROPPATCH", "MOVE", "COPY"):
            extra: dict[str, Any] = {"destination": HOME + "x/"} if method == "MOVE" else {}
            assert 400 <= site.do(method, path, b"", **extra).status < 500, method
    assert site.do("MOVE", BOOK + "ann.vcf", destination=HOME + name).status == 403
    # A book may be called like a device: it is one beside it, not in its place.
    assert site.do("MKCOL", f"{HOME}{name}/").status == 201
    assert site.do("DELETE", f"{HOME}{name}/").status == 204
    assert [one.data for one in site.cell.directory.members(site.home, DEVICE)] == before


def test_an_error_of_rights_says_what_to_do() -> None:
    assert "device add" in str(RightsError())

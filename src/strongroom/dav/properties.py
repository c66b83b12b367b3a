"""Live properties: which there are at which place, and what they say; dead ones beside them.

A set of names is compiled once (`plan`), so that a listing of ten thousand cards looks nothing up
twice. A dead property is kept as the XML that was sent. `displayname` is a dead property with a
default. A getter that gives nothing (b"") says that this caller has no such property.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.get import CONTENT_TYPE, last_modified
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, book_href, home_href, principal_href
from strongroom.dav.statuses import CARD, DAV
from strongroom.formats.cardfilter import COLLATIONS
from strongroom.formats.davxml import Propfind
from strongroom.formats.multistatus import attribute, element, escape, response
from strongroom.history.entries import Member
from strongroom.ports.cell import Cell
from strongroom.service.accounts import Caller
from strongroom.service.changes import token_of
from strongroom.service.collections import DISPLAY_NAME
from strongroom.service.objects import size_of
from strongroom.service.rights import CONTACTS
from strongroom.service.usage import quota_of

CTAG: Final = "{http://calendarserver.org/ns/}getctag"
ADDRESS_DATA: Final = CARD + "address-data"
IMAGE_BYTES_MAX: Final = OBJECT_BYTES_MAX * 7 // 10  # a card that holds it in folded base64 fits
EMAILS: Final = "{http://calendarserver.org/ns/}email-address-set"
_EMAIL: Final = "{http://calendarserver.org/ns/}email-address"
_RESOURCE_ID: Final = DAV + "resource-id"
_NO_GROUPS: Final = ("alternate-URI-set", "group-member-set", "group-membership")
_USED: Final = DAV + "quota-used-bytes"
_AVAILABLE: Final = DAV + "quota-available-bytes"
QUOTA: Final = frozenset({_USED, _AVAILABLE})


class Site(NamedTuple):
    """Who asks which cell; `minimal`: what is not there is not named (RFC 8144).

    `used`: bytes in the account, where somebody asks for them and they can be told.
    """

    cell: Cell
    caller: Caller
    minimal: bool = False
    used: int | None = None


def site_of(request: Request) -> Site:
    """Say who asks, and how much is wanted."""
    return Site(request.cell, request.caller, request.preferences.minimal)


async def metered(request: Request, names: Iterable[str]) -> Site:
    """As `site_of`, with what the account holds where one of `names` asks for it."""
    site = site_of(request)
    if request.meters is None or QUOTA.isdisjoint(names):
        return site
    reading = await request.meters.read(request.cell, request.caller.account)
    return site._replace(used=reading.live) if reading.sure else site


Getter = Callable[[Site, Member], bytes]


def _href(name: str, href: str) -> bytes:
    return element(name, element(DAV + "href", escape(href)))


def _constant(xml: bytes) -> Getter:
    return lambda _site, _member: xml


def _principal(name: str) -> Getter:
    return lambda site, _member: _href(name, principal_href(site.caller.login))


def _types(*names: str) -> Getter:
    inner = b"".join(element(name) for name in names)
    return _constant(element(DAV + "resourcetype", inner))


def _display_name(name_of: Callable[[Site, Member], str]) -> Getter:
    return lambda site, member: element(DISPLAY_NAME, escape(name_of(site, member)))


def _reports(*names: str) -> Getter:
    return _constant(
        element(
            DAV + "supported-report-set",
            b"".join(
                element(DAV + "supported-report", element(DAV + "report", element(name)))
                for name in names
            ),
        )
    )


def _privileges(*names: str) -> bytes:
    inner = b"".join(element(DAV + "privilege", element(DAV + name)) for name in names)
    return element(DAV + "current-user-privilege-set", inner)


def _own_privileges(site: Site, _member: Member) -> bytes:
    return _READ_PRIVILEGES if site.caller.rights.read_only else _OWNER_PRIVILEGES


def _addressbook_home(site: Site, _member: Member) -> bytes:
    """Give the home, unless the device was made for other services: then nothing leads there."""
    if not site.caller.rights.reaches(CONTACTS):
        return b""
    return _href(CARD + "addressbook-home-set", home_href(site.caller.login))


def _used_bytes(site: Site, _member: Member) -> bytes:
    return b"" if site.used is None else element(_USED, b"%d" % site.used)


def _available_bytes(site: Site, _member: Member) -> bytes:
    quota = quota_of(site.caller.account)
    if quota is None or site.used is None:
        return b""
    return element(_AVAILABLE, b"%d" % max(0, quota - site.used))


def _address_data_types() -> Getter:
    kinds = b"".join(
        b'<C:address-data-type content-type="text/vcard" version="%s"/>' % attribute(version)
        for version in ("3.0", "4.0")
    )
    return _constant(element(CARD + "supported-address-data", kinds))


def _collations() -> Getter:
    names = b"".join(element(CARD + "supported-collation", escape(name)) for name in COLLATIONS)
    return _constant(element(CARD + "supported-collation-set", names))


def _token(name: str) -> Getter:
    return lambda site, member: element(
        name, escape(token_of(site.caller, site.cell.head(member.id)))
    )


_EXPAND: Final = DAV + "expand-property"
_ACL_PRINCIPALS: Final = DAV + "acl-principal-prop-set"
_PRINCIPAL_REPORTS: Final = _reports(
    _ACL_PRINCIPALS, _EXPAND, DAV + "principal-match", DAV + "principal-property-search",
    DAV + "principal-search-property-set",
)  # fmt: skip

_OWNER_PRIVILEGES: Final = _privileges(
    "read", "write", "write-properties", "write-content", "bind", "unbind",
    "read-current-user-privilege-set",
)  # fmt: skip
_READ_PRIVILEGES: Final = _privileges("read", "read-current-user-privilege-set")


def _resource_id(place: Place) -> Getter:
    """An id for all time and all servers (RFC 5842): made of the account's own key, not telling it.

    It survives MOVE, undo and restore, as the id of the member does.
    """

    def id_of(site: Site, member: Member) -> bytes:
        about = f"{place.value} {member.id}".encode()
        raw = bytearray(hmac.digest(site.caller.key, about, "sha256")[:16])
        raw[6] = raw[6] & 0x0F | 0x80  # version 8: made as the maker likes (RFC 9562)
        raw[8] = raw[8] & 0x3F | 0x80
        return _href(_RESOURCE_ID, UUID(bytes=bytes(raw)).urn)

    return id_of


def _emails(site: Site, _member: Member) -> bytes:
    email = site.caller.account.facts.get("email")
    return element(EMAILS, element(_EMAIL, escape(email))) if email else b""


_EVERYWHERE: Final[dict[str, Getter]] = {
    # There are no locks, and none can be taken (RFC 4918 sections 15.8 and 15.10).
    **{DAV + name: _constant(element(DAV + name)) for name in ("lockdiscovery", "supportedlock")},
    DAV + "current-user-principal": _principal(DAV + "current-user-principal"),
    DAV + "owner": _principal(DAV + "owner"),
    DAV + "principal-URL": _principal(DAV + "principal-URL"),
    DAV + "principal-collection-set": _constant(
        _href(DAV + "principal-collection-set", "/dav/principals/")
    ),
    CARD + "addressbook-home-set": _addressbook_home,
}

_SPACE: Final[dict[str, Getter]] = {_USED: _used_bytes, _AVAILABLE: _available_bytes}

LIVE: Final[dict[Place, dict[str, Getter]]] = {
    Place.ROOT: {
        **_EVERYWHERE,
        DAV + "resourcetype": _types(DAV + "collection"),
        DISPLAY_NAME: _display_name(lambda _site, _member: "Strongroom"),
        DAV + "current-user-privilege-set": _constant(_READ_PRIVILEGES),
        DAV + "supported-report-set": _PRINCIPAL_REPORTS,
    },
    Place.PRINCIPAL: {
        **_EVERYWHERE,
        DAV + "resourcetype": _types(DAV + "principal"),
        DISPLAY_NAME: _display_name(lambda site, _member: site.caller.login),
        # Nobody is a group or in one, and there is one address of each (RFC 3744 section 4).
        **{DAV + name: _constant(element(DAV + name)) for name in _NO_GROUPS},
        EMAILS: _emails,
        _RESOURCE_ID: _resource_id(Place.PRINCIPAL),
        DAV + "current-user-privilege-set": _constant(_READ_PRIVILEGES),
        DAV + "supported-report-set": _PRINCIPAL_REPORTS,
    },
    Place.HOME: {
        **_EVERYWHERE,
        **_SPACE,
        _RESOURCE_ID: _resource_id(Place.HOME),
        DAV + "resourcetype": _types(DAV + "collection"),
        DAV + "current-user-privilege-set": _own_privileges,
        DAV + "supported-report-set": _reports(_ACL_PRINCIPALS, _EXPAND, DAV + "principal-match"),
    },
    Place.BOOK: {
        **_EVERYWHERE,
        **_SPACE,
        _RESOURCE_ID: _resource_id(Place.BOOK),
        DAV + "resourcetype": _types(DAV + "collection", CARD + "addressbook"),
        DAV + "current-user-privilege-set": _own_privileges,
        DAV + "supported-report-set": _reports(
            _ACL_PRINCIPALS,
            _EXPAND,
            CARD + "addressbook-multiget",
            CARD + "addressbook-query",
            DAV + "sync-collection",
        ),
        DAV + "add-member": lambda site, book: _href(
            DAV + "add-member", book_href(site.caller.login, book.href)
        ),
        CARD + "supported-address-data": _address_data_types(),
        CARD + "supported-collation-set": _collations(),
        CARD + "max-resource-size": _constant(
            element(CARD + "max-resource-size", b"%d" % OBJECT_BYTES_MAX)
        ),
        CARD + "max-image-size": _constant(
            element(CARD + "max-image-size", b"%d" % IMAGE_BYTES_MAX)
        ),
        DAV + "sync-token": _token(DAV + "sync-token"),
        CTAG: _token(CTAG),
    },
    Place.CARD: {
        **_EVERYWHERE,
        _RESOURCE_ID: _resource_id(Place.CARD),
        DAV + "resourcetype": _types(),
        DAV + "getetag": lambda _site, card: b'<D:getetag>"%s"</D:getetag>' % card.etag.encode(),
        DAV + "getcontenttype": _constant(element(DAV + "getcontenttype", CONTENT_TYPE.encode())),
        DAV + "getcontentlength": lambda _site, card: element(
            DAV + "getcontentlength", b"%d" % size_of(card)
        ),
        DAV + "getlastmodified": lambda _site, card: element(
            DAV + "getlastmodified", last_modified(card)
        ),
        DAV + "current-user-privilege-set": _own_privileges,
        DAV + "supported-report-set": _reports(
            _ACL_PRINCIPALS, _EXPAND, CARD + "addressbook-query"
        ),
    },
}

_DEFAULTS: Final[dict[Place, dict[str, Getter]]] = {
    Place.HOME: {DISPLAY_NAME: _display_name(lambda site, _member: site.caller.login)},
    Place.BOOK: {DISPLAY_NAME: _display_name(lambda _site, book: book.href)},
}
# Places without a member of their own have no dead properties.
_WITH_DEAD: Final = frozenset({Place.HOME, Place.BOOK, Place.CARD})
# What RFC 4918 section 15 defines goes with allprop; the rest must be asked for by name.
_ALLPROP: Final = frozenset(
    DAV + name
    for name in (
        "displayname", "getcontentlength", "getcontenttype", "getetag", "getlastmodified",
        "lockdiscovery", "resourcetype", "supportedlock",
    )
)  # fmt: skip

# Nobody but the server sets these, whatever the place.
PROTECTED: Final = frozenset(
    {name for live in LIVE.values() for name in live if name != DISPLAY_NAME}
    | {DAV + name for name in ("creationdate", "acl")}
    | {ADDRESS_DATA}
)


class Plan(NamedTuple):
    """A compiled question: what is live here, and what may be dead, defaulted or missing."""

    live: tuple[Getter, ...]
    names: tuple[str, ...]  # of those
    others: tuple[str, ...]
    defaults: dict[str, Getter]
    with_dead: bool


@lru_cache(512)
def plan(place: Place, names: tuple[str, ...]) -> Plan:
    """Compile a list of names for one kind of thing."""
    live = LIVE[place]
    known = tuple(name for name in names if name in live)
    return Plan(
        tuple(live[name] for name in known),
        known,
        tuple(name for name in names if name not in live),
        _DEFAULTS.get(place, {}),
        place in _WITH_DEAD,
    )


def describe(site: Site, href: str, member: Member, asked: Plan, *extra: bytes) -> bytes:
    """Write one response of a multistatus; `extra` are elements that the caller made."""
    found = [getter(site, member) for getter in asked.live]
    if b"" in found:
        absent = (name for name, xml in zip(asked.names, found, strict=True) if not xml)
        asked = asked._replace(others=(*asked.others, *absent))
        found = [xml for xml in found if xml]
    found += extra
    if not asked.others:
        return response(href, found)
    if not (asked.with_dead and member.props) and not asked.defaults:
        return response(href, found, () if site.minimal else asked.others)
    missing = _add_dead(site, member, asked, found)
    return response(href, found, () if site.minimal else missing)


def _add_dead(site: Site, member: Member, asked: Plan, found: list[bytes]) -> list[str]:
    dead = member.properties
    missing = []
    for name in asked.others:
        if name in dead:
            found.append(dead[name].encode())
        elif name in asked.defaults:
            found.append(asked.defaults[name](site, member))
        else:
            missing.append(name)
    return missing


def describe_propfind(
    site: Site, place: Place, href: str, member: Member, wanted: Propfind
) -> bytes:
    """Answer any form of PROPFIND about one thing."""
    if wanted.kind == "prop":
        return describe(site, href, member, plan(place, wanted.names))
    dead: Iterable[str] = member.properties if place in _WITH_DEAD else ()
    known = (*LIVE[place], *_DEFAULTS.get(place, ()))
    if wanted.kind == "propname":
        there = (n for n in known if n not in LIVE[place] or LIVE[place][n](site, member))
        names = dict.fromkeys((*there, *dead))
        return response(href, [element(name) for name in names])
    names = dict.fromkeys((*(n for n in known if n in _ALLPROP), *dead, *wanted.include))
    return describe(site, href, member, plan(place, tuple(names)))

"""What live properties are made of: who asks, and small writers that the tables are built from.

A getter that gives nothing (b"") says that this caller has no such property.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple
from uuid import UUID

from strongroom.dav.collection_page import page_of
from strongroom.dav.get import last_modified
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, collection_href, home_href, principal_href
from strongroom.dav.statuses import DAV
from strongroom.formats.cardfilter import COLLATIONS
from strongroom.formats.multistatus import element, escape
from strongroom.formats.webpage import HTML
from strongroom.history.entries import Member
from strongroom.ports.cell import Cell
from strongroom.service.accounts import Caller
from strongroom.service.changes import token_of
from strongroom.service.collections import DISPLAY_NAME
from strongroom.service.kinds import ADDRESS_BOOK, Kind
from strongroom.service.objects import size_of
from strongroom.service.usage import quota_of

CTAG: Final = "{http://calendarserver.org/ns/}getctag"
EMAILS: Final = "{http://calendarserver.org/ns/}email-address-set"
_EMAIL: Final = "{http://calendarserver.org/ns/}email-address"
RESOURCE_ID: Final = DAV + "resource-id"
EXPAND: Final = DAV + "expand-property"
ACL_PRINCIPALS: Final = DAV + "acl-principal-prop-set"
_USED: Final = DAV + "quota-used-bytes"
_AVAILABLE: Final = DAV + "quota-available-bytes"
QUOTA: Final = frozenset({_USED, _AVAILABLE})
_LENGTH: Final = DAV + "getcontentlength"


class Site(NamedTuple):
    """Who asks which cell; `minimal`: what is not there is not named (RFC 8144).

    `used`: bytes in the account, where somebody asks for them and they can be told. `kind`: of the
    collections that the request's address is about.
    """

    cell: Cell
    caller: Caller
    minimal: bool = False
    used: int | None = None
    kind: Kind = ADDRESS_BOOK


def site_of(request: Request) -> Site:
    """Say who asks, and how much is wanted."""
    minimal = request.preferences.minimal
    return Site(request.cell, request.caller, minimal, kind=request.target.kind)


async def metered(request: Request, names: Iterable[str]) -> Site:
    """As `site_of`, with what the account holds where one of `names` asks for it."""
    site = site_of(request)
    if request.meters is None or QUOTA.isdisjoint(names):
        return site
    reading = await request.meters.read(request.cell, request.caller.account)
    return site._replace(used=reading.live) if reading.sure else site


Getter = Callable[[Site, Member], bytes]


def in_href(name: str, href: str) -> bytes:
    """Write an element that holds one address."""
    return element(name, element(DAV + "href", escape(href)))


def constant(xml: bytes) -> Getter:
    """Say the same to everybody."""
    return lambda _site, _member: xml


def text(name: str, value: bytes) -> Getter:
    """Say the same text to everybody."""
    return constant(element(name, value))


def principal(name: str) -> Getter:
    """Lead to the caller's principal."""
    return lambda site, _member: in_href(name, principal_href(site.caller.login))


def types(*names: str) -> Getter:
    """Say of which types a thing is."""
    inner = b"".join(element(name) for name in names)
    return constant(element(DAV + "resourcetype", inner))


def display_name(name_of: Callable[[Site, Member], str]) -> Getter:
    """Give a name for people."""
    return lambda site, member: element(DISPLAY_NAME, escape(name_of(site, member)))


def reports(*names: str) -> Getter:
    """Say which reports are answered."""
    return constant(
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


_OWNER_PRIVILEGES: Final = _privileges(
    "read", "write", "write-properties", "write-content", "bind", "unbind",
    "read-current-user-privilege-set",
)  # fmt: skip
READ_PRIVILEGES: Final = _privileges("read", "read-current-user-privilege-set")


def own_privileges(site: Site, _member: Member) -> bytes:
    """Say what the caller may do with what is the caller's own."""
    return READ_PRIVILEGES if site.caller.rights.read_only else _OWNER_PRIVILEGES


def home_set(name: str, kind: Kind) -> Getter:
    """Lead to the home, unless the device was made for other services: then nothing does."""

    def home(site: Site, _member: Member) -> bytes:
        if not site.caller.rights.reaches(kind.service):
            return b""
        return in_href(name, home_href(site.caller.login, kind))

    return home


def collations(space: str) -> Getter:
    """Say which collations a text can be looked for under."""
    names = b"".join(element(space + "supported-collation", escape(name)) for name in COLLATIONS)
    return constant(element(space + "supported-collation-set", names))


def _token(name: str) -> Getter:
    return lambda site, member: element(
        name, escape(token_of(site.caller, site.cell.head(member.id)))
    )


def resource_id(place: Place) -> Getter:
    """An id for all time and all servers (RFC 5842): made of the account's own key, not telling it.

    It survives MOVE, undo and restore, as the id of the member does.
    """

    def id_of(site: Site, member: Member) -> bytes:
        about = f"{place.value} {member.id}".encode()
        raw = bytearray(hmac.digest(site.caller.key, about, "sha256")[:16])
        raw[6] = raw[6] & 0x0F | 0x80  # version 8: made as the maker likes (RFC 9562)
        raw[8] = raw[8] & 0x3F | 0x80
        return in_href(RESOURCE_ID, UUID(bytes=bytes(raw)).urn)

    return id_of


def emails(site: Site, _member: Member) -> bytes:
    """Give the caller's e-mail address as Apple's clients ask for it."""
    email = site.caller.account.facts.get("email")
    return element(EMAILS, element(_EMAIL, escape(email))) if email else b""


def _used_bytes(site: Site, _member: Member) -> bytes:
    return b"" if site.used is None else element(_USED, b"%d" % site.used)


def _available_bytes(site: Site, _member: Member) -> bytes:
    quota = quota_of(site.caller.account)
    if quota is None or site.used is None:
        return b""
    return element(_AVAILABLE, b"%d" % max(0, quota - site.used))


def paged(page: Callable[[Site, Member], bytes]) -> dict[str, Getter]:
    """Say of what sort and how long the page is that GET gives."""
    return {
        DAV + "getcontenttype": text(DAV + "getcontenttype", HTML.encode()),
        _LENGTH: lambda site, member: element(_LENGTH, b"%d" % len(page(site, member))),
    }


# --- what all collections have, and all objects ---------------------------------------------------
SPACE: Final[dict[str, Getter]] = {_USED: _used_bytes, _AVAILABLE: _available_bytes}

COLLECTION_LIVE: Final[dict[str, Getter]] = {
    **SPACE,
    **paged(lambda site, member: page_of(site.caller.login, member)),
    RESOURCE_ID: resource_id(Place.COLLECTION),
    DAV + "current-user-privilege-set": own_privileges,
    DAV + "add-member": lambda site, collection: in_href(
        DAV + "add-member", collection_href(site.caller.login, collection.href)
    ),
    DAV + "sync-token": _token(DAV + "sync-token"),
    CTAG: _token(CTAG),
}

OBJECT_LIVE: Final[dict[str, Getter]] = {
    RESOURCE_ID: resource_id(Place.OBJECT),
    DAV + "resourcetype": types(),
    DAV + "getetag": lambda _site, member: b'<D:getetag>"%s"</D:getetag>' % member.etag.encode(),
    _LENGTH: lambda _site, member: element(_LENGTH, b"%d" % size_of(member)),
    DAV + "getlastmodified": lambda _site, member: element(
        DAV + "getlastmodified", last_modified(member)
    ),
    DAV + "current-user-privilege-set": own_privileges,
}

"""Which live properties there are at which place: the tables, one for each kind of collection.

`displayname` is a dead property with a default. What both kinds have is in `getters`.
"""

from __future__ import annotations

import json
from typing import Final

from strongroom.base.limits import OBJECT_BYTES_MAX
from strongroom.dav.collection_page import home_page
from strongroom.dav.get import CALENDAR_TYPE, CARD_TYPE
from strongroom.dav.getters import (
    ACL_PRINCIPALS,
    COLLECTION_LIVE,
    EMAILS,
    EXPAND,
    OBJECT_LIVE,
    READ_PRIVILEGES,
    RESOURCE_ID,
    SPACE,
    Getter,
    Site,
    collations,
    constant,
    display_name,
    emails,
    home_set,
    in_href,
    own_privileges,
    paged,
    principal,
    reports,
    resource_id,
    text,
    types,
)
from strongroom.dav.routes import Place, principal_href
from strongroom.dav.statuses import CAL, CARD, DAV
from strongroom.formats.calendartime import FIRST_MOMENT, LAST_MOMENT
from strongroom.formats.davxml import ADDRESS_DATA, CALENDAR_DATA, COMPONENT_SET
from strongroom.formats.multistatus import attribute, element, escape
from strongroom.history.entries import Member
from strongroom.service.collections import DISPLAY_NAME
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind, short_name

IMAGE_BYTES_MAX: Final = OBJECT_BYTES_MAX * 7 // 10  # a card that holds it in folded base64 fits
_NO_GROUPS: Final = ("alternate-URI-set", "group-member-set", "group-membership")
_PRINCIPAL_REPORTS: Final = reports(
    ACL_PRINCIPALS, EXPAND, DAV + "principal-match", DAV + "principal-property-search",
    DAV + "principal-search-property-set",
)  # fmt: skip
_ADDRESS_DATA_TYPES: Final = b"".join(
    b'<C:address-data-type content-type="text/vcard" version="%s"/>' % attribute(version)
    for version in ("3.0", "4.0")
)
_CALENDAR_DATA_TYPE: Final = b'<CAL:calendar-data content-type="text/calendar" version="2.0"/>'


def _calendar_users(site: Site, _member: Member) -> bytes:
    """Give by which names the caller takes part in events: nobody is invited here."""
    email = site.caller.account.facts.get("email")
    names = [principal_href(site.caller.login), *([f"mailto:{email}"] if email else [])]
    inner = b"".join(element(DAV + "href", escape(name)) for name in names)
    return element(CAL + "calendar-user-address-set", inner)


def component_set(components: tuple[str, ...]) -> bytes:
    """Write which components a calendar takes."""
    inner = b"".join(b'<CAL:comp name="%s"/>' % attribute(one) for one in components)
    return element(COMPONENT_SET, inner)


def _components(_site: Site, calendar: Member) -> bytes:
    return component_set(tuple(json.loads(calendar.data).get("components", ())))


def _event_type(_site: Site, event: Member) -> bytes:
    component = str(json.loads(event.data)["type"]).rpartition(";")[2].lower()
    return element(DAV + "getcontenttype", f"{CALENDAR_TYPE}; component={component}".encode())


_EVERYWHERE: Final[dict[str, Getter]] = {
    # There are no locks, and none can be taken (RFC 4918 sections 15.8 and 15.10).
    **{DAV + name: text(DAV + name, b"") for name in ("lockdiscovery", "supportedlock")},
    DAV + "current-user-principal": principal(DAV + "current-user-principal"),
    DAV + "owner": principal(DAV + "owner"),
    DAV + "principal-URL": principal(DAV + "principal-URL"),
    DAV + "principal-collection-set": constant(
        in_href(DAV + "principal-collection-set", "/dav/principals/")
    ),
    CARD + "addressbook-home-set": home_set(CARD + "addressbook-home-set", ADDRESS_BOOK),
    CAL + "calendar-home-set": home_set(CAL + "calendar-home-set", CALENDAR),
}

_SHARED: Final[dict[Place, dict[str, Getter]]] = {
    Place.ROOT: {
        **_EVERYWHERE,
        DAV + "resourcetype": types(DAV + "collection"),
        DISPLAY_NAME: display_name(lambda _site, _member: "Strongroom"),
        DAV + "current-user-privilege-set": constant(READ_PRIVILEGES),
        DAV + "supported-report-set": _PRINCIPAL_REPORTS,
    },
    Place.PRINCIPAL: {
        **_EVERYWHERE,
        DAV + "resourcetype": types(DAV + "principal"),
        DISPLAY_NAME: display_name(lambda site, _member: site.caller.login),
        # Nobody is a group or in one, and there is one address of each (RFC 3744 section 4).
        **{DAV + name: text(DAV + name, b"") for name in _NO_GROUPS},
        EMAILS: emails,
        CAL + "calendar-user-address-set": _calendar_users,
        RESOURCE_ID: resource_id(Place.PRINCIPAL),
        DAV + "current-user-privilege-set": constant(READ_PRIVILEGES),
        DAV + "supported-report-set": _PRINCIPAL_REPORTS,
    },
    Place.HOME: {
        **_EVERYWHERE,
        **SPACE,
        **paged(lambda site, _member: home_page(site.caller.login, site.kind)),
        RESOURCE_ID: resource_id(Place.HOME),
        DAV + "resourcetype": types(DAV + "collection"),
        DAV + "current-user-privilege-set": own_privileges,
        DAV + "supported-report-set": reports(ACL_PRINCIPALS, EXPAND, DAV + "principal-match"),
    },
}

_BOOKS: Final[dict[Place, dict[str, Getter]]] = {
    Place.COLLECTION: {
        **_EVERYWHERE,
        **COLLECTION_LIVE,
        DAV + "resourcetype": types(DAV + "collection", CARD + "addressbook"),
        DAV + "supported-report-set": reports(
            ACL_PRINCIPALS,
            EXPAND,
            CARD + "addressbook-multiget",
            CARD + "addressbook-query",
            DAV + "sync-collection",
        ),
        CARD + "supported-address-data": text(CARD + "supported-address-data", _ADDRESS_DATA_TYPES),
        CARD + "supported-collation-set": collations(CARD),
        CARD + "max-resource-size": text(CARD + "max-resource-size", b"%d" % OBJECT_BYTES_MAX),
        CARD + "max-image-size": text(CARD + "max-image-size", b"%d" % IMAGE_BYTES_MAX),
    },
    Place.OBJECT: {
        **_EVERYWHERE,
        **OBJECT_LIVE,
        DAV + "getcontenttype": text(DAV + "getcontenttype", CARD_TYPE.encode()),
        DAV + "supported-report-set": reports(ACL_PRINCIPALS, EXPAND, CARD + "addressbook-query"),
    },
}

_CALENDARS: Final[dict[Place, dict[str, Getter]]] = {
    Place.COLLECTION: {
        **_EVERYWHERE,
        **COLLECTION_LIVE,
        DAV + "resourcetype": types(DAV + "collection", CAL + "calendar"),
        DAV + "supported-report-set": reports(
            ACL_PRINCIPALS, EXPAND, CAL + "calendar-multiget", CAL + "calendar-query",
            CAL + "free-busy-query", DAV + "sync-collection",
        ),
        COMPONENT_SET: _components,
        CAL + "supported-calendar-data": text(CAL + "supported-calendar-data", _CALENDAR_DATA_TYPE),
        CAL + "supported-collation-set": collations(CAL),
        CAL + "max-resource-size": text(CAL + "max-resource-size", b"%d" % OBJECT_BYTES_MAX),
        CAL + "min-date-time": text(CAL + "min-date-time", FIRST_MOMENT),
        CAL + "max-date-time": text(CAL + "max-date-time", LAST_MOMENT),
    },
    Place.OBJECT: {
        **_EVERYWHERE,
        **OBJECT_LIVE,
        DAV + "getcontenttype": _event_type,
        DAV + "supported-report-set": reports(ACL_PRINCIPALS, EXPAND, CAL + "calendar-query"),
    },
}  # fmt: skip

_TABLES: Final = {ADDRESS_BOOK: {**_SHARED, **_BOOKS}, CALENDAR: {**_SHARED, **_CALENDARS}}

_DEFAULTS: Final[dict[Place, dict[str, Getter]]] = {
    Place.HOME: {DISPLAY_NAME: display_name(lambda site, _member: site.caller.login)},
    Place.COLLECTION: {
        DISPLAY_NAME: display_name(lambda _site, collection: short_name(collection.href))
    },
}

# Nobody but the server sets these, whatever the place.
PROTECTED: Final = frozenset(
    {
        name
        for tables in _TABLES.values()
        for live in tables.values()
        for name in live
        if name != DISPLAY_NAME
    }
    | {DAV + name for name in ("creationdate", "acl")}
    # Not told, for no object is refused that has more (RFC 4791 sections 5.2.8 and 5.2.9).
    | {CAL + name for name in ("max-instances", "max-attendees-per-instance")}
    | {ADDRESS_DATA, CALENDAR_DATA}
)


def live_at(place: Place, kind: Kind = ADDRESS_BOOK) -> dict[str, Getter]:
    """Give the live properties of a place."""
    return _TABLES[kind][place]


def defaults_at(place: Place) -> dict[str, Getter]:
    """Give what a place says where a dead property is not set."""
    return _DEFAULTS.get(place, {})

"""Bodies of WebDAV, CardDAV and CalDAV requests, read into frozen values.

Names are in Clark notation, `{namespace}local`. Elements that nobody knows are passed over, as RFC
4918 section 17 wants; a dead property is kept as the XML that the client sent.

Not here: what is answered (multistatus), which properties exist (the faces).
Rules: the size is looked at before the parser; a DOCTYPE is refused, for an entity that is not
resolved would silently become a child; every count has a limit. Small bodies come again and again
from the same clients, so their values are remembered (they are frozen, and reading is pure).
Source: RFC 4918 section 14, RFC 5689, RFC 6352 section 10, RFC 6578 section 6.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

from lxml import etree

from strongroom.base.limits import (
    MULTIGET_HREFS_MAX,
    PROPERTIES_BYTES_MAX,
    REQUEST_XML_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.calendarfilter import CompFilter, Range
from strongroom.formats.calendarparts import CalendarData
from strongroom.formats.calendarxml import read_calendar_data, read_calendar_filter, read_range
from strongroom.formats.cardfilter import Filter
from strongroom.formats.cardparts import PropertyWish
from strongroom.formats.cardquery import read_filter
from strongroom.formats.principalxml import PrincipalReport, read_principal_report
from strongroom.formats.propertynames import NAMES_MAX, limited, name_of, names_of

DAV: Final = "DAV:"
CARDDAV: Final = "urn:ietf:params:xml:ns:carddav"
CALDAV: Final = "urn:ietf:params:xml:ns:caldav"
ADDRESS_DATA: Final = f"{{{CARDDAV}}}address-data"
CALENDAR_DATA: Final = f"{{{CALDAV}}}calendar-data"
COMPONENT_SET: Final = f"{{{CALDAV}}}supported-calendar-component-set"
RESOURCE_TYPE: Final = f"{{{DAV}}}resourcetype"

REMEMBERED_BYTES_MAX: Final = 4096  # larger bodies are hardly sent twice
# A value repeats all namespaces around it, at a cost that grows with their square (6 s at 4 MiB).
CHANGES_BYTES_MAX: Final = 2 * PROPERTIES_BYTES_MAX
_REMEMBERED: Final = 256  # bodies of each kind

_PROP: Final = f"{{{DAV}}}prop"
_MAKERS: Final = (f"{{{DAV}}}mkcol", f"{{{CALDAV}}}mkcalendar")
_SET: Final = f"{{{DAV}}}set"
_REMOVE: Final = f"{{{DAV}}}remove"
_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_DATA: Final = frozenset({ADDRESS_DATA, CALENDAR_DATA})
_COUNT: Final = re.compile(r"[1-9][0-9]{0,17}")  # some say the largest number that they have


@dataclass(frozen=True, slots=True)
class Propfind:
    """Which properties are wanted; `include` goes with allprop."""

    kind: Literal["allprop", "propname", "prop"]
    names: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """Set a property to an element (XML text that stands alone), or remove it (None)."""

    name: str
    value_xml: str | None
    resource_types: frozenset[str] = frozenset()  # what a DAV:resourcetype holds
    components: tuple[str, ...] = ()  # what a supported-calendar-component-set holds


@dataclass(frozen=True, slots=True)
class AddressData:
    """In which form cards are wanted; `props` empty = whole."""

    content_type: str = "text/vcard"
    version: str = "3.0"
    props: tuple[PropertyWish, ...] = ()


@dataclass(frozen=True, slots=True)
class SyncCollection:
    """What changed since `token` ("" = everything)."""

    token: str
    level: Literal["1", "infinite"]
    limit: int | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Multiget:
    """These objects, in this order, each once; `data` None = their bodies are not wanted."""

    hrefs: tuple[str, ...]
    wanted: Propfind
    data: AddressData | CalendarData | None
    namespace: str = CARDDAV  # of the report's name: which kind of objects


@dataclass(frozen=True, slots=True)
class Query:
    """The objects that match `filter`, `limit` of them at most."""

    filter: Filter
    wanted: Propfind
    data: AddressData | None
    limit: int | None


@dataclass(frozen=True, slots=True)
class CalendarQuery:
    """The objects that match `filter`; floating times are read in `zone`, or in the named one.

    `zone` is a VTIMEZONE; both are empty where the query does not say.
    """

    filter: CompFilter
    wanted: Propfind
    data: CalendarData | None
    zone: str = ""
    limit: int | None = None
    zone_name: str = ""


@dataclass(frozen=True, slots=True)
class FreeBusy:
    """When time is taken."""

    range: Range


@dataclass(frozen=True, slots=True)
class UnknownReport:
    """A report that nobody here knows."""

    name: str


Report = (
    SyncCollection | Multiget | Query | CalendarQuery | FreeBusy | PrincipalReport | UnknownReport
)


def parse_propfind(body: bytes, bytes_max: int = REQUEST_XML_BYTES_MAX) -> Propfind:
    """Read the body of a PROPFIND; none at all asks for allprop.

    Raises:
        FormatError: `bad-xml`, `too-large`, `forbidden-doctype` or `bad-request-body`.
    """
    read = _propfind if len(body) > REMEMBERED_BYTES_MAX else _remembered_propfind
    return read(_within(body, bytes_max))


def parse_proppatch(body: bytes, bytes_max: int = CHANGES_BYTES_MAX) -> tuple[PropertyChange, ...]:
    """Read the body of a PROPPATCH: its changes in the order in which they must happen.

    Raises:
        FormatError: as `parse_propfind`.
    """
    changes = _changes(_root(_within(body, bytes_max), f"{{{DAV}}}propertyupdate"))
    if not changes:
        raise FormatError("bad-request-body", "It changes no property.")
    return changes


def parse_mkcol(body: bytes, bytes_max: int = CHANGES_BYTES_MAX) -> tuple[PropertyChange, ...]:
    """Read the body of an extended MKCOL or of MKCALENDAR; none at all sets nothing.

    Raises:
        FormatError: as `parse_propfind`.
    """
    if not body.strip():
        return ()
    return tuple(
        change
        for change in _changes(_root(_within(body, bytes_max), *_MAKERS))
        if change.value_xml is not None
    )


def parse_report(body: bytes, bytes_max: int = REQUEST_XML_BYTES_MAX) -> Report:
    """Read the body of a REPORT. `wanted` does not hold address-data, which has its own field.

    Raises:
        FormatError: as `parse_propfind`, and as `cardquery.read_filter`.
    """
    read = _report if len(body) > REMEMBERED_BYTES_MAX else _remembered_report
    return read(_within(body, bytes_max))


# --- the parser -----------------------------------------------------------------------------------


def _within(body: bytes, bytes_max: int) -> bytes:
    if len(body) > bytes_max:
        raise FormatError("too-large", f"The body has more than {bytes_max} bytes.")
    return body


def _root(body: bytes, *names: str) -> etree._Element:
    """Parse safely; see the measurements on amplification, depth and text in docs/decisions."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise FormatError("bad-xml", "The body is not well-formed XML.") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise FormatError("forbidden-doctype", "A document type is not accepted.")
    if names and root.tag not in names:
        raise FormatError("bad-request-body", f"{names[0]} is expected.")
    return root


def _dav(parent: etree._Element, local: str) -> etree._Element | None:
    return parent.find(f"{{{DAV}}}{local}")


# --- PROPFIND -------------------------------------------------------------------------------------


def _propfind(body: bytes) -> Propfind:
    if not body.strip():
        return Propfind("allprop")
    root = _root(body, f"{{{DAV}}}propfind")
    if sum(_dav(root, kind) is not None for kind in ("prop", "propname", "allprop")) > 1:
        raise FormatError("bad-request-body", "It asks for more than one thing.")
    if (prop := _dav(root, "prop")) is not None:
        return Propfind("prop", names_of(prop))
    if _dav(root, "propname") is not None:
        return Propfind("propname")
    if _dav(root, "allprop") is not None:
        return Propfind("allprop", include=names_of(_dav(root, "include")))
    raise FormatError("bad-request-body", "It asks for nothing.")


_remembered_propfind = lru_cache(_REMEMBERED)(_propfind)


# --- PROPPATCH and MKCOL --------------------------------------------------------------------------


def _changes(root: etree._Element) -> tuple[PropertyChange, ...]:
    """Read all changes. Each value repeats the namespaces around it, so their sum has a limit."""
    changed = list(_changed(root))
    names = [name_of(element) for _, element in changed]
    if len(limited(names)) < len(names) > NAMES_MAX:
        raise FormatError("too-large", "Too many changes at once.")
    changes = []
    left = PROPERTIES_BYTES_MAX
    for name, (action, element) in zip(names, changed, strict=True):
        change = _change(name, element if action == _SET else None)
        left -= len((change.value_xml or "").encode())
        if left < 0:
            raise FormatError("too-large", f"Over {PROPERTIES_BYTES_MAX} bytes of properties.")
        changes.append(change)
    return tuple(changes)


def _change(name: str, element: etree._Element | None) -> PropertyChange:
    if element is None:
        return PropertyChange(name, None)
    types = names_of(element) if name == RESOURCE_TYPE else ()
    comps = element.iterchildren(f"{{{CALDAV}}}comp") if name == COMPONENT_SET else ()
    components = tuple(dict.fromkeys(one.get("name", "").strip().upper() for one in comps))
    return PropertyChange(name, _alone(element), frozenset(types), components)


def _changed(root: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    for action in root.iterchildren(_SET, _REMOVE):
        for prop in action.iterchildren(_PROP):
            for element in prop:
                yield str(action.tag), element


def _alone(element: etree._Element) -> str:
    """Write the element so that it means the same outside its document (RFC 4918 section 4.3)."""
    if _LANG not in element.attrib:
        inherited = (one.get(_LANG) for one in element.iterancestors())
        if lang := next((one for one in inherited if one is not None), ""):
            element.set(_LANG, lang)
    return etree.tostring(element, encoding="unicode", with_tail=False)


# --- REPORT ---------------------------------------------------------------------------------------


def _report(body: bytes) -> Report:
    root = _root(body)
    if root.tag == f"{{{DAV}}}sync-collection":
        return _sync_collection(root)
    if reader := _REPORTS.get(str(root.tag)):
        return reader(root)
    known = read_principal_report(root)
    return UnknownReport(limited([name_of(root)])[0]) if known is None else known


_remembered_report = lru_cache(_REMEMBERED)(_report)


def _sync_collection(root: etree._Element) -> SyncCollection:
    # Old clients send no level and mean one.
    level = _words(root, "sync-level") or "1"
    if level not in {"1", "infinite"}:
        raise FormatError("bad-request-body", "The sync-level is 1 or infinite.")
    return SyncCollection(
        token=_words(root, "sync-token"),
        level=cast(Literal["1", "infinite"], level),
        limit=_limit(root, DAV),
        names=names_of(_dav(root, "prop")),
    )


def _words(parent: etree._Element, local: str) -> str:
    return (parent.findtext(f"{{{DAV}}}{local}") or "").strip()


def _limit(root: etree._Element, namespace: str) -> int | None:
    element = root.find(f"{{{namespace}}}limit")
    if element is None:
        return None
    count = (element.findtext(f"{{{namespace}}}nresults") or "").strip()
    if not _COUNT.fullmatch(count):
        raise FormatError("bad-request-body", "The limit is a number from 1.")
    return int(count)


def _multiget(root: etree._Element) -> Multiget:
    hrefs = ((element.text or "").strip() for element in root.iterchildren(f"{{{DAV}}}href"))
    unique = tuple(dict.fromkeys(href for href in hrefs if href))
    if len(unique) > MULTIGET_HREFS_MAX:
        raise FormatError("too-large", f"More than {MULTIGET_HREFS_MAX} hrefs.")
    return Multiget(unique, _wanted(root), _address_data(root))


def _calendar_multiget(root: etree._Element) -> Multiget:
    hrefs = _multiget(root).hrefs
    return Multiget(hrefs, _wanted(root), _calendar_data(root), CALDAV)


def _query(root: etree._Element) -> Query:
    # Some clients send no filter where they mean an empty one.
    element = root.find(f"{{{CARDDAV}}}filter")
    wanted = Filter() if element is None else read_filter(element)
    return Query(wanted, _wanted(root), _address_data(root), _limit(root, CARDDAV))


def _wanted(root: etree._Element) -> Propfind:
    """Read what a report wants to know of each object; nothing is a list without a name."""
    if _dav(root, "propname") is not None:
        return Propfind("propname")
    if _dav(root, "allprop") is not None:
        return Propfind("allprop")
    names = names_of(_dav(root, "prop"))
    return Propfind("prop", tuple(name for name in names if name not in _DATA))


def _address_data(root: etree._Element) -> AddressData | None:
    element = root.find(f"{_PROP}/{ADDRESS_DATA}")
    if element is None:
        return None
    props = {
        name.upper(): PropertyWish(name.upper(), one.get("novalue", "no").strip() == "yes")
        for one in element.iterchildren(f"{{{CARDDAV}}}prop")
        if (name := one.get("name", "").strip())
    }
    limited(props)
    kind = element.get("content-type", "text/vcard").partition(";")[0].strip().lower()
    return AddressData(kind, element.get("version", "3.0").strip(), tuple(props.values()))


# --- calendars ------------------------------------------------------------------------------------


def _calendar_data(root: etree._Element) -> CalendarData | None:
    element = root.find(f"{_PROP}/{CALENDAR_DATA}")
    return None if element is None else read_calendar_data(element)


def _calendar_query(root: etree._Element) -> CalendarQuery:
    element = root.find(f"{{{CALDAV}}}filter")
    if element is None:
        raise FormatError("valid-filter", "A calendar-query needs a filter.")
    zone, zone_name = (
        (root.findtext(f"{{{CALDAV}}}{name}") or "").strip() for name in ("timezone", "timezone-id")
    )
    return CalendarQuery(
        read_calendar_filter(element), _wanted(root), _calendar_data(root), zone,
        _limit(root, CALDAV), zone_name,
    )  # fmt: skip


def _free_busy(root: etree._Element) -> FreeBusy:
    element = root.find(f"{{{CALDAV}}}time-range")
    if element is None:
        raise FormatError("bad-request-body", "Say from when to when.")
    try:
        return FreeBusy(read_range(element))
    except FormatError as error:
        raise FormatError("bad-request-body", error.message) from error


_REPORTS: Final[dict[str, Callable[[etree._Element], Report]]] = {
    f"{{{CARDDAV}}}addressbook-multiget": _multiget,
    f"{{{CARDDAV}}}addressbook-query": _query,
    f"{{{CALDAV}}}calendar-multiget": _calendar_multiget,
    f"{{{CALDAV}}}calendar-query": _calendar_query,
    f"{{{CALDAV}}}free-busy-query": _free_busy,
}

"""Reports about principals, and expand-property, read into frozen values.

Not here: the parser (davxml), who is found (the faces).
Rules: an expansion is bounded in depth and in the number of its properties, whatever they are.
Source: RFC 3744 sections 9.2 to 9.5, RFC 3253 section 3.8. `test` is what Apple's clients send.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Final

from lxml import etree

from strongroom.formats import FormatError
from strongroom.formats.propertynames import NAMES_MAX, limited, name_of, names_of

EXPANSION_DEPTH_MAX: Final = 4  # clients go two deep
SEARCHES_MAX: Final = 32  # in one report
_DAV: Final = "{DAV:}"


@dataclass(frozen=True, slots=True)
class PropertySearch:
    """All of these properties hold `text` somewhere, whatever the case."""

    names: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class PrincipalSearch:
    """The principals for which all searches (or any) hold; `everywhere`: not only below here."""

    searches: tuple[PropertySearch, ...]
    any_of: bool
    everywhere: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SearchableProperties:
    """What can be searched for."""


@dataclass(frozen=True, slots=True)
class PrincipalMatch:
    """What here is the caller, or names the caller in the property `by` ("" = is the caller)."""

    by: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AclPrincipals:
    """Whom the access rules of this name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expanded:
    """A property; what its hrefs lead to is described by `inner`, where there are any."""

    name: str
    inner: tuple[Expanded, ...] = ()


@dataclass(frozen=True, slots=True)
class Expansion:
    """These properties of this."""

    wanted: tuple[Expanded, ...]


PrincipalReport = (
    PrincipalSearch | SearchableProperties | PrincipalMatch | AclPrincipals | Expansion
)


def read_principal_report(root: etree._Element) -> PrincipalReport | None:
    """Read a report; None = it is another one.

    Raises:
        FormatError: `bad-request-body` or `too-large`.
    """
    reader = _READERS.get(str(root.tag))
    return None if reader is None else reader(root)


def _names(root: etree._Element) -> tuple[str, ...]:
    lists = root.findall(_DAV + "prop")
    if len(lists) > 1:
        raise FormatError("bad-request-body", "It has more than one list of properties.")
    return names_of(lists[0]) if lists else ()


def _search(root: etree._Element) -> PrincipalSearch:
    searches = root.findall(_DAV + "property-search")
    if len(searches) > SEARCHES_MAX:
        raise FormatError("too-large", f"A report has up to {SEARCHES_MAX} searches.")
    if not searches:
        raise FormatError("bad-request-body", "It searches for nothing.")
    return PrincipalSearch(
        tuple(map(_property_search, searches)),
        root.get("test") == "anyof",
        root.find(_DAV + "apply-to-principal-collection-set") is not None,
        _names(root),
    )


def _property_search(element: etree._Element) -> PropertySearch:
    names, match = _names(element), element.find(_DAV + "match")
    if not names or match is None:
        raise FormatError("bad-request-body", "A search names properties and a text.")
    return PropertySearch(names, " ".join((match.text or "").split()))


def _match(root: etree._Element) -> PrincipalMatch:
    names = _names(root)
    if root.find(_DAV + "self") is not None:
        return PrincipalMatch("", names)
    by = names_of(root.find(_DAV + "principal-property"))
    if len(by) != 1:
        raise FormatError("bad-request-body", "It matches the caller, or one property.")
    return PrincipalMatch(by[0], names)


def _acl_principals(root: etree._Element) -> AclPrincipals:
    if root.find(_DAV + "prop") is None:
        raise FormatError("bad-request-body", "It wants to know no property.")
    return AclPrincipals(_names(root))


def _expansion(root: etree._Element) -> Expansion:
    count = sum(1 for _ in islice(root.iter(_DAV + "property"), NAMES_MAX + 1))
    if count > NAMES_MAX:
        raise FormatError("too-large", f"An expansion has up to {NAMES_MAX} properties.")
    return Expansion(_expanded(root, EXPANSION_DEPTH_MAX))


def _expanded(parent: etree._Element, depth: int) -> tuple[Expanded, ...]:
    elements = parent.findall(_DAV + "property")
    if elements and not depth:
        raise FormatError("too-large", f"An expansion goes {EXPANSION_DEPTH_MAX} deep at most.")
    wanted = {}
    for element in elements:
        name = _clark(element)
        wanted[name] = Expanded(name, _expanded(element, depth - 1))
    limited(wanted)
    return tuple(wanted.values())


def _clark(element: etree._Element) -> str:
    name = f"{{{element.get('namespace', 'DAV:')}}}{element.get('name', '')}"
    try:
        return name_of(etree.Element(name))
    except ValueError as error:
        raise FormatError("bad-request-body", "A property has no name.") from error


_READERS: Final[dict[str, Callable[[etree._Element], PrincipalReport]]] = {
    _DAV + "principal-property-search": _search,
    _DAV + "principal-search-property-set": lambda _: SearchableProperties(),
    _DAV + "principal-match": _match,
    _DAV + "acl-principal-prop-set": _acl_principals,
    _DAV + "expand-property": _expansion,
}

"""The filter of an addressbook-query, read from XML.

Elsewhere unknown elements are passed over; a condition that was passed over would give a wrong
answer, so here they are refused.

Not here: matching (cardfilter), the rest of the body (davxml).
Only a `match-type` that nobody knows (some clients leave out the hyphens) is read as `contains`,
which finds whatever the others would find; not where it is negated, for then it would find less.
Source: RFC 6352 section 10.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeVar

from lxml import etree

from strongroom.base.limits import FILTER_CONDITIONS_MAX, FILTER_TEXT_CHARACTERS_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardfilter import (
    COLLATIONS,
    Filter,
    MatchType,
    ParamFilter,
    PropFilter,
    TextMatch,
    text_match,
)

T = TypeVar("T")

_CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
_FILTER: Final = _CARDDAV + "filter"
_PROP_FILTER: Final = _CARDDAV + "prop-filter"
_PARAM_FILTER: Final = _CARDDAV + "param-filter"
_TEXT_MATCH: Final = _CARDDAV + "text-match"
_NOT_DEFINED: Final = _CARDDAV + "is-not-defined"

_EVERY: Final = {"anyof": False, "allof": True}
_NEGATED: Final = {"no": False, "yes": True}
_KINDS: Final[dict[str, MatchType]] = {
    "equals": "equals",
    "contains": "contains",
    "starts-with": "starts-with",
    "ends-with": "ends-with",
}


def read_filter(element: etree._Element) -> Filter:
    """Read a CARDDAV:filter.

    Raises:
        FormatError: `valid-filter`, `supported-filter`, `supported-collation` or `too-large`.
    """
    conditions = sum(1 for _ in islice(element.iterdescendants(), FILTER_CONDITIONS_MAX + 1))
    if conditions > FILTER_CONDITIONS_MAX:
        raise FormatError("too-large", f"A filter has up to {FILTER_CONDITIONS_MAX} conditions.")
    props = tuple(map(_prop_filter, _children(element, _PROP_FILTER)))
    return Filter(props, _choice(element, "test", _EVERY, "anyof"))


def _children(parent: etree._Element, *known: str) -> Iterator[etree._Element]:
    for child in parent:
        if child.tag not in known:
            raise FormatError("supported-filter", f"Not a filter that is known: {child.tag}")
        yield child


def _choice(element: etree._Element, name: str, values: Mapping[str, T], default: str) -> T:
    value = element.get(name, default)
    if value not in values:
        raise FormatError("valid-filter", f"{name} cannot be this.")
    return values[value]


def _text(text: str) -> str:
    if len(text) > FILTER_TEXT_CHARACTERS_MAX:
        most = FILTER_TEXT_CHARACTERS_MAX
        raise FormatError("too-large", f"A text in a filter has up to {most} characters.")
    return text


def _name(element: etree._Element) -> bytes:
    name = _text(element.get("name", "").strip())
    if not name:
        raise FormatError("valid-filter", "A filter needs the name of what it asks for.")
    return name.upper().encode()


def _prop_filter(element: etree._Element) -> PropFilter:
    group, _, name = _name(element).rpartition(b".")
    children = list(_children(element, _NOT_DEFINED, _TEXT_MATCH, _PARAM_FILTER))
    defined = _is_defined(children)
    conditions = tuple(map(_condition, children)) if defined else ()
    return PropFilter(name, group, defined, _choice(element, "test", _EVERY, "anyof"), conditions)


def _is_defined(children: list[etree._Element]) -> bool:
    if not any(child.tag == _NOT_DEFINED for child in children):
        return True
    if len(children) > 1:
        raise FormatError("valid-filter", "is-not-defined stands alone.")
    return False


def _condition(element: etree._Element) -> TextMatch | ParamFilter:
    return _text_match(element) if element.tag == _TEXT_MATCH else _param_filter(element)


def _param_filter(element: etree._Element) -> ParamFilter:
    children = list(_children(element, _NOT_DEFINED, _TEXT_MATCH))
    if len(children) > 1:
        raise FormatError("valid-filter", "A param-filter holds one condition.")
    if not children or not _is_defined(children):
        return ParamFilter(_name(element), not children)
    return ParamFilter(_name(element), True, _text_match(children[0]))


def _text_match(element: etree._Element) -> TextMatch:
    collation = element.get("collation", "default")
    if collation == "default":
        collation = "i;unicode-casemap"
    if collation not in COLLATIONS:
        raise FormatError("supported-collation", "This collation is not known here.")
    if len(element):
        raise FormatError("valid-filter", "A text-match holds text alone.")
    negated = _choice(element, "negate-condition", _NEGATED, "no")
    kind = _KINDS.get(element.get("match-type", "contains"))
    if kind is None and negated:
        raise FormatError("valid-filter", "match-type cannot be this.")
    return text_match(_text(element.text or ""), collation, kind or "contains", negated)

"""What the filters of CardDAV and CalDAV have in common, read from XML.

Elsewhere unknown elements are passed over; a condition that was passed over would give a wrong
answer, so here they are refused.

Only a `match-type` that nobody knows (some clients leave out the hyphens) is read as `contains`,
which finds whatever the others would find; not where it is negated, for then it would find less.
Source: RFC 6352 section 10.5, RFC 4791 section 9.7.
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
    Collation,
    MatchType,
    ParamFilter,
    TextMatch,
    text_match,
)

T = TypeVar("T")

NEGATED: Final = {"no": False, "yes": True}
_KINDS: Final[dict[str, MatchType]] = {
    "equals": "equals",
    "contains": "contains",
    "starts-with": "starts-with",
    "ends-with": "ends-with",
}


def check_count(element: etree._Element) -> None:
    """Raise FormatError `too-large` where a filter has more conditions than are looked at."""
    conditions = sum(1 for _ in islice(element.iterdescendants(), FILTER_CONDITIONS_MAX + 1))
    if conditions > FILTER_CONDITIONS_MAX:
        raise FormatError("too-large", f"A filter has up to {FILTER_CONDITIONS_MAX} conditions.")


def children(parent: etree._Element, *known: str) -> Iterator[etree._Element]:
    """Give the children, all of which must be known; raises FormatError `supported-filter`."""
    for child in parent:
        if child.tag not in known:
            raise FormatError("supported-filter", f"Not a filter that is known: {child.tag}")
        yield child


def choice(element: etree._Element, name: str, values: Mapping[str, T], default: str) -> T:
    """Read an attribute that has few values; raises FormatError `valid-filter`."""
    value = element.get(name, default)
    if value not in values:
        raise FormatError("valid-filter", f"{name} cannot be this.")
    return values[value]


def name_of(element: etree._Element) -> bytes:
    """Read the name of what a filter asks for, in capitals; raises FormatError `valid-filter`."""
    name = _text(element.get("name", "").strip())
    if not name:
        raise FormatError("valid-filter", "A filter needs the name of what it asks for.")
    return name.upper().encode()


def _text(text: str) -> str:
    if len(text) > FILTER_TEXT_CHARACTERS_MAX:
        most = FILTER_TEXT_CHARACTERS_MAX
        raise FormatError("too-large", f"A text in a filter has up to {most} characters.")
    return text


def is_defined(conditions: list[etree._Element], not_defined: str) -> bool:
    """Say whether the thing shall be there; raises FormatError `valid-filter`."""
    if not any(child.tag == not_defined for child in conditions):
        return True
    if len(conditions) > 1:
        raise FormatError("valid-filter", "is-not-defined stands alone.")
    return False


def read_param_filter(element: etree._Element, space: str, usual: Collation) -> ParamFilter:
    """Read a param-filter of a namespace; `usual` is its default collation.

    Raises:
        FormatError: `valid-filter`, `supported-filter`, `supported-collation` or `too-large`.
    """
    conditions = list(children(element, space + "is-not-defined", space + "text-match"))
    if len(conditions) > 1:
        raise FormatError("valid-filter", "A param-filter holds one condition.")
    if not conditions or not is_defined(conditions, space + "is-not-defined"):
        return ParamFilter(name_of(element), not conditions)
    return ParamFilter(name_of(element), True, read_text_match(conditions[0], usual))


def read_text_match(element: etree._Element, usual: Collation) -> TextMatch:
    """Read a text-match; raises FormatError as `read_param_filter`."""
    collation = element.get("collation", "default")
    if collation == "default":
        collation = usual
    if collation not in COLLATIONS:
        raise FormatError("supported-collation", "This collation is not known here.")
    if len(element):
        raise FormatError("valid-filter", "A text-match holds text alone.")
    negated = choice(element, "negate-condition", NEGATED, "no")
    kind = _KINDS.get(element.get("match-type", "contains"))
    if kind is None and negated:
        raise FormatError("valid-filter", "match-type cannot be this.")
    return text_match(_text(element.text or ""), collation, kind or "contains", negated)

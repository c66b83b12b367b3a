"""The filter of an addressbook-query, read from XML.

Not here: matching (cardfilter), what it shares with calendars (filterxml), the rest of the body
(davxml).
Source: RFC 6352 section 10.5.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from strongroom.formats.cardfilter import Filter, ParamFilter, PropFilter, TextMatch
from strongroom.formats.filterxml import (
    check_count,
    children,
    choice,
    is_defined,
    name_of,
    read_param_filter,
    read_text_match,
)

_CARDDAV: Final = "{urn:ietf:params:xml:ns:carddav}"
_PROP_FILTER: Final = _CARDDAV + "prop-filter"
_PARAM_FILTER: Final = _CARDDAV + "param-filter"
_TEXT_MATCH: Final = _CARDDAV + "text-match"
_NOT_DEFINED: Final = _CARDDAV + "is-not-defined"

_EVERY: Final = {"anyof": False, "allof": True}


def read_filter(element: etree._Element) -> Filter:
    """Read a CARDDAV:filter.

    Raises:
        FormatError: `valid-filter`, `supported-filter`, `supported-collation` or `too-large`.
    """
    check_count(element)
    props = tuple(map(_prop_filter, children(element, _PROP_FILTER)))
    return Filter(props, choice(element, "test", _EVERY, "anyof"))


def _prop_filter(element: etree._Element) -> PropFilter:
    group, _, name = name_of(element).rpartition(b".")
    inner = list(children(element, _NOT_DEFINED, _TEXT_MATCH, _PARAM_FILTER))
    defined = is_defined(inner, _NOT_DEFINED)
    conditions = tuple(map(_condition, inner)) if defined else ()
    return PropFilter(name, group, defined, choice(element, "test", _EVERY, "anyof"), conditions)


def _condition(element: etree._Element) -> TextMatch | ParamFilter:
    if element.tag == _TEXT_MATCH:
        return read_text_match(element, "i;unicode-casemap")
    return read_param_filter(element, _CARDDAV, "i;unicode-casemap")

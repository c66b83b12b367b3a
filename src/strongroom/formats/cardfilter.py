"""Does a card match the filter of an addressbook-query?

A filter looks at single properties: each condition of a `PropFilter` is asked of one property at a
time, so a negated text-match holds where some property is without the text, and never where there
is no such property at all.

Not here: reading a filter from XML (cardquery).
Rules: pure; a value is unescaped before it is compared; 3.0 and 4.0 names of groups are one.
`i;unicode-casemap` compares compatibility decompositions in capitals, which unites a little more
than RFC 5051 asks for (`ß` and `ss`), so that it runs at the speed of the interpreter's own tables.
Source: RFC 6352 sections 8.3 and 10.5; RFC 4790 (collations), RFC 5051.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from unicodedata import normalize

from strongroom.formats.cardcoding import plain_lines
from strongroom.formats.cardlines import Line, find_lines, parameters_of, unescape, values_of

Collation = Literal["i;ascii-casemap", "i;octet", "i;unicode-casemap"]
COLLATIONS: Final[tuple[Collation, ...]] = ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
MatchType = Literal["equals", "contains", "starts-with", "ends-with"]

_SAME: Final = {
    b"X-ADDRESSBOOKSERVER-KIND": b"KIND",
    b"X-ADDRESSBOOKSERVER-MEMBER": b"MEMBER",
}


class TextMatch(NamedTuple):
    """Compares a text; `text` is folded already (`text_match` does it)."""

    text: str
    collation: Collation = "i;unicode-casemap"
    kind: MatchType = "contains"
    negated: bool = False


class ParamFilter(NamedTuple):
    """Asks for a parameter: that it is (not) there, or what its values say."""

    name: bytes  # in capitals
    defined: bool = True
    match: TextMatch | None = None


class PropFilter(NamedTuple):
    """Asks for a property: that it is (not) there, or that one of them meets the conditions."""

    name: bytes  # in capitals
    group: bytes = b""  # in capitals; empty = any
    defined: bool = True
    every: bool = False  # of the conditions must hold, not just any
    conditions: tuple[TextMatch | ParamFilter, ...] = ()


class Filter(NamedTuple):
    """The whole of it; without a `PropFilter` every card matches."""

    props: tuple[PropFilter, ...] = ()
    every: bool = False


def text_match(
    text: str,
    collation: Collation = "i;unicode-casemap",
    kind: MatchType = "contains",
    negated: bool = False,
) -> TextMatch:
    """Make a `TextMatch` of a text as it was sent."""
    return TextMatch(fold_case(text, collation), collation, kind, negated)


def fold_case(text: str, collation: Collation) -> str:
    """Give what two texts have in common that are equal under a collation."""
    if collation == "i;octet":
        return text
    if text.isascii():
        return text.upper()
    if collation == "i;ascii-casemap":
        return text.encode("utf-8", "surrogatepass").upper().decode("utf-8", "surrogatepass")
    return normalize("NFKD", text).upper()


def matches(card: bytes, wanted: Filter) -> bool:
    """Say whether a card matches.

    Raises:
        FormatError: `too-complex`: it was not looked into.
    """
    if not wanted.props:
        return True
    found: defaultdict[bytes, list[_Property]] = defaultdict(list)
    for line in lines_asked(card, _names(wanted.props)):
        found[_SAME.get(line.name, line.name)].append(_Property(line))
    for prop in wanted.props:
        if _prop_holds(found[_SAME.get(prop.name, prop.name)], prop) is not wanted.every:
            return not wanted.every
    return wanted.every


def lines_asked(card: bytes, names: frozenset[bytes]) -> list[Line]:
    """Give the lines of these names (in capitals), their values as a filter compares them.

    Raises:
        FormatError: `too-complex`.
    """
    lines = find_lines(card, names)
    plain = plain_lines(card, lines)
    if plain is lines:
        return lines
    return [a if a is b else a._replace(value=b.value) for a, b in zip(lines, plain, strict=True)]


@lru_cache(64)  # a query asks the same of thousands of cards
def _names(props: tuple[PropFilter, ...]) -> frozenset[bytes]:
    return frozenset(name for prop in props for name in spellings(prop.name))


def spellings(name: bytes) -> set[bytes]:
    """Give the names under which a property may stand (in capitals)."""
    return {name, *(old for old, new in _SAME.items() if name in {old, new}), _SAME.get(name, name)}


class _Property:
    """One property of the card, with what was made of its value so far."""

    __slots__ = ("_folded", "line")

    def __init__(self, line: Line) -> None:
        self.line = line
        self._folded: dict[Collation, str] = {}

    def text(self, collation: Collation) -> str:
        text = self._folded.get(collation)
        if text is None:
            text = self._folded[collation] = folded_text(self.line, collation)
        return text


def folded_text(line: Line, collation: Collation) -> str:
    """Give the value of a property as a collation compares it."""
    return fold_case(unescape(line.value.decode("utf-8", "replace")), collation)


def _prop_holds(properties: Iterable[_Property], wanted: PropFilter) -> bool:
    group = wanted.group
    here = [one for one in properties if not group or one.line.group.upper() == group]
    if not wanted.defined:
        return not here
    if not wanted.conditions:
        return bool(here)
    return any(_conditions_hold(one, wanted) for one in here)


def _conditions_hold(one: _Property, wanted: PropFilter) -> bool:
    for condition in wanted.conditions:
        if isinstance(condition, TextMatch):
            holds = _compare(one.text(condition.collation), condition) is not condition.negated
        else:
            holds = param_holds(one.line, condition)
        if holds is not wanted.every:
            return not wanted.every
    return wanted.every


def param_holds(line: Line, wanted: ParamFilter) -> bool:
    """Say whether the parameters of a property are what a filter asks for."""
    values = values_of(parameters_of(line.parameters), wanted.name)
    if not wanted.defined:
        return not values
    if wanted.match is None or not values:
        return bool(values)
    match = wanted.match
    return text_holds(
        (fold_case(value.decode("utf-8", "replace"), match.collation) for value in values), match
    )


def text_holds(texts: Iterable[str], wanted: TextMatch) -> bool:
    """Say whether one of the texts, folded already, is what a filter asks for."""
    return any(_compare(text, wanted) for text in texts) is not wanted.negated


def _compare(text: str, wanted: TextMatch) -> bool:
    match wanted.kind:
        case "equals":
            return text == wanted.text
        case "starts-with":
            return text.startswith(wanted.text)
        case "ends-with":
            return text.endswith(wanted.text)
        case _:
            return wanted.text in text

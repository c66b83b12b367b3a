"""A card as units: each property with the label that its group gives it, and what makes two equal.

`item1.TEL` and `item1.X-ABLabel` are one unit: who compares or merges cards must not part them. Two
units are equal where they say the same: the name of a group, the order of parameters, the case of
their names and types, folds, and signs that need no escape do not count.

Not here: what becomes of units that differ (cardmerge).
Rules: pure; a unit keeps the lines it was read from, so what is not touched stays as it was.
Source: RFC 6350 sections 3.3 (groups) and 5; X-ABLabel and X-ABADR are what Apple's clients write.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from strongroom.formats.cardcoding import plain_lines
from strongroom.formats.cardlines import Line, parameters_of, values_of

FRAME: Final = frozenset({b"BEGIN", b"VERSION", b"UID", b"END", b""})  # of no unit
OTHER: Final = b"X-STRONGROOM-OTHER-"  # and the name of what a card has once: a second one of it
_COMPANIONS: Final = frozenset({b"X-ABLABEL", b"X-ABADR"})
_CASELESS: Final = frozenset({b"TYPE", b"ENCODING", b"VALUE", b"CHARSET", b"MEDIATYPE", b"PREF"})
# What a line says that says nothing: the default of its property, or of every card.
_DEFAULTS: Final = frozenset(
    {(b"EMAIL", b"TYPE", b"internet"), (b"TEL", b"TYPE", b"voice"), (b"", b"CHARSET", b"utf-8")}
)
_LISTED: Final = frozenset({b"N", b"ADR", b"ORG"})  # components; empty ones at the end say nothing
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_MEANT: Final = {b"N": b"\\n", b",": b",", b":": b":"}
_BLANKS: Final = b" \t\r\n"
_NUMBER: Final = re.compile(rb"(?:tel:)?([0-9+*# ().\-/]+)", re.IGNORECASE)
_BETWEEN: Final = b" ().-/"

Facts = frozenset[tuple[bytes, bytes]]  # (name, value) of each parameter


class Unit(NamedTuple):
    """One property with its companions."""

    places: tuple[int, ...]  # of its lines in the card; the property's own is first
    lines: tuple[Line, ...]  # the property's own, then its companions
    facts: Facts  # parameters of the property
    value: bytes  # of the property, spelled in one way
    beside: frozenset[tuple[bytes, bytes]]  # (name, value) of each companion

    @property
    def name(self) -> bytes:
        """Give the name of the property, in capitals."""
        return self.lines[0].name

    @property
    def place(self) -> int:
        """Give the place of the property's line: no two units of a card have the same."""
        return self.places[0]

    @property
    def key(self) -> tuple[object, ...]:
        """Give what is equal for units that say the same."""
        return (self.name, self.facts, self.value, self.beside)

    @property
    def loose_value(self) -> bytes:
        """Give the value without what people write for the eye: blanks in numbers, capitals."""
        if self.name == b"TEL" and (number := _NUMBER.fullmatch(self.value)):
            return number[1].translate(None, _BETWEEN)
        return self.value.lower() if self.name == b"EMAIL" else self.value


def units_of(card: bytes, lines: list[Line]) -> list[Unit]:
    """Give the units of a card, in its order; `lines` are what `split_card` made of it."""
    plain = plain_lines(card, lines)
    owners = {
        line.group.upper(): place
        for place, line in reversed(list(enumerate(lines)))
        if line.group and line.name not in FRAME | _COMPANIONS
    }
    beside: dict[int, list[int]] = {}
    for place, line in enumerate(lines):
        owner = owners.get(line.group.upper()) if line.name in _COMPANIONS else None
        if owner is not None:
            beside.setdefault(owner, []).append(place)
    taken = {place for places in beside.values() for place in places}
    return [
        _unit((place, *beside.get(place, ())), lines, plain)
        for place, line in enumerate(lines)
        if line.name not in FRAME and place not in taken
    ]


def _unit(places: tuple[int, ...], lines: list[Line], plain: list[Line]) -> Unit:
    own, *companions = (plain[place] for place in places)
    facts = _facts(own)
    beside = frozenset((line.name, _spelled(line, _facts(line))) for line in companions)
    return Unit(places, tuple(lines[p] for p in places), facts, _spelled(own, facts), beside)


def _facts(line: Line) -> Facts:
    parameters = parameters_of(line.parameters)
    found = set()
    for name in {one.name for one in parameters}:
        for value in values_of(parameters, name):
            text = value.lower() if name in _CASELESS else value
            if not {(line.name, name, text), (b"", name, text)} & _DEFAULTS:
                found.add((name, b"b" if (name, text) == (b"ENCODING", b"base64") else text))
    return frozenset(found)


def _spelled(line: Line, facts: Facts) -> bytes:
    """Give the value of a line as it is compared."""
    value = line.value
    if (b"ENCODING", b"b") in facts:
        return value.translate(None, _BLANKS)
    if b"\\" in value:
        value = _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[0]), value)
    value = value.strip()
    if line.name.removeprefix(OTHER) in _LISTED:
        while value.endswith(b";") and not value.endswith(b"\\;"):
            value = value[:-1]
    return value

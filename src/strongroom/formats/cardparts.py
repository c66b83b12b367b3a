"""Partial cards: only the properties that were asked for, as they were written.

BEGIN, VERSION and END are always there: without them it is no vCard.
Not here: reading the wish (davxml).
Source: RFC 6352 section 10.4.2: a name without a group matches any group, `novalue` leaves the
value out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from strongroom.formats.cardlines import Line, join_card, split_card, write_line

_FRAME: Final = frozenset({b"BEGIN", b"VERSION", b"END"})


class PropertyWish(NamedTuple):
    """One property that is wanted; `name` in capitals, with a group where one was asked for."""

    name: str
    no_value: bool = False


def select(card: bytes, wishes: tuple[PropertyWish, ...]) -> bytes:
    """Give the part of a card that `wishes` name; in the order of the card.

    Raises:
        FormatError: `too-complex`.
    """
    wanted = {wish.name.encode(): wish for wish in wishes}
    return join_card(_selected(split_card(card), wanted)) + b"\n"


def _selected(lines: Iterable[Line], wanted: dict[bytes, PropertyWish]) -> Iterator[bytes]:
    for line in lines:
        if line.name in _FRAME:
            yield line.raw
        elif line.name and (wish := _wish(line, wanted)):
            yield _without_value(line) if wish.no_value else line.raw


def _wish(line: Line, wanted: dict[bytes, PropertyWish]) -> PropertyWish | None:
    return wanted.get(line.name) or wanted.get(line.group.upper() + b"." + line.name)


def _without_value(line: Line) -> bytes:
    return write_line(line.group, line.name, line.parameters, b"", line.end)

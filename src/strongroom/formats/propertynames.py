"""Names of properties in a request body: Clark names of elements, each once, within limits.

Not here: which properties exist (the faces).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from strongroom.formats import FormatError
from strongroom.formats.characters import split_name

NAMES_MAX: Final = 256  # clients ask for some dozens; each is answered once per member
NAME_CHARACTERS_MAX: Final = 1024  # of one Clark name


def names_of(parent: etree._Element | None) -> tuple[str, ...]:
    """Name the children of a list of properties, each once; None = there is no list."""
    return () if parent is None else limited(map(name_of, parent))


def limited(names: Iterable[str]) -> tuple[str, ...]:
    """Give each name once; raises FormatError `too-large`."""
    unique = tuple(dict.fromkeys(names))
    if len(unique) > NAMES_MAX or any(len(name) > NAME_CHARACTERS_MAX for name in unique):
        raise FormatError("too-large", "Too many or too long names of properties.")
    return unique


def name_of(element: etree._Element) -> str:
    """Give the Clark name; refuse on the way in what could not be named in an answer."""
    name = str(element.tag)
    try:
        split_name(name)
    except FormatError as error:
        raise FormatError("bad-request-body", error.message) from error
    return name

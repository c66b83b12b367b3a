"""Whether two cards are of one person, though their UIDs differ.

Other programs give the same person another UID, so an import finds who is there already by what the
cards say. Two people must never become one, so the rule is narrow:

* both have the same full name (but for case, width and spaces), and neither is a group;
* nothing contradicts: a part of N that both tell is the same, and so is the suffix (father and
  son); the birthday that both tell is the same;
* they share an e-mail address; or a number of seven digits or more, and then do not tell two
  different organizations (two people of one name behind one switchboard).

Not here: what becomes of the two (cardmerge).
Rules: pure; what cannot be read says nothing; when in doubt they are two people.
Source: the duplicates that imports leave (features.md 3.4: Google replaces UIDs); own choice.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.cardcoding import decoded
from strongroom.formats.cardlines import Line, find_lines, parameters_of, unescape

_WANTED: Final = frozenset(
    {b"FN", b"N", b"TEL", b"EMAIL", b"BDAY", b"ORG", b"KIND", b"X-ADDRESSBOOKSERVER-KIND"}
)
_MEMBERS: Final = frozenset({b"MEMBER", b"X-ADDRESSBOOKSERVER-MEMBER"})
_KINDS: Final = frozenset({b"KIND", b"X-ADDRESSBOOKSERVER-KIND"})
_SEPARATOR: Final = re.compile(r"(?<!\\);")
_EXTENSION: Final = re.compile(r"[;,xX#p].*", re.DOTALL)
_NO_DIGIT: Final = re.compile(r"\D")
_DIGITS_MIN: Final = 7  # fewer are a service, not a person
_DIGITS_COMPARED: Final = 9  # with a country's code or without
_SUFFIX: Final = 4  # which part of N


class Likeness(NamedTuple):
    """What tells who a card is about; texts as they are compared, "" = it does not tell."""

    name: str
    parts: tuple[str, ...]  # of N
    mails: frozenset[str]
    numbers: frozenset[str]
    born: str
    company: str


def likeness(card: bytes) -> Likeness | None:
    """Read who a card is about; None = it cannot be told, or it is no single person."""
    try:
        lines = find_lines(card, _WANTED)
    except FormatError:
        return None
    texts: dict[bytes, list[str]] = {}
    for line in lines:
        texts.setdefault(line.name, []).append(_text(line))
    kinds = {kind.strip().lower() for name in _KINDS for kind in texts.get(name, ())}
    name = _plain(unescape(_first(texts, b"FN")))
    if not name or kinds - {"individual"}:
        return None
    return Likeness(
        name,
        tuple(_plain(unescape(part)) for part in _SEPARATOR.split(_first(texts, b"N"), 5)),
        frozenset(filter(None, map(_mail, texts.get(b"EMAIL", ())))),
        frozenset(filter(None, map(_number, texts.get(b"TEL", ())))),
        _NO_DIGIT.sub("", _first(texts, b"BDAY").partition("T")[0]),
        _plain(unescape(_SEPARATOR.split(_first(texts, b"ORG"), 1)[0])),
    )


def members_of(card: bytes) -> frozenset[str]:
    """Give the UIDs that a group names as its members, as they are written; () = it is no group.

    Who is named so must keep this UID: else the group has lost a member.
    """
    if b"MEMBER" not in card.upper():
        return frozenset()
    try:
        lines = find_lines(card, _MEMBERS)
    except FormatError:
        return frozenset()
    return frozenset(line.value.strip().decode("utf-8", "replace") for line in lines)


def is_same_person(one: Likeness, other: Likeness) -> bool:
    """Say whether both are surely about one person; symmetric."""
    if one.name != other.name or _differ(one.born, other.born):
        return False
    if any(map(_differ, one.parts, other.parts)) or _suffix(one) != _suffix(other):
        return False
    if one.mails & other.mails:
        return True
    return bool(one.numbers & other.numbers) and not _differ(one.company, other.company)


def _differ(one: str, other: str) -> bool:
    return bool(one and other and one != other)


def _suffix(one: Likeness) -> str:
    return one.parts[_SUFFIX] if len(one.parts) > _SUFFIX else ""


def _first(texts: dict[bytes, list[str]], name: bytes) -> str:
    return texts.get(name, [""])[0]


def _text(line: Line) -> str:
    value = None
    if line.parameters:
        value = decoded(parameters_of(line.parameters), line.value)
    return (line.value if value is None else value).decode("utf-8", "replace")


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _mail(text: str) -> str:
    mail = _plain(text).removeprefix("mailto:")
    return mail if "@" in mail else ""


def _number(text: str) -> str:
    digits = _NO_DIGIT.sub("", _EXTENSION.sub("", text.strip().removeprefix("tel:")))
    return digits[-_DIGITS_COMPARED:] if len(digits) >= _DIGITS_MIN else ""

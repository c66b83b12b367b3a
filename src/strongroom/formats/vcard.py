"""One vCard: what must be known of it, read from bytes that stay as they are (I3).

`check` looks for five properties and refuses only what the protocol cannot hold and what readers
stumble over, so that no phone misses a card that another one sent: a second UID, a line without a
colon. The ugly cards of real clients (groups, lower case, LF alone, X- properties, base64 photos)
are kept as sent.

Not here: re-serialising, a full property parser, conversion between versions.
Rules: unfold bytes before anything is decoded; split at LF only (others split inside values); the
largest card of a hostile client is looked at in a few ten milliseconds, whatever it holds.
Source: RFC 6350 section 3, RFC 2426; RFC 6352 section 5.1 (one card, one UID).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, cast

from strongroom.base.limits import (
    CARD_FACT_LINES_MAX,
    CARD_FOLDS_KEPT_MAX,
    CARD_LINES_KEPT_MAX,
    CARD_PARAMETERS_BYTES_MAX,
    UID_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.cardlines import find_lines, unescape
from strongroom.formats.characters import carried, unfolded

FULL_NAME_CHARACTERS_MAX: Final = 255  # a fact for people to recognise the card by, not the data

# The leading LF is a literal prefix, which the search uses to skip from line to line.
_WANTED: Final = re.compile(
    rb"\n(?:[\w\-]{1,64}\.)?(BEGIN|END|VERSION|UID|FN)(?=[;:])([^\n]*)", re.IGNORECASE
)
_NO_PROPERTY: Final = re.compile(rb"\n[^:\n\r][^:\n]*+(?:\n|\Z)")
_PARAMETERS: Final = re.compile(rb'(?:"[^"]*+"|[^":]++)*+:')
_BOM: Final = b"\xef\xbb\xbf"
_CARD: Final = b"VCARD"
_FULL_NAME: Final = frozenset({b"FN"})


class CardFacts(NamedTuple):
    """What is known of a card. `uid` and `full_name` are values as written, escapes kept."""

    uid: str
    version: Literal["3.0", "4.0"]
    full_name: str


def check(body: bytes) -> CardFacts:
    """Read the facts of one card.

    Raises:
        FormatError: `not-a-vcard`, `unsupported-version`, `two-cards`, `no-uid`, `two-uids`,
            `uid-too-long`, `too-complex` or `not-xml-clean`.
    """
    _check_shape(body)
    text = b"\n" + unfolded(carried(body, "not-a-vcard").removeprefix(_BOM)).lstrip()
    found = _first_values(text)
    version = found.get(b"VERSION", b"")
    if version not in {b"3.0", b"4.0"}:
        raise FormatError("unsupported-version", "Only vCard 3.0 and 4.0 can be kept.")
    uid = found.get(b"UID", b"")
    if not uid:
        raise FormatError("no-uid", "The card has no UID.")
    if len(uid) > UID_BYTES_MAX:
        raise FormatError("uid-too-long", f"The UID has more than {UID_BYTES_MAX} bytes.")
    name = found.get(b"FN", b"").decode()[:FULL_NAME_CHARACTERS_MAX]
    return CardFacts(uid.decode(), cast(Literal["3.0", "4.0"], version.decode()), name)


def full_name_of(body: bytes) -> str:
    """Give the name that a card has for people; "" where it has none or is no card."""
    try:
        lines = find_lines(body, _FULL_NAME)
    except FormatError:
        return ""
    text = unescape(lines[0].value.decode("utf-8", "replace")) if lines else ""
    return "".join(c if c.isprintable() else " " for c in text)[:FULL_NAME_CHARACTERS_MAX].strip()


def _check_shape(body: bytes) -> None:
    folds = body.count(b"\n ") + body.count(b"\n\t")
    if folds > CARD_FOLDS_KEPT_MAX or body.count(b"\n") - folds > CARD_LINES_KEPT_MAX:
        raise _too_complex()


def _too_complex() -> FormatError:
    return FormatError("too-complex", "The card has too many lines, or too long parameters.")


def _wanted_lines(text: bytes) -> Iterator[re.Match[bytes]]:
    left = CARD_PARAMETERS_BYTES_MAX
    for count, line in enumerate(_WANTED.finditer(text), 1):
        rest = line[2]
        if rest.startswith(b";") and b'"' in rest:
            left -= len(rest)
        if left < 0 or count > CARD_FACT_LINES_MAX:
            raise _too_complex()
        yield line


def _first_values(text: bytes) -> dict[bytes, bytes]:
    """Give the first value of each wanted property between the one BEGIN and the one END."""
    found: dict[bytes, bytes] = {}
    opened, end = False, 0
    for line in _wanted_lines(text):
        name, value = line[1].upper(), value_of(line[2])
        if name == b"BEGIN" and value.upper() == _CARD:
            if opened:
                raise FormatError("two-cards", "One address holds one card.")
            opened = line.start() == 0
        elif name == b"END" and value.upper() == _CARD:
            end = end or (line.start() if opened else 0)
        elif value and not end:
            if name == b"UID" and name in found:
                raise FormatError("two-uids", "The card has two UIDs.")
            found.setdefault(name, value)
    if not end:
        raise FormatError("not-a-vcard", "It does not begin and end as a vCard.")
    if _NO_PROPERTY.search(text, 0, end):
        raise FormatError("not-a-vcard", "A line of the card has no colon.")
    return found


def value_of(rest: bytes) -> bytes:
    """Give what follows the colon; a colon inside quotes belongs to a parameter."""
    if rest.startswith(b":"):
        return rest[1:].strip()
    quoted = _PARAMETERS.match(rest) if b'"' in rest else None
    # A quote that is never closed is no quote: real cards have them.
    return (rest[quoted.end() :] if quoted else rest.partition(b":")[2]).strip()

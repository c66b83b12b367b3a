"""Values as vCard 2.1 wrote them: quoted-printable, in a charset of the writer's own.

Such lines stand in cards that call themselves 3.0, from old phones and their exports. Here they
become plain UTF-8, for filters and for 4.0, which knows neither.

Not here: folds (cardlines); what is stored is never touched.
Rules: pure; never raises; a value that cannot be understood, or that XML could not carry once it
is, is given back as it is. Without quoted-printable a charset is not believed: the card as a whole
was UTF-8 when it was taken.
Source: vCard 2.1 sections 2.1.3 and 2.1.5; RFC 2045 section 6.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from strongroom.base.limits import CARD_CODED_SIGNS_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardlines import (
    Line,
    Parameter,
    parameters_of,
    values_of,
    write_line,
    write_parameters,
)
from strongroom.formats.characters import carried

MARK: Final = b"QUOTED-PRINTABLE"
_MARK: Final = re.compile(MARK, re.IGNORECASE)
# An equals sign without two digits is what is left of a soft line break.
_CODED: Final = re.compile(rb"=([0-9A-Fa-f]{2})?")
# Those that real phones wrote; a name is never handed to the interpreter's own table unchecked.
_CHARSETS: Final = re.compile(
    r"us-ascii|utf-?8|utf-16(?:be|le)?|iso-8859-\d{1,2}|(?:windows-|cp)125\d|koi8-[ru]|macintosh"
    r"|gb2312|gbk|gb18030|big5|shift[_-]jis|euc-(?:jp|kr)|iso-2022-jp"
)


def plain_lines(card: bytes, lines: list[Line]) -> list[Line]:
    """Give lines of a card, those with such a value as they are written without.

    A card with more coded signs than are looked at keeps them all.
    """
    coded = [index for index, line in enumerate(lines) if _MARK.search(line.parameters)]
    if not coded or card.count(b"=") > CARD_CODED_SIGNS_MAX:
        return lines
    lines = list(lines)
    for index in coded:
        lines[index] = _plain(lines[index])
    return lines


def _plain(line: Line) -> Line:
    value = decoded(parameters_of(line.parameters), line.value)
    if value is None:
        return line
    kept = (p for p in parameters_of(line.parameters) if p.name not in {b"ENCODING", b"CHARSET"})
    parameters = write_parameters(kept)
    raw = write_line(line.group, line.name, parameters, value, line.end)
    return Line(raw, line.group, line.name, parameters, value)


def decoded(parameters: Iterable[Parameter], value: bytes) -> bytes | None:
    """Give a quoted-printable value as a text value in UTF-8; None = it is none."""
    parameters = tuple(parameters)
    if MARK not in {word.upper() for word in values_of(parameters, b"ENCODING")}:
        return None
    if value.count(b"=") > CARD_CODED_SIGNS_MAX:
        return None
    text = text_of(uncoded(value), parameters)
    try:
        # A line break inside a value is written as one.
        return None if text is None else carried(broken_lines(text).encode())
    except (UnicodeError, FormatError):
        return None


def uncoded(value: bytes) -> bytes:
    """Give the bytes that a quoted-printable value stands for."""
    return _CODED.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else b"", value)


def text_of(raw: bytes, parameters: Iterable[Parameter]) -> str | None:
    """Read bytes in the charset that a line names, UTF-8 where it names none; None = they are not.

    Only charsets that phones wrote are tried.
    """
    charset = (values_of(parameters, b"CHARSET") or (b"utf-8",))[0].decode("latin-1").lower()
    if not _CHARSETS.fullmatch(charset):
        return None
    try:
        return raw.decode(charset)
    except (UnicodeError, LookupError):
        return None


def broken_lines(text: str) -> str:
    """Write each line break inside a value as one is written."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")

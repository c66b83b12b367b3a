"""A vCard as lines: group, name, parameters and value of each, and the way back to its bytes.

Used where single properties matter: filters, conversion, partial cards. Nothing is lost: a line
keeps the bytes that it was read from, so what is not touched is written as it was.

Not here: what a property means (cardconvert), what may be stored (vcard).
Rules: unfold bytes before anything is decoded; split at LF only; a quote that is never closed is no
quote; what is no property, and all behind END:VCARD, has an empty name.
Source: RFC 6350 section 3, RFC 2425 section 5.8, RFC 6868 (carets in parameters).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from strongroom.base.limits import CARD_LINES_MAX, CARD_PARAMETERS_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.characters import unfolded

LINE_BYTES_MAX: Final = 75  # of a line that is written here, without its end

_FOLDS_A_LINE: Final = 10  # on average, in a card with the most lines; photos have thousands
_HEAD: Final = re.compile(rb'(?:"[^"]*+"|[^":]++)*+:')
_PIECES: Final = {
    b";": re.compile(rb'((?:"[^"]*+"|[^";]++)*+);'),
    b",": re.compile(rb'((?:"[^"]*+"|[^",]++)*+),'),
}
_QUOTED: Final = re.compile(rb"[:;,]")
REMEMBERED_BYTES_MAX: Final = 128  # of what stands before a value; longer ones come once
_BOM: Final = b"\xef\xbb\xbf"
_ENCODINGS: Final = frozenset({b"B", b"BASE64", b"QUOTED-PRINTABLE", b"8BIT", b"7BIT"})


class Parameter(NamedTuple):
    """One parameter; `name` in capitals, `values` without their quotes."""

    name: bytes
    values: tuple[bytes, ...]


class Line(NamedTuple):
    """One content line; `raw` with its folds, without the LF that ends it."""

    raw: bytes
    group: bytes  # as written
    name: bytes  # in capitals; empty = no property
    parameters: bytes  # as written, with the semicolon that begins them
    value: bytes  # unfolded, escapes kept

    @property
    def end(self) -> bytes:
        """How this line ends; what is written in its place ends in the same way."""
        return b"\r\n" if self.raw.endswith(b"\r") else b"\n"


def split_card(card: bytes, read: Callable[[bytes], Line] | None = None) -> list[Line]:
    """Read the lines of a card; `read` stands in for `read_line` where lines come again and again.

    Raises:
        FormatError: `too-complex`.
    """
    ends = card.count(b"\n")
    folds = card.count(b"\n ") + card.count(b"\n\t")
    if ends - folds > CARD_LINES_MAX or folds > CARD_LINES_MAX * _FOLDS_A_LINE:
        raise _too_complex()
    read = read or read_line
    lines = []
    ended = False
    left = CARD_PARAMETERS_BYTES_MAX
    for raw in _raws(card):
        line = _NOTHING._replace(raw=raw) if ended else read(raw)
        lines.append(line)
        left -= len(line.parameters)
        if line.name == b"END":
            ended = ended or _ends(line)
    if left < 0:
        raise _too_complex()
    return lines


def find_lines(card: bytes, names: frozenset[bytes]) -> list[Line]:
    """Read only the lines of these names (in capitals); their `raw` is unfolded.

    Raises:
        FormatError: `too-complex`.
    """
    lines = []
    left = CARD_PARAMETERS_BYTES_MAX
    for count, found in enumerate(_wanted(names).finditer(b"\n" + unfolded(card))):
        line = read_line(found[1])
        left -= len(line.parameters)
        if count == CARD_LINES_MAX or left < 0:
            raise _too_complex()
        if line.name in names:
            lines.append(line)
        elif _ends(line):
            break
    return lines


@lru_cache(64)
def _wanted(names: frozenset[bytes]) -> re.Pattern[bytes]:
    # The leading LF is a literal prefix, which the search uses to skip from line to line.
    words = b"|".join(map(re.escape, sorted(names | {b"END"})))
    return re.compile(rb"\n((?:[^\n:;.]*+\.)*+(?:" + words + rb")(?=[;:])[^\n]*)", re.IGNORECASE)


def _too_complex() -> FormatError:
    return FormatError("too-complex", "The card has too many lines or too long parameters.")


def _raws(card: bytes) -> Iterator[bytes]:
    folded: list[bytes] = []
    for piece in card.split(b"\n"):
        if folded and piece[:1] not in {b" ", b"\t"}:
            yield folded[0] if len(folded) == 1 else b"\n".join(folded)
            folded = [piece]
        else:
            folded.append(piece)
    yield b"\n".join(folded)


def _ends(line: Line) -> bool:
    return line.value.strip().upper() == b"VCARD"


def join_card(raws: Iterable[bytes]) -> bytes:
    """Make a card of the `raw` of its lines; the inverse of `split_card`."""
    return b"\n".join(raws)


_NOTHING: Final = Line(b"", b"", b"", b"", b"")


def read_line(raw: bytes) -> Line:
    """Read one line with its folds."""
    text = (unfolded(raw) if b"\n" in raw else raw).removesuffix(b"\r")
    head, colon, value = text.partition(b":")
    if not colon:
        return _NOTHING._replace(raw=raw)
    if b'"' in head and (quoted := _HEAD.match(text)):
        head, value = text[: quoted.end() - 1], text[quoted.end() :]
    # Phones write the same few heads in every card.
    cut = _known if len(head) <= REMEMBERED_BYTES_MAX else _cut_head
    return Line(raw, *cut(head), value)


def _cut_head(head: bytes) -> tuple[bytes, bytes, bytes]:
    name, semicolon, parameters = head.partition(b";")
    group, _, name = name.removeprefix(_BOM).strip().rpartition(b".")
    return group, name.upper(), semicolon + parameters


_known: Final = lru_cache(4096)(_cut_head)


def parameters_of(text: bytes) -> tuple[Parameter, ...]:
    """Read the parameters of a line; a bare word, as in `TEL;HOME:`, is what 2.1 meant by it."""
    if len(text) > REMEMBERED_BYTES_MAX:
        return tuple(_parameters(text))
    return _remembered(text)


@lru_cache(4096)
def _remembered(text: bytes) -> tuple[Parameter, ...]:
    return tuple(_parameters(text))


def _parameters(text: bytes) -> Iterator[Parameter]:
    for piece in _cut(text[1:], b";"):
        name, equals, rest = piece.partition(b"=")
        if equals:
            yield Parameter(name.strip().upper(), tuple(map(_unquoted, _cut(rest, b","))))
        elif word := piece.strip():
            yield Parameter(b"ENCODING" if word.upper() in _ENCODINGS else b"TYPE", (word,))


def _cut(text: bytes, separator: bytes) -> list[bytes]:
    if text.count(b'"') % 2 or b'"' not in text:
        return text.split(separator)
    return _PIECES[separator].findall(text + separator)


def _unquoted(value: bytes) -> bytes:
    return value[1:-1] if len(value) > 1 and value[:1] == value[-1:] == b'"' else value


def values_of(parameters: Iterable[Parameter], name: bytes) -> tuple[bytes, ...]:
    """Give all values of the parameters called `name`; 4.0 writes lists of types in one quote."""
    values = tuple(value for one in parameters if one.name == name for value in one.values)
    if name == b"TYPE" and any(b"," in value for value in values):
        return tuple(b",".join(values).split(b","))
    return values


def write_parameters(parameters: Iterable[Parameter]) -> bytes:
    """Write parameters as they stand behind a name; the inverse of `parameters_of`."""
    return b"".join(
        b";" + one.name + b"=" + b",".join(map(_quoted, one.values)) for one in parameters
    )


def _quoted(value: bytes) -> bytes:
    # A value that holds a quote was never in quotes.
    return b'"' + value + b'"' if _QUOTED.search(value) and b'"' not in value else value


def write_line(group: bytes, name: bytes, parameters: bytes, value: bytes, end: bytes) -> bytes:
    """Write a line as the `raw` of its `Line`, folded at 75 bytes and never inside a character."""
    text = (group + b"." if group else b"") + name + parameters + b":" + value
    if len(text) > LINE_BYTES_MAX:
        text = (end + b" ").join(_folded(text))
    return text + end[:-1]


def _folded(text: bytes) -> Iterator[bytes]:
    start, room = 0, LINE_BYTES_MAX
    if text.isascii():
        yield text[:room]
        yield from (text[at : at + room - 1] for at in range(room, len(text), room - 1))
        return
    while len(text) - start > room:
        stop = start + room
        # A character in UTF-8 has at most three bytes behind its first one.
        while stop > start + room - 3 and 0x80 <= text[stop] < 0xC0:
            stop -= 1
        yield text[start:stop]
        start, room = stop, LINE_BYTES_MAX - 1
    yield text[start:]


def unescape(text: str) -> str:
    """Give what a text value means."""
    if "\\" not in text:
        return text
    parts = text.split("\\\\")
    end = "\\" if parts[-1].endswith("\\") else ""  # it escapes nothing
    for sign, meant in (("\\n", "\n"), ("\\N", "\n"), ("\\", "")):
        parts = [part.replace(sign, meant) for part in parts]
    return "\\".join(parts) + end


def escape_text(text: str) -> str:
    """Write a text as one value."""
    for sign in "\\,;":
        text = text.replace(sign, "\\" + sign)
    return text.replace("\n", "\\n")

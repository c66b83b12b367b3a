"""Cards of other programs, made into cards that can be kept.

A card that can be kept as it is stays as it is. What could not be kept is mended, line by line, and
every mending is told: vCard 2.1 becomes 3.0, a card without UID gets one that follows from its
content (so that a second run finds it), bytes in an old charset become UTF-8, broken lines are
joined. What needs no change keeps its bytes.

Not here: cutting a stream (cardstream), conversion between 3.0 and 4.0 (cardconvert).
Rules: pure; gives a card that `vcard.check` takes, or raises its error; no value is dropped.
Source: vCard 2.1 sections 2.1.1 to 2.1.5 and 2.4; RFC 2426 sections 4 and 5 (what changed); the
exports of Apple, Google, Outlook, Android and older phones, by their own descriptions.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.base.limits import CARD_CODED_SIGNS_MAX, UID_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardcoding import MARK, broken_lines, decoded, text_of, uncoded
from strongroom.formats.cardlines import (
    Line,
    Parameter,
    escape_text,
    join_card,
    parameters_of,
    split_card,
    unescape,
    values_of,
    write_line,
    write_parameters,
)
from strongroom.formats.characters import unfolded
from strongroom.formats.vcard import CardFacts, check

# What was mended, in words for a report.
FROM_2_1: Final = "made vCard 3.0 of vCard 2.1"
NEW_UID: Final = "it had no UID; one was made of its content"
OTHER_UID: Final = "it had a second or too long UID, which is kept as X-OTHER-UID"
NEW_NAME: Final = "it had no FN; one was made of what it has"
NO_VERSION: Final = "it named no version; it was read as 3.0"
CHARSET: Final = (
    "its bytes were no UTF-8 and were read in the charset that it names, or windows-1252"
)
CONTROLS: Final = "characters that no phone can show were left out"
JOINED: Final = "lines that were broken in two were joined"

_CONTROLS: Final = bytes(set(range(0x20)) - {0x09, 0x0A, 0x0D})
_NO_CHARACTERS: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_BASE_64: Final = re.compile(rb";(?:ENCODING=)?(?:B|BASE64)(?:;|\Z)")
_INDENTS: Final = frozenset({b" ", b"\t"})
_AGENT: Final = re.compile(rb"(?:[\w\-]+\.)?AGENT(?:;[^:]*)?:\s*", re.IGNORECASE)
_FRAME: Final = re.compile(rb"\s*(?:\xef\xbb\xbf)?(BEGIN|END)[ \t]*:[ \t]*VCARD\s*", re.IGNORECASE)
_VERSION: Final = re.compile(rb"\nVERSION[^:\n]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_ESCAPED: Final = re.compile(r"\\([\\;,:nN])")
_SEPARATOR: Final = re.compile(r"(?<!\\);")
# Of 2.1 what holds text; in all other values a comma or a semicolon is not touched.
_TEXTS: Final = frozenset({b"FN", b"NOTE", b"TITLE", b"ROLE", b"LABEL", b"NICKNAME", b"MAILER"})
_IN_PARTS: Final = frozenset({b"N", b"ADR", b"ORG"})
_PARTS_MAX: Final = 64  # of one value; real ones have seven
_ENCODINGS: Final = {b"BASE64": b"b", b"B": b"b"}
_PLACES: Final = {b"URL": b"uri", b"CONTENT-ID": b"uri", b"CID": b"uri"}
_EXACT: Final = frozenset({b"BEGIN", b"END", b"VERSION", b"UID"})  # no text goes on behind them
_NAME_ORDER: Final = (3, 1, 2, 0, 4)  # prefix, given, additional, family, suffix
_INSTEAD: Final = (b"ORG", b"NICKNAME", b"EMAIL", b"TEL", b"URL", b"TITLE")


class Mended(NamedTuple):
    """A card that can be kept; `mendings` tells what was done to it, none = it is as it came."""

    body: bytes
    facts: CardFacts
    mendings: tuple[str, ...] = ()


def mended(card: bytes) -> Mended:
    """Give a card that can be kept.

    Raises:
        FormatError: it cannot be made one; as `vcard.check` says it.
    """
    try:
        return Mended(card, check(card))
    except FormatError as error:
        if error.code == "too-complex":
            raise
    done: set[str] = set()
    # LF alone while it is worked on.
    end = b"\n" if b"\n" in card and b"\r\n" not in card else b"\r\n"
    text = (card if b"\n" in card else card.replace(b"\r", b"\n")).replace(b"\r\n", b"\n")
    named = _VERSION.search(text)
    version = named[1].strip() if named else b""
    if version not in {b"", b"2.1", b"3.0", b"4.0"}:
        raise FormatError("unsupported-version", "Only vCard 2.1, 3.0 and 4.0 can be taken.")
    if text.count(b"=") > CARD_CODED_SIGNS_MAX:
        raise FormatError("too-complex", "The card has too many coded characters.")
    lines = split_card(b"\n".join(_clean(raw, done) for raw in _whole(text, version, done)))
    if version == b"2.1":
        done.add(FROM_2_1)
        lines = [_from_2_1(line) for line in lines]
    body = join_card(_framed(lines, content_uid(card), done)).replace(b"\n", end)
    return Mended(body, check(body), tuple(sorted(done)))


def content_uid(content: bytes) -> str:
    """Give a UID that follows from bytes, whatever their line ends."""
    plain = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip()
    digest = sha256(b"strongroom/import/1\n" + plain).digest()
    return str(uuid.UUID(bytes=digest[:16], version=5))


# --- lines as they were meant ---------------------------------------------------------------------


class _Logical:
    """A line while what belongs to it is found."""

    def __init__(self, first: bytes) -> None:
        self.parts = [first]
        head = first.partition(b":")[0].upper()
        self.is_agent = _AGENT.fullmatch(first) is not None
        self.takes_words = head.partition(b";")[0].strip() not in _EXACT
        self.is_coded = MARK in head
        self.is_base_64 = _BASE_64.search(head) is not None

    def take(self, piece: bytes, version: bytes, done: set[str]) -> bool:
        """Take the next piece; False = it is a line of its own, or blank."""
        last = self.parts[-1]
        if self.is_coded and last.endswith(b"="):
            self.parts[-1] = last[:-1]
            folded = version != b"2.1" and piece[:1] in _INDENTS  # where it is data in 2.1
            self.parts.append(piece[1:] if folded else piece)
        elif not piece.strip():
            return False
        elif piece[:1] in _INDENTS:
            # 2.1 folds before a space that is there; 3.0 puts one more in.
            plain = version == b"2.1" and not self.is_base_64
            self.parts.append(piece if plain else b"\n" + piece)
        elif b":" in piece or not self.takes_words:
            return False
        elif self.is_base_64:
            self.parts.append(piece)
        else:
            done.add(JOINED)
            self.parts.append((b"=0A" if self.is_coded else b"\\n") + piece)
        return True


def _whole(card: bytes, version: bytes, done: set[str]) -> Iterator[bytes]:
    """Give the lines of a card with what belongs to each, folded or not; without blank ones."""
    pieces = iter(card.split(b"\n"))
    held: _Logical | None = None
    for piece in pieces:
        if held is not None and held.is_agent:
            held.is_agent = False
            held.parts.append(_nested(piece, pieces))
        elif (held is None or not held.take(piece, version, done)) and piece.strip():
            if held is not None:
                yield b"".join(held.parts)
            held = _Logical(_named(piece, done))
    if held is not None:
        yield b"".join(held.parts)
    yield from [b""] * card.endswith(b"\n")  # it goes on ending with a line end


def _named(piece: bytes, done: set[str]) -> bytes:
    """Make a note of words that belong to no property."""
    if b":" in piece:
        return piece
    done.add(JOINED)
    return b"NOTE:" + piece


def _nested(first: bytes, pieces: Iterator[bytes]) -> bytes:
    """Give a card that stands inside another as the text that 3.0 makes of it."""
    lines: list[bytes] = []
    depth = 0
    piece: bytes | None = first
    while piece is not None:
        lines.append(piece)
        frame = _FRAME.fullmatch(piece)
        depth += 0 if frame is None else 1 if frame[1].upper() == b"BEGIN" else -1
        piece = next(pieces, None) if depth > 0 or not piece.strip() else None
    text = b"\n".join(lines).strip().decode("utf-8", "surrogateescape")
    return escape_text(text).encode("utf-8", "surrogateescape")


def _clean(raw: bytes, done: set[str]) -> bytes:
    """Give a line in UTF-8 that XML can carry."""
    text = _text(raw, done)
    kept = _NO_CHARACTERS.sub("", text).encode().translate(None, _CONTROLS)
    if len(kept) != len(text.encode("utf-8", "surrogatepass")):
        done.add(CONTROLS)
    return kept


def _text(raw: bytes, done: set[str]) -> str:
    for one in (raw, unfolded(raw)):
        try:
            return one.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            pass
    done.add(CHARSET)
    head, colon, value = unfolded(raw).partition(b":")
    words = parameters_of(b";" + head.partition(b";")[2])
    return _guessed(head) + colon.decode() + broken_lines(text_of(value, words) or _guessed(value))


def _guessed(raw: bytes) -> str:
    """Read bytes of an unknown charset; each byte stays a character of its own."""
    try:
        return raw.decode("windows-1252")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


# --- 2.1 ------------------------------------------------------------------------------------------


def _from_2_1(line: Line) -> Line:
    if not line.name or line.name in {b"BEGIN", b"END"}:
        return line
    if line.name == b"VERSION":
        return _written(line, b"", b"3.0")
    parameters = parameters_of(line.parameters)
    words = {word.upper() for word in values_of(parameters, b"ENCODING")}
    value = line.value
    if MARK in words:
        raw = uncoded(value)
        value = (text_of(raw, parameters) or _guessed(raw)).encode()
    if line.name != b"AGENT" and not words & set(_ENCODINGS):
        value = _value_to_3(line.name, value.decode()).encode()
    return _written(line, write_parameters(_parameters_to_3(parameters)), value)


def _written(line: Line, parameters: bytes, value: bytes) -> Line:
    value = _NO_CHARACTERS.sub("", value.decode()).encode().translate(None, _CONTROLS)
    raw = write_line(line.group, line.name, parameters, value, line.end)
    return Line(raw, line.group, line.name, parameters, value)


def _value_to_3(name: bytes, text: str) -> str:
    if name in _IN_PARTS and text.count(";") <= _PARTS_MAX:
        return ";".join(escape_text(_meant(part)) for part in _SEPARATOR.split(text))
    return escape_text(_meant(text)) if name in _TEXTS else broken_lines(text)


def _meant(text: str) -> str:
    """Give what a text of 2.1 means; it knows one escape, its writers use those of 3.0 too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


def _parameters_to_3(parameters: Iterable[Parameter]) -> Iterator[Parameter]:
    types: list[bytes] = []
    for one in parameters:
        if one.name == b"ENCODING":
            kept = tuple(filter(None, (_ENCODINGS.get(word.upper()) for word in one.values)))
            if kept:
                yield Parameter(b"ENCODING", kept)
        elif one.name == b"TYPE" and one.values[0].upper() in _PLACES:
            yield Parameter(b"VALUE", (b"uri",))
        elif one.name == b"VALUE":
            yield Parameter(b"VALUE", tuple(_PLACES.get(w.upper(), w) for w in one.values))
        elif one.name == b"TYPE":
            types += [word for word in one.values if word.upper() != b"INLINE"]
        elif one.name != b"CHARSET":
            yield one
    if types:
        yield Parameter(b"TYPE", tuple(types))


# --- the frame, the UID and the name --------------------------------------------------------------


def _framed(lines: list[Line], uid: str, done: set[str]) -> Iterator[bytes]:
    """Give the lines of a card with what it lacks."""
    names = {line.name for line in lines if line.value.strip()}
    seen = False
    for line in lines:
        if line.name == b"UID":
            value = line.value.strip()
            if value and (seen or len(value) > UID_BYTES_MAX):
                done.add(OTHER_UID)
                yield write_line(line.group, b"X-OTHER-UID", line.parameters, line.value, line.end)
            elif value:
                seen = True
                yield line.raw
            continue
        if line.name == b"END":
            yield from _added(lines, names, "" if seen else uid, done)
        yield line.raw
        if line.name == b"BEGIN" and b"VERSION" not in names:
            done.add(NO_VERSION)
            yield b"VERSION:3.0" + line.end[:-1]


def _added(lines: list[Line], names: set[bytes], uid: str, done: set[str]) -> Iterator[bytes]:
    end = lines[0].end
    name = "" if b"FN" in names else name_for(lines)
    if name:
        done.add(NEW_NAME)
        yield write_line(b"", b"FN", b"", escape_text(name).encode(), end)
    if uid:
        done.add(NEW_UID)
        yield b"UID:" + uid.encode() + end[:-1]


def name_for(lines: Iterable[Line]) -> str:
    """Make a name for people of what a card tells; "" = it tells nothing."""
    texts: dict[bytes, str] = {}
    for line in lines:
        value = decoded(parameters_of(line.parameters), line.value) or line.value
        texts.setdefault(line.name, value.decode())
    parts = [unescape(part).strip() for part in _SEPARATOR.split(texts.get(b"N", ""), 5)]
    called = " ".join(parts[at] for at in _NAME_ORDER if at < len(parts) and parts[at])
    others = (unescape(_SEPARATOR.split(texts.get(one, ""), 1)[0]).strip() for one in _INSTEAD)
    return called or next(filter(None, others), "")

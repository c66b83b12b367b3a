"""A stream of bytes cut into the cards that it holds, and into what is none.

Exports of phones and programs are many cards one behind the other, in any line ends, with blank
lines and other things between them. Each card is given with the number of its first line and its
own bytes, up to and with the line end behind END:VCARD; what stands between is given too, so that
nothing is passed over in silence. Blank lines alone belong to nothing and are left out.

The way back is here as well: `joined`. A card that was stored without a line end (Evolution's are)
is followed by LF and then by an empty line of CR LF, which no other program writes, so that it
comes back without one.

Not here: whether a card can be stored (vcard), and mending it (carddialects).
Rules: pure; memory is bounded by one card; the byte order mark of the stream itself is dropped;
UTF-16 becomes UTF-8 on the way; what begins inside a quoted-printable value, or behind an AGENT of
vCard 2.1, begins no card of its own.
Source: vCard 2.1 sections 2.1.3 and 2.4.1; RFC 2426 section 2.4.2; RFC 6350 section 3.2.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from strongroom.base.limits import INTAKE_JUNK_BYTES, OBJECT_BYTES_MAX

BETWEEN: Final = "between-cards"  # the fault of what is no card
NO_END: Final = "no-end"
TOO_LARGE: Final = "too-large"

_MARK: Final = re.compile(
    rb"[ \t]*(?:\xef\xbb\xbf)?(BEGIN|END)[ \t]*:[ \t]*VCARD\s*", re.IGNORECASE
)
_FIRST_BYTES: Final = frozenset(b"BbEe \t\xef")
_AGENT: Final = re.compile(rb"(?:[\w\-]+\.)?AGENT(?:;[^:]*)?:\s*", re.IGNORECASE)
_CODED: Final = b"QUOTED-PRINTABLE"
# A byte order mark, or the first letters of BEGIN without one.
_SIXTEEN: Final = {
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
    b"B\x00": "utf-16-le",
    b"\x00B": "utf-16-be",
}
_BOM: Final = b"\xef\xbb\xbf"
_LINE_END_LENT: Final = b"\n"
_EMPTY: Final = b"\r\n"
_NESTED_MAX: Final = 8  # an agent of an agent; deeper ones are no cards that anybody wrote


class Piece(NamedTuple):
    """A part of a stream; one that is no card may come in several parts, in order."""

    line: int  # of the stream, from 1
    raw: bytes  # as it came
    card: bytes = b""  # what may be taken; empty = nothing
    fault: str = ""  # why nothing may be taken


def joined(card: bytes) -> bytes:
    """Give a card as it stands in a stream with others; `CardStream` gives it back as it was.

    What is no part of a card comes back as such, or not at all: a byte order mark at the beginning
    of the stream, blank lines around the card, other bytes behind its END:VCARD.
    """
    return card if card.endswith(b"\n") else card + _LINE_END_LENT + _EMPTY


class CardFile:
    """Makes one file of many cards."""

    def add(self, _collection: int, card: bytes) -> bytes:
        """Give what a card adds to the file."""
        return joined(card)

    def end(self) -> bytes:
        """Give what the file ends with."""
        return b""


class Utf8:
    """Turns a stream of UTF-8 or UTF-16 into UTF-8 without its byte order mark.

    Other bytes pass as they are.
    """

    def __init__(self) -> None:
        """Begin; the first two bytes tell."""
        self._held: bytes | None = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, chunk: bytes, *, last: bool = False) -> bytes:
        """Take a chunk; give what can be given by now."""
        if self._held is not None:
            chunk = self._held + chunk
            if len(chunk) < len(_BOM) and not last:
                self._held = chunk
                return b""
            self._held = None
            chunk = self._begin(chunk)
        return chunk if self._decoder is None else self._decoded(chunk, last)

    def _begin(self, chunk: bytes) -> bytes:
        name = _SIXTEEN.get(chunk[:2])
        if name is None:
            return chunk.removeprefix(_BOM)
        self._decoder = codecs.getincrementaldecoder(name)("surrogatepass")
        return chunk[2:] if chunk[:2] in {b"\xff\xfe", b"\xfe\xff"} else chunk

    def _decoded(self, chunk: bytes, last: bool) -> bytes:
        assert self._decoder is not None
        text = self._decoder.decode(chunk)
        # Half of a character at the very end is not text; what it was is told by what is missing.
        if last and self._decoder.getstate()[0]:
            text += "\ufffd"
        return text.encode("utf-8", "surrogatepass")


class Lines:
    """Cuts a stream into lines with their ends: LF, CR LF, or CR alone where the first one is."""

    def __init__(self) -> None:
        """Begin at line 1."""
        self._rest = b""
        self.end = b""  # the last byte of each line; not known yet

    def feed(self, chunk: bytes, *, last: bool = False) -> list[bytes]:
        """Take a chunk; give the lines that are whole by now, and a longer one as it is."""
        text = self._rest + chunk
        if not self.end and not self._find_end(text, last):
            self._rest = text
            if not last and len(text) <= OBJECT_BYTES_MAX:
                return []
        parts = text.split(self.end) if self.end else [text]
        self._rest = parts.pop()
        lines = [part + self.end for part in parts]
        if self._rest and (last or len(self._rest) > OBJECT_BYTES_MAX):
            lines.append(self._rest)
            self._rest = b""
        return lines

    def _find_end(self, text: bytes, last: bool) -> bool:
        carriage, feed = text.find(b"\r"), text.find(b"\n")
        if carriage >= 0 and carriage + 1 == len(text) and not last:
            return False  # whether LF follows is seen in the next chunk
        alone = carriage >= 0 and text[carriage + 1 : carriage + 2] != b"\n"
        if alone and (feed < 0 or carriage < feed):
            self.end = b"\r"
        elif feed >= 0:
            self.end = b"\n"
        return bool(self.end)


class CardStream:
    """Cuts one stream; `feed` it to the end, then say `last`."""

    def __init__(self) -> None:
        """Begin at line 1."""
        self._utf8 = Utf8()
        self._lines = Lines()
        self._number = 1  # of the next line
        self._held = bytearray()  # of the card that is open, or of what stands between
        self._first = 1  # line of the first one held
        self._open = 0  # cards that were begun and not ended
        self._overflown = False  # the open card is longer than any that is kept
        self._ended: Piece | None = None  # a whole card, until the line behind it was seen

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[Piece]:
        """Take a chunk of any size; give what is whole by now, in order."""
        for line in self._lines.feed(self._utf8.feed(chunk, last=last), last=last):
            if self._ended is not None:
                yield self._unjoined(self._ended, line)
            if line[0] in _FIRST_BYTES or len(self._held) > INTAKE_JUNK_BYTES:
                yield from self._line(line)
            else:  # hardly any line is more than held
                self._hold(line)
            self._number += 1
        if last:
            if self._ended is not None:
                yield self._unjoined(self._ended, b"")
            yield from self._given(NO_END if self._open else BETWEEN)

    def _line(self, line: bytes) -> Iterator[Piece]:
        mark = _MARK.fullmatch(line) if line[0] in _FIRST_BYTES else None
        word = mark[1].upper() if mark is not None else b""
        if word and self._open and (line[:1] in b" \t" or self._is_inside_a_value()):
            word = b""
        if word == b"BEGIN" and not (self._open and self._follows_agent()):
            yield from self._given(NO_END if self._open else BETWEEN)
        self._hold(line)
        if word == b"BEGIN" and self._open < _NESTED_MAX:
            self._open += 1
        ends = word == b"END" and self._open == 1
        self._open -= word == b"END" and self._open > 1
        if ends:
            (self._ended,) = self._given("")
        else:
            yield from self._spilt()

    def _unjoined(self, ended: Piece, following: bytes) -> Piece:
        """Give a card that ended without the line end that `joined` lent it."""
        self._ended = None
        lent = following == _EMPTY and not ended.card.endswith(_EMPTY)
        return ended._replace(card=ended.card.removesuffix(_LINE_END_LENT)) if lent else ended

    def _hold(self, line: bytes) -> None:
        if not self._held:
            self._first = self._number
        self._held += line

    def _given(self, fault: str) -> Iterator[Piece]:
        """Give what is held, and hold nothing."""
        raw = bytes(self._held)
        if self._is_too_large():
            fault = TOO_LARGE
        if raw.strip():
            yield Piece(self._first, raw, b"" if fault else raw, fault)
        self._held, self._open, self._overflown = bytearray(), 0, False

    def _spilt(self) -> Iterator[Piece]:
        """Give a part of what can be no card any more, so that memory stays bounded."""
        self._overflown = self._is_too_large()
        if len(self._held) > INTAKE_JUNK_BYTES and (self._overflown or not self._open):
            fault = TOO_LARGE if self._overflown else BETWEEN
            yield Piece(self._first, bytes(self._held), b"", fault)
            self._held = bytearray()

    def _is_too_large(self) -> bool:
        return self._overflown or (self._open > 0 and len(self._held) > OBJECT_BYTES_MAX)

    def _follows_agent(self) -> bool:
        end, line = len(self._held), b""
        while end and not line.strip():
            line = self._before(end)
            end -= len(line)
        return _AGENT.fullmatch(line) is not None

    def _is_inside_a_value(self) -> bool:
        """Say whether the lines before go on with a soft break of quoted-printable."""
        end, head = len(self._held), b""
        while (line := self._before(end)).rstrip(b"\r\n").endswith(b"="):
            end, head = end - len(line), line
        return _CODED in head.partition(b":")[0].upper()

    def _before(self, end: int) -> bytes:
        """Give the line of what is held that stops at `end`; an open card begins with its frame."""
        start = self._held.rfind(self._lines.end, 0, max(0, end - 1)) + 1
        return bytes(self._held[start:end])

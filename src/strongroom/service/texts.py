"""What objects say where queries look for words, in memory, by digest.

A query that must read an object keeps the text that it compared (formats/clues), so that the next
one reads none again that is surely no match: typing a name asks again with each letter. A digest
never changes its meaning, so nothing is ever taken back; the part of texts that was asked for
longest ago is forgotten. What is told is no, or nothing: what is served was read and checked (I3).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from sys import getsizeof
from typing import Final, NamedTuple

from strongroom.base.limits import TEXT_CHARACTERS_KEPT_MAX, TEXTS_BYTES_MAX
from strongroom.formats.clues import Clue, Part
from strongroom.history.entries import Member

_TEXT_BYTES: Final = 220  # of a digest, and of its place in a table
_PART_BYTES: Final = 1024


class Seen(NamedTuple):
    """What was found in the body of one object."""

    holds: bool
    text: str | None  # to be kept; None = nothing new


class Texts:
    """The texts of all objects that were searched lately."""

    def __init__(self, bytes_max: int = TEXTS_BYTES_MAX) -> None:
        """Keep about so many bytes."""
        self._parts: OrderedDict[Part, dict[str, str]] = OrderedDict()
        self._bytes_max = bytes_max
        self._bytes = 0

    def of(self, part: Part) -> Mapping[str, str]:
        """Give what is kept of a part, by ETag; it is forgotten last from now on."""
        if part not in self._parts:
            return {}
        self._parts.move_to_end(part)
        return self._parts[part]

    def keep(self, part: Part, etag: str, text: str) -> None:
        """Keep the text of an object."""
        if len(text) > TEXT_CHARACTERS_KEPT_MAX:
            return
        if part not in self._parts:
            self._parts[part] = {}
            self._bytes += _part_bytes(part)
        kept = self._parts[part]
        if etag not in kept:
            kept[etag] = text
            self._bytes += _text_bytes(text)
        while self._bytes > self._bytes_max:
            part, forgotten = self._parts.popitem(last=False)
            self._bytes -= _part_bytes(part) + sum(map(_text_bytes, forgotten.values()))


def _part_bytes(part: Part) -> int:
    return _PART_BYTES + sum(map(getsizeof, part.names))


def _text_bytes(text: str) -> int:
    return _TEXT_BYTES + getsizeof(text)


class Search:
    """One query: which objects need not be read, and what the others say."""

    def __init__(self, texts: Texts, clue: Clue | None, matches: Callable[[bytes], bool]) -> None:
        """Take what a match surely holds (None = nothing is sure), and the filter itself."""
        self._texts = texts
        self.clue = clue
        self._matches = matches
        self._known: Mapping[str, str] = texts.of(clue.part) if clue else {}

    def told(self, etag: str) -> bool | None:
        """Say of an ETag that it is no match (False), or nothing (None)."""
        text = self._known.get(etag)
        if text is None or self.clue is None or self.clue.fits(text):
            return None
        return False

    def looks(self, page: Sequence[tuple[Member, bytes]]) -> list[Seen]:
        """Ask the filter of many; changes nothing, so it may be called beside the event loop."""
        return [self.look(member.etag, body) for member, body in page]

    def look(self, etag: str, body: bytes) -> Seen:
        """Ask the filter of one; changes nothing, as `looks`."""
        clue = self.clue
        text = clue.part.text(body) if clue and etag not in self._known else None
        if clue and text is not None and not clue.fits(text):
            return Seen(False, text)
        return Seen(self._matches(body), text)

    def learn(self, etag: str, seen: Seen) -> bool:
        """Keep what was seen for the next query; gives whether the object matches."""
        if self.clue and seen.text is not None:
            self._texts.keep(self.clue.part, etag, seen.text)
        return seen.holds

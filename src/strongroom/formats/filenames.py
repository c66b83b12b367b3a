"""A name that any file system takes, made of any text: the one place that turns data into names.

What comes out is one part of a path, never a path: no separator, no dots that lead elsewhere,
nothing that Windows keeps for devices, nothing invisible, and short enough for every system that we
know. Two names of one folder differ also where the system does not see capitals or how an accent is
spelled.

Not here: which text names a thing (who calls), making files (stores).
Rules: pure; never raises, whatever the text; what is fine already stays as it is.
Source: the long names of FAT32 and NTFS take 255 UTF-16 units, ext4 takes 255 bytes; what Windows
refuses is in its "Naming Files, Paths, and Namespaces"; a tilde could be the short name that FAT
gives another file; a leading dot hides, a leading dash is an option.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NAME_BYTES_MAX: Final = 120  # of the whole name; deep folders on Windows have 260 for all of a path
EXTENSION_BYTES_MAX: Final = 10  # without its dot
UNNAMED: Final = "unnamed"

_TEXT_CHARACTERS_MAX: Final = 1000  # looked at; normalising takes time for each
_REFUSED: Final = re.compile(r'[<>:"/\\|?*~]')
_SPACES: Final = re.compile(r"\s+")
# Controls, bidirectional and other invisible signs, halves of characters, private and unknown ones.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_DEVICE: Final = re.compile(
    r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9¹²³])\s*(?:\.|\Z)", re.IGNORECASE
)
_EXTENSION: Final = re.compile(rf"[a-z0-9]{{1,{EXTENSION_BYTES_MAX}}}")
_EDGES: Final = " .-"  # what a name neither begins nor ends with


def safe_name(text: str, extension: str = "", mark: str = "") -> str:
    """Give a name made of `text`, of at most NAME_BYTES_MAX bytes.

    Args:
        text: anything.
        extension: 1 to EXTENSION_BYTES_MAX of a-z and 0-9, put behind a dot; "" = none.
        mark: plain words that stay whole between text and extension, where the text is cut.
    """
    assert not extension or _EXTENSION.fullmatch(extension)
    end = mark + (f".{extension}" if extension else "")
    stem = _cut(_clean(text), NAME_BYTES_MAX - len(end.encode()) - 1)
    if not stem:
        stem = UNNAMED
    elif _DEVICE.match(stem + end):
        stem = "_" + stem
    return stem + end


def _clean(text: str) -> str:
    # Normalised before anything is refused: some characters become a semicolon or a slash by it.
    text = unicodedata.normalize("NFC", text[:_TEXT_CHARACTERS_MAX])
    text = _SPACES.sub(" ", text)
    text = "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE)
    text = _REFUSED.sub("_", unicodedata.normalize("NFC", text))
    return _SPACES.sub(" ", text).strip(_EDGES)


def _cut(stem: str, room: int) -> str:
    """Cut to `room` bytes, never inside a character."""
    raw = stem.encode()
    if len(raw) <= room:
        return stem
    return raw[:room].decode(errors="ignore").rstrip(_EDGES)


class Folder:
    """The names of one folder; each is given once, however a file system compares them."""

    def __init__(self, *taken: str) -> None:
        """Begin with the names that are `taken` already."""
        self._taken = {_folded(name) for name in taken}
        self._next: dict[str, int] = {}

    def name(self, text: str, extension: str = "") -> str:
        """Give a name that no other has here: the first of `a`, `a (2)`, `a (3)` that is free."""
        name = safe_name(text, extension)
        count = self._next.get(_folded(name), 1)
        found = name
        while _folded(found) in self._taken:
            count += 1
            found = safe_name(text, extension, f" ({count})")
        self._next[_folded(name)] = count
        self._taken.add(_folded(found))
        return found


def _folded(name: str) -> str:
    """Give what two names share that any file system takes for one."""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())

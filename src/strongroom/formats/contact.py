"""What a person looks for in a card: name, organisation, numbers, addresses, picture.

For lists that people read and for small memories like a SIM; the card itself stays as it is.

Not here: what is done with it (sdcard, simcard).
Rules: pure; a card that cannot be looked into has no facts but is still a card; a picture is taken
from the card alone, and one that lies elsewhere is never fetched (I3).
Source: RFC 6350 section 6 (PREF, tel: and data: addresses), RFC 2426 section 3 (TYPE=pref); the
first bytes of a picture say what it is, whatever the card says.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import unquote

from strongroom.formats import FormatError
from strongroom.formats.cardcoding import plain_lines
from strongroom.formats.cardlines import (
    Line,
    Parameter,
    find_lines,
    parameters_of,
    unescape,
    values_of,
)

_NAMES: Final = frozenset({b"UID", b"FN", b"N", b"NICKNAME", b"ORG", b"TEL", b"EMAIL"})
_PHOTO: Final = frozenset({b"PHOTO"})
_SPACES: Final = re.compile(r"\s+")
_SEMICOLON: Final = re.compile(r"(?<!\\)((?:\\\\)*);")
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NO_PREFERENCE: Final = 101  # RFC 6350 section 5.3: 1 is the most preferred, 100 the least


class Reach(NamedTuple):
    """A number or an e-mail address; `kinds` in lower case, `rank` 1 = preferred, 101 = not."""

    text: str
    kinds: frozenset[str]
    rank: int


class Contact(NamedTuple):
    """A card as people see it. Texts are plain, on one line; what it lacks is empty."""

    uid: str
    name: str
    organisation: str
    numbers: tuple[Reach, ...]  # in the order of the card
    mails: tuple[Reach, ...]


NOBODY: Final = Contact("", "", "", (), ())


def read_contact(card: bytes) -> Contact:
    """Give what people see of a card; NOBODY where it cannot be looked into."""
    try:
        lines = find_lines(card, _NAMES)
    except FormatError:
        return NOBODY
    by_name: dict[bytes, list[Line]] = {}
    for line in plain_lines(card, lines):
        by_name.setdefault(line.name, []).append(line)
    numbers = tuple(_reaches(by_name.get(b"TEL", ()), "tel:"))
    mails = tuple(_reaches(by_name.get(b"EMAIL", ()), "mailto:"))
    organisation = ", ".join(_parts(by_name.get(b"ORG", ())))
    others = (_text(line) for name in (b"FN", b"N", b"NICKNAME") for line in by_name.get(name, ()))
    reach = (one.text for one in (*mails, *numbers))
    name = next(filter(None, (*others, organisation, *reach)), "")
    uid = next((line.value.decode("utf-8", "replace") for line in by_name.get(b"UID", ())), "")
    return Contact(uid.strip(), name, organisation, numbers, mails)


def _text(line: Line) -> str:
    if line.name == b"N":
        family, given, middle, *rest = (*_parts((line,), keep=True), "", "", "")
        return _one_line(f"{given} {middle} {family}") or _one_line(" ".join(rest))
    return _one_line(unescape(line.value.decode("utf-8", "replace")))


def _parts(lines: Iterable[Line], *, keep: bool = False) -> list[str]:
    """Give the components of the first line that has any; empty ones only to `keep`."""
    for line in lines:
        text = _SEMICOLON.sub("\\1\0", line.value.decode("utf-8", "replace"))
        parts = [_one_line(unescape(part)) for part in text.split("\0")]
        if any(parts):
            return [part for part in parts if part or keep]
    return []


def _one_line(text: str) -> str:
    return _SPACES.sub(" ", text).strip()


def _reaches(lines: Iterable[Line], scheme: str) -> Iterable[Reach]:
    for line in lines:
        text = _one_line(unescape(line.value.decode("utf-8", "replace")))
        if text[: len(scheme)].lower() == scheme:
            text = unquote(text[len(scheme) :])
        parameters = parameters_of(line.parameters)
        kinds = frozenset(
            word.decode("utf-8", "replace").strip().lower()
            for word in values_of(parameters, b"TYPE")
        )
        if text:
            yield Reach(text, kinds, _rank(parameters, kinds))


def _rank(parameters: Iterable[Parameter], kinds: frozenset[str]) -> int:
    for word in values_of(parameters, b"PREF"):
        if word.isdigit() and len(word) < 4:
            return min(max(int(word), 1), _NO_PREFERENCE)
    return 1 if "pref" in kinds else _NO_PREFERENCE


# --- pictures -------------------------------------------------------------------------------------


class Picture(NamedTuple):
    """The bytes of a picture; `kind` is the ending of a file of its format, "bin" = unknown."""

    data: bytes
    kind: str


_KINDS: Final = (
    (re.compile(rb"\xff\xd8\xff"), "jpg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "png"),
    (re.compile(rb"GIF8[79]a"), "gif"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "webp"),
    (re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL), "bmp"),
    (re.compile(rb"II\*\0|MM\0\*"), "tif"),
    (re.compile(rb".{4}ftyp(?:heic|heix|mif1|msf1)", re.DOTALL), "heic"),
    (re.compile(rb".{4}ftypavi[fs]", re.DOTALL), "avif"),
)
SHOWN: Final = frozenset({"jpg", "png", "gif", "webp", "bmp", "avif"})  # what browsers show


def read_picture(card: bytes) -> Picture | None:
    """Give the first picture that a card holds itself; None = it has none that can be read."""
    try:
        lines = find_lines(card, _PHOTO)
    except FormatError:
        return None
    found = (_decoded(line) for line in lines)
    data = next(filter(None, found), None)
    return None if data is None else Picture(data, _kind(data))


def _decoded(line: Line) -> bytes | None:
    words = values_of(parameters_of(line.parameters), b"ENCODING")
    value = line.value.strip()
    if value[:5].lower() == b"data:":
        # Some clients escape the comma as if the address were a text.
        head, comma, value = value.replace(b"\\,", b",").partition(b",")
        if not comma or not head.lower().endswith(b";base64"):
            return None
    elif not any(word.upper() in {b"B", b"BASE64"} for word in words):
        return None
    value = value.translate(None, b" \t\r\n").rstrip(b"=")
    if value.translate(None, _BASE64) or len(value) % 4 == 1:
        return None
    return base64.b64decode(value + b"=" * (-len(value) % 4))


def _kind(data: bytes) -> str:
    return next((kind for first, kind in _KINDS if first.match(data)), "bin")

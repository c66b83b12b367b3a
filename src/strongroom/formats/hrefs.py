"""Paths of the wire to names and back: what an href names is its decoded segments.

`%40` and `@` are one href, since both decode alike; what is written is one spelling. A name that
could be misread anywhere on the way (encoded slash, dots, control characters) is refused.

Not here: which names stand under which route (the faces).
Source: RFC 3986 section 3.3 (pchar), RFC 4918 section 8.3 (hrefs).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

from strongroom.base.limits import HREF_BYTES_MAX
from strongroom.formats import FormatError

PATH_BYTES_MAX: Final = 8192
_ORIGIN: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*")
_BROKEN_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff/]")
_KEPT: Final = "@:!$&'()*+,;="  # what RFC 3986 lets stand in a segment beside the unreserved
# Nearly all paths are such that decoding changes nothing; a first sync reads one for each object.
_DECODED: Final = re.compile(
    rb"(?:/[A-Za-z0-9_~\-@:!$&'()*+,;=][A-Za-z0-9._~\-@:!$&'()*+,;=]{0,%d}+)++/?+"
    % (HREF_BYTES_MAX - 1)
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~\-@:!$&'()*+,;=]*")


class Path(NamedTuple):
    """Decoded segments; `is_collection`: the path was written with a slash at its end."""

    segments: tuple[str, ...]
    is_collection: bool


def split(raw_path: bytes | str) -> Path:
    """Read a path, or the path of a full URL (its host is not looked at).

    Raises:
        FormatError: `bad-path`.
    """
    raw = raw_path if isinstance(raw_path, bytes) else _encode(raw_path)
    if len(raw) > PATH_BYTES_MAX:
        raise _bad("The path is too long.")
    if _DECODED.fullmatch(raw):
        return Path(tuple(raw[1:].removesuffix(b"/").decode().split("/")), raw.endswith(b"/"))
    if origin := _ORIGIN.match(raw):
        raw = raw[origin.end() :] or b"/"
    if not raw.startswith(b"/") or b"?" in raw or b"#" in raw:
        raise _bad("A path begins with a slash and has no query.")
    if raw == b"/":
        return Path((), True)
    inside = raw[1:].removesuffix(b"/")
    return Path(tuple(map(_segment, inside.split(b"/"))), raw.endswith(b"/"))


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise _bad("The path is not text.") from error


def _segment(raw: bytes) -> str:
    if b"%" in raw:
        if _BROKEN_ESCAPE.search(raw):
            raise _bad("A percent sign is not followed by two hex digits.")
        raw = unquote_to_bytes(raw)
    if not raw or len(raw) > HREF_BYTES_MAX or raw in {b".", b".."}:
        raise _bad(f"A name has 1 to {HREF_BYTES_MAX} bytes and is not a dot or two.")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise _bad("A name is not UTF-8.") from error
    if _FORBIDDEN.search(text):
        raise _bad("A name holds a slash or a control character.")
    return text


def join(segments: Sequence[str], collection: bool) -> str:
    """Write a path; `split` of it gives the same segments back."""
    path = "/".join([one if _PLAIN.fullmatch(one) else quote(one, _KEPT) for one in segments])
    return f"/{path}/" if collection and path else f"/{path}"


def _bad(message: str) -> FormatError:
    return FormatError("bad-path", message)

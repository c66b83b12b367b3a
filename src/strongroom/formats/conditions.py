"""Conditions of a request: If-Match, If-None-Match and WebDAV's If, as values that can be tried.

ETags are without quotes inside; they are compared after stripping `W/` and the suffixes that
compressing proxies add (I5). Ours are hex digests, so nothing of theirs can be stripped.

Not here: which ETag stands; `decide` tries a `Precondition` where the write happens (I2). There are
no locks, so the one state token that can match is the sync token of the collection around.
Source: RFC 9110 section 13.1; RFC 4918 section 10.4; RFC 6578 section 5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from strongroom.formats import FormatError
from strongroom.formats.hrefs import Path, split

HEADER_BYTES_MAX: Final = 8192  # some dozens of ETags


class Wildcard(Enum):
    """The asterisk: whatever stands, as long as something does."""

    ANY = "*"


ANY: Final = Wildcard.ANY
Tags = Wildcard | frozenset[str]

_SUFFIX: Final = r"(?:--?|;)(?:gzip|br|zstd|df|deflate)"
_SUFFIX_CHARACTERS_MAX: Final = 9
_TAG: Final = rf'(?:W/)?(?:"[^"\x00-\x1f\x7f]*"(?:{_SUFFIX})*|[^\s",\x00-\x1f\x7f]+)'
_ONE: Final = re.compile(rf"[ \t]*(?:({_TAG})[ \t]*)?(?:,|\Z)", re.IGNORECASE)
_LAST_SUFFIX: Final = re.compile(rf"{_SUFFIX}\Z", re.IGNORECASE)
_TOKEN: Final = re.compile(
    r'\s*(?:(?P<open>\()|(?P<close>\))|(?P<not>Not\b)|<(?P<url>[^<>\s"]+)>'
    r'|\[\s*(?P<etag>(?:W/)?"[^"\x00-\x1f\x7f]*"[^\s"\]]*)\s*\]|(?P<end>\Z))',
    re.IGNORECASE,
)


def normalise(etag: str) -> str:
    """Strip `W/`, quotes and what compressing proxies add inside or after the quotes (I5)."""
    text = etag.strip()
    if text[:2] in {"W/", "w/"}:
        text = text[2:]
    return _strip_suffixes(_strip_suffixes(text).strip('"'))


def _strip_suffixes(text: str) -> str:
    # Only the end is searched, so that a header full of suffixes costs no more than its length.
    while suffix := _LAST_SUFFIX.search(text, max(0, len(text) - _SUFFIX_CHARACTERS_MAX)):
        text = text[: suffix.start()]
    return text


def parse_if_match(header: bytes | str) -> Tags:
    """Read the value of If-Match: `ANY`, or at least one ETag without quotes.

    Raises:
        FormatError: `bad-condition`. Never taken as "no condition": that could destroy data.
    """
    text = _text(header)
    if text.strip() == "*":
        return ANY
    tags: set[str] = set()
    position = 0
    while position < len(text):
        one = _ONE.match(text, position)
        if one is None:
            raise _bad("An entity tag is not well formed.")
        if one[1]:
            tags.add(normalise(one[1]))
        position = one.end()
    if not tags or "*" in tags:
        raise _bad("It names no entity tag, or an asterisk among others.")
    return frozenset(tags)


def parse_if_none_match(header: bytes | str) -> Tags:
    """Read the value of If-None-Match; the form is that of If-Match."""
    return parse_if_match(header)


@dataclass(frozen=True, slots=True)
class IfCondition:
    """One condition of an If list: an ETag, or a state token."""

    etag: str | None  # without quotes
    token: str | None
    negated: bool = False
    number: int | None = None  # of the collection's last change, where the token names it

    def holds(self, etag: str | None, number: int | None = None) -> bool:
        """Try it on what stands (None = nothing) and the number of the collection's last change."""
        if self.etag is not None:
            return (self.etag == etag) != self.negated
        return (self.number is not None and self.number == number) != self.negated


@dataclass(frozen=True, slots=True)
class IfList:
    """Conditions that must hold together; `resource` is the tag as sent, None = the request's."""

    resource: str | None
    conditions: tuple[IfCondition, ...]


class Around(NamedTuple):
    """The collection that a request's resource stands in, as it is now."""

    path: Path
    token: str
    number: int


def parse_if(header: bytes | str) -> tuple[IfList, ...]:
    """Read WebDAV's If header: lists, of which one must hold.

    Raises:
        FormatError: `bad-condition`.
    """
    lists: list[IfList] = []
    resource: str | None = None
    tokens = _tokens(_text(header).strip())
    kind, value = next(tokens)
    while kind != "end" or not lists:
        # The first list says whether lists are tagged; the two forms do not mix.
        if kind == "url" and (not lists or resource is not None):
            resource = value
            kind, value = next(tokens)
        if kind != "open":
            raise _bad("A list is expected.")
        lists.append(IfList(resource, _conditions(tokens)))
        kind, value = next(tokens)
    return tuple(lists)


def _conditions(tokens: Iterator[tuple[str, str]]) -> tuple[IfCondition, ...]:
    """Read up to the list's closing parenthesis."""
    conditions: list[IfCondition] = []
    kind, value = next(tokens)
    while kind != "close":
        negated = kind == "not"
        if negated:
            kind, value = next(tokens)
        if kind == "etag":
            conditions.append(IfCondition(normalise(value), None, negated))
        elif kind == "url":
            conditions.append(IfCondition(None, value, negated))
        else:
            raise _bad("A state token or an entity tag is expected.")
        kind, value = next(tokens)
    if not conditions:
        raise _bad("A list is empty.")
    return tuple(conditions)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    """Cut the header into (kind, value); the last one is `end`, and whoever meets it stops."""
    position = 0
    while True:
        token = _TOKEN.match(text, position)
        if token is None:
            raise _bad("It is not well formed.")
        kind = token.lastgroup
        assert kind is not None
        yield kind, token[kind]
        position = token.end()


def lists_on(
    lists: tuple[IfList, ...], path: Path, around: Around | None = None
) -> tuple[tuple[IfCondition, ...], ...]:
    """Keep the lists about `path`, the request's own, and about the collection around it.

    One about another resource never holds.
    """
    kept = []
    for one in lists:
        if one.resource is None or _names(one.resource, path):
            kept.append(one.conditions)
        elif around is not None and _names(one.resource, around.path):
            kept.append(tuple(_about(condition, around) for condition in one.conditions))
    return tuple(kept)


def _about(condition: IfCondition, around: Around) -> IfCondition:
    """Say which change a token stands for; numbers only grow, so one that is old never matches.

    A collection has no ETag.
    """
    number = around.number if condition.token == around.token else None
    return IfCondition(None, condition.token, condition.negated, number)


def _names(resource: str, path: Path) -> bool:
    try:
        return split(resource).segments == path.segments
    except FormatError:
        return False


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold for what stands before an edit happens; the empty one always holds."""

    must_exist: bool | None = None
    match: frozenset[str] | None = None  # If-Match: one of these stands
    none_match: Tags | None = None  # If-None-Match: none of these stands; ANY = nothing stands
    lists: tuple[tuple[IfCondition, ...], ...] | None = None  # If: one of these holds whole

    def holds(self, etag: str | None, number: int | None = None) -> bool:
        """Try it on what stands: an ETag without quotes, or None where nothing does.

        `number` is that of the last change of the collection around.
        """
        if self.must_exist is not None and self.must_exist != (etag is not None):
            return False
        if self.match is not None and etag not in self.match:
            return False
        if self.none_match is ANY and etag is not None:
            return False
        if isinstance(self.none_match, frozenset) and etag in self.none_match:
            return False
        return self.lists is None or any(
            all(condition.holds(etag, number) for condition in one) for one in self.lists
        )


def read_precondition(
    path: Path,
    if_match: bytes | str | None = None,
    if_none_match: bytes | str | None = None,
    if_header: bytes | str | None = None,
    around: Around | None = None,
) -> Precondition:
    """Read all condition headers of a request on `path`; None = the header was not sent.

    Raises:
        FormatError: `bad-condition`.
    """
    match = None if if_match is None else parse_if_match(if_match)
    return Precondition(
        must_exist=True if match is ANY else None,
        match=match if isinstance(match, frozenset) else None,
        none_match=None if if_none_match is None else parse_if_none_match(if_none_match),
        lists=None if if_header is None else lists_on(parse_if(if_header), path, around),
    )


def _text(header: bytes | str) -> str:
    if len(header) > HEADER_BYTES_MAX:
        raise _bad("The header is too long.")
    return header.decode("latin-1") if isinstance(header, bytes) else header


def _bad(message: str) -> FormatError:
    return FormatError("bad-condition", message)

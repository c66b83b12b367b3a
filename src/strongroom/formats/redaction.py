"""What may stand in a trace of a request: its form, and nothing that it says of anybody.

Kept are names of elements, headers and of the properties of cards and events, lengths, statuses,
and words of the protocol. Names of people, books, calendars and what is in them, tokens, ETags and
who asks become pseudonyms: the same text is the same pseudonym under one secret, and nobody can
find the text without it. All else becomes its length, as in `…12`.

Not here: where a trace is written (stores), when (trace.py). Rules: what is not known to be
harmless is not kept; whatever comes in, nothing is raised and the result has a bounded length.
"""

from __future__ import annotations

import hmac
import re
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from lxml import etree

TEXT_MAX: Final = 64 * 1024  # characters of one body in a trace
UNPACKED_BYTES_MAX: Final = 1024 * 1024  # of a compressed body
_PSEUDONYM_BYTES: Final = 5
_GZIP: Final = 31  # zlib's way to ask for gzip with the largest window

_PLAIN_SEGMENTS: Final = frozenset(
    {
        *("", "dav", "principals", "addressbooks", "calendars", ".well-known", "carddav"),
        *("caldav", "healthz"),
    }
)
_SUFFIX: Final = re.compile(r"\.(?:vcf|ics)\Z", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"([a-z]{1,8})://([^/?#]*)", re.IGNORECASE)
_ETAG: Final = re.compile(
    r'(W/)?"([^"]*?)((?:(?:--?|;)(?:gzip|br|zstd|df|deflate))*)"', re.IGNORECASE
)

_SECRET_HEADERS: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "www-authenticate"}
)
_PLAIN_HEADERS: Final = frozenset(
    {
        *("accept", "accept-encoding", "allow", "brief", "cache-control", "connection"),
        *("content-encoding", "content-length", "content-type", "date", "dav", "depth", "expect"),
        *("overwrite", "prefer", "preference-applied", "retry-after", "server"),
        *("transfer-encoding", "user-agent", "vary", "x-request-id"),
    }
)
_PATH_HEADERS: Final = frozenset({"content-location", "destination", "location"})
_ETAG_HEADERS: Final = frozenset({"etag", "if-match", "if-none-match"})
_HEADER_MAX: Final = 256

_PREFIXES: Final = {
    "DAV:": "D",
    "urn:ietf:params:xml:ns:carddav": "C",
    "urn:ietf:params:xml:ns:caldav": "CAL",
    "http://calendarserver.org/ns/": "CS",
    "http://me.com/_namespace/": "ME",
}
_NUMBERS: Final = frozenset({"getcontentlength", "max-resource-size", "nresults", "sync-level"})
_NUMBER: Final = re.compile(r"[0-9]{1,12}|infinite|infinity")
_STATUS: Final = re.compile(r"HTTP/1\.[01] [0-9]{3}(?: [A-Za-z -]{0,40})?")
_COMPONENTS: Final = frozenset(
    {
        *("VCARD", "VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VALARM"),
        *("STANDARD", "DAYLIGHT", "VAVAILABILITY", "AVAILABLE"),
    }
)
_WORDS: Final = frozenset(
    {
        *_COMPONENTS,
        *("2.0", "text/calendar"),
        *("1.0", "3.0", "4.0", "text/vcard", "allof", "anyof", "yes", "no", "equals", "contains"),
        *("starts-with", "ends-with", "i;unicode-casemap", "i;ascii-casemap", "i;octet"),
    }
)
_SHOWN: Final = frozenset({"2.0", "3.0", "4.0", *_COMPONENTS})  # values of properties
_PROPERTIES: Final = frozenset(
    {
        *("ADR", "AGENT", "ANNIVERSARY", "BDAY", "BEGIN", "CALADRURI", "CALURI", "CATEGORIES"),
        *("CLASS", "CLIENTPIDMAP", "CONTACT", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE"),
        *("DURATION", "EMAIL", "END", "FBURL", "FN", "GENDER", "GEO", "IMPP", "KEY", "KIND"),
        *("LABEL", "LANG", "LOCATION", "LOGO", "MAILER", "MEMBER", "N", "NAME", "NICKNAME"),
        *("NOTE", "ORG", "PHOTO", "PRIORITY", "PRODID", "PROFILE", "RELATED", "REV", "ROLE"),
        *("RRULE", "SEQUENCE", "SORT-STRING", "SOUND", "SOURCE", "STATUS", "SUMMARY", "TEL"),
        *("TITLE", "TZ", "UID", "URL", "VERSION", "XML", "DESCRIPTION", "ATTENDEE", "ORGANIZER"),
        *("ACKNOWLEDGED", "ACTION", "ATTACH", "CALSCALE", "COLOR", "COMMENT", "COMPLETED"),
        *("CONFERENCE", "EXDATE", "EXRULE", "FREEBUSY", "IMAGE", "LAST-MODIFIED", "METHOD"),
        *("PERCENT-COMPLETE", "RDATE", "RECURRENCE-ID", "REFRESH-INTERVAL", "RELATED-TO"),
        *("REPEAT", "REQUEST-STATUS", "RESOURCES", "TRANSP", "TRIGGER", "TZID", "TZNAME"),
        *("TZOFFSETFROM", "TZOFFSETTO", "TZURL"),
    }
)
_EXTENSIONS: Final = (
    *("X-AB", "X-ADDRESSBOOKSERVER-", "X-APPLE-", "X-PHONETIC-", "X-EVOLUTION-"),
    *("X-CALENDARSERVER-", "X-LIC-", "X-MICROSOFT-", "X-MOZ-", "X-WR-"),
)
_EXTENSION: Final = re.compile(r"X-[A-Z-]{1,32}")
_PARAMETERS: Final = frozenset(
    {
        *("ALTID", "CHARSET", "ENCODING", "LABEL", "LANGUAGE", "MEDIATYPE", "PID", "PREF"),
        *("SORT-AS", "TYPE", "TZID", "VALUE"),
        *("CN", "CUTYPE", "DELEGATED-FROM", "DELEGATED-TO", "DIR", "EMAIL", "FBTYPE", "FMTTYPE"),
        *("PARTSTAT", "RANGE", "RELATED", "RELTYPE", "ROLE", "RSVP", "SCHEDULE-AGENT"),
        *("SCHEDULE-STATUS", "SENT-BY"),
    }
)
_FOLD: Final = re.compile(rb"\r?\n[ \t]")
_GROUP: Final = re.compile(r"item[0-9]{1,3}\.", re.IGNORECASE)


class Redactor:
    """Redacts with one secret, so that pseudonyms can be compared within one trace."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret, which is kept nowhere."""
        self._secret = secret

    def pseudonym(self, text: str | bytes) -> str:
        """Give the stand-in for a text; nothing stands in for nothing."""
        raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        return (
            f"~{hmac.digest(self._secret, raw, 'sha256')[:_PSEUDONYM_BYTES].hex()}" if raw else ""
        )

    def path(self, path: str) -> str:
        """Redact a path or URL; however it is percent-encoded, one name is one pseudonym."""
        origin = _ORIGIN.match(path)
        start = f"{origin[1]}://{self.pseudonym(origin[2])}" if origin else ""
        rest, mark, query = path[origin.end() if origin else 0 :].partition("?")
        names = "/".join(map(self._segment, rest.split("/")))
        return _short(f"{start}{names}{mark}{self.pseudonym(query)}")

    def _segment(self, segment: str) -> str:
        if segment in _PLAIN_SEGMENTS:
            return segment
        suffix = _SUFFIX.search(segment)
        name = segment[: suffix.start()] if suffix else segment
        return self.pseudonym(unquote_to_bytes(name)) + (suffix[0].lower() if suffix else "")

    def etags(self, text: str) -> str:
        """Redact ETags; what a proxy added to them is kept."""
        if text.strip() == "*":
            return "*"
        found = [
            f'{weak or ""}"{self.pseudonym(tag)}{suffix}"'
            for weak, tag, suffix in _ETAG.findall(text)
        ]
        return _short(", ".join(found)) or _length(text)

    def headers(self, pairs: Iterable[tuple[bytes, bytes]]) -> list[list[str]]:
        """Redact headers, in their order; those that hold secrets are left out."""
        named = [(name.decode("latin-1").lower(), raw.decode("latin-1")) for name, raw in pairs]
        return [
            [_short(name), self._header(name, value)]
            for name, value in named
            if name not in _SECRET_HEADERS
        ]

    def _header(self, name: str, value: str) -> str:
        if name in _PLAIN_HEADERS:
            return value[:_HEADER_MAX]
        if name in _PATH_HEADERS:
            return self.path(value)
        return self.etags(value) if name in _ETAG_HEADERS else _length(value)

    # --- bodies -----------------------------------------------------------------------------------
    def body(self, start: bytes, size: int, coding: bytes = b"") -> dict[str, Any]:
        """Redact a body.

        Args:
            start: its first bytes, or all of them.
            size: of the whole body.
            coding: the value of Content-Encoding.
        """
        told: dict[str, Any] = {"bytes": size}
        if size > len(start):
            told["seen"] = len(start)
        if coding:
            start = _unpacked(start)
        text = start.lstrip()
        if text.startswith(b"<"):
            told["xml"] = _bounded(self._xml(text))
        elif text[:6].upper() == b"BEGIN:":
            kind = "calendar" if text[6:15].upper() == b"VCALENDAR" else "card"
            told[kind] = _bounded(_properties(text))
        return told

    def _xml(self, text: bytes) -> Iterator[str]:
        parser = etree.XMLParser(
            recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        root = etree.fromstring(text, parser)
        if root is None:
            return
        for event, node in etree.iterwalk(root, events=("start", "end")):
            if not isinstance(node.tag, str):
                continue  # an entity, which is left unresolved
            name = self._name(node.tag)
            if event == "end":
                yield f"</{name}>"
                continue
            marks = (f' {self._name(str(k))}="{_word(str(v))}"' for k, v in node.attrib.items())
            yield f"<{name}{''.join(marks)}>{self._value(node)}"

    def _name(self, clark: str) -> str:
        namespace, _, local = clark.rpartition("}")
        prefix = _PREFIXES.get(namespace[1:], self.pseudonym(namespace[1:]))
        return _short(f"{prefix}:{local}" if prefix else local)

    def _value(self, node: etree._Element) -> str:
        text = (node.text or "").strip()
        if not text:
            return ""
        local = etree.QName(node).localname
        if local == "href":
            return self.path(text)
        if local == "getetag":
            return self.etags(text)
        if local in {"sync-token", "getctag"}:
            return self.pseudonym(text)
        if local in {"address-data", "calendar-data"}:
            return _bounded(_properties(text.encode("utf-8", "replace")))
        plain = _STATUS if local == "status" else _NUMBER
        if (local == "status" or local in _NUMBERS) and plain.fullmatch(text):
            return text
        return _length(text)


def _properties(text: bytes) -> Iterator[str]:
    """Give the properties of a card or an event: name, parameter names, length of the value."""
    for line in _FOLD.sub(b"", text).decode("utf-8", "replace").splitlines():
        head, colon, value = line.partition(":")
        group = _GROUP.match(head)
        name, *parameters = head[group.end() if group else 0 :].upper().split(";")
        if not colon or not _is_property(name):
            yield f"?{_length(line)} "
            continue
        marks = (p.partition("=")[0] for p in parameters)
        known = "".join(f";{mark if mark in _PARAMETERS else '?'}" for mark in marks)
        shown = value if value.upper() in _SHOWN else _length(value)
        yield f"{group[0].lower() if group else ''}{name}{known}:{shown} "


def _is_property(name: str) -> bool:
    known = name.startswith(_EXTENSIONS) and _EXTENSION.fullmatch(name) is not None
    return known or name in _PROPERTIES


def _unpacked(start: bytes) -> bytes:
    try:
        return zlib.decompressobj(_GZIP).decompress(start, UNPACKED_BYTES_MAX)
    except zlib.error:
        return b""


def _word(value: str) -> str:
    return value if value in _WORDS or value.upper() in _PROPERTIES else _length(value)


def _length(text: str) -> str:
    return f"…{len(text)}"


def _short(text: str) -> str:
    return text if len(text) <= _HEADER_MAX else f"{text[:_HEADER_MAX]}…"


def _bounded(pieces: Iterable[str]) -> str:
    kept: list[str] = []
    room = TEXT_MAX
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            kept.append("…")
            break
        kept.append(piece)
    return "".join(kept).strip()

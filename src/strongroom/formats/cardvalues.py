"""Values that 3.0 and 4.0 write differently: dates, places, zones, numbers, media.

Each function takes one property and gives it as the other version writes it; what it does not
recognise it gives back as it is, for a foreign text that is kept is worth more than one that is
guessed at.

Not here: which property gets which function, names, preferences (cardconvert).
Rules: pure; never raises; what one direction writes, the other reads back.
Source: RFC 2426 sections 3 and 4, RFC 6350 sections 4 to 6; X-APPLE-OMIT-YEAR is what Apple's
clients write where a birthday has no year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from strongroom.formats.cardlines import Parameter, escape_text

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_SPACE: Final = b" \t\r\n"
_URI: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*:")
# Some clients escape the comma as if the address were a text.
_DATA: Final = re.compile(rb"data:([\w.+\-]+/[\w.+\-]+)?;base64\\?,", re.IGNORECASE)
_ZONE: Final = rb"Z|[+-]\d\d(?::?\d\d)?"
_LONG: Final = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(" + _ZONE + rb")?)?", re.IGNORECASE
)
_SHORT: Final = re.compile(
    rb"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(" + _ZONE + rb")?)?", re.IGNORECASE
)
_NO_YEAR: Final = re.compile(rb"--(\d\d)-?(\d\d)")
_LEAP_YEAR: Final = b"1604"  # what Apple's clients put for no year
_OMIT_YEAR: Final = b"X-APPLE-OMIT-YEAR"
_OFFSET: Final = re.compile(rb"([+-]\d\d):?(\d\d)")
_PLACE: Final = re.compile(rb"\s*+([+-]?\d++(?:\.\d++)?+)\s*+;\s*+([+-]?\d++(?:\.\d++)?+)\s*+")
_GEO: Final = re.compile(rb"geo:([+-]?\d++(?:\.\d++)?+),([+-]?\d++(?:\.\d++)?+)", re.IGNORECASE)

_MAJORS: Final = {b"PHOTO": b"image", b"LOGO": b"image", b"SOUND": b"audio", b"KEY": b"application"}
_KEY_TYPES: Final = {b"pgp": b"application/pgp-keys", b"x509": b"application/pkix-cert"}
_KEY_WORDS: Final = {media: word.upper() for word, media in _KEY_TYPES.items()}
_UNKNOWN_MEDIA: Final = b"application/octet-stream"
_KEPT_TYPE: Final = b"X-VCARD4-TYPE"


class Content(NamedTuple):
    """Name, parameters and value of one property."""

    name: bytes
    parameters: tuple[Parameter, ...]
    value: bytes


def without(parameters: Iterable[Parameter], *names: bytes) -> tuple[Parameter, ...]:
    """Give the parameters that have none of these names."""
    return tuple(one for one in parameters if one.name not in names)


def first(parameters: Iterable[Parameter], name: bytes) -> bytes:
    """Give the first value of a parameter in lower case; empty where there is none."""
    return next((one.values[0].lower() for one in parameters if one.name == name), b"")


# --- dates and times ------------------------------------------------------------------------------


def date_to_4(content: Content) -> Content:
    """`1985-04-12` becomes `19850412`; the year that Apple's clients omit is left out."""
    date = _LONG.fullmatch(content.value)
    if date is None:
        return content
    if not date[4] and first(content.parameters, _OMIT_YEAR) == date[1]:
        parameters = without(content.parameters, _OMIT_YEAR)
        return Content(content.name, parameters, b"--" + date[2] + date[3])
    day, time = date[1] + date[2] + date[3], b""
    if date[4]:
        time = b"T" + date[4] + date[5] + date[6] + (date[7] or b"").replace(b":", b"")
    return content._replace(value=day + time)


def date_to_3(content: Content) -> Content:
    """`19850412` becomes `1985-04-12`, and `--0412` what Apple's clients understand."""
    value = content.value
    if day := _NO_YEAR.fullmatch(value):
        omitted = (*content.parameters, Parameter(_OMIT_YEAR, (_LEAP_YEAR,)))
        return Content(content.name, omitted, b"-".join((_LEAP_YEAR, day[1], day[2])))
    date = _SHORT.fullmatch(value)
    if date is None:
        return content
    day_text, time = b"-".join((date[1], date[2], date[3])), b""
    if date[4]:
        time = b"T" + b":".join((date[4], date[5], date[6])) + _long_zone(date[7] or b"")
    return content._replace(value=day_text + time)


def _long_zone(zone: bytes) -> bytes:
    return zone[:3] + b":" + zone[3:] if len(zone) == 5 else zone


def zone_to_4(content: Content) -> Content:
    """An offset is named as one; other texts need no name."""
    kind = first(content.parameters, b"VALUE")
    offset = _OFFSET.fullmatch(content.value)
    if offset and not kind:
        named = (*content.parameters, Parameter(b"VALUE", (b"utc-offset",)))
        return Content(content.name, named, offset[1] + offset[2])
    if kind == b"text" and not offset:
        return content._replace(parameters=without(content.parameters, b"VALUE"))
    return content


def zone_to_3(content: Content) -> Content:
    """An offset needs no name, another text does."""
    kind = first(content.parameters, b"VALUE")
    offset = _OFFSET.fullmatch(content.value)
    if offset and kind == b"utc-offset":
        parameters = without(content.parameters, b"VALUE")
        return Content(content.name, parameters, offset[1] + b":" + offset[2])
    if not kind:
        named = (*content.parameters, Parameter(b"VALUE", (b"text",)))
        return content._replace(parameters=named)
    return content


# --- places and numbers ---------------------------------------------------------------------------


def place_to_4(content: Content) -> Content:
    """`37.386;-122.08` becomes `geo:37.386,-122.08`."""
    place = _PLACE.fullmatch(content.value)
    return content._replace(value=b"geo:%b,%b" % place.groups()) if place else content


def place_to_3(content: Content) -> Content:
    """The other way; what has a height or an uncertainty stays an address."""
    place = _GEO.fullmatch(content.value)
    if place is None:
        return content
    parameters = without(content.parameters, b"VALUE")
    return Content(content.name, parameters, b"%b;%b" % place.groups())


def number_to_3(content: Content) -> Content:
    """`tel:+1-555` becomes the number alone; 4.0 takes both."""
    if content.value[:4].lower() != b"tel:":
        return content
    number = escape_text(content.value[4:].decode("utf-8", "surrogateescape"))
    parameters = without(content.parameters, b"VALUE")
    return Content(content.name, parameters, number.encode("utf-8", "surrogateescape"))


# --- photos, logos, sounds, keys ------------------------------------------------------------------


def media_to_4(content: Content) -> Content:
    """Bytes in base64 become a data address; the word for their format a media type."""
    parameters = content.parameters
    encoded = first(parameters, b"ENCODING") in {b"b", b"base64"}
    data = content.value.translate(None, _SPACE) if encoded else b""
    if encoded and data.translate(None, _BASE64):
        return content
    if not encoded and not _URI.match(content.value):
        return content
    words = [word for one in parameters if one.name == b"TYPE" for word in one.values]
    media = _media_type(content.name, words[0]) if words else b""
    rest = [one for one in parameters if one.name not in {b"ENCODING", b"TYPE"}]
    rest = [one for one in rest if one.name != b"VALUE" or first((one,), b"VALUE") == b"text"]
    if words[1:]:
        rest.append(Parameter(b"TYPE", tuple(words[1:])))
    if media and not encoded:
        rest.append(Parameter(b"MEDIATYPE", (media,)))
    if encoded:
        data = b"data:" + (media or _UNKNOWN_MEDIA) + b";base64," + data
    return Content(content.name, _renamed(rest, _KEPT_TYPE, b"TYPE"), data or content.value)


def media_to_3(content: Content) -> Content:
    """A data address becomes base64; any other one is named as an address."""
    value = content.value
    head = _DATA.match(value)
    data = value[head.end() :] if head else b""
    if head and not data.translate(None, _BASE64):
        word = _word(content.name, (head[1] or b"").lower())
        parameters = _formatted(content.parameters, word, (b"ENCODING", b"b"))
        return Content(content.name, parameters, data)
    if not _URI.match(value):
        return content
    word = _word(content.name, first(content.parameters, b"MEDIATYPE"))
    rest = without(content.parameters, b"MEDIATYPE") if word else content.parameters
    return Content(content.name, _formatted(rest, word, (b"VALUE", b"uri")), value)


def _formatted(
    parameters: Iterable[Parameter], word: bytes, how: tuple[bytes, bytes]
) -> tuple[Parameter, ...]:
    """Say the format first: in 3.0 the first TYPE of a photo is what kind of picture it is."""
    kept = list(without(parameters, b"VALUE"))
    added = [Parameter(how[0], (how[1],))]
    if word:
        added.append(Parameter(b"TYPE", (word,)))
    else:
        kept = list(_renamed(kept, b"TYPE", _KEPT_TYPE))
    return (*added, *kept)


def _renamed(parameters: Iterable[Parameter], old: bytes, new: bytes) -> tuple[Parameter, ...]:
    return tuple(one._replace(name=new) if one.name == old else one for one in parameters)


def _media_type(name: bytes, word: bytes) -> bytes:
    word = word.lower()
    if b"/" in word:
        return word
    if name == b"KEY" and word in _KEY_TYPES:
        return _KEY_TYPES[word]
    return _MAJORS[name] + b"/" + word


def _word(name: bytes, media: bytes) -> bytes:
    if name == b"KEY" and media in _KEY_WORDS:
        return _KEY_WORDS[media]
    major, _, minor = media.partition(b"/")
    if media in {b"", _UNKNOWN_MEDIA}:
        return b""
    return minor.upper() if major == _MAJORS[name] else media

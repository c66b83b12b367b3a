"""What differs between two versions of an object, field by field, for a person to read.

A card is compared by its units (cardunits), so that another order, other folds or a group's name
are no difference. Phone numbers pair with phone numbers, first those of one kind. When a card was
written last and by which program is told only where nothing else differs. What is no card, or
differs in nothing but its spelling, is told by size and digest.

Rules: pure; never raises; what is given is printable, one line, and bounded in number and length.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.base.limits import DIFFERENCE_CHARACTERS_MAX, DIFFERENCES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardlines import split_card, unescape
from strongroom.formats.cardunits import Unit, units_of

_NAMES: Final = {
    b"ADR": "Address", b"ANNIVERSARY": "Anniversary", b"BDAY": "Birthday",
    b"CATEGORIES": "Groups", b"EMAIL": "E-mail", b"FN": "Full name", b"GENDER": "Gender",
    b"GEO": "Place", b"IMPP": "Messaging", b"KEY": "Key", b"KIND": "Kind", b"LANG": "Language",
    b"LOGO": "Logo", b"MEMBER": "Member", b"N": "Name", b"NICKNAME": "Nickname", b"NOTE": "Note",
    b"ORG": "Organisation", b"PHOTO": "Photo", b"PRODID": "Written by", b"RELATED": "Related",
    b"REV": "Written at", b"ROLE": "Role", b"SOUND": "Sound", b"TEL": "Phone", b"TITLE": "Title",
    b"TZ": "Time zone", b"URL": "Web page", b"X-ABDATE": "Date", b"X-ABRELATEDNAMES": "Related",
    b"X-SOCIALPROFILE": "Profile",
    # Of what is in a calendar.
    b"ACTION": "Alarm", b"ATTACH": "Attachment", b"ATTENDEE": "Guest", b"CLASS": "Privacy",
    b"COMPLETED": "Done at", b"CREATED": "Made at", b"DESCRIPTION": "Description",
    b"DTEND": "Ends", b"DTSTAMP": "Sent at", b"DTSTART": "Begins", b"DUE": "Due",
    b"DURATION": "Lasts", b"EXDATE": "Not on", b"LAST-MODIFIED": "Changed at",
    b"LOCATION": "Location", b"ORGANIZER": "Organizer", b"PERCENT-COMPLETE": "Done, percent",
    b"PRIORITY": "Priority", b"RDATE": "Also on", b"RECURRENCE-ID": "Instead of",
    b"RRULE": "Repeats", b"SEQUENCE": "Version", b"STATUS": "Status", b"SUMMARY": "Summary",
    b"TRANSP": "Shown as", b"TRIGGER": "Alarm at",
}  # fmt: skip
_OF_THE_WRITER: Final = frozenset(
    {b"REV", b"PRODID", b"DTSTAMP", b"LAST-MODIFIED", b"SEQUENCE", b"CREATED"}
)
_WRITER_FIELDS: Final = frozenset(_NAMES[name] for name in _OF_THE_WRITER)
_LISTED: Final = frozenset({b"N", b"ADR", b"ORG"})
_LABEL: Final = "_$!<>!$_"  # what Apple's clients put around labels of their own
_DIGEST_SIGNS: Final = 8
_WHOLE: Final = "Content"


class Difference(NamedTuple):
    """One field; "" = it was not there, or is not there."""

    field: str
    old: str
    new: str


def differences(kind: str, old: bytes | None, new: bytes | None) -> tuple[Difference, ...]:
    """Say what differs between two versions; None = there was none.

    Args:
        kind: the media type of both.
        old: as it was.
        new: as it is, or would be.
    """
    if old == new:
        return ()
    found: tuple[Difference, ...] = ()
    if kind.partition(";")[0] == "text/vcard":
        try:
            found = of_units(_units(old), _units(new))
        except FormatError:
            found = ()  # too complex to be looked into
    return found or (whole(old, new),)


def whole(old: bytes | None, new: bytes | None) -> Difference:
    """Tell two versions by their size and digest alone."""
    return Difference(_WHOLE, _size(old), _size(new))


def is_of_the_writer(one: Difference) -> bool:
    """Say whether a field tells of who wrote a version and when, and of nothing else."""
    return one.field.partition(" (")[0] in _WRITER_FIELDS


def _units(card: bytes | None) -> list[Unit]:
    return [] if card is None else units_of(card, split_card(card))


def _size(body: bytes | None) -> str:
    return "" if body is None else f"{len(body)} bytes, {_digest(body)}"


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:_DIGEST_SIGNS]


def of_units(old: list[Unit], new: list[Unit]) -> tuple[Difference, ...]:
    """Say how two lists of properties differ."""
    gone, come = _less(old, new), _less(new, old)
    pairs = [*_paired(gone, come, exactly=True), *_paired(gone, come, exactly=False)]
    pairs += [(unit, None) for unit in gone] + [(None, unit) for unit in come]
    told = [pair for pair in pairs if _name(pair) not in _OF_THE_WRITER] or pairs
    told.sort(key=_place)
    return tuple(difference(*pair) for pair in told[:DIFFERENCES_MAX])


_Pair = tuple[Unit | None, Unit | None]


def _less(these: Iterable[Unit], those: Iterable[Unit]) -> list[Unit]:
    left = Counter(unit.key for unit in those)
    kept = []
    for unit in these:
        if left[unit.key]:
            left[unit.key] -= 1
        else:
            kept.append(unit)
    return kept


def _paired(gone: list[Unit], come: list[Unit], *, exactly: bool) -> list[_Pair]:
    """Take out of both lists what is one field with another value, of one kind or of any."""
    free: dict[object, list[Unit]] = {}
    for other in reversed(come):
        free.setdefault(_kind(other, exactly), []).append(other)
    pairs: list[_Pair] = [
        (unit, others.pop()) for unit in gone if (others := free.get(_kind(unit, exactly)))
    ]
    taken = {id(unit) for pair in pairs for unit in pair}
    gone[:] = [unit for unit in gone if id(unit) not in taken]
    come[:] = [unit for unit in come if id(unit) not in taken]
    return pairs


def _kind(unit: Unit, exactly: bool) -> object:
    return (unit.name, _field(unit)) if exactly else unit.name


def _name(pair: _Pair) -> bytes:
    return next(unit.name for unit in pair if unit is not None)


def _place(pair: _Pair) -> tuple[int, bool]:
    return next((unit.place, unit is pair[0]) for unit in reversed(pair) if unit is not None)


def difference(old: Unit | None, new: Unit | None) -> Difference:
    """Say how one property became another; None = it is not there; not both are."""
    fields = [_field(unit) for unit in (old, new) if unit is not None]
    field = " -> ".join(dict.fromkeys(fields))
    return Difference(_cut(field), _said(old), _said(new))


def _field(unit: Unit) -> str:
    """Give the plain name of a field and which one of them it is: `Phone (home)`."""
    name = _NAMES.get(unit.name) or unit.name.decode("utf-8", "replace")
    words = sorted(value.lower() for key, value in unit.facts if key == b"TYPE")
    words += sorted(value for key, value in unit.beside if key == b"X-ABLABEL")
    kinds = ", ".join(word.decode("utf-8", "replace").strip(_LABEL) for word in words)
    return f"{name} ({kinds})" if kinds and not _is_binary(unit) else name


def _is_binary(unit: Unit) -> bool:
    return (b"ENCODING", b"b") in unit.facts or unit.value[:5].lower() == b"data:"


def _said(unit: Unit | None) -> str:
    if unit is None:
        return ""
    if _is_binary(unit):
        return f"about {len(unit.value) * 3 // 4} bytes, {_digest(unit.value)}"
    text = unit.value.decode("utf-8", "replace")
    if unit.name in _LISTED:
        parts = text.replace("\\;", "\0").split(";")
        text = ", ".join(part.replace("\0", ";") for part in parts if part)
    zone = b", ".join(value for key, value in unit.facts if key == b"TZID")
    return _cut(f"{unescape(text)} {zone.decode('utf-8', 'replace')}".strip()) or "(empty)"


def _cut(text: str) -> str:
    over = len(text) > DIFFERENCE_CHARACTERS_MAX
    text = "".join(c if c.isprintable() else " " for c in text[:DIFFERENCE_CHARACTERS_MAX])
    return f"{text}..." if over else text

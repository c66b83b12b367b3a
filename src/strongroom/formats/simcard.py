"""Names and numbers for a SIM card: what fits, in which order, and what is left out and why.

A SIM keeps an entry as a short text and one number, and nothing else. The limits here are those
that every card keeps: 14 letters (some take 18 or more) and 20 digits, 250 entries. A name is
written in the SIM's own alphabet, where letters that it lacks become those that people would write
instead; names in scripts that it cannot write keep six characters, as such a card stores them. A
number is never cut: the rest of it would call somebody else.

Not here: reading a card (contact), files (who calls).
Rules: pure; each person has one place, with the number preferred most, then a mobile one; who is
picked comes first in the order of the picking, all others by name; nobody is left out unsaid.
Source: ETSI TS 131 102 section 4.4.2.3 (EF ADN: alpha identifier, 10 bytes of BCD digits, `p` for a
pause), ETSI TS 123 038 section 6.2.1 (the alphabet) and TS 102 221 annex A (its use on a card).
"""
# ruff: noqa: RUF001 - letters that look alike are what this is about

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from strongroom.formats.cardlines import escape_text
from strongroom.formats.contact import Contact, Reach

ENTRIES_DEFAULT: Final = 250
NAME_LETTERS_MAX: Final = 14
FOREIGN_LETTERS_MAX: Final = 6  # two bytes each, and one that says so
DIGITS_MAX: Final = 20

_PLAIN: Final = (
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_LONG: Final = "^{}\\[~]|€"  # two places each: behind an escape
_COSTS: Final = {**dict.fromkeys(_PLAIN, 1), **dict.fromkeys(_LONG, 2)}
# Letters that a decomposition does not bring near the alphabet. The Cyrillic ones as in ICAO 9303.
_WRITTEN: Final = {
    **dict(zip("łŁđĐðÐıħĦŋŊœŒþÞ", ("l", "L", "d", "D", "d", "D", "i", "h", "H", "n", "N", "oe",
        "OE", "th", "Th"), strict=True)),
    **dict(zip("‘’‚“”„«»–—…·•×´`\u00a0", ("'", "'", "'", '"', '"', '"', '"', '"', "-", "-", "...",
        ".", ".", "x", "'", "'", " "), strict=True)),
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True)),
    **dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґў", ("a", "b", "v", "g", "d", "e", "e", "zh",
        "z", "i", "i", "k", "l", "m", "n", "o", "p", "r", "s", "t", "u", "f", "kh", "ts", "ch",
        "sh", "shch", "ie", "y", "", "e", "iu", "ia", "i", "i", "ie", "g", "u"), strict=True)),
}  # fmt: skip

_TEL: Final = re.compile(r"(?i:tel:)")
_CONTEXT: Final = re.compile(r";(?!ext=)[a-z-]+=[^;]*", re.IGNORECASE)
_PAUSE: Final = re.compile(r"\s*(?:;?ext\.?=?|x|[,;pw])\s*", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"[\s()./\-‐-―\u00ad\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
_NUMBER: Final = re.compile(r"\+?[0-9*#p]+")
_PLACES: Final = ("cell", "mobile", "iphone", "main")  # of equal rank, these come first
_NO_VOICE: Final = frozenset({"fax", "pager", "modem", "textphone"})


class Entry(NamedTuple):
    """One place of the card."""

    name: str
    number: str
    full_name: str  # as it stands in the address book
    uid: str


class LeftOut(NamedTuple):
    """What is not on the card; `what` names a person, a number or a line of the list of picks."""

    what: str
    why: str


class Selection(NamedTuple):
    """What goes on the card, in its order, and all that does not."""

    entries: tuple[Entry, ...]
    left_out: tuple[LeftOut, ...]


def select(people: Iterable[Contact], places: int, picks: Sequence[str] = ()) -> Selection:
    """Choose what goes on a card with so many places.

    Args:
        people: everybody; cards without a number are named among those left out.
        places: at least 1.
        picks: names or UIDs, the most wanted first.
    """
    left_out: list[LeftOut] = []
    fit: list[Entry] = []
    for person in people:
        entry = _entry(person, left_out.append)
        if entry is not None:
            fit.append(entry)
    ordered = _ordered(fit, picks, left_out.append)
    why = f"the card has {places} places"
    left_out += (LeftOut(entry.full_name, why) for entry in ordered[places:])
    return Selection(tuple(ordered[:places]), tuple(left_out))


def _entry(person: Contact, leave_out: Callable[[LeftOut], None]) -> Entry | None:
    if not person.numbers:
        leave_out(LeftOut(person.name or person.uid, "there is no number"))
        return None
    chosen = ""
    for one in sorted(person.numbers, key=_order):
        number = sim_number(one.text)
        if number and not chosen:
            chosen = number
        elif not number or number != chosen:
            why = "a place holds one number" if number else _misfit(one.text)
            leave_out(LeftOut(f"{person.name}: {one.text}", why))
    return Entry(sim_name(person.name), chosen, person.name, person.uid) if chosen else None


def _order(one: Reach) -> tuple[bool, int, int]:
    place = next((i for i, kind in enumerate(_PLACES) if kind in one.kinds), len(_PLACES))
    return bool(one.kinds & _NO_VOICE), one.rank, place


def _misfit(text: str) -> str:
    if len(_digits(text)) > DIGITS_MAX:
        return f"a number has at most {DIGITS_MAX} digits there; cut, it would call somebody else"
    return "it is no number that a card can hold"


def _ordered(
    fit: list[Entry], picks: Sequence[str], leave_out: Callable[[LeftOut], None]
) -> list[Entry]:
    """Give who is picked, in that order, and then the others by name."""
    by_word: dict[str, list[int]] = {}
    for index, entry in enumerate(fit):
        for word in {_folded(entry.full_name), _folded(entry.uid)}:
            by_word.setdefault(word, []).append(index)
    order: dict[int, None] = {}
    for pick in picks:
        found = by_word.get(_folded(pick))
        if found is None:
            leave_out(LeftOut(pick, "it was picked, but nobody with a number is called so"))
        order |= dict.fromkeys(found or ())
    others = sorted(range(len(fit)), key=lambda i: (_folded(fit[i].full_name), fit[i].uid))
    return [fit[index] for index in (order | dict.fromkeys(others))]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKD", text).casefold().strip()


# --- names ----------------------------------------------------------------------------------------
def sim_name(name: str) -> str:
    """Give a name as a card holds it."""
    written = "".join(map(_write, unicodedata.normalize("NFC", name)))
    if all(letter in _COSTS for letter in written):
        return _cut(written)
    # Of a script that the alphabet lacks: what the letters mean is worth more than their number.
    basic = (letter for letter in unicodedata.normalize("NFC", name) if letter <= "\uffff")
    return "".join(list(basic)[:FOREIGN_LETTERS_MAX]).strip()


def _write(letter: str) -> str:
    if letter in _COSTS:
        return letter
    if letter.lower() in _WRITTEN and letter not in _WRITTEN:
        return _WRITTEN[letter.lower()].capitalize()
    if letter in _WRITTEN:
        return _WRITTEN[letter]
    plain = unicodedata.normalize("NFKD", letter)
    base = "".join(one for one in plain if not unicodedata.combining(one))
    if base != letter and base:
        return "".join(map(_write, base))
    # Signs that nobody reads aloud (pictures, joiners, marks) are left out of any name.
    return letter if unicodedata.category(letter)[0] in "LN" else ""


def _cut(text: str) -> str:
    room = NAME_LETTERS_MAX
    kept = []
    for letter in text.strip():
        room -= _COSTS[letter]
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept).strip()


# --- numbers --------------------------------------------------------------------------------------
def sim_number(text: str) -> str:
    """Give a number as a card holds it; "" where it cannot: letters, too many digits, none."""
    number = _digits(text)
    plain = number.removeprefix("+")
    if not _NUMBER.fullmatch(number) or not 0 < len(plain) <= DIGITS_MAX:
        return ""
    return number if plain.strip("p") else ""


def _digits(text: str) -> str:
    text = _CONTEXT.sub("", _TEL.sub("", text, count=1))
    text = _PAUSE.sub("p", _BETWEEN.sub("", text))
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)


# --- what is written ------------------------------------------------------------------------------
def write_cards(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write entries as cards of nothing but name and number; phones copy those to their SIM."""
    for entry in entries:
        name = escape_text(entry.name)
        lines = ("BEGIN:VCARD", "VERSION:3.0", f"N:{name};;;;", f"FN:{name}", f"TEL:{entry.number}")
        yield "\r\n".join((*lines, "END:VCARD", "")).encode()


def write_table(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Write entries as CSV (RFC 4180), for programs that fill SIM cards."""
    yield _row(("Name", "Number", "Full name"))
    for entry in entries:
        yield _row((_no_formula(entry.name), entry.number, _no_formula(entry.full_name)))


def _no_formula(text: str) -> str:
    """Keep a spreadsheet from running a name; a number with its plus is none."""
    return "'" + text if text[:1] in set("=+-@\t") else text


def _row(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue().encode()


def read_picks(text: str) -> list[str]:
    """Give the lines of a list of picks; empty ones and those that begin with # say nothing."""
    lines = (line.strip().removeprefix("\ufeff") for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]

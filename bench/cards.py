"""Contacts that differ as real ones do, and are the same in each run: number in, vCard out.

Not random: a card is a function of its number and revision, so that all servers get equal bytes.
A card is a vCard 3.0 of 700 to 900 bytes with folded lines.
"""

_GIVEN = ("Ada", "Björn", "Chloé", "Dmitri", "Esra", "Fatima", "Goran", "Hiroko", "Inés", "Jürgen")
_FAMILY = ("Abel", "Brontë", "Chen", "Dvořák", "Eriksen", "Fischer", "Gómez", "Haddad", "Ito",
           "Jansen", "Kaya")  # fmt: skip
_TOWN = ("Aarhus", "Bergen", "Cádiz", "Dresden", "Évora", "Firenze", "Graz")
_KIND = ("family", "friends", "work", "club", "school")
_WORDS = (
    "met at the harbour and promised to send the photographs from the long weekend before winter "
    "prefers a call in the evening and never answers on Sundays keeps the spare key and knows how "
    "to reach the neighbours when the pipes freeze again likes walnut cake and brings a good book "
    "asked to be told about the next concert owes nobody anything moved twice since the last visit "
)
BYTES_MIN = 700
BYTES_MAX = 900
_NOTE = _WORDS * 4


def uid(number: int) -> str:
    """The UID of a card; also the stem of its file name."""
    return f"bench-{number * 2654435761 % 2**32:08x}-{number:08d}"


def _folded(text: str) -> str:
    """Fold a line of plain ASCII to 75 octets (RFC 6350 section 3.2)."""
    lines = [text[:75], *(text[at : at + 74] for at in range(75, len(text), 74))]
    return "\r\n ".join(lines)


def full_name(number: int) -> str:
    """The FN of this number."""
    return f"{_GIVEN[number % len(_GIVEN)]} {_FAMILY[number % len(_FAMILY)]} {number}"


def mail(number: int) -> str:
    """The address of this number."""
    return f"{number:x}.{number % 97}@mail.example"


def card(number: int, revision: int = 0) -> bytes:
    """The vCard of this number; another revision differs in its note and REV."""
    given = _GIVEN[number % len(_GIVEN)]
    family = _FAMILY[number % len(_FAMILY)]
    town = _TOWN[number % len(_TOWN)]
    head = (
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Strongroom//Bench//EN\r\nUID:{uid(number)}\r\n"
        f"FN:{full_name(number)}\r\nN:{family};{given};{number};;\r\n"
        f"ORG:{town} Works {number % 50};Section {number % 9}\r\n"
        f"EMAIL;TYPE=INTERNET,HOME:{mail(number)}\r\n"
        f"TEL;TYPE=CELL,VOICE:+49 170 {number % 10**7:07d}\r\n"
        f"TEL;TYPE=WORK,VOICE:+49 30 {number * 7 % 10**6:06d}\r\n"
        f"ADR;TYPE=HOME:;;{number % 300} Quay Street;{town};;{number % 90000 + 10000};Europe\r\n"
        f"BDAY:{1940 + number % 70}-{number % 12 + 1:02d}-{number % 28 + 1:02d}\r\n"
        f"CATEGORIES:{_KIND[number % len(_KIND)]},phone\r\n"
        f"REV:2026-01-{revision % 28 + 1:02d}T{revision // 28 % 24:02d}:00:00Z\r\n"
    ).encode()
    room = 700 + number * 31 % 150 - len(head)
    start = (number * 13 + revision * 5) % len(_WORDS)
    note = _folded(f"NOTE:{revision} {_NOTE[start : start + room].strip()}")
    return head + note.encode("ascii") + b"\r\nEND:VCARD\r\n"

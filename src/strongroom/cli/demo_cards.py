"""Sample contacts for the demo account: invented people, as varied as a real address book is.

vCard 3.0 and 4.0 side by side, many scripts, organisations, groups of both kinds, labels as phones
write them, birthdays with and without a year, notes with every awkward character, and a picture.
Telephone numbers are from ranges that no line has; addresses end in example.org.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from hashlib import sha256
from typing import Final, NamedTuple


class Card(NamedTuple):
    """One sample: its name in the address book and its bytes."""

    href: str
    body: bytes


# family, given, further lines; a "3|" or "4|" in front of the family name chooses the version
_PEOPLE: Final = (
    ("3|Berg", "Anna", "TEL;TYPE=CELL:+1 555 0100", "EMAIL;TYPE=HOME:anna.berg@example.org",
     "BDAY:1984-02-29", "ADR;TYPE=HOME:;;Storgata 5;Oslo;;0155;Norway"),
    ("4|O'Neill", "Seán", "TEL;VALUE=uri;TYPE=cell:tel:+1-555-0101", "BDAY:--0317"),
    ("3|Müller", "Jürgen", "NICKNAME:Jogi", "TEL;TYPE=WORK,VOICE:+1 555 0102",
     "item1.EMAIL:juergen@example.org", "item1.X-ABLabel:Boat club"),
    ("4|Παπαδοπούλου", "Ελένη", "EMAIL:eleni@example.org", "LANG:el"),
    ("3|Иванова", "Ольга", "TEL;TYPE=CELL:+1 555 0103", "NOTE:Соседка\\, кормит кота"),
    ("4|山田", "花子", "TEL;TYPE=cell:+1 555 0104", "X-PHONETIC-LAST-NAME:やまだ",
     "X-PHONETIC-FIRST-NAME:はなこ"),
    ("3|王", "小明", "TEL;TYPE=CELL:+1 555 0105", "ORG:示例公司;研发部"),
    ("4|김", "민준", "EMAIL:minjun@example.org", "BDAY:19900101"),
    ("3|الأحمد", "ليلى", "TEL;TYPE=CELL:+1 555 0106", "NOTE:من اليمين إلى اليسار"),
    ("4|כהן", "נועה", "EMAIL:noa@example.org"),
    ("3|शर्मा", "राजेश", "TEL;TYPE=CELL:+1 555 0107"),
    ("4|สมชาย", "ใจดี", "TEL;TYPE=cell:+1 555 0108"),
    ("3|გელაშვილი", "ნინო", "EMAIL;TYPE=INTERNET:nino@example.org"),
    ("4|Հակոբյան", "Արամ", "EMAIL:aram@example.org"),
    ("3|ተስፋዬ", "ሰላም", "TEL;TYPE=CELL:+1 555 0109"),
    ("4|முருகன்", "கார்த்திக்", "TEL;TYPE=cell:+1 555 0110"),
    ("3|Nguyễn", "Thị Hương", "EMAIL;TYPE=HOME:huong@example.org", "BDAY:1975-11-05"),
    ("4|Łukasiewicz-Żółć", "Świętosława", "ROLE:Proof-reader", "TITLE:Dr."),
    ("3|García Márquez", "María José", "TEL;TYPE=HOME:+1 555 0111",
     "ADR;TYPE=WORK:;2º izda.;Calle Mayor 1;Madrid;;28013;España"),
    ("4|van der Berg", "Joost", "TEL;TYPE=cell:+1 555 0112", "TZ:Europe/Amsterdam"),
    ("3|Þórsdóttir", "Björk", "X-SOCIALPROFILE;TYPE=mastodon:https://example.org/@bjork"),
    ("4|Kealoha", "Keōpū", "GEO:geo:21.3,-157.8"),
    ("3|Smith", "John", "TEL;TYPE=CELL:+1 555 0113", "EMAIL;TYPE=HOME:john@example.org"),
    ("3|Smith", "John", "TEL;TYPE=CELL:+1 555 0114", "NOTE:The other one"),
    ("4|Smith", "Jane", "RELATED;TYPE=spouse:urn:uuid:00000000-0000-4000-8000-000000000023",
     "ANNIVERSARY:20100612"),
    ("3|Teacher", "Mrs", "NOTE:Semicolons\\; commas\\, back\\\\slashes\\nand a second line"),
    ("4|🦊", "Fox", "NOTE:An emoji for a family name 👩‍👩‍👧‍👦 and a family of them"),
    ("3|Long", "Note", "NOTE:" + "This sentence is there to be folded many times over. " * 12),
    ("4|Daily", "Plumber", "TEL;TYPE=work:+1 555 0115", "URL:https://example.org/pipes?a=1&b=2"),
    ("3|Dentist", "Dr. A.", "TEL;TYPE=WORK:+1 555 0116", "CATEGORIES:Health,Appointments"),
    ("4|Only", "Once", "PRODID:-//Demo//EN", "X-UNKNOWN-FIELD;X-PARAM=keep:as it came"),
    ("3|Apple", "Phone", "item1.ADR;TYPE=HOME:;;1 Infinite Street;Springfield;;12345;USA",
     "item1.X-ABADR:us", "item2.X-ABDATE;TYPE=pref:2011-05-07",
     "item2.X-ABLabel:_$!<Anniversary>!$_", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-06-09"),
    ("4|Preferred", "Much", "EMAIL;PREF=1:first@example.org", "EMAIL;PREF=2:second@example.org",
     "IMPP;PREF=1:xmpp:much@example.org"),
)  # fmt: skip

_ORGANISATIONS: Final = (
    ("3", "Bakery at the Corner", "TEL;TYPE=WORK:+1 555 0120", "X-ABShowAs:COMPANY"),
    ("4", "City Library", "TEL;TYPE=work:+1 555 0121", "KIND:org"),
    ("3", "Hôpital Général", "TEL;TYPE=WORK,PREF:+1 555 0122", "X-ABShowAs:COMPANY"),
    ("4", "東京スカイ株式会社", "KIND:org", "EMAIL:info@example.org"),
)


def cards() -> list[Card]:
    """Make all samples: the same bytes each time."""
    made = [_person(index, *row) for index, row in enumerate(_PEOPLE)]
    start = len(made)
    made += [_organisation(start + index, *row) for index, row in enumerate(_ORGANISATIONS)]
    made.append(_with_picture(len(made)))
    return [*made, _group_4(len(made)), _group_3(len(made) + 1)]


def _person(index: int, family: str, given: str, *lines: str) -> Card:
    version, _, family = family.partition("|")
    names = (f"FN:{given} {family}", f"N:{family};{given};;;")
    return _card(index, version, *names, *lines)


def _organisation(index: int, version: str, name: str, *lines: str) -> Card:
    names = (f"FN:{name}", "N:;;;;", f"ORG:{name}") if version == "3" else (f"FN:{name}",)
    return _card(index, version, *names, *lines)


def _with_picture(index: int) -> Card:
    picture = b64encode(_picture()).decode()
    photo = f"PHOTO;ENCODING=b;TYPE=PNG:{picture}"
    return _card(index, "3", "FN:Petra Picture", "N:Picture;Petra;;;", photo)


def _group_4(index: int) -> Card:
    members = [f"MEMBER:urn:uuid:{_uid(number)}" for number in (0, 1, 2)]
    return _card(index, "4", "FN:Sailing", "KIND:group", *members)


def _group_3(index: int) -> Card:
    members = [f"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:{_uid(number)}" for number in (3, 4, 5)]
    kind = "X-ADDRESSBOOKSERVER-KIND:group"
    return _card(index, "3", "FN:Neighbours", "N:Neighbours;;;;", kind, *members)


def _card(index: int, version: str, *lines: str) -> Card:
    uid = _uid(index) if version == "3" else f"urn:uuid:{_uid(index)}"
    rows = ("BEGIN:VCARD", f"VERSION:{version}.0", f"UID:{uid}", *lines, "END:VCARD")
    body = "".join(f"{fold(row)}\r\n" for row in rows)
    return Card(f"{_uid(index)}.vcf", body.encode())


def _uid(index: int) -> str:
    text = sha256(f"strongroom demo {index}".encode()).hexdigest()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:32]}"


def fold(line: str) -> str:
    """Fold a line at 75 bytes, never inside a character (RFC 6350 section 3.2)."""
    parts, size = [""], 0
    for letter in line:
        width = len(letter.encode())
        if size + width > 75:
            parts.append(" ")
            size = 1
        parts[-1] += letter
        size += width
    return "\r\n".join(parts)


def _picture() -> bytes:
    """Draw a small PNG: a safe's door, 32 by 32 in grey."""
    rows = []
    for y in range(32):
        ring = [(x - 15.5) ** 2 + (y - 15.5) ** 2 for x in range(32)]
        rows.append(bytes([0, *(40 if 90 < r < 130 or r < 9 else 160 + y for r in ring)]))
    header = struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"".join(rows), 9)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

"""Whole cards as programs write them, made by hand after their habits: what becomes of each."""

from __future__ import annotations

import pytest

from strongroom.formats.carddialects import FROM_2_1, NEW_NAME, NEW_UID, mended
from strongroom.formats.cardlikeness import likeness
from strongroom.formats.cardstream import CardStream

OUTLOOK = b"""BEGIN:VCARD
VERSION:2.1
X-MS-SIGNATURE:YES
N;LANGUAGE=de;CHARSET=Windows-1252:M\xfcller;J\xf6rg;;Dr.
FN;CHARSET=Windows-1252:Dr. J\xf6rg M\xfcller
ORG:Beispiel AG;Vertrieb
TEL;WORK;VOICE:+49 (30) 1234567
TEL;HOME;FAX:+49 30 7654321
ADR;WORK;PREF;CHARSET=Windows-1252:;;Stra\xdfe 1, Hof;Berlin;;10115;Deutschland
LABEL;WORK;PREF;ENCODING=QUOTED-PRINTABLE;CHARSET=Windows-1252:Stra=DFe 1, Hof=0D=0A=
10115 Berlin
X-MS-OL-DEFAULT-POSTAL-ADDRESS:2
EMAIL;PREF;INTERNET:joerg@example.com
PHOTO;TYPE=JPEG;ENCODING=BASE64:
 /9j/4AAQSkZJRgABAQEAYABgAAD/2wBDAAoHBwgHBgoICAgLCgoLDhgQDg0NDh0VFhEYIx8l
 JCIfIiEmKzcvJik0KSEiMEExNDk7Pj4+JS5ESUM8SDc9Pjv/wAALCAABAAEBAREA/9k=

X-MS-OL-DESIGN;CHARSET=utf-8:<card xmlns="http://example.com/card"/>
REV:20090102T030405Z
END:VCARD
""".replace(b"\n", b"\r\n")

ANDROID = b"""BEGIN:VCARD
VERSION:2.1
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD=D0=BE=
=D0=B2;=D0=98=D0=B2=D0=B0=D0=BD;;;
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=B2=D0=B0=D0=BD
TEL;CELL;PREF:+7 900 123-45-67
TEL;X-Hotel:100
X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Vanya;1;;;;;;;;;;;;;
NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=
one=0Atwo
END:VCARD
"""

NOKIA = b"""BEGIN:VCARD
VERSION:2.1
N;ENCODING=8BIT;CHARSET=UTF-8:Virtanen;Aino
TEL;CELL:0401234567
BDAY:19700102
AGENT:
BEGIN:VCARD
VERSION:2.1
N:Assistant
TEL:1
END:VCARD
END:VCARD
""".replace(b"\n", b"\r\n")

GOOGLE = b"""BEGIN:VCARD
VERSION:3.0
FN:Ann Lee
N:Lee;Ann;;;
EMAIL;TYPE=INTERNET;TYPE=HOME:ann@example.com
TEL;TYPE=CELL:+1 555-123-4567
item1.URL:https\\://example.com/ann
item1.X-ABLabel:PROFILE
CATEGORIES:myContacts
PHOTO:https://lh3.example.com/contacts/x
END:VCARD
""".replace(b"\n", b"\r\n")

APPLE = b"""BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iOS 17.0//EN
N:Lee;Ann;;;
FN:Ann Lee
item1.TEL;type=pref:+1 555 123 4567
item1.X-ABLabel:_$!<Main>!$_
item2.ADR;type=HOME;type=pref:;;1 Way\\nFlat 2;Town;;1;Land
item2.X-ABADR:us
BDAY;X-APPLE-OMIT-YEAR=1604:1604-06-09
PHOTO;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&1&1&AAAA;ENCODING=b;TYPE=JPEG:/9j/
 4AAQ
UID:AB12:ABPerson
END:VCARD
""".replace(b"\n", b"\r\n")


def test_all_in_one_file_come_apart() -> None:
    samples = (OUTLOOK, ANDROID, NOKIA, GOOGLE, APPLE)
    stream = CardStream()
    pieces = [*stream.feed(b"\r\n".join(samples)), *stream.feed(b"", last=True)]
    assert [(piece.fault, piece.raw.strip()) for piece in pieces] == [
        ("", sample.strip()) for sample in samples
    ]  # fmt: skip


def said(sample: bytes) -> list[str]:
    body = mended(sample).body.decode()
    return body.replace("\r\n ", "").replace("\n ", "").splitlines()


@pytest.mark.parametrize(
    ("sample", "mendings", "lines"),
    [
        (OUTLOOK, {FROM_2_1, NEW_UID}, [
            "VERSION:3.0", "N;LANGUAGE=de:Müller;Jörg;;Dr.", "FN:Dr. Jörg Müller",
            "TEL;TYPE=WORK,VOICE:+49 (30) 1234567",
            r"ADR;TYPE=WORK,PREF:;;Straße 1\, Hof;Berlin;;10115;Deutschland",
            r"LABEL;TYPE=WORK,PREF:Straße 1\, Hof\n10115 Berlin",
            "EMAIL;TYPE=PREF,INTERNET:joerg@example.com",
            'X-MS-OL-DESIGN:<card xmlns="http://example.com/card"/>', "REV:20090102T030405Z",
        ]),
        (ANDROID, {FROM_2_1, NEW_UID}, [
            "N:Иванов;Иван;;;", "FN:Иван", "TEL;TYPE=CELL,PREF:+7 900 123-45-67",
            "TEL;TYPE=X-Hotel:100", r"NOTE:one\ntwo",
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Vanya;1;;;;;;;;;;;;;",
        ]),
        (NOKIA, {FROM_2_1, NEW_UID, NEW_NAME}, [
            "N:Virtanen;Aino", "FN:Aino Virtanen", "BDAY:19700102",
            r"AGENT:BEGIN:VCARD\nVERSION:2.1\nN:Assistant\nTEL:1\nEND:VCARD",
        ]),
        (GOOGLE, {NEW_UID}, GOOGLE.decode().splitlines()),
        (APPLE, set(), ["UID:AB12:ABPerson", "item2.X-ABADR:us"]),
    ],
    ids=["outlook", "android", "nokia", "google", "apple"],
)  # fmt: skip
def test_a_card_of(sample: bytes, mendings: set[str], lines: list[str]) -> None:
    found = mended(sample)
    assert mendings <= set(found.mendings)
    assert set(lines) <= set(said(sample))
    assert mended(found.body).body == found.body
    assert (found.body == sample) == (not found.mendings)


def test_one_person_of_two_programs_is_one() -> None:
    one, other = likeness(mended(GOOGLE).body), likeness(mended(APPLE).body)
    assert one is not None
    assert other is not None
    assert one.numbers & other.numbers


def test_a_photo_keeps_its_bytes() -> None:
    (photo,) = (line for line in said(OUTLOOK) if line.startswith("PHOTO"))
    assert photo.startswith("PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ")
    assert photo.endswith("AAD/2wBDAAoHBwgHBgoICAgLCgoLDhgQDg0NDh0VFhEYIx8lJCIfIiEmKzcvJik0KSEiMEEx"
                          "NDk7Pj4+JS5ESUM8SDc9Pjv/wAALCAABAAEBAREA/9k=")  # fmt: skip

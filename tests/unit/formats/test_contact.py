"""What people see of a card: name, numbers, addresses, picture."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_LINES_MAX
from strongroom.formats.contact import NOBODY, Contact, Reach, read_contact, read_picture

JPEG = b"\xff\xd8\xff\xe0 picture"


def card(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""]).encode()


def number(text: str, *kinds: str, rank: int = 101) -> Reach:
    return Reach(text, frozenset(kinds), rank)


def test_all_that_people_see_of_a_card() -> None:
    found = read_contact(
        card(
            "UID:a-1", "FN:Ann\\, the  first", "ORG:Cellar\\; Ltd;Left wing",
            "TEL;TYPE=HOME:+1 (555) 1", "item1.TEL;TYPE=CELL,pref:2",
            "TEL;VALUE=uri;PREF=7:tel:%2B3",
            "EMAIL;TYPE=INTERNET:ann@example.org", "EMAIL:", "NOTE:not looked at",
        )
    )  # fmt: skip
    assert found == Contact(
        "a-1", "Ann, the first", "Cellar; Ltd, Left wing",
        (number("+1 (555) 1", "home"), number("2", "cell", "pref", rank=1), number("+3", rank=7)),
        (Reach("ann@example.org", frozenset({"internet"}), 101),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (("FN:", "N:Smith;Ann;Maria;Dr.;"), "Ann Maria Smith"),
        (("N:;;;Dr.;",), "Dr."),
        (("N:Smith",), "Smith"),
        (("N:;;;;", "NICKNAME:Annie"), "Annie"),
        (("N:Sm\\;ith;An\\\\;;;",), "An\\ Sm;ith"),
        (("ORG:;;", "ORG:Cellar"), "Cellar"),
        (("EMAIL:mailto:a@example.org", "TEL:1"), "a@example.org"),
        (("TEL:tel:1",), "1"),
        (("NOTE:nobody",), ""),
        (("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:J=FCrgen",), "Jürgen"),
    ],
)
def test_a_card_without_a_name_is_called_by_what_it_has(lines: tuple[str, ...], name: str) -> None:
    assert read_contact(card(*lines)).name == name


@pytest.mark.parametrize(
    ("text", "rank"), [("0", 1), ("100", 100), ("999", 101), ("1000", 101), ("x", 101)]
)
def test_a_preference_out_of_its_range_is_no_reason_to_fail(text: str, rank: int) -> None:
    assert read_contact(card(f"TEL;PREF={text}:1")).numbers == (number("1", rank=rank),)


def test_a_card_that_is_too_long_to_look_into_has_no_facts() -> None:
    long = card(*["TEL:1"] * (CARD_LINES_MAX + 1))
    assert read_contact(long) == NOBODY
    assert read_picture(card(*["PHOTO:x"] * (CARD_LINES_MAX + 1))) is None


@given(st.binary())
def test_whatever_the_bytes_are_something_is_said(raw: bytes) -> None:
    found = read_contact(raw)
    assert "\n" not in found.name + found.organisation
    for line in (b"PHOTO;ENCODING=b:", b"PHOTO:data:"):
        picture = read_picture(line + raw)
        assert picture is None or picture.data


# --- pictures -------------------------------------------------------------------------------------
CODED = b64encode(JPEG).decode()


@pytest.mark.parametrize(
    "line",
    [
        f"PHOTO;ENCODING=b;TYPE=JPEG:{CODED}",
        f"photo;type=png;encoding=BASE64:{CODED[:7]}\r\n {CODED[7:]}",
        f"PHOTO;BASE64;X-ABCROP-RECTANGLE=ABClipRect_1&0&0&1&1&x:{CODED}",
        f"item1.PHOTO:data:image/jpeg;base64,{CODED}",
        f"PHOTO;VALUE=uri:data:image/jpeg;base64\\,{CODED}",
        f"PHOTO:DATA:;base64,{CODED.rstrip('=')}",
    ],
)
def test_a_picture_in_the_card_is_read_in_every_way_of_writing_it(line: str) -> None:
    assert read_picture(card("FN:Ann", line)) == (JPEG, "jpg")


@pytest.mark.parametrize(
    "line",
    [
        "PHOTO;VALUE=uri:https://example.org/ann.jpg",
        "PHOTO:data:image/jpeg,plain",
        "PHOTO:data:image/jpeg;base64",
        "PHOTO;ENCODING=b:not base64!",
        "PHOTO;ENCODING=b:A",
        "PHOTO;ENCODING=b:",
        "NOTE:no picture",
    ],
)
def test_what_is_no_picture_of_the_card_itself_is_none(line: str) -> None:
    assert read_picture(card(line)) is None


def test_the_first_picture_that_can_be_read_is_taken() -> None:
    lines = ("PHOTO:https://example.org/a.jpg", f"PHOTO;ENCODING=b:{CODED}")
    assert read_picture(card(*lines)) == (JPEG, "jpg")


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a", "gif"),
        (b"RIFF\x0a\0\0\0WEBPVP8 ", "webp"),
        (b"BM\x46\0\0\0\0\0\0\0", "bmp"),
        (b"MM\0*", "tif"),
        (b"\0\0\0\x18ftypheic", "heic"),
        (b"\0\0\0\x18ftypavif", "avif"),
        (b"<svg onload=alert(1)>", "bin"),
        (b" GIF89a", "bin"),
    ],
)
def test_the_first_bytes_say_which_kind_of_picture_it_is(first: bytes, kind: str) -> None:
    coded = b64encode(first).decode()
    found = read_picture(card(f"PHOTO;ENCODING=b;TYPE=JPEG:{coded}"))
    assert found == (first, kind)

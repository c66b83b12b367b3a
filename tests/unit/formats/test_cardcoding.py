"""Quoted-printable values of old phones, in their charsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_CODED_SIGNS_MAX
from strongroom.formats.cardcoding import decoded, plain_lines
from strongroom.formats.cardfilter import Filter, PropFilter, matches, text_match
from strongroom.formats.cardlines import parameters_of, split_card
from strongroom.formats.characters import carried


def plain(parameters: str, value: bytes) -> bytes | None:
    return decoded(parameters_of(parameters.encode()), value)


@pytest.mark.parametrize(
    ("charset", "value", "text"),
    [
        ("", b"J=C3=BCrgen", "Jürgen"),
        (";CHARSET=utf-8", b"=e2=82=ac", "€"),
        (";CHARSET=ISO-8859-1", b"J=FCrgen", "Jürgen"),
        (";CHARSET=Windows-1252", b"=80", "€"),
        (";CHARSET=SHIFT_JIS", b"=8E=52", "山"),
        (";CHARSET=UTF-8", b"a=0D=0Ab=0Ac=0Dd", r"a\nb\nc\nd"),
        (";CHARSET=UTF-8", b"Har=3D==6Dann=", "Har=mann"),
        (";CHARSET=UTF-8", rb"a\;b;c=5C,d", r"a\;b;c\,d"),
    ],
)
def test_a_coded_value_is_read_in_its_charset(charset: str, value: bytes, text: str) -> None:
    for mark in (";ENCODING=QUOTED-PRINTABLE", ";quoted-printable"):
        assert plain(mark + charset, value) == text.encode()


@pytest.mark.parametrize(
    ("parameters", "value"),
    [
        (";ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8", b"=FC"),
        (";ENCODING=QUOTED-PRINTABLE;CHARSET=zip", b"=41"),
        (";ENCODING=QUOTED-PRINTABLE;CHARSET=idna", b"=41"),
        (";ENCODING=QUOTED-PRINTABLE;CHARSET=iso-8859-99", b"=41"),
        (";ENCODING=QUOTED-PRINTABLE", b"=00"),
        (";ENCODING=QUOTED-PRINTABLE", b"=EF=BF=BF"),
        (";ENCODING=B", b"=41"),
        (";CHARSET=ISO-8859-1", b"=41"),
        (";X=QUOTED-PRINTABLE", b"=41"),
    ],
)
def test_what_cannot_be_understood_or_sent_stays_as_it_is(parameters: str, value: bytes) -> None:
    assert plain(parameters, value) is None
    lines = split_card(f"NOTE{parameters}:".encode() + value)
    assert plain_lines(b"", lines) == lines


def test_so_many_signs_are_looked_at_and_no_more() -> None:
    for most in (CARD_CODED_SIGNS_MAX - 1, CARD_CODED_SIGNS_MAX):
        card = b"NOTE;QUOTED-PRINTABLE:" + b"=41" * most + b"="
        (line,) = plain_lines(card, split_card(card))
        assert line.value == (b"A" * most if most < CARD_CODED_SIGNS_MAX else b"=41" * most + b"=")


def test_a_filter_looks_at_what_is_meant() -> None:
    card = b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:J=FCr=\n gen\nEND:VCARD"
    for text, found in (("jürgen", True), ("FCr", False)):
        wanted = Filter((PropFilter(b"FN", conditions=(text_match(text),)),))
        assert matches(card, wanted) is found


@given(st.binary(max_size=40), st.sampled_from(["utf-8", "utf-16", "gbk", "iso-2022-jp", "x"]))
def test_any_bytes_are_read_or_left_alone(value: bytes, charset: str) -> None:
    found = plain(f";QUOTED-PRINTABLE;CHARSET={charset}", value)
    assert found is None or (carried(found) == found and b"\n" not in found)


def test_one_value_with_too_many_coded_signs_is_left_as_it_is() -> None:
    most = b"=41" * CARD_CODED_SIGNS_MAX
    assert plain(";QUOTED-PRINTABLE", most) == b"A" * CARD_CODED_SIGNS_MAX
    assert plain(";QUOTED-PRINTABLE", most + b"=41") is None

"""Differences between two versions, as a person reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import (
    CARD_PARAMETERS_BYTES_MAX,
    DIFFERENCE_CHARACTERS_MAX,
    DIFFERENCES_MAX,
)
from strongroom.formats.carddiff import Difference, differences

CARD = "text/vcard;3.0"


def card(*lines: str) -> bytes:
    return "\r\n".join(["BEGIN:VCARD", "VERSION:3.0", "UID:u", *lines, "END:VCARD", ""]).encode()


def diff(old: bytes | None, new: bytes | None) -> list[tuple[str, str, str]]:
    return [tuple(one) for one in differences(CARD, old, new)]


@pytest.mark.parametrize(
    "old, new, told",
    [
        (["FN:Ann"], ["FN:Anna"], [("Full name", "Ann", "Anna")]),
        (["FN:A"], ["FN:A", "TEL;TYPE=home:1"], [("Phone (home)", "", "1")]),
        (["FN:A", "EMAIL:a@b"], ["FN:A"], [("E-mail", "a@b", "")]),
        (
            ["TEL;TYPE=home:1", "TEL;TYPE=work:2"],
            ["TEL;TYPE=work:3", "TEL;TYPE=home:1"],
            [("Phone (work)", "2", "3")],
        ),
        (["TEL;TYPE=home:1"], ["TEL;TYPE=cell:1"], [("Phone (home) -> Phone (cell)", "1", "1")]),
        (["TEL:1", "TEL:1"], ["TEL:1"], [("Phone", "1", "")]),
        (
            ["item1.TEL:1", "item1.X-ABLabel:_$!<Other>!$_"],
            ["item1.TEL:2", "item1.X-ABLabel:_$!<Other>!$_"],
            [("Phone (Other)", "1", "2")],
        ),
        (["N:Meier;Anna;;;"], ["N:Meier\\;s;Anna;;Dr.;"],
         [("Name", "Meier, Anna", "Meier;s, Anna, Dr.")]),
        (["NOTE:a"], ["NOTE:b\\nc\\, d"], [("Note", "a", "b c, d")]),
        (["NOTE:a\x1b[2J"], ["NOTE:"], [("Note", "a [2J", "(empty)")]),
        (["X-FOO;TYPE=bar:1"], ["X-FOO:2"], [("X-FOO (bar) -> X-FOO", "1", "2")]),
        (["FN:A", "REV:1", "PRODID:x"], ["FN:B", "REV:2", "PRODID:y"], [("Full name", "A", "B")]),
        (["REV:1"], ["REV:2"], [("Written at", "1", "2")]),
        (
            ["PHOTO;ENCODING=b;TYPE=JPEG:AAAA"],
            ["PHOTO;ENCODING=b;TYPE=JPEG:BBBB"],
            [("Photo", "about 3 bytes, 63c1dd95", "about 3 bytes, 4a8d8134")],
        ),
        (["PHOTO:data:image/png;base64\\,AAAA"], ["PHOTO:http://x/y"],
         [("Photo", "about 19 bytes, bde6da8e", "http://x/y")]),
    ],
)  # fmt: skip
def test_fields(old: list[str], new: list[str], told: list[tuple[str, str, str]]) -> None:
    assert diff(card(*old), card(*new)) == told


def test_equal_bytes_differ_in_nothing() -> None:
    assert diff(card("FN:A"), card("FN:A")) == []
    assert diff(None, None) == []


def test_a_card_that_was_not_there_is_told_field_by_field() -> None:
    assert diff(None, card("FN:A", "TEL:1")) == [("Full name", "", "A"), ("Phone", "", "1")]
    assert diff(card("FN:A"), None) == [("Full name", "A", "")]


def test_the_order_is_that_of_the_new_card() -> None:
    old, new = card("FN:A", "TEL:1", "NOTE:n"), card("NOTE:m", "TEL:2", "FN:B")
    assert [one[0] for one in diff(old, new)] == ["Note", "Phone", "Full name"]


@pytest.mark.parametrize(
    "kind, old, new",
    [
        (CARD, card("FN:A"), card("FN:A").replace(b"\r\n", b"\n")),
        ("text/calendar", card("FN:A"), card("FN:B")),
        (CARD, card("FN:A"), card("X;Y=" + "z" * CARD_PARAMETERS_BYTES_MAX + ":")),
        ("", None, b"x"),
    ],
)
def test_what_has_no_fields_is_told_by_size_and_digest(
    kind: str, old: bytes | None, new: bytes | None
) -> None:
    ((field, before, after),) = differences(kind, old, new)
    assert field == "Content"
    assert (before == "") == (old is None)
    assert new is not None
    assert after.startswith(f"{len(new)} bytes, ")


def test_fields_and_their_length_are_bounded() -> None:
    lines = [f"TEL:{number}" for number in range(DIFFERENCES_MAX)]
    assert len(diff(None, card(*lines))) == DIFFERENCES_MAX
    assert len(diff(None, card(*lines, "TEL:x"))) == DIFFERENCES_MAX
    most = "x" * DIFFERENCE_CHARACTERS_MAX
    assert diff(None, card(f"NOTE:{most}")) == [("Note", "", most)]
    assert diff(None, card(f"NOTE:{most}y")) == [("Note", "", most + "...")]


@given(st.none() | st.binary(max_size=300), st.none() | st.binary(max_size=300))
def test_whatever_the_bytes_are_something_printable_is_told(
    old: bytes | None, new: bytes | None
) -> None:
    told = differences(CARD, old, new)
    assert bool(told) == (old != new)
    for one in told:
        assert isinstance(one, Difference)
        assert all(text.isprintable() for text in one)

"""Whether two cards are of one person; two people never are one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_LINES_MAX
from strongroom.formats.cardlikeness import Likeness, is_same_person, likeness, members_of


def read(*lines: str) -> Likeness | None:
    return likeness("\r\n".join(("BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", "")).encode())


def same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    first, second = read(*one), read(*other)
    assert first is not None
    assert second is not None
    assert is_same_person(first, second) == is_same_person(second, first)
    return is_same_person(first, second)


ANN = ("FN:Ann Lee", "N:Lee;Ann;;;", "TEL:+49 171 1234567", "EMAIL:ann@example.com")


@pytest.mark.parametrize(
    "other",
    [
        ("FN:ANN  LEE", "TEL;TYPE=CELL:0171/123-4567"),
        ("FN:\uff21nn Lee", "TEL:tel:+491711234567;ext=5"),
        ("FN;ENCODING=QUOTED-PRINTABLE:Ann=20Lee", "TEL:00491711234567"),
        ("item1.FN:Ann Lee", "item2.EMAIL:MAILTO:Ann@Example.com", "ORG:Other"),
        ("FN:Ann Lee", "N:Lee;Ann;Maria;Dr.;", "EMAIL:x@example.com", "EMAIL:ann@example.com"),
        ("FN:Ann Lee", "KIND:individual", "TEL:+491711234567", "BDAY:1980-04-02", "ORG:Acme"),
    ],
)
def test_one_person_is_known_by_name_and_a_way_to_reach_her(other: tuple[str, ...]) -> None:
    assert same(ANN, other)


@pytest.mark.parametrize(
    "other",
    [
        ("FN:Ann Lee",),
        ("FN:Ann Lee", "TEL:+49 171 9999999", "EMAIL:other@example.com"),
        ("FN:Anna Lee", "TEL:+491711234567", "EMAIL:ann@example.com"),
        ("FN:Ann Lee", "N:Lee;Ann;;;Jr.", "EMAIL:ann@example.com"),
        ("FN:Ann Lee", "N:Lee;Annegret;;;", "EMAIL:ann@example.com"),
        ("FN:Ann Lee", "EMAIL:ann", "TEL:+49 171 1234568"),
    ],
)
def test_two_people_stay_two(other: tuple[str, ...]) -> None:
    assert not same(ANN, other)


def test_a_birthday_that_differs_is_another_person() -> None:
    born = (*ANN, "BDAY:1980-04-02")
    assert same(born, (*ANN, "BDAY:19800402T000000Z"))
    assert not same(born, (*ANN, "BDAY:1950-01-01"))


def test_a_shared_number_is_not_enough_where_the_organization_differs() -> None:
    one = ("FN:Ann Lee", "TEL:1234567", "ORG:Acme;Dept")
    assert same(one, ("FN:Ann Lee", "TEL:1234567", "ORG:ACME"))
    assert not same(one, ("FN:Ann Lee", "TEL:1234567", "ORG:Other"))
    assert same((*one, "EMAIL:a@b"), ("FN:Ann Lee", "EMAIL:a@b", "ORG:Other"))


def test_a_short_number_tells_nobody() -> None:
    assert not same(("FN:Ann", "TEL:112"), ("FN:Ann", "TEL:112"))
    assert not same(("FN:Ann", "TEL:123456"), ("FN:Ann", "TEL:123456"))
    assert same(("FN:Ann", "TEL:1234567"), ("FN:Ann", "TEL:1234567"))


def test_groups_and_what_has_no_name_are_nobody() -> None:
    assert read("FN:Friends", "KIND:group") is None
    assert read("FN:Friends", "X-ADDRESSBOOKSERVER-KIND:Group") is None
    assert read("FN:Acme", "KIND:org") is None
    assert read("N:x;y;;;") is None
    assert likeness(b"TEL:1\n" * (CARD_LINES_MAX + 1)) is None


def test_the_members_of_a_group_are_told_as_they_are_written() -> None:
    group = (
        b"BEGIN:VCARD\r\nMEMBER:urn:uuid:a\r\nx-addressbookserver-member: mailto:b \r\nEND:VCARD"
    )
    assert members_of(group) == {"urn:uuid:a", "mailto:b"}
    assert members_of(b"BEGIN:VCARD\nNOTE:MEMBER\nEND:VCARD\n") == frozenset()
    assert members_of(b"BEGIN:VCARD\nFN:x\nEND:VCARD\n") == frozenset()
    assert members_of(b"MEMBER:1\n" * (CARD_LINES_MAX + 1)) == frozenset()


@given(st.binary(max_size=60))
def test_any_bytes_say_somebody_or_nobody(raw: bytes) -> None:
    found = likeness(b"FN:x\n" + raw)
    assert found is None or is_same_person(found, found) == bool(found.mails or found.numbers)

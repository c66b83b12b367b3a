"""A SIM's limits: names, numbers, who goes on the card, and what is left out."""
# ruff: noqa: RUF001 - letters that look alike are what this is about

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats.contact import Contact, Reach, read_contact
from strongroom.formats.simcard import (
    _COSTS,
    DIGITS_MAX,
    FOREIGN_LETTERS_MAX,
    NAME_LETTERS_MAX,
    Entry,
    LeftOut,
    Selection,
    read_picks,
    select,
    sim_name,
    sim_number,
    write_cards,
    write_table,
)


def number(text: str, *kinds: str, rank: int = 101) -> Reach:
    return Reach(text, frozenset(kinds), rank)


def person(name: str, *numbers: Reach | str, uid: str = "") -> Contact:
    reaches = tuple(one if isinstance(one, Reach) else number(one) for one in numbers)
    return Contact(uid or f"uid-{name}", name, "", reaches, ())


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("Ann Smith", "Ann Smith"),
        ("Jürgen Groß", "Jürgen Groß"),
        ("Łukasz Żółć", "Lukasz Zólc".replace("ó", "o")),
        ("José Núñez", "José Nuñez"),
        ("Ольга Щербакова", "Olga Shcherbak"),
        ("Σωκράτης", "Σωκράτ"),
        ("ΝΙΚΟΣ", "NIKOΣ"),
        ("山田太郎と花子さん", "山田太郎と花"),
        ("😀 Ann ❤", "Ann"),
        ("Ann\u200d “A” – B…", "Ann \"A\" - B..."[:14].strip()),
        ("a" * 15, "a" * 14),
        ("1234567890123€", "1234567890123"),
        ("123456789012€3", "123456789012€"),
        ("Ærø Œuvre", "Ærø OEuvre"),
        ("ｆｕｌｌ", "full"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_name_is_written_as_a_card_can_hold_it(name: str, there: str) -> None:
    assert sim_name(name) == there


@given(st.text(max_size=60))
def test_any_name_fits_on_any_card(name: str) -> None:
    there = sim_name(name)
    if all(letter in _COSTS for letter in there):
        assert sum(_COSTS[letter] for letter in there) <= NAME_LETTERS_MAX
    else:
        assert len(there.encode("utf-16-be", "surrogatepass")) <= 2 * FOREIGN_LETTERS_MAX


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("+1 (555) 010-0199", "+15550100199"),
        ("tel:+49-30-123456", "+4930123456"),
        ("tel:0199;phone-context=+1-555", "0199"),
        ("tel:+1-555;ext=12", "+1555p12"),
        ("555 x 12", "555p12"),
        ("555,,12;3", "555pp12p3"),
        ("*31#555", "*31#555"),
        ("٠١٢٣", "0123"),
        ("\u202a+49 30\u202c", "+4930"),
        ("1" * DIGITS_MAX, "1" * DIGITS_MAX),
        ("+" + "1" * DIGITS_MAX, "+" + "1" * DIGITS_MAX),
        ("1" * (DIGITS_MAX + 1), ""),
        ("1-800-FLOWERS", ""),
        ("55+5", ""),
        ("+", ""),
        ("p", ""),
        ("", ""),
    ],
)
def test_a_number_is_whole_on_the_card_or_not_there(text: str, there: str) -> None:
    assert sim_number(text) == there


@given(st.text(max_size=60))
def test_any_number_is_one_that_a_card_can_dial(text: str) -> None:
    there = sim_number(text)
    assert set(there) <= set("+0123456789*#p")
    assert len(there.removeprefix("+")) <= DIGITS_MAX
    assert "+" not in there[1:]


def test_the_number_that_is_preferred_is_taken_then_a_mobile_one_and_never_a_fax_first() -> None:
    people = [
        person("A", number("1", "fax", rank=1), number("2", "home"), number("3", "cell")),
        person("B", number("4", "cell"), number("5", "work", rank=1)),
        person("C", number("6", "fax")),
    ]
    chosen = select(people, 250)
    assert [entry.number for entry in chosen.entries] == ["3", "5", "6"]
    why = "a place holds one number"
    assert chosen.left_out == (
        LeftOut("A: 2", why), LeftOut("A: 1", why), LeftOut("B: 4", why)
    )  # fmt: skip


def test_a_number_that_does_not_fit_gives_its_place_to_the_next_and_is_named() -> None:
    chosen = select([person("A", "1" * 21, "FLOWERS", "7", "7")], 250)
    assert chosen.entries == (Entry("A", "7", "A", "uid-A"),)
    long, letters = chosen.left_out
    assert long.what == "A: " + "1" * 21
    assert "20 digits" in long.why
    assert letters == ("A: FLOWERS", "it is no number that a card can hold")


def test_of_three_hundred_fifty_are_left_out_and_each_is_named() -> None:
    people = [person(f"P{i:03}", f"{i}") for i in reversed(range(300))]
    chosen = select(people, 250)
    assert [entry.full_name for entry in chosen.entries] == [f"P{i:03}" for i in range(250)]
    assert [one.what for one in chosen.left_out] == [f"P{i:03}" for i in range(250, 300)]
    assert {one.why for one in chosen.left_out} == {"the card has 250 places"}


def test_who_has_no_number_takes_no_place_and_is_named() -> None:
    chosen = select([person("Ann"), person("", uid="u"), person("Bob", "x")], 1)
    assert chosen == Selection(
        (),
        (
            LeftOut("Ann", "there is no number"),
            LeftOut("u", "there is no number"),
            LeftOut("Bob: x", "it is no number that a card can hold"),
        ),
    )


def test_who_is_picked_comes_first_in_the_order_of_the_list() -> None:
    people = [person(name, "1", uid=f"u{name}") for name in ("Ann", "Bob", "Zoë", "Cid")]
    chosen = select(people, 3, ["zoe\u0308", "UBob", "Nobody", "Zoë"])
    assert [entry.full_name for entry in chosen.entries] == ["Zoë", "Bob", "Ann"]
    assert chosen.left_out == (
        LeftOut("Nobody", "it was picked, but nobody with a number is called so"),
        LeftOut("Cid", "the card has 3 places"),
    )


def test_a_pick_that_means_two_people_takes_both() -> None:
    people = [person("Ann", "1", uid="b"), person("Bob", "2"), person("Ann", "3", uid="a")]
    assert [entry.number for entry in select(people, 2, ["Ann"]).entries] == ["1", "3"]


def test_the_list_of_picks_has_one_a_line() -> None:
    assert read_picks("\ufeffAnn\r\n\r\n# the rest\n  Bob Smith \n") == ["Ann", "Bob Smith"]


def test_the_cards_for_a_phone_hold_name_and_number_and_nothing_else() -> None:
    (raw,) = write_cards([Entry("A;b", "+1p2", "A;b long", "u")])
    assert raw == (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:A\\;b;;;;\r\nFN:A\\;b\r\nTEL:+1p2\r\nEND:VCARD\r\n"
    )
    assert read_contact(raw).name == "A;b"


def test_the_table_is_quoted_and_runs_in_no_spreadsheet() -> None:
    entries = [Entry('A "b"', "+1", "A, long", "u"), Entry("=1+1", "2", "@x", "v")]
    rows = list(csv.reader(io.StringIO(b"".join(write_table(entries)).decode())))
    assert rows == [
        ["Name", "Number", "Full name"], ['A "b"', "+1", "A, long"], ["'=1+1", "2", "'@x"]
    ]  # fmt: skip

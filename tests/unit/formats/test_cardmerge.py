"""Merging: what one side changed is taken, what both changed is kept twice, the rest stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_LINES_MAX, MERGE_ALIKE_MAX, MERGE_PARAMETERS_MAX
from strongroom.formats import FormatError
from strongroom.formats.carddiff import Difference, differences
from strongroom.formats.cardlines import split_card
from strongroom.formats.cardmerge import Merged, merge
from strongroom.formats.cardunits import units_of

SECONDS_MAX = 3.0  # some ten times of what it takes


def card(*lines: str, version: str = "3.0", end: str = "\r\n") -> bytes:
    fixed = ["BEGIN:VCARD", f"VERSION:{version}", "UID:u1"]
    return end.join([*fixed, *lines, "END:VCARD", ""]).encode()


def lines_of(merged: Merged) -> list[str]:
    return merged.body.decode().replace("\r\n ", "").splitlines()[3:-1]


def three(base: tuple[str, ...], standing: tuple[str, ...], wanted: tuple[str, ...]) -> list[str]:
    merged = merge(card(*base), card(*standing), card(*wanted))
    again = merge(card(*base), merged.body, card(*wanted))
    assert again.body == merged.body
    return lines_of(merged)


def union(standing: tuple[str, ...], wanted: tuple[str, ...]) -> list[str]:
    merged = merge(None, card(*standing), card(*wanted))
    assert merge(None, merged.body, card(*wanted)).body == merged.body
    return lines_of(merged)


# --- one side changed it --------------------------------------------------------------------------


def test_what_only_the_wanted_card_changed_is_taken_in_its_place():
    base = ("FN:Ann", "TEL;TYPE=HOME:1", "TEL;TYPE=CELL:2", "NOTE:a")
    wanted = ("FN:Ann Lee", "TEL;TYPE=HOME:10", "TEL;TYPE=CELL:2", "EMAIL:a@b", "NOTE:a")

    assert three(base, base, wanted) == [
        "FN:Ann Lee", "TEL;TYPE=HOME:10", "TEL;TYPE=CELL:2", "NOTE:a", "EMAIL:a@b",
    ]  # fmt: skip


def test_what_the_wanted_card_removed_goes_and_what_only_the_standing_one_changed_stays():
    base = ("FN:Ann", "TEL:1", "NOTE:a", "URL:u")

    standing = ("FN:Ann Lee", "TEL:1", "NOTE:a", "ROLE:r")
    wanted = ("FN:Ann", "NOTE:b", "URL:u")

    assert three(base, standing, wanted) == ["FN:Ann Lee", "NOTE:b", "ROLE:r"]


def test_the_same_change_on_both_sides_is_no_conflict():
    base = card("FN:A", "TEL:1", "URL:u", "TITLE:t")
    changed = card("FN:B", "TEL:2", "TEL:3")

    assert merge(base, changed, changed) == Merged(changed, ())


def test_how_often_a_line_is_there_says_nothing():
    assert three(("TEL:1", "TEL:1"), ("TEL:1", "TEL:1"), ("TEL:1",)) == ["TEL:1", "TEL:1"]
    assert three(("TEL:1",), ("TEL:1", "TEL:1"), ()) == []
    assert three(("TEL:1",), ("TEL:1", "TEL:1"), ("TEL:2",)) == ["TEL:2"]
    assert union(("FN:A",), ("TEL:1", "TEL:1")) == ["FN:A", "TEL:1"]


def test_what_became_a_value_that_stands_already_is_there_once():
    assert three(("TEL:1", "TEL:2"), ("TEL:1", "TEL:2"), ("TEL:2", "TEL:2")) == ["TEL:2"]
    assert three(("TEL;TYPE=cell:1",), ("TEL:9", "TEL:2"), ("TEL:2",)) == ["TEL:9", "TEL:2"]


# --- both sides changed it ------------------------------------------------------------------------


def test_a_value_that_both_changed_differently_is_kept_twice_and_reported():
    base, standing = card("TEL;TYPE=HOME:1"), card("TEL;TYPE=HOME:2")

    merged = merge(base, standing, card("TEL;TYPE=HOME:3"))

    assert lines_of(merged) == ["TEL;TYPE=HOME:2", "TEL;TYPE=HOME:3"]
    assert merged.conflicts == (Difference("Phone (home)", "2", "3"),)


def test_what_a_card_has_once_keeps_the_wanted_one_under_another_name():
    base, standing = card("FN:A", "BDAY:2000-01-01"), card("FN:B", "BDAY:2000-01-02")
    wanted = card("FN:C", "BDAY:2000-01-03")

    merged = merge(base, standing, wanted)

    assert lines_of(merged) == [
        "FN:B", "BDAY:2000-01-02",
        "X-STRONGROOM-OTHER-FN:C", "X-STRONGROOM-OTHER-BDAY:2000-01-03",
    ]  # fmt: skip
    assert merged.conflicts == (
        Difference("Full name", "B", "C"),
        Difference("Birthday", "2000-01-02", "2000-01-03"),
    )
    assert merge(base, merged.body, wanted) == Merged(merged.body, ())


def test_a_name_that_rides_along_from_the_other_version_is_had_once_too():
    assert union(("X-VCARD4-BIRTHPLACE:a",), ("X-VCARD4-BIRTHPLACE:b",)) == [
        "X-VCARD4-BIRTHPLACE:a", "X-STRONGROOM-OTHER-X-VCARD4-BIRTHPLACE:b",
    ]  # fmt: skip


def test_who_edits_wins_over_who_deletes_and_it_is_reported():
    base = card("TEL:1", "FN:A")

    edited_there = merge(base, card("FN:A"), card("TEL:2", "FN:A"))
    edited_here = merge(base, card("TEL:2", "FN:A"), card("FN:A"))

    assert lines_of(edited_there) == ["FN:A", "TEL:2"]
    assert edited_there.conflicts == (Difference("Phone", "", "2"),)
    assert lines_of(edited_here) == ["TEL:2", "FN:A"]
    assert edited_here.conflicts == (Difference("Phone", "2", ""),)
    assert lines_of(merge(base, card("FN:A"), card("FN:A"))) == ["FN:A"]
    assert lines_of(merge(base, card("TEL:1"), card("TEL:1", "FN:B"))) == ["TEL:1", "FN:B"]


CLASHES = [
    # standing, wanted, what a phone's word makes, what the server's word makes
    (("FN:B",), ("FN:C",), ["FN:C"], ["FN:B"]),
    (("FN:A", "TEL:2"), ("FN:A", "TEL:3"), ["FN:A", "TEL:3"], ["FN:A", "TEL:2"]),
    (("FN:A",), ("FN:A", "TEL:3"), ["FN:A", "TEL:3"], ["FN:A"]),
    (("FN:A", "TEL:2"), ("FN:A",), ["FN:A"], ["FN:A", "TEL:2"]),
    (("FN:A", "TEL:1", "BDAY:1"), ("FN:A", "TEL:1", "BDAY:2"),
     ["FN:A", "TEL:1", "BDAY:2"], ["FN:A", "TEL:1", "BDAY:1"]),
]  # fmt: skip


@pytest.mark.parametrize(("standing", "wanted", "phone", "server"), CLASHES)
def test_a_person_may_let_one_side_win(standing, wanted, phone, server):
    base = card("FN:A", "TEL:1")
    for prefer, expected in (("wanted", phone), ("standing", server)):
        merged = merge(base, card(*standing), card(*wanted), prefer)

        assert lines_of(merged) == expected
        assert len(merged.conflicts) == 1
        assert merge(base, merged.body, card(*wanted), prefer).body == merged.body


# --- without a base -------------------------------------------------------------------------------


def test_a_union_has_everything_of_both():
    standing = ("FN:Ann", "TEL:1", "NOTE:a", "X-A:1")

    assert union(standing, ("FN:Ann", "TEL:2", "NOTE:b", "X-B:2")) == [
        "FN:Ann", "TEL:1", "NOTE:a", "X-A:1", "TEL:2", "NOTE:b", "X-B:2",
    ]  # fmt: skip


def test_names_that_differ_are_a_conflict_of_a_union():
    merged = merge(None, card("FN:Ann"), card("FN:Anna"))

    assert lines_of(merged) == ["FN:Ann", "X-STRONGROOM-OTHER-FN:Anna"]
    assert merged.conflicts == (Difference("Full name", "Ann", "Anna"),)


def test_a_second_name_with_empty_parts_is_kept_beside_once():
    assert union(("N:Lee;Ann;;;",), ("N:Lea;Ann;;;",)) == [
        "N:Lee;Ann;;;", "X-STRONGROOM-OTHER-N:Lea;Ann;;;"
    ]  # fmt: skip


def test_a_name_that_a_conversion_made_up_is_nobody_s_word():
    """4.0 needs no N, 3.0 does: what is made of FN on the way contradicts nothing."""
    wanted = card("FN:Ann Lee", "TITLE:t", version="4.0")
    assert lines_of(merge(None, card("FN:Ann Lee", "N:Lee;Ann;;;"), wanted)) == [
        "FN:Ann Lee", "N:Lee;Ann;;;", "TITLE:t"
    ]  # fmt: skip
    given = card("FN:Ann Lee", "N:Lea;Ann;;;", version="4.0")
    assert "X-STRONGROOM-OTHER-N:Lea;Ann;;;" in lines_of(
        merge(None, card("FN:Ann Lee", "N:Lee;Ann;;;"), given)
    )


def test_several_of_what_a_card_has_once_are_all_kept():
    standing, wanted = ("FN;TYPE=home:2",), ("FN:1", "FN:2", "FN:3")

    assert union(standing, wanted) == [
        *standing, "X-STRONGROOM-OTHER-FN:1", "X-STRONGROOM-OTHER-FN:3",
    ]  # fmt: skip
    won = merge(None, card(*standing), card(*wanted), "wanted")
    assert lines_of(won) == ["FN:1", "FN:2", "FN:3"]


SAME_VALUE = [
    # a line that stands, one that is wanted, what becomes of them
    ("TEL;TYPE=HOME:1", "TEL;type=home:1", ["TEL;TYPE=HOME:1"]),
    ("TEL;TYPE=HOME;TYPE=VOICE:1", "TEL;TYPE=home:1", ["TEL;TYPE=HOME;TYPE=VOICE:1"]),
    ("EMAIL:a@b", "EMAIL;TYPE=INTERNET:a@b", ["EMAIL:a@b"]),
    ("EMAIL:a@b", "EMAIL;TYPE=pref;PREF=1:A@B", ["EMAIL:a@b"]),
    ("TEL;TYPE=HOME:+1 (555) 1", "TEL:tel:+15551", ["TEL;TYPE=HOME:+1 (555) 1"]),
    ("TEL;TYPE=HOME:1", "TEL;TYPE=CELL,FAX:1", ["TEL;TYPE=HOME;TYPE=cell,fax:1"]),
    ("TEL:1", "TEL;X-A=b:1", ["TEL;X-A=b:1"]),
    ("TEL;X-A=c:1", "TEL;X-A=b:1", ["TEL;X-A=c:1", "TEL;X-A=b:1"]),
    ("TEL:1", "TEL;X-A=b:2", ["TEL:1", "TEL;X-A=b:2"]),
    ("TEL:one", "TEL:One", ["TEL:one", "TEL:One"]),
    ("ORG:A;", "ORG:A", ["ORG:A;"]),
    ("ORG:A\\;", "ORG:A\\", ["ORG:A\\;", "ORG:A\\"]),
    ("NOTE:a\\, b\\Nc", "NOTE:a, b\\nc", ["NOTE:a\\, b\\Nc"]),
    ("PHOTO;ENCODING=b:QUJD", "PHOTO;ENCODING=BASE64:QU JD", ["PHOTO;ENCODING=b:QUJD"]),
    ("NOTE;ENCODING=QUOTED-PRINTABLE:=C3=A4", "NOTE:ä", ["NOTE;ENCODING=QUOTED-PRINTABLE:=C3=A4"]),
]  # fmt: skip


@pytest.mark.parametrize(("standing", "wanted", "expected"), SAME_VALUE)
def test_what_says_the_same_is_there_once_and_what_says_more_is_said_together(
    standing, wanted, expected
):
    assert union((standing,), (wanted,)) == expected


def test_a_union_gives_a_line_two_more_types_one_after_the_other():
    assert union(("TEL:1",), ("TEL;TYPE=home:1", "TEL;TYPE=cell:1")) == [
        "TEL;TYPE=home;TYPE=cell:1"
    ]


@pytest.mark.parametrize("past", [0, 1])
def test_a_line_is_given_so_many_parameters_and_is_two_lines_then(past: int):
    words = [f"w{number:02}" for number in range(MERGE_PARAMETERS_MAX + past)]
    wanted = f"TEL;TYPE={','.join(words[1:])}:1"
    united = f"TEL;TYPE=w00;TYPE={','.join(words[1:])}:1"

    assert union(("TEL;TYPE=w00:1",), (wanted,)) == (
        ["TEL;TYPE=w00:1", wanted] if past else [united]
    )


@pytest.mark.parametrize("past", [0, 1])
def test_so_many_lines_of_one_value_are_looked_at(past: int):
    others = [f"TEL;X-A={number}:1" for number in range(MERGE_ALIKE_MAX - 1 + past)]

    lines = union((*others, "TEL;X-A=b:1"), ("TEL;X-A=b;TYPE=home:1",))
    assert lines[len(others) :] == (
        ["TEL;X-A=b:1", "TEL;X-A=b;TYPE=home:1"] if past else ["TEL;X-A=b;TYPE=home:1"]
    )


@pytest.mark.parametrize(
    ("standing", "wanted"),
    [("TEL;A={}:1", "TEL;A=x{}:1"), ("TEL;TYPE=a{}:1", "TEL;TYPE=b{}:1")],
)
def test_hostile_cards_are_merged_in_time(standing: str, wanted: str):
    """These took minutes while work grew with the square of the lines."""
    one, other = (
        card(*(line.format(number) for number in range(1500))) for line in (standing, wanted)
    )
    start = time.process_time()

    assert merge(None, one, other).body != one
    assert differences("text/vcard", one, other)
    assert time.process_time() - start < SECONDS_MAX


def test_a_line_that_another_one_replaced_is_not_united_with():
    base, wanted = ("TEL:1", "URL:a"), ("TEL;TYPE=home:2", "URL:a", "TEL;TYPE=cell:1")

    assert three(base, base, wanted) == ["TEL;TYPE=cell:1", "URL:a", "TEL;TYPE=home:2"]
    assert three(("URL:a", "URL:b"), ("URL:a", "URL:b"), ("URL;X-A=1:c", "URL;X-B=2:A")) == [
        "URL;X-A=1:c", "URL;X-B=2:A",
    ]  # fmt: skip


# --- groups ---------------------------------------------------------------------------------------


def test_a_label_goes_with_its_property_under_a_group_that_is_free():
    standing = ("item1.TEL:1", "item1.X-ABLabel:Boat", "ITEM2.URL:u")
    wanted = ("item1.EMAIL:a@b", "item1.X-ABLabel:Club")

    assert union(standing, wanted) == [
        *standing, "item3.EMAIL:a@b", "item3.X-ABLabel:Club",
    ]  # fmt: skip
    assert union(("TEL:1",), wanted) == ["TEL:1", *wanted]


def test_the_name_of_a_group_says_nothing_but_its_label_does():
    standing = ("item1.TEL:1", "item1.X-ABLabel:Boat")

    assert union(standing, ("a.X-ABLABEL:Boat", "a.TEL:1")) == list(standing)
    assert union(standing, ("TEL;TYPE=home:1",)) == [
        "item1.TEL;TYPE=home:1", "item1.X-ABLabel:Boat",
    ]  # fmt: skip
    assert union(("TEL:1",), standing) == ["TEL:1", *standing]


def test_a_changed_label_takes_the_place_of_the_old_one_in_its_group():
    base = ("TEL:9", "item1.TEL:1", "item1.X-ABLabel:Boat", "URL:u")

    assert three(base, base, ("TEL:9", "g.TEL:1", "g.X-ABLabel:Yacht", "URL:u")) == [
        "TEL:9", "item1.TEL:1", "item1.X-ABLabel:Yacht", "URL:u",
    ]  # fmt: skip
    assert three(base, base, ("TEL:9", "TEL:1", "URL:u")) == ["TEL:9", "TEL:1", "URL:u"]
    assert three(base, base, ("TEL:9", "URL:u")) == ["TEL:9", "URL:u"]


def test_a_label_does_not_come_into_a_group_with_others():
    base = ("w.TEL:1", "w.EMAIL:a@b")

    assert three(base, base, ("TEL:1", "v.EMAIL:c@d")) == ["w.TEL:1", "w.EMAIL:c@d"]
    assert three(base, base, ("w.TEL:1", "v.EMAIL:c@d", "v.X-ABLabel:Club")) == [
        "w.TEL:1", "v.EMAIL:c@d", "v.X-ABLabel:Club",
    ]  # fmt: skip


def test_a_label_without_a_property_is_a_unit_of_its_own():
    assert union(("FN:A",), ("item1.X-ABLabel:Boat",)) == ["FN:A", "item1.X-ABLabel:Boat"]


def test_conflicts_tell_the_label():
    base = card("item1.TEL:1", "item1.X-ABLabel:Boat")
    standing = card("item1.TEL:2", "item1.X-ABLabel:Boat")

    merged = merge(base, standing, card("item1.TEL:3", "item1.X-ABLabel:Boat"))

    assert merged.conflicts == (Difference("Phone (Boat)", "2", "3"),)


# --- bytes ----------------------------------------------------------------------------------------


def test_lines_that_nobody_changed_keep_bytes_and_order_folds_and_all():
    standing = (
        b"\xef\xbb\xbfbegin:vcard\nVERSION:3.0\nfn:Ann\nNOTE:a\n  b\nUID:u1\n"
        b"PHOTO;ENCODING=b:QUJD\n QUJD\n\nnonsense\nEND:VCARD\nbehind\n"
    )
    wanted = card("FN:Ann", "NOTE:a b", "PHOTO;ENCODING=b:QUJDQUJD", "TEL:1")

    merged = merge(None, standing, wanted)

    assert merged.body == standing.replace(b"END:", b"TEL:1\nEND:")
    assert merge(None, standing, standing).body == standing


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_what_comes_in_ends_its_lines_like_the_card(end: str):
    note = "NOTE:" + "long " * 30
    wanted = merge(None, card(end="\n"), card(note)).body.replace(b"\n", b"\r\n")

    body = merge(None, card(end=end), wanted).body

    assert body == merge(None, card(end=end), card(note, end=end)).body
    assert body.count(b"\n") == body.count(end.encode())


def test_uid_and_version_of_the_standing_card_stay_and_what_comes_is_written_in_it():
    wanted = card("FN:A", "TEL;PREF=1:tel:+1", "X-A:1", version="4.0").replace(b"u1", b"u2")

    merged = merge(None, card("FN:A"), wanted)

    assert merged.body == card("FN:A", "TEL;TYPE=pref:+1", "X-A:1")
    back = merge(card("FN:A"), card("FN:A", version="4.0"), card("FN:A", "BDAY:2000-01-01"))
    assert back.body == card("FN:A", "BDAY:20000101", version="4.0")


@pytest.mark.parametrize(
    ("standing", "wanted", "expected"),
    [
        ("REV:2020-01-01T00:00:00Z", "REV:20200102T000000Z", "REV:20200102T000000Z"),
        ("REV:2020-01-03T00:00:00Z", "REV:20200102T000000Z", "REV:2020-01-03T00:00:00Z"),
        ("PRODID:a", "PRODID:b", "PRODID:b"),
        ("PRODID:a", "PRODID:a", "PRODID:a"),
    ],
)
def test_marks_of_the_writer_go_along_with_a_change_and_are_none(standing, wanted, expected):
    assert union(("FN:A", standing), ("FN:A", wanted, "TEL:1")) == ["FN:A", expected, "TEL:1"]
    assert union(("FN:A", standing), ("FN:A", wanted)) == ["FN:A", standing]
    assert union(("FN:A", standing), ("FN:A", "TEL:1")) == ["FN:A", standing, "TEL:1"]


def test_a_mark_that_the_standing_card_has_not_comes_along():
    assert union(("FN:A",), ("FN:A", "TEL:1", "PRODID:p")) == ["FN:A", "TEL:1", "PRODID:p"]


# --- what cannot be merged ------------------------------------------------------------------------


def test_a_version_that_is_not_known_is_refused():
    for standing, wanted in (("2.1", "3.0"), ("3.0", "2.1")):
        with pytest.raises(FormatError) as caught:
            merge(None, card(version=standing), card(version=wanted))

        assert caught.value.code == "unsupported-version"


def test_many_lines_are_merged_in_time_and_one_more_is_refused():
    many = tuple(f"X-M:{number}" for number in range(CARD_LINES_MAX - 5))

    assert len(lines_of(merge(None, card("X-M:a"), card(*many)))) == len(many) + 1

    with pytest.raises(FormatError) as caught:
        merge(None, card(), card(*many, *many))
    assert caught.value.code == "too-complex"


def test_a_card_without_an_end_takes_nothing_in():
    assert merge(None, b"VERSION:3.0\nFN:A", card("TEL:1")).body == b"VERSION:3.0\nFN:A"


# --- whatever the cards are -----------------------------------------------------------------------

LINE = st.builds(
    "{}{}{}:{}".format,
    st.sampled_from(["", "item1.", "item2."]),
    st.sampled_from(["FN", "TEL", "EMAIL", "X-ABLabel", "BDAY", "ORG"]),
    st.sampled_from(["", ";TYPE=home", ";TYPE=cell,work", ";X-A=1", ";X-A=2"]),
    st.sampled_from(["1", "2", "a;", "a"]),
)
CARDS = st.lists(LINE, max_size=6).map(lambda lines: card(*lines))


@given(st.none() | CARDS, CARDS, CARDS)
def test_a_second_merge_changes_nothing_and_no_value_of_a_union_is_lost(base, standing, wanted):
    for prefer in ("both", "standing"):
        body = merge(base, standing, wanted, prefer).body
        assert merge(base, body, wanted, prefer).body == body
    assert merge(base, standing, standing).body == standing

    union = merge(None, standing, wanted).body
    kept = {(u.name.removeprefix(b"X-STRONGROOM-OTHER-"), u.value) for u in units(union)}
    assert {(u.name, u.value) for u in units(standing) + units(wanted)} <= kept


def units(text: bytes):
    return units_of(text, split_card(text))

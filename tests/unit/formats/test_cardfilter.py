"""Filters: what RFC 6352 section 10.5 says of each condition, and no surprises in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_LINES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardfilter import (
    COLLATIONS,
    Filter,
    ParamFilter,
    PropFilter,
    TextMatch,
    fold_case,
    matches,
    text_match,
)

CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Ann Müller\r\n"
    "item1.EMAIL;TYPE=work,pref:ann@example.org\r\n"
    "item1.X-ABLabel:Office\r\n"
    "EMAIL;TYPE=HOME;X-N=:home@exam\r\n ple.net\r\n"
    'TEL;TYPE="voice,cell":+1\r\nTEL;FAX:+2\r\n'
    "NOTE:one\\, two\\nthree\r\n"
    "X-ADDRESSBOOKSERVER-KIND:group\r\n"
    "END:VCARD\r\n"
).encode()


def prop(name: str, *conditions: TextMatch | ParamFilter, **more: bool) -> Filter:
    group, _, name = name.rpartition(".")
    wanted = PropFilter(name.encode(), group.encode(), conditions=conditions)
    return Filter((wanted._replace(**more),))


def test_an_empty_filter_matches_every_card():
    """RFC 6352 section 10.5: conditions that are not there do not fail."""
    assert matches(CARD, Filter())
    assert matches(CARD, Filter(every=True))


@pytest.mark.parametrize(
    "name, there",
    [("EMAIL", True), ("ITEM1.EMAIL", True), ("ITEM2.EMAIL", False), ("PHOTO", False)],
)
@pytest.mark.rfc("6352", "10.5.1", "10.5.3")
def test_a_property_is_there_or_not(name: str, there: bool):
    """RFC 6352 section 10.5.1: a name without a group matches any group."""
    assert matches(CARD, prop(name)) is there
    assert matches(CARD, prop(name, defined=False)) is not there


@pytest.mark.parametrize(
    "kind, text, result",
    [
        ("equals", "ann müller", True),
        ("equals", "ann", False),
        ("contains", "N M", True),
        ("contains", "", True),
        ("contains", "x", False),
        ("starts-with", "ANN", True),
        ("starts-with", "nn", False),
        ("ends-with", "LER", True),
        ("ends-with", "Ann", False),
    ],
)
@pytest.mark.rfc("6352", "10.5.4")
def test_a_text_is_compared(kind, text: str, result: bool):
    """RFC 6352 section 10.5.4."""
    assert matches(CARD, prop("FN", text_match(text, kind=kind))) is result
    assert matches(CARD, prop("FN", text_match(text, kind=kind, negated=True))) is not result


@pytest.mark.parametrize(
    "collation, found, missed",
    [
        ("i;octet", ["Ann Müller"], ["ann Müller", "Ann MÜller"]),
        ("i;ascii-casemap", ["ANN Müller"], ["Ann MÜller", "Ann Mu\u0308ller"]),
        ("i;unicode-casemap", ["ann MÜLLER", "Ann Mu\u0308ller"], ["Ann Muller"]),
    ],
)
@pytest.mark.rfc("6352", "8.3", "12")
def test_a_collation_says_what_is_equal(collation, found: list[str], missed: list[str]):
    """RFC 4790 sections 9.2 and 9.3, RFC 5051."""
    for text in found:
        assert matches(CARD, prop("FN", text_match(text, collation, "equals")))
    for text in missed:
        assert not matches(CARD, prop("FN", text_match(text, collation, "equals")))


def test_a_value_is_unescaped_and_unfolded_before_it_is_compared():
    assert matches(CARD, prop("NOTE", text_match("one, two\nthree", kind="equals")))
    assert matches(CARD, prop("EMAIL", text_match("home@example.net", kind="equals")))


def test_a_value_in_quoted_printable_is_read_as_what_it_means():
    """Its parameters are asked as they stand."""
    name = b"FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Bj=C3=B6rn\r\nFN:Ben\r\nEND"
    card = CARD.replace(b"END", name)
    coded = ParamFilter(b"ENCODING", match=text_match("quoted-printable"))

    assert matches(card, prop("FN", text_match("Bj\u00f6rn", kind="equals"), coded, every=True))
    assert matches(card, prop("FN", text_match("ben", kind="equals")))
    assert not matches(card, prop("FN", text_match("C3")))


@pytest.mark.rfc("6352", "10.5.4")
def test_a_negated_text_asks_for_some_property_without_it():
    """RFC 6352 section 10.5.4: never for a property that is not there."""
    assert matches(CARD, prop("EMAIL", text_match("home", negated=True)))
    assert not matches(CARD, prop("EMAIL", text_match("example", negated=True)))
    assert not matches(CARD, prop("PHOTO", text_match("x", negated=True)))


def test_conditions_are_asked_of_one_property_at_a_time():
    """RFC 6352 section 10.5.1: test="allof" within a prop-filter."""
    both = (text_match("home"), ParamFilter(b"TYPE", match=text_match("work")))

    assert matches(CARD, prop("EMAIL", *both))
    assert not matches(CARD, prop("EMAIL", *both, every=True))
    assert matches(CARD, prop("EMAIL", text_match("home"), text_match(".net"), every=True))


@pytest.mark.parametrize(
    "name, condition, result",
    [
        ("EMAIL", ParamFilter(b"TYPE"), True),
        ("EMAIL", ParamFilter(b"X-N"), True),
        ("EMAIL", ParamFilter(b"PREF"), False),
        ("EMAIL", ParamFilter(b"X-N", defined=False), True),
        ("FN", ParamFilter(b"TYPE", defined=False), True),
        ("EMAIL", ParamFilter(b"TYPE", defined=False), False),
        ("EMAIL", ParamFilter(b"TYPE", match=text_match("PREF", kind="equals")), True),
        ("EMAIL", ParamFilter(b"TYPE", match=text_match("work,pref", kind="equals")), False),
        ("TEL", ParamFilter(b"TYPE", match=text_match("cell", kind="equals")), True),
        ("TEL", ParamFilter(b"TYPE", match=text_match("fax", kind="equals")), True),
        ("TEL", ParamFilter(b"TYPE", match=text_match("x")), True),
        ("TEL", ParamFilter(b"TYPE", match=text_match("zzz")), False),
        ("FN", ParamFilter(b"TYPE", match=text_match("x", negated=True)), False),
        ("EMAIL", ParamFilter(b"TYPE", match=text_match("work", negated=True)), True),
        ("EMAIL", ParamFilter(b"TYPE", match=text_match("o", negated=True)), False),
    ],
)
@pytest.mark.rfc("6352", "10.5.2", "10.5.3")
def test_a_parameter_is_asked(name: str, condition: ParamFilter, result: bool):
    """RFC 6352 section 10.5.2."""
    assert matches(CARD, prop(name, condition)) is result


@pytest.mark.rfc("6352", "10.5")
def test_filters_are_joined_by_any_or_all():
    """RFC 6352 section 10.5: test="anyof" is what is meant without a word."""
    here, missing = PropFilter(b"FN"), PropFilter(b"PHOTO")

    assert matches(CARD, Filter((missing, here)))
    assert not matches(CARD, Filter((missing, here), every=True))
    assert matches(CARD, Filter((here, here), every=True))
    assert not matches(CARD, Filter((missing,)))


@pytest.mark.parametrize("name", ["KIND", "X-ADDRESSBOOKSERVER-KIND"])
@pytest.mark.parametrize("stored", [CARD, CARD.replace(b"X-ADDRESSBOOKSERVER-KIND", b"KIND")])
@pytest.mark.rfc("6352", "10.5.1")
def test_a_group_is_found_under_either_name(name: str, stored: bytes):
    assert matches(stored, prop(name, text_match("group", kind="equals")))


def test_a_card_that_is_too_long_is_not_looked_into():
    with pytest.raises(FormatError):
        matches(b"FN:\n" * (CARD_LINES_MAX + 1), prop("FN"))


@given(st.text(), st.sampled_from(COLLATIONS))
def test_every_text_is_equal_to_itself_and_to_what_it_folds_to(text: str, collation):
    folded = fold_case(text, collation)

    assert folded == fold_case(text, collation)
    if text.isascii():
        assert folded == fold_case(folded, collation)
    assert folded != "" or text == ""


@given(st.binary(), st.sampled_from([prop("FN", text_match("a")), prop("X", ParamFilter(b"Y"))]))
def test_any_bytes_match_or_do_not(card: bytes, wanted: Filter):
    assert matches(card, wanted) in {True, False}
    assert matches(b"FN;" + card, wanted) in {True, False}

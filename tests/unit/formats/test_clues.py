"""A clue says no only where the filter does; it is no use if it never says no."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component, event
from strongroom.base.limits import CARD_LINES_MAX
from strongroom.formats import calendarfilter as cal
from strongroom.formats.calendarfilter import CompFilter, Range
from strongroom.formats.cardfilter import (
    COLLATIONS,
    Filter,
    MatchType,
    ParamFilter,
    PropFilter,
    TextMatch,
    matches,
    text_match,
)
from strongroom.formats.clues import Clue, calendar_clue, card_clue

A, B, C = text_match("a"), text_match("b"), text_match("c")
NOT_A = text_match("a", negated=True)
OCTET = text_match("A", "i;octet")
TYPE = ParamFilter(b"TYPE", match=text_match("a"))


def says_no(clue: Clue | None, body: bytes) -> bool:
    text = clue.part.text(body) if clue else None
    return clue is not None and text is not None and not clue.fits(text)


# --- cards ----------------------------------------------------------------------------------------
def prop(
    *conditions: TextMatch | ParamFilter, name: bytes = b"FN", every: bool = False
) -> PropFilter:
    return PropFilter(name, every=every, conditions=conditions)


@pytest.mark.parametrize(
    "wanted, clauses",
    [
        (Filter(), None),
        (Filter((prop(),)), None),
        (Filter((prop(A)._replace(defined=False),)), None),
        (Filter((prop(NOT_A),)), None),
        (Filter((prop(TYPE),)), None),
        (Filter((prop(A),)), [["A"]]),
        (Filter((prop(A),), every=True), [["A"]]),
        (Filter((prop(A, B),)), [["A", "B"]]),
        (Filter((prop(A, NOT_A),)), None),
        (Filter((prop(A, TYPE),)), None),
        (Filter((prop(A, OCTET),)), None),
        (Filter((prop(A, B, every=True),)), [["A"]]),
        (Filter((prop(A, TYPE, NOT_A, OCTET, every=True),)), [["A"]]),
        (Filter((prop(TYPE, A, every=True), prop(B, C))), [["A", "B", "C"]]),
        (Filter((prop(A), prop())), None),
        (Filter((prop(), prop(NOT_A)), every=True), None),
        (Filter((prop(A), prop()), every=True), [["A"]]),
        (Filter((prop(A, B, every=True), prop(B, C)), every=True), [["A"], ["B"], ["B", "C"]]),
    ],
)  # fmt: skip
def test_what_each_card_that_matches_holds(wanted: Filter, clauses: list[list[str]] | None) -> None:
    clue = card_clue(wanted)

    assert (None if clue is None else [list(clause) for clause in clue.clauses]) == clauses


def test_a_card_is_asked_for_the_properties_of_its_clauses() -> None:
    wanted = Filter((prop(A, name=b"KIND"), prop(name=b"NOTE")), every=True)
    clue = card_clue(wanted)

    assert clue is not None
    assert clue.part.names == {b"KIND", b"X-ADDRESSBOOKSERVER-KIND"}


def test_a_card_is_told_by_what_it_says() -> None:
    """Folds, escapes, quoted-printable, capitals; other properties are not looked at."""
    card = (
        b"BEGIN:VCARD\r\nFN:Smith\\, J\r\n ohn\r\n"
        b"item1.FN;ENCODING=QUOTED-PRINTABLE:J=C3=BCrgen\r\nNOTE:Berta\r\nEND:VCARD\r\nFN:Nobody\r\n"
    )
    for text, there in (
        ("smith, john", True), ("J\u00dcRGEN", True), ("berta", False), ("nobody", False)
    ):  # fmt: skip
        wanted = Filter((prop(text_match(text)),))
        assert says_no(card_clue(wanted), card) is not there
        assert matches(card, wanted) is there


def test_what_is_too_long_to_look_into_is_not_told() -> None:
    clue = card_clue(Filter((prop(A),)))

    assert clue is not None
    assert clue.part.text(b"FN:\n" * (CARD_LINES_MAX + 1)) is None


# So few pieces that texts of a filter are often those of a card.
PIECES = (
    "a", "B", "ab", "\u00fc", "u\u0308", "\u00df", "ss", "a\u0301\u0323", "\u0323", "\\n", "\\",
    "\\\\", "\\,", ",", ";", ":",
    "=C3=BC", "=", " ", "\r", "\r\n ", "\n\t", "\n ", "\r\n\r\n  ",
)  # fmt: skip
PARAMETERS = (
    "", ";TYPE=a,B", ";X=ab", ";ENCODING=QUOTED-PRINTABLE", ";ENCODING=b",
    ";encoding=quoted-printable;CHARSET=iso-8859-1",
)  # fmt: skip
VALUES = st.sampled_from(
    [*map("".join, product(PIECES, repeat=2)), *map("".join, product(PIECES, repeat=3))]
)


def several(one: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[Any]:
    return st.lists(one, min_size=least, max_size=most).map(tuple)


NAMES = ("FN", "FN", "FN", "item1.fn", "NOTE", "KIND", "X-ADDRESSBOOKSERVER-KIND", "END", "FN\n ")
CARD_LINES = st.tuples(st.sampled_from(NAMES), st.sampled_from(PARAMETERS), VALUES).map(
    "{0[0]}{0[1]}:{0[2]}\r\n".format
)
ENDS = st.sampled_from([b"", b"\xff", b"\xc3", b"FN:\xe2\x82\r\n"])
CARDS = st.tuples(several(CARD_LINES, 2, 4), ENDS).map(
    lambda it: b"BEGIN:VCARD\r\n" + "".join(it[0]).encode() + it[1]
)

MOSTLY = st.sampled_from((True, True, True, False))
SOUGHT = ("a", "b", "\u00fc", "u\u0308", "S", "\u0323", "\n", "\\", ",", " ", "")
MATCHES = st.sampled_from(
    [
        text_match(one + two, collation, kind, negated)
        for one in SOUGHT
        for two in ("", "", "", *SOUGHT)
        for collation in (*COLLATIONS, "i;unicode-casemap")
        for kind in ("contains", "contains", "contains", *get_args(MatchType))
        for negated in (True, False, False, False)
    ]
)
PARAMS = st.tuples(st.booleans(), st.none() | MATCHES).map(lambda it: ParamFilter(b"TYPE", *it))
PROP_FILTERS = st.tuples(
    st.sampled_from((b"FN", b"FN", b"NOTE", b"KIND")),
    st.sampled_from((b"", b"", b"ITEM1")),
    MOSTLY,
    st.booleans(),
    several(MATCHES | MATCHES | MATCHES | PARAMS, 1, 3),
).map(lambda it: PropFilter(*it))
FILTERS = st.tuples(several(PROP_FILTERS, 1, 2), st.booleans()).map(lambda it: Filter(*it))


SIMPLE = [
    text_match(text, collation, kind)
    for text in SOUGHT
    for collation in COLLATIONS
    for kind in ("contains", "starts-with")
]


@given(CARDS, FILTERS)
def test_no_card_that_matches_is_left_out(card: bytes, wanted: Filter) -> None:
    of_one_text = (Filter((PropFilter(b"FN", conditions=(one,)),)) for one in SIMPLE)
    for asked in (wanted, *of_one_text):
        if matches(card, asked):
            assert not says_no(card_clue(asked), card)


# --- calendars ------------------------------------------------------------------------------------
def of_events(*props: cal.PropFilter, defined: bool = True) -> CompFilter:
    return CompFilter(b"VCALENDAR", comps=(CompFilter(b"VEVENT", defined, props=props),))


SUMMARY_A = cal.PropFilter(b"SUMMARY", text=A)
PLACE_B = cal.PropFilter(b"LOCATION", text=B)


@pytest.mark.parametrize(
    "wanted, clauses",
    [
        (CompFilter(b"VCALENDAR"), None),
        (of_events(), None),
        (of_events(cal.PropFilter(b"SUMMARY")), None),
        (of_events(SUMMARY_A._replace(defined=False)), None),
        (of_events(SUMMARY_A, defined=False), None),
        (of_events(cal.PropFilter(b"SUMMARY", text=NOT_A)), None),
        (of_events(SUMMARY_A), [["A"]]),
        (of_events(SUMMARY_A, PLACE_B), [["A"], ["B"]]),
        (of_events(SUMMARY_A, cal.PropFilter(b"LOCATION", text=OCTET)), [["A"]]),
        (of_events(cal.PropFilter(b"SUMMARY", text=C, params=(TYPE,))), [["C"]]),
        (CompFilter(b"VCALENDAR", props=(SUMMARY_A,), comps=of_events(PLACE_B).comps),
         [["A"], ["B"]]),
    ],
)  # fmt: skip
def test_what_each_calendar_object_that_matches_holds(
    wanted: CompFilter, clauses: list[list[str]] | None
) -> None:
    clue = calendar_clue(wanted)

    assert (None if clue is None else [list(clause) for clause in clue.clauses]) == clauses


def test_a_calendar_object_is_told_by_what_it_says() -> None:
    """In its alarms too; not in properties that were not asked for."""
    alarm = component("VALARM", "DESCRIPTION:Wake")
    body = calendar(BERLIN, component("VEVENT", "SUMMARY:Lunch\\, late", "LOCATION:Bar", alarm))

    for name, text, there in (
        (b"SUMMARY", "LUNCH, LATE", True), (b"DESCRIPTION", "wake", True),
        (b"SUMMARY", "bar", False),
    ):  # fmt: skip
        wanted = of_events(cal.PropFilter(name, text=text_match(text)))
        assert says_no(calendar_clue(wanted), body) is not there


def test_what_cannot_be_read_is_not_told() -> None:
    clue = calendar_clue(of_events(SUMMARY_A))

    assert clue is not None
    assert clue.part.text(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n") is None


def test_a_text_that_is_not_there_is_no_match_whenever_the_event_may_happen() -> None:
    """The filter alone would list it, for it cannot tell when."""
    body = event("DTSTART:never", "SUMMARY:b")
    event_filter = CompFilter(b"VEVENT", range=Range(0, 1), props=(SUMMARY_A,))

    assert says_no(calendar_clue(CompFilter(b"VCALENDAR", comps=(event_filter,))), body)


EVENT_NAMES = st.sampled_from(("SUMMARY", "LOCATION;LANGUAGE=de", "summary", "X"))
EVENT_LINES = st.tuples(EVENT_NAMES, VALUES).map("{0[0]}:{0[1]}\r\n".format)
EVENTS = st.tuples(EVENT_LINES, several(EVENT_LINES, 0, 3), EVENT_LINES).map(
    lambda lines: (
        f"BEGIN:VCALENDAR\r\n{lines[0]}BEGIN:VEVENT\r\n{''.join(lines[1])}BEGIN:VALARM\r\n"
        f"{lines[2]}END:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()
)
PROP_ASKED = st.tuples(
    st.sampled_from((b"SUMMARY", b"SUMMARY", b"LOCATION")),
    MOSTLY,
    st.none() | MATCHES | MATCHES,
    several(PARAMS, 0, 1),
).map(lambda it: cal.PropFilter(it[0], it[1], it[2], params=it[3]))
ALARMS = st.tuples(MOSTLY, several(PROP_ASKED, 1, 1)).map(
    lambda it: CompFilter(b"VALARM", it[0], props=it[1])
)
KINDS = st.sampled_from((b"VEVENT", b"VEVENT", b"VEVENT", b"VTODO"))
COMPS = st.tuples(
    KINDS, MOSTLY, several(PROP_ASKED, 0, 2), st.just(()) | st.just(()) | several(ALARMS, 1, 1)
).map(lambda it: CompFilter(it[0], it[1], props=it[2], comps=it[3]))


@given(EVENTS, COMPS)
def test_no_calendar_object_that_matches_is_left_out(body: bytes, inner: CompFilter) -> None:
    of_one_text = (of_events(cal.PropFilter(b"SUMMARY", text=one)) for one in SIMPLE)
    for asked in (CompFilter(b"VCALENDAR", comps=(inner,)), *of_one_text):
        if cal.matches(body, asked):
            assert not says_no(calendar_clue(asked), body)

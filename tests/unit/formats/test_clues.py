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
NAMES = ("FN", "item1.fn", "NOTE", "KIND", "X-ADDRESSBOOKSERVER-KIND", "END", "FN\n ")
VALUES = st.sampled_from(
    [*map("".join, product(PIECES, repeat=2)), *map("".join, product(PIECES, repeat=3))]
)
CARD_LINES = st.builds(
    "{}{}:{}\r\n".format, st.sampled_from(NAMES), st.sampled_from(PARAMETERS), VALUES
)
BYTES = st.sampled_from([b"", b"\xff", b"\xc3", b"FN:\xe2\x82\r\n"])
CARDS = st.builds(
    lambda lines, more: b"BEGIN:VCARD\r\n" + "".join(lines).encode() + more,
    st.lists(CARD_LINES, max_size=4), BYTES,
)  # fmt: skip

SOUGHT = ("a", "b", "ab", "\u00fc", "u\u0308", "SS", "\u0323", "\n", "\\", ",", " ")
MATCHES = st.sampled_from(
    [
        text_match(one + two, collation, kind, negated)
        for one in SOUGHT
        for two in ("", *SOUGHT)
        for collation in COLLATIONS
        for kind in get_args(MatchType)
        for negated in (True, False)
    ]
)
PARAMS = st.builds(ParamFilter, st.just(b"TYPE"), st.booleans(), st.none() | MATCHES)
CONDITIONS = st.lists(MATCHES | MATCHES | PARAMS, max_size=3).map(tuple)
FILTERS = st.builds(
    Filter,
    st.lists(
        st.builds(
            PropFilter,
            st.sampled_from((b"FN", b"NOTE", b"KIND")),
            st.sampled_from((b"", b"", b"ITEM1")),
            st.sampled_from((True, True, True, False)),
            st.booleans(),
            CONDITIONS,
        ),
        max_size=3,
    ).map(tuple),
    st.booleans(),
)


@given(CARDS, FILTERS)
def test_no_card_that_matches_is_left_out(card: bytes, wanted: Filter) -> None:
    if matches(card, wanted):
        assert not says_no(card_clue(wanted), card)


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


def several(one: st.SearchStrategy[Any], most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=most).map(tuple)


MOSTLY = st.sampled_from((True, True, True, False))
EVENT_NAMES = st.sampled_from(("SUMMARY", "LOCATION;LANGUAGE=de", "summary", "X"))
EVENT_LINES = st.tuples(EVENT_NAMES, VALUES).map("{0[0]}:{0[1]}\r\n".format)
EVENTS = st.tuples(EVENT_LINES, several(EVENT_LINES, 3), EVENT_LINES).map(
    lambda lines: (
        f"BEGIN:VCALENDAR\r\n{lines[0]}BEGIN:VEVENT\r\n{''.join(lines[1])}BEGIN:VALARM\r\n"
        f"{lines[2]}END:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()
)
PROPS = several(
    st.tuples(
        st.sampled_from((b"SUMMARY", b"LOCATION")), MOSTLY, st.none() | MATCHES, several(PARAMS, 1)
    ).map(lambda it: cal.PropFilter(it[0], it[1], it[2], params=it[3])),
    2,
)
ALARMS = several(
    st.tuples(MOSTLY, PROPS).map(lambda it: CompFilter(b"VALARM", it[0], props=it[1])), 1
)
COMPS = several(
    st.tuples(st.sampled_from((b"VEVENT", b"VTODO")), MOSTLY, PROPS, ALARMS).map(
        lambda it: CompFilter(it[0], it[1], props=it[2], comps=it[3])
    ),
    2,
)


@given(EVENTS, PROPS, COMPS)
def test_no_calendar_object_that_matches_is_left_out(
    body: bytes, props: tuple[cal.PropFilter, ...], comps: tuple[CompFilter, ...]
) -> None:
    wanted = CompFilter(b"VCALENDAR", props=props, comps=comps)
    if cal.matches(body, wanted):
        assert not says_no(calendar_clue(wanted), body)

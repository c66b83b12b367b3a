"""Lines of a card: read fast, and given back byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_LINES_MAX, CARD_PARAMETERS_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardlines import (
    LINE_BYTES_MAX,
    Parameter,
    escape_text,
    find_lines,
    join_card,
    parameters_of,
    split_card,
    unescape,
    values_of,
    write_line,
    write_parameters,
)
from strongroom.formats.characters import unfolded


def line(text: bytes):
    return split_card(text)[0]


@pytest.mark.parametrize(
    "raw, parts",
    [
        (b"FN:Ann", (b"", b"FN", b"", b"Ann")),
        (b"fn:Ann\r", (b"", b"FN", b"", b"Ann")),
        (b"item1.Tel;TYPE=a:+1:2", (b"item1", b"TEL", b";TYPE=a", b"+1:2")),
        (b'ADR;LABEL="a:b;c":x', (b"", b"ADR", b';LABEL="a:b;c"', b"x")),
        (b'ADR;LABEL="a:b', (b"", b"ADR", b';LABEL="a', b"b")),
        (b"N\r\n OTE:a\r\n  b\n\tc", (b"", b"NOTE", b"", b"a bc")),
        (b"\xef\xbb\xbfBEGIN:VCARD", (b"", b"BEGIN", b"", b"VCARD")),
        (b"no property", (b"", b"", b"", b"")),
        (b"", (b"", b"", b"", b"")),
        (b"X-" + b"Y" * 200 + b":z", (b"", b"X-" + b"Y" * 200, b"", b"z")),
    ],
)
def test_a_line_is_read(raw: bytes, parts: tuple[bytes, ...]):
    assert (raw, *parts) == tuple(line(raw))


def test_what_stands_behind_the_end_is_no_property():
    card = b"BEGIN:VCARD\nBEGIN:X\nEND:X\nFN:A\nEND:vcard \nUID:other\n"

    assert [one.name for one in split_card(card)] == [
        *(b"BEGIN", b"BEGIN", b"END", b"FN", b"END"),
        *(b"", b""),
    ]
    assert find_lines(card, frozenset({b"UID"})) == []


@given(st.lists(st.sampled_from([b"FN", b":", b"\n", b"\r\n ", b"\t", b";", b'"', b"END:VCARD"])))
def test_any_bytes_are_given_back(pieces: list[bytes]):
    card = b"".join(pieces)

    assert card == join_card(one.raw for one in split_card(card))


@given(st.binary())
def test_any_binary_is_given_back(card: bytes):
    assert card == join_card(one.raw for one in split_card(card))


def test_too_many_lines_are_refused_and_folds_are_none():
    most = b"A:\n" * CARD_LINES_MAX
    photo = b"PHOTO:" + b"A\r\n " * (CARD_LINES_MAX * 2)

    assert len(split_card(most)) == CARD_LINES_MAX + 1
    assert len(find_lines(most, frozenset({b"A"}))) == CARD_LINES_MAX
    assert len(split_card(photo)) == 1
    for bad in (most + b"A:\n", b"A:" + b"\n " * (CARD_LINES_MAX * 10 + 1)):
        with pytest.raises(FormatError, match="lines") as caught:
            split_card(bad)
        assert caught.value.code == "too-complex"
    with pytest.raises(FormatError, match="lines"):
        find_lines(most + b"A:\n", frozenset({b"A"}))


def test_endless_parameters_are_refused():
    most = b"TEL" + b";X=" + b"y" * (CARD_PARAMETERS_BYTES_MAX - 3)

    assert len(split_card(most + b":1\n")) == 2
    assert len(find_lines(most + b":1\n", frozenset({b"TEL"}))) == 1
    for read in (split_card, lambda card: find_lines(card, frozenset({b"TEL"}))):
        with pytest.raises(FormatError, match="parameters"):
            read(most + b"y:1\n")


def test_lines_are_found_by_name():
    card = b"FN:A\r\ng.fn;X=1:B\r\n C\r\nXFN:D\r\nNOTE:FN:E\r\nFNX:F\r\n"

    found = find_lines(card, frozenset({b"FN"}))
    assert [(one.group, one.parameters, one.value) for one in found] == [
        (b"", b"", b"A"),
        (b"g", b";X=1", b"BC"),
    ]


@pytest.mark.parametrize(
    "text, parameters",
    [
        (b"", []),
        (b";TYPE=work,home;PREF=1", [(b"TYPE", b"work", b"home"), (b"PREF", b"1")]),
        (b';type="a,b";x="c;d",e', [(b"TYPE", b"a,b"), (b"X", b"c;d", b"e")]),
        (b";HOME;base64;", [(b"TYPE", b"HOME"), (b"ENCODING", b"base64")]),
        (b';X="a;c', [(b"X", b'"a'), (b"TYPE", b"c")]),
        (b";X=;Y= ", [(b"X", b""), (b"Y", b" ")]),
        (b";X=" + b"y" * 500, [(b"X", b"y" * 500)]),
        (b';X="', [(b"X", b'"')]),
    ],
)
def test_parameters_are_read(text: bytes, parameters: list[tuple[bytes, ...]]):
    assert parameters == [(one.name, *one.values) for one in parameters_of(text)]


WORDS = st.binary(min_size=1, max_size=6).map(lambda raw: raw.translate(None, b'";:,=\r\n \t'))


@given(
    st.lists(
        st.tuples(
            st.from_regex(rb"X[A-Z0-9-]*", fullmatch=True),
            st.lists(WORDS | WORDS.map(lambda word: word + b";,:" + word), min_size=1, max_size=3),
        ),
        max_size=4,
    )
)
def test_parameters_that_are_written_are_read_again(pairs: list[tuple[bytes, list[bytes]]]):
    parameters = tuple(Parameter(name, tuple(values)) for name, values in pairs)

    assert parameters == parameters_of(write_parameters(parameters))


def test_a_value_with_a_quote_of_its_own_is_written_as_it_was():
    assert write_parameters([Parameter(b"X", (b'"a;', b"b"))]) == b';X="a;,b'


def test_types_in_one_quote_are_several():
    parameters = parameters_of(b';TYPE="voice,home";TYPE=work;X="a,b"')

    assert values_of(parameters, b"TYPE") == (b"voice", b"home", b"work")
    assert values_of(parameters, b"X") == (b"a,b",)
    assert values_of(parameters, b"Y") == ()


@given(st.text(max_size=400), st.sampled_from([b"\r\n", b"\n"]))
def test_a_line_is_folded_never_inside_a_character(text: str, end: bytes):
    value = text.encode("utf-8", "replace").translate(None, b"\r\n")
    raw = write_line(b"g", b"NOTE", b";X=1", value, end)

    (back,) = split_card(raw)
    assert (b"g", b"NOTE", b";X=1", value, end) == (*back[1:], back.end)
    for piece in raw.split(b"\n"):
        assert len(piece.removesuffix(b"\r")) <= LINE_BYTES_MAX
        piece.decode()


@pytest.mark.parametrize("value", [b"\xbf" * 400, b"\xff" * 400])
def test_what_is_no_text_is_folded_all_the_same(value: bytes):
    raw = write_line(b"", b"X", b"", value, b"\n")

    assert line(raw).value == value


@given(st.text())
def test_a_text_that_is_escaped_means_itself(text: str):
    assert text == unescape(escape_text(text))


def test_escapes_are_understood():
    assert unescape(r"a\nb\Nc\,d\;e\\f\x") == "a\nb\nc,d;e\\fx"
    assert unescape("plain") == "plain"
    assert unescape("alone\\") == "alone\\"


@given(st.lists(st.sampled_from([b"\r\n", b"\n", b" ", b"\t", b"a", b"\r"])).map(b"".join))
def test_each_kind_of_fold_is_taken_out_in_turn(raw: bytes):
    """Cards without a tab, which are almost all, take a shorter way to the same."""
    expected = raw
    for fold in (b"\r\n ", b"\r\n\t", b"\n ", b"\n\t"):
        expected = expected.replace(fold, b"")

    assert unfolded(raw) == expected


@given(
    st.lists(st.sampled_from([b"\n", b".", b"a", b"FN", b":", b";", b"END:VCARD"])).map(b"".join)
)
def test_the_lines_that_are_found_are_those_of_the_whole_card(card: bytes):
    """Whatever stands before a name as its group."""
    names = frozenset({b"FN"})

    found = [(one.group, one.name, one.value) for one in find_lines(card, names)]
    assert found == [
        (one.group, one.name, one.value) for one in split_card(card) if one.name in names
    ]

"""Conditions: what was sent is what is tried; a broken one is never taken as none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.formats import FormatError
from strongroom.formats.conditions import (
    ANY,
    HEADER_BYTES_MAX,
    Around,
    IfCondition,
    IfList,
    Precondition,
    lists_on,
    normalise,
    parse_if,
    parse_if_match,
    parse_if_none_match,
    read_precondition,
)
from strongroom.formats.hrefs import Path


def refusal(read: Callable[..., object], *sent: object) -> str | None:
    try:
        read(*sent)
    except FormatError as error:
        return error.code
    return None


HERE = Path(("dav", "a.vcf"), False)


@pytest.mark.parametrize(
    "sent",
    [
        "abc",
        '"abc"',
        'W/"abc"',
        'w/"abc"',
        ' "abc" ',
        '"abc-gzip"',
        '"abc"-gzip',
        'W/"abc-br"',
        '"abc;gzip"',
        '"abc--gzip"',
        '"abc-df"',
        '"abc-zstd"',
        '"abc-gzip-br"',
        '"abc-GZIP"',
        '"abc--gzip"-br',
        "abc-gzip",
        "W/abc",
        '"abc--deflate"',
    ],
)
@pytest.mark.rfc("9110", "13.1.1")
def test_etags_are_compared_without_what_proxies_add(sent: str):
    assert normalise(sent) == "abc"
    assert parse_if_match(sent) == {"abc"}


@pytest.mark.rfc("9110", "13.1.1")
def test_lists_of_etags_are_read():
    assert parse_if_match(b'"a", W/"b" ,,"c,d",e') == {"a", "b", "c,d", "e"}
    assert parse_if_none_match('"a"') == {"a"}
    assert parse_if_match(" * ") is ANY


@pytest.mark.parametrize(
    "sent",
    [
        "",
        " ",
        ",",
        ",,",
        '"a',
        '"a" "b"',
        "a b",
        '*, "a"',
        '"a\x00"',
        '"a"x',
        "a" * (HEADER_BYTES_MAX + 1),
    ],
)
def test_a_broken_condition_is_refused(sent: str):
    with pytest.raises(FormatError) as caught:
        parse_if_match(sent)
    assert caught.value.code == "bad-condition"


def test_a_header_full_of_suffixes_costs_no_more_than_its_length():
    assert parse_if_match('"a' + "-gzip" * 1600 + '"') == {"a"}


@pytest.mark.rfc("4918", "10.4")
def test_an_if_header_without_tags_is_read():
    assert parse_if('(<urn:x> ["a"]) (Not <DAV:no-lock> [W/"b-gzip"])') == (
        IfList(None, (IfCondition(None, "urn:x"), IfCondition("a", None))),
        IfList(None, (IfCondition(None, "DAV:no-lock", True), IfCondition("b", None))),
    )


@pytest.mark.rfc("4918", "10.4")
def test_an_if_header_with_tags_is_read():
    assert parse_if(b'</a> (["1"]) (not ["2"])\r\n <http://h/b>(<t>) ') == (
        IfList("/a", (IfCondition("1", None),)),
        IfList("/a", (IfCondition("2", None, True),)),
        IfList("http://h/b", (IfCondition(None, "t"),)),
    )


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "()",
        "(",
        ")",
        "(<a>",
        "<a>",
        "<a> <b> (<c>)",
        '(["a"]) </b> (["c"])',
        "(Not)",
        "(Not Not <a>)",
        "([a])",
        "(<a>) x",
        '["a"]',
        "Not (<a>)",
        "(<>)",
        "((<a>))",
        "Nothing",
        '</a> (["1"]) <b>',
    ],
)
@pytest.mark.rfc("4918", "10.4")
def test_a_broken_if_header_is_refused(sent: str):
    with pytest.raises(FormatError) as caught:
        parse_if(sent)
    assert caught.value.code == "bad-condition"


def test_a_lock_token_never_matches():
    assert not IfCondition(None, "urn:x").holds("a")
    assert not IfCondition(None, "a").holds("a")
    assert IfCondition(None, "DAV:no-lock", negated=True).holds("a")


def test_an_etag_in_an_if_list_matches_what_stands():
    assert IfCondition("a", None).holds("a")
    assert not IfCondition("a", None).holds("b")
    assert not IfCondition("a", None).holds(None)
    assert IfCondition("a", None, negated=True).holds(None)


def test_only_lists_about_the_request_itself_are_kept():
    lists = parse_if('<http://h/dav/a%2Evcf> (["1"]) </b> (["2"]) <//> (["3"])')

    assert lists_on(lists, HERE) == ((IfCondition("1", None),),)
    assert lists_on(parse_if('(["1"])'), HERE) == ((IfCondition("1", None),),)


def test_lists_about_other_resources_alone_never_hold():
    assert not read_precondition(HERE, if_header='</b> (Not ["2"])').holds("1")


@pytest.mark.parametrize(
    "when, absent, same, other",
    [
        (Precondition(), True, True, True),
        (Precondition(must_exist=True), False, True, True),
        (Precondition(must_exist=False), True, False, False),
        (Precondition(match=frozenset({"a", "c"})), False, True, False),
        (Precondition(none_match=ANY), True, False, False),
        (Precondition(none_match=frozenset({"a"})), True, False, True),
        (Precondition(lists=()), False, False, False),
        (
            Precondition(
                lists=(
                    (IfCondition("a", None), IfCondition(None, "t", True)),
                    (IfCondition("x", None),),
                )
            ),
            False,
            True,
            False,
        ),
        (read_precondition(HERE), True, True, True),
        (read_precondition(HERE, if_match="*"), False, True, True),
        (read_precondition(HERE, if_match=b'"a-gzip"'), False, True, False),
        (read_precondition(HERE, if_none_match=b"*"), True, False, False),
        (read_precondition(HERE, if_none_match='W/"a"'), True, False, True),
        (read_precondition(HERE, if_match='"a"', if_none_match="*"), False, False, False),
        (read_precondition(HERE, if_header='(["a"])'), False, True, False),
    ],
)
def test_a_precondition_holds_for_what_it_says(
    when: Precondition, absent: bool, same: bool, other: bool
):
    assert (absent, same, other) == (when.holds(None), when.holds("a"), when.holds("b"))


TEXT = st.text('()<>[]"Not, W/a-gzip;*\\\x00\t\n', max_size=40) | st.text(max_size=20)


@settings(max_examples=150, deadline=None)
@given(TEXT | TEXT.map(lambda text: text.encode("utf-8", "replace")))
def test_any_header_gives_a_value_or_the_one_error(header: str | bytes):
    assert refusal(parse_if_match, header) in {None, "bad-condition"}
    assert refusal(parse_if, header) in {None, "bad-condition"}


def test_a_list_about_the_collection_around_holds_while_its_token_is_the_last():
    around = Around(Path(("dav",), True), "t7", 7)

    def holds(header: str, number: int | None) -> bool:
        when = read_precondition(HERE, if_header=header, around=around)
        return when.holds("a", number)

    assert holds("</dav/> (<t7>)", 7)
    assert not holds("</dav/> (<t7>)", 8)
    assert not holds("</dav/> (<t7>)", None)
    assert not holds("</dav/> (<t6>)", 7)
    assert holds("</dav/> (Not <t6>)", 7)
    assert not holds("</dav/> (<t7> Not <t7>)", 7)
    assert not holds('</dav/> (["a"])', 7)
    assert not holds("(<t7>)", 7)
    assert not holds("</other/> (<t7>)", 7)

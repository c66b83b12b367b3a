"""The filter of a query: read, or refused by the name of what is wrong with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from strongroom.base.limits import FILTER_CONDITIONS_MAX, FILTER_TEXT_CHARACTERS_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardfilter import Filter, ParamFilter, PropFilter, TextMatch, text_match
from strongroom.formats.cardquery import read_filter
from strongroom.formats.davxml import AddressData, Propfind, Query, parse_report

CODES = {"valid-filter", "supported-filter", "supported-collation", "too-large"}
NS = 'xmlns="urn:ietf:params:xml:ns:carddav" xmlns:D="DAV:"'


def read(inner: str, attributes: str = "") -> Filter:
    return read_filter(etree.fromstring(f"<filter {NS} {attributes}>{inner}</filter>"))


def code_of(inner: str, attributes: str = "") -> str:
    with pytest.raises(FormatError) as caught:
        read(inner, attributes)
    return caught.value.code


def one(inner: str) -> PropFilter:
    return read(inner).props[0]


def test_an_empty_filter_is_read():
    assert read("") == Filter()
    assert read("", "test='anyof'") == Filter()
    assert read("", "test='allof'") == Filter(every=True)


@pytest.mark.parametrize(
    "inner, wanted",
    [
        ("<prop-filter name='fn'/>", PropFilter(b"FN")),
        ("<prop-filter name='Item1.tel' test='allof'/>", PropFilter(b"TEL", b"ITEM1", every=True)),
        (
            "<prop-filter name='X'><is-not-defined/></prop-filter>",
            PropFilter(b"X", defined=False),
        ),
        (
            "<prop-filter name='X'><text-match> a </text-match><param-filter name='type'>"
            "<text-match collation='i;octet' match-type='equals' negate-condition='yes'>Q"
            "</text-match></param-filter></prop-filter>",
            PropFilter(
                b"X",
                conditions=(
                    text_match(" a "),
                    ParamFilter(b"TYPE", match=TextMatch("Q", "i;octet", "equals", True)),
                ),
            ),
        ),
        (
            "<prop-filter name='X'><param-filter name='a'/><param-filter name='b'>"
            "<is-not-defined/></param-filter></prop-filter>",
            PropFilter(b"X", conditions=(ParamFilter(b"A"), ParamFilter(b"B", defined=False))),
        ),
        (
            "<prop-filter name='X'><text-match collation='default' match-type='endswith'/>"
            "</prop-filter>",
            PropFilter(b"X", conditions=(text_match(""),)),
        ),
    ],
)
@pytest.mark.rfc("6352", "10.5", "10.5.1", "10.5.2", "10.5.4")
def test_a_filter_is_read(inner: str, wanted: PropFilter):
    """RFC 6352 sections 10.5.1 to 10.5.4."""
    assert one(inner) == wanted


def in_prop(inner: str) -> str:
    return f"<prop-filter name='X'>{inner}</prop-filter>"


@pytest.mark.parametrize(
    "inner, code",
    [
        ("<prop-filter/>", "valid-filter"),
        ("<prop-filter name=' '/>", "valid-filter"),
        ("<prop-filter name='X' test='some'/>", "valid-filter"),
        ("<param-filter name='X'/>", "supported-filter"),
        ("<comp-filter name='VCARD'/>", "supported-filter"),
        (in_prop("<time-range/>"), "supported-filter"),
        (in_prop("<D:text-match/>"), "supported-filter"),
        (in_prop("<is-not-defined/><text-match>a</text-match>"), "valid-filter"),
        (in_prop("<text-match>a<b/></text-match>"), "valid-filter"),
        (in_prop("<text-match match-type='like' negate-condition='yes'>a</text-match>"),
         "valid-filter"),
        (in_prop("<text-match negate-condition='maybe'>a</text-match>"), "valid-filter"),
        (in_prop("<text-match collation='i;basic'>a</text-match>"), "supported-collation"),
        (in_prop("<param-filter/>"), "valid-filter"),
        (in_prop("<param-filter name='a'><prop-filter name='b'/></param-filter>"),
         "supported-filter"),
        (in_prop("<param-filter name='a'><is-not-defined/><text-match/></param-filter>"),
         "valid-filter"),
    ],
)  # fmt: skip
@pytest.mark.rfc("6352", "8.6")
def test_what_is_no_filter_is_refused_by_name(inner: str, code: str):
    """RFC 6352 section 8.6: a condition that is passed over would give a wrong answer."""
    assert code_of(inner) == code


def test_a_wrong_test_is_refused():
    assert code_of("", "test='none'") == "valid-filter"


def test_an_endless_filter_is_refused():
    most = "<prop-filter name='X'/>" * FILTER_CONDITIONS_MAX

    assert len(read(most).props) == FILTER_CONDITIONS_MAX
    assert code_of(most + "<prop-filter name='X'/>") == "too-large"
    assert code_of("<prop-filter name='X'>" * 200 + "</prop-filter>" * 200) == "too-large"


@pytest.mark.parametrize(
    "form", ["<prop-filter name='{}'/>", in_prop("<text-match>{}</text-match>")]
)
def test_a_long_text_is_refused(form: str):
    longest = "x" * FILTER_TEXT_CHARACTERS_MAX

    assert read(form.format(longest))
    assert code_of(form.format(longest + "x")) == "too-large"


def query(inner: str) -> Query:
    body = f"<addressbook-query {NS}>{inner}</addressbook-query>"
    report = parse_report(body.encode())
    assert isinstance(report, Query)
    return report


@pytest.mark.rfc("6352", "10.3", "10.6")
def test_a_query_is_read():
    """RFC 6352 section 10.3."""
    assert query(
        "<D:prop><D:getetag/><address-data version='4.0'/></D:prop>"
        "<filter><prop-filter name='FN'/></filter><limit><nresults> 7 </nresults></limit>"
    ) == Query(
        Filter((PropFilter(b"FN"),)),
        Propfind("prop", ("{DAV:}getetag",)),
        AddressData(version="4.0"),
        7,
    )


def test_a_query_without_a_filter_asks_for_everything():
    assert query("<D:allprop/>") == Query(Filter(), Propfind("allprop"), None, None)


def test_a_query_with_a_bad_limit_is_refused():
    with pytest.raises(FormatError, match="limit"):
        query("<filter/><limit><nresults>none</nresults></limit>")


TAGS = st.sampled_from(
    ["prop-filter", "param-filter", "text-match", "is-not-defined", "filter", "x"]
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["name", "test", "match-type", "negate-condition", "collation"]),
    st.sampled_from(["FN", "allof", "equals", "yes", "i;octet", "", "é"]),
)


def build(tag: str, attributes: dict[str, str], children: list[etree._Element]):
    element = etree.Element("{urn:ietf:params:xml:ns:carddav}" + tag, attributes)
    element.text = tag
    element.extend(children)
    return element


TREES = st.recursive(
    st.builds(build, TAGS, ATTRIBUTES, st.just([])),
    lambda inner: st.builds(build, TAGS, ATTRIBUTES, st.lists(inner, max_size=4)),
    max_leaves=12,
)


@given(st.builds(build, st.just("filter"), ATTRIBUTES, st.lists(TREES, max_size=4)))
def test_any_tree_is_a_filter_or_the_one_error(tree: etree._Element):
    try:
        code = read_filter(tree) and None
    except FormatError as error:
        code = error.code
    assert code in {None, *CODES}

"""Request bodies: read into values, hostile ones refused before they cost anything."""

from __future__ import annotations

from collections.abc import Callable
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from strongroom.base.limits import MULTIGET_HREFS_MAX, PROPERTIES_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardparts import PropertyWish
from strongroom.formats.davxml import (
    ADDRESS_DATA,
    CHANGES_BYTES_MAX,
    REMEMBERED_BYTES_MAX,
    RESOURCE_TYPE,
    AddressData,
    Multiget,
    PropertyChange,
    Propfind,
    SyncCollection,
    UnknownReport,
    parse_mkcol,
    parse_propfind,
    parse_proppatch,
    parse_report,
)
from strongroom.formats.multistatus import element
from strongroom.formats.propertynames import NAME_CHARACTERS_MAX, NAMES_MAX

NS = 'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:x="urn:x"'
CODES = {None, "bad-xml", "too-large", "forbidden-doctype", "bad-request-body"}
PARSERS = (parse_propfind, parse_proppatch, parse_mkcol, parse_report)


def refusal(read: Callable[..., object], *sent: object) -> str | None:
    try:
        read(*sent)
    except FormatError as error:
        return error.code
    return None


def propfind(inner: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?><propfind {NS}>{inner}</propfind>'.encode()


def proppatch(inner: str) -> bytes:
    return f"<propertyupdate {NS}>{inner}</propertyupdate>".encode()


def sync(inner: str) -> bytes:
    return f"<sync-collection {NS}>{inner}</sync-collection>".encode()


def multiget(inner: str) -> bytes:
    return f"<C:addressbook-multiget {NS}>{inner}</C:addressbook-multiget>".encode()


def code_of(parse, body: bytes, *args: int) -> str:
    with pytest.raises(FormatError) as caught:
        parse(body, *args)
    return caught.value.code


# --- PROPFIND -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body, value",
    [
        (b"", Propfind("allprop")),
        (b" \r\n", Propfind("allprop")),
        (propfind("<allprop/>"), Propfind("allprop")),
        (
            propfind("<allprop/><include><a/><b/></include>"),
            Propfind("allprop", include=("{DAV:}a", "{DAV:}b")),
        ),
        (propfind("<propname/>"), Propfind("propname")),
        (
            propfind("<x:new/><prop><a/><!-- c --><x:b>t</x:b><?p?><n xmlns=''/><a/></prop>"),
            Propfind("prop", ("{DAV:}a", "{urn:x}b", "n")),
        ),
        (propfind("<prop/>"), Propfind("prop")),
        (
            propfind("<prop><a/></prop>").decode().replace("utf-8", "utf-16").encode("utf-16"),
            Propfind("prop", ("{DAV:}a",)),
        ),
    ],
)
@pytest.mark.rfc("4918", "14")
def test_a_propfind_is_read(body: bytes, value: Propfind):
    assert value == parse_propfind(body)
    assert value == parse_propfind(body)


def test_a_long_propfind_is_read_without_being_remembered():
    body = propfind("<prop><a/></prop>" + " " * REMEMBERED_BYTES_MAX)

    assert parse_propfind(body) == Propfind("prop", ("{DAV:}a",))


@pytest.mark.parametrize(
    "inner", ["<allprop/><propname/>", "<propname/><prop/>", "<prop><a/></prop><allprop/>"]
)
@pytest.mark.rfc("4918", "8.4", "14")
def test_a_propfind_that_asks_for_two_things_is_refused(inner: str):
    assert code_of(parse_propfind, propfind(inner)) == "bad-request-body"


@pytest.mark.parametrize("inner", ["", "<x:prop/>", "<include/>"])
@pytest.mark.rfc("4918", "8.4")
def test_a_propfind_that_asks_for_nothing_is_refused(inner: str):
    assert code_of(parse_propfind, propfind(inner)) == "bad-request-body"


def test_too_many_names_are_refused():
    most = "".join(f"<a{index}/>" for index in range(NAMES_MAX))

    assert len(parse_propfind(propfind(f"<prop>{most}</prop>")).names) == NAMES_MAX
    assert code_of(parse_propfind, propfind(f"<prop>{most}<b/></prop>")) == "too-large"
    longest = "a" * (NAME_CHARACTERS_MAX - len("{DAV:}"))
    parse_propfind(propfind(f"<prop><{longest}/></prop>"))
    assert code_of(parse_propfind, propfind(f"<prop><{longest}a/></prop>")) == "too-large"


@pytest.mark.parametrize("space", ["http://[}]/", "http://[{]/"])
def test_a_name_that_could_not_be_answered_is_refused(space: str):
    inner = f"<prop><a xmlns='{space}'/></prop>"

    assert code_of(parse_propfind, propfind(inner)) == "bad-request-body"
    assert code_of(parse_proppatch, proppatch(f"<set>{inner}</set>")) == "bad-request-body"
    assert code_of(parse_report, f"<a xmlns='{space}'/>".encode()) == "bad-request-body"


@settings(max_examples=100, deadline=None)
@given(
    st.text("a:/[]{}%é <\"'^|#.~", max_size=6).flatmap(
        lambda text: st.sampled_from([text, f"http://[{text}]/"])
    ),
    st.text("aü-.1é·\u0300\u2200\U0001f600", min_size=1, max_size=3),
)
def test_a_name_that_was_read_can_be_answered(space: str, local: str):
    body = propfind(f"<prop><{local} xmlns={quoteattr(space)}/></prop>")
    if refusal(parse_propfind, body) is None:
        (name,) = parse_propfind(body).names

        assert etree.fromstring(element(name)).tag == name


# --- PROPPATCH and MKCOL --------------------------------------------------------------------------


def test_changes_keep_their_order():
    body = proppatch(
        "<set><prop><a>1</a></prop></set><x:other/><remove><prop><a/><x:b/></prop></remove>"
        "<set><prop><a>2</a></prop></set>"
    )

    changes = parse_proppatch(body)

    assert [one.name for one in changes] == ["{DAV:}a", "{DAV:}a", "{urn:x}b", "{DAV:}a"]
    assert changes[1] == PropertyChange("{DAV:}a", None)
    assert [etree.fromstring(changes[i].value_xml or "").text for i in (0, 3)] == ["1", "2"]


@pytest.mark.rfc("4918", "17")
def test_a_dead_property_means_the_same_outside_its_document():
    body = proppatch(
        "<set xml:lang='de'><prop>"
        "<x:a z='&lt;&#10;' x:k='1'>t &amp; &#13;"
        "<b xmlns='urn:y' xml:lang='fr'/>ü<!-- c -->!</x:a> tail"
        "<x:b xml:lang='en'><![CDATA[<]]></x:b></prop></set>"
    )

    first, second = (change.value_xml or "" for change in parse_proppatch(body))

    alone = etree.fromstring(first)
    assert alone.tag == "{urn:x}a"
    assert dict(alone.attrib) == {
        "z": "<\n",
        "{urn:x}k": "1",
        "{http://www.w3.org/XML/1998/namespace}lang": "de",
    }
    assert alone.text == "t & \r"
    assert alone[0].tag == "{urn:y}b"
    assert alone[0].tail == "ü!"
    assert "tail" not in first
    assert "&#13;" in first
    assert 'xml:lang="en"' in second
    assert etree.fromstring(second).text == "<"


def test_a_property_without_language_gets_none():
    (change,) = parse_proppatch(proppatch("<set><prop><x:a/></prop></set>"))

    assert "lang" not in (change.value_xml or "")


@pytest.mark.parametrize("inner", ["", "<set/>", "<set><prop/></set>", "<prop><a/></prop>"])
def test_a_proppatch_that_changes_nothing_is_refused(inner: str):
    assert code_of(parse_proppatch, proppatch(inner)) == "bad-request-body"


def test_too_many_changes_are_refused():
    most = "<a/>" * NAMES_MAX

    parse_proppatch(proppatch(f"<remove><prop>{most}</prop></remove>"))
    assert (
        code_of(parse_proppatch, proppatch(f"<remove><prop>{most}<a/></prop></remove>"))
        == "too-large"
    )


def test_too_large_properties_are_refused():
    half = "a" * (PROPERTIES_BYTES_MAX // 2)

    parse_proppatch(proppatch(f"<set><prop><a>{half}</a></prop></set>"))
    assert (
        code_of(parse_proppatch, proppatch(f"<set><prop><a>{half}</a><b>{half}</b></prop></set>"))
        == "too-large"
    )


def test_a_body_of_changes_is_taken_at_the_limit_and_refused_one_past_it():
    body = proppatch("<remove><prop><a/></prop></remove>").ljust(CHANGES_BYTES_MAX)

    parse_proppatch(body)
    assert code_of(parse_proppatch, body + b" ") == "too-large"
    assert code_of(parse_mkcol, body + b" ") == "too-large"


@pytest.mark.rfc("5689", "5.1")
def test_an_extended_mkcol_is_read():
    body = (
        f"<mkcol {NS}><set><prop><resourcetype><collection/><C:addressbook/></resourcetype>"
        "<displayname>Family</displayname></prop></set>"
        "<remove><prop><x:a/></prop></remove></mkcol>"
    ).encode()

    kind, name = parse_mkcol(body)

    assert kind.name == RESOURCE_TYPE
    assert kind.resource_types == {
        "{DAV:}collection",
        "{urn:ietf:params:xml:ns:carddav}addressbook",
    }
    assert name.name == "{DAV:}displayname"
    assert etree.fromstring(name.value_xml or "").text == "Family"
    assert name.resource_types == frozenset()


def test_a_mkcol_without_body_sets_nothing():
    assert () == parse_mkcol(b"") == parse_mkcol(b"\n") == parse_mkcol(b"<mkcol xmlns='DAV:'/>")


# --- REPORT ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner, value",
    [
        (
            "<sync-token/><sync-level>1</sync-level><prop><getetag/></prop>",
            SyncCollection("", "1", None, ("{DAV:}getetag",)),
        ),
        (
            "<sync-token> urn:a:1\n</sync-token><sync-level>infinite</sync-level>"
            "<limit><nresults> 20 </nresults></limit><prop><C:address-data/></prop>",
            SyncCollection("urn:a:1", "infinite", 20, (ADDRESS_DATA,)),
        ),
        ("", SyncCollection("", "1", None, ())),
    ],
)
@pytest.mark.rfc("6578", "6.1", "6.2", "6.3")
def test_a_sync_collection_is_read(inner: str, value: SyncCollection):
    assert value == parse_report(sync(inner))


@pytest.mark.parametrize(
    "inner",
    [
        "<sync-level>2</sync-level>",
        "<limit/>",
        "<limit><nresults>0</nresults></limit>",
        "<limit><nresults>-1</nresults></limit>",
        "<limit><nresults>1e3</nresults></limit>",
        "<limit><nresults>" + "9" * 19 + "</nresults></limit>",
        "<limit><nresults>" + "9" * 5000 + "</nresults></limit>",
    ],
)
def test_a_broken_sync_collection_is_refused(inner: str):
    assert code_of(parse_report, sync(inner)) == "bad-request-body"


@pytest.mark.parametrize(
    "prop, wanted, data",
    [
        ("", Propfind("prop"), None),
        ("<allprop/>", Propfind("allprop"), None),
        ("<propname/>", Propfind("propname"), None),
        ("<prop><getetag/></prop>", Propfind("prop", ("{DAV:}getetag",)), None),
        (
            "<prop><getetag/><C:address-data/></prop>",
            Propfind("prop", ("{DAV:}getetag",)),
            AddressData(),
        ),
        (
            "<prop><C:address-data content-type='text/vcard; charset=utf-8' version='4.0'>"
            "<C:prop name='Fn'/><C:prop/><C:allprop/>"
            "<C:prop name='UID' novalue='yes'/></C:address-data></prop>",
            Propfind("prop"),
            AddressData("text/vcard", "4.0", (PropertyWish("FN"), PropertyWish("UID", True))),
        ),
    ],
)
def test_a_multiget_is_read(prop: str, wanted: Propfind, data: AddressData | None):
    hrefs = "<href>/b</href><href> /a&amp;\n</href><href/><href>/b</href>"

    assert Multiget(("/b", "/a&"), wanted, data) == parse_report(multiget(prop + hrefs))


def test_too_many_parts_of_a_card_are_refused():
    most = "".join(f"<C:prop name='X-{index}'/>" for index in range(NAMES_MAX))
    body = "<prop><C:address-data>{}</C:address-data></prop>"

    assert parse_report(multiget(body.format(most)))
    too_many = multiget(body.format(most + "<C:prop name='FN'/>"))
    assert code_of(parse_report, too_many) == "too-large"


def test_too_many_hrefs_are_refused():
    most = "".join(f"<href>/{index}</href>" for index in range(MULTIGET_HREFS_MAX))

    report = parse_report(multiget(most))
    assert isinstance(report, Multiget)
    assert len(report.hrefs) == MULTIGET_HREFS_MAX
    assert code_of(parse_report, multiget(most + "<href>/x</href>")) == "too-large"


def test_an_unknown_report_is_named():
    assert UnknownReport("{urn:x}free") == parse_report(f"<x:free {NS}/>".encode())


# --- hostile bodies -------------------------------------------------------------------------------

LAUGHS = (
    b'<!DOCTYPE a [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b']><propfind xmlns="DAV:"><prop>&j;</prop></propfind>'
)


@pytest.mark.parametrize("parse", PARSERS)
def test_bodies_that_are_not_xml_are_refused(parse):
    for body in (
        b"x",
        b"<a",
        b"<a></b>",
        b"<a/><b/>",
        b"<a>&b;</a>",
        b"<p:a/>",
        b"\xff\xfe<",
        b"<a>\x00</a>",
        b'<a xmlns:b=""/>',
        b"<?xml version='1.0' encoding='nonsense'?><a/>",
    ):
        assert code_of(parse, body) == "bad-xml"


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.rfc("4918", "20.6")
def test_a_document_type_is_refused(parse):
    for body in (
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
    ):
        assert code_of(parse, body) == "forbidden-doctype"
    assert code_of(parse, LAUGHS) in {"bad-xml", "forbidden-doctype"}


@pytest.mark.parametrize("parse", PARSERS)
def test_deep_and_large_bodies_are_refused(parse):
    assert code_of(parse, b"<a>" * 10_000 + b"</a>" * 10_000) == "bad-xml"
    assert code_of(parse, b"<a/>" + b" " * 100, 103) == "too-large"


@pytest.mark.parametrize("parse", PARSERS[:3])
def test_a_body_for_another_method_is_refused(parse):
    assert code_of(parse, b"<propfind/>") == "bad-request-body"


PIECES = st.sampled_from(
    [
        "<set>",
        "</set>",
        "<remove>",
        "</remove>",
        "<prop>",
        "</prop>",
        "<a/>",
        "<a b='1'>",
        "</a>",
        "<href>/x</href>",
        "<limit>",
        "<nresults>1</nresults>",
        "</limit>",
        "<allprop/>",
        "<sync-token>",
        "&lt;",
        "<!-- -->",
        "<?p?>",
        "<![CDATA[x]]>",
        "<C:address-data/>",
        "<resourcetype>",
        "</resourcetype>",
        "ü",
        "\x0b",
        "&x;",
        "<x:n xmlns:x='urn:}'/>",
    ]
)
ROOTS = st.sampled_from(
    ["propfind", "propertyupdate", "mkcol", "sync-collection", "C:addressbook-multiget"]
)


@settings(max_examples=250, deadline=None)
@given(ROOTS, st.lists(PIECES, max_size=12), st.binary(max_size=10))
def test_any_body_gives_a_value_or_the_one_error(root: str, pieces: list[str], noise: bytes):
    whole = f"<{root} {NS}>{''.join(pieces)}</{root}>".encode()
    for body in (whole, whole[: len(whole) // 2] + noise + whole[len(whole) // 2 :], noise):
        for parse in PARSERS:
            assert refusal(parse, body) in CODES

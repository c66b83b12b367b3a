"""What is written is read by lxml as what was meant, to the last CR."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from strongroom.formats import FormatError
from strongroom.formats.characters import split_name
from strongroom.formats.multistatus import (
    INSUFFICIENT_STORAGE,
    NOT_FOUND,
    OK,
    attribute,
    element,
    epilogue,
    error_body,
    escape,
    mkcol_body,
    needed_privileges,
    prologue,
    propstat,
    propstat_response,
    refused_response,
    response,
    status_response,
    valued_response,
)

D = "{DAV:}"
CARD = "BEGIN:VCARD\r\nFN:<&>\"' ü \r x\ty\r\nEND:VCARD\r\n"


def refusal(read: Callable[..., object], *sent: object) -> str | None:
    try:
        read(*sent)
    except FormatError as error:
        return error.code
    return None


def read(*responses: bytes, token: str | None = None) -> etree._Element:
    return etree.fromstring(prologue() + b"".join(responses) + epilogue(token))


def test_a_card_comes_out_as_it_was_put():
    found = [element("{urn:ietf:params:xml:ns:carddav}address-data", escape(CARD.encode()))]
    root = read(response("/a&b.vcf", found), token="urn:x:<1>")

    assert root.findtext(f"{D}response/{D}href") == "/a&b.vcf"
    assert root.findtext(".//{urn:ietf:params:xml:ns:carddav}address-data") == CARD
    assert root.findtext(f"{D}sync-token") == "urn:x:<1>"


@pytest.mark.rfc("4918", "13", "11.1")
def test_what_was_found_comes_first_and_says_ok_literally():
    written = response(
        "/a", [element(f"{D}getetag", b'"1"')], ["{DAV:}displayname", "{x&y}z", "plain"]
    )
    first, second = read(written).findall(f".//{D}propstat")

    assert first.findtext(f"{D}status") == OK == "HTTP/1.1 200 OK"
    assert first.findtext(f"{D}prop/{D}getetag") == '"1"'
    assert second.findtext(f"{D}status") == "HTTP/1.1 404 Not Found"
    assert [one.tag for one in second[0]] == ["{DAV:}displayname", "{x&y}z", "plain"]


def test_a_response_has_a_propstat_whatever_is_asked():
    statuses = [
        [one.text for one in read(written).iter(f"{D}status")]
        for written in (response("/a", []), response("/a", [], [f"{D}x"]))
    ]

    assert statuses == [[OK], [NOT_FOUND]]


@pytest.mark.rfc("6578", "6.4")
def test_a_removed_member_and_a_cut_answer_have_a_status():
    root = read(
        status_response("/a", NOT_FOUND),
        status_response("/", INSUFFICIENT_STORAGE, f"{D}number-of-matches-within-limits"),
    )

    assert [one.findtext(f"{D}status") for one in root] == [NOT_FOUND, INSUFFICIENT_STORAGE]
    assert root[0].find(f"{D}error") is None
    assert root[1].find(f"{D}error/{D}number-of-matches-within-limits") is not None


@pytest.mark.rfc("4918", "13")
def test_the_fate_of_each_property_can_be_told():
    stats = [
        propstat("HTTP/1.1 403 Forbidden", [f"{D}getetag"], f"{D}cannot-modify-protected-property"),
        propstat("HTTP/1.1 424 Failed Dependency", ["{x}y"]),
    ]
    member = read(propstat_response("/a", stats))[0]
    mkcol = etree.fromstring(mkcol_body(stats))

    assert [one.tag for one in member] == [f"{D}href", f"{D}propstat", f"{D}propstat"]
    assert member.find(f"{D}propstat/{D}error/{D}cannot-modify-protected-property") is not None
    assert mkcol.tag == f"{D}mkcol-response"
    assert [one.findtext(f"{D}status")[9:12] for one in mkcol] == ["403", "424"]


def test_each_privilege_that_is_lacking_is_named_with_its_resource() -> None:
    """RFC 3744 section 7.1.1."""
    inner = needed_privileges([("/a&b/", f"{D}bind"), ("/c", f"{D}write-content")])
    (condition,) = etree.fromstring(error_body(f"{D}need-privileges", inner=inner))
    told = [(one.findtext(f"{D}href"), one.find(f"{D}privilege")[0].tag) for one in condition]
    assert told == [("/a&b/", f"{D}bind"), ("/c", f"{D}write-content")]
    (condition,) = etree.fromstring(error_body(f"{D}need-privileges", href="/d", inner=inner))
    assert [one.tag for one in condition] == [f"{D}href", f"{D}resource", f"{D}resource"]


@pytest.mark.rfc("4918", "8.7")
def test_an_error_is_never_empty():
    root = etree.fromstring(error_body(f"{D}need-privileges", href="/a b", text="You may <not>."))

    assert root.tag == f"{D}error"
    assert root.findtext(f"{D}need-privileges/{D}href") == "/a b"
    assert root.findtext("{urn:strongroom:error}message") == "You may <not>."
    assert len(etree.fromstring(error_body("{x}y"))) == 1
    with pytest.raises(FormatError):
        error_body("")


def test_known_prefixes_are_used_and_others_declared():
    assert element("{DAV:}prop") == b"<D:prop/>"
    assert element("{http://calendarserver.org/ns/}getctag", b"1") == b"<CS:getctag>1</CS:getctag>"
    assert element("{a&b}b", b"1") == b'<x:b xmlns:x="a&amp;b">1</x:b>'
    assert element("b") == element("{}b") == b"<b/>"
    assert element("{http://www.w3.org/XML/1998/namespace}lang") == b"<xml:lang/>"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "{DAV:}",
        "a b",
        "1a",
        "{a}b}c",
        "{a b}c",
        "{[|]}c",
        "a:b",
        "<a",
        "{http://www.w3.org/2000/xmlns/}a",
    ],
)
def test_names_that_no_element_can_have_are_refused(name: str):
    with pytest.raises(FormatError) as caught:
        element(name)
    assert caught.value.code == "bad-name"


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\ufffe", "\ud800", b"\xff", b"\xc3"])
def test_what_xml_cannot_carry_cannot_be_written(bad: str | bytes):
    with pytest.raises(FormatError) as caught:
        escape(bad)
    assert caught.value.code == "not-xml-clean"


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=30),
    st.sampled_from(["", "DAV:", "urn:x", "a&'b"]),
    st.text("aü-.1:é·\u0300{}", max_size=4),
)
def test_any_text_and_any_name_are_read_as_written_or_refused(text: str, space: str, local: str):
    name = f"{{{space}}}{local}"

    def write() -> bytes:
        return response(text, [element(name, element("y", escape(text)))], [name])

    code = refusal(write)
    assert code in {None, "not-xml-clean", "bad-name"}
    if code:
        return
    raw = read(write())
    one, other = raw.iter(name if space else local)
    assert raw.findtext(f".//{D}href") == text
    assert one.findtext("y") == text
    assert split_name(one.tag) == split_name(other.tag) == split_name(name)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30))
def test_any_attribute_is_read_as_written_or_refused(text: str):
    try:
        raw = b'<a b="' + attribute(text) + b'"/>'
    except FormatError:
        return
    assert etree.fromstring(raw).get("b") == text


def test_properties_may_stand_under_another_status():
    found = [element(D + "getetag", escape('"1"'))]
    raw = read(valued_response("/a", found, "HTTP/1.1 201 Created"))
    (stat,) = raw.findall(f".//{D}propstat")
    assert stat.findtext(f"{D}prop/{D}getetag") == '"1"'
    assert stat.findtext(f"{D}status") == "HTTP/1.1 201 Created"


def test_what_was_refused_tells_why_in_the_order_that_the_rfc_wants():
    line = "HTTP/1.1 403 Forbidden"
    raw = read(refused_response("/a?line=1", line, element("{urn:x}why"), "for <this>"))
    (row,) = raw.findall(f".//{D}response")
    assert [one.tag for one in row] == [
        D + "href", D + "status", D + "error", D + "responsedescription"
    ]  # fmt: skip
    assert [one.text for one in row[:2]] == ["/a?line=1", line]
    assert row[2][0].tag == "{urn:x}why"
    assert row[3].text == "for <this>"

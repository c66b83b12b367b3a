"""Conversion: what each property becomes, and that nothing is lost on the way there and back.

`meaning` says when two cards are equal: the same properties with the same groups, types,
preference and values, whatever the order. The spellings that a version leaves open do not count:
folds, case of types, extended or basic dates, blanks in base64, a VALUE that says the default.
"""

from __future__ import annotations

import quopri
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_LINES_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardconvert import to_version
from strongroom.formats.cardlines import (
    LINE_BYTES_MAX,
    Line,
    escape_text,
    parameters_of,
    split_card,
    unescape,
    values_of,
)


def card(version: str, *lines: str, end: str = "\r\n") -> bytes:
    fixed = ["BEGIN:VCARD", f"VERSION:{version}", "UID:u1", "FN:Ann", "N:B;Ann;;;"]
    return end.join([*fixed, *lines, "END:VCARD", ""]).encode()


def lines_of(text: bytes) -> list[str]:
    """The lines behind the fixed ones, unfolded."""
    plain = re.sub(rb"\r?\n[ \t]", b"", text).decode().splitlines()
    return [line for line in plain if not re.match("BEGIN|END|VERSION|UID|FN|N:", line)]


def up(*lines: str) -> list[str]:
    return lines_of(to_version(card("3.0", *lines), "4.0"))


def down(*lines: str) -> list[str]:
    return lines_of(to_version(card("4.0", *lines), "3.0"))


# --- what each property becomes -------------------------------------------------------------------

BOTH_WAYS = [
    ("TEL;TYPE=HOME;TYPE=pref:+1", "TEL;TYPE=HOME;PREF=1:+1"),
    ("TEL;TYPE=pref:+1", "TEL;PREF=1:+1"),
    ("EMAIL;PREF=2:a@b", "EMAIL;PREF=2:a@b"),
    ("X-ADDRESSBOOKSERVER-KIND:group", "KIND:group"),
    ("X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:1", "MEMBER:urn:uuid:1"),
    ("BDAY:1985-04-12", "BDAY:19850412"),
    ("BDAY;VALUE=date-time:1953-10-15T23:10:00Z", "BDAY;VALUE=date-time:19531015T231000Z"),
    ("BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12", "BDAY:--0412"),
    ("BDAY;VALUE=text:in spring", "BDAY;VALUE=text:in spring"),
    ("BDAY:1985-04", "BDAY:1985-04"),
    ("REV:1995-10-31T22:27:10-06:00", "REV:19951031T222710-0600"),
    ("REV:1995-10-31T22:27:10-06", "REV:19951031T222710-06"),
    ("REV:1995-10-31T22:27:10", "REV:19951031T222710"),
    ("X-ANNIVERSARY:2009-08-08", "ANNIVERSARY:20090808"),
    ("X-GENDER:F;she", "GENDER:F;she"),
    ("GEO:37.386013;-122.08", "GEO:geo:37.386013,-122.08"),
    ("GEO:geo:1,2,3;u=5", "GEO:geo:1,2,3;u=5"),
    ("TZ:-05:00", "TZ;VALUE=utc-offset:-0500"),
    ("TZ;VALUE=text:Europe/Berlin", "TZ:Europe/Berlin"),
    ("TZ;VALUE=uri:urn:x", "TZ;VALUE=uri:urn:x"),
    ("CATEGORIES:a,b", "CATEGORIES:a,b"),
    ("item1.X-ABLabel:_$!<Home>!$_", "item1.X-ABLabel:_$!<Home>!$_"),
    ("X-VCARD4-RELATED;TYPE=friend;PREF=1:urn:uuid:1", "RELATED;TYPE=friend;PREF=1:urn:uuid:1"),
    ("item2.X-VCARD4-LANG:de", "item2.LANG:de"),
    ("X-VCARD4-OTHER:x", "X-VCARD4-OTHER:x"),
    ("X-VCARD3-OTHER:x", "X-VCARD3-OTHER:x"),
    ("CLASS:PRIVATE", "X-VCARD3-CLASS:PRIVATE"),
    ("MAILER:x", "X-VCARD3-MAILER:x"),
    (r"AGENT:BEGIN:VCARD\nEND:VCARD\n", r"X-VCARD3-AGENT:BEGIN:VCARD\nEND:VCARD\n"),
    ("SORT-STRING;X=1:z", "X-VCARD3-SORT-STRING;X=1:z"),
    ("LABEL;TYPE=home:alone", "X-VCARD3-LABEL;TYPE=home:alone"),
    ("PHOTO;ENCODING=b;TYPE=JPEG:QUJD", "PHOTO:data:image/jpeg;base64,QUJD"),
    ("PHOTO;ENCODING=b;TYPE=x/y:QUJD", "PHOTO:data:x/y;base64,QUJD"),
    ("LOGO;ENCODING=b:QUJD", "LOGO:data:application/octet-stream;base64,QUJD"),
    ("SOUND;ENCODING=b;TYPE=BASIC:QUJD", "SOUND:data:audio/basic;base64,QUJD"),
    ("KEY;ENCODING=b;TYPE=PGP:QUJD", "KEY:data:application/pgp-keys;base64,QUJD"),
    ("KEY;ENCODING=b;TYPE=X-Y:QUJD", "KEY:data:application/x-y;base64,QUJD"),
    ("KEY;TYPE=PGP:plain text", "KEY;TYPE=PGP:plain text"),
    ("PHOTO;VALUE=uri;TYPE=PNG:http://x/y", "PHOTO;MEDIATYPE=image/png:http://x/y"),
    ("PHOTO;VALUE=uri:http://x/y", "PHOTO:http://x/y"),
    ("PHOTO;VALUE=uri;X-VCARD4-TYPE=home:http://x", "PHOTO;TYPE=home:http://x"),
    ("PHOTO;ENCODING=b;TYPE=JPEG;PREF=1:QUJD", "PHOTO;PREF=1:data:image/jpeg;base64,QUJD"),
    ("PHOTO;VALUE=uri:data:image/svg+xml,%3C", "PHOTO:data:image/svg+xml,%3C"),
    ("PHOTO;VALUE=uri:data:;base64,=!", "PHOTO:data:;base64,=!"),
]  # fmt: skip


@pytest.mark.parametrize("three, four", BOTH_WAYS)
@pytest.mark.rfc("6352", "5.1.1")
def test_a_property_has_a_counterpart(three: str, four: str):
    """RFC 6350 against RFC 2426."""
    assert up(three) == [four]
    assert down(four) == [three]


@pytest.mark.parametrize(
    "three, four",
    [
        ("TEL;HOME;PREF:+1", "TEL;TYPE=HOME;PREF=1:+1"),
        ("TEL;PREF=3;TYPE=pref:+1", "TEL;PREF=3;TYPE=pref:+1"),
        ("NOTE;CHARSET=utf-8:x", "NOTE:x"),
        ("NOTE;CHARSET=latin1:x", "NOTE;CHARSET=latin1:x"),
        ("PHOTO;BASE64:QU JD", "PHOTO:data:application/octet-stream;base64,QUJD"),
        ("PHOTO;ENCODING=b;VALUE=BINARY;TYPE=PNG,HOME:QUJD",
         "PHOTO;TYPE=HOME:data:image/png;base64,QUJD"),
        ("PHOTO;ENCODING=b;X-ABCROP-RECTANGLE=a&b:QUJD",
         "PHOTO;X-ABCROP-RECTANGLE=a&b:data:application/octet-stream;base64,QUJD"),
        ("PHOTO;ENCODING=b:no base64!", "PHOTO;ENCODING=b:no base64!"),
        ("PHOTO;VALUE=text;TYPE=GIF:cid:x", "PHOTO;VALUE=text;MEDIATYPE=image/gif:cid:x"),
        ("X-GENDER:female", "X-GENDER:female"),
        ("GEO:somewhere", "GEO:somewhere"),
        ("BDAY:1985-04-12T10:11:12.5Z", "BDAY:1985-04-12T10:11:12.5Z"),
        ("TZ;VALUE=text:-05:00", "TZ;VALUE=text:-05:00"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:J=FCrgen=3D=\r\n =0D=0Ax\\, y",
         "NOTE:Jürgen=\\nx\\, y"),
        ("g.TEL;QUOTED-PRINTABLE;HOME;PREF:=2B1", "g.TEL;TYPE=HOME;PREF=1:+1"),
        ("NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=x:=41",
         "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=x:=41"),
        ("NOTE;X=QUOTED-PRINTABLE:=41", "NOTE;X=QUOTED-PRINTABLE:=41"),
        ("CLASS;ENCODING=QUOTED-PRINTABLE:=41", "X-VCARD3-CLASS:A"),
    ],
)  # fmt: skip
def test_what_3_0_clients_write_becomes_4_0(three: str, four: str):
    assert up(three) == [four]


@pytest.mark.parametrize(
    "four, three",
    [
        ('TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+1-555;ext=5',
         r"TEL;TYPE=pref;TYPE=voice,home:+1-555\;ext=5"),
        ("TEL;VALUE=uri:sip:a@b", "TEL;VALUE=uri:sip:a@b"),
        (r"PHOTO:DATA:image/jpeg;base64\,QUJD", "PHOTO;ENCODING=b;TYPE=JPEG:QUJD"),
        ("PHOTO;MEDIATYPE=application/octet-stream:http://x",
         "PHOTO;VALUE=uri;MEDIATYPE=application/octet-stream:http://x"),
        ("PHOTO:data:;base64,QUJD", "PHOTO;ENCODING=b:QUJD"),
        ("KEY:data:application/pkix-cert;base64,QUJD", "KEY;ENCODING=b;TYPE=X509:QUJD"),
        ("BDAY:--04-12", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-04-12"),
        ("TZ:+0100", "TZ;VALUE=text:+0100"),
        ("GEO;VALUE=uri:geo:1,2", "GEO:1;2"),
    ],
)  # fmt: skip
def test_what_4_0_clients_write_becomes_3_0(four: str, three: str):
    assert down(four) == [three]


def test_a_label_belongs_to_the_address_of_the_same_types():
    """RFC 6350 section 6.3.1: LABEL is a parameter in 4.0, a property of its own in 3.0."""
    assert up("ADR;TYPE=work:1", "ADR;TYPE=home:2", r"LABEL;TYPE=HOME:a\n\"b\"^", "NOTE:x") == [
        "ADR;TYPE=work:1",
        "ADR;TYPE=home;LABEL=a\\n^'b^'^^:2",
        "NOTE:x",
    ]
    assert up("LABEL;TYPE=home:a", "g.ADR;TYPE=home:1", "ADR;TYPE=home:2") == [
        "g.ADR;TYPE=home:1",
        "ADR;TYPE=home;LABEL=a:2",
    ]
    assert up("ADR:1", "ADR:2", "LABEL:a") == ["ADR:1", "ADR;LABEL=a:2"]
    assert up("ADR:1", "LABEL;X=y:a") == ["ADR:1", "X-VCARD3-LABEL;X=y:a"]
    long = "x" * 9000
    assert up("ADR:1", f"LABEL:{long}") == ["ADR:1", f"X-VCARD3-LABEL:{long}"]
    assert up("ADR;LABEL=own:1", "LABEL:a") == ["ADR;LABEL=own:1", "X-VCARD3-LABEL:a"]
    assert down('g.ADR;PREF=1;LABEL="a, ^nb\\nc":1') == [
        "g.ADR;TYPE=pref:1",
        r"g.LABEL;TYPE=pref:a\, \nb\nc",
    ]


def test_a_name_is_sorted_by_a_parameter_or_by_a_property():
    """RFC 6350 section 5.9."""
    whole = to_version(card("3.0", r"SORT-STRING:Har\,ten"), "4.0")

    assert b'\r\nN;SORT-AS="Har,ten":B;Ann;;;\r\n' in whole
    assert lines_of(to_version(whole, "3.0")) == [r"SORT-STRING:Har\,ten"]
    long = "x" * 9000
    assert up(f"SORT-STRING:{long}") == [f"X-VCARD3-SORT-STRING:{long}"]
    taken = card("3.0", "SORT-STRING:x").replace(b"N:B", b"N;sort-as=y:B")
    assert b"X-VCARD3-SORT-STRING:x" in to_version(taken, "4.0")


def test_a_card_of_the_version_is_given_back_as_it_is():
    for version in ("3.0", "4.0"):
        body = card(version, "NOTE;charset=utf-8;PREF:x")
        assert to_version(body, version) is body  # type: ignore[arg-type]


def test_the_version_comes_first_in_4_0():
    """RFC 6350 section 6.7.9."""
    body = b"\xef\xbb\xbfBEGIN:VCARD\nFN:A\nBEGIN:X\nEND:X\nVERSION:3.0\nEND:VCARD\nVERSION:9\n"

    assert to_version(body, "4.0") == (
        b"\xef\xbb\xbfBEGIN:VCARD\nVERSION:4.0\nFN:A\nBEGIN:X\nEND:X\nEND:VCARD\nVERSION:9\n"
    )


def test_3_0_gets_the_name_that_it_demands():
    """RFC 2426 section 3.1.2."""
    body = b"BEGIN:VCARD\nVERSION:4.0\nFN:A\\, B\nFN:C\nEND:VCARD\n"

    assert to_version(body, "3.0") == (
        b"BEGIN:VCARD\nVERSION:3.0\nFN:A\\, B\nN:A\\, B;;;;\nFN:C\nEND:VCARD\n"
    )


@pytest.mark.parametrize("version", ["2.1", ""])
def test_other_versions_are_refused(version: str):
    with pytest.raises(FormatError) as caught:
        to_version(card(version), "3.0")
    assert caught.value.code == "unsupported-version"


def test_a_card_that_is_too_long_is_refused():
    with pytest.raises(FormatError) as caught:
        to_version(card("3.0", *["A:"] * CARD_LINES_MAX), "4.0")
    assert caught.value.code == "too-complex"


def test_long_parameters_are_converted_too():
    long = "x" * 300

    assert up(f"TEL;X={long};TYPE=pref:1") == [f"TEL;X={long};PREF=1:1"]
    assert down(f"TEL;X={long};PREF=1:1") == [f"TEL;X={long};TYPE=pref:1"]
    assert down(f"NOTE;X={long}:1") == [f"NOTE;X={long}:1"]


# --- there and back -------------------------------------------------------------------------------

_DATE = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(T.*)?", re.IGNORECASE)
_ALIASES = {
    b"X-ADDRESSBOOKSERVER-KIND": b"KIND",
    b"X-ADDRESSBOOKSERVER-MEMBER": b"MEMBER",
    b"X-ANNIVERSARY": b"ANNIVERSARY",
    b"X-GENDER": b"GENDER",
}
_MEDIA = {b"PHOTO", b"LOGO", b"SOUND", b"KEY"}
_DATES = {b"BDAY", b"ANNIVERSARY", b"REV"}


def meaning(body: bytes) -> Counter[object]:
    return Counter(_line_meaning(line) for line in split_card(body) if line.name)


def _line_meaning(line: Line) -> object:
    name = _ALIASES.get(line.name, line.name)
    parameters = parameters_of(line.parameters)
    value = line.value.decode()
    if MARK in line.parameters.decode():
        value = quopri.decodestring(value).decode()
    types = {word.lower() for word in values_of(parameters, b"TYPE")}
    preferred = b"pref" in types or (b"1",) in {p.values for p in parameters if p.name == b"PREF"}
    others = {
        (p.name, tuple(word.lower() for word in p.values))
        for p in parameters
        if p.name not in {b"TYPE", b"PREF", b"CHARSET", b"VALUE", b"X-APPLE-OMIT-YEAR"}
        and p.values != (b"QUOTED-PRINTABLE",)
    }
    ranks = {p.values for p in parameters if p.name == b"PREF"} - {(b"1",)}
    if name in _MEDIA and (b"ENCODING", (b"base64",)) in others:
        others = others - {(b"ENCODING", (b"base64",))} | {(b"ENCODING", (b"b",))}
    return (
        *(line.group.upper(), name, frozenset(types - {b"pref"}), preferred, frozenset(ranks)),
        *(frozenset(others), _value_meaning(name, value, line.parameters)),
    )


def _value_meaning(name: bytes, value: str, parameters: bytes) -> object:
    if name in _MEDIA and "ENCODING" in parameters.decode().upper():
        return re.sub(r"\s", "", value)
    if name in _DATES and (date := _DATE.fullmatch(value)):
        year = "--" if b"X-APPLE-OMIT-YEAR" in parameters else date[1]
        return (year, date[2], date[3], (date[4] or "").replace(":", ""))
    if name == b"TEL":
        return unescape(value).removeprefix("tel:")
    if name == b"TZ":
        return value.replace(":", "")
    return value


LETTERS = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"])
TEXTS = st.text(LETTERS, max_size=120).map(escape_text)
GROUPS = st.sampled_from(["", "", "", "item1.", "Item2."])
BASE64 = st.text("ABCabc019+/", max_size=200)
DAYS = st.dates().map(str)
TYPES_3 = st.sampled_from(
    ["", ";TYPE=home", ";TYPE=WORK,pref", ";type=HOME;type=pref", ";TYPE=x;X-A=b"]
)
TYPES_4 = st.sampled_from(
    ["", ";TYPE=home", ';TYPE="work,voice"', ";PREF=1", ";TYPE=x;PREF=1;X-A=b", ";PREF=20;ALTID=1"]
)
MARK = "ENCODING=QUOTED-PRINTABLE"
NAMES = st.sampled_from(["NOTE", "ORG", "TITLE", "NICKNAME", "URL", "EMAIL", "IMPP", "X-OWN"])


def line(name: object, parameters: object, value: object) -> st.SearchStrategy[str]:
    parts = [
        p if isinstance(p, st.SearchStrategy) else st.just(p) for p in (name, parameters, value)
    ]
    return st.tuples(GROUPS, parts[0], parts[1], st.just(":"), parts[2]).map("".join)


LINES_3 = st.one_of(
    line(NAMES, TYPES_3, TEXTS),
    line("TEL", TYPES_3, TEXTS),
    line("ADR", TYPES_3, TEXTS),
    line("LABEL", st.sampled_from(["", ";TYPE=home", ";TYPE=work,pref"]), TEXTS),
    line(st.sampled_from(["BDAY", "REV", "X-ANNIVERSARY"]), "", DAYS),
    line("BDAY", ";X-APPLE-OMIT-YEAR=1604", "1604-02-29"),
    line("X-GENDER", "", st.sampled_from(["M", "F;x", "", "male"])),
    line(st.sampled_from(["CLASS", "MAILER", "AGENT", "PROFILE", "NAME"]), TYPES_3, TEXTS),
    line("X-VCARD4-RELATED", TYPES_4, TEXTS),
    line("GEO", "", st.sampled_from(["1.5;-2", "x"])),
    line("TZ", "", st.sampled_from(["-05:00", "+01:00"])),
    line(
        st.sampled_from(["PHOTO", "LOGO", "SOUND", "KEY"]),
        st.sampled_from([";ENCODING=b", ";ENCODING=b;TYPE=JPEG", ";X-A=b;TYPE=x;ENCODING=BASE64"]),
        BASE64,
    ),
    line("PHOTO", st.sampled_from([";VALUE=uri", ";VALUE=uri;TYPE=GIF"]), "http://x/y"),
    line(NAMES, st.sampled_from([f";{MARK}", f";TYPE=home;{MARK};CHARSET=UTF-8"]),
         TEXTS.map(lambda text: "".join(f"={byte:02X}" for byte in text.encode()))),
)  # fmt: skip
LINES_4 = st.one_of(
    line(NAMES, TYPES_4, TEXTS),
    line("TEL", TYPES_4, TEXTS),
    line("TEL", ";VALUE=uri", "tel:+1-555;ext=5"),
    line("ADR", TYPES_4, TEXTS),
    line("ADR", st.sampled_from([';LABEL="a, b\\nc"', ";LABEL=x;TYPE=home"]), TEXTS),
    line(
        st.sampled_from(["BDAY", "ANNIVERSARY"]),
        "",
        DAYS.map(lambda day: day.replace("-", "")) | st.sampled_from(["--0412", "1985", "---12"]),
    ),
    line("GENDER", "", st.sampled_from(["M", "F;x", ""])),
    line(st.sampled_from(["RELATED", "LANG", "CLIENTPIDMAP", "HOBBY"]), TYPES_4, TEXTS),
    line("X-VCARD3-CLASS", TYPES_3, TEXTS),
    line(st.sampled_from(["KIND", "MEMBER"]), "", TEXTS),
    line("GEO", "", st.sampled_from(["geo:1.5,-2", "geo:1,2,3"])),
    line("TZ", "", st.sampled_from(["Europe/Berlin"])),
    line("TZ", ";VALUE=utc-offset", "-0500"),
    line(
        st.sampled_from(["PHOTO", "LOGO", "SOUND", "KEY"]),
        st.sampled_from(["", ";PREF=1", ";PREF=2;X-A=b"]),
        BASE64.map(lambda data: "data:image/png;base64," + data),
    ),
    line("PHOTO", st.sampled_from(["", ";MEDIATYPE=image/gif", ";TYPE=home"]), "http://x/y"),
)


def check_there_and_back(body: bytes, there, back) -> None:
    other = to_version(body, there)
    again = to_version(other, back)

    assert meaning(again) == meaning(body)
    for piece in other.splitlines():
        piece.decode()
    written = set(other.split(b"\r\n")) - set(body.split(b"\r\n"))
    assert all(len(piece) <= LINE_BYTES_MAX for piece in written)


@given(st.lists(LINES_3, max_size=8))
@pytest.mark.rfc("6352", "5.1.1", "8.5")
def test_a_3_0_card_comes_back_from_4_0_with_every_value(lines: list[str]):
    check_there_and_back(card("3.0", *lines), "4.0", "3.0")


@given(st.lists(LINES_4, max_size=8))
@pytest.mark.rfc("6352", "5.1.1", "8.5")
def test_a_4_0_card_comes_back_from_3_0_with_every_value(lines: list[str]):
    check_there_and_back(card("4.0", *lines), "3.0", "4.0")


PIECES = st.sampled_from(
    [b"ADR", b"LABEL", b"N", b"PHOTO", b"BDAY", b"TEL", b"SORT-STRING", b";", b":", b'"', b"=",
     b"TYPE", b"PREF", b"LABEL=", b"SORT-AS=", b"ENCODING=b", b"data:", b";base64,", b"\r\n",
     b"\n ", b"\xc3", b"X"]
)  # fmt: skip


@given(st.lists(PIECES | st.binary(max_size=4), max_size=20), st.sampled_from(["3.0", "4.0"]))
def test_any_bytes_are_converted_or_the_one_error(pieces: list[bytes], version):
    other = "4.0" if version == "3.0" else "3.0"
    body = (
        f"BEGIN:VCARD\r\nVERSION:{version}\r\nX:".encode() + b"".join(pieces) + b"\r\nEND:VCARD\r\n"
    )

    assert other.encode() in to_version(body, other)  # type: ignore[arg-type]

"""Cards of other programs: what can be kept stays as it is, the rest is mended and told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import CARD_CODED_SIGNS_MAX, CARD_LINES_KEPT_MAX, UID_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.carddialects import (
    CHARSET,
    CONTROLS,
    FROM_2_1,
    JOINED,
    NEW_NAME,
    NEW_UID,
    NO_VERSION,
    OTHER_UID,
    Mended,
    content_uid,
    mended,
)
from strongroom.formats.vcard import check


def card(*lines: str | bytes, version: str = "3.0", end: bytes = b"\r\n") -> bytes:
    inner = [line.encode() if isinstance(line, str) else line for line in lines]
    head = [b"VERSION:" + version.encode()] if version else []
    return end.join([b"BEGIN:VCARD", *head, *inner, b"END:VCARD", b""])


def lines(found: Mended) -> list[str]:
    """What stands between VERSION and what was added, unfolded."""
    return found.body.replace(b"\r\n ", b"").decode().splitlines()[2:-1]


def old(*written: str | bytes) -> list[str]:
    """A card of 2.1 with a UID and a name, as 3.0."""
    found = mended(card("UID:u", "FN:x", *written, version="2.1"))
    assert found.mendings == (FROM_2_1,)
    assert found.facts.version == "3.0"
    assert lines(found)[:2] == ["UID:u", "FN:x"]
    return lines(found)[2:]


@pytest.mark.parametrize(
    "one",
    [
        card("UID:u", "FN:x", "PHOTO;ENCODING=b;TYPE=JPEG;X-ABCROP-RECTANGLE=ABClipRect_1:AAAA",
             "item1.X-ABLabel:_$!<HomePage>!$_"),
        card("UID:u", "N:x;;;;", version="4.0", end=b"\n"),
        card("UID:u", "NOTE;ENCODING=QUOTED-PRINTABLE:a=3D"),
        card("UID:u", "PHOTO;VALUE=uri:https://lh3.example.com/photo.jpg", "TEL;HOME:1"),
    ],
    ids=["apple", "lf", "android", "google"],
)  # fmt: skip
def test_a_card_that_can_be_kept_stays_as_it_is(one: bytes) -> None:
    assert mended(one) == Mended(one, check(one), ())


def test_a_missing_uid_follows_from_the_content_and_all_else_keeps_its_bytes() -> None:
    one = card("FN:x", "NOTE:a\r\n b", "item1.TEL:1")
    found = mended(one)
    assert found.mendings == (NEW_UID,)
    assert found.body == one.replace(b"END:", b"UID:" + content_uid(one).encode() + b"\r\nEND:")
    assert found.facts.uid == mended(one.replace(b"\r\n", b"\n")).facts.uid
    assert found.facts.uid != mended(card("FN:y")).facts.uid
    assert mended(found.body).body == found.body


def test_the_uid_of_a_content_is_for_ever() -> None:
    """A second run with a later release must find what an earlier one made."""
    assert content_uid(b"BEGIN:VCARD\r\n") == "46ec6ecb-f517-527b-b22c-bd56bf1e315e"


def test_an_empty_uid_is_none() -> None:
    found = mended(card("FN:x", "UID:"))
    assert found.mendings == (NEW_UID,)
    assert found.body.count(b"UID:") == 1


@pytest.mark.parametrize("other", ["b", "u" * (UID_BYTES_MAX + 1)])
def test_a_second_or_too_long_uid_is_kept_beside(other: str) -> None:
    found = mended(card("UID:a", f"UID:{other}", "FN:x"))
    assert found.facts.uid == "a"
    assert found.mendings == (OTHER_UID,)
    assert f"X-OTHER-UID:{other}" in lines(found)


def test_a_uid_of_the_largest_size_is_kept() -> None:
    uid = "u" * UID_BYTES_MAX
    assert mended(card(f"UID:{uid}", "FN:x")).facts.uid == uid


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("N:Family;Given;Middle;Dr.;Jr.", "Dr. Given Middle Family Jr."),
        ("N;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J", "J Müller"),
        ("N:;;;;\r\nORG:One\\; Two;Dept", r"One\; Two"),
        ("EMAIL:a@example.com", "a@example.com"),
        ("TEL:+1", "+1"),
        ("NOTE:x", ""),
    ],
)
def test_a_missing_name_is_made_of_what_there_is(written: str, name: str) -> None:
    found = mended(card(*written.split("\r\n"), end=b"\n"))
    assert found.mendings == tuple(sorted({NEW_UID, NEW_NAME} if name else {NEW_UID}))
    assert (f"FN:{name}" in lines(found)) == bool(name)


def test_no_version_is_read_as_3() -> None:
    found = mended(card("UID:u", "FN:x", version=""))
    assert found.body == card("UID:u", "FN:x")
    assert found.mendings == (NO_VERSION,)


# --- 2.1 ------------------------------------------------------------------------------------------


def test_bare_words_are_types_and_encodings() -> None:
    assert old("TEL;HOME;VOICE:+1", "TEL;TYPE=CELL;PREF:2,3", "EMAIL;INTERNET:a@b") == [
        "TEL;TYPE=HOME,VOICE:+1", "TEL;TYPE=CELL,PREF:2,3", "EMAIL;TYPE=INTERNET:a@b",
    ]  # fmt: skip


def test_quoted_printable_becomes_text_in_its_charset() -> None:
    assert old(
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller, x;J=3B;;;",
        "TITLE;QUOTED-PRINTABLE;CHARSET=windows-1252:=80uro",
        "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo=\r\n three=\r\nfour=20\\;=5Cn",
        "ROLE;ENCODING=QUOTED-PRINTABLE;CHARSET=x-odd:=E4",
        "X-ODD;ENCODING=QUOTED-PRINTABLE;LANGUAGE=de:a;b=0Ac,d",
    ) == [
        r"N:Müller\, x;J;;;;", "TITLE:€uro", r"NOTE:one\ntwo threefour \;\n", "ROLE:ä",
        r"X-ODD;LANGUAGE=de:a;b\nc,d",
    ]  # fmt: skip


def test_a_soft_break_before_a_blank_line_takes_nothing_more() -> None:
    assert old("NOTE;QUOTED-PRINTABLE:a=\r\n\r\nTEL:1") == ["NOTE:a", "TEL:1"]


def test_parts_and_texts_are_escaped_as_3_wants_it() -> None:
    assert old(
        r"ORG:One\; Two, Three;C:\dir", r"ADR;WORK:;;5\, Street;City;;1;Land", "FN:a;b",
        "URL:http://x/?a,b;c", "GEO:1,2", r"LABEL:a\nb",
    ) == [
        r"ORG:One\; Two\, Three;C:\\dir", r"ADR;TYPE=WORK:;;5\, Street;City;;1;Land", r"FN:a\;b",
        "URL:http://x/?a,b;c", "GEO:1,2", r"LABEL:a\nb",
    ]  # fmt: skip


def test_base64_may_be_folded_or_not_and_ends_with_a_blank_line() -> None:
    for fold in ("\r\n ", "\r\n", "\r\n\t"):
        written = f"PHOTO;JPEG;ENCODING=BASE64:{fold}AA{fold}BB==\r\n\r\nTEL:1"
        assert old(written) == ["PHOTO;ENCODING=b;TYPE=JPEG:AABB==", "TEL:1"]
    assert old("LOGO;B;GIF:AA==") == ["LOGO;ENCODING=b;TYPE=GIF:AA=="]


def test_what_names_a_place_is_a_uri_and_is_not_fetched() -> None:
    assert old(
        "PHOTO;URL;JPEG:http://x/y.jpg", "PHOTO;VALUE=URL:http://x/z", "SOUND;VALUE=CID:a",
        "LOGO;INLINE;BASE64:AA==", "KEY;VALUE=text:k",
    ) == [
        "PHOTO;VALUE=uri;TYPE=JPEG:http://x/y.jpg", "PHOTO;VALUE=uri:http://x/z",
        "SOUND;VALUE=uri:a", "LOGO;ENCODING=b:AA==", "KEY;VALUE=text:k",
    ]  # fmt: skip


def test_a_fold_of_2_1_keeps_its_space() -> None:
    assert old("NOTE:one\r\n two", "NOTE;X=1:one\r\n\ttwo") == ["NOTE:one two", "NOTE;X=1:one\ttwo"]


def test_a_value_of_too_many_parts_is_left_whole() -> None:
    most, more = "N:" + ";" * 64, "N:," + ";" * 65
    assert old(most.replace(":", ":a,b")) == [most.replace(":", r":a\,b")]
    assert old(more) == [more]


def test_a_card_with_too_many_coded_signs_is_not_looked_into() -> None:
    most = "NOTE;QUOTED-PRINTABLE:" + "=41" * CARD_CODED_SIGNS_MAX
    assert old(most) == ["NOTE:" + "A" * CARD_CODED_SIGNS_MAX]
    with pytest.raises(FormatError) as caught:
        mended(card("UID:u", most + "=41", version="2.1"))
    assert caught.value.code == "too-complex"


def test_an_agent_becomes_a_text() -> None:
    inner = card("N:In;Ner", version="2.1").decode().rstrip()
    for blank in ("", "\r\n"):
        assert old(f"AGENT;X=1:{blank}\r\n{inner}", "TEL:1") == [
            r"AGENT;X=1:BEGIN:VCARD\nVERSION:2.1\nN:In\;Ner\nEND:VCARD", "TEL:1"
        ]  # fmt: skip


def test_an_agent_that_is_never_ended_takes_the_end_of_its_card_with_it() -> None:
    with pytest.raises(FormatError) as caught:
        mended(card("AGENT:", "BEGIN:VCARD", "N:x", version="2.1"))
    assert caught.value.code == "not-a-vcard"


# --- bytes and lines ------------------------------------------------------------------------------


def test_a_charset_of_old_is_read_line_by_line() -> None:
    found = mended(card(
        "UID:u", b"FN:M\xfcller", "NOTE:Grüße", b"TITLE;CHARSET=SHIFT_JIS:\x8a\xbf",
        b"X-A;CHARSET=iso-2022-jp:\x1b$B4A\x1b(B\xff", b"X-B:\x81\xfc",
    ))  # fmt: skip
    assert CHARSET in found.mendings
    assert lines(found)[:4] == [
        "UID:u", "FN:Müller", "NOTE:Grüße", "TITLE;CHARSET=SHIFT_JIS:漢"
    ]  # fmt: skip
    assert lines(found)[-1] == "X-B:\x81ü"


def test_a_fold_inside_a_character_is_no_broken_charset() -> None:
    found = mended(card("FN:x", b"NOTE:\xc3\r\n \xbc"))
    assert found.mendings == (NEW_UID,)


def test_a_line_break_that_a_charset_hides_stays_inside_its_value() -> None:
    found = mended(card("UID:u", "FN:x", b"NOTE;CHARSET=UTF-16BE:\x00a\x00\x0a\xff\x41"))
    assert lines(found)[2].startswith("NOTE;CHARSET=UTF-16BE:a\\n")


def test_characters_that_xml_cannot_carry_are_left_out() -> None:
    found = mended(card("UID:u", "FN:a\x0b\x00b", b"NOTE:\xef\xbf\xbfc\xed\xa0\x80d"))
    assert found.mendings == (CONTROLS,)
    assert lines(found) == ["UID:u", "FN:ab", "NOTE:cd"]
    assert old("NOTE;QUOTED-PRINTABLE:a=00=EF=BF=BFb") == ["NOTE:ab"]


def test_lines_that_lost_their_fold_are_joined() -> None:
    found = mended(card(
        "lost", "UID:u", "FN:x", "NOTE:one", "two", "", "three", "X;QUOTED-PRINTABLE:a", "b",
        "PHOTO;ENCODING=b:AA", "BB",
    ))  # fmt: skip
    assert found.mendings == (JOINED,)
    assert lines(found) == [
        "NOTE:lost", "UID:u", "FN:x", r"NOTE:one\ntwo\nthree", "X;QUOTED-PRINTABLE:a=0Ab",
        "PHOTO;ENCODING=b:AABB",
    ]  # fmt: skip


def test_a_soft_break_with_a_fold_in_3_is_one_break() -> None:
    found = mended(card("FN:x", "NOTE;QUOTED-PRINTABLE:a=\r\n b=\r\nc"))
    assert lines(found)[1] == "NOTE;QUOTED-PRINTABLE:abc"


def test_carriage_returns_alone_become_line_ends() -> None:
    assert mended(card("UID:u", "FN:x", end=b"\r")).body == card("UID:u", "FN:x")


def test_a_card_without_its_last_line_end_goes_on_having_none() -> None:
    assert mended(card("FN:x").rstrip()).body.endswith(b"\r\nEND:VCARD")


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (card("UID:u", version="5.0"), "unsupported-version"),
        (b"", "not-a-vcard"),
        (b"\n", "not-a-vcard"),
        (b"hello\n", "not-a-vcard"),
        (card("UID:u", "BEGIN:VCARD"), "two-cards"),
        (b"x:\n" * (CARD_LINES_KEPT_MAX + 1), "too-complex"),
    ],
)
def test_what_cannot_be_mended_says_why(one: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        mended(one)
    assert caught.value.code == code


WORDS = [
    *(b"N:a;b\n", b"AGENT:\n", b"BEGIN:VCARD\n", b"END:VCARD\n", b"VERSION:2.1\n", b"UID:x\n"),
    *(b"NOTE;ENCODING=QUOTED-PRINTABLE:=E4=\n", b"PHOTO;BASE64:AA\n", b"CHARSET=utf-16", b"\\"),
    *(b" fold\n", b"\n", b"\r", b";", b":", b"=", b'"', b"TEL;HOME", b"\xff", b"TYPE=", b"FN:"),
]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=4), max_size=20), st.booleans())
def test_any_bytes_give_a_card_that_can_be_kept_or_the_one_error(
    parts: list[bytes], framed: bool
) -> None:
    inner = b"".join(parts)
    one = card(inner, version="2.1", end=b"\n") if framed else inner
    try:
        found = mended(one)
    except FormatError:
        return
    assert check(found.body) == found.facts
    assert mended(found.body).body == found.body

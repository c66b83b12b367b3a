"""vCard: what is refused is a short list; what real clients send is kept."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.base.limits import (
    CARD_FACT_LINES_MAX,
    CARD_FOLDS_KEPT_MAX,
    CARD_LINES_KEPT_MAX,
    CARD_PARAMETERS_BYTES_MAX,
    OBJECT_BYTES_MAX,
    UID_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.characters import carried
from strongroom.formats.vcard import FULL_NAME_CHARACTERS_MAX, CardFacts, check, full_name_of

PLAIN = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:Erika\r\nEND:VCARD\r\n"


def card(*lines: str, end: str = "\r\n") -> bytes:
    return end.join(["BEGIN:VCARD", *lines, "END:VCARD", ""]).encode()


def code_of(body: bytes) -> str:
    with pytest.raises(FormatError) as caught:
        check(body)
    return caught.value.code


def test_a_plain_card_gives_its_facts():
    assert CardFacts("u1", "3.0", "Erika") == check(PLAIN.encode())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xef\xbb\xbf" + PLAIN.encode(), id="byte order mark"),
        pytest.param(PLAIN.replace("\r\n", "\n").encode(), id="LF alone"),
        pytest.param(("\r\n\r\n" + PLAIN + "\r\n\r\n \n").encode(), id="blank lines around"),
        pytest.param(PLAIN.lower().replace("erika", "Erika").encode(), id="lower case"),
        pytest.param(card("VERSION:3.0", "item1.UID:u1", "a-b_c.FN:Erika"), id="groups"),
        pytest.param(card("VERSION:3.0", "UID: u1 ", "FN:Erika\t"), id="white space"),
        pytest.param(card('VERSION;X="a:b;c":3.0', 'UID;X=1;Y="::":u1', "FN:Erika"), id="quotes"),
        pytest.param(card('VERSION;X="a:3.0', "UID;VALUE=text:u1", "FN:Erika"), id="open quote"),
        pytest.param(card("VERSION:3.0", "U\r\n ID:u\n\t1", "FN:Eri\r\n\tk\n a"), id="folds"),
        pytest.param(card("VERSION:3.0", "UID:", "UID:u1", "UID: ", "FN:Erika"), id="empty UIDs"),
        pytest.param(
            card("VERSION:3.0", "UID:u1", "FN:Erika", "AGENT:BEGIN:VCARD\\nEND:VCARD\\n"),
            id="an agent inside",
        ),
        pytest.param(
            card("VERSION:3.0", "UID:u1", "FN:Erika", "BEGIN:X-BOX", "END:X-BOX"),
            id="another thing inside",
        ),
        pytest.param(
            card(
                "VERSION:3.0",
                "UID:u1",
                "FN:Erika",
                "PHOTO;ENCODING=b:" + "\r\n ".join(["QUJD" * 18] * 40),
            ),
            id="folded photo",
        ),
        pytest.param(
            card("VERSION:3.0", "UID:u1", "FN:Erika", "X-UID;Y:z", "", ":", "UIDX:9"),
            id="lines that are none",
        ),
        pytest.param(
            card("VERSION:3.0", "UID:u1", "FN:Erika", "NOTE:a\rb\u2028c\x7f\u0085"), id="odd breaks"
        ),
        pytest.param(
            PLAIN.encode() + b"UID:other\r\nVERSION:9\r\nnonsense", id="something after the end"
        ),
    ],
)
@pytest.mark.rfc("6352", "6.3.2.2")
def test_ugly_cards_of_real_clients_are_kept(body: bytes):
    assert CardFacts("u1", "3.0", "Erika") == check(body)


def test_version_four_and_escapes_are_read_as_written():
    facts = check(card("VERSION:4.0", r"UID:urn:uuid:a\,b", r"FN:M\\üller\; Max"))

    assert CardFacts(r"urn:uuid:a\,b", "4.0", r"M\\üller\; Max") == facts


def test_a_card_without_full_name_is_kept():
    assert check(card("VERSION:3.0", "UID:u1")).full_name == ""


def test_a_long_full_name_is_cut_as_a_fact_only():
    assert (
        check(card("VERSION:3.0", "UID:u1", "FN:" + "ü" * 10_000)).full_name
        == "ü" * FULL_NAME_CHARACTERS_MAX
    )


def test_a_fold_inside_a_character_is_kept_and_can_be_sent():
    body = card("VERSION:3.0", "UID:u1", "FN:Mül€r 🎉")
    for letter in ("ü", "€", "🎉"):
        raw = letter.encode()
        body = body.replace(raw, b"\r\n ".join(raw[i : i + 1] for i in range(len(raw))))

    assert check(body).full_name == "Mül€r 🎉"
    assert "Mül€r 🎉" in carried(body).decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"BEGIN:VCARD",
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u1\r\nFN:cut off",
        b"END:VCARD\r\nBEGIN:VCARD\r\n",
        b"<html>\nBEGIN:VCARD\nVERSION:3.0\nUID:u\nEND:VCARD",
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nUID:u1\r\nEND:VCALENDAR\r\n",
        PLAIN.replace("Erika", "Müller").encode("latin-1"),
        PLAIN.encode("utf-16"),
    ],
)
def test_what_is_not_a_vcard_is_refused(body: bytes):
    assert code_of(body) in {"not-a-vcard", "not-xml-clean"}
    assert (code_of(body) == "not-xml-clean") == (b"\0" in body)


@pytest.mark.parametrize("version", ["VERSION:2.1", "VERSION:5.0", "VERSION:", "X:1"])
def test_other_versions_are_refused(version: str):
    assert code_of(card(version, "UID:u1")) == "unsupported-version"


@pytest.mark.rfc("6352", "5.1")
def test_two_cards_are_refused():
    assert code_of(PLAIN.encode() * 2) == "two-cards"
    assert code_of(PLAIN.replace("FN", "BEGIN:VCARD\r\nFN").encode()) == "two-cards"


@pytest.mark.parametrize("uid", ["UID:", "UID: \t", "X-UID:1", "UID;X=1:"])
@pytest.mark.rfc("6352", "5.1")
def test_a_card_without_uid_is_refused(uid: str):
    assert code_of(card("VERSION:3.0", uid)) == "no-uid"


@pytest.mark.rfc("6352", "5.1")
def test_a_card_with_two_uids_is_refused():
    assert code_of(card("VERSION:3.0", "UID:u1", "FN:Erika", "UID:u1")) == "two-uids"


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("line", ["nonsense", "View;CA;94040;USA", '"quoted"'])
@pytest.mark.rfc("6352", "6.3.2.1")
def test_a_line_that_is_no_property_is_refused(line: str, end: str):
    for lines in ([line, "FN:Erika"], ["FN:Erika", line], ["FN:Erika", "", line, line, "TEL:1"]):
        assert code_of(card("VERSION:3.0", "UID:u1", *lines, end=end)) == "not-a-vcard"


def test_a_uid_is_kept_at_the_limit_and_refused_one_past_it():
    longest = "u" * UID_BYTES_MAX

    assert check(card("VERSION:3.0", f"UID:{longest}")).uid == longest
    assert code_of(card("VERSION:3.0", f"UID:{longest}u")) == "uid-too-long"


@pytest.mark.parametrize(
    "bad", ["\x00", "\x08", "\x0b", "\x0c", "\x1f", "\ufffe", "\uffff", "\ud800"]
)
def test_characters_that_xml_cannot_carry_are_refused(bad: str):
    body = PLAIN.replace("Erika", f"Eri{bad}ka").encode("utf-8", "surrogatepass")

    assert code_of(body) == "not-xml-clean"


# --- what a hostile card may cost -----------------------------------------------------------------
def test_a_card_has_so_many_lines_and_folds_and_no_more():
    plain = ("VERSION:3.0", "UID:u1")  # with the frame and the last end: four line feeds
    most = CARD_LINES_KEPT_MAX - 4

    assert check(card(*plain, *["A:"] * most, end="\n")).uid == "u1"
    assert code_of(card(*plain, *["A:"] * (most + 1), end="\n")) == "too-complex"
    assert check(card(*plain, "NOTE:" + "\n " * CARD_FOLDS_KEPT_MAX, end="\n")).uid == "u1"
    assert code_of(card(*plain, "NOTE:" + "\n\t" * (CARD_FOLDS_KEPT_MAX + 1))) == "too-complex"


def test_a_card_names_itself_only_so_often():
    names = ["FN:Erika"] * (CARD_FACT_LINES_MAX - 4)

    assert check(card("VERSION:3.0", "UID:u1", *names)).full_name == "Erika"
    assert code_of(card("VERSION:3.0", "UID:u1", *names, "FN:E")) == "too-complex"


def test_quoted_parameters_of_what_is_read_are_bounded_together():
    half = ';X="' + "a" * (CARD_PARAMETERS_BYTES_MAX // 2 - len(';X="":u'))

    assert check(card("VERSION:3.0", f'UID{half}":u', f'FN{half}":u', end="\n")).full_name == "u"
    longer = card("VERSION:3.0", f'UID{half}":u', f'FN{half}a":u', end="\n")
    assert code_of(longer) == "too-complex"


def test_the_largest_hostile_cards_are_looked_at_in_linear_time():
    """Each of these took seconds; the limit is ten times what they take."""
    frame = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:a\r\n%sEND:VCARD\r\n"
    for unit in (b"\n", b"FN:\n", b'FN;"a:"\n', b"BEGIN:\n", b"\xc3\n \xa9", b'FN;"":x\n'):
        body = frame % (unit * (OBJECT_BYTES_MAX // len(unit)))
        start = process_time()
        assert code_of(body) == "too-complex"
        assert process_time() - start < 1


PIECES = st.sampled_from(
    [
        b"BEGIN:VCARD",
        b"END:VCARD",
        b"VERSION:3.0",
        b"UID:u",
        b"UID;",
        b'"',
        b":",
        b"\n",
        b"\r\n ",
        b"\n\t",
        b".",
        b"\xc3",
        b"\xa9",
        b"\xed\xa0\x80",
        b"\xef\xbf\xbe",
        b"\xef\xbb\xbf",
        b"a",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES | st.binary(max_size=6), max_size=20).map(b"".join))
def test_any_bytes_give_facts_or_the_one_error_and_what_is_kept_can_be_sent(body: bytes):
    try:
        check(body)
    except FormatError:
        return
    carried(body).decode()


@pytest.mark.parametrize(
    "fields, name",
    [
        (b"FN:Anna Meier", "Anna Meier"),
        (b"item1.fn;LANGUAGE=de:Meier\\, A\r\n nna", "Meier, Anna"),
        (b"FN:a\\nb\x1b[2J", "a b [2J"),
        (b"FN:" + b"x" * 300, "x" * FULL_NAME_CHARACTERS_MAX),
        (b"FN:caf\xe9", "caf\ufffd"),
        (b"N:Meier", ""),
        (b"FN;X=" + b"x" * CARD_PARAMETERS_BYTES_MAX + b":Anna", ""),
    ],
)
def test_the_name_of_a_card_for_people(fields: bytes, name: str) -> None:
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\n" + fields + b"\r\nEND:VCARD\r\n"
    assert full_name_of(card) == name

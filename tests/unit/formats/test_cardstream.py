"""Streams of cards: every card whole, everything else told, in any chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.base.limits import INTAKE_JUNK_BYTES, OBJECT_BYTES_MAX
from strongroom.formats.cardstream import (
    BETWEEN,
    NO_END,
    TOO_LARGE,
    CardFile,
    CardStream,
    Piece,
    joined,
)


def card(name: str, end: str = "\r\n") -> bytes:
    lines = ("BEGIN:VCARD", "VERSION:3.0", f"UID:{name}", f"FN:{name}", "END:VCARD", "")
    return end.join(lines).encode()


def cut(stream: bytes, size: int = 7) -> list[Piece]:
    splitter = CardStream()
    pieces: list[Piece] = []
    for at in range(0, len(stream), size):
        pieces += splitter.feed(stream[at : at + size])
    return [*pieces, *splitter.feed(b"", last=True)]


def cards(stream: bytes, size: int = 7) -> list[bytes]:
    return [piece.card for piece in cut(stream, size) if not piece.fault]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_cards_come_back_with_their_lines_and_bytes(end: str, size: int) -> None:
    first, second = card("a", end), card("b", end)
    assert cut(first + second, size) == [Piece(1, first, first), Piece(6, second, second)]


def test_a_stream_of_cards_joined_gives_the_same_cards() -> None:
    """Also lone carriage returns inside a value, odd cases and white space around the frame."""
    odd = b"begin : vcard \r\nVERSION:3.0\nNOTE:a\rb\nend:VCARD\t\r\n"
    assert cards(card("a") + odd + card("b", "\n")) == [card("a"), odd, card("b", "\n")]


def test_the_last_card_may_lack_its_line_end() -> None:
    assert cards(card("a") + card("b").rstrip()) == [card("a"), card("b").rstrip()]
    assert cards(card("a", "\r").rstrip(), 1) == [card("a", "\r").rstrip()]


def test_a_file_of_cards_is_all_of_them_joined() -> None:
    file = CardFile()
    assert b"".join((file.add(1, card("a")), file.add(2, b"b"), file.end())) == (
        joined(card("a")) + joined(b"b")
    )


def test_a_card_without_line_end_is_joined_so_that_it_comes_back_without_one() -> None:
    bare = card("a").rstrip()
    stream = joined(bare) + joined(card("b")) + joined(bare)
    assert stream == bare + b"\n\r\n" + card("b") + bare + b"\n\r\n"
    for size in (1, 5, 1000):
        assert cards(stream, size) == [bare, card("b"), bare]


def test_blank_lines_of_other_programs_take_nothing_from_a_card() -> None:
    for end, blank in (("\r\n", b"\r\n"), ("\n", b"\n"), ("\n", b" \r\n"), ("\r", b"\r")):
        assert cards((card("a", end) + blank) * 2, 1000) == [card("a", end)] * 2
    assert cut(card("a") + b"END:VCARD\n\r\n")[-1].fault == BETWEEN


@given(
    st.lists(
        st.tuples(
            st.text("ab:;=\\é \r\n\t", max_size=20), st.sampled_from(["\n", "\r\n"]),
            st.booleans(),
        ),
        max_size=6,
    ),
    st.integers(1, 40),
)  # fmt: skip
def test_cards_that_were_joined_come_back_byte_for_byte(
    kinds: list[tuple[str, str, bool]], size: int
) -> None:
    made = []
    for text, end, ended in kinds:
        lines = ("BEGIN:VCARD", "VERSION:3.0", f"NOTE:{text}", "END:VCARD")
        made.append((end.join(lines) + end * ended).encode())
    assert cards(b"".join(map(joined, made)), size) == made


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_other_codings_of_unicode_become_utf_8(coding: str) -> None:
    text = card("Jürgen 😀").decode()
    for size in (1, 5, 1000):
        assert cards(text.encode(coding), size) == [text.encode()]
    assert cards(b"\xfe\xff" + text.encode("utf-16-be")) == [text.encode()]


def test_a_mark_that_is_not_the_streams_own_stays_with_its_card() -> None:
    marked = b"\xef\xbb\xbf" + card("b")
    assert cards(card("a") + marked) == [card("a"), marked]


def test_half_a_character_at_the_end_of_utf_16_is_told() -> None:
    assert cut("BEGIN".encode("utf-16") + b"x")[-1].raw == "BEGIN\ufffd".encode()


def test_a_very_short_stream_is_looked_at_as_well() -> None:
    assert cut(b"x") == [Piece(1, b"x", b"", BETWEEN)]
    assert cut(b"") == cut(b"\r\n \r\n") == cut(b"\r") == []


def test_what_stands_between_is_told_with_its_line_and_bytes() -> None:
    stream = b"\r\n\r\nhello\r\n" + card("a") + b"\n\nEND:VCARD\nmore" + card("b")
    stream = stream.replace(b"moreBEGIN", b"more\nBEGIN")
    told = [(p.line, p.raw, p.fault) for p in cut(stream) if p.fault]
    assert told == [(1, b"\r\n\r\nhello\r\n", BETWEEN), (9, b"\n\nEND:VCARD\nmore\n", BETWEEN)]
    assert cards(stream) == [card("a"), card("b")]


def test_a_card_without_its_end_does_not_swallow_the_next() -> None:
    half = card("a").replace(b"END:VCARD\r\n", b"")
    assert cut(half + card("b")) == [Piece(1, half, b"", NO_END), Piece(5, card("b"), card("b"))]
    assert cut(card("b") + half)[-1] == Piece(6, half, b"", NO_END)


def test_an_agent_is_a_part_of_its_card() -> None:
    """As vCard 2.1 has it: a whole card where the value should be."""
    for agent in (b"AGENT:\r\n", b"AGENT;X=1: \r\n\r\n", b"item1.agent:\r\n"):
        whole = card("a").replace(b"END", agent + card("inner") + b"END")
        assert cards(whole + card("b")) == [whole, card("b")]


def test_agents_nested_without_end_give_up_in_time() -> None:
    stream = b"BEGIN:VCARD\nAGENT:\n" * 50
    assert b"".join(p.raw for p in cut(stream)) == stream


def test_a_soft_break_and_a_fold_hide_what_looks_like_a_frame() -> None:
    coded = card("a").replace(
        b"END", b"NOTE;ENCODING=quoted-printable:one=\r\nEND:VCARD=\r\nx\r\nEND"
    )
    folded = card("a").replace(b"END", b"NOTE:one\r\n END:VCARD\r\nEND")
    assert cards(coded + folded) == [coded, folded]


def test_base64_that_ends_with_its_padding_hides_nothing() -> None:
    photo = card("a").replace(b"END", b"PHOTO;ENCODING=b:AA==\r\nEND")
    assert cards(photo + card("b")) == [photo, card("b")]


def padded(size: int) -> bytes:
    body = card("a").replace(b"END", b"NOTE:\r\nEND")
    room = size - len(body)
    lines = b"x" * 70 + b"\r\n "
    fill = (lines * (room // len(lines) + 1))[:room].rstrip(b"\r\n ")
    return body.replace(b"NOTE:", b"NOTE:" + fill.ljust(room, b"x"))


def test_a_card_of_the_largest_size_passes_and_one_byte_more_does_not() -> None:
    largest = padded(OBJECT_BYTES_MAX)
    assert len(largest) == OBJECT_BYTES_MAX
    assert cards(largest + card("b"), 1 << 20) == [largest, card("b")]
    larger = padded(OBJECT_BYTES_MAX + 1)
    pieces = cut(larger + card("b"), 1 << 20)
    assert b"".join(p.raw for p in pieces) == larger + card("b")
    assert {p.fault for p in pieces[:-1]} == {TOO_LARGE}
    assert pieces[-1].card == card("b")


def test_a_card_too_large_and_without_its_end_does_not_swallow_the_next() -> None:
    larger = padded(OBJECT_BYTES_MAX + 1).removesuffix(b"END:VCARD\r\n")
    spilt = larger + b" " + b"x" * INTAKE_JUNK_BYTES + b"\r\n" + card("b")
    assert cards(spilt, 1 << 20) == cards(larger + card("b"), 1 << 20) == [card("b")]


def test_a_line_without_end_is_given_up_when_it_is_too_long() -> None:
    stream = b"BEGIN:VCARD\nNOTE:" + b"x" * (OBJECT_BYTES_MAX + 10)
    pieces = cut(stream, 1 << 20)
    assert b"".join(p.raw for p in pieces) == stream
    assert {(p.fault, p.card) for p in pieces} == {(TOO_LARGE, b"")}


def test_one_line_alone_is_bounded_too() -> None:
    pieces = cut(b"x" * (OBJECT_BYTES_MAX + 10), 1 << 20)
    assert [p.fault for p in pieces] == [BETWEEN]


def test_junk_comes_in_parts() -> None:
    stream = b"no card\n" * INTAKE_JUNK_BYTES
    pieces = cut(stream, 1 << 16)
    assert b"".join(p.raw for p in pieces) == stream
    assert max(len(p.raw) for p in pieces) <= INTAKE_JUNK_BYTES + 2 * 8


WORDS = [
    *(b"BEGIN:VCARD", b"END:VCARD", b"AGENT:", b"NOTE;QUOTED-PRINTABLE:a=", b"FN:x"),
    *(b"\n", b"\r\n", b"\r", b" ", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"="),
]


@given(st.lists(st.sampled_from(WORDS) | st.binary(max_size=5), max_size=40), st.integers(1, 50))
def test_whatever_comes_no_byte_is_lost_and_chunks_do_not_matter(
    parts: list[bytes], size: int
) -> None:
    stream = b"x" + b"".join(parts)
    pieces = cut(stream, size)
    assert pieces == cut(stream, len(stream))
    kept = b"".join(p.raw for p in pieces)
    assert kept.translate(None, b" \t\r\n\x0b\x0c") == stream.translate(None, b" \t\r\n\x0b\x0c")
    for piece in pieces:
        assert stream.count(b"\n", 0, stream.find(piece.raw)) <= piece.line - 1 or b"\r" in stream

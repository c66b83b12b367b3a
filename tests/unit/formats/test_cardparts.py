"""Partial cards: what was asked for, and the frame without which it is no card."""

from __future__ import annotations

import pytest

from strongroom.formats.cardparts import PropertyWish, select

CARD = (
    b"\xef\xbb\xbfBEGIN:VCARD\r\nVERSION:3.0\r\nUID:u\r\nFN:Ann\r\nitem1.TEL;TYPE=cell:+1\r\n"
    b"TEL:+2\r\nNOTE:a\r\n b\r\nnonsense\r\nEND:VCARD\r\nFN:behind\r\n\r\n"
)


@pytest.mark.rfc("6352", "10.4.2")
def test_only_the_wanted_properties_are_given():
    """RFC 6352 section 10.4.2."""
    part = select(CARD, (PropertyWish("FN"), PropertyWish("TEL"), PropertyWish("X")))

    assert part == (
        b"\xef\xbb\xbfBEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nitem1.TEL;TYPE=cell:+1\r\nTEL:+2\r\n"
        b"END:VCARD\r\n"
    )


@pytest.mark.rfc("6352", "10.4.2")
def test_a_name_with_a_group_asks_for_this_group():
    """RFC 6352 section 10.4.2."""
    part = select(CARD, (PropertyWish("ITEM1.TEL"),))

    assert part.splitlines()[2:-1] == [b"item1.TEL;TYPE=cell:+1"]


@pytest.mark.rfc("6352", "10.4.2")
def test_a_value_can_be_left_out():
    """RFC 6352 section 10.4.2: novalue."""
    part = select(CARD, (PropertyWish("TEL", True), PropertyWish("NOTE")))

    assert part.split(b"\r\n")[2:-2] == [b"item1.TEL;TYPE=cell:", b"TEL:", b"NOTE:a", b" b"]


def test_a_card_keeps_its_way_to_end_a_line():
    part = select(b"BEGIN:VCARD\nFN:A\nEND:VCARD\n", (PropertyWish("FN", True),))

    assert part == b"BEGIN:VCARD\nFN:\nEND:VCARD\n"

"""What a client calls itself, short and printable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phone.families import FAMILIES
from strongroom.base.limits import ENTRY_CLIENT_CHARACTERS_MAX
from strongroom.formats.clients import client_of


@pytest.mark.parametrize(
    "header, client",
    [
        (b"DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15", "DAVx5/4.5-ose"),
        (b"iOS/18.6 (22G86) dataaccessd/1.0", "iOS/18.6"),
        (b"Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Thunderbird/140.3.0", "Thunderbird/140.3.0"),
        (b"Evolution/3.56.2", "Evolution/3.56.2"),
        (b"(comment) khard", "khard"),
        (b"(never closed khard", ""),
        (b"", ""),
        (b" \t ", ""),
        (b"a\x00b\x1b\xffc/1", "abc/1"),
    ],
)
def test_family_and_version(header: bytes, client: str) -> None:
    assert client_of(header) == client


def test_a_long_name_is_cut_at_the_limit() -> None:
    most = b"x" * ENTRY_CLIENT_CHARACTERS_MAX
    assert client_of(most) == most.decode()
    assert client_of(most + b"x") == most.decode()


def test_every_family_has_a_name_of_its_own() -> None:
    assert len({client_of(family.AGENT.encode()) for family in FAMILIES}) == len(FAMILIES)


@given(st.binary(max_size=2000))
def test_whatever_is_sent_is_short_and_printable(header: bytes) -> None:
    client = client_of(header)
    assert client.isprintable()
    assert client.isascii()
    assert len(client) <= ENTRY_CLIENT_CHARACTERS_MAX

"""Sync tokens: only our own are read, and they say what was written (I5)."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.formats import FormatError
from strongroom.formats.synctoken import SyncToken, read, write

KEY = b"k" * 32
TOKEN = SyncToken(0x1F, 12, bytes(range(8)))
TEXT = "data:,strongroom:sync:1:1f:12:0001020304050607:" + "a4f6b5a2b1c9b2c6a7a1d3a5e4e9f0aa"


def test_the_text_is_a_uri_of_the_documented_form():
    text = write(TOKEN, KEY)

    assert text.rpartition(":")[0] == TEXT.rpartition(":")[0]
    assert len(text) == len(TEXT)


@settings(max_examples=80, deadline=None)
@given(
    st.builds(
        SyncToken,
        st.integers(0, 2**63 - 1),
        st.integers(0, 2**63 - 1),
        st.binary(min_size=8, max_size=8),
    ),
    st.binary(min_size=1, max_size=40),
)
def test_a_token_written_and_read_again_is_the_same(token: SyncToken, key: bytes):
    assert token == read(write(token, key), key)


def test_a_token_of_the_older_form_is_still_read():
    text = "urn:strongroom:sync:1:1f:12:0001020304050607"
    mac = hmac.digest(KEY, text.encode(), "sha256")[:16].hex()

    assert read(f"{text}:{mac}", KEY) == TOKEN


def test_any_changed_character_makes_it_not_ours():
    text = write(TOKEN, KEY)
    for index, letter in enumerate(text):
        changed = text[:index] + ("1" if letter != "1" else "2") + text[index + 1 :]
        with pytest.raises(FormatError) as caught:
            read(changed, KEY)
        assert caught.value.code == "not-our-token"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        TEXT,
        "http://other/ns/sync/12",
        write(TOKEN, b"other"),
        write(TOKEN, KEY) + "\n",
        write(TOKEN, KEY).upper(),
        write(TOKEN, KEY).replace(":12:", ":012:"),
        "٣" * 20,
    ],
)
def test_other_texts_are_not_ours(text: str):
    with pytest.raises(FormatError):
        read(text, KEY)


@settings(max_examples=60, deadline=None)
@given(st.text() | st.from_regex(r"data:,strongroom:sync:1:[0-9a-f:]*"))
def test_any_text_gives_the_one_error(text: str):
    with pytest.raises(FormatError) as caught:
        read(text, KEY)
    assert caught.value.code == "not-our-token"

"""Basic credentials and the spellings that count as one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strongroom.formats import FormatError
from strongroom.formats.basicauth import (
    HEADER_BYTES_MAX,
    normalise_login,
    normalise_password,
    parse,
)


def refusal(read: Callable[..., object], *sent: object) -> str | None:
    try:
        read(*sent)
    except FormatError as error:
        return error.code
    return None


def header(text: bytes) -> bytes:
    return b"Basic " + b64encode(text)


def test_credentials_are_read():
    assert parse(header(b"erika:a:b c")) == ("erika", "a:b c")
    assert parse(b"bASIC  " + b64encode(b"erika:")) == ("erika", "")
    assert parse(header("erika:ü".encode())) == ("erika", "ü")
    assert parse(header("erika:ü".encode("latin-1"))) == ("erika", "ü")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"Basic",
        b"Basic ",
        b"Bearer " + b64encode(b"a:b"),
        b"Basic !!",
        b"Basic YTpi=YTpi",
        header(b"nocolon"),
        header(b"a:" + b"b" * HEADER_BYTES_MAX),
        b"Basic \xff\xfe",
    ],
)
def test_other_headers_hold_no_credentials(sent: bytes):
    with pytest.raises(FormatError) as caught:
        parse(sent)
    assert caught.value.code == "no-credentials"


def test_passwords_match_with_and_without_dashes_and_spaces():
    for typed in ("abcd-efgh-ijkl", "abcd efgh\tijkl ", "abcd\u2013efgh\u00a0ijkl", "abcdefghijkl"):
        assert normalise_password(typed) == "abcdefghijkl"
    assert normalise_password("ABcd") == "ABcd"


def test_logins_match_without_case():
    assert normalise_login(" Erika@Example.ORG ") == "erika@example.org"
    assert normalise_login("a" * 64) == "a" * 64
    assert normalise_login("0._@+-") == "0._@+-"


@pytest.mark.parametrize(
    "login", ["", " ", "a" * 65, ".a", "@a", "-a", "a/b", "a b", "ü", "a\n\x00", "a:b", "a%2f"]
)
def test_other_logins_are_refused(login: str):
    with pytest.raises(FormatError) as caught:
        normalise_login(login)
    assert caught.value.code == "bad-login"


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=30) | st.binary(max_size=30).map(header), st.text(max_size=20))
def test_anything_gives_a_value_or_the_one_error(sent: bytes, login: str):
    assert refusal(parse, sent) in {None, "no-credentials"}
    assert refusal(normalise_login, login) in {None, "bad-login"}

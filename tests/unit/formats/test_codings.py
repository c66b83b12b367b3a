"""Accept-Encoding with its weights; RFC 9110 section 12.5.3."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats.codings import HEADER_BYTES_MAX, Wish, read_wish


@pytest.mark.parametrize(
    ("header", "gzip", "plain"),
    [
        (b"", False, True),
        (b"gzip", True, True),
        (b"GZip ; Q=0.5", True, True),
        (b"x-gzip", True, True),
        (b"deflate, gzip;q=1.0, *;q=0.5", True, True),
        (b"br, deflate", False, True),
        (b"*", True, True),
        (b"*;q=0", False, False),
        (b"gzip, *;q=0", True, False),
        (b"gzip;q=0, *", False, True),
        (b"gzip;q=0.000", False, True),
        (b"identity", False, True),
        (b"identity;q=0", False, False),
        (b"gzip;q=0.5, identity;q=0", True, False),
        (b"gzip;q=0.5, identity", False, True),
        (b"gzip;q=0.5, identity;q=0.5", True, True),
        (b"identity;q=0.3, *;q=0", False, True),
        (b"gzip;q=0, gzip", False, True),
        (b"gzip;q=2", False, True),
        (b"gzip;level=9", False, True),
        (b"nonsense gzip, \xff, ;;;, gzip", True, True),
        (b" " * HEADER_BYTES_MAX + b",gzip", False, True),
    ],
)
def test_weights_decide(header: bytes, gzip: bool, plain: bool) -> None:
    assert read_wish(header) == Wish(gzip, plain)


@given(st.binary(max_size=60))
def test_any_bytes_are_some_wish(header: bytes) -> None:
    assert isinstance(read_wish(header), Wish)

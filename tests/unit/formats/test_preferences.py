"""Prefer and Brief (RFC 7240 section 2, RFC 8144)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats.preferences import HEADER_BYTES_MAX, NONE, Preferences, read_preferences


@pytest.mark.parametrize(
    "prefer,minimal,no_root",
    [
        ("return=minimal", True, False),
        ("Return=Minimal;foo=1, DEPTH-NOROOT", True, True),
        ('x="a, return=representation" , return="minimal"', True, False),
        ("return=minimal, return=representation", True, False),
        ("return=representation, return=minimal", False, False),
        ("depth-noroot; a=b", False, True),
        ('x="never closed, return=minimal', True, False),
        ("x=y, wait=10", False, False),
        ("return, =, ;,,", False, False),
        ("x" * HEADER_BYTES_MAX + ", return=minimal", False, False),
    ],
)
@pytest.mark.rfc("7240", "2")
def test_a_preference_that_cannot_be_read_is_passed_over(
    prefer: str, minimal: bool, no_root: bool
) -> None:
    """RFC 7240 section 2: names without case, values quoted or not, the first one counts."""
    found = read_preferences(prefer.encode(), None)
    assert (found.minimal, found.no_root) == (minimal, no_root)


@pytest.mark.rfc("7240", "4.2")
def test_brief_is_the_older_spelling() -> None:
    assert read_preferences(None, b" T ") == Preferences(minimal=True)
    assert read_preferences(None, b"f") == read_preferences(b"", None) == NONE
    assert not read_preferences(b"return=representation", b"t").minimal


@given(st.binary(max_size=80))
def test_any_bytes_are_a_wish_or_none(raw: bytes) -> None:
    assert isinstance(read_preferences(raw, raw), Preferences)


def test_quotes_that_never_end_cost_little() -> None:
    start = time.process_time()
    read_preferences(b'"' + b'\\"' * 100_000, None)
    assert time.process_time() - start < 0.5

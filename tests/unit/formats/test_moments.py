"""Times as people write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.formats import FormatError
from strongroom.formats.moments import read_moment, write_moment

NOW = 1_800_000_000_000
DAY = 1_795_824_000_000  # 2026-11-28


@pytest.mark.parametrize(
    "text, moment",
    [
        ("2026-11-28", DAY),
        (" 2026-11-28T00:00 ", DAY),
        ("2026-11-28 01:02:03", DAY + 3_723_000),
        ("2026-11-28T00:00:00.250Z", DAY + 250),
        ("2026-11-28T01:00+01:00", DAY),
        ("2026-11-27T19:00:00-05:00", DAY),
        ("1970-01-01", 0),
        ("1969-12-31T23:59:59.999Z", -1),
        ("0001-01-01T00:00+14:00", -62_135_647_200_000),
        ("90m", NOW - 5_400_000),
        ("3h", NOW - 10_800_000),
        ("2d ago", NOW - 172_800_000),
        ("1 W", NOW - 604_800_000),
        ("99999w", NOW - 99_999 * 604_800_000),
    ],
)
def test_a_moment(text: str, moment: int) -> None:
    assert read_moment(text, NOW) == moment


@pytest.mark.parametrize(
    "text",
    ["", "now", "yesterday", "2026-11", "2026-13-01", "2026-11-28T25:00", "2026-11-28T", "3",
     "100000w", "3y", "-3h", "2026-W48-6", "20261128", "2026-11-28T00:00+99:00",
     "2026-11-28T00:00 +01:00"],
)  # fmt: skip
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_moment(text, NOW)
    assert caught.value.code == "bad-moment"
    assert "3h" in caught.value.message


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_what_is_written_is_read_again(ms: int) -> None:
    assert read_moment(write_moment(ms), NOW) == ms


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_the_one_error(text: str) -> None:
    with suppress(FormatError):
        assert isinstance(read_moment(text, NOW), int)

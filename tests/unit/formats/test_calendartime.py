"""Dates, times and durations as they are written."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from fakes.events import calendar, component
from strongroom.formats import FormatError
from strongroom.formats.calendartime import (
    Moment,
    moment_of,
    moments_of,
    read_duration,
    read_moment,
)
from strongroom.formats.calendartree import own, read_tree


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (b"20260101", Moment(at("2026-01-01"), b"", True)),
        (b"20260101T101112", Moment(at("2026-01-01T10:11:12"), b"A/B", False)),
        (b" 20260101T101112Z ", Moment(at("2026-01-01T10:11:12"), b"Z", False)),
        (b"20161231T235960Z", Moment(at("2016-12-31T23:59:59"), b"Z", False)),
    ],
)
def test_dates_and_times(text: bytes, moment: Moment) -> None:
    assert read_moment(text, b"A/B") == moment


@pytest.mark.parametrize("text", [b"", b"2026", b"20261301", b"20260101T2501", b"20260101T250000",
                                  b"00000101", b"2026-01-01"])  # fmt: skip
def test_what_is_no_time_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError):
        read_moment(text)


def test_times_of_properties() -> None:
    (event,) = own(
        read_tree(
            calendar(
                component(
                    "VEVENT",
                    "DTSTART;TZID=Europe/Berlin:20260101T090000",
                    "RDATE;VALUE=PERIOD:20260102T090000Z/PT1H,,20260103T090000Z/20260103T100000Z",
                )
            )
        )
    )
    first, dates = event.first(b"DTSTART"), event.first(b"RDATE")
    assert first is not None
    assert dates is not None
    assert moment_of(first) == Moment(at("2026-01-01T09:00"), b"Europe/Berlin", False)
    assert [one.local.day for one in moments_of(dates)] == [2, 3]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (b"PT1H30M", timedelta(minutes=90)),
        (b"-PT15M", timedelta(minutes=-15)),
        (b"+P1DT1S", timedelta(days=1, seconds=1)),
        (b"p2w", timedelta(weeks=2)),
    ],
)
def test_durations(text: bytes, length: timedelta) -> None:
    assert read_duration(text) == length


@pytest.mark.parametrize("text", [b"", b"P", b"PT", b"1H", b"P1H"])
def test_what_is_no_duration_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError):
        read_duration(text)

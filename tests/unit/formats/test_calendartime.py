"""Dates, durations and zones, and the instants that they mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fakes.events import BERLIN, calendar, component
from strongroom.base.limits import ZONE_BYTES_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartime import (
    Moment,
    Zones,
    known_zone,
    local_of,
    moment_of,
    moments_of,
    naive_seconds,
    private_zone,
    read_duration,
    read_moment,
    write_instant,
    zone_in,
)
from strongroom.formats.calendartree import own, read_tree, zones_of


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def zones(*parts: str) -> Zones:
    return Zones(zones_of(read_tree(calendar(*parts))))


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


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        (b"Europe/Berlin", ZoneInfo("Europe/Berlin")),
        (b'"Europe/Berlin"', ZoneInfo("Europe/Berlin")),
        (b"/mozilla.org/20050126_1/Europe/Berlin", ZoneInfo("Europe/Berlin")),
        (b"/x/America/Argentina/Ushuaia", ZoneInfo("America/Argentina/Ushuaia")),
        (b"W. Europe Standard Time", ZoneInfo("Europe/Berlin")),
        (b"utc", UTC),
        (b"Middle Earth", None),
        (b"../../etc/passwd", None),
        (b"\xff", None),
    ],
)
@pytest.mark.rfc("7809", "3.1")
def test_zones_are_known_by_many_names(name: bytes, zone: object) -> None:
    assert known_zone(name) == zone


def test_a_local_time_is_an_instant_through_its_zone() -> None:
    found = zones(BERLIN)
    nine = at("2026-07-01T09:00")
    assert found.instant(nine, b"Europe/Berlin") == naive_seconds(nine) - 7200
    assert found.instant(nine, b"Z") == found.instant(nine, b"") == naive_seconds(nine)
    assert Zones({}, ZoneInfo("Europe/Berlin")).instant(nine, b"") == naive_seconds(nine) - 7200
    assert zones().instant(nine, b"Middle Earth") == naive_seconds(nine)


def test_a_zone_that_contradicts_the_world_is_read_both_ways() -> None:
    found = zones(BERLIN.replace("+0200", "+0500").replace("+0100", "+0400"))
    assert len(found.readings(b"Europe/Berlin")) == 2
    nine = at("2026-07-01T09:00")
    assert [found.instant(nine, b"Europe/Berlin", r) - naive_seconds(nine) for r in (0, 1, 2)] == [
        -7200, -18000, -18000,
    ]  # fmt: skip


def test_a_private_zone_is_read_from_its_definition() -> None:
    own_zone = BERLIN.replace("Europe/Berlin", "Home")
    assert zones(own_zone).instant(at("2026-01-01T09:00"), b"Home") % 86400 == 8 * 3600
    assert len(zones("BEGIN:VTIMEZONE\nTZID:Home\nEND:VTIMEZONE").readings(b"Home")) == 1
    long = own_zone.replace("TZID", "X-LONG:" + "x" * ZONE_BYTES_MAX + "\nTZID")
    assert zones(long).readings(b"Home") == (UTC,)
    assert private_zone(b"\xff") is None


def test_gaps_and_folds_of_a_clock_change() -> None:
    found = zones()
    gap, fold = at("2026-03-29T02:30"), at("2026-10-25T02:30")
    assert found.instant(gap, b"Europe/Berlin") == naive_seconds(gap) - 3600
    assert found.instant(fold, b"Europe/Berlin") == naive_seconds(fold) - 7200


def test_the_ends_of_the_calendar_break_nothing() -> None:
    found = zones(BERLIN.replace("Europe/Berlin", "Home"))
    for local in (datetime.min, datetime.max):  # noqa: DTZ901 - local times have no zone
        for zone in (b"Europe/Berlin", b"Home"):
            assert abs(found.instant(local, zone) - naive_seconds(local)) < 86_400
    assert local_of(1 << 60, UTC) == datetime.max  # noqa: DTZ901
    assert local_of(-(1 << 60), UTC) == datetime.min  # noqa: DTZ901
    assert write_instant(0) == b"19700101T000000Z"


def test_a_zone_given_as_an_object() -> None:
    assert zone_in(calendar(BERLIN)) == ZoneInfo("Europe/Berlin")
    assert zone_in(calendar()) is None
    assert zone_in(calendar(BERLIN, component("VEVENT"))) is None
    assert zone_in(calendar(BERLIN, BERLIN.replace("Berlin", "Paris"))) is None
    assert zone_in(calendar(BERLIN).replace(b"PRODID", b"X-ID")) is None
    assert zone_in(calendar(BERLIN).replace(b"VERSION", b"X-VERSION")) is None
    assert zone_in(b"no calendar") is None

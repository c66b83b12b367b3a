"""What the names of zones mean, and the instants of local times in them."""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fakes.events import BERLIN, calendar, component
from strongroom.base.limits import (
    ZONE_BYTES_MAX,
    ZONE_CHANGES_MAX,
    ZONE_NAME_BYTES_MAX,
    ZONES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.calendartime import local_of, naive_seconds, write_instant
from strongroom.formats.calendartree import Component, read_tree, zones_of
from strongroom.formats.calendarzone import Zones, known_zone, private_zone, zone_in


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def zones(*parts: str) -> Zones:
    return Zones(zones_of(read_tree(calendar(*parts))))


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
        (b"/etc/localtime", None),
        (b"localtime", None),
        (b"posixrules", None),
        (b"Europe", None),
        (b"a\0b", None),
        (b"", None),
        (b"/", None),
        (b"../" * 80, None),
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


def test_no_zone_of_a_client_is_kept_alive_by_what_was_asked_of_it() -> None:
    for number in range(100):
        home = BERLIN.replace("Europe/Berlin", "Home").replace("+0200", f"+02{number % 60:02}")
        home = home.replace("+0100", f"+01{number // 60:02}")
        zones(home).instant(at("2026-07-01T09:00"), b"Home")
    gc.collect()
    kept = [one for one in gc.get_objects() if type(one).__name__ == "_OwnZone"]
    assert len(kept) <= 64


def test_a_private_zone_is_read_from_its_definition() -> None:
    own_zone = BERLIN.replace("Europe/Berlin", "Home")
    assert zones(own_zone).instant(at("2026-01-01T09:00"), b"Home") % 86400 == 8 * 3600
    assert len(zones("BEGIN:VTIMEZONE\nTZID:Home\nEND:VTIMEZONE").readings(b"Home")) == 1
    long = own_zone.replace("TZID", "X-LONG:" + "x" * ZONE_BYTES_MAX + "\nTZID")
    assert zones(long).readings(b"Home") == (UTC,)


def observance(*lines: str) -> Component:
    body = "\n".join(("BEGIN:VTIMEZONE", "TZID:Home", "BEGIN:STANDARD", *lines, "END:STANDARD"))
    return read_tree(calendar(body + "\nEND:VTIMEZONE")).children[0]


EAST = ("TZOFFSETFROM:+0100", "TZOFFSETTO:+0200")


@pytest.mark.parametrize(
    "lines",
    [
        (),
        EAST,
        (*EAST, "DTSTART:x"),
        ("TZOFFSETFROM:1", "TZOFFSETTO:+0200", "DTSTART:19700101T000000"),
        ("TZOFFSETFROM:+2500", "TZOFFSETTO:+0200", "DTSTART:19700101T000000"),
        ("TZOFFSETFROM:+0160", "TZOFFSETTO:+0200", "DTSTART:19700101T000000"),
        (*EAST, "DTSTART:19700101T000000", "RRULE:x"),
        (*EAST, "DTSTART:19700101T000000", "RRULE:FREQ=SECONDLY"),
        (*EAST, "DTSTART:00010101T000000", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
         "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1;BYMINUTE=1", "RRULE:FREQ=DAILY"),
    ],
)  # fmt: skip
def test_a_zone_that_cannot_be_followed_is_none(lines: tuple[str, ...]) -> None:
    began = time.perf_counter()
    assert private_zone(observance(*lines)) is None
    assert time.perf_counter() - began < 5  # some would take hours


def test_a_zone_changes_so_often_and_no_more() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT="
    start = (*EAST, "DTSTART:20000101T000000")  # which is a change beside those of the rule
    assert private_zone(observance(*start, f"{rule}{ZONE_CHANGES_MAX - 1}"))
    assert private_zone(observance(*start, f"{rule}{ZONE_CHANGES_MAX}")) is None


def test_the_changes_of_a_zone_end_with_its_rules_and_go_on_without_end() -> None:
    winter = (
        "BEGIN:DAYLIGHT\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nDTSTART:16010325T020000\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3{}\nEND:DAYLIGHT\n"
        "BEGIN:STANDARD\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nDTSTART:16011028T030000\n"
        "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10{}\nEND:STANDARD"
    )

    def offset(ends: str, when: str) -> int:
        zone = f"BEGIN:VTIMEZONE\nTZID:Home\n{winter.format(ends, ends)}\nEND:VTIMEZONE"
        return naive_seconds(at(when)) - zones(zone).instant(at(when), b"Home")

    for year in (1901, 1985, 2026, 2299, 2300, 2301, 5026, 9999):
        assert [offset("", f"{year}-{month}-15T12:00") for month in ("01", "07", "12")] == [
            3600, 7200, 3600,
        ]  # fmt: skip
    for ends in (";UNTIL=20261025T010000Z", ";UNTIL=20261025T030000"):
        assert offset(ends, "2026-07-01T12:00") == 7200
        assert offset(ends, "2027-07-01T12:00") == offset(ends, "2427-07-01T12:00") == 3600
    assert zones(winter).readings(b"Home") == (UTC,)


def test_a_zone_may_name_its_changes_one_by_one() -> None:
    zone = private_zone(observance(
        *EAST, "DTSTART:20000326T020000", "RDATE:20260329T020000", "RDATE:20270328T020000"
    ))  # fmt: skip
    assert zone is not None
    assert (zone.dst(None), zone.tzname(None)) == (None, None)
    for year in ("1999", "2026"):
        assert at(year + "-01-01T00:00").replace(tzinfo=zone).utcoffset() == (
            timedelta(hours=1 if year == "1999" else 2)
        )


@pytest.mark.parametrize("year", [1975, 1996, 2026, 2037])
def test_an_own_zone_is_read_as_the_same_zone_of_the_world(year: int) -> None:
    """Its rules are those since 1996; in gaps and in hours that come twice too."""
    found, world = zones(BERLIN.replace("Europe/Berlin", "Home")), ZoneInfo("Europe/Berlin")
    own = found.readings(b"Home")[0]
    local = datetime(max(year, 1996), 1, 1)  # noqa: DTZ001 - a local time
    for _ in range(365 * 24):
        assert found.instant(local, b"Home") == found.instant(local, b"Europe/Berlin")
        instant = naive_seconds(local)
        assert local_of(instant, own) == local_of(instant, world)
        local += timedelta(hours=1)


def test_an_object_names_so_many_zones_and_no_more() -> None:
    found = zones()
    for number in range(ZONES_MAX):
        assert found.readings(b"zone %d" % number) == (UTC,)
    with pytest.raises(FormatError):
        found.readings(b"one more")
    assert found.readings(b"zone 1") == (UTC,)


def test_a_long_name_is_no_zone() -> None:
    name = b"/" * (ZONE_NAME_BYTES_MAX - 13) + b"Europe/Berlin"
    assert known_zone(name) == ZoneInfo("Europe/Berlin")
    assert known_zone(b"/" + name) is None
    assert zone_in(calendar(BERLIN, "X-PAD:" + "x" * 2 * ZONE_BYTES_MAX)) is None


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
    bare = calendar(BERLIN).replace(b"VERSION", b"X-VERSION").replace(b"PRODID", b"X-PRODID")
    assert zone_in(bare) is not None  # as DAVx5 sends it
    assert zone_in(b"no calendar") is None

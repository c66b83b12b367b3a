"""Which components of a series happen in a time: known with the first instance of each."""

from __future__ import annotations

import pytest

from fakes.events import calendar, component
from strongroom.base.limits import INSTANCES_MAX
from strongroom.formats import recurrence
from strongroom.formats.calendarspan import LAST
from strongroom.formats.calendartree import own, read_tree, zones_of
from strongroom.formats.calendarzone import Zones
from strongroom.formats.recurrence import Series

START = 1_767_225_600  # 2026-01-01
DAILY = component("VEVENT", "DTSTART:19900101T090000Z", "RRULE:FREQ=DAILY", "SUMMARY:series")


def moved(day: int, to: int, more: str = "") -> str:
    return component(
        "VEVENT", f"RECURRENCE-ID{more}:202601{day:02d}T090000Z", f"DTSTART:202601{to:02d}T100000Z",
        f"SUMMARY:moved {day}",
    )  # fmt: skip


def happening(start: int, end: int, *parts: str) -> set[bytes]:
    tree = read_tree(calendar(*parts))
    series = Series(own(tree), Zones(zones_of(tree)))
    found = series.happening(start, end)
    names = {one.text(b"SUMMARY") for one in found}
    assert len(names) == len(found)
    assert names == {
        one.component.text(b"SUMMARY")
        for one in series.between(start, min(end, start + INSTANCES_MAX * 80_000))
    }
    return names


def test_an_endless_series_is_followed_to_its_first_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recurrence, "INSTANCES_MAX", 3)
    tree = read_tree(calendar(DAILY))
    series = Series(own(tree), Zones({}))
    assert [one.text(b"SUMMARY") for one in series.happening(START, LAST)] == [b"series"]


def test_each_component_that_happens_is_told() -> None:
    both = (DAILY, moved(2, 3), moved(20, 21))
    assert happening(START, LAST, *both) == {b"series", b"moved 2", b"moved 20"}
    assert happening(START, START + 4 * 86_400, *both) == {b"series", b"moved 2"}
    assert happening(START, START + 3600, *both) == set()


def test_a_series_that_changes_for_good_is_told_by_both_of_its_parts() -> None:
    later = moved(15, 5, ";RANGE=THISANDFUTURE")  # and all behind it ten days earlier, too
    week = (START + 6 * 86_400, START + 13 * 86_400)
    assert happening(*week, DAILY, later) == {b"series", b"moved 15"}

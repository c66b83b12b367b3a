"""Two objects of one UID: which one stands, and that the other one is told."""

from __future__ import annotations

import pytest

from fakes.events import BERLIN, calendar, component, event
from strongroom.formats import FormatError
from strongroom.formats.calendar import check
from strongroom.formats.calendarmerge import JOINED, OLDER, OTHER_KIND, REPLACED, merge

LATE = "LAST-MODIFIED:20260201T000000Z"
EARLY = "LAST-MODIFIED:20260101T000000Z"
MOVED = "RECURRENCE-ID:20260112T090000Z"


def series(*lines: str) -> str:
    return component("VEVENT", "RRULE:FREQ=WEEKLY", *lines)


@pytest.mark.parametrize(
    "coming",
    [
        event("SUMMARY:a", "DTSTAMP:20260101T000000Z"),
        event("DTSTAMP:20260909T000000Z", "SUMMARY:a").replace(b"\r\n", b"\n"),
        calendar("X-A:1", BERLIN, component("VEVENT", "SUM\n MARY:a")),
    ],
)
def test_what_says_the_same_changes_nothing(coming: bytes) -> None:
    standing = event("SUMMARY:a", "DTSTAMP:20250101T000000Z")
    assert merge(standing, coming) == (standing, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((EARLY,), (LATE,)), (("SEQUENCE:1", LATE), ("SEQUENCE:2", EARLY)), ((), ("SEQUENCE:1",)),
        (("SEQUENCE:1", EARLY), ("SEQUENCE;X-A=1:1", LATE)),
    ],
)  # fmt: skip
def test_the_newer_one_stands(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    standing, coming = event("SUMMARY:a", *old), event("SUMMARY:b", *new)
    assert merge(standing, coming) == (coming, (REPLACED,))
    with pytest.raises(FormatError) as raised:
        merge(coming, standing)
    assert raised.value.code == OLDER


@pytest.mark.parametrize(
    ("old", "new"), [((), ()), ((EARLY,), ()), ((), (LATE,)), ((LATE,), (LATE,))]
)
def test_where_nobody_can_tell_what_stands_stays(
    old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    with pytest.raises(FormatError, match="as new or newer"):
        merge(event("SUMMARY:a", *old), event("SUMMARY:b", *new))


def test_a_task_takes_no_event_s_place() -> None:
    with pytest.raises(FormatError) as raised:
        merge(event(EARLY), calendar(component("VTODO", LATE)))
    assert raised.value.code == OTHER_KIND


def test_two_versions_of_a_series_are_not_mixed() -> None:
    standing = calendar(series(EARLY), component("VEVENT", MOVED, "SUMMARY:moved"))
    coming = calendar(series(LATE))
    assert merge(standing, coming) == (coming, (REPLACED,))


def test_moved_instances_join_their_series() -> None:
    standing = calendar(BERLIN, series())
    moved = component("VEVENT", MOVED, "SUMMARY:moved")
    tokyo = BERLIN.replace("Europe/Berlin", "Asia/Tokyo")
    found = merge(standing, calendar(BERLIN, tokyo, moved))
    assert found == (calendar(BERLIN, tokyo, series(), moved), (JOINED,))
    assert check(found.body).uid == "u1"
    assert merge(found.body, calendar(moved)) == (found.body, ())
    assert merge(calendar(moved), calendar(series())).body == calendar(moved, series())
    assert (
        merge(standing.replace(b"\r\n", b"\n"), calendar(moved)).body.count(b"END:VCALENDAR\n") == 1
    )


def test_of_two_moved_instances_the_newer_one_stands() -> None:
    old, new = (component("VEVENT", MOVED, f"SUMMARY:{line}", line) for line in (EARLY, LATE))
    assert merge(calendar(series(), old), calendar(new)).body == calendar(series(), new)
    with pytest.raises(FormatError) as raised:
        merge(calendar(series(), new), calendar(old))
    assert raised.value.code == OLDER


@pytest.mark.parametrize("bodies", [(b"", event()), (event(), b"")])
def test_what_cannot_be_read_is_not_merged(bodies: tuple[bytes, bytes]) -> None:
    with pytest.raises(FormatError) as raised:
        merge(*bodies)
    assert raised.value.code == "not-a-calendar"

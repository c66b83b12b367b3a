"""What differs between two versions of an event, a task or a note, for people."""

from __future__ import annotations

import pytest

from fakes.events import BERLIN, calendar, component, event
from fakes.site import card
from strongroom.base.limits import DIFFERENCES_MAX
from strongroom.formats.calendardiff import differences
from strongroom.formats.carddiff import Difference

CALENDAR = "text/calendar;VEVENT"
ALARM = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT15M\nEND:VALARM"


def test_fields_are_told_by_plain_names() -> None:
    old = event("SUMMARY:Lunch", "DTSTART:20260105T120000Z", "LOCATION:Bergen", "DTSTAMP:1")
    new = event("DTSTART:20260105T130000Z", "SUMMARY:Lunch", "RRULE:FREQ=DAILY", "DTSTAMP:2")
    assert set(differences(CALENDAR, old, new)) == {
        Difference("Begins", "20260105T120000Z", "20260105T130000Z"),
        Difference("Location", "Bergen", ""), Difference("Repeats", "", "FREQ=DAILY"),
    }  # fmt: skip


def test_a_zone_is_told_with_its_time() -> None:
    old = calendar(BERLIN, component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260105T090000"))
    new = calendar(component("VEVENT", "DTSTART;TZID=Asia/Tokyo:20260105T090000"))
    assert differences(CALENDAR, old, new) == (
        Difference("Begins", "20260105T090000 Europe/Berlin", "20260105T090000 Asia/Tokyo"),
    )


def test_alarms_and_moved_instances_are_compared_with_their_like() -> None:
    moved = component("VEVENT", "RECURRENCE-ID:20260112T090000Z", "SUMMARY:a")
    old = calendar(component("VEVENT", ALARM, ALARM), moved)
    new = calendar(component("VEVENT", ALARM, ALARM.replace("15", "30")), moved.replace(":a", ":b"))
    assert differences(CALENDAR, old, new) == (
        Difference("Alarm at", "-PT15M", "-PT30M"),
        Difference("Summary (20260112T090000Z)", "a", "b"),
    )


def test_who_wrote_it_is_told_only_where_nothing_else_differs() -> None:
    old, new = event("SEQUENCE:1", "SUMMARY:a"), event("SEQUENCE:2", "SUMMARY:a")
    assert differences(CALENDAR, old, new) == (Difference("Version", "1", "2"),)


@pytest.mark.parametrize(
    ("old", "new"),
    [(event("X-A:1"), b"no calendar"), (None, b"none"), (event(), event().replace(b"\r\n", b"\n"))],
)
def test_what_cannot_be_told_apart_is_told_by_its_size(old: bytes | None, new: bytes) -> None:
    (one,) = differences(CALENDAR, old, new)
    assert one.field == "Content"
    assert one.new.startswith(f"{len(new)} bytes")


def test_what_came_or_went_is_told_and_all_of_it_is_bounded() -> None:
    assert differences(CALENDAR, None, event("SUMMARY:a")) == (Difference("Summary", "", "a"),)
    assert differences(CALENDAR, event(), event()) == ()
    many = [event(*[f"X-{i}:{side}" for i in range(DIFFERENCES_MAX + 1)]) for side in "ab"]
    assert len(differences(CALENDAR, *many)) == DIFFERENCES_MAX


def test_cards_are_compared_as_cards() -> None:
    assert differences("text/vcard;3.0", card("a", "Ann"), card("a", "Anne")) == (
        Difference("Full name", "Ann", "Anne"),
    )

"""What people call an object."""

from __future__ import annotations

import pytest

from fakes.events import calendar, component, event
from fakes.site import card
from strongroom.base.limits import CALENDAR_TITLE_CHARACTERS_MAX
from strongroom.formats.title import is_calendar, read_happening, title_of


def test_a_card_is_called_by_its_name_and_an_event_by_its_summary() -> None:
    assert title_of(card("a", "Ann Lee")) == "Ann Lee"
    assert title_of(event("SUMMARY:Lunch\\, late\n r")) == "Lunch, later"
    assert is_calendar(b"\xef\xbb\xbf\r\nbegin:vcalendar\r\n")
    assert not is_calendar(card("a"))


@pytest.mark.parametrize(
    ("lines", "when"),
    [
        (("DTSTART;VALUE=DATE:20260105",), "2026-01-05"),
        (("DTSTART:20260105T090000Z",), "2026-01-05 09:00"),
        (("DTSTART:00050105T090000",), "0005-01-05 09:00"),
        (("DUE:20260106T090000Z",), "2026-01-06 09:00"),
        (("DTSTART:when I say",), ""),
        ((), ""),
    ],
)
def test_a_happening_is_told_with_when_it_begins(lines: tuple[str, ...], when: str) -> None:
    assert read_happening(calendar(component("VTODO", *lines))) == ("", when)


def test_a_summary_of_an_alarm_is_none_and_a_long_one_is_cut() -> None:
    alarm = "BEGIN:VALARM\nSUMMARY:Ring\nEND:VALARM"
    body = calendar(component("VEVENT", alarm), component("VEVENT", "SUMMARY:" + "é" * 300))
    assert title_of(body) == "é" * CALENDAR_TITLE_CHARACTERS_MAX


@pytest.mark.parametrize(
    "body", [b"", b"BEGIN:VCALENDAR", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", b"\xff"]
)
def test_what_cannot_be_read_has_no_name(body: bytes) -> None:
    assert title_of(body) == ""

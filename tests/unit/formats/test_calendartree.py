"""An object as a tree, and back to its bytes."""

from __future__ import annotations

import pytest

from fakes.events import BERLIN, calendar, component
from strongroom.base.limits import CALENDAR_DEPTH_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendartree import own, parameter, raws, read_tree, zones_of
from strongroom.formats.cardlines import join_card


def test_a_tree_gives_back_the_bytes_of_the_calendar() -> None:
    body = calendar(BERLIN, component("VEVENT", "SUMMARY;X=a:long\n er", component("VALARM")))
    tree = read_tree(body)
    assert join_card(raws(tree)) + b"\n" == body
    assert [one.name for one in own(tree)] == [b"VEVENT"]
    assert list(zones_of(tree)) == [b"Europe/Berlin"]


def test_properties_and_parameters_are_found_by_name() -> None:
    tree = read_tree(calendar(component("VEVENT", "DTSTART;TZID=A:1", "DTSTART:2")))
    (event,) = own(tree)
    first = event.first(b"DTSTART")
    assert first is not None
    assert (parameter(first, b"TZID"), parameter(first, b"X")) == (b"A", b"")
    assert (event.text(b"DTSTART"), event.text(b"X"), event.first(b"X")) == (b"1", b"", None)
    bare = event.all(b"DTSTART")
    assert [parameter(line, b"TZID") for line in bare] == [b"A", b""]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-a-calendar"),
        (b"BEGIN:VCARD\nEND:VCARD", "not-a-calendar"),
        (b"BEGIN:VCALENDAR\n", "not-a-calendar"),
        (b"END:VCALENDAR\n", "not-a-calendar"),
        (b"BEGIN:X\n" * (CALENDAR_DEPTH_MAX + 1), "too-complex"),
    ],
)
def test_what_is_no_tree_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(FormatError) as caught:
        read_tree(body)
    assert caught.value.code == code

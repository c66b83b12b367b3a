"""Many calendar objects as one file: every component byte for byte, every zone once."""

from __future__ import annotations

import pytest

from fakes.events import BERLIN, calendar, component, event
from strongroom.base.limits import AROUND_BYTES_MAX, CALENDAR_DEPTH_MAX
from strongroom.formats import FormatError
from strongroom.formats.calendararound import told_around
from strongroom.formats.calendarfile import (
    HEAD,
    TAIL,
    CalendarFile,
    cut,
    first_name,
    renamed,
    zone_name,
)

LOCAL = "DTSTART;TZID=Europe/Berlin:20260105T090000"
OTHER = BERLIN.replace("TZNAME:CEST", "TZNAME:Summer")


def zoned(uid: str, zone: str = BERLIN, line: str = LOCAL) -> bytes:
    return calendar(zone, component("VEVENT", line, uid=uid))


def made(*bodies: bytes) -> bytes:
    file = CalendarFile()
    return b"".join(file.add(1, body) for body in bodies) + file.end()


def names(body: bytes) -> list[bytes]:
    return [part.name for part in cut(body).parts]


def bare(body: bytes) -> list[bytes]:
    """Give the components of a file without what they tell of themselves."""
    return [told_around(part.raw)[0] for part in cut(body).parts]


# --- cutting --------------------------------------------------------------------------------------
def test_an_object_is_cut_at_its_own_components() -> None:
    alarm = "BEGIN:VALARM\nACTION:AUDIO\nEND:VALARM"
    body = calendar(BERLIN, component("VEVENT", alarm), component("VEVENT", LOCAL))
    found = cut(body)
    assert names(body) == [b"VTIMEZONE", b"VEVENT", b"VEVENT"]
    assert found.head + b"".join(part.raw for part in found.parts) + TAIL == body
    assert found.between == (found.head, b"", b"", TAIL)
    assert b"VALARM" in found.parts[1].raw
    assert zone_name(found.parts[0].raw) == b"Europe/Berlin"
    assert zone_name(found.parts[1].raw) == b""


def test_a_calendar_without_components_has_a_head_alone() -> None:
    assert cut(calendar()) == (calendar().removesuffix(TAIL), (), (calendar(),))


def deep(depth: int) -> bytes:
    inner = ["X-A"] * (depth - 1)
    lines = (*(f"BEGIN:{one}" for one in inner), *(f"END:{one}" for one in inner))
    return calendar(*lines)


def test_components_are_cut_as_deep_as_they_are_kept() -> None:
    assert cut(deep(CALENDAR_DEPTH_MAX)).parts
    with pytest.raises(FormatError, match="not one whole"):
        cut(deep(CALENDAR_DEPTH_MAX + 1))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"x", b"BEGIN:VCARD\nEND:VCARD\n", b"END:VCALENDAR\n", b"BEGIN:VCALENDAR\n",
        b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VTODO\nEND:VCALENDAR\n",
    ],
)  # fmt: skip
def test_what_is_no_whole_calendar_is_not_cut(body: bytes) -> None:
    with pytest.raises(FormatError) as raised:
        cut(body)
    assert raised.value.code == "not-a-calendar"


# --- one file -------------------------------------------------------------------------------------
def test_objects_become_one_calendar_and_their_zone_stands_once() -> None:
    file = made(zoned("a"), event("SUMMARY:b", uid="b"), zoned("c"))
    assert names(file) == [b"VTIMEZONE", b"VEVENT", b"VEVENT", b"VEVENT"]
    assert file.startswith(HEAD)
    assert file.endswith(TAIL)
    parts = [cut(body).parts for body in (zoned("a"), event("SUMMARY:b", uid="b"), zoned("c"))]
    assert bare(file) == [
        parts[0][0].raw, parts[0][1].raw, parts[1][0].raw, parts[2][1].raw
    ]  # fmt: skip


def test_a_zone_that_is_spelled_with_other_line_ends_is_the_same() -> None:
    file = made(zoned("a"), zoned("b").replace(b"\r\n", b"\n"))
    assert file.count(b"BEGIN:VTIMEZONE") == 1


def test_two_zones_of_one_name_both_stay() -> None:
    quoted = LOCAL.replace("Europe/Berlin", '"Europe/Berlin"')
    file = made(zoned("a"), zoned("b", OTHER, quoted), zoned("c", OTHER), zoned("d"))
    assert file.count(b"BEGIN:VTIMEZONE") == 2
    assert file.count(b"TZID:/strongroom/2/Europe/Berlin\r\n") == 1
    starts = [line for line in file.split(b"\r\n") if line.startswith(b"DTSTART;TZID")]
    assert starts == [
        b"DTSTART;TZID=Europe/Berlin:20260105T090000",
        b'DTSTART;TZID="/strongroom/2/Europe/Berlin":20260105T090000',
        b"DTSTART;TZID=/strongroom/2/Europe/Berlin:20260105T090000",
        b"DTSTART;TZID=Europe/Berlin:20260105T090000",
    ]


def test_a_zone_gets_its_first_name_back() -> None:
    for tzid in (b"Europe/Berlin", b"/strongroom/Europe", b"/strongroom/2/"):
        assert first_name(tzid) == tzid
    assert first_name(b"/strongroom/12/Europe/Berlin") == b"Europe/Berlin"
    back = [renamed(raw, first_name) for raw in bare(made(zoned("a"), zoned("b", OTHER)))]
    assert back[2:] == [part.raw for part in cut(zoned("b", OTHER)).parts]


def test_other_lines_keep_their_bytes_where_a_zone_is_renamed() -> None:
    lines = ("X-A;X-B=TZID=no:TZID=x", "SUMMARY:a\n b;TZID=Europe/Berlin", LOCAL)
    raw = component("VEVENT", *lines).encode() + b"\n"
    new = renamed(raw, lambda tzid: b"Z" + tzid)
    assert new == raw.replace(b"TZID=Europe/Berlin:2026", b"TZID=ZEurope/Berlin:2026")


def test_each_collection_has_a_calendar_of_its_own() -> None:
    file = CalendarFile()
    pieces = [file.add(1, zoned("a")), file.add(2, zoned("a")), file.end()]
    first, _, second = b"".join(pieces).partition(TAIL)
    assert names(first + TAIL) == names(second) == [b"VTIMEZONE", b"VEVENT"]


@pytest.mark.parametrize(
    "odd",
    [
        b"no calendar", calendar("CALSCALE:HEBREW", component("VEVENT")),
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR\r\n",
        calendar("X-A:" + "a" * AROUND_BYTES_MAX, component("VEVENT")),
        calendar("X-A:\0", component("VEVENT")),
        calendar(), calendar(BERLIN),
    ],
)  # fmt: skip
def test_what_cannot_be_united_stands_by_itself(odd: bytes) -> None:
    file = CalendarFile()
    pieces = [file.add(1, body) for body in (odd, event(uid="a"), odd, event(uid="b"))]
    assert pieces[0] == odd if odd.endswith(b"\n") else odd + b"\r\n"
    assert pieces[2].startswith(TAIL + odd)
    assert bare(b"".join((pieces[3], file.end()))) == [cut(event(uid="b")).parts[0].raw]


def test_what_is_too_complex_to_be_renamed_stands_by_itself(monkeypatch) -> None:
    monkeypatch.setattr("strongroom.formats.cardlines.CARD_LINES_MAX", 30)
    long = calendar(OTHER, component("VEVENT", LOCAL, *["X-A:1"] * 40, uid="b"))
    file = made(zoned("a"), long, zoned("c", OTHER))
    assert long in file
    assert bare(file[file.rindex(HEAD) :]) == bare(zoned("c", OTHER))


def test_nothing_gives_nothing() -> None:
    assert made() == b""


def test_the_end_of_a_body_without_a_line_end_is_its_own() -> None:
    cropped = event(uid="a").removesuffix(b"\r\n")
    assert made(cropped, event(uid="b")).count(b"END:VEVENT\r\n") == 2

"""A stream of iCalendar, cut into objects and what is none, however it comes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component, event
from strongroom.base.limits import INTAKE_JUNK_BYTES, OBJECT_BYTES_MAX
from strongroom.formats import calendarstream as module
from strongroom.formats.calendar import check
from strongroom.formats.calendarfile import CalendarFile, cut
from strongroom.formats.calendarstream import CalendarStream, begins_calendar, named
from strongroom.formats.cardstream import Piece

LOCAL = "DTSTART;TZID=Europe/Berlin:20260105T090000"
OTHER = BERLIN.replace("TZNAME:CEST", "TZNAME:Summer")
MOVED = "RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000"
SERIES = calendar(
    BERLIN,
    component("VEVENT", LOCAL, "RRULE:FREQ=WEEKLY", uid="s"),
    component("VEVENT", LOCAL, MOVED, uid="s"),
)


def cut_up(*parts: bytes, size: int = 1 << 20) -> list[Piece]:
    stream, body = CalendarStream(), b"".join(parts)
    pieces = []
    for at in range(0, len(body) + 1, size):
        pieces += stream.feed(body[at : at + size], last=at + size > len(body))
    return pieces


def objects(*parts: bytes, size: int = 1 << 20) -> list[bytes]:
    pieces = cut_up(*parts, size=size)
    assert not [piece for piece in pieces if piece.fault]
    return [piece.card for piece in pieces]


def faults(*parts: bytes) -> list[tuple[int, str, bytes]]:
    return [(one.line, one.fault, one.raw) for one in cut_up(*parts) if one.fault]


# --- what is what ---------------------------------------------------------------------------------
def test_a_file_is_known_by_its_first_line() -> None:
    assert begins_calendar(b"\xef\xbb\xbf\r\nbegin:vcalendar\r\n")
    assert begins_calendar("BEGIN:VCALENDAR\r\n".encode("utf-16"))
    assert not begins_calendar(b"BEGIN:VCARD\r\n")


def test_a_component_is_told_by_its_own_lines() -> None:
    alarm = "BEGIN:VALARM\nUID:alarm\nRECURRENCE-ID:1\nEND:VALARM"
    raw = "\r\n".join(("BEGIN:VEVENT", alarm, 'UID;X-A="a:b":u', " 1", MOVED, "END:VEVENT", ""))
    assert named(raw.encode()) == (b"u1", MOVED.removeprefix("RECURRENCE-ID").encode())
    assert named(b"BEGIN:VEVENT\nBEGIN:VALARM\nUID:a\nEND:VALARM\nUID;X=1\nEND:VEVENT\n") == (
        b"",
        b"",
    )


# --- objects --------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_one_object_keeps_its_bytes(size: int) -> None:
    odd = event("X-A:1").replace(b"VERSION:2.0\r\n", b"X-WR-CALNAME:n\r\nVERSION:2.0\r\n")
    assert objects(SERIES, odd, event().replace(b"\r\n", b"\n"), size=size) == [
        SERIES, odd, event().replace(b"\r\n", b"\n")
    ]  # fmt: skip


def test_a_calendar_is_cut_by_uid_and_each_object_has_its_zones_alone() -> None:
    tokyo = BERLIN.replace("Europe/Berlin", "Asia/Tokyo")
    series, moved = (part.raw.decode().replace("\r\n", "\n")[:-1] for part in cut(SERIES).parts[1:])
    file = calendar(
        "METHOD:PUBLISH", "X-WR-CALNAME:All\n of it", "CALSCALE:GREGORIAN", BERLIN, tokyo, series,
        component("VEVENT", "SUMMARY:other", uid="o"), component("VTODO", uid="s"), moved,
    )  # fmt: skip
    head = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//T//T//EN\r\nCALSCALE:GREGORIAN\r\n"
    wanted = [SERIES, event("SUMMARY:other", uid="o"), calendar(component("VTODO", uid="s"))]
    assert objects(file) == [head + one[len(cut(one).head) :] for one in wanted]
    assert [one.line for one in cut_up(file)] == [42, 47, 51]


def test_lines_of_the_calendar_that_are_folded_stay_whole() -> None:
    file = calendar(
        "PRODID:a\n b", "X-A:c\n d", component("VEVENT", uid="a"), component("VEVENT", uid="b")
    )
    assert cut(objects(file)[0]).head.endswith(b"PRODID:a\r\n b\r\n")


def test_a_calendar_without_a_version_gets_one() -> None:
    file = b"BEGIN:VCALENDAR\n" + b"".join(
        component("VEVENT", uid=uid).encode() + b"\n" for uid in "ab"
    ) + b"END:VCALENDAR\n"  # fmt: skip
    assert (
        objects(file)[0]
        == b"BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\nEND:VCALENDAR\n"
    )


def test_lines_that_end_with_cr_alone_are_mended() -> None:
    file = calendar(component("VEVENT", uid="a"), component("VEVENT", uid="b"))
    assert objects(file.replace(b"\r\n", b"\r")) == objects(file)


def test_utf_16_becomes_utf_8() -> None:
    assert objects(event("SUMMARY:é").decode().encode("utf-16")) == [event("SUMMARY:é")]


def test_what_has_no_uid_is_an_object_of_its_own() -> None:
    one = "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT"
    assert len(objects(calendar(one, one, component("VEVENT")))) == 3


def test_a_second_series_of_one_uid_is_another_object() -> None:
    file = calendar(component("VEVENT", "SUMMARY:1"), component("VEVENT", "SUMMARY:2"))
    assert objects(file) == [event("SUMMARY:1"), event("SUMMARY:2")]


def test_of_two_zones_of_one_name_in_a_calendar_the_first_one_counts() -> None:
    file = calendar(
        BERLIN, OTHER, component("VEVENT", LOCAL, uid="a"), component("VEVENT", uid="b")
    )
    assert b"Summer" not in objects(file)[0]


@given(st.lists(st.sampled_from("abcd"), max_size=8), st.integers(1, 400))
def test_what_an_export_unites_comes_back_to_the_component(names: list[str], size: int) -> None:
    bodies = [
        calendar(OTHER if name < "c" else BERLIN, component("VEVENT", LOCAL, uid=f"{name}{place}"))
        for place, name in enumerate(names)
    ]
    file = CalendarFile()
    stream = b"".join([*(file.add(1, body) for body in bodies), file.end()])
    back = objects(stream, size=size)
    assert [cut(one).parts for one in back] == [cut(one).parts for one in bodies]


def test_names_that_would_be_one_stay_two(monkeypatch: pytest.MonkeyPatch) -> None:
    both = component(
        "VEVENT", LOCAL, "DTEND;TZID=/strongroom/2/Europe/Berlin:20260105T100000", uid="a"
    )
    file = calendar(both, component("VEVENT", uid="b"))
    assert both.replace("\n", "\r\n").encode() in objects(file)[0]
    alone = calendar(
        component("VEVENT", "DTSTART;TZID=/strongroom/2/X:20260105T100000", uid="a"),
        component("VEVENT", uid="b"),
    )
    assert b"TZID=X:" in objects(alone)[0]
    monkeypatch.setattr("strongroom.formats.cardlines.CARD_LINES_MAX", 1)
    assert b"TZID=/strongroom/2/X:" in objects(alone)[0]


# --- what is none ---------------------------------------------------------------------------------
def test_what_stands_between_is_told_and_blank_lines_are_not() -> None:
    assert faults(b"\r\njunk\r\n", event(), b"\n \n", event(), b"more") == [
        (1, "between-components", b"\r\njunk\r\n"), (19, "between-components", b"more"),
    ]  # fmt: skip
    file = calendar("no property", "END:VTODO", component("VEVENT"))
    assert faults(file) == [
        (4, "between-components", b"no property\r\n"), (5, "between-components", b"END:VTODO\r\n"),
    ]  # fmt: skip
    assert [one.card for one in cut_up(file) if one.card] == [event()]


def test_a_broken_component_is_stepped_over() -> None:
    broken = "BEGIN:VEVENT\nUID:x\nBEGIN:VALARM"
    file = calendar(component("VEVENT", uid="a"), broken, component("VEVENT", uid="b"), broken)
    pieces = cut_up(file)
    assert [one.card for one in pieces if one.card] == [event(uid="a"), event(uid="b")]
    told = broken.replace("\n", "\r\n").encode() + b"\r\n"
    assert faults(file) == [(7, "component-no-end", told), (13, "component-no-end", told)]


def test_what_is_not_ended_inside_is_one_object_that_is_looked_at_later() -> None:
    inside = "BEGIN:VEVENT\nUID:x\nBEGIN:VALARM\nEND:X-A\nEND:VEVENT"
    file = calendar(inside, component("VEVENT", uid="b"))
    assert objects(file) == [calendar(inside), event(uid="b")]


def test_deep_components_end_with_the_outer_one() -> None:
    inner = "\n".join(["BEGIN:X-A"] * 20 + ["END:X-A"] * 20)
    file = calendar(f"BEGIN:VEVENT\nUID:x\n{inner}\nEND:VEVENT", component("VEVENT", uid="b"))
    assert len(objects(file)) == 2


@pytest.mark.parametrize("end", [b"", event(uid="z")])
def test_a_calendar_that_is_cut_off_gives_what_is_whole(end: bytes) -> None:
    file = calendar(component("VEVENT", uid="a"), component("VEVENT", uid="b"))
    short = file[: file.rindex(b"END:VEVENT")]
    pieces = cut_up(short, end)
    told = [one for one in pieces if one.fault]
    assert [one.card for one in pieces if one.card] == [event(uid="a"), *([end] if end else [])]
    assert [one.fault for one in told] == ["component-no-end", "calendar-no-end"]
    assert faults(file.removesuffix(b"END:VCALENDAR\r\n"))[0][1] == "calendar-no-end"


# --- limits ---------------------------------------------------------------------------------------
def test_a_component_at_the_limit_is_taken_and_one_past_it_told_in_parts() -> None:
    frame = len(event("X-A:"))
    whole = event("X-A:" + "x" * (OBJECT_BYTES_MAX - frame))
    assert objects(whole) == [whole]
    large = component("VEVENT", *["X-A:" + "x" * 65_000] * 200, uid="l")
    pieces = cut_up(calendar(component("VEVENT", uid="a"), large, component("VEVENT", uid="b")))
    assert [one.card for one in pieces if one.card] == [event(uid="a"), event(uid="b")]
    told = [one for one in pieces if one.fault]
    assert {one.fault for one in told} == {"too-large"}
    assert b"".join(one.raw for one in told) == large.replace("\n", "\r\n").encode() + b"\r\n"


def test_a_large_component_that_never_ends_is_told() -> None:
    large = "\n".join(("BEGIN:VEVENT", *["X-A:" + "x" * 65_000] * 200))
    assert {one[1] for one in faults(calendar(large, component("VEVENT")))} == {"too-large"}


def test_an_object_of_many_parts_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OBJECT_BYTES_MAX", 400)
    parts = [component("VEVENT", f"RECURRENCE-ID:2026010{day}T090000Z") for day in range(6)]
    (piece,) = cut_up(calendar(*parts))
    assert (piece.fault, piece.raw) == ("too-large", calendar(*parts))


def test_a_long_head_is_cut_and_long_junk_comes_in_parts() -> None:
    lines = ["PRODID:" + "x" * (INTAKE_JUNK_BYTES - 100)] * 2
    file = calendar(*lines, component("VEVENT", uid="a"), component("VEVENT", uid="b"))
    assert all(len(one) < INTAKE_JUNK_BYTES + 200 for one in objects(file))
    junk = [one[2] for one in faults(b"junk\n" * INTAKE_JUNK_BYTES)]
    assert len(junk) > 1
    assert b"".join(junk) == b"junk\n" * INTAKE_JUNK_BYTES


def test_more_than_can_be_held_comes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    series, moved = (part.raw.decode().replace("\r\n", "\n")[:-1] for part in cut(SERIES).parts[1:])
    held = len(BERLIN) + 400
    monkeypatch.setattr(module, "CALENDAR_HELD_BYTES", held)
    others = [component("VEVENT", "X:" + "x" * 200, uid=uid) for uid in "abc"]
    found = objects(calendar(BERLIN, series, *others, moved))
    assert len(found) == 5
    assert [check(one).uid for one in found] == ["s", "a", "b", "c", "s"]
    assert b"VTIMEZONE" in found[4]
    large = BERLIN.replace("TZNAME:CEST", "TZNAME:" + "x" * held)
    assert faults(calendar(component("VEVENT"), large))[0][1] == "too-large"


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_come_back_as_pieces(body: bytes, size: int) -> None:
    for parts in ((b"BEGIN:VCALENDAR\r\n", body), (body,)):
        pieces = cut_up(*parts, size=size)
        assert all(bool(one.card) != bool(one.fault) for one in pieces)
        assert pieces or not b"".join(parts).strip()

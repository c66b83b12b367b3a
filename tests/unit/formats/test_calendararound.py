"""One file of many objects, and back: every object comes back byte for byte."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.events import BERLIN, calendar, component, event
from strongroom.base import limits
from strongroom.base.limits import AROUND_BYTES_MAX
from strongroom.formats.calendararound import AROUND, Around, can_tell, restored, told_around
from strongroom.formats.calendarfile import CalendarFile
from strongroom.formats.calendarstream import CalendarStream

LOCAL = "DTSTART;TZID=Europe/Berlin:20260105T090000"
OTHER = BERLIN.replace("TZNAME:CEST", "TZNAME:Summer")
UNUSED = BERLIN.replace("TZID:Europe/Berlin", "TZID:Nobody/Here")
SERIES = (
    component("VEVENT", LOCAL, "RRULE:FREQ=WEEKLY", uid="s"),
    component("VEVENT", "RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", LOCAL, uid="s"),
)


def zoned(uid: str, zone: str = BERLIN, line: str = LOCAL) -> bytes:
    return calendar(zone, component("VEVENT", line, uid=uid))


def out(*bodies: bytes) -> bytes:
    file = CalendarFile()
    return b"".join(file.add(1, body) for body in bodies) + file.end()


def back(file: bytes) -> list[bytes]:
    pieces = list(CalendarStream().feed(file, last=True))
    assert [piece.fault for piece in pieces if piece.fault] == []
    return [piece.card for piece in pieces]


def lf(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n")


BODIES = {
    "as everybody writes it": zoned("a"),
    "with properties of its own": calendar(
        "CALSCALE:GREGORIAN", "X-WR-CALNAME:Work", "X-WR-TIMEZONE:Europe/Berlin", "COLOR:red",
        "NAME;LANGUAGE=de:Arbeit", "METHOD:PUBLISH", BERLIN, component("VEVENT", LOCAL, uid="b"),
    ),
    "its own program": zoned("c").replace(b"-//T//T//EN", b"-//Somebody//Else 1.0//DE"),
    "a folded head": zoned("d").replace(b"-//T//T//EN", b"-//A long\r\n  name//EN"),
    "line feeds alone": lf(zoned("e")),
    "no end of line": zoned("f").removesuffix(b"\r\n"),
    "more behind the end": zoned("g") + b"\r\n \r\n",
    "properties behind the components": zoned("h").replace(
        b"END:VCALENDAR", b"X-LATE:1\r\nEND:VCALENDAR"
    ),
    "empty lines between": zoned("i").replace(b"BEGIN:VEVENT", b"\r\nBEGIN:VEVENT"),
    "the zone behind": calendar(component("VEVENT", LOCAL, uid="j"), BERLIN),
    "a zone that nothing uses": calendar(UNUSED, BERLIN, component("VEVENT", LOCAL, uid="k")),
    "another zone of that name": zoned("l", OTHER),
    "and in quotes": zoned("m", OTHER, LOCAL.replace("Europe/Berlin", '"Europe/Berlin"')),
    "a series": calendar(BERLIN, *SERIES),
    "a moved instance first": calendar(BERLIN, *reversed(SERIES)).replace(b"UID:s", b"UID:t"),
    "no zone": event("SUMMARY:n", uid="n"),
    "a task": calendar(component("VTODO", "SUMMARY:o", uid="o")),
    "small letters": event(uid="p").replace(b"BEGIN:VEVENT", b"begin:vevent"),
    "a line of ours in it": event(f"{AROUND.decode()}:AAAA", uid="q"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
def test_an_object_comes_back_byte_for_byte(name: str) -> None:
    body = BODIES[name]
    assert back(out(body)) == [body]


@given(st.permutations(list(BODIES.values())))
def test_all_of_them_come_back_byte_for_byte_in_any_order(bodies: list[bytes]) -> None:
    assert sorted(back(out(*bodies))) == sorted(bodies)


def test_many_collections_come_back() -> None:
    file = CalendarFile()
    made = [file.add(number, body) for number, body in enumerate(BODIES.values(), 1)]
    assert back(b"".join((*made, file.end()))) == list(BODIES.values())


def test_the_line_is_one_of_the_first_component_and_folded_as_the_others() -> None:
    series = out(BODIES["a series"]).split(b"\r\n")
    assert [line[:20] for line in series if line.startswith(AROUND)] == [AROUND + b":"]
    assert series[series.index(b"BEGIN:VEVENT") + 1].startswith(AROUND)
    assert max(map(len, series)) <= 75
    assert b"\r" not in b"".join(out(lf(zoned("a"))).partition(b"BEGIN:VTIMEZONE")[1:])[:-20]


@pytest.mark.parametrize(
    "changed",
    [
        lambda file: file.replace(b"SUMMARY:x", b"SUMMARY:y"),
        lambda file: file.replace(b"TZNAME:CEST", b"TZNAME:S"),
        lambda file: file.replace(AROUND + b":", AROUND + b":AAAA"),
        lambda file: file.replace(AROUND + b":", AROUND + b":?"),
        lambda file: b"".join(file.partition(b"BEGIN:VEVENT")[i] for i in (0, 1, 2)).replace(
            b"END:VTIMEZONE", b"X-A:1\r\nEND:VTIMEZONE"
        ),
    ],
)
def test_what_was_changed_since_is_taken_as_it_is_now(changed: Callable[[bytes], bytes]) -> None:
    file = changed(out(calendar(BERLIN, component("VEVENT", LOCAL, "SUMMARY:x", uid="a"))))
    (body,) = back(file)
    assert AROUND not in body
    assert b"PRODID:-//Strongroom" in body
    assert told_around(body)[1] is None
    zone, _, meeting = file.partition(b"BEGIN:VEVENT")
    assert told_around(b"BEGIN:VEVENT" + meeting)[0].partition(b"END:VCAL")[0] in body
    assert zone.partition(b"BEGIN:VTIMEZONE")[2] in body


def test_what_is_too_complex_by_now_keeps_the_names_of_the_export(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = out(zoned("a"), zoned("b", OTHER))
    monkeypatch.setattr("strongroom.formats.cardlines.CARD_LINES_MAX", 3)
    first, second = back(file)
    assert first == zoned("a")
    assert b"DTSTART;TZID=/strongroom/2/Europe/Berlin:20260105T090000" in second


def test_a_line_that_wants_too_much_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strongroom.formats.calendararound.OBJECT_BYTES_MAX", 1000)
    zone = b"z" * 100
    for places, known in ((10, True), (11, False)):
        around = Around(digest_of(zone * places), b"\0Z\0" * places)
        assert (restored(around, [], lambda _: zone) is not None) == known
    assert limits.OBJECT_BYTES_MAX > 1000


def digest_of(body: bytes) -> bytes:
    return sha256(body).digest()[:16]


def test_what_names_a_component_that_is_not_there_is_not_believed() -> None:
    assert restored(Around(digest_of(b"ab"), b"a\0\0"), [b"b"], lambda _: b"") == b"ab"
    assert restored(Around(digest_of(b"ab"), b"a\0\0"), [], lambda _: b"") is None


def test_so_much_can_be_told() -> None:
    assert can_tell([b"x" * AROUND_BYTES_MAX], [])
    assert not can_tell([b"x" * AROUND_BYTES_MAX, b""], [])
    assert can_tell([b"x" * (AROUND_BYTES_MAX - 37), b""], [b"Z/Z"])
    assert not can_tell([b"x" * (AROUND_BYTES_MAX - 36), b""], [b"Z/Z"])
    assert not can_tell([b"", b"\0"], [])


def test_the_most_that_can_be_told_comes_back_and_a_longer_line_is_none_of_ours() -> None:
    long = "X-A:" + "a" * (AROUND_BYTES_MAX - 200)
    body = calendar(long, OTHER, component("VEVENT", LOCAL, uid="long"))
    file = out(zoned("a"), body)
    assert file.count(AROUND) == 2
    assert back(file) == [zoned("a"), body]
    value = b64encode(digest_of(b"") + b"\0\0" * AROUND_BYTES_MAX)
    assert told_around(AROUND + b":" + value + b"\n") == (b"", Around(b"", b""))


def test_only_a_line_that_ends_is_one() -> None:
    line = AROUND + b":" + b64encode(b"0123456789abcdefrest")
    assert told_around(line) == (line, None)
    assert told_around(line + b"\n") == (b"", Around(b"0123456789abcdef", b"rest"))
    assert told_around(b"A:" + line + b"\n")[1] is None

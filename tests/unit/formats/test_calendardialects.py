"""Calendar objects of other programs: what cannot be kept is mended, and told."""

from __future__ import annotations

import pytest

from fakes.events import BERLIN, calendar, component, event
from strongroom.formats import FormatError
from strongroom.formats.calendar import check
from strongroom.formats.calendardialects import mended_object
from strongroom.formats.carddialects import CHARSET, CONTROLS, NEW_UID

BARE = "BEGIN:VEVENT\nSUMMARY:a\nDTSTAMP:20260101T000000Z\nEND:VEVENT"


@pytest.mark.parametrize("body", [event("SUMMARY:é"), event("X-A:1").replace(b"\r\n", b"\n")])
def test_what_can_be_kept_keeps_its_bytes(body: bytes) -> None:
    assert mended_object(body) == (body, ())


def test_a_method_is_left_out_for_nothing_is_sent() -> None:
    body = calendar("METHOD:REQ\n UEST", component("VEVENT", "METHOD:x"))
    found = mended_object(body)
    assert found == (calendar(component("VEVENT", "METHOD:x")), ())
    assert check(found.body)


def test_a_missing_uid_follows_from_the_content() -> None:
    body = calendar(BERLIN, BARE)
    found = mended_object(body)
    assert found.mendings == (NEW_UID,)
    uid = check(found.body).uid
    later = mended_object(body.replace(b"DTSTAMP:2026", b"DTSTAMP:2027"))
    assert check(later.body).uid == uid
    assert check(mended_object(body.replace(b"SUMMARY:a", b"SUMMARY:b")).body).uid != uid
    assert found.body.replace(f"UID:{uid}\r\n".encode(), b"") == body
    assert mended_object(found.body) == (found.body, ())
    plain = mended_object(body.replace(b"\r\n", b"\n")).body
    assert plain == found.body.replace(b"\r\n", b"\n")


def test_other_bytes_become_text() -> None:
    old = event("SUMMARY:é").decode().encode("windows-1252")
    assert mended_object(old) == (event("SUMMARY:é"), (CHARSET,))
    assert mended_object(event("SUMMARY:a\x01b")) == (event("SUMMARY:ab"), (CONTROLS,))


def test_what_is_no_calendar_is_refused() -> None:
    with pytest.raises(FormatError):
        mended_object(b"BEGIN:VCALENDAR\n")

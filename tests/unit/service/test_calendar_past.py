"""Calendars have the same past as contacts: undo, history, refused writes."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.events import BERLIN, calendar, component
from fakes.past import Past, counts
from strongroom.base.errors import InvalidError
from strongroom.formats.carddiff import Difference
from strongroom.history.edits import Origin
from strongroom.service.applying import Look, apply, look
from strongroom.service.past import read_past
from strongroom.service.refused import listed
from strongroom.service.timeline import Query, timeline
from strongroom.service.undo_view import show

HOME = "/dav/calendars/alice/"
CALENDAR = HOME + "calendar/"
XML = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
BY = Origin(request="command refused apply")


def meeting(hour: int, *more: str, uid: str = "m") -> bytes:
    lines = (f"DTSTART;TZID=Europe/Berlin:20260105T{hour:02d}0000", "SUMMARY:Meeting", *more)
    return calendar(BERLIN, component("VEVENT", *lines, uid=uid))


@pytest.fixture
def site() -> Past:
    return Past()


def put(site: Past, name: str, body: bytes, **headers: Any) -> str:
    answer = site.do("PUT", CALENDAR + name, body, content_type="text/calendar", **headers)
    assert answer.status in {201, 204}
    return answer.headers["etag"]


# --- undo -----------------------------------------------------------------------------------------
def test_a_calendar_that_a_phone_deleted_comes_back_with_one_undo(site: Past) -> None:
    for name in "abc":
        put(site, f"{name}.ics", meeting(9, uid=name))
    color = (
        f'<D:propertyupdate {XML} xmlns:A="http://apple.com/ns/ical/"><D:set><D:prop>'
        "<A:calendar-color>#FF0000</A:calendar-color></D:prop></D:set></D:propertyupdate>"
    )
    assert site.do("PROPPATCH", CALENDAR, color).status == 207
    asked = f"<D:propfind {XML}><D:prop><D:sync-token/></D:prop></D:propfind>"
    token = site.do("PROPFIND", CALENDAR, asked, depth="0").prop(CALENDAR, "{DAV:}sync-token")
    assert token is not None
    before, then = site.state(), site.last
    assert site.do("DELETE", CALENDAR).status == 204
    assert site.do("GET", CALENDAR + "a.ics").status == 404

    assert counts(site.undo(to=then)) == {"create": 1}
    assert site.state() == before
    assert site.do("GET", CALENDAR + "a.ics").body == meeting(9, uid="a")
    changed = (
        f"<D:sync-collection {XML}><D:sync-token>{token.text}</D:sync-token>"
        "<D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    answer = site.do("REPORT", CALENDAR, changed)
    assert (answer.status, answer.xml.findall("{DAV:}response")) == (207, [])


def test_ten_events_go_back_and_each_field_is_told(site: Past) -> None:
    for number in range(10):
        put(site, f"{number}.ics", meeting(9, uid=str(number)))
    before, then = site.state(), site.last
    for number in range(10):
        put(site, f"{number}.ics", meeting(10, "LOCATION:Bergen", uid=str(number)))
    plan = site.plan(to=then)
    assert counts(plan) == {"change": 10}
    past = site.run(read_past(site.cell, site.home))
    shown = site.run(show(site.cell, past, plan))
    assert {one.name for one in shown} == {"Meeting"}
    assert set(shown[0].fields) == {
        Difference("Begins", "20260105T100000 Europe/Berlin", "20260105T090000 Europe/Berlin"),
        Difference("Location", "Bergen", ""),
    }
    site.apply(plan)
    assert site.state() == before


# --- history --------------------------------------------------------------------------------------
def test_the_history_calls_an_event_by_its_summary(site: Past) -> None:
    put(site, "m.ics", meeting(9))
    site.do("DELETE", CALENDAR + "m.ics")
    query = Query(collection="calendars/calendar")
    events = site.run(timeline(site.cell, site.account, query, site.cell.now_ms)).events
    assert [(one.what, one.name) for one in events if one.kind == "object"] == [
        ("deleted", "Meeting"), ("created", "Meeting"),
    ]  # fmt: skip


# --- refused writes -------------------------------------------------------------------------------
def refuse(site: Past, body: bytes, **headers: Any) -> int:
    """Let a write be refused; gives the number under which it is kept."""
    answer = site.do("PUT", CALENDAR + "m.ics", body, content_type="text/calendar", **headers)
    assert answer.status in {403, 409, 412}
    return site.run(listed(site.cell, site.home))[-1].number


def see(site: Past, number: int, prefer: Any = "both") -> Look:
    return site.run(look(site.cell, site.home, number, prefer))


def do(site: Past, number: int, prefer: Any = "both") -> Look:
    seen = see(site, number, prefer)
    site.run(apply(site.cell, seen, seen.shown, BY))
    return seen


def test_a_refused_event_is_kept_and_told_by_its_summary_and_fields(site: Past) -> None:
    old = put(site, "m.ics", meeting(9))
    put(site, "m.ics", meeting(10))
    number = refuse(site, meeting(11, "LOCATION:Graz"), if_match=old)
    seen = see(site, number)
    assert (seen.kept.facts["name"], seen.problem) == ("Meeting", "")
    assert seen.choices == ("phone", "server")
    assert (
        set(seen.conflicts)
        == set(seen.wanted)
        == {
            Difference("Begins", "20260105T100000 Europe/Berlin", "20260105T110000 Europe/Berlin"),
            Difference("Location", "", "Graz"),
        }
    )


@pytest.mark.parametrize(("prefer", "stands"), [("wanted", 11), ("standing", 10)])
def test_of_two_versions_of_an_event_one_stands_whole(site: Past, prefer: str, stands: int) -> None:
    old = put(site, "m.ics", meeting(9))
    put(site, "m.ics", meeting(10))
    do(site, refuse(site, meeting(11), if_match=old), prefer)
    assert site.do("GET", CALENDAR + "m.ics").body == meeting(stands)
    assert site.run(listed(site.cell, site.home)) == []


def test_a_second_version_of_a_new_event_is_compared_with_what_stands(site: Past) -> None:
    put(site, "m.ics", meeting(9))
    seen = see(site, refuse(site, meeting(11), if_none_match="*"))
    assert [one.field for one in seen.conflicts] == ["Begins"]


def test_where_only_one_side_changed_nobody_is_asked(site: Past) -> None:
    old = put(site, "m.ics", meeting(9))
    put(site, "m.ics", meeting(10))
    number = refuse(site, meeting(11), if_match=old)
    same = refuse(site, meeting(9), if_match=old.replace(old[1:5], "0000"))
    put(site, "m.ics", meeting(9))
    seen = see(site, number)
    assert (seen.conflicts, seen.merged) == ((), meeting(11))
    seen = do(site, same)
    assert (seen.conflicts, seen.changes) == ((), ())


def test_an_event_that_is_gone_is_made_again(site: Past) -> None:
    old = put(site, "m.ics", meeting(9))
    site.do("DELETE", CALENDAR + "m.ics")
    number = refuse(site, meeting(10), if_match=old)
    assert do(site, number).stands is None
    assert site.do("GET", CALENDAR + "m.ics").body == meeting(10)


def test_what_an_event_lacked_is_mended_and_what_fits_nowhere_is_said(site: Past) -> None:
    number = refuse(site, meeting(9).replace(b"UID:m\r\n", b""))
    seen = do(site, number)
    assert seen.mendings == ("it had no UID; one was made of its content",)
    assert seen.name in {href for _, href in site.state()}
    number = refuse(site, b"BEGIN:VCALENDAR\r\nno end")
    assert see(site, number).problem.startswith("It is no calendar object that can be kept:")
    number = refuse(site, calendar(component("VTODO")))
    with pytest.raises(InvalidError, match="takes no VTODO"):
        do(site, number)

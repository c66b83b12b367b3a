"""An import of events, tasks and notes: each finds its calendar, nothing twice, nothing silent."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.bringing import WHO, endings
from fakes.events import BERLIN, calendar, component, event
from fakes.site import Site
from strongroom.base.errors import FrozenError, InvalidError
from strongroom.formats import FormatError
from strongroom.formats.calendarstream import CalendarStream
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import OURSELVES
from strongroom.history.entries import COLLECTION, OBJECT, Member
from strongroom.service.calendarintake import CalendarIntake
from strongroom.service.collections import calendar_data, make_collection, remove_collection
from strongroom.service.intake import Intake, Outcome

FILE = calendar(
    "METHOD:PUBLISH", BERLIN,
    component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260105T090000", "SEQUENCE:1", uid="e"),
    component("VTODO", "SUMMARY:t", uid="t"), component("VJOURNAL", "SUMMARY:j", uid="j"),
    "BEGIN:VEVENT\nSUMMARY:no UID\nEND:VEVENT",
)  # fmt: skip


@pytest.fixture
def site() -> Site:
    return Site()


async def _bringing(site: Site, file: bytes, dry: bool) -> list[Outcome]:
    account = site.cell.directory.account("alice")
    assert account is not None

    def make(collection: Member) -> Intake:
        return Intake(site.cell, collection, WHO, dry=dry)

    intake = CalendarIntake(site.cell, account, make, dry=dry)
    await intake.begin()
    outcomes, stream = [], CalendarStream()
    for chunk, last in ((file, False), (b"", True)):
        async for some in intake.feed(stream, chunk, last=last):
            outcomes += some
    return outcomes


def bring(site: Site, file: bytes, *, dry: bool = False) -> list[Outcome]:
    return site.run(_bringing(site, file, dry))


def standing(site: Site) -> dict[str, dict[str, bytes]]:
    found: dict[str, Any] = {}
    for one in site.cell.directory.members(site.home, COLLECTION):
        if one.href.startswith("calendars/"):
            members = site.run(site.cell.listing(one.id, OBJECT))[1]
            found[one.href.removeprefix("calendars/")] = {
                member.href: site.cell.blobs[member.etag] for member in members
            }
    return found


def test_each_object_comes_into_the_calendar_that_takes_it(site: Site) -> None:
    outcomes = bring(site, FILE)
    assert endings(outcomes) == ["new"] * 4
    there = standing(site)
    assert {name: len(found) for name, found in there.items()} == {
        "calendar": 2, "tasks": 1, "notes": 1
    }  # fmt: skip
    assert there["tasks"] == {"t.ics": calendar(component("VTODO", "SUMMARY:t", uid="t"))}
    assert b"METHOD" not in there["calendar"]["e.ics"]
    assert b"VTIMEZONE" in there["calendar"]["e.ics"]
    assert [one.said for one in outcomes if one.said] == [
        ("it had no UID; one was made of its content",)
    ]


def test_a_second_run_changes_nothing(site: Site) -> None:
    bring(site, FILE)
    batch, before = site.cell.batch, standing(site)
    assert endings(bring(site, FILE.replace(b"X-A", b"X-B"))) == ["unchanged"] * 4
    assert (site.cell.batch, standing(site)) == (batch, before)


def test_what_is_newer_stands_and_what_is_not_is_told_with_its_bytes(site: Site) -> None:
    old, new = event("SEQUENCE:1", "SUMMARY:a"), event("SEQUENCE:2", "SUMMARY:b")
    bring(site, old)
    (outcome,) = bring(site, new)
    assert (outcome.ending, outcome.said) == (
        "merged", ("what stood was older and is replaced; undo brings it back",)
    )  # fmt: skip
    assert standing(site)["calendar"] == {"u1.ics": new}
    (outcome,) = bring(site, old)
    assert (outcome.ending, outcome.code, outcome.raw) == ("refused", "older", old)
    assert standing(site)["calendar"] == {"u1.ics": new}


def test_broken_ones_are_told_and_the_others_come_in(site: Site) -> None:
    broken = "BEGIN:VEVENT\nUID:b\nno colon\nEND:VEVENT"
    file = calendar(component("VEVENT", uid="a"), broken, component("X-A"), "BEGIN:VEVENT")
    outcomes = bring(site, file + b"junk")
    assert sorted((one.ending, one.line, one.code) for one in outcomes) == [
        ("new", 4, ""), ("refused", 7, "not-a-calendar"), ("refused", 11, "unknown-component"),
        ("refused", 14, "component-no-end"), ("refused", 16, "between-components"),
    ]  # fmt: skip
    assert all(one.raw for one in outcomes if one.ending == "refused")
    assert list(standing(site)["calendar"]) == ["a.ics"]


def test_what_no_calendar_takes_is_told(site: Site) -> None:
    bring(site, event())
    tasks = site.cell.directory.collection(site.home, "calendars/tasks")
    assert tasks is not None
    site.run(remove_collection(site.cell, tasks, Precondition(), OURSELVES))
    (outcome,) = bring(site, calendar(component("VTODO", uid="t")))
    assert (outcome.ending, outcome.code) == ("refused", "unsupported-component")
    assert outcome.said == ("This calendar takes no VTODO.",)
    data = calendar_data(("VEVENT", "VTODO"))
    site.run(make_collection(site.cell, site.home, "calendars/own", {}, OURSELVES, data))
    assert endings(bring(site, calendar(component("VTODO", uid="t")))) == ["new"]
    assert list(standing(site)["own"]) == ["t.ics"]


def test_an_account_whose_calendars_were_all_removed_gets_none_back(site: Site) -> None:
    bring(site, event())
    for name in list(standing(site)):
        book = site.cell.directory.collection(site.home, f"calendars/{name}")
        assert book is not None
        site.run(remove_collection(site.cell, book, Precondition(), OURSELVES))
    with pytest.raises(InvalidError, match="Make one"):
        bring(site, FILE)
    assert standing(site) == {}


def test_a_dry_run_changes_nothing_and_tells_the_same(site: Site) -> None:
    with pytest.raises(InvalidError, match="no calendars yet"):
        bring(site, FILE, dry=True)
    assert standing(site) == {}
    bring(site, event("SEQUENCE:1"))
    before = standing(site)
    file = calendar(component("VEVENT", "SEQUENCE:2"), component("VTODO", uid="t"))
    assert sorted(endings(bring(site, file, dry=True))) == ["merged", "new"]
    assert standing(site) == before


def test_a_stream_that_is_nothing_known_is_an_error(site: Site) -> None:
    class Broken(CalendarStream):
        def feed(self, chunk: bytes, *, last: bool = False) -> Any:
            raise FormatError("x", "It is nothing.")

    account = site.cell.directory.account("alice")
    assert account is not None
    intake = CalendarIntake(site.cell, account, lambda one: Intake(site.cell, one, WHO))

    async def feed() -> None:
        await intake.begin()
        async for _ in intake.feed(Broken(), b"x"):
            raise AssertionError

    with pytest.raises(InvalidError, match="nothing"):
        site.run(feed())


def test_a_frozen_account_is_given_no_calendars(site: Site) -> None:
    site.run(site.cell.freeze(site.home, "account", "why", "evidence"))
    number = site.cell.head(site.home).number
    with pytest.raises(FrozenError):
        bring(site, FILE)
    assert site.cell.head(site.home).number == number

"""The commands `history`, `undo plan` and `undo apply`, over a cell in memory."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.events import event
from fakes.site import BOOK, Site
from strongroom.base.errors import InvalidError, NotFoundError, RefusedPlanError
from strongroom.base.limits import HISTORY_EVENTS_MAX
from strongroom.compose import Parts
from strongroom.control import pace, past
from strongroom.control.pace import pace_text, paced
from strongroom.control.past import WISH
from strongroom.control.protocol import ANSWER_BYTES_MAX, Request, Result, encode_answer
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.formats.moments import write_moment
from strongroom.mirror.cell import MirrorCell


class Desk(Site):
    """Alice's phones, and an operator who asks about her past."""

    def __init__(self) -> None:
        super().__init__()
        clock = SimpleNamespace(now_ms=lambda: self.cell.now_ms)
        parts = cast(Parts, SimpleNamespace(clock=clock))
        self.room = Room(parts, cast(MirrorCell, self.cell))

    def ask(self, command: str, **given: Any) -> dict[str, Any]:
        told = {"login": "alice", **given}
        return asyncio.run(run(self.room, Request(command, told), lambda text: None))

    def history(self, **given: Any) -> dict[str, Any]:
        nothing = dict.fromkeys(("collection", "object", "since", "until", "device"), "")
        return self.ask("history", **{**nothing, "limit": 100, **given})

    def plan(self, **wish: str) -> dict[str, Any]:
        return self.ask("undo plan", **{**dict.fromkeys(WISH, ""), **wish})

    def apply(self, plan: dict[str, Any]) -> dict[str, Any]:
        return self.ask("undo apply", **plan["wish"], mark=plan["mark"])

    @property
    def last(self) -> str:
        return write_moment(self.cell.now_ms - 1)


@pytest.fixture
def desk() -> Desk:
    return Desk()


CALENDAR = "/dav/calendars/alice/calendar/"


@pytest.mark.parametrize(
    ("collection", "thing"),
    [
        ("calendars/calendar", "a.ics"),
        ("", "calendars/calendar/a.ics"),
        ("", CALENDAR + "a.ics"),
    ],
)
def test_a_calendar_and_what_is_in_it_are_named_as_they_are_shown(
    desk: Desk, collection: str, thing: str
) -> None:
    desk.put("a")
    before = event("DTSTART:20261128T200000Z", "SUMMARY:Dinner")
    assert desk.do("PUT", CALENDAR + "a.ics", before).status == 201
    assert desk.do("DELETE", CALENDAR + "a.ics").status == 204

    shown = desk.history(collection=collection, object=thing)["events"]
    assert [(one["book"], one["href"], one["what"]) for one in shown] == [
        ("calendars/calendar", "a.ics", "deleted"),
        ("calendars/calendar", "a.ics", "created"),
    ]

    plan = desk.plan(entry=f"{shown[0]['book']}:{shown[0]['number']}")
    assert {one["name"] for one in shown} == {plan["changes"][0]["name"]} == {"Dinner"}
    assert plan["counts"]["create"] == 1
    desk.apply(plan)
    assert desk.do("GET", CALENDAR + "a.ics").body == before


def test_history_is_told_with_times_that_can_be_read_again(desk: Desk) -> None:
    desk.put("a")
    desk.put("b")
    found = desk.history(limit=1, collection="contacts")
    (event,) = found["events"]
    assert (event["href"], event["name"], event["time"]) == ("b", "Ann", desk.last)
    assert (found["login"], found["more"]) == ("alice", 2)
    assert json.loads(json.dumps(found)) == found


def test_who_is_not_there_has_no_past(desk: Desk) -> None:
    for command in (desk.history, desk.plan):
        with pytest.raises(NotFoundError):
            command(login="nobody", **({"to": "3h"} if command == desk.plan else {}))


def test_the_longest_history_fits_into_an_answer(desk: Desk) -> None:
    desk.put("a")
    (event,) = desk.history(limit=1)["events"]
    longest = {
        **event, "href": "ж" * 127, "book": "ж" * 127, "name": "ж" * 255, "device": "ж" * 127,
        "client": "x" * 64, "condition": "\u00ff" * 512,
    }  # fmt: skip
    answer = Result({"login": "alice", "events": [longest] * HISTORY_EVENTS_MAX, "more": 1})
    assert len(encode_answer(answer)) <= ANSWER_BYTES_MAX


def test_what_was_shown_is_what_is_done(desk: Desk) -> None:
    desk.put("a")
    then = desk.last
    desk.put("a", called="Eve")
    desk.do("DELETE", BOOK + "a")
    plan = desk.plan(to=then)
    assert plan["counts"]["create"] == 1
    assert plan["changes"][0]["fields"] == [{"field": "Full name", "old": "", "new": "Ann"}]
    assert (plan["more"], plan["cannot"]) == (0, [])
    done = desk.apply(plan)
    assert (done["done"], done["left"], done["left_count"]) == (1, [], 0)
    assert "Ann" in desk.do("GET", BOOK + "a").text
    back = desk.plan(to=done["back"])
    assert back["counts"]["remove"] == 1
    desk.apply(back)
    assert desk.do("GET", BOOK + "a").status == 404


def test_a_plan_that_is_old_is_refused_and_changes_nothing(desk: Desk) -> None:
    desk.put("a")
    then = desk.last
    desk.put("a", called="Eve")
    plan = desk.plan(to=then)
    desk.put("a", called="Zoe")
    head = desk.cell.head(desk.book.id)
    with pytest.raises(RefusedPlanError, match="look at the plan again"):
        desk.apply(plan)
    assert desk.cell.head(desk.book.id) == head


def test_a_time_ago_means_the_same_when_it_is_applied(desk: Desk) -> None:
    desk.put("a")
    desk.cell.now_ms += 3_600_000
    desk.put("a", called="Eve")
    plan = desk.plan(to="30m")
    desk.cell.now_ms += 7_200_000
    assert desk.apply(plan)["done"] == 1


def test_a_wish_is_understood_or_refused(desk: Desk) -> None:
    for wish in ({}, {"to": "soon"}, {"entry": "x"}, {"device": "phone"}):
        with pytest.raises(InvalidError):
            desk.plan(**wish)


def test_what_cannot_be_done_is_bounded_and_counted(desk: Desk, monkeypatch) -> None:
    for name in "abc":
        desk.put(name)
    then = desk.last
    for name in "abc":
        desk.do("DELETE", BOOK + name)
    desk.cell.lost |= set(desk.cell.blobs)
    monkeypatch.setattr(past, "UNDO_SHOWN_MAX", 2)
    plan = desk.plan(to=then)
    assert (len(plan["cannot"]), plan["counts"]["cannot"], plan["changes"]) == (2, 3, [])


def test_work_tells_how_it_goes_now_and_then(monkeypatch) -> None:
    monkeypatch.setattr(pace, "_SECONDS", 0.0)
    told: list[str] = []

    async def work() -> None:
        tell = paced(told.append, "entries read")
        await asyncio.sleep(0.01)
        tell(50, 100)
        monkeypatch.setattr(pace, "_SECONDS", 60.0)
        tell(60, 100)

    asyncio.run(work())
    (line,) = told
    assert line.startswith("50 of 100 entries read, ")


@pytest.mark.parametrize(
    "done, seconds, text",
    [
        (50, 10.0, "50 of 100 things, 5 a second, about 10 s left"),
        (1, 10.0, "1 of 100 things, 0 a second, about 16 min 30 s left"),
        (0, 10.0, "0 of 100 things, 0 a second, about 0 s left"),
        (100, 10.0, "100 of 100 things, 10 a second, nearly there"),
    ],
)
def test_the_words_for_it(done: int, seconds: float, text: str) -> None:
    assert pace_text("things", done, 100, seconds) == text

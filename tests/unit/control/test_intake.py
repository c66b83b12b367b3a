"""An import page by page, over a cell in memory."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from typing import Any

import pytest

from fakes.desk import Desk, card
from fakes.events import BERLIN, calendar, component
from strongroom.base.errors import FrozenError, InvalidError, NotFoundError, StrongroomError
from strongroom.base.limits import IMPORTS_MAX, INTAKE_REFUSED_MAX, OBJECT_BYTES_MAX
from strongroom.cli.intake import PAGE_BYTES
from strongroom.control.carrying import Carrying
from strongroom.control.protocol import (
    ANSWER_BYTES_MAX,
    REQUEST_BYTES_MAX,
    Request,
    Result,
    encode_answer,
    encode_request,
)
from strongroom.formats.calendarfile import CalendarFile, cut
from strongroom.history.entries import OBJECT
from strongroom.mirror.site import FrozenCellError


@pytest.fixture
def desk() -> Desk:
    return Desk()


def begin(desk: Desk, login: str = "anna", collection: str = "contacts", dry: bool = False) -> str:
    given = {"login": login, "collection": collection, "dry_run": dry}
    return str(desk.ask("import begin", given)["import"])


def page(desk: Desk, number: str, raw: bytes, *, last: bool = True) -> dict[str, Any]:
    given = {"import": number, "bytes": b64encode(raw).decode(), "last": last}
    return desk.ask("import page", given)


def test_files_come_in_page_by_page_and_one_after_another(desk: Desk) -> None:
    number = begin(desk)
    file = card("a") + b"junk\n" + card("b")
    first = page(desk, number, file[: len(card("a")) + 2], last=False)
    second = page(desk, number, file[len(card("a")) + 2 :])
    third = page(desk, number, b"Name,Notes\nZoe,x\n")
    assert [one["new"] for one in (first, second, third)] == [0, 2, 1]
    (junk,) = second["told"]
    assert (junk["line"], junk["code"], b64decode(junk["raw"])) == (6, "between-cards", b"junk\n")
    assert desk.cell.head(desk.book.id).members == 3
    entries = [entry for entry, _ in desk.cell.journal[desk.book.id]]
    assert {(entry.by, entry.request) for entry in entries} == {(0, "command import")}


def test_what_is_told_is_what_a_person_would_ask_about(desk: Desk) -> None:
    desk.put("a.vcf", card("a"))
    number = begin(desk)
    plain, changed = card("plain"), card("a", "Anna")
    told = page(desk, number, plain + changed + card("").replace(b"UID:\r\n", b""))["told"]
    assert [(one["ending"], bool(one["said"])) for one in told] == [("merged", True), ("new", True)]
    assert told[0]["href"] == "a.vcf"


def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    assert page(desk, begin(desk, dry=True), card("a"))["new"] == 1
    assert desk.cell.head(desk.book.id).members == 0


def test_an_import_that_is_over_or_forgotten_is_to_be_run_again(desk: Desk) -> None:
    numbers = [begin(desk) for _ in range(IMPORTS_MAX)]
    page(desk, numbers[0], card("a"))  # used last
    begin(desk)
    page(desk, numbers[0], card("b"))
    with pytest.raises(InvalidError, match="run the import again"):
        page(desk, numbers[1], card("c"))
    desk.ask("import end", {"import": numbers[0]})
    desk.ask("import end", {"import": numbers[0]})
    with pytest.raises(InvalidError):
        page(desk, numbers[0], card("c"))


def test_where_nothing_can_come_in_it_says_so(desk: Desk) -> None:
    with pytest.raises(NotFoundError):
        begin(desk, login="bert")
    with pytest.raises(NotFoundError, match=r"no collection none\. `strongroom account show anna`"):
        begin(desk, collection="none")
    number = begin(desk)
    with pytest.raises(InvalidError):
        desk.ask("import page", {"import": number, "bytes": "%", "last": True})
    desk.room.cell, desk.room.trouble = None, FrozenCellError("two disks are missing")
    with pytest.raises(StrongroomError, match="two disks"):
        page(desk, number, card("a"))


def test_a_frozen_account_says_so(desk: Desk) -> None:
    import asyncio

    asyncio.run(desk.cell.freeze(desk.home, "account", "why", "evidence"))
    with pytest.raises(FrozenError):
        begin(desk)


def test_a_collection_of_another_kind_takes_nothing_in(desk: Desk) -> None:
    import asyncio

    from strongroom.history.edits import Put
    from strongroom.history.entries import COLLECTION, Key, canonical

    data = canonical({"type": "tree"})
    asyncio.run(desk.cell.submit(Put(Key(desk.home, COLLECTION, "files"), "0", data), {}))
    with pytest.raises(InvalidError):
        begin(desk, collection="files")


def test_the_largest_page_and_the_longest_answer_fit_the_protocol(desk: Desk) -> None:
    full = {"import": "1", "bytes": b64encode(b"x" * PAGE_BYTES).decode(), "last": False}
    assert len(encode_request(Request("import page", full))) <= REQUEST_BYTES_MAX
    # A card that cannot be taken comes back whole, with what a page of others has to tell.
    number = begin(desk)
    huge = card("a").replace(b"3.0", b"9.9").replace(b"END", b"NOTE:" + b"x" * 9_000_000 + b"\nEND")
    assert len(huge) < OBJECT_BYTES_MAX
    for at in range(0, len(huge), PAGE_BYTES):
        page(desk, number, huge[at : at + PAGE_BYTES], last=False)
    small = b"BEGIN:VCARD\nVERSION:9\nEND:VCARD\n"
    many = small * (INTAKE_REFUSED_MAX - 1)
    assert len(many) < PAGE_BYTES
    answer = page(desk, number, many)
    assert len(answer["told"]) == INTAKE_REFUSED_MAX
    assert len(encode_answer(Result(answer))) <= ANSWER_BYTES_MAX


# --- calendars ------------------------------------------------------------------------------------
FILE = calendar(
    BERLIN, component("VEVENT", "DTSTART;TZID=Europe/Berlin:20260105T090000", uid="e"),
    component("VTODO", uid="t"),
)  # fmt: skip


def names(desk: Desk, collection: str) -> list[str]:
    found = desk.cell.directory.collection(desk.home, collection)
    assert found is not None
    return [one.href for one in asyncio.run(desk.cell.listing(found.id, OBJECT))[1]]


def test_one_import_takes_cards_and_calendars(desk: Desk) -> None:
    number = begin(desk, collection="")
    cut_at = FILE.index(b"END:VEVENT")
    first = page(desk, number, FILE[:cut_at], last=False)
    second = page(desk, number, FILE[cut_at:])
    third = page(desk, number, card("a"))
    assert [one["new"] for one in (first, second, third)] == [0, 2, 1]
    assert names(desk, "calendars/calendar") == ["e.ics"]
    assert names(desk, "calendars/tasks") == ["t.ics"]
    assert names(desk, "contacts") == ["a.vcf"]


def test_a_collection_that_is_named_takes_its_own_kind_alone(desk: Desk) -> None:
    desk.calendar("calendars/own")
    number = begin(desk, collection="calendars/own")
    assert page(desk, number, FILE)["new"] == 2
    assert names(desk, "calendars/own") == ["e.ics", "t.ics"]
    for collection, file in (("calendars/own", card("a")), ("contacts", FILE)):
        with pytest.raises(InvalidError, match=f"which {collection} does not take"):
            page(desk, begin(desk, collection=collection), file)


def test_what_was_exported_comes_back_and_changes_nothing_where_it_was(desk: Desk) -> None:
    """Two definitions of one zone, a series with a moved instance, one UID in two calendars."""
    other = BERLIN.replace("TZNAME:CEST", "TZNAME:Summer")
    local = "DTSTART;TZID=Europe/Berlin:20260105T090000"
    bodies = {
        "a": calendar(BERLIN, component("VEVENT", local, "RRULE:FREQ=WEEKLY", uid="a"),
                      component("VEVENT", "RECURRENCE-ID:20260112T080000Z", uid="a")),
        "b": calendar(other, component("VEVENT", local, uid="b")),
        "c": calendar(component("VTODO", uid="c")).replace(b"\r\n", b"\n"),
    }  # fmt: skip
    own = desk.calendar("calendars/own")
    for name, body in bodies.items():
        desk.put(f"{name}.ics", body, own)
    file = CalendarFile()
    things = Carrying(desk.ask, "anna", (), "calendar").things()
    written = b"".join([*(file.add(one.collection.id, one.body) for one in things), file.end()])
    again = page(desk, begin(desk, collection="calendars/own"), written)
    assert (again["unchanged"], again["told"]) == (3, [])

    new = desk.calendar("calendars/new")
    assert page(desk, begin(desk, collection="calendars/new"), written)["new"] == 3
    members = asyncio.run(desk.cell.listing(new.id, OBJECT))[1]
    back = {one.href.removesuffix(".ics"): desk.cell.blobs[one.etag] for one in members}
    assert {name: cut(body).parts for name, body in back.items()} == {
        name: cut(body).parts for name, body in bodies.items()
    }

"""POST of many cards, and of a table, to an address book: each is told what became of it."""

from __future__ import annotations

import asyncio
import gzip
from base64 import b64decode
from typing import Any

import pytest

from fakes.asgi import Answer
from fakes.events import calendar, component
from fakes.site import BOOK, Site, card
from strongroom.base import limits
from strongroom.base.errors import FrozenError
from strongroom.base.limits import INTAKE_EDITS, INTAKE_KEPT_BYTES_MAX, OBJECT_BYTES_MAX
from strongroom.dav import post_many as module
from strongroom.history.edits import OURSELVES
from strongroom.history.entries import OBJECT
from strongroom.service.accounts import add_device
from strongroom.service.rights import Rights
from strongroom.service.usage import set_quota

OURS = "{urn:strongroom:import}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
UID = "{http://calendarserver.org/ns/}uid"


@pytest.fixture
def site() -> Site:
    return Site()


def post(site: Site, body: Any, kind: str = "text/vcard", **headers: str) -> Answer:
    return site.do("POST", BOOK, body, content_type=kind, **headers)


def told(answer: Answer, name: str) -> tuple[str, str, str]:
    """Status, UID and result of an object that was taken."""
    stat = answer.response(BOOK + name).find("{DAV:}propstat")
    assert stat is not None
    status = stat.findtext("{DAV:}status") or ""
    found = stat.find("{DAV:}prop")
    assert found is not None
    return status, found.findtext(UID) or "", found.findtext(OURS + "result") or ""


def refused(answer: Answer, line: int) -> tuple[str, str, bytes | None]:
    """Status, condition and bytes of what was not taken."""
    row = answer.response(f"{BOOK}?line={line}")
    error = row.find("{DAV:}error")
    assert error is not None
    assert error.findtext(OURS + "line") == str(line)
    assert row.findtext("{DAV:}responsedescription")
    body = error.findtext(OURS + "body")
    raw = None if body is None else b64decode(body)
    return row.findtext("{DAV:}status") or "", str(error[0].tag), raw


def names(site: Site) -> list[str]:
    _, members = site.run(site.cell.listing(site.book.id, OBJECT))
    return [one.href for one in members]


@pytest.mark.rfc("4918", "13")
def test_many_cards_are_answered_one_by_one(site: Site) -> None:
    site.put("old.vcf", uid="old")
    site.put("same.vcf", uid="same")
    bad = card("x").replace(b"3.0", b"9.9")
    answer = post(site, card("a") + card("old", "Other") + card("same") + b"junk\n" + bad)
    assert answer.status == 207
    assert told(answer, "a.vcf") == ("HTTP/1.1 201 Created", "a", "new")
    assert told(answer, "old.vcf") == ("HTTP/1.1 200 OK", "old", "merged")
    assert told(answer, "same.vcf") == ("HTTP/1.1 200 OK", "same", "unchanged")
    data = CARD + "valid-address-data"
    assert refused(answer, 16) == ("HTTP/1.1 403 Forbidden", data, b"junk\n")
    supported = CARD + "supported-address-data"
    assert refused(answer, 17) == ("HTTP/1.1 403 Forbidden", supported, bad)
    assert site.do("GET", BOOK + "a.vcf").body == card("a")
    tag = answer.response(BOOK + "a.vcf").findtext("{DAV:}propstat/{DAV:}prop/{DAV:}getetag")
    assert tag == site.do("GET", BOOK + "a.vcf").headers["etag"]
    assert b"Other" in site.do("GET", BOOK + "old.vcf").body


def test_the_same_again_changes_nothing(site: Site) -> None:
    body = card("a") + card("b")
    post(site, body)
    head = site.cell.head(site.book.id)
    answer = post(site, body)
    assert {told(answer, name)[2] for name in ("a.vcf", "b.vcf")} == {"unchanged"}
    assert site.cell.head(site.book.id) == head


@pytest.mark.rfc("4918", "14")
def test_no_address_is_told_twice(site: Site) -> None:
    answer = post(site, card("a") + card("a", "Anna") + card("a") + b"x\n" * 40_000)
    assert len(answer.hrefs) == len(set(answer.hrefs)) == 3
    assert told(answer, "a.vcf")[2] == "new"
    lines = sorted(int(one.rpartition("=")[2]) for one in answer.hrefs if "?" in one)
    assert b"".join(refused(answer, line)[2] or b"" for line in lines) == b"x\n" * 40_000


@pytest.mark.rfc("7240", "4.2")
def test_with_minimal_only_what_was_not_taken_is_told(site: Site) -> None:
    answer = post(site, card("a") + b"junk\n" + card("b"), prefer="return=minimal")
    assert answer.hrefs == [f"{BOOK}?line=6"]
    assert answer.headers["preference-applied"] == "return=minimal"
    assert post(site, card("c") + card("d"), prefer="return=minimal").hrefs == []
    assert names(site) == ["a.vcf", "b.vcf", "c.vcf", "d.vcf"]


def test_a_table_is_an_import_of_its_rows(site: Site) -> None:
    table = b"Name,Phone 1 - Value\r\nAnn,1\r\nBob,2\r\n"
    answer = post(site, table, "text/csv; charset=utf-8")
    assert answer.status == 207
    assert len(answer.hrefs) == 2
    assert [told(answer, one.removeprefix(BOOK))[2] for one in answer.hrefs] == ["new", "new"]
    assert post(site, b"a,b\n1,2\n", "text/csv").status == 400


@pytest.mark.parametrize(
    "one",
    [
        card("a"),
        b"\r\n" + card("a"),
        card("a").replace(b"END", b"AGENT:BEGIN:VCARD\\nEND:VCARD\r\nNOTE:\r\n BEGIN:VCARD\r\nEND"),
    ],
)
def test_one_card_is_still_added_as_it_is(site: Site, one: bytes) -> None:
    for parts in (one, [one[at : at + 3] for at in range(0, len(one), 3)]):
        answer = post(site, parts)
        assert (answer.status, answer.headers["location"]) == (201, BOOK + "a.vcf")
    assert site.do("GET", BOOK + "a.vcf").body == one


def test_it_does_not_matter_how_a_body_comes(site: Site) -> None:
    body = card("a") + card("b").lower().replace(b"begin", b"BeGiN") + card("c")
    answer = post(site, [body[at : at + 5] for at in range(0, len(body), 5)])
    assert answer.status == 207
    assert names(site) == ["a.vcf", "b.vcf", "c.vcf"]


def test_a_card_that_is_too_long_is_refused_as_ever(site: Site) -> None:
    body = b"BEGIN:VCARD\r\n" + b"x" * OBJECT_BYTES_MAX
    assert post(site, body).condition == CARD + "max-resource-size"
    assert post(site, [body[:100], body[100:]]).condition == CARD + "max-resource-size"
    assert post(site, [body[:100], body[100:], b"BEGIN:VCARD"]).status == 403


def test_a_body_may_be_as_long_as_its_limit_and_no_longer(site: Site, monkeypatch) -> None:
    body = card("a") + card("b")
    monkeypatch.setattr(module, "IMPORT_BYTES_MAX", len(body))
    monkeypatch.setattr(module, "_PART_BYTES", len(card("a")))
    assert post(site, body).status == 207
    assert post(site, body + b"\n").status == 413
    parts = [card("c") + card("d"), b"\r\n"]
    answer = post(site, parts)
    assert answer.status == 207
    assert answer.status_of(BOOK) == "HTTP/1.1 413 Content Too Large"
    assert names(site) == ["a.vcf", "b.vcf", "c.vcf"]
    assert limits.IMPORT_BYTES_MAX > 4 * 1024 * 1024


def test_so_many_are_answered_and_no_more(site: Site, monkeypatch) -> None:
    monkeypatch.setattr(module, "IMPORT_OBJECTS_MAX", 2)
    monkeypatch.setattr(module, "_PART_BYTES", 10)
    assert len(post(site, card("a") + card("b")).hrefs) == 2
    one = [card(name) for name in "abcdef"]
    answer = post(site, [one[0] + one[1], *one[2:]])
    assert answer.status_of(BOOK) == "HTTP/1.1 413 Content Too Large"
    assert "f.vcf" not in names(site)


def test_bodies_are_given_back_as_long_as_there_is_room(site: Site) -> None:
    half = b"x" * (INTAKE_KEPT_BYTES_MAX // 2 - 1) + b"\n"
    body = card("a") + half + card("b") + half + card("c") + b"y\n" + card("d") + b"\n"
    answer = post(site, body)
    lines = sorted(int(one.rpartition("=")[2]) for one in answer.hrefs if "?" in one)
    assert [len(refused(answer, line)[2] or b"") for line in lines[:2]] == [len(half), len(half)]
    assert refused(answer, lines[2])[2] is None


def test_what_came_before_a_trouble_stays_and_the_trouble_is_told(site: Site, monkeypatch) -> None:
    submit, count = site.cell.submit, [0]

    async def stops(edit, bodies):
        count[0] += 1
        if count[0] == 2:
            raise FrozenError
        return await submit(edit, bodies)

    cards = [card(f"{n:04}", str(n)) for n in range(INTAKE_EDITS + 1)]
    monkeypatch.setattr(site.cell, "submit", stops)
    answer = post(site, b"".join(cards))
    assert answer.status == 207
    assert answer.status_of(BOOK) == "HTTP/1.1 503 Service Unavailable"
    assert len(names(site)) == len(answer.hrefs) - 1 == INTAKE_EDITS
    again = post(site, b"".join(cards))
    assert BOOK not in again.hrefs
    assert len(names(site)) == INTAKE_EDITS + 1


def test_where_nothing_came_in_the_answer_is_the_usual_one(site: Site) -> None:
    site.run(set_quota(site.cell, "alice", "10", OURSELVES))
    answer = post(site, card("a") + card("b"))
    assert (answer.status, answer.condition) == (507, "{DAV:}quota-not-exceeded")
    site.run(site.cell.freeze(site.home, "account", "why", "evidence"))
    assert post(site, card("a") + card("b")).status == 503
    assert names(site) == []


def test_a_full_account_says_so_of_the_book(site: Site) -> None:
    room = len(card("0000")) * INTAKE_EDITS
    site.run(set_quota(site.cell, "alice", str(room), OURSELVES))
    answer = post(site, b"".join(card(f"{n:04}") for n in range(INTAKE_EDITS + 1)))
    assert answer.status_of(BOOK) == "HTTP/1.1 507 Insufficient Storage"
    error = answer.response(BOOK).find("{DAV:}error")
    assert error is not None
    assert error[0].tag == "{DAV:}quota-not-exceeded"


def test_a_client_that_goes_away_keeps_what_came_in(site: Site, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PART_BYTES", 10)
    answer = site.do(
        "POST", BOOK, [card("a") + card("b"), card("c")[:30]], cut=True, content_type="text/vcard"
    )
    assert answer.status == 0
    assert names(site) == ["a.vcf", "b.vcf"]


def test_an_account_has_few_at_once(site: Site, monkeypatch) -> None:
    """Each may read all that stands; one too many changes nothing, and is asked to come again."""
    listing = site.cell.listing

    async def slow(*which):
        await asyncio.sleep(0.05)
        return await listing(*which)

    monkeypatch.setattr(site.cell, "listing", slow)

    async def many() -> list[int]:
        body = card("a") + card("b")
        one_by_one = (
            site.alice("POST", BOOK, body, content_type="text/vcard")
            for _ in range(limits.EXPORTS_OF_ACCOUNT_MAX + 1)
        )
        return sorted(answer.status for answer in await asyncio.gather(*one_by_one))

    assert site.run(many()) == [207] * limits.EXPORTS_OF_ACCOUNT_MAX + [503]
    assert site.run(many())[0] == 207


def test_what_cannot_be_written_now_has_its_own_status(site: Site) -> None:
    site.put("a.vcf", uid="a")
    site.cell.lost.update(one.etag for one in site.run(site.cell.listing(site.book.id, OBJECT))[1])
    answer = post(site, card("a", "Anna") + card("b"))
    assert refused(answer, 1)[0] == "HTTP/1.1 503 Service Unavailable"


def test_the_answer_is_compressed_on_request(site: Site) -> None:
    body = b"".join(card(f"{n:04}", str(n)) for n in range(300))
    answer = post(site, body, accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.pieces > 2
    assert gzip.decompress(answer.body).count(b"<D:response>") == 300


def test_it_needs_the_right_to_add(site: Site) -> None:
    from fakes.asgi import Client

    rights = Rights(read_only=True)
    password = site.run(add_device(site.cell, "alice", "reader", site.entropy, OURSELVES, rights))
    reader = Client(site.app, "alice", password)
    answer = asyncio.run(reader("POST", BOOK, card("a") + card("b"), content_type="text/vcard"))
    assert (answer.status, answer.condition) == (403, "{DAV:}need-privileges")
    assert post(site, card("a") + card("b"), "text/plain").status == 403
    assert post(site, b"Name\nx\n", "text/csv", content_encoding="gzip").status == 415
    assert post(site, card("a") + card("b"), content_encoding="gzip").status == 415
    assert names(site) == []


# --- calendars ------------------------------------------------------------------------------------
CALENDAR = "/dav/calendars/alice/calendar/"
SERIES = calendar(
    component("VEVENT", "DTSTART:20260105T090000Z", "RRULE:FREQ=WEEKLY", uid="s"),
    component("VEVENT", "RECURRENCE-ID:20260112T090000Z", "DTSTART:20260113T090000Z", uid="s"),
)


def post_events(site: Site, body: bytes) -> Answer:
    return site.do("POST", CALENDAR, body, content_type="text/calendar")


@pytest.mark.rfc("5995", "3.1")
def test_one_series_that_is_posted_is_one_object(site: Site) -> None:
    answer = post_events(site, SERIES)
    assert (answer.status, answer.headers["location"]) == (201, CALENDAR + "s.ics")
    assert site.do("GET", CALENDAR + "s.ics").body == SERIES


def test_many_events_that_are_posted_are_told_one_by_one(site: Site) -> None:
    parts = (component("VEVENT", uid="a"), component("VEVENT", uid="b"), component("VTODO"))
    answer = post_events(site, calendar("METHOD:PUBLISH", *parts))
    assert answer.status == 207
    assert site.do("GET", CALENDAR + "a.ics").status == 200
    (row,) = (one for one in answer.xml if (one.findtext("{DAV:}href") or "").endswith("?line=11"))
    error = row.find("{DAV:}error")
    assert error is not None
    assert error[0].tag == "{urn:ietf:params:xml:ns:caldav}supported-calendar-component"
    assert error.findtext(OURS + "code") == "unsupported-component"


def test_a_table_is_no_calendar_and_a_large_event_is_refused(site: Site) -> None:
    assert site.do("POST", CALENDAR, b"Name\nAnn\n", content_type="text/csv").status == 403
    large = calendar(component("VEVENT", *["X-A:" + "x" * 60_000] * 180))
    answer = post_events(site, large)
    assert answer.status == 403
    assert b"max-resource-size" in answer.body

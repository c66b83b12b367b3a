"""GET with `?export`: everything in one answer, measured before its first byte, or cut off."""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from base64 import b64decode
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fakes.asgi import Answer, Client, CutError
from fakes.events import calendar, component, event
from fakes.site import BOOK, HOME, Site, card
from strongroom import compose, wire
from strongroom.base.limits import EXPORTS_OF_ACCOUNT_MAX
from strongroom.formats.calendararound import told_around
from strongroom.formats.calendarfile import cut
from strongroom.formats.cardstream import CardStream
from strongroom.formats.vcard import check
from strongroom.history.edits import Origin
from strongroom.service.accounts import add_device, suspend
from strongroom.service.rights import Rights

CARD_4 = b"BEGIN:VCARD\nVERSION:4.0\nUID:four\nFN:Four\nEND:VCARD"


@pytest.fixture
def site() -> Site:
    return Site()


def export(
    site: Site, path: str = BOOK, method: str = "GET", query: bytes = b"export", **headers: str
) -> Answer:
    site.alice.scope = {"query_string": query}
    try:
        return site.do(method, path, **headers)
    finally:
        site.alice.scope = {}


def cards(body: bytes) -> list[bytes]:
    stream = CardStream()
    pieces = [*stream.feed(body), *stream.feed(b"", last=True)]
    assert not [piece for piece in pieces if piece.fault]
    return [piece.card for piece in pieces]


def digest_of(answer: Answer) -> bytes:
    value = answer.headers["repr-digest"]
    assert value.startswith("sha-256=:")
    assert value.endswith(":")
    return b64decode(value[len("sha-256=:") : -1])


@pytest.mark.rfc("9530", "3")
@pytest.mark.parametrize("count", [0, 1, 250])
def test_all_cards_come_in_one_answer_with_length_digest_and_count(site: Site, count: int) -> None:
    bodies = [card(f"{i:03}") for i in range(count)]
    for i, body in enumerate(bodies):
        assert site.do("PUT", f"{BOOK}{i:03}.vcf", body).status == 201
    answer = export(site)
    assert answer.status == 200
    assert cards(answer.body) == bodies
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert int(answer.headers["x-object-count"]) == count
    assert digest_of(answer) == hashlib.sha256(answer.body).digest()
    assert answer.headers["content-type"] == "text/vcard; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-store, no-transform"


def test_cards_are_as_they_were_sent_and_converted_only_if_that_is_asked_for(site: Site) -> None:
    site.do("PUT", BOOK + "a.vcf", CARD_4)
    site.put("b.vcf")
    assert cards(export(site).body) == [CARD_4, card("b.vcf")]
    for version in ("3.0", "4.0"):
        answer = export(site, query=f"export&version={version}".encode())
        assert {check(one).version for one in cards(answer.body)} == {version}
        assert digest_of(answer) == hashlib.sha256(answer.body).digest()


CALENDARS = "/dav/calendars/alice/"


def test_calendars_come_as_one_calendar_each(site: Site) -> None:
    lunch, dinner = event("SUMMARY:Lunch", uid="a"), event("SUMMARY:Dinner", uid="b")
    task = calendar(component("VTODO", "SUMMARY:Shop", uid="a"))
    for place, body in (("calendar/a", lunch), ("calendar/b", dinner), ("tasks/a", task)):
        path = f"{CALENDARS}{place}.ics"
        assert site.do("PUT", path, body, content_type="text/calendar").status == 201
    site.put("a.vcf")
    one, all_of_them = export(site, CALENDARS + "calendar/"), export(site, CALENDARS)
    assert one.headers["content-type"] == "text/calendar; charset=utf-8"
    assert one.headers["content-disposition"].endswith("alice%20calendars_calendar.ics")
    assert [told_around(part.raw)[0] for part in cut(one.body).parts] == [
        cut(body).parts[0].raw for body in (lunch, dinner)
    ]
    assert all_of_them.body == one.body + export(site, CALENDARS + "tasks/").body
    for answer, count in ((one, 2), (all_of_them, 3)):
        assert answer.status == 200
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert int(answer.headers["x-object-count"]) == count
        assert digest_of(answer) == hashlib.sha256(answer.body).digest()
    assert export(site, CALENDARS + "calendar/", query=b"export&version=3.0").status == 400
    assert cards(export(site, HOME).body) == [card("a.vcf")]


@pytest.mark.parametrize(
    "query", [b"export&version=2.1", b"export=1&version=jcard", b"a&" * 40 + b"export"]
)
def test_a_wish_that_cannot_be_met_is_said(site: Site, query: bytes) -> None:
    assert export(site, query=query).status == 400


def test_a_home_gives_the_cards_of_all_its_books(site: Site) -> None:
    site.put("a.vcf")
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/b.vcf", card("b"))
    assert cards(export(site, HOME).body) == [card("a.vcf"), card("b")]
    assert cards(export(site, HOME + "work/").body) == [card("b")]
    assert export(site, HOME + "none/").status == 404


@pytest.mark.rfc("6266", "4.3")
def test_the_file_has_a_name_that_is_safe_everywhere(site: Site) -> None:
    site.do("MKCOL", HOME + "caf%C3%A9%3A%22%3B../")
    disposition = export(site, HOME + "caf%C3%A9%3A%22%3B../").headers["content-disposition"]
    assert disposition == (
        "attachment; filename=\"alice caf__;.vcf\"; filename*=UTF-8''alice%20caf%C3%A9__%3B.vcf"
    )


def test_head_tells_all_that_get_would(site: Site) -> None:
    site.put("a.vcf")
    told, given = export(site, method="HEAD"), export(site)
    assert told.headers == given.headers
    assert told.body == b""


@pytest.mark.parametrize("path", [HOME, BOOK])
@pytest.mark.parametrize("query", [b"other", b"exported", b"ctag=1"])
def test_another_query_is_told_what_there_is(site: Site, path: str, query: bytes) -> None:
    """Whoever mistypes it must not take a page for a backup."""
    answer = export(site, path, query=query)
    assert (answer.status, b"?export" in answer.body) == (400, True)


def test_the_query_changes_no_other_request(site: Site) -> None:
    assert export(site, BOOK + "a.vcf", "PUT").status in {201, 403}
    assert export(site, BOOK, "PROPFIND", depth="0").status == 207
    assert export(site, "/dav/principals/alice/").status == 405


def test_nobody_else_gets_it(site: Site) -> None:
    site.bob.scope = site.nobody.scope = {"query_string": b"export"}
    assert site.run(site.bob("GET", BOOK)).status == 404
    assert site.run(site.nobody("GET", BOOK)).status == 401


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        (Rights(read_only=True), 200),
        (Rights(frozenset({"contacts"})), 200),
        (Rights(frozenset({"calendars"})), 503),
    ],
)
def test_a_device_gets_it_if_it_reaches_contacts(site: Site, rights: Rights, status: int) -> None:
    password = site.run(add_device(site.cell, "alice", "other", site.entropy, Origin(), rights))
    other = Client(site.app, "alice", password)
    other.scope = {"query_string": b"export"}
    assert site.run(other("GET", BOOK)).status == status
    assert site.run(other("GET", HOME)).status == status


def test_a_suspended_account_hears_why(site: Site) -> None:
    site.run(suspend(site.cell, "alice", "unpaid", Origin()))
    answer = export(site)
    assert answer.status == 503
    assert "unpaid" in answer.text


@pytest.mark.parametrize(("fields", "status"), [(16, 200), (17, 400)])
def test_a_query_has_so_many_fields_and_no_more(site: Site, fields: int, status: int) -> None:
    assert export(site, query=b"export" + b"&a" * (fields - 1)).status == status


@pytest.mark.parametrize("path", [HOME, BOOK])
@pytest.mark.parametrize("scope", ["account", "book"])
def test_what_is_frozen_is_503_and_never_a_part(site: Site, path: str, scope: str) -> None:
    site.put("a.vcf")
    frozen = scope if scope == "account" else str(site.book.id)
    site.run(site.cell.freeze(site.home, frozen, "test", "e"))
    assert export(site, path).status == 503


def test_what_cannot_be_proven_is_503_before_the_first_byte(site: Site) -> None:
    site.put("a.vcf")
    site.cell.unsure = {site.book.id}
    assert export(site).status == 503
    site.cell.unsure = {site.home}
    assert export(site, HOME).status == 503
    site.cell.unsure = set()
    site.cell.lost = set(site.cell.blobs)
    assert export(site).status == 503
    site.cell.lost = set()
    assert export(site).status == 200


def spoil(site: Site, monkeypatch: pytest.MonkeyPatch, after: int, change: Any) -> None:
    """Let `change` happen to the bodies that are read behind so many asked for."""
    real, asked = site.cell.bodies, 0

    async def bodies(digests: Any) -> Any:
        nonlocal asked
        asked += len(digests)
        found = await real(digests)
        return change(found) if asked > after else found

    monkeypatch.setattr(site.cell, "bodies", bodies)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: [None, *found[1:]],
        lambda found: [found[0] + b"X", *found[1:]],
        lambda found: [found[0][:-1] + b"\r", *found[1:]],
        lambda found: [b"", *found[1:]],
    ],
    ids=["lost", "longer", "other", "shorter"],
)
@pytest.mark.parametrize("count", [1, 250])
def test_a_second_look_that_meets_something_else_cuts_the_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, change: Any, count: int
) -> None:
    for i in range(count):
        site.put(f"{i:03}.vcf")
    spoil(site, monkeypatch, 2 * count - 1, change)
    with pytest.raises(CutError):
        export(site)


def test_a_book_that_goes_meanwhile_is_no_reason_to_call_the_home_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.do("MKCOL", HOME + "work/")
    real = site.cell.listing

    async def listing(collection: int, kind: str) -> Any:
        monkeypatch.setattr(site.cell, "listing", real)
        found = await real(collection, kind)
        await site.laptop("DELETE", HOME + "work/")
        return found

    monkeypatch.setattr(site.cell, "listing", listing)
    assert export(site, HOME).status == 503
    assert export(site, HOME).status == 200


def test_a_change_meanwhile_is_not_in_it_and_breaks_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was measured is one moment: bodies are named by their digest and stay."""
    site.put("a.vcf", called="Old")
    real = site.cell.bodies

    async def bodies(digests: Any) -> Any:
        monkeypatch.setattr(site.cell, "bodies", real)
        found = await real(digests)
        await site.laptop("PUT", BOOK + "a.vcf", card("a.vcf", "New"))
        return found

    monkeypatch.setattr(site.cell, "bodies", bodies)
    assert cards(export(site).body) == [card("a.vcf", "Old")]
    assert cards(export(site).body) == [card("a.vcf", "New")]


def test_an_account_has_so_many_exports_at_once_and_no_more(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.put("a.vcf")
    real, inside, free = site.cell.bodies, 0, asyncio.Event()

    async def bodies(digests: Any) -> Any:
        nonlocal inside
        inside += 1
        await free.wait()
        return await real(digests)

    async def many() -> list[int]:
        site.alice.scope = {"query_string": b"export"}
        running = [
            asyncio.create_task(site.alice("GET", BOOK)) for _ in range(EXPORTS_OF_ACCOUNT_MAX)
        ]
        while inside < EXPORTS_OF_ACCOUNT_MAX:  # noqa: ASYNC110 - the cell has no event for it
            await asyncio.sleep(0)
        refused = await site.alice("GET", BOOK)
        free.set()
        ended = [(await one).status for one in running]
        return [refused.status, *ended, (await site.alice("GET", BOOK)).status]

    monkeypatch.setattr(site.cell, "bodies", bodies)
    assert site.run(many()) == [503, *[200] * EXPORTS_OF_ACCOUNT_MAX, 200]


# --- under the real server ------------------------------------------------------------------------
async def over_the_wire(
    site: Site, pauses: Callable[[], Awaitable[None]] | None = None, *, leaves: bool = False
) -> bytes:
    """Ask for everything on a connection; nothing of it is read before `pauses` has ended.

    With `leaves` the connection is closed once an answer begins.
    """
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        server = compose.HttpServer(site.app)
        task = asyncio.create_task(server.serve(sockets=[door]))
        try:
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            reader, writer = await asyncio.open_connection(*door.getsockname()[:2], limit=1024)
            signed = site.alice.headers["authorization"]
            lines = (f"GET {BOOK}?export HTTP/1.1", "Host: here", f"Authorization: {signed}",
                "Connection: close", "", "")  # fmt: skip
            writer.write("\r\n".join(lines).encode())
            if pauses is not None:
                await pauses()
            answer = b""
            if leaves:
                await reader.read(1)
                writer.transport.abort()
                await asyncio.sleep(0.5)
                return answer
            try:
                while part := await asyncio.wait_for(reader.read(65536), 20):
                    answer += part
            except ConnectionError:
                pass
            writer.close()
            return answer
        finally:
            server.should_exit = True
            await task


def test_a_body_that_vanishes_half_way_ends_the_connection_short(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(300):
        site.put(f"{i:03}.vcf")
    whole = site.run(over_the_wire(site))
    head, _, body = whole.partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head
    spoil(site, monkeypatch, 300 + 250, lambda found: [None, *found[1:]])
    head, _, part = site.run(over_the_wire(site)).partition(b"\r\n\r\n")
    assert b"content-length: %d\r\n" % len(body) in head
    assert len(part) < len(body)
    assert body.startswith(part)


def test_nothing_more_is_read_for_a_client_that_went_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = card("x", "N" * 200_000)
    for i in range(150):
        site.do("PUT", f"{BOOK}{i:03}.vcf", large.replace(b"UID:x", b"UID:%d" % i))
    read: list[int] = []
    spoil(site, monkeypatch, 0, lambda found: read.append(len(found)) or found)
    assert site.run(over_the_wire(site, leaves=True)) == b""
    assert 150 <= sum(read) < 290  # of two times 150


@pytest.mark.parametrize("count", [1, 150])
def test_other_bytes_of_the_same_length_never_arrive_whole(
    site: Site, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Nobody counts an answer as complete whose digest nobody could confirm."""
    for i in range(count):
        site.put(f"{i:03}.vcf")
    spoil(
        site, monkeypatch, 2 * count - 1,
        lambda found: [*found[:-1], found[-1].replace(b"FN:Ann", b"FN:Bob")],
    )  # fmt: skip
    head, _, part = site.run(over_the_wire(site)).partition(b"\r\n\r\n")
    (length,) = re.findall(rb"content-length: (\d+)", head)
    assert len(part) < int(length)


def test_a_reader_that_reads_nothing_costs_little_and_is_let_go(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(wire._SECONDS, wire._READING, 1.0)
    monkeypatch.setattr(compose, "TICKS_A_SECOND", 1)
    large = card("x", "N" * 200_000)
    for i in range(100):
        body = large.replace(b"UID:x", b"UID:%d" % i)
        site.do("PUT", f"{BOOK}{i:03}.vcf", body)
    read: list[int] = []
    spoil(site, monkeypatch, 0, lambda found: read.append(len(found)) or found)

    async def long_enough() -> None:
        await asyncio.sleep(0.6)
        read.append(-sum(read))
        await asyncio.sleep(0.2)
        assert sum(read) == 0  # it waits for its reader
        await asyncio.sleep(0.8)

    answer = site.run(over_the_wire(site, long_enough))
    assert len(answer) < 100 * len(large)
    assert -min(read) < 190  # of both passes together

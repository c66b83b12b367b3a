"""Searching for words: a second query reads no body again that is surely no match."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.asgi import Answer
from fakes.events import event
from fakes.site import BOOK, Site, card
from strongroom.base.limits import TEXT_CHARACTERS_KEPT_MAX
from strongroom.formats.cardfilter import Filter, PropFilter, text_match
from strongroom.formats.clues import Clue, card_clue
from strongroom.service import spans as spans_module
from strongroom.service.texts import Search, Seen, Texts

CALENDAR = "/dav/calendars/alice/calendar/"


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def read(site: Site) -> list[str]:
    return site.bodies_read()


def names(answer: Answer) -> list[str]:
    assert answer.status == 207
    return sorted(href.rpartition("/")[2].partition(".")[0] for href in answer.hrefs)


def cards(site: Site, text: str, prop: str = "FN") -> list[str]:
    body = (
        '<C:addressbook-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:prop>'
        f'<C:address-data/></D:prop><C:filter><C:prop-filter name="{prop}">'
        f"<C:text-match>{text}</C:text-match></C:prop-filter></C:filter></C:addressbook-query>"
    )
    return names(site.do("REPORT", BOOK, body, depth="1"))


def events(site: Site, text: str, time: str = "") -> list[str]:
    body = (
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop>'
        '<D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter '
        f'name="VEVENT">{time}<C:prop-filter name="SUMMARY"><C:text-match>{text}</C:text-match>'
        "</C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    )
    return names(site.do("REPORT", CALENDAR, body, depth="1"))


def put_event(site: Site, name: str, *lines: str) -> None:
    body = event(*lines, uid=name)
    answer = site.do("PUT", f"{CALENDAR}{name}.ics", body, content_type="text/calendar")
    assert answer.status in {201, 204}


def test_a_second_query_reads_only_what_may_match(site: Site, read: list[str]) -> None:
    for name, called in (("a", "Ann"), ("b", "Bob"), ("c", "Joanna"), ("d", "Dan")):
        site.do("PUT", BOOK + f"{name}.vcf", card(name, called))
    assert cards(site, "a") == ["a", "c", "d"]
    assert len(read) == 4
    assert cards(site, "ANN") == ["a", "c"]
    assert cards(site, "nobody") == []
    assert len(read) == 6
    assert cards(site, "a", prop="NOTE") == []
    assert len(read) == 10


def test_the_text_of_another_property_tells_nothing(site: Site) -> None:
    site.do("PUT", BOOK + "a.vcf", card("a", "Ann").replace(b"END:", b"NOTE:tall\r\nEND:"))
    assert cards(site, "ann") == ["a"]
    assert cards(site, "tall", prop="NOTE") == ["a"]
    assert cards(site, "tall") == []


def test_a_card_that_changed_is_looked_at_again(site: Site) -> None:
    for name, called in (("a", "Ann"), ("b", "Bob")):
        site.do("PUT", BOOK + f"{name}.vcf", card(name, called))
    assert cards(site, "bob") == ["b"]
    site.do("PUT", BOOK + "a.vcf", card("a", "Bobby"))
    site.do("PUT", BOOK + "c.vcf", card("c", "Bobo"))
    assert cards(site, "bob") == ["a", "b", "c"]
    site.do("PUT", BOOK + "b.vcf", card("b", "Ben"))
    site.do("DELETE", BOOK + "c.vcf")
    assert cards(site, "bob") == ["a"]
    assert cards(site, "b") == ["a", "b"]


def test_a_body_that_is_needed_and_lost_is_no_short_answer(site: Site) -> None:
    for name, called in (("a", "Ann"), ("b", "Bob")):
        site.do("PUT", BOOK + f"{name}.vcf", card(name, called))
    assert cards(site, "bob") == ["b"]
    site.cell.lost.update(site.cell.blobs)
    assert cards(site, "nobody") == []
    with pytest.raises(AssertionError):
        cards(site, "bob")
    with pytest.raises(AssertionError):
        cards(site, "bob", prop="NOTE")


def test_events_are_searched_in_the_same_way(site: Site, read: list[str]) -> None:
    put_event(site, "lunch", "SUMMARY:Lunch", "DTSTART:20260106T090000Z")
    put_event(site, "late", "SUMMARY:Late lunch", "DTSTART:20260206T090000Z")
    put_event(site, "dinner", "SUMMARY:Dinner", "DTSTART:20260106T190000Z")
    assert events(site, "lunch") == ["late", "lunch"]
    assert len(read) == 3
    assert events(site, "LUNCH") == ["late", "lunch"]
    assert len(read) == 5
    january = '<C:time-range start="20260101T000000Z" end="20260201T000000Z"/>'
    assert events(site, "lunch", january) == ["lunch"]
    assert len(read) == 6
    put_event(site, "dinner", "SUMMARY:Lunch again", "DTSTART:20260106T190000Z")
    assert events(site, "lunch", january) == ["dinner", "lunch"]


def test_more_names_than_are_looked_up_come_from_a_listing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans_module, "LOOKED_UP_NAMES_MAX", 2)
    looked_up: list[int] = []
    rows = site.cell.rows

    async def counted(keys: Any) -> Any:
        looked_up.append(len(keys))
        return await rows(keys)

    for name in ("a", "b", "c"):
        site.do("PUT", BOOK + f"{name}.vcf", card(name, "Ann" if name != "c" else "Carl"))
    monkeypatch.setattr(site.cell, "rows", counted)
    for _ in range(2):
        assert cards(site, "a") == ["a", "b", "c"]
    assert looked_up == []
    assert cards(site, "ann") == ["a", "b"]
    assert looked_up == [2]


# --- the table ------------------------------------------------------------------------------------
def clue_of(text: str, name: bytes = b"FN") -> Clue:
    clue = card_clue(Filter((PropFilter(name, conditions=(text_match(text),)),)))
    assert clue is not None
    return clue


def test_what_is_kept_is_bounded_and_what_was_asked_for_last_stays() -> None:
    texts = Texts(bytes_max=5000)
    fn, note = clue_of("a").part, clue_of("a", b"NOTE").part
    for at in range(5):
        texts.keep(fn, f"{at}", "A")
        texts.keep(note, f"{at}", "A")
    assert len(texts.of(note)) == 5
    assert len(texts.of(fn)) == 5
    for at in range(5, 10):
        texts.keep(fn, f"{at}", "A")
    assert texts.of(note) == {}
    assert len(texts.of(fn)) == 10
    for at in range(100):
        texts.keep(fn, f"{at}", "A")
    assert 0 < len(texts.of(fn)) < 20


def test_forgetting_gives_back_all_that_was_counted() -> None:
    """Else less and less would be kept, until nothing is."""
    texts = Texts(bytes_max=5000)
    for turn in range(50):
        part = clue_of("a", f"X-{turn}".encode()).part
        for at in range(10):
            texts.keep(part, f"{at}", "A")
        assert len(texts.of(part)) == 10


def test_a_long_text_is_not_kept() -> None:
    texts, part = Texts(), clue_of("a").part
    texts.keep(part, "long", "A" * (TEXT_CHARACTERS_KEPT_MAX + 1))
    texts.keep(part, "longest", "A" * TEXT_CHARACTERS_KEPT_MAX)
    assert list(texts.of(part)) == ["longest"]


def test_a_search_without_a_clue_asks_the_filter_alone() -> None:
    search = Search(Texts(), None, lambda body: body == b"yes")
    assert search.told("a") is None
    assert search.look("a", b"yes") == Seen(True, None)
    assert search.learn("a", search.look("a", b"no")) is False
    assert search.told("a") is None


def test_what_cannot_be_looked_into_is_asked_each_time() -> None:
    wanted = Filter((PropFilter(b"FN", conditions=(text_match("a"),)),))
    texts, hopeless = Texts(), b"FN:\n" * 30_000
    search = Search(texts, card_clue(wanted), lambda _body: True)
    assert search.learn("h", search.look("h", hopeless))
    assert search.told("h") is None

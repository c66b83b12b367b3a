"""Quotas: RFC 4331, 507 with DAV:quota-not-exceeded, and what is never refused."""

from __future__ import annotations

import asyncio

import pytest

from fakes.asgi import Answer
from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import UnknownError
from strongroom.history.edits import Origin
from strongroom.service.usage import set_quota, usage

D = "{DAV:}"
USED, AVAILABLE = D + "quota-used-bytes", D + "quota-available-bytes"
FIND = (
    '<D:propfind xmlns:D="DAV:"><D:prop><D:quota-used-bytes/><D:quota-available-bytes/>'
    "</D:prop></D:propfind>"
)
ONE = len(card("aaa"))  # all cards here are as long as this one


@pytest.fixture
def site() -> Site:
    return Site()


def allow(site: Site, amount: int | str) -> None:
    site.run(set_quota(site.cell, "alice", str(amount), Origin()))


def full(answer: Answer) -> bool:
    if answer.status != 507:
        return False
    assert answer.condition == D + "quota-not-exceeded"
    assert 60 <= int(answer.headers["retry-after"]) <= 7200
    return True


def space(site: Site, path: str = HOME) -> tuple[str | None, str | None]:
    answer = site.do("PROPFIND", path, FIND, depth="0")
    found = (answer.prop(path, name) for name in (USED, AVAILABLE))
    used, available = (None if one is None else one.text for one in found)
    return used, available


@pytest.mark.rfc("4331", "3", "4")
def test_what_is_used_and_left_is_told_of_home_and_books(site: Site) -> None:
    """RFC 4331 sections 3 and 4; without a quota nothing is left to be told."""
    assert space(site) == ("0", None)
    site.put("aaa")
    allow(site, 3 * ONE)
    for path in (HOME, BOOK):
        assert space(site, path) == (str(ONE), str(2 * ONE))
    allow(site, 1)
    assert space(site) == (str(ONE), "0")
    allow(site, "none")
    assert space(site) == (str(ONE), None)


def test_each_book_of_a_listing_tells_it(site: Site) -> None:
    site.do("MKCOL", HOME + "friends/")
    site.put("aaa")
    answer = site.do("PROPFIND", HOME, FIND, depth="1")
    for href in (HOME, BOOK, HOME + "friends/"):
        used = answer.prop(href, USED)
        assert used is not None
        assert used.text == str(ONE)


PROPS = "<D:prop><D:quota-used-bytes/></D:prop>"
REPORTS = (
    "<D:principal-match><D:principal-property><D:owner/></D:principal-property>"
    f"{PROPS}</D:principal-match>",
    '<D:expand-property><D:property name="quota-used-bytes"/></D:expand-property>',
    '<D:expand-property><D:property name="addressbook-home-set" '
    'namespace="urn:ietf:params:xml:ns:carddav"><D:property name="quota-used-bytes"/>'
    "</D:property></D:expand-property>",
)


@pytest.mark.parametrize("report", REPORTS)
def test_reports_about_home_and_books_tell_it_too(site: Site, report: str) -> None:
    site.put("aaa")
    answer = site.do("REPORT", HOME, report.replace(">", ' xmlns:D="DAV:">', 1), depth="0")
    assert [node.text for node in answer.xml.iter(USED)] == [str(ONE)]


@pytest.mark.rfc("4331", "3", "4")
def test_space_goes_with_no_allprop_and_nobody_sets_it(site: Site) -> None:
    """RFC 4331 section 2: neither is told unless it is asked for by name."""
    allow(site, 100)
    assert b"quota" not in site.do("PROPFIND", HOME, depth="0").body
    change = FIND.replace("propfind", "propertyupdate").replace("<D:prop>", "<D:set><D:prop>")
    answer = site.do("PROPPATCH", HOME, change.replace("</D:prop>", "</D:prop></D:set>"))
    assert b"cannot-modify-protected-property" in answer.body


@pytest.mark.rfc("4331", "6")
def test_put_over_the_quota_is_507_and_changes_nothing(site: Site) -> None:
    allow(site, 2 * ONE)
    assert site.put("aaa").status == 201
    assert site.put("bbb").status == 201
    assert full(site.put("ccc"))
    assert site.do("GET", BOOK + "ccc").status == 404
    assert full(site.do("POST", BOOK, card("ccc"), content_type="text/vcard"))
    assert full(site.do("PUT", BOOK + "aaa", card("aaa", "Longer")))
    assert site.do("GET", BOOK + "aaa").body == card("aaa")


def test_what_does_not_grow_goes_on(site: Site) -> None:
    allow(site, 3 * ONE)
    etag = site.put("aaa", called="Anna").headers["etag"]
    site.put("bbb")
    allow(site, ONE)

    assert site.put("aaa", called="Anna").headers["etag"] == etag
    assert site.put("aaa", called="Bo").status == 204
    assert site.do("PROPPATCH", BOOK, "<D:propertyupdate xmlns:D='DAV:'/>").status != 507
    assert site.do("MOVE", BOOK + "aaa", destination=BOOK + "moved").status == 201
    assert site.do("DELETE", BOOK + "moved").status == 204
    assert site.put("bbb", called="B").status == 204
    assert full(site.put("ccc"))


def test_a_deletion_makes_room_at_once(site: Site) -> None:
    allow(site, ONE)
    site.put("aaa")
    assert full(site.put("bbb"))
    site.do("DELETE", BOOK + "aaa")
    assert site.put("bbb").status == 201
    site.do("DELETE", BOOK)
    assert space(site) == ("0", str(ONE))


def test_all_books_count_together_and_a_copy_takes_room(site: Site) -> None:
    other = HOME + "friends/"
    site.do("MKCOL", other)
    allow(site, 2 * ONE)
    site.put("aaa")
    assert site.do("COPY", BOOK + "aaa", destination=other + "aaa").status == 201
    assert site.do("COPY", BOOK + "aaa", destination=other + "aaa").status == 204
    assert full(site.do("PUT", other + "bbb", card("bbb")))
    site.do("DELETE", BOOK + "aaa")
    site.put("bbb")
    assert full(site.do("COPY", BOOK + "bbb", destination=other + "bbb"))
    assert site.do("MOVE", BOOK + "bbb", destination=other + "bbb").status == 201


def test_another_account_has_its_own_room(site: Site) -> None:
    allow(site, 0)
    assert full(site.put("aaa"))
    path = BOOK.replace("alice", "bob") + "aaa"
    assert site.run(site.bob("PUT", path, card("aaa"))).status == 201


def test_many_puts_at_once_do_not_pass_together(site: Site) -> None:
    """What is under way counts, though none of it stands yet."""
    allow(site, 3 * ONE)
    submit = site.cell.submit

    async def slowly(edit, bodies):  # type: ignore[no-untyped-def]
        await asyncio.sleep(0.01)
        return await submit(edit, bodies)

    site.cell.submit = slowly  # type: ignore[method-assign]

    async def all_at_once() -> list[Answer]:
        names = [f"a{index:02}" for index in range(20)]
        return await asyncio.gather(*(site.alice("PUT", BOOK + n, card(n)) for n in names))

    statuses = [answer.status for answer in site.run(all_at_once())]
    assert sorted(statuses) == [201] * 3 + [507] * 17
    assert space(site) == (str(3 * ONE), "0")


def test_a_write_that_failed_holds_no_room(site: Site) -> None:
    allow(site, ONE)
    site.cell.refuse = UnknownError()
    assert site.put("aaa").status == 503
    site.cell.refuse = None
    assert site.put("bbb").status == 201


def test_a_book_that_cannot_be_counted_now_stops_no_write(site: Site) -> None:
    """I9: a quota is a promise about space; trouble elsewhere must not keep an edit out."""
    site.do("MKCOL", HOME + "friends/")
    friends = site.cell.directory.collection(site.home, "friends")
    assert friends is not None
    allow(site, 2 * ONE)
    site.cell.unsure.add(friends.id)
    assert site.put("aaa").status == 201
    assert space(site) == (None, None)
    assert site.do("PROPFIND", HOME, FIND, depth="1").status == 207


def test_what_history_costs_is_told_apart_and_counts_against_nothing(site: Site) -> None:
    site.put("aaa")
    site.put("aaa", called="Bob")
    site.put("bbb")
    site.do("DELETE", BOOK + "bbb")
    site.do("MKCOL", HOME + "friends/")
    site.do("PUT", HOME + "friends/ccc", card("ccc"))
    site.do("COPY", BOOK + "aaa", destination=HOME + "friends/aaa")
    site.do("DELETE", HOME + "friends/")
    allow(site, "2K")
    account = site.cell.directory.account("alice")
    assert account is not None
    told = site.run(usage(site.cell, account))
    assert told == (ONE, 3 * ONE, 2048)
    assert space(site) == (str(ONE), str(2048 - ONE))

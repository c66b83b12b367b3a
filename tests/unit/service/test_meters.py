"""Meters follow the journal, forget what is asked for least, and never hold anybody up."""

from __future__ import annotations

import asyncio

import pytest

from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import InvalidError, NotFoundError, UnsureError
from strongroom.history.edits import Origin
from strongroom.history.entries import Member
from strongroom.service import journals
from strongroom.service import meters as module
from strongroom.service.meters import Meters
from strongroom.service.usage import QUOTA_BYTES_MAX, quota_of, set_quota, usage

ONE = len(card("aaa"))


@pytest.fixture
def site() -> Site:
    return Site()


def account(site: Site, login: str = "alice") -> Member:
    found = site.cell.directory.account(login)
    assert found is not None
    return found


def live(site: Site, meters: Meters, login: str = "alice") -> int:
    return site.run(meters.read(site.cell, account(site, login))).live


def test_a_book_is_listed_once_and_followed_then(site: Site, monkeypatch) -> None:
    meters = Meters()
    site.put("aaa")
    assert live(site, meters) == ONE
    listed = []
    listing = site.cell.listing

    async def counted(*which):
        listed.append(which)
        return await listing(*which)

    monkeypatch.setattr(site.cell, "listing", counted)
    site.put("bbb")
    site.put("bbb", called="Bobo")
    site.do("MOVE", BOOK + "aaa", destination=BOOK + "ccc")
    assert live(site, meters) == 2 * ONE + 1
    reads = site.cell.reads
    assert live(site, meters) == 2 * ONE + 1
    assert (listed, site.cell.reads) == ([], reads)


def test_a_book_far_ahead_or_of_another_history_is_counted_anew(site: Site, monkeypatch) -> None:
    monkeypatch.setattr(journals, "_PAGE", 2)
    meters = Meters()
    site.put("aaa")
    site.put("bbb")
    assert live(site, meters) == 2 * ONE
    for name in ("ccc", "ddd", "eee"):
        site.put(name)
    assert live(site, meters) == 5 * ONE
    site.cell.forget(site.book.id, 3)
    site.do("DELETE", BOOK + "aaa")
    site.do("DELETE", BOOK + "bbb")
    assert live(site, meters) == 3 * ONE


def test_so_many_names_are_remembered_but_always_those_of_one_account(site: Site) -> None:
    meters = Meters(names_max=1)
    site.put("aaa")
    site.put("bbb")
    bobs = BOOK.replace("alice", "bob") + "ccc"
    site.run(site.bob("PUT", bobs, card("ccc")))
    assert live(site, meters) == 2 * ONE
    assert live(site, meters, "bob") == ONE
    assert [len(meter.sizes) for meter in meters._meters.values()] == [1]
    assert live(site, meters) == 2 * ONE


def test_a_book_that_cannot_be_counted_is_told_and_counts_as_it_was_last(site: Site) -> None:
    meters = Meters()
    site.put("aaa")
    site.do("MKCOL", HOME + "new/")
    assert live(site, meters) == ONE
    site.put("bbb")
    site.cell.unsure.add(site.book.id)
    assert site.run(meters.read(site.cell, account(site))) == (ONE, False)


def test_nobody_waits_long_for_a_count_which_goes_on_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "METER_SECONDS_MAX", 0.01)
    site.put("aaa")
    meters, listing, opened = Meters(), site.cell.listing, asyncio.Event()

    async def slow(*which):
        await opened.wait()
        return await listing(*which)

    monkeypatch.setattr(site.cell, "listing", slow)

    async def twice():
        first = await meters.read(site.cell, account(site))
        opened.set()
        await asyncio.sleep(0.01)
        return first, await meters.read(site.cell, account(site))

    assert site.run(twice()) == ((0, False), (ONE, True))


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0), (" 12 ", 12), ("5k", 5120), ("2G", 2 << 30), ("1T", 1 << 40), ("NONE", None)],
)
def test_a_quota_is_bytes_or_a_round_number_of_them(
    site: Site, text: str, amount: int | None
) -> None:
    site.run(set_quota(site.cell, "alice", "7", Origin()))
    key, etag = account(site).facts["key"], account(site).etag
    site.run(set_quota(site.cell, "alice", text, Origin()))
    assert quota_of(account(site)) == amount
    assert account(site).facts["key"] == key
    assert account(site).etag != etag


@pytest.mark.parametrize("text", ["", "-1", "1.5G", "2 G", "x", "2GB", str(QUOTA_BYTES_MAX + 1)])
def test_what_is_no_quota_changes_nothing(site: Site, text: str) -> None:
    before = account(site)
    with pytest.raises(InvalidError):
        site.run(set_quota(site.cell, "alice", text, Origin()))
    assert account(site) is before
    with pytest.raises(NotFoundError):
        site.run(set_quota(site.cell, "nobody", "1", Origin()))


def test_usage_that_cannot_be_proven_is_not_told(site: Site) -> None:
    site.put("aaa")
    assert site.run(usage(site.cell, account(site))) == (ONE, 0, None)
    site.cell.forget(site.book.id, 0)
    site.cell.journal[site.book.id] = []
    site.cell.unsure.add(site.book.id)
    with pytest.raises(UnsureError):
        site.run(usage(site.cell, account(site)))

"""Whole journals, page by page; and which collections an account ever had."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.cell import FakeCell
from fakes.site import BOOK, HOME, Site
from strongroom.base.errors import UnsureError
from strongroom.history.entries import DELETE, PUT, Entry
from strongroom.ports.cell import Changes
from strongroom.service import journals
from strongroom.service.journals import Ever, collections_ever, entries, followed


@pytest.fixture
def site() -> Site:
    return Site()


async def read(site: Site) -> list[Entry]:
    return [entry async for entry in entries(site.cell, site.book.id)]


def test_a_journal_is_read_whole_whatever_the_page(site: Site, monkeypatch) -> None:
    monkeypatch.setattr(journals, "_PAGE", 2)
    for name in "abc":
        site.put(name)
    site.do("DELETE", BOOK + "b")
    found = site.run(read(site))
    assert [(e.number, e.verb, e.href) for e in found] == [
        (1, PUT, "a"), (2, PUT, "b"), (3, PUT, "c"), (4, DELETE, "b"),
    ]  # fmt: skip


def test_a_journal_that_changes_its_past_is_unsure(site: Site, monkeypatch) -> None:
    site.put("a")
    monkeypatch.setattr(journals, "genesis_chain", lambda _: bytes(32))
    with pytest.raises(UnsureError):
        site.run(read(site))


def test_collections_that_moved_stand_and_removed_ones_are_known(site: Site) -> None:
    for name in ("one", "two"):
        site.do("MKCOL", HOME + name + "/")
    one, two = (site.cell.directory.collection(site.home, name) for name in ("one", "two"))
    assert one is not None
    assert two is not None
    site.do("MOVE", HOME + "one/", destination=HOME + "won/")
    site.do("DELETE", HOME + "two/")
    found = site.run(collections_ever(site.cell, site.home))
    assert list(found.values())[1:] == [
        Ever(one.id, "won", one.data, standing=True),
        Ever(two.id, "two", two.data, standing=False),
    ]


def test_a_collection_that_a_move_went_over_stands_no_more(site: Site) -> None:
    for name in ("one", "two"):
        site.do("MKCOL", HOME + name + "/")
    site.do("MOVE", HOME + "one/", destination=HOME + "two/")
    found = site.run(collections_ever(site.cell, site.home))
    assert [(ever.name, ever.standing) for ever in list(found.values())[1:]] == [
        ("two", True), ("two", False),
    ]  # fmt: skip


def test_who_follows_slowly_does_not_take_back_what_another_followed(site: Site) -> None:
    """Two queries may bring one index on at the same time; the later answer is not the newer."""
    site.put("a")
    head = site.cell.head(site.book.id)
    mark = SimpleNamespace(number=head.number, chain=head.chain)
    standing = {"a"}
    site.put("b")
    slow = asyncio.Event()
    changes = site.cell.changes

    def take(entry: Entry) -> None:
        (standing.discard if entry.verb == DELETE else standing.add)(entry.href)

    async def changes_later(*asked: Any) -> Changes:
        part = await changes(*asked)
        await slow.wait()
        return part

    async def both() -> None:
        late = FakeCell()
        late.__dict__ = {**site.cell.__dict__, "changes": changes_later}
        behind = asyncio.create_task(followed(late, site.book.id, mark, 1, take))
        await asyncio.sleep(0)
        await site.alice("DELETE", BOOK + "b")
        assert await followed(site.cell, site.book.id, mark, 1, take)
        slow.set()
        assert await behind

    asyncio.run(both())
    assert standing == {"a"}
    assert mark.number == site.cell.head(site.book.id).number

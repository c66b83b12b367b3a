"""The keeper of refused writes: bounded in number, bytes and pace, and nothing is lost unsaid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.site import Site, card
from strongroom.base.errors import FrozenError, NotFoundError, UnsureError
from strongroom.base.limits import (
    REFUSED_BYTES_MAX,
    REFUSED_KEPT_MAX,
    REFUSED_NAMES_MAX,
    REFUSED_REPEAT_SECONDS,
)
from strongroom.history.edits import Origin
from strongroom.history.entries import DELETE, PUT
from strongroom.service import refused as module
from strongroom.service.collections import is_shown
from strongroom.service.custody import custody
from strongroom.service.refused import (
    NAME,
    NOTHING,
    Keeper,
    Kept,
    Refusal,
    _Write,
    drop,
    find,
    listed,
    reason,
)

REFUSAL = Refusal("contacts", "ann.vcf", 412, type="text/vcard", condition='if-match: "x"')


class Desk:
    """A keeper, a site and a clock that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.keeper, self.now = Site(), Keeper(), 1000.0
        self.device = next(iter(self.site.cell.directory.members(self.site.home, "device")))
        monkeypatch.setattr(module, "_now", lambda: self.now)

    def keep(self, body: bytes, href: str = "ann.vcf") -> bool:
        refusal = REFUSAL._replace(href=href, sent=len(body))
        origin = Origin(self.device.id, "r1", REFUSAL.condition, "DAVx5/4.5")
        site = self.site
        return site.run(self.keeper.keep(site.cell, site.home, refusal, body, origin))

    def kept(self) -> list[Kept]:
        return self.site.run(listed(self.site.cell, self.site.home))

    def journal(self) -> list[tuple[str, str, str]]:
        shelf = self.site.cell.directory.collection(self.site.home, NAME)
        assert shelf is not None
        return [(e.verb, e.href, e.condition) for e, _ in self.site.cell.journal[shelf.id]]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def test_the_collection_is_made_with_the_first_and_is_one_of_ours(desk: Desk) -> None:
    assert desk.kept() == []
    assert desk.site.cell.directory.collection(desk.site.home, NAME) is None
    assert desk.keep(b"one")

    shelf = desk.site.cell.directory.collection(desk.site.home, NAME)
    assert shelf is not None
    assert not is_shown(shelf.data)
    assert is_shown(desk.site.book.data)


def test_numbers_are_never_given_twice(desk: Desk) -> None:
    for body in (b"one", b"two", b"three"):
        desk.keep(body)
    assert [k.number for k in desk.kept()] == [1, 2, 3]
    dropped = desk.site.run(drop(desk.site.cell, desk.site.home, 3, Origin(request="x")))
    desk.keep(b"four")

    assert dropped.number == 3
    assert [k.number for k in desk.kept()] == [1, 2, 5]
    assert desk.site.run(find(desk.site.cell, desk.site.home, 5)).facts["size"] == 4
    with pytest.raises(NotFoundError):
        desk.site.run(find(desk.site.cell, desk.site.home, 3))


def test_the_oldest_make_room_in_number(desk: Desk) -> None:
    for number in range(REFUSED_KEPT_MAX):
        desk.keep(b"%d" % number)
    desk.now += 3600
    assert len(desk.kept()) == REFUSED_KEPT_MAX
    assert desk.keep(b"new")

    kept = desk.kept()
    assert len(kept) == REFUSED_KEPT_MAX
    assert [k.number for k in kept][:1] == [2]
    assert desk.journal()[-1] == (DELETE, "1", "made room for newer ones")


@pytest.mark.parametrize("past", [0, 1])
def test_the_oldest_make_room_in_bytes(desk: Desk, past: int) -> None:
    quarter = REFUSED_BYTES_MAX // 4
    for letter in (b"a", b"b", b"c"):
        desk.keep(letter * quarter)
    desk.now += 3600
    desk.keep(b"d" * (quarter + past))

    assert [k.number for k in desk.kept()] == ([2, 3, 4] if past else [1, 2, 3, 4])


def test_one_that_comes_again_moves_its_time_once_an_hour(desk: Desk) -> None:
    desk.keep(b"same")
    desk.now += REFUSED_REPEAT_SECONDS - 1
    assert desk.keep(b"same")
    assert len(desk.journal()) == 1

    desk.now += 1
    desk.keep(b"same")
    desk.keep(b"same")
    (one,) = desk.kept()
    assert (one.number, one.facts["times"]) == (1, 2)
    assert len(desk.journal()) == 2
    desk.now += REFUSED_REPEAT_SECONDS
    desk.keep(b"same")
    assert desk.kept()[0].facts["times"] == 3


def test_what_came_too_fast_is_named_with_the_next_one(desk: Desk) -> None:
    for number in range(REFUSED_KEPT_MAX):
        desk.keep(b"%d" % number)
    for number in range(REFUSED_NAMES_MAX + 2):
        assert not desk.keep(card("u", f"Fast{number}"), "fast.vcf")
    assert len(desk.kept()) == REFUSED_KEPT_MAX

    desk.now += 60
    assert desk.keep(b"next")
    newest = desk.kept()[-REFUSED_NAMES_MAX - 1 :]
    assert newest[0].facts["more"] == 2
    assert [(k.facts["name"], k.whole, k.facts["size"]) for k in newest[1:]] == [
        (f"Fast{number}", False, 0) for number in range(REFUSED_NAMES_MAX)
    ]
    assert "more" not in newest[1].facts
    desk.now += 60
    desk.keep(b"then")
    assert "more" not in desk.kept()[-1].facts


def test_a_keeper_that_hangs_gives_up_and_remembers_the_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFUSED_KEEP_SECONDS_MAX", 0.01)
    listing = desk.site.cell.listing

    async def hangs(*_: object) -> None:
        await asyncio.sleep(1)

    desk.keep(b"first")
    monkeypatch.setattr(desk.site.cell, "listing", hangs)
    with pytest.raises(TimeoutError):
        desk.keep(card("u", "Late"))
    monkeypatch.setattr(desk.site.cell, "listing", listing)
    desk.keep(b"next")

    assert [k.facts.get("name") for k in desk.kept()] == [None, None, "Late"]


def test_what_is_remembered_while_others_are_written_down_is_not_forgotten(desk: Desk) -> None:
    submit = desk.site.cell.submit
    account = desk.keeper._account(desk.site.home)
    desk.keep(b"first")

    async def slow(*given: Any) -> Any:
        account.remember(_Write({"name": "Meanwhile", "book": "b"}, b"", "", Origin()))
        return await submit(*given)

    account.names.append(_Write({"name": "Before", "book": "b"}, b"", NOTHING, Origin()))
    desk.site.cell.submit = slow  # type: ignore[method-assign]
    desk.keep(b"second")

    assert [k.facts.get("name") for k in desk.kept()] == [None, None, "Before"]
    assert [write.facts["name"] for write in account.names] == ["Meanwhile"]


def test_under_a_freeze_of_the_collection_itself_nothing_is_written(desk: Desk) -> None:
    desk.keep(b"first")
    shelf = desk.site.cell.directory.collection(desk.site.home, NAME)
    assert shelf is not None
    desk.site.run(desk.site.cell.freeze(desk.site.home, str(shelf.id), "why", ""))
    with pytest.raises(FrozenError):
        desk.keep(b"second")

    assert len(desk.kept()) == 1


def test_what_stood_is_noted_where_that_can_be_known(desk: Desk) -> None:
    site = desk.site
    site.put("ann.vcf", "ann")
    desk.keep(b"one")
    desk.keep(b"two", "none.vcf")
    desk.keep(b"new", "")
    read = site.cell.rows
    site.cell.rows = unsure  # type: ignore[method-assign]
    desk.keep(b"three")
    site.cell.rows = read  # type: ignore[method-assign]

    stood = [k.facts.get("stood") for k in desk.kept()]
    etag = site.do("GET", "/dav/addressbooks/alice/contacts/ann.vcf").headers["etag"].strip('"')
    assert stood == [{"etag": etag, "number": 1}, None, None, None]
    assert {k.facts["collection"] for k in desk.kept()} == {site.book.id}


async def unsure(*_: object) -> None:
    raise UnsureError


def test_many_accounts_are_forgotten_where_nothing_is_lost_by_that(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STATES_MAX", 2)
    for device in range(5):
        assert desk.keeper.may_tell_again(device)
    assert len(desk.keeper._deletes) == 5  # none is full again
    desk.now += 3600
    desk.keeper.may_tell_again(9)
    assert list(desk.keeper._deletes) == [9]

    for home in range(3):
        desk.keeper._account(home).rows.take(desk.now, 60)
    desk.keeper._account(0).names.append(None)  # type: ignore[arg-type]
    desk.now += 3599
    desk.keeper._account(7)
    assert len(desk.keeper._accounts) == 4
    desk.now += 1
    desk.keeper._account(8)
    assert list(desk.keeper._accounts) == [0, 8]


def test_what_a_device_tried_to_save_is_nothing_that_it_holds(desk: Desk) -> None:
    desk.site.put("ann.vcf", "ann")
    account = desk.site.cell.directory.account("alice")
    assert account is not None
    before = desk.site.run(custody(desk.site.cell, account, {}))
    desk.keep(b"one")

    assert desk.site.run(custody(desk.site.cell, account, {})) == before


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"status": 412, "condition": 'if-match: "x"'}, "it had changed in the meantime"),
        ({"status": 412, "condition": "if-none-match: *"}, "was there already"),
        ({"status": 409}, "no such collection"),
        ({"status": 403, "element": "{DAV:}need-privileges"}, "only read"),
        ({"status": 507, "element": "{DAV:}quota-not-exceeded"}, "account was full"),
        ({"status": 403, "element": "{x}valid-address-data", "why": "No UID."}, "No UID."),
        ({"status": 403}, "status 403"),
    ],
)
def test_the_reason_is_said_in_plain_words(facts: dict[str, object], words: str) -> None:
    assert words in reason(facts)


def test_put_is_the_verb_of_what_is_kept(desk: Desk) -> None:
    desk.keep(b"one")
    assert desk.journal() == [(PUT, "1", 'if-match: "x"')]

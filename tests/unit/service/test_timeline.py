"""The timeline: who changed what, when, with what, and what was never looked at before it went."""

from __future__ import annotations

import pytest

from fakes.site import BOOK, HOME, Site, card
from strongroom.base.errors import InvalidError, NotFoundError, UnsureError
from strongroom.base.limits import HISTORY_EVENTS_MAX
from strongroom.formats.moments import write_moment
from strongroom.history.edits import Origin
from strongroom.history.entries import (
    ARRIVED,
    DELETE,
    DEVICE,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Entry,
    Key,
    Member,
)
from strongroom.service import past
from strongroom.service.accounts import revoke_device
from strongroom.service.objects import tell_again
from strongroom.service.timeline import Event, Query, Timeline, is_unconditional, timeline
from strongroom.service.undo import Wish, apply_undo, plan_undo


@pytest.fixture
def site() -> Site:
    site = Site()
    site.alice.headers["user-agent"] = "DAVx5/4.5-ose (dav4jvm) Android/15"
    return site


def read(site: Site, **query: object) -> Timeline:
    account = site.cell.directory.account("alice")
    assert account is not None
    asked = Query(**query)  # type: ignore[arg-type]
    return site.run(timeline(site.cell, account, asked, site.cell.now_ms))


def events(site: Site, **query: object) -> list[Event]:
    return list(read(site, **query).events)


def test_the_newest_comes_first_with_all_that_is_known(site: Site) -> None:
    site.put("a", called="Anna")
    tag = site.do("GET", BOOK + "a").headers["etag"]
    site.put("a", called="Anne", if_match=tag)
    changed, created = events(site, collection="contacts")[:2]
    assert (created.what, changed.what) == ("created", "changed")
    assert (changed.book, changed.number, changed.was) == ("contacts", 2, 1)
    assert (changed.name, created.name) == ("Anne", "Anna")
    assert (changed.device, changed.client) == ("phone", "DAVx5/4.5-ose")
    assert (changed.condition, changed.unconditional) == (f"if-match: {tag}", False)
    assert changed.at > created.at


def test_each_kind_of_event_has_its_words(site: Site) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    site.do("MOVE", BOOK + "a", destination=HOME + "work/b")
    patch = '<propertyupdate xmlns="DAV:"><set><prop><x xmlns="u:">1</x></prop></set>'
    site.do("PROPPATCH", HOME + "work/b", f"{patch}</propertyupdate>".encode())
    site.do("DELETE", HOME + "work/b")
    site.do("MOVE", HOME + "work/", destination=HOME + "club/")
    site.do("DELETE", HOME + "club/")
    site.run(site.cell.freeze(site.home, "account", "why", "test:1:2:3"))
    told = [(one.what, one.href) for one in reversed(events(site))]
    assert told[-10:] == [
        ("collection made", "work"), ("created", "a"), ("moved away", "a"), ("moved here", "b"),
        ("properties", "b"), ("deleted", "b"), ("collection renamed from", "work"),
        ("collection renamed to", "club"), ("collection removed", "club"), ("frozen", "account"),
    ]  # fmt: skip


def test_a_removed_collection_is_named_and_read(site: Site) -> None:
    site.do("MKCOL", HOME + "work/")
    site.do("PUT", HOME + "work/a", card("a"), content_type="text/vcard")
    site.do("DELETE", HOME + "work/")
    whats = [one.what for one in events(site, collection="work")]
    assert whats == ["collection removed", "created", "collection made"]
    work = next(one.id for one in events(site) if one.what == "collection made")
    assert events(site, collection=str(work)) == events(site, collection="work")


def test_a_collection_is_found_by_the_name_that_it_had(site: Site) -> None:
    site.put("a")
    site.do("MOVE", BOOK, destination=HOME + "people/")
    assert events(site, collection="contacts") == events(site, collection="people")
    assert {one.book for one in events(site, collection="contacts")} == {"people", "home"}
    site.do("MKCOL", BOOK)  # now the name is another's
    assert [one.what for one in events(site, collection="contacts")] == ["collection made"]


def test_devices_are_shown_by_name_when_they_are_revoked_too_and_secrets_never(site: Site) -> None:
    site.run(site.laptop("PUT", BOOK + "a", card("a"), content_type="text/vcard"))
    site.run(revoke_device(site.cell, "alice", "laptop", Origin(0, "command device revoke")))
    told = events(site)
    assert [(one.what, one.href) for one in told[:1]] == [("device revoked", "laptop")]
    assert (told[0].device, told[0].request) == ("", "command device revoke")
    assert told[1].device == "laptop"
    secrets = [m.facts["secret"] for m in site.cell.directory.members(site.home, DEVICE)]
    assert not any(secret in str(told) for secret in secrets)


def test_filters(site: Site) -> None:
    site.do("MKCOL", HOME + "work/")
    site.put("a")
    since = site.cell.now_ms
    site.run(site.laptop("PUT", BOOK + "b", card("b"), content_type="text/vcard"))
    site.do("MOVE", BOOK + "a", destination=HOME + "work/c")

    def hrefs(**query: object) -> list[str]:
        return [one.href for one in events(site, **query) if one.kind == OBJECT]

    assert hrefs(device="laptop") == ["b"]
    assert hrefs(since=write_moment(since)) == ["c", "a", "b"]
    assert hrefs(collection="work") == ["c"]
    assert hrefs(thing="a") == ["c", "a", "a"]  # it is followed to its new name
    assert hrefs(thing=HOME + "work/c") == ["c", "a", "a"]
    assert hrefs(thing="contacts/b") == ["b"]
    assert hrefs(thing="a", device="laptop") == []
    assert hrefs(collection="home") == []
    assert {one.book for one in events(site, collection="home")} == {"home"}


def test_all_of_a_history_is_reached_page_by_page(site: Site) -> None:
    for name in "abcde":
        site.put(name)
    every = events(site)
    seen, until = [], ""
    for _ in range(len(every)):
        shown = events(site, limit=2, until=until)
        seen += [event for event in shown if event not in seen]
        until = write_moment(shown[-1].at)
    assert seen == every
    assert events(site, until=write_moment(every[-1].at - 1)) == []


def test_only_so_many_are_shown_and_the_others_counted(site: Site) -> None:
    for name in "abcd":
        site.put(name)
    page = read(site, collection="contacts", limit=3)
    assert [one.href for one in page.events] == ["d", "c", "b"]
    assert page.more == 2  # the card and the collection itself
    assert read(site, collection="contacts", limit=5).more == 0


@pytest.mark.parametrize("limit", [0, HISTORY_EVENTS_MAX + 1])
def test_the_limit_is_limited(site: Site, limit: int) -> None:
    with pytest.raises(InvalidError):
        read(site, limit=limit)
    assert read(site, limit=HISTORY_EVENTS_MAX).more == 0


def test_a_name_comes_from_what_can_be_read(site: Site, monkeypatch) -> None:
    site.put("a", called="Anna")
    site.put("b", called="Bob")
    site.do("DELETE", BOOK + "a")
    assert [one.name for one in events(site, limit=3)] == ["Anna", "Bob", "Anna"]
    site.cell.lost.add(site.cell.journal[site.book.id][0][0].etag)
    assert [one.name for one in events(site, limit=3)] == ["", "Bob", ""]
    monkeypatch.setattr("strongroom.service.timeline.LARGE_BODY_BYTES", 10)
    assert [one.name for one in events(site, limit=3)] == ["", "", ""]


def test_who_asks_for_what_never_was_hears_what_was(site: Site) -> None:
    with pytest.raises(NotFoundError, match="contacts"):
        events(site, collection="nowhere")
    with pytest.raises(NotFoundError, match="laptop, phone"):
        events(site, device="tablet")
    for query in ({"since": "soon"}, {"thing": "a/%zz"}):
        with pytest.raises(InvalidError):
            events(site, **query)
    laptop = site.cell.directory.get(site.home, DEVICE, "laptop")
    assert laptop is not None
    assert events(site, device=str(laptop.id)) == []


def test_what_cannot_be_proven_is_not_told(site: Site) -> None:
    site.cell.unsure.add(site.book.id)
    with pytest.raises(UnsureError):
        events(site)


def test_progress_is_told(site: Site, monkeypatch) -> None:
    monkeypatch.setattr(past, "_TOLD_EVERY", 2)
    for name in "abc":
        site.put(name)
    told: list[tuple[int, int]] = []
    account = site.cell.directory.account("alice")
    assert account is not None
    site.run(timeline(site.cell, account, Query(), 0, lambda *at: told.append(at)))
    assert told == [(2, 6), (4, 6), (6, 6)]


@pytest.mark.parametrize(
    "changes, flagged",
    [
        ({}, True),
        ({"condition": "if-match: *"}, False),
        ({"was_etag": ""}, False),  # it made something new
        ({"etag": "old"}, False),  # the same bytes
        ({"verb": DELETE, "etag": ""}, True),
        ({"verb": ARRIVED}, True),  # a MOVE over something
        ({"verb": LEFT, "etag": ""}, False),  # nothing is lost by moving
        ({"verb": PROPS, "etag": "old"}, False),
        ({"kind": DEVICE}, False),
    ],
)
def test_what_was_overwritten_or_deleted_without_a_condition_is_flagged(
    changes: dict[str, str], flagged: bool
) -> None:
    entry = Entry(7, 2, PUT, OBJECT, "a", 5, "new", "{}", was_number=1, was_etag="old")
    assert is_unconditional(entry._replace(**changes)) == flagged  # type: ignore[arg-type]


def test_what_is_told_again_is_the_servers_own(site: Site) -> None:
    site.put("a")
    row = site.cell.table[Key(site.book.id, OBJECT, "a")]
    assert isinstance(row, Member)
    site.run(tell_again(site.cell, site.book, [row], "q7"))
    again, created = events(site, thing="a")
    assert (again.what, again.device, again.request) == ("told again", "", "q7")
    assert events(site, thing="a", device="phone") == [created]


def test_who_saved_the_bytes_that_stood_is_told(site: Site) -> None:
    site.put("a")
    site.put("a")
    again, created = events(site, thing="a")
    assert (again.what, again.device, again.unconditional) == ("saved unchanged", "phone", False)
    assert created.what == "created"


def test_what_a_phone_tried_to_save_is_told_where_it_was_meant_to_be(site: Site) -> None:
    site.put("a", called="Anna")
    site.put("b")
    assert site.put("a", called="Zoe", if_match='"old"').status == 412
    first, *rest = events(site, thing="a")
    assert (first.what, first.href, first.name, first.device, first.unconditional) == (
        "tried to save this", "a", "Zoe", "phone", False,
    )  # fmt: skip
    assert [one.what for one in rest] == ["created"]
    assert "/refused" not in {one.href for one in events(site) if one.kind == "collection"}
    assert events(site, thing="b")[0].what == "created"


def test_a_flagged_version_can_be_taken_back_by_its_number(site: Site) -> None:
    site.put("a", called="Anna")
    site.put("a", called="Mallory")
    flagged = events(site, limit=1)[0]
    assert flagged.unconditional
    account = site.cell.directory.account("alice")
    assert account is not None
    wish = Wish(entry=f"{flagged.book}:{flagged.number}")
    plan = site.run(plan_undo(site.cell, account, wish))
    site.run(apply_undo(site.cell, account, plan, "command undo"))
    assert "Anna" in site.do("GET", BOOK + "a").text
    assert not events(site, limit=1)[0].unconditional  # an undo looked at what it replaces


def test_who_was_refused_a_deletion_is_named_and_not_who_wrote_the_card(site: Site) -> None:
    site.run(site.laptop("PUT", BOOK + "a", card("a")))
    assert site.do("DELETE", BOOK + "a", if_match='"old"').status == 412
    site.run(tell_again(site.cell, site.book, site.run(site.cell.rows([site_key(site)])), "r"))
    again, refused = events(site, thing="a")[:2]
    assert (refused.what, refused.device, refused.condition) == ("deletion refused", "phone", "")
    assert (again.what, again.device, again.request) == ("told again", "", "r")


def site_key(site: Site) -> Key:
    return Key(site.book.id, OBJECT, "a")

"""Carrying an account away: page by page, proven or salvaged, and nothing left out unsaid."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.desk import Desk, card
from strongroom.base.errors import InvalidError, NotFoundError, UnsureError
from strongroom.base.limits import EXPORT_BODIES_MAX
from strongroom.control import carrying as carrying_module
from strongroom.control import export
from strongroom.control.carrying import Carrying
from strongroom.formats.conditions import Precondition
from strongroom.formats.sdcard import Missing
from strongroom.history.edits import Origin
from strongroom.ports.cell import Salvaged, Unreadable
from strongroom.service.collections import display_name, make_collection
from strongroom.service.objects import delete_object


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    for name in ("b", "a", "c"):
        made.put(f"{name}.vcf", card(name))
    return made


ALL = [(f"{name}.vcf", card(name)) for name in "abc"]


def test_everything_comes_with_proof_and_nothing_else(desk: Desk) -> None:
    things, carried = desk.carried()
    assert things == ALL
    assert (carried.login, carried.total) == ("anna", 3)
    assert (carried.missing, carried.salvaged) == ([], [])
    assert desk.asked == ["export begin", "export rows", "export bodies"]


def test_collections_are_named_as_people_call_them_and_can_be_chosen(desk: Desk) -> None:
    work = asyncio.run(
        make_collection(desk.cell, desk.home, "work", display_name("At <work>"), Origin())
    )
    desk.put("w.vcf", card("w"), work)
    things, carried = desk.carried()
    assert things == [*ALL, ("w.vcf", card("w"))]
    assert [(one.href, one.name, one.objects) for one in carried.collections] == [
        ("contacts", "Contacts", 3), ("work", "At <work>", 1)
    ]  # fmt: skip
    assert desk.carried("work", "work")[0] == [("w.vcf", card("w"))]
    with pytest.raises(NotFoundError, match=r"no collection play.*There is: contacts, work"):
        desk.carried("work", "play")


def test_two_collections_of_one_name_are_told_apart(desk: Desk) -> None:
    for name in ("one", "two"):
        asyncio.run(make_collection(desk.cell, desk.home, name, display_name("CONTACTS"), Origin()))
    names = [one.name for one in desk.carried()[1].collections]
    assert names == ["Contacts (contacts)", "CONTACTS (one)", "CONTACTS (two)"]


def test_pages_join_without_a_seam(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "EXPORT_ROWS_MAX", 1)
    monkeypatch.setattr(carrying_module, "EXPORT_BODIES_MAX", 2)
    assert desk.carried()[0] == ALL
    assert desk.asked.count("export rows") == 3
    assert desk.asked.count("export bodies") == 2
    monkeypatch.setattr(carrying_module, "EXPORT_PAGE_BYTES", 1)
    desk.asked.clear()
    assert desk.carried()[0] == ALL
    assert desk.asked.count("export bodies") == 3


def test_a_change_between_two_pages_of_names_begins_them_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_ROWS_MAX", 2)
    real = desk.ask

    def ask(command: str, given: dict[str, Any]) -> dict[str, Any]:
        if command == "export rows" and given["after"] == "b.vcf" and "0" not in desk.asked:
            desk.asked.append("0")
            asyncio.run(delete_object(desk.cell, desk.book, "a.vcf", Precondition(), Origin()))
        return real(command, given)

    monkeypatch.setattr(desk, "ask", ask)
    assert desk.carried()[0] == ALL[1:]


def test_names_that_never_stand_still_are_an_error_in_the_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "EXPORT_ROWS_MAX", 1)
    real, count = desk.ask, 0

    def ask(command: str, given: dict[str, Any]) -> dict[str, Any]:
        nonlocal count
        count += 1
        if command == "export rows":
            desk.put("z.vcf", card("z", str(count)))
        return real(command, given)

    monkeypatch.setattr(desk, "ask", ask)
    things, carried = desk.carried()
    assert carried.salvaged == ["contacts"]  # what cannot be listed in one piece is salvaged
    assert things[:3] == ALL


def test_what_changes_after_the_names_were_read_is_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.ask

    def ask(command: str, given: dict[str, Any]) -> dict[str, Any]:
        if command == "export bodies":
            desk.put("a.vcf", card("a", "New"))
            asyncio.run(delete_object(desk.cell, desk.book, "b.vcf", Precondition(), Origin()))
        return real(command, given)

    monkeypatch.setattr(desk, "ask", ask)
    assert desk.carried()[0] == ALL


# --- what cannot be proven ------------------------------------------------------------------------
@pytest.mark.parametrize("scope", ["account", "book"])
def test_a_frozen_account_is_salvaged_and_that_is_told(desk: Desk, scope: str) -> None:
    frozen = scope if scope == "account" else str(desk.book.id)
    asyncio.run(desk.cell.freeze(desk.home, frozen, "test", "e"))
    things, carried = desk.carried()
    assert things == ALL
    assert (carried.missing, carried.salvaged) == ([], ["contacts"])


def test_a_damaged_collection_gives_what_can_be_read_and_lists_the_rest(desk: Desk) -> None:
    desk.cell.unsure = {desk.book.id}
    desk.cell.lost = {desk.put("d.vcf", card("d"))}
    desk.cell.unreadable = [Unreadable("the copy in r1", 0), Unreadable("changes", 2)]
    things, carried = desk.carried()
    assert things == ALL
    assert carried.salvaged == ["contacts"]
    assert carried.missing == [
        Missing("Contacts", "the copy in r1"), Missing("Contacts", "changes (2)"),
        Missing("Contacts/d.vcf", "no copy of it can be read now"),
    ]  # fmt: skip


def test_one_body_that_no_copy_has_becomes_a_gap_and_the_others_come(desk: Desk) -> None:
    desk.cell.lost = {desk.put("d.vcf", card("d"))}
    things, carried = desk.carried()
    assert things == ALL
    assert carried.missing == [Missing("Contacts/d.vcf", "no copy of it can be read now")]
    assert carried.salvaged == ["contacts"]


@pytest.mark.parametrize("unsure", [False, True])
def test_an_older_version_comes_in_the_place_of_one_that_is_lost(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, unsure: bool
) -> None:
    desk.cell.lost = {desk.put("a.vcf", card("a", "New"))}
    desk.cell.unsure = {desk.book.id} if unsure else set()
    real = desk.cell.salvage

    async def salvage(collection: int, after: str = "") -> Any:
        async for one in real(collection, after):
            yield one
            if isinstance(one, Salvaged) and one.body is None:
                yield Salvaged(one.member, card("a"), older=True)

    monkeypatch.setattr(desk.cell, "salvage", salvage)
    things, carried = desk.carried()
    assert sorted(things) == ALL
    assert carried.missing == [
        Missing("Contacts/a.vcf", "only an older version of it could be read; that one is here")
    ]


def test_a_body_that_can_be_read_the_second_time_is_no_gap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {desk.put("a.vcf", card("a"))}
    real = desk.ask

    def ask(command: str, given: dict[str, Any]) -> dict[str, Any]:
        desk.cell.lost = lost if command == "export bodies" else set()
        return real(command, given)

    monkeypatch.setattr(desk, "ask", ask)
    things, carried = desk.carried()
    assert sorted(things) == ALL
    assert carried.missing == []


@pytest.mark.parametrize(("size", "pages"), [(1, 3), (70, 3), (140, 2), (200, 1)])
def test_pages_of_salvage_join_and_keep_what_is_told_of_a_name_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, size: int, pages: int
) -> None:
    desk.cell.unsure = {desk.book.id}
    desk.cell.lost = {desk.put("b.vcf", card("b", "New"))}
    desk.cell.unreadable = [Unreadable("something", 0)]
    monkeypatch.setattr(export, "EXPORT_PAGE_BYTES", size)
    real = desk.cell.salvage

    async def salvage(collection: int, after: str = "") -> Any:
        async for one in real(collection, after):
            yield one
            if isinstance(one, Salvaged) and one.body is None:
                yield Salvaged(one.member, card("b"), older=True)

    monkeypatch.setattr(desk.cell, "salvage", salvage)
    things, carried = desk.carried()
    assert things == ALL
    assert [gap.what for gap in carried.missing] == ["Contacts", "Contacts/b.vcf"]
    assert desk.asked.count("export salvage") == pages


def test_the_largest_objects_fit_into_an_answer(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also right behind a page that is nearly full; `ask` holds each answer against its limit."""
    rest = 10 * 1024 * 1024 - 200
    for name in ("d", "e"):
        body = card(name).replace(b"FN:Ann", b"FN:Ann\r\nNOTE:" + b"n" * rest)
        desk.put(f"{name}.vcf", body)
    half = card("c2").replace(b"FN:Ann", b"FN:Ann\r\nNOTE:" + b"n" * (4 * 1024 * 1024 - 500))
    desk.put("c2.vcf", half)
    assert [name for name, _ in desk.carried()[0]] == [
        "a.vcf", "b.vcf", "c.vcf", "c2.vcf", "d.vcf", "e.vcf"
    ]  # fmt: skip
    desk.cell.unsure = {desk.book.id}
    assert len(desk.carried()[0]) == 6


def test_errors_that_no_salvage_helps_against_come_through(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError):
        Carrying(desk.ask, "nobody", ())
    made = Carrying(desk.ask, "anna", ())
    desk.cell.directory.take(
        next(iter(asyncio.run(_removed(desk))))
    )  # the collection goes between two questions
    with pytest.raises(NotFoundError, match="any more"):
        list(made.things())


async def _removed(desk: Desk) -> Any:
    from strongroom.history.edits import Remove

    return await desk.cell.submit(Remove(desk.book.key, Origin(), Precondition()), {})


def test_so_many_digests_are_taken_at_once_and_no_more(desk: Desk) -> None:
    digests = ["0" * 64] * EXPORT_BODIES_MAX
    assert desk.ask("export bodies", {"digests": digests})["bodies"] == [None] * len(digests)
    for wrong in ([*digests, "0" * 64], ["0" * 63]):
        with pytest.raises(InvalidError):
            desk.ask("export bodies", {"digests": wrong})


def test_a_listing_that_lies_about_its_count_is_salvaged(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.cell.listing

    async def listing(collection: int, kind: str) -> Any:
        head, members = await real(collection, kind)
        return head, members[:-1]

    monkeypatch.setattr(desk.cell, "listing", listing)
    things, carried = desk.carried()
    assert things == ALL
    assert carried.salvaged == ["contacts"]
    with pytest.raises(UnsureError):
        desk.ask("export rows", {"login": "anna", "collection": desk.book.id, "after": ""})

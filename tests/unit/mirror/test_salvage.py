"""Salvage: whatever any copy still tells, and never what no one wrote or another one wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from fakes.ground import Ground
from strongroom.base import limits
from strongroom.history.entries import OBJECT, Head, Member, Row, Tombstone, digest_of
from strongroom.ports.cell import Salvaged, Unreadable
from strongroom.ports.replica import Line
from strongroom.stores.memory import MemoryState

Change = Callable[[MemoryState], MemoryState]


class Wreck(Ground):
    """Three copies with some history: a.vcf was changed, c.vcf removed, d.vcf is new."""

    async def fill(self) -> None:
        cell = await self.begin()
        for name, body in (("a", b"anna 1"), ("b", b"ben"), ("a", b"anna 2"), ("c", b"carl")):
            await self.put(cell, f"{name}.vcf", body)
        await self.remove(cell, "c.vcf")
        await self.put(cell, "d.vcf", b"dora")
        await cell.close()

    def change(self, change: Change, *indexes: int) -> None:
        for index in indexes or range(3):
            self.set(index, change(self.states()[index]))

    def lose_quorum(self) -> None:
        """Leave the first copy alone, so that nothing is proven."""
        self.away(1, 2)

    def items(self, after: str = "") -> list[Salvaged | Unreadable]:
        found = self.look()

        async def work() -> list[Salvaged | Unreadable]:
            return [one async for one in found.salvage(self.book, after)]

        return self.run(work())

    def given(self) -> dict[str, bytes | None]:
        return {
            one.member.href: one.body
            for one in self.items()
            if isinstance(one, Salvaged) and not one.older
        }

    def missing(self) -> list[tuple[str, int]]:
        told = [one for one in self.items() if isinstance(one, Unreadable)]
        return [(one.what, one.count) for one in told if not one.what.startswith("the copy in")]


@pytest.fixture
def wreck() -> Wreck:
    return Wreck()


ALL = {"a.vcf": b"anna 2", "b.vcf": b"ben", "d.vcf": b"dora"}


def without_row(wreck: Wreck, *names: str) -> Change:
    keys = {wreck.key(name) for name in names}
    return lambda s: replace(s, rows={k: row for k, row in s.rows.items() if k not in keys})


def with_row(wreck: Wreck, row: Row) -> Change:
    return lambda s: replace(s, rows={**s.rows, row.key: row})


def without_lines(wreck: Wreck, *numbers: int) -> Change:
    def change(state: MemoryState) -> MemoryState:
        lines = tuple(x for x in state.journals[wreck.book] if x.number not in numbers)
        return replace(state, journals={**state.journals, wreck.book: lines})

    return change


def with_line(wreck: Wreck, number: int, change_line: Callable[[Line], Line]) -> Change:
    def change(state: MemoryState) -> MemoryState:
        lines = state.journals[wreck.book]
        changed = tuple(change_line(x) if x.number == number else x for x in lines)
        return replace(state, journals={**state.journals, wreck.book: changed})

    return change


def with_heads(wreck: Wreck, heads: Callable[[Head], Head | None]) -> Change:
    def change(state: MemoryState) -> MemoryState:
        head = heads(state.heads[wreck.book])
        others = {c: h for c, h in state.heads.items() if c != wreck.book}
        return replace(state, heads=others if head is None else {**others, wreck.book: head})

    return change


def with_bodies(**changed: bytes | None) -> Change:
    """Change bodies, by the text that they are."""
    blobs: Mapping[str, bytes | None] = {
        digest_of(text.replace("_", " ").encode()): body for text, body in changed.items()
    }
    return lambda s: replace(s, blobs={**s.blobs, **blobs})


# --- of one copy alone ----------------------------------------------------------------------------
def test_one_sound_copy_gives_all_of_it(wreck: Wreck) -> None:
    wreck.lose_quorum()
    assert wreck.given() == ALL
    assert wreck.missing() == []
    names = [one.what for one in wreck.items() if isinstance(one, Unreadable)]
    assert names == [
        "the copy in /disk2 cannot be read: there is no marker",
        "the copy in /disk3 cannot be read: there is no marker",
    ]


def test_a_name_whose_row_is_lost_is_told_by_the_journal(wreck: Wreck) -> None:
    wreck.lose_quorum()
    wreck.change(without_row(wreck, "a.vcf", "d.vcf"), 0)
    assert wreck.given() == ALL
    assert wreck.missing() == []


def test_a_name_whose_entries_are_lost_is_told_by_its_row(wreck: Wreck) -> None:
    wreck.lose_quorum()
    wreck.change(without_row(wreck, "d.vcf"), 0)  # so that the table alone is not whole
    wreck.change(without_lines(wreck, 2, 3), 0)
    assert wreck.given() == ALL
    assert wreck.missing() == []


def test_what_both_have_lost_is_counted_as_missing(wreck: Wreck) -> None:
    wreck.lose_quorum()
    wreck.change(without_row(wreck, "d.vcf", "b.vcf"), 0)
    wreck.change(without_lines(wreck, 2, 6), 0)
    assert wreck.given() == {"a.vcf": b"anna 2"}
    assert wreck.missing() == [
        ("3 records should stand here, 1 are known", 2),
        ("changes that no copy can tell of", 2),
    ]


def test_a_row_of_the_past_does_not_hide_the_newer_entry(wreck: Wreck) -> None:
    wreck.lose_quorum()
    old = Member(wreck.book, OBJECT, "a.vcf", 1, 1, digest_of(b"anna 1"), '{"size":6}', "", 0, 0)
    wreck.change(with_row(wreck, old), 0)
    assert wreck.given() == ALL


def test_a_tombstone_without_its_entry_removes_nothing(wreck: Wreck) -> None:
    wreck.lose_quorum()
    wreck.change(with_row(wreck, Tombstone(wreck.book, OBJECT, "b.vcf", 1, 6)), 0)
    assert wreck.given() == ALL


def test_an_entry_with_other_bytes_is_not_believed(wreck: Wreck) -> None:
    """A changed line that can still be read as an entry does not fit its chain."""
    wreck.lose_quorum()
    wreck.change(without_row(wreck, "a.vcf"), 0)
    forged = digest_of(b"anna 2").encode(), digest_of(b"ben").encode()
    wreck.change(
        with_line(wreck, 3, lambda x: x._replace(line=x.line.replace(*forged))), 0
    )  # anna's card would be ben's
    assert wreck.given()["a.vcf"] == b"anna 1"
    assert ("changes that no copy can tell of", 1) in wreck.missing()
    wreck.change(with_line(wreck, 3, lambda x: x._replace(line=b"{no JSON")), 0)
    assert wreck.given()["a.vcf"] == b"anna 1"
    other = wreck.states()[0].journals[wreck.book][0]
    wreck.change(with_line(wreck, 3, lambda x: x._replace(line=other.line)), 0)
    assert wreck.given()["a.vcf"] == b"anna 1"
    # Behind a hole its chain says nothing, but it still has to be the entry of its number.
    last = wreck.states()[0].journals[wreck.book][5]
    wreck.change(without_lines(wreck, 1, 2), 0)
    wreck.change(with_line(wreck, 3, lambda x: x._replace(line=last.line)), 0)
    wreck.change(without_lines(wreck, 6), 0)
    wreck.change(without_row(wreck, "d.vcf"), 0)
    assert wreck.given() == {"b.vcf": b"ben"}


def test_a_head_of_the_past_hides_no_later_change_of_the_copy_s_own(wreck: Wreck) -> None:
    wreck.lose_quorum()
    wreck.change(with_heads(wreck, lambda head: head._replace(number=2, members=2, sum=5)), 0)
    assert wreck.given() == ALL
    wreck.change(with_heads(wreck, lambda _: None), 0)
    assert wreck.given() == ALL
    assert wreck.missing() == []  # the witness remembers the head
    wreck.witness.testimony = None
    assert wreck.given() == ALL
    assert wreck.missing() == [("0 records should stand here, 3 are known", 0)]


# --- bodies ---------------------------------------------------------------------------------------
def test_a_body_with_the_wrong_digest_is_given_by_nobody(wreck: Wreck) -> None:
    wreck.change(with_bodies(ben=b"another man"))
    assert wreck.given() == {**ALL, "b.vcf": None}
    wreck.change(with_bodies(ben=b"ben"), 2)
    assert wreck.given() == ALL


def test_where_the_newest_body_is_lost_an_older_version_comes_marked(wreck: Wreck) -> None:
    wreck.change(with_bodies(anna_2=None))
    found = [one for one in wreck.items() if isinstance(one, Salvaged)]
    assert [(one.member.href, one.body, one.older) for one in found] == [
        ("a.vcf", None, False),
        ("a.vcf", b"anna 1", True),
        ("b.vcf", b"ben", False),
        ("d.vcf", b"dora", False),
    ]
    assert [one.member.number for one in found[:2]] == [3, 1]
    wreck.change(with_bodies(anna_1=None))
    assert [one.member.href for one in wreck.items() if isinstance(one, Salvaged)] == [
        "a.vcf", "b.vcf", "d.vcf",
    ]  # fmt: skip


def test_of_what_was_there_before_a_removal_nothing_comes_back(wreck: Wreck) -> None:
    wreck.write("c.vcf", b"carl again")
    wreck.change(with_bodies(carl_again=None))
    found = [one for one in wreck.items() if isinstance(one, Salvaged)]
    assert [one.body for one in found if one.member.href == "c.vcf"] == [None]


@pytest.mark.parametrize("kept", [limits.SALVAGE_VERSIONS_MAX, limits.SALVAGE_VERSIONS_MAX + 1])
def test_so_many_versions_of_a_name_are_tried(wreck: Wreck, kept: int) -> None:
    for number in range(kept):
        wreck.write("e.vcf", b"eve %d" % number)
    lost = {f"eve_{number}": None for number in range(1, kept)}
    wreck.change(with_bodies(**lost))
    found = [one for one in wreck.items() if isinstance(one, Salvaged)]
    older = [one.body for one in found if one.member.href == "e.vcf" and one.older]
    assert older == ([b"eve 0"] if kept == limits.SALVAGE_VERSIONS_MAX else [])


# --- of several -----------------------------------------------------------------------------------
def test_each_copy_gives_what_the_others_have_lost(wreck: Wreck) -> None:
    wreck.away(2)
    wreck.change(without_row(wreck, "a.vcf", "b.vcf"), 0)
    wreck.change(without_lines(wreck, 2, 3, 4), 0)
    wreck.change(without_row(wreck, "a.vcf", "d.vcf"), 1)
    wreck.change(without_lines(wreck, 1, 6), 1)
    assert wreck.given() == ALL
    assert wreck.missing() == []


def test_what_lies_beside_the_history_is_not_believed(wreck: Wreck) -> None:
    """A copy that wrote alone, and was told by no quorum, has other changes of the same numbers."""
    before, witness = wreck.states(), wreck.witness.testimony
    wreck.write("b.vcf", b"ben that nobody was told of")

    async def work() -> None:
        cell = await wreck.open()
        await wreck.remove(cell, "a.vcf")
        await wreck.put(cell, "x.vcf", b"nobody was told of this")
        await cell.close()

    wreck.run(work())
    alone = wreck.states()[0]
    for index in (1, 2):
        wreck.set(index, replace(before[index], promised=alone.promised))
    wreck.witness.testimony = witness
    wreck.away(0)
    wreck.write("e.vcf", b"eve")
    wreck.set(0, alone)
    wreck.away(2)
    wreck.change(without_row(wreck, "d.vcf"), 1)  # so that its table alone is not whole
    assert wreck.given() == {**ALL, "e.vcf": b"eve"}
    # Neither is its table, of what the journal of the other cannot tell any more.
    wreck.change(without_lines(wreck, 2), 1)
    wreck.change(without_row(wreck, "b.vcf", "d.vcf"), 1)
    assert wreck.given() == {**ALL, "e.vcf": b"eve"}
    wreck.change(without_lines(wreck, 2), 0)
    assert "b.vcf" not in wreck.given()


def test_what_a_copy_of_an_older_term_wrote_further_is_not_believed(wreck: Wreck) -> None:
    """Its entries contradict nobody, for in the later term nobody wrote to this book."""
    before, witness = wreck.states(), wreck.witness.testimony
    wreck.write("x.vcf", b"nobody was told of this")
    alone = wreck.states()[0]
    for index in (1, 2):
        wreck.set(index, replace(before[index], promised=alone.promised))
    wreck.witness.testimony = witness
    wreck.away(0)

    async def opened_and_closed() -> None:
        cell = await wreck.open()
        await cell.close()

    wreck.run(opened_and_closed())
    wreck.set(0, alone)
    wreck.away(2)
    wreck.change(without_row(wreck, "d.vcf"), 1)  # so that its table alone is not whole
    assert wreck.given() == ALL


def test_a_copy_that_is_only_behind_fills_the_holes_of_the_one_in_front(wreck: Wreck) -> None:
    old = wreck.states()[1]
    wreck.write("e.vcf", b"eve")
    wreck.set(1, old)
    wreck.away(2)
    wreck.witness.testimony = None
    wreck.change(without_row(wreck, "b.vcf", "e.vcf"), 0)
    wreck.change(without_lines(wreck, 2), 0)
    assert wreck.given() == {**ALL, "e.vcf": b"eve"}


def test_an_open_cell_is_salvaged_too(wreck: Wreck) -> None:
    async def work() -> list[Salvaged | Unreadable]:
        cell = await wreck.open()
        for change in (without_row(wreck, "a.vcf"), with_bodies(ben=None)):
            wreck.change(change)
        found = [one async for one in cell.salvage(wreck.book)]
        await cell.close()
        return found

    found = wreck.run(work())
    assert {one.member.href: one.body for one in found if isinstance(one, Salvaged)} == {
        **ALL, "b.vcf": None,
    }  # fmt: skip
    assert [one for one in found if isinstance(one, Unreadable)] == []


def test_of_a_frozen_account_the_changes_that_the_witness_knows_are_counted(wreck: Wreck) -> None:
    before = wreck.states()
    wreck.write("e.vcf", b"eve")
    wreck.write("f.vcf", b"fay")
    for index in range(3):
        wreck.set(index, before[index])

    async def work() -> list[Unreadable]:
        cell = await wreck.open()
        assert cell.directory.frozen(wreck.home, wreck.book) is not None
        found = [one async for one in cell.salvage(wreck.book)]
        await cell.close()
        return [one for one in found if isinstance(one, Unreadable)]

    assert wreck.run(work()) == [
        Unreadable("later changes that the witness or a device has seen", 2)
    ]


def test_of_an_account_that_a_device_froze_the_changes_it_has_seen_are_counted(
    wreck: Wreck,
) -> None:
    async def work() -> list[Salvaged | Unreadable]:
        cell = await wreck.open()
        await cell.freeze(wreck.home, "account", "A phone knows more.", f"token:{wreck.book}:9:ab")
        found = [one async for one in cell.salvage(wreck.book)]
        await cell.close()
        return found

    gap = Unreadable("later changes that the witness or a device has seen", 3)
    assert wreck.run(work())[-1] == gap
    assert gap in wreck.items()  # the cell being closed
    assert wreck.given() == ALL


# --- pages ----------------------------------------------------------------------------------------
def test_work_that_is_cut_into_pages_goes_on_behind_a_name(wreck: Wreck) -> None:
    wreck.change(with_bodies(anna_2=None, anna_1=None))
    whole = wreck.items()
    names = [one.member.href for one in whole if isinstance(one, Salvaged)]
    assert names == ["a.vcf", "b.vcf", "d.vcf"]
    rest = [one.member.href for one in wreck.items("a.vcf") if isinstance(one, Salvaged)]
    assert rest == ["b.vcf", "d.vcf"]
    assert [one for one in wreck.items("d.vcf") if isinstance(one, Salvaged)] == []


def test_pages_of_one_look_read_the_journals_once(wreck: Wreck) -> None:
    found = wreck.look()
    replica = wreck.memory(0)
    reads = 0
    listing = replica.listing

    def counted(collection: int, kind: str) -> object:
        nonlocal reads
        reads += 1
        return listing(collection, kind)

    replica.listing = counted  # type: ignore[method-assign, assignment]

    async def page(after: str) -> str:
        async for one in found.salvage(wreck.book, after):
            assert isinstance(one, Salvaged)
            return one.member.href
        return ""

    async def work() -> tuple[str, int, str, int]:
        first = await page("")
        before = reads
        return first, before, await page("a.vcf"), reads

    assert wreck.run(work()) == ("a.vcf", 2, "b.vcf", 2)


def test_who_did_not_answer_is_asked_again_the_next_time(wreck: Wreck) -> None:
    found = wreck.look()
    state = wreck.states()[2]
    wreck.away(2)
    assert len(wreck.gaps(found)) == 1
    wreck.set(2, state)
    assert wreck.gaps(found) == []
    assert found._salvage._last is None  # nothing is held of what was given to the end


def test_bodies_are_held_a_few_at_a_time(wreck: Wreck, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    found = wreck.look()
    bodies = found._salvage.bodies

    async def counted(digests: list[str]) -> dict[str, bytes]:
        asked.append(len(digests))
        return await bodies(digests)

    monkeypatch.setattr(found._salvage, "bodies", counted)
    monkeypatch.setattr("strongroom.mirror.salvage.SALVAGE_BYTES", len(b"anna 2" + b"ben"))
    assert wreck.salvaged(found) == ALL
    assert asked == [2, 1]
    asked.clear()
    monkeypatch.setattr("strongroom.mirror.salvage.SALVAGE_BYTES", len(b"anna 2" + b"ben") - 1)
    assert wreck.salvaged(found) == ALL
    assert asked == [1, 2]


def test_an_empty_collection_gives_nothing_and_nothing_is_missing(wreck: Wreck) -> None:
    found = wreck.look()

    async def work() -> list[Salvaged | Unreadable]:
        return [one async for one in found.salvage(99)]

    assert wreck.run(work()) == []

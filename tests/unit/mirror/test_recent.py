"""A delta from memory is the delta that a replica tells, or none (I4, I5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.mirror import Stage
from strongroom.base.errors import FoldError
from strongroom.history.edits import Remove, SetProps, SkipNumbers
from strongroom.history.entries import Member, genesis_chain
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.recent import Recent
from strongroom.ports.cell import Changes

ALL = 1_000
NAMES = ("a.vcf", "b.vcf", "c.vcf")
ACTS = st.lists(
    st.tuples(st.sampled_from(("put", "put", "remove", "props", "skip")), st.sampled_from(NAMES)),
    min_size=1,
    max_size=12,
)


async def act(stage: Stage, cell: MirrorCell, what: str, name: str, turn: int) -> None:
    if what == "skip":
        await cell.submit(SkipNumbers(stage.book, cell.head(stage.book).number + 2 + turn), {})
        return
    standing = isinstance(await cell.row(stage.key(name)), Member)
    if what == "put" or not standing:
        await stage.put(cell, name, f"{name} {turn}".encode())
    elif what == "remove":
        await cell.submit(Remove(stage.key(name)), {})
    else:
        await cell.submit(SetProps(stage.key(name), (("{x}y", f"<y>{turn}</y>"),)), {})


async def told(cell: MirrorCell, book: int, after: int, chain: bytes, limit: int) -> Changes | str:
    try:
        return await cell.changes(book, after, chain[:8], limit)
    except FoldError as error:
        return str(error)


async def compare(acts: Sequence[tuple[str, str]], bounds: tuple[int, int]) -> int:
    """Ask for each delta from memory and from a replica; gives how many memory could tell."""
    stage = Stage()
    cell = await stage.begin()
    core = cell._core
    core.recent = recent = Recent(*bounds)
    chains = {0: genesis_chain(stage.book)}
    for turn, (what, name) in enumerate(acts):
        await act(stage, cell, what, name, turn)
        head = cell.head(stage.book)
        chains[head.number] = head.chain
    known = 0
    wrong = [(1, b"\0" * 8), *((n + 1, c) for n, c in chains.items() if n + 1 not in chains)]
    tokens = [*chains.items(), *wrong]  # numbers that a gap left out, and one past the head
    for after, chain in tokens:
        for limit in (1, 3, ALL):
            core.recent = recent
            remembered = await told(cell, stage.book, after, chain, limit)
            known += cell._reader._remembered(stage.book, after, chain[:8], limit) is not None
            core.recent = Recent(0, 0)
            assert cell._reader._remembered(stage.book, after, chain[:8], limit) is None
            assert remembered == await told(cell, stage.book, after, chain, limit)
    await cell.close()
    return known


@settings(deadline=None, max_examples=30)
@given(ACTS, st.sampled_from(((ALL, 1 << 20), (3, 1 << 20), (ALL, 900))))
def test_a_delta_from_memory_is_what_a_replica_tells(
    acts: list[tuple[str, str]], bounds: tuple[int, int]
) -> None:
    assert asyncio.run(compare(acts, bounds)) > 0


def test_a_delta_of_the_last_change_asks_no_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene() -> None:
        stage = Stage()
        cell = await stage.begin()
        await stage.put(cell, "a.vcf", b"1")
        before = cell.head(stage.book)
        await stage.put(cell, "b.vcf", b"2")
        for site in stage.sites:
            monkeypatch.setattr(site.replica, "journal", None)
        changes = await cell.changes(stage.book, before.number, before.chain[:8], ALL)
        assert [entry.href for entry in changes.entries] == ["b.vcf"]
        assert (changes.upto, changes.chain) == cell.head(stage.book)[1:3]
        await cell.close()

    asyncio.run(scene())


def test_what_is_kept_is_bounded_in_entries_and_in_bytes() -> None:
    async def scene() -> None:
        stage = Stage()
        cell = await stage.begin()
        for recent in (Recent(2, 1 << 20), Recent(ALL, 700)):
            cell._core.recent = recent
            for turn in range(6):
                await stage.put(cell, "a.vcf", f"{turn} {id(recent)}".encode())
            number = cell.head(stage.book).number
            kept = [after for after in range(number) if recent.since(stage.book, after, ALL)]
            assert kept == [number - 2, number - 1]
        cell._core.recent = Recent(0, 0)
        await stage.put(cell, "a.vcf", b"nothing is kept")
        assert not cell._core.recent._journals
        await cell.close()

    asyncio.run(scene())

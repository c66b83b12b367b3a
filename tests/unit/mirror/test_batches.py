"""How much one batch takes: edits that make many entries share it only as far as they fit."""

from __future__ import annotations

import asyncio

from fakes.mirror import Stage
from strongroom.base.limits import BATCH_ENTRIES_MAX, ENTRY_SLOT_BITS
from strongroom.history.edits import Put, Together
from strongroom.history.entries import OBJECT, canonical, digest_of

MANY = (1 << ENTRY_SLOT_BITS) // BATCH_ENTRIES_MAX + 1  # at once they would not fit into a batch


def test_many_edits_of_many_entries_are_cut_into_batches() -> None:
    """A batch has room for 4,095 entries; one more would end the writer, and the cell with it."""
    body = b"the same for all"
    data, digest = canonical({"size": len(body)}), digest_of(body)

    async def scene() -> None:
        stage = Stage()
        cell = await stage.begin()
        try:
            before = cell.report()["batches"]
            edits = (
                Together(
                    tuple(
                        Put(stage.key(f"{number}-{name}"), digest, data)
                        for name in range(BATCH_ENTRIES_MAX)
                    )
                )
                for number in range(MANY)
            )
            await asyncio.gather(*(cell.submit(edit, {digest: body}) for edit in edits))
            _, members = await cell.listing(stage.book, OBJECT)
            assert len(members) == MANY * BATCH_ENTRIES_MAX
            assert cell.report()["batches"] == before + MANY
        finally:
            await cell.close()

    asyncio.run(scene())

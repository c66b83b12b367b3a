"""An opening whose first batch is not committed opens nothing, and says so at once (DESIGN)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from fakes.mirror import Stage
from strongroom.base.errors import RefusedBatchError
from strongroom.history.entries import Batch, Position
from strongroom.mirror.site import FrozenCellError
from strongroom.stores.memory import MemoryReplica

SOON_SECONDS = 5  # far less than an opening may take


def refuse(replica: MemoryReplica) -> None:
    """Let a replica refuse what comes."""

    def apply(batch: Batch, bodies: Mapping[str, bytes], term: int) -> Position:
        raise RefusedBatchError("it does not fit")

    replica.apply = apply  # type: ignore[method-assign]


@pytest.mark.parametrize(("refusing", "said"), [(3, "every replica"), (2, "refused by")])
def test_an_opening_batch_that_is_refused_freezes_the_cell_at_once(
    refusing: int, said: str
) -> None:
    """Taken back where all refuse, dead where too many do: no promise of this term stands."""

    async def scene() -> None:
        stage = Stage()
        await stage.initialise()
        for index in range(refusing):
            refuse(stage.memory(index))
        async with asyncio.timeout(SOON_SECONDS):
            with pytest.raises(FrozenCellError, match=said):
                await stage.open()
        for index in range(refusing):
            del stage.memory(index).apply
        cell = await stage.open()
        assert cell.writable()
        await cell.close()

    asyncio.run(scene())

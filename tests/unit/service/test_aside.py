"""Large bodies are worked on beside the event loop, small ones where they are; each in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

from strongroom.base.limits import LARGE_BODY_BYTES
from strongroom.service.aside import aside, beside, whose


@pytest.mark.parametrize(
    ("size", "beside"), [(LARGE_BODY_BYTES, False), (LARGE_BODY_BYTES + 1, True)]
)
def test_the_size_decides_where_a_body_is_worked_on(size: int, beside: bool) -> None:
    worker = asyncio.run(aside(b"x" * size, threading.current_thread))
    assert (worker is not threading.current_thread()) == beside


@pytest.mark.parametrize("size", [1, LARGE_BODY_BYTES + 1])
def test_what_a_call_raises_comes_out_where_it_is_awaited(size: int) -> None:
    def fail() -> None:
        raise KeyError(size)

    with pytest.raises(KeyError):
        asyncio.run(aside(b"x" * size, fail))


def test_an_account_waits_for_its_own_work_and_never_for_anothers() -> None:
    """One that asks for more slow things than there are threads takes one of them."""
    over = threading.Event()
    running: list[int] = []

    def slow() -> None:
        running.append(1)
        over.wait(30)

    async def ask(account: int, call: Callable[[], object]) -> None:
        whose.set(account)
        await beside(call)

    async def both() -> None:
        greedy = [asyncio.create_task(ask(1, slow)) for _ in range(40)]
        await asyncio.sleep(0.05)
        try:
            await asyncio.wait_for(asyncio.create_task(ask(2, threading.get_ident)), 5)
            assert len(running) == 1
        finally:
            over.set()
            await asyncio.gather(*greedy)

    asyncio.run(both())
    assert len(running) == 40

"""A lane runs calls in order, on one thread, and hands every ending back."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from strongroom.stores.clock import SystemClock, SystemEntropy
from strongroom.stores.threads import ThreadLane


def test_calls_run_in_order_on_one_other_thread() -> None:
    seen: list[tuple[int, int]] = []

    async def main() -> list[int]:
        lane = ThreadLane("lane")

        def call(n: int) -> int:
            seen.append((n, threading.get_ident()))
            return n * n

        results = await asyncio.gather(*(lane.run(lambda n=n: call(n)) for n in range(50)))  # type: ignore[misc]
        lane.close()
        assert lane.join(5)
        return results

    assert asyncio.run(main()) == [n * n for n in range(50)]
    assert [n for n, _ in seen] == list(range(50))
    assert len({thread for _, thread in seen} - {threading.get_ident()}) == 1


def test_an_exception_reaches_only_the_one_who_asked() -> None:
    async def main() -> list[object]:
        lane = ThreadLane("lane")

        def bad() -> None:
            raise ValueError("mine")

        results = await asyncio.gather(
            lane.run(lambda: 1), lane.run(bad), lane.run(lambda: 3), return_exceptions=True
        )
        lane.close()
        return results

    one, error, three = asyncio.run(main())
    assert (one, three) == (1, 3)
    assert isinstance(error, ValueError)


def test_many_endings_wake_the_loop_once() -> None:
    async def main() -> int:
        lane = ThreadLane("lane")
        loop = asyncio.get_running_loop()
        gate = threading.Event()
        first = asyncio.ensure_future(lane.run(gate.wait))
        await asyncio.sleep(0.05)
        rest = [asyncio.ensure_future(lane.run(lambda: 1)) for _ in range(32)]
        await asyncio.sleep(0)
        wakes = 0
        plain = loop.call_soon_threadsafe

        def counted(*args: object) -> object:
            nonlocal wakes
            wakes += 1
            return plain(*args)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = counted  # type: ignore[assignment, method-assign]
        gate.set()
        await asyncio.gather(first, *rest)
        lane.close()
        return wakes

    assert asyncio.run(main()) in {2, 3}  # the first, the 32; the end of the lane


def test_a_call_cancelled_before_it_began_is_not_run() -> None:
    ran: list[str] = []

    async def main() -> None:
        lane = ThreadLane("lane")
        gate = threading.Event()
        first = asyncio.ensure_future(lane.run(gate.wait))
        second = asyncio.ensure_future(lane.run(lambda: ran.append("second")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0)
        gate.set()
        await first
        await lane.run(lambda: ran.append("third"))
        lane.close()

    asyncio.run(main())
    assert ran == ["third"]


def test_a_call_that_hangs_keeps_neither_the_loop_nor_its_end() -> None:
    gate = threading.Event()

    async def main() -> None:
        lane = ThreadLane("lane")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(lane.run(gate.wait), 0.05)
        lane.close()
        assert not lane.join(0.05)

    asyncio.run(main())
    gate.set()


def test_a_closed_lane_takes_nothing_more_and_ends_what_waits() -> None:
    async def main() -> int:
        lane = ThreadLane("lane")
        waits = asyncio.ensure_future(lane.run(lambda: time.sleep(0.02) or 7))
        await asyncio.sleep(0)
        lane.close()
        lane.close()
        with pytest.raises(RuntimeError, match="closed"):
            await lane.run(lambda: 1)
        result = await waits
        assert lane.join(5)
        return result

    assert asyncio.run(main()) == 7


def test_a_lane_that_was_never_used_closes() -> None:
    lane = ThreadLane("lane")
    lane.close()
    assert lane.join(0)


def test_the_systems_clock_and_chance_are_the_systems() -> None:
    before = time.time() * 1000 - 1
    assert before <= SystemClock().now_ms() <= time.time() * 1000 + 1
    first, second = SystemEntropy().token(16), SystemEntropy().token(16)
    assert len(first) == 16
    assert first != second

"""Large bodies are worked on beside the event loop, small ones where they are."""

from __future__ import annotations

import asyncio
import threading

import pytest

from strongroom.base.limits import LARGE_BODY_BYTES
from strongroom.service.aside import aside


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

"""Work on a body, beside the event loop where the body is large.

A card with a full-size photo takes a tenth of a second to look at, and every other phone would wait
for it; one of ordinary size takes less than the way to another thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from strongroom.base.limits import LARGE_BODY_BYTES

T = TypeVar("T")


async def aside(body: bytes, call: Callable[[], T]) -> T:
    """Make a call that takes time for each byte of `body`, and touches nothing shared."""
    return call() if len(body) <= LARGE_BODY_BYTES else await asyncio.to_thread(call)

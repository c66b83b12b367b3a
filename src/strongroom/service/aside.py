"""Work on bodies, beside the event loop where it takes long, and an account's in turn.

A card with a full-size photo takes a tenth of a second to look at, and every other phone would wait
for it; one of ordinary size takes less than the way to another thread. There are few threads: an
account that asks for ten slow things at once waits for its own, and nobody else does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from strongroom.base.limits import LARGE_BODY_BYTES

T = TypeVar("T")

# Whose request a task answers: the account's id; 0 = nobody's, as for a command.
whose: Final[ContextVar[int]] = ContextVar("whose", default=0)
_turns: Final[WeakValueDictionary[int, asyncio.Lock]] = WeakValueDictionary()


async def aside(body: bytes, call: Callable[[], T]) -> T:
    """Make a call that takes time for each byte of `body`, and touches nothing shared."""
    return call() if len(body) <= LARGE_BODY_BYTES else await beside(call)


async def beside(call: Callable[[], T]) -> T:
    """Make a call that takes long and touches nothing shared, when it is this account's turn."""
    turn = _turns.setdefault(whose.get(), asyncio.Lock())
    async with turn:
        return await asyncio.to_thread(call)

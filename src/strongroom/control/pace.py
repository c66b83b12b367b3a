"""How long work goes: a line now and then with what is done, how fast, and when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from strongroom.control.room import Tell

_SECONDS: Final = 1.0  # between two lines; short work tells nothing
_MINUTE: Final = 60


def paced(tell: Tell, things: str) -> Callable[[int, int], None]:
    """Give what is told how many `things` are done, of how many, and passes it on now and then."""
    clock = asyncio.get_running_loop().time
    began = told = clock()

    def at(done: int, of: int) -> None:
        nonlocal told
        now = clock()
        if now - told >= _SECONDS:
            told = now
            tell(pace_text(things, done, of, now - began))

    return at


def pace_text(things: str, done: int, total: int, seconds: float) -> str:
    """Say how many of how many, how fast, and how much longer."""
    rate = done / seconds
    left = max(0, total - done) / rate if rate else 0
    words = f"about {_time_text(left)} left" if done < total else "nearly there"
    return f"{done} of {total} {things}, {rate:.0f} a second, {words}"


def _time_text(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole} s" if whole < _MINUTE else f"{whole // _MINUTE} min {whole % _MINUTE} s"

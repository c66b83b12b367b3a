"""Asks the copies whether they are still there, so that a lost disk is noticed without a write.

What a replica answers goes the way that the answer to a batch goes (`Core.heard`): gone is behind,
another's marker is doubtful. The question wakes no disk: the kernel answers it from memory. Who
does not answer at all is behind as well, until it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from functools import partial

from strongroom.base import limits
from strongroom.mirror import state as machine
from strongroom.mirror.core import Core


class Watch:
    """Has at most one question open to each replica, and remembers since when it is in trouble."""

    def __init__(self, core: Core, free: dict[str, int]) -> None:
        """Ask on the write lanes of `core`; `free` is told how much room there is, in bytes."""
        self._core = core
        self._free = free
        self._asked: dict[str, tuple[float, asyncio.Future[int]]] = {}
        self._since: dict[str, int] = {}

    async def look(self, busy: Container[str]) -> None:
        """Ask all that keep up, and wait READ_SECONDS_MAX for answers; later ones are heard too.

        Args:
            busy: who is being brought up, and so is asked already.
        """
        self._give_up_the_silent()
        for name in sorted(self._core.state.named(machine.VOTER, machine.JOINING)):
            if name not in self._asked and name not in busy:
                self._ask(name)
        if self._asked:
            answers = [answer for _, answer in self._asked.values()]
            await asyncio.wait(answers, timeout=limits.READ_SECONDS_MAX)
        self._keep_times()

    def _ask(self, name: str) -> None:
        answer = self._core.sites[name].writing(lambda r: r.present())
        self._asked[name] = (asyncio.get_running_loop().time(), answer)
        answer.add_done_callback(partial(self._heard, name))

    def _heard(self, name: str, answer: asyncio.Future[int]) -> None:
        del self._asked[name]
        self._core.heard(name, 0, answer, partial(self._free.__setitem__, name))

    def _give_up_the_silent(self) -> None:
        """Call those behind that were asked by an earlier look, long ago.

        Not at the end of a look: a process that was stopped for a while hears all answers late.
        """
        core, now = self._core, asyncio.get_running_loop().time()
        silent = [n for n, (at, _) in self._asked.items() if now - at >= limits.SILENT_SECONDS_MAX]
        for name in silent:
            if not core.state.peers[name].reason:
                reason = "it does not answer: its disk is very slow, or hangs"
                core.event(machine.Missed(name, 0, reason, rolled_back=False))

    def _keep_times(self) -> None:
        now = self._core.now_ms()
        for name in self._core.sites:
            if self._is_well(name):
                self._since.pop(name, None)
            else:
                self._since.setdefault(name, now)

    def _is_well(self, name: str) -> bool:
        peer = self._core.state.peers[name]
        return peer.standing == machine.VOTER and not peer.reason

    def since(self, name: str) -> int | None:
        """Say since when (ms since 1970) this opening knows that a replica is no good voter."""
        return None if self._is_well(name) else self._since.get(name)

    def silent_seconds(self, name: str) -> float | None:
        """Say how long a replica has not answered by now; None = it owes no answer."""
        if name not in self._asked:
            return None
        at, answer = self._asked[name]
        return answer.get_loop().time() - at

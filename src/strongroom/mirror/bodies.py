"""Bodies for a replica that is fed batches: of the others, of what lies there still, or lost.

One old body that rotted on all copies must not keep a disk from being replaced, a cell from being
opened, or the way past a lost quorum shut (I9). It is recorded as lost, which is told; whoever
brings the bytes heals it, and so does a copy that has them and comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Protocol

from strongroom.base import limits
from strongroom.base.errors import DamageError
from strongroom.history.entries import digest_of
from strongroom.mirror.site import Site, in_time

Bodies = Callable[[list[str]], Awaitable[Sequence["bytes | Lost | None"]]]  # None = not now


class Lost(Enum):
    """Of a body: enough of those who may have it were asked, and none can give it."""

    LOST = "lost"


class Others(Protocol):
    """Who is asked for bodies beside the place that is fed."""

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give bodies, each checked on this read (I3); None = nobody can give it now."""

    async def lost(self, digests: Sequence[str], lacking: Site) -> list[str]:
        """Name those that nobody has; [] as long as somebody who counts may have them."""


def bodies_for(others: Others, site: Site, tell: Callable[[set[str]], object]) -> Bodies:
    """Give bodies for what is fed at `site`: of the others, else of what lies there still.

    `tell` hears of each body that is lost.
    """

    async def bodies(digests: list[str]) -> list[bytes | Lost | None]:
        found: list[bytes | Lost | None] = list(await others.bodies(digests))
        lacking = [d for d, body in zip(digests, found, strict=True) if body is None]
        if not lacking:
            return found
        left = await _left_at(site, lacking) or {}
        lost = set(await others.lost([d for d in lacking if d not in left], site))
        if lost:
            tell(lost)
        rest = [left.get(d, Lost.LOST if d in lost else None) for d in lacking]
        more = dict(zip(lacking, rest, strict=True))
        return [more.get(d) if b is None else b for d, b in zip(digests, found, strict=True)]

    return bodies


def alarm_of(lost: set[str]) -> dict[str, str]:
    """Give the alarm that tells of lost bodies, under its name."""
    text = f"body {min(lost)} was good on no copy; `strongroom scrub` names what is lost now"
    return {"bodies": text}


class Places:
    """Others that are asked as they lie there, where no cell is open (see `Others`)."""

    def __init__(self, sure: Sequence[Site], enough: int, doubtful: Sequence[Site] = ()) -> None:
        """Ask places in this order.

        Args:
            sure: a body is lost only once each of these answered, the one that is fed among them.
            enough: how many those must be.
            doubtful: asked as well, as far as they can be read; one that does not answer, once.
        """
        self._sure = list(sure)
        self._enough = enough
        self._doubtful = list(doubtful)

    async def bodies(self, digests: Sequence[str]) -> list[bytes | None]:
        """Give bodies, each checked on this read (I3)."""
        good, _ = await self._searched(digests)
        return [good.get(digest) for digest in digests]

    async def lost(self, digests: Sequence[str], lacking: Site) -> list[str]:  # noqa: ARG002
        """Name those that none of the places has."""
        good, all_answered = await self._searched(digests)
        if not all_answered or len(self._sure) < self._enough:
            return []
        return [digest for digest in digests if digest not in good]

    async def _searched(self, digests: Sequence[str]) -> tuple[dict[str, bytes], bool]:
        """Give good bodies, and whether all of the sure places that were asked answered."""
        good: dict[str, bytes] = {}
        all_answered = True
        for site in [*self._sure, *self._doubtful]:
            if len(good) == len(digests):
                break
            is_sure = site in self._sure
            seconds = 0.0 if is_sure else limits.LISTING_SECONDS_MAX
            got = await _left_at(site, [d for d in digests if d not in good], seconds)
            if got is not None:
                good |= got
            elif is_sure:
                all_answered = False
            else:
                self._doubtful.remove(site)
        return good, all_answered


async def _left_at(
    site: Site, digests: Sequence[str], seconds: float = 0.0
) -> dict[str, bytes] | None:
    """Read what a place still has of some bodies, each checked (I3); None = no answer."""
    try:
        found = await in_time(site.reading(lambda r: r.remains().bodies(digests)), seconds)
    except DamageError:
        return None
    pairs = zip(digests, found, strict=True)
    return {d: body for d, body in pairs if body is not None and digest_of(body) == d}

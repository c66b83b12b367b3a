"""Bodies for a replica that is fed batches: of the voters, of what lies there still, or lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

from strongroom.base.errors import DamageError
from strongroom.history.entries import digest_of
from strongroom.mirror.core import Core
from strongroom.mirror.reader import Reader
from strongroom.mirror.site import Site, in_time

Bodies = Callable[[list[str]], Awaitable[Sequence["bytes | Lost | None"]]]  # None = not now


class Lost(Enum):
    """Of a body: every good voter was asked, and none can give it."""

    LOST = "lost"


def bodies_for(core: Core, reader: Reader, site: Site) -> Bodies:
    """Give bodies for what is fed at `site`: of the voters, else of what lies there still.

    One old body that rotted on all copies must not keep a disk from being replaced (I9).
    """

    async def bodies(digests: list[str]) -> list[bytes | Lost | None]:
        found: list[bytes | Lost | None] = list(await reader.bodies(digests))
        lacking = [d for d, body in zip(digests, found, strict=True) if body is None]
        if not lacking:
            return found
        left = await _left_at(site, lacking)
        lost = set(await reader.lost([d for d in lacking if d not in left], site))
        if lost:
            core.alarms["bodies"] = _no_copy_has(lost)
        rest = [left.get(d, Lost.LOST if d in lost else None) for d in lacking]
        more = dict(zip(lacking, rest, strict=True))
        return [more.get(d) if b is None else b for d, b in zip(digests, found, strict=True)]

    return bodies


def _no_copy_has(lost: set[str]) -> str:
    return f"body {min(lost)} was good on no copy; `strongroom scrub` names what is lost now"


async def _left_at(site: Site, digests: list[str]) -> dict[str, bytes]:
    """Read what a replica that is not believed still has of some bodies; each is checked (I3)."""
    try:
        found = await in_time(site.reading(lambda r: r.remains().bodies(digests)))
    except DamageError:
        return {}
    pairs = zip(digests, found, strict=True)
    return {d: body for d, body in pairs if body is not None and digest_of(body) == d}

"""Places that are asked for bodies where no cell is open, and when one of these is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from fakes.mirror import FakeLane
from strongroom.base import limits
from strongroom.history.entries import digest_of
from strongroom.mirror.bodies import Places
from strongroom.mirror.site import Site
from strongroom.ports.replica import Identity
from strongroom.stores.memory import MemoryReplica, MemoryState

T = TypeVar("T")
ANN, BOB = b"FN:Ann", b"FN:Bob"
A, B = digest_of(ANN), digest_of(BOB)


class Lane(FakeLane):
    """Counts its calls; one that is silent never answers."""

    silent = False
    calls = 0

    def run(self, call: Callable[[], T]) -> asyncio.Future[T]:
        self.calls += 1
        return asyncio.get_running_loop().create_future() if self.silent else super().run(call)


def place(**blobs: bytes | None) -> tuple[Site, Lane]:
    lane = Lane()
    by_digest = {{"a": A, "b": B}[name]: body for name, body in blobs.items()}
    state = MemoryState(Identity("cell", "r", "1"), blobs=by_digest)
    return Site("r", MemoryReplica(state), lane, lane), lane


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LISTING_SECONDS_MAX", "COPY_STEP_SECONDS_MAX"):
        monkeypatch.setattr(limits, name, 0.01)


def asked(places: Places, fed: Site) -> tuple[list[bytes | None], list[str]]:
    async def both() -> tuple[list[bytes | None], list[str]]:
        return await places.bodies([A, B]), await places.lost([A, B], fed)

    return asyncio.run(both())


def test_each_body_is_taken_from_whoever_has_its_bytes():
    one, other, rotten = place(a=ANN)[0], place(a=b"x", b=BOB)[0], place(a=b"x", b=None)[0]
    assert asked(Places([rotten, one, other], 3), rotten) == ([ANN, BOB], [])
    assert asked(Places([rotten, one], 2), rotten) == ([ANN, None], [B])


def test_nothing_is_lost_where_fewer_than_enough_were_asked():
    assert asked(Places([place(a=ANN)[0]], 2), place()[0]) == ([ANN, None], [])


def test_nothing_is_lost_as_long_as_one_that_counts_is_silent():
    (one, lane), other = place(a=ANN), place(b=b"x")[0]
    lane.silent = True
    places = Places([one, other], 1)
    assert asked(places, other) == ([None, None], [])
    lane.silent = False
    assert asked(places, other) == ([ANN, None], [B])


def test_a_doubtful_one_is_asked_last_and_not_waited_for_twice():
    (sure, first), (doubtful, lane) = place(a=ANN), place(a=ANN, b=BOB)
    places = Places([sure], 1, [doubtful])
    assert asked(places, sure) == ([ANN, BOB], [])
    assert (first.calls, lane.calls) == (2, 2)
    lane.silent = True
    for _ in range(2):
        assert asked(places, sure) == ([ANN, None], [B])
    assert lane.calls == 3

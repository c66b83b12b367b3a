"""Bodies that are on their way are bounded for each account."""

from __future__ import annotations

import pytest

from fakes.events import event
from fakes.site import Site
from strongroom.base.errors import BusyError
from strongroom.base.limits import BODIES_HELD_BYTES_MAX, LARGE_BODY_BYTES
from strongroom.dav import holding as module
from strongroom.dav.holding import Holding


def test_large_bodies_of_an_account_are_held_up_to_the_limit() -> None:
    holding = Holding()
    holding.grow(1, 0, BODIES_HELD_BYTES_MAX)
    holding.grow(1, 0, LARGE_BODY_BYTES)  # a small one is always taken
    for _ in range(2):
        with pytest.raises(BusyError):
            holding.grow(1, BODIES_HELD_BYTES_MAX, BODIES_HELD_BYTES_MAX + 1)
    holding.grow(2, 0, BODIES_HELD_BYTES_MAX)  # another account's
    holding.let_go(1, LARGE_BODY_BYTES)
    with pytest.raises(BusyError):
        holding.grow(1, 0, LARGE_BODY_BYTES + 1)
    holding.let_go(1, BODIES_HELD_BYTES_MAX)
    holding.grow(1, 0, BODIES_HELD_BYTES_MAX)


def test_a_body_that_finds_no_room_is_503_and_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODIES_HELD_BYTES_MAX", 1024 * 1024)
    site = Site()
    path = "/dav/calendars/alice/calendar/large.ics"
    site.do("PROPFIND", "/dav/calendars/alice/", depth="0")

    def put(size: int) -> int:
        body = event("DTSTART:20260101T100000Z", "DESCRIPTION:" + "x" * size)
        parts = [body[at : at + 65_536] for at in range(0, len(body), 65_536)]
        return site.do("PUT", path, parts, content_type="text/calendar").status

    assert put(1_200_000) == 503
    assert put(900_000) == 201
    assert put(1_200_000) == 503
    assert put(900_001) == 204

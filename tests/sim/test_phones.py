"""Phones that sync events with the application on a simulated machine lose none, whatever happens.

One kind lists a calendar by a query for a time and removes what that does not name, the other asks
for what changed.
"""

from __future__ import annotations

import pytest

from phone.families import WITH_EVENTS
from phone.family import Phone
from sim.phones import PhoneWalk

STEPS = 12_000


@pytest.mark.parametrize("seed", range(1, 7))
@pytest.mark.parametrize("family", WITH_EVENTS)
def test_no_life_costs_a_phone_an_event(family: type[Phone], seed: int) -> None:
    walk = PhoneWalk(seed, family)
    walk.live(STEPS)
    assert walk.synced > 10
    assert any(owner.mine for owner in walk.owners)

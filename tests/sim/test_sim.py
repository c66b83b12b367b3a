"""Simulated lives by their seeds, and those that once failed.

`--sim-steps N` sets how many steps the lives by seed have in all (a million unless told).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.run import live
from sim.walk import Walk

BLOCKS = 20
STEPS = 1_000_000
ONCE_FAILED = Path(__file__).with_name("seeds.txt")


def once_failed() -> list[tuple[int, int]]:
    """Seeds and steps that showed a mistake once."""
    lines = (line.partition("#")[0].split() for line in ONCE_FAILED.read_text().splitlines())
    return [(int(seed), int(steps)) for seed, steps in filter(None, lines)]


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(1, BLOCKS + 1))
def test_life_by_seed_keeps_every_promise(seed: int, request: pytest.FixtureRequest) -> None:
    steps = (request.config.getoption("--sim-steps") or STEPS) // BLOCKS
    walk = live(seed, steps)
    assert walk.world.loop.steps >= steps
    assert walk.world.model.acknowledged_edits > 0


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "steps"), once_failed())
def test_seed_that_once_failed_keeps_every_promise(seed: int, steps: int) -> None:
    live(seed, steps, Walk)  # without calendars, as they were lived then


def test_same_seed_lives_the_same_life() -> None:
    assert live(5, 8_000).world.mark() == live(5, 8_000).world.mark()


def test_other_seed_lives_another_life() -> None:
    assert live(5, 8_000).world.mark() != live(6, 8_000).world.mark()


def test_old_bodies_rot_everywhere_and_are_brought_again() -> None:
    assert sum(live(seed, 4_000).bygones.brought for seed in range(24, 29)) > 0

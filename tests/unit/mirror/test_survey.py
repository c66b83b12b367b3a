"""What an operator reads before one copy's history becomes the cell's."""

from __future__ import annotations

import pytest

from strongroom.history.entries import Position
from strongroom.mirror.survey import RebuildPlan


@pytest.mark.parametrize(
    ("witness", "told"),
    [
        (Position(3, 9, b""), "The witness knows batch 9.\n"),
        (None, "The witness knows nothing, so nobody can tell whether later changes are missing"),
    ],
)
def test_a_plan_tells_what_the_witness_knows(witness: Position | None, told: str) -> None:
    plan = RebuildPlan("r1", Position(3, 9, b""), witness, ("/b",), ("/c",), ("/d",))
    said = plan.text()
    assert told in said
    assert "The history of r1 (batch 9) becomes the cell's" in said
    assert "quarantine: /b" in said
    assert "Left out: /c" in said

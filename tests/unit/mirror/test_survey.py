"""What an operator reads before one copy's history becomes the cell's."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

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
    given: dict[str, Any] = {
        "source": "r1", "position": Position(3, 9, b""), "witness": witness,
        "replaced": ("/b",), "left_out": ("/c",),
    }  # fmt: skip
    said = RebuildPlan(*(given.get(field.name, ()) for field in fields(RebuildPlan))).text()
    assert told in said
    assert "The history of r1 (batch 9) becomes the cell's" in said
    assert "quarantine: /b" in said
    assert "Left out: /c" in said

"""The faults stand where they should, and the runner lets no survivor pass."""

from __future__ import annotations

import pytest

from sabotage.faults import FAULTS, Fault
from sabotage.runner import ROOT, MisplacedError, judged, planted


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_has_its_place_and_its_tests(fault: Fault) -> None:
    source = (ROOT / "src/strongroom" / fault.file).read_text()
    compile(planted(source, fault), fault.file, "exec")
    for test in fault.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).exists()
        assert not name or f"def {name}(" in (ROOT / path).read_text()


def test_there_are_enough_of_them_and_each_has_a_name() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 30


@pytest.mark.parametrize("source", ["", "old old"])
def test_fault_without_its_place_is_not_planted(source: str) -> None:
    with pytest.raises(MisplacedError):
        planted(source, Fault("x", "x.py", "old", "new", ()))


def test_only_a_failed_test_counts_as_noticed() -> None:
    assert judged(1, "1 failed") == ""
    assert "survived" in judged(0, "1 passed")
    for code, output in (
        (2, "interrupted"),
        (4, "not found"),
        (5, "none"),
        (1, "ERROR collecting"),
    ):
        assert judged(code, output)

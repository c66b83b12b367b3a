"""Limits fit one another: what one lets pass, the next must be able to take."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.base import limits

LINES = [
    line
    for line in Path(limits.__file__).read_text().splitlines()
    if ": Final" in line and not line.startswith("from")
]


@pytest.mark.parametrize("line", LINES)
def test_every_limit_is_a_quantity_and_tells_its_reason(line: str) -> None:
    name = line.partition(":")[0]
    assert getattr(limits, name) >= 0
    assert line.partition("  # ")[2]


def test_the_largest_object_fits_a_batch_and_the_reserve() -> None:
    """I6: a heal of the largest body must go on when the reserve is reached."""
    assert limits.OBJECT_BYTES_MAX <= limits.BATCH_BYTES_MAX
    assert limits.OBJECT_BYTES_MAX <= limits.RESERVE_BYTES


def test_a_full_batch_has_ids_enough_for_edits_of_several_entries() -> None:
    assert limits.BATCH_ENTRIES_MAX * 8 <= 1 << limits.ENTRY_SLOT_BITS


def test_a_replica_that_catches_up_can_overtake_the_writer() -> None:
    assert limits.CATCH_UP_BATCHES > limits.SEND_AHEAD_MAX


def test_what_waits_hears_unknown_before_its_client_gives_up() -> None:
    """I1: an ending that is told, not a connection that hangs."""
    assert limits.RETRY_BATCH_SECONDS < limits.VOTE_SECONDS_MAX < limits.OPENING_SECONDS_MAX <= 30

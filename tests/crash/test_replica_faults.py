"""Short runs of what `make crash` does at length: one replica breaks under load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crash.loops import NoDisksError
from crash.oracle import Findings
from crash.replica_faults import on_disks, on_folders

SECONDS = 1.5


def shown(run: Callable[..., None], place: Path) -> list[Findings]:
    found: list[Findings] = []
    run(place, seconds=SECONDS, report=found.append)
    return found


def assert_no_client_noticed(found: list[Findings]) -> None:
    assert len(found) == 4
    assert all(findings.acknowledged > 10 for findings in found[:3])
    assert [findings for findings in found if findings.bad or findings.failed] == []


@pytest.mark.timeout(240)
def test_no_client_notices_a_replica_rotted_deleted_or_moved_away(tmp_path: Path) -> None:
    assert_no_client_noticed(shown(on_folders, tmp_path))


@pytest.mark.timeout(240)  # it must come to its end, where it unmounts
def test_no_client_notices_a_replica_unmounted_filled_or_read_only(tmp_path: Path) -> None:
    try:
        found = shown(on_disks, tmp_path)
    except NoDisksError as error:
        pytest.skip(f"no disks of its own: {error}")
    assert_no_client_noticed(found)

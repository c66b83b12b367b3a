"""Short runs of what `make crash` does at length: the power goes; and the harness tests itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crash.power import CUTS, power_cuts


def test_nothing_acknowledged_is_lost_when_the_power_goes(tmp_path: Path) -> None:
    found = power_cuts(tmp_path, writes=48, cuts_each=6)

    assert len(found) == len(CUTS)
    assert sum(findings.acknowledged for findings in found) > 100
    assert [findings for findings in found if findings.bad] == []


def no_sync(kind: str, path: str) -> bool:
    return True


def no_sync_of_catalogs(kind: str, path: str) -> bool:
    return kind == "sync" and "catalog" in path


def no_sync_of_blobs(kind: str, path: str) -> bool:
    return kind == "sync" and "/blobs/" in path


def no_sync_of_directories(kind: str, path: str) -> bool:
    return kind == "sync_dir"


@pytest.mark.parametrize(
    "lie", [no_sync, no_sync_of_catalogs, no_sync_of_blobs, no_sync_of_directories]
)
def test_with_syncs_that_are_not_made_the_harness_finds_losses(
    tmp_path: Path, lie: Callable[[str, str], bool]
) -> None:
    (findings,) = power_cuts(tmp_path, writes=48, cuts_each=6, lies=lie, kinds=CUTS[:1])

    assert findings.lost > 0

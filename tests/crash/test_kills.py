"""Short runs of what `make crash` does at length: the process dies."""

from __future__ import annotations

from pathlib import Path

from crash.kills import every_fsync, kill_loop


def test_nothing_is_lost_when_the_server_is_killed_under_load(tmp_path: Path) -> None:
    findings = kill_loop(tmp_path, rounds=4)

    assert findings.acknowledged > 20
    assert findings.bad == 0, findings


def test_nothing_is_lost_when_the_server_ends_at_a_fsync(tmp_path: Path) -> None:
    findings = every_fsync(tmp_path, step=17)

    assert findings.acknowledged > 0
    assert findings.bad == 0, findings

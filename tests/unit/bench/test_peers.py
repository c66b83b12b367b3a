"""A peer that is not installed is left out with its reason; the others are measured."""

import asyncio
from pathlib import Path

import pytest

from bench.__main__ import _prepared
from bench.adapter import Adapter
from bench.peers import cyrus
from bench.workloads import QUICK


def test_where_cyrus_is_not_installed_the_run_says_which_packages_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cyrus, "PROGRAMS", tmp_path)
    adapters: list[Adapter] = [cyrus.Cyrus(tmp_path)]

    assert asyncio.run(_prepared(adapters, QUICK)) == {}
    assert adapters == []
    assert "Cyrus is left out: it needs Debian's cyrus-imapd" in capsys.readouterr().err


def test_cyrus_serves_as_its_own_user_and_syncs_as_it_does_by_default(tmp_path: Path) -> None:
    options = cyrus._options(tmp_path)

    assert f"configdirectory: {tmp_path}/config" in options
    assert "cyrus_user: root" not in options
    assert "unsafe" not in options

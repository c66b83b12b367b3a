"""What was set aside is counted as far as that is quick, and deleted when asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.stores import quarantine


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with a replica's folder and a body set aside, 30 bytes in 3 files."""
    folder = tmp_path / "quarantine" / "catalog-i1.1"
    folder.mkdir(parents=True)
    for path in (folder / "catalog.db", folder / "catalog.db-wal", folder.parent / "ab.1"):
        path.write_bytes(b"0123456789")
    (tmp_path / "replica.json").write_bytes(b"{}")
    return tmp_path


def test_all_files_are_counted_with_their_bytes(place: Path) -> None:
    assert quarantine.count(place, 100) == (3, 30)
    assert quarantine.count(place / "nowhere", 100) == (0, 0)


@pytest.mark.parametrize(("most", "counted"), [(2, 2), (3, 3), (4, 3)])
def test_counting_ends_at_a_limit(place: Path, most: int, counted: int) -> None:
    assert quarantine.count(place, most) == (counted, 10 * counted)


def test_a_file_that_goes_meanwhile_counts_as_nothing(place: Path) -> None:
    sizes = quarantine._sizes(place / "quarantine")
    assert next(sizes) == 10
    for path in (place / "quarantine").rglob("catalog*"):
        if path.is_file():
            path.unlink()
    assert list(sizes) == []


def test_what_is_dropped_is_gone_and_nothing_else(place: Path) -> None:
    assert quarantine.drop(place) == (3, 30)
    assert [entry.name for entry in place.iterdir()] == ["replica.json"]
    assert quarantine.drop(place) == (0, 0)

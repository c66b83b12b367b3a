"""What the simulator shows of a voter beside the history, on directories and real catalogs."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.faulty_disk import CountingDisk, Fuse, faulty_sqlite
from fakes.mirror import FakeLane, Stage
from strongroom.base import limits
from strongroom.base.errors import UnavailableReplicaError
from strongroom.base.limits import SMALL_BLOB_BYTES_MAX
from strongroom.history.entries import Batch, Member, Position
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.site import FrozenCellError, Site
from strongroom.stores.durable import Disk, Durable
from strongroom.stores.sqlite import SqliteReplica

LARGE = b"x" * (SMALL_BLOB_BYTES_MAX + 1)


def fresh(stage: Stage, places: list[Path], disk: Disk | None = None) -> None:
    """Begin as a new process does."""
    for site in stage.sites:
        site.replica.close()
    stage.sites[:] = [
        Site(str(p), SqliteReplica(p, Durable(disk)), FakeLane(), FakeLane()) for p in places
    ]


def takes_nothing(site: Site) -> None:
    def apply(batch: Batch, bodies: Mapping[str, bytes], term: int) -> Position:
        raise UnavailableReplicaError("no space left on device", rolled_back=True)

    site.replica.apply = apply  # type: ignore[method-assign]


def marker(place: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((place / "replica.json").read_bytes())
    return told


async def body_of(cell: MirrorCell, stage: Stage, href: str) -> bytes | None:
    row = await cell.row(stage.key(href))
    assert isinstance(row, Member)
    return (await cell.bodies([row.etag]))[0]


async def one_beside(stage: Stage, places: list[Path]) -> None:
    """Leave r1 with a card that was never told, r2 good, and r3 away."""
    cell = await stage.begin()
    await stage.put(cell, "a.vcf", LARGE)
    await cell.close()
    fresh(stage, places)
    cell = await stage.open()
    for site in stage.sites[1:]:
        takes_nothing(site)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stage.put(cell, "a.vcf", b"BOB"), 0.05)
    await cell.close()
    places[0].rename(places[0].with_name("away"))
    fresh(stage, places)
    cell = await stage.open()
    await stage.put(cell, "b.vcf", b"EVE")
    await cell.close()
    places[0].with_name("away").rename(places[0])
    places[2].rename(places[2].with_name("away"))
    fresh(stage, places)


def test_a_directory_beside_the_history_becomes_a_copy_of_the_same_voter(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("r1", "r2", "r3")]
    for place in places:
        place.mkdir()
    steps: list[tuple[int, int]] = []

    async def scene() -> None:
        stage = Stage([])
        fresh(stage, places)
        await one_beside(stage, places)
        before = marker(places[0])
        cell = await MirrorCell.open(
            stage.sites, stage.witness, FakeLane(), stage.clock, stage.entropy,
            write_quorum=2, progress=lambda held, of: steps.append((held, of)),
        )  # fmt: skip
        assert await body_of(cell, stage, "a.vcf") == LARGE
        assert await body_of(cell, stage, "b.vcf") == b"EVE"
        await stage.put(cell, "c.vcf", b"new")
        await cell.close()
        after = marker(places[0])
        assert after == {**before, "folder": before["folder"] + "-again"}
        assert [p.name for p in (places[0] / "quarantine").iterdir()] == [before["folder"] + ".1"]
        places[2].with_name("away").rename(places[2])
        places[1].rename(places[1].with_name("away"))
        fresh(stage, places)
        cell = await stage.open()  # on the copy, and on the third that missed it all
        assert await body_of(cell, stage, "c.vcf") == b"new"
        await cell.close()
        fresh(stage, places)
        for site in stage.sites:
            site.replica.close()

    asyncio.run(scene())
    assert steps
    assert steps[-1][0] == steps[-1][1]


@pytest.fixture
def fuse() -> Iterator[Fuse]:
    with faulty_sqlite() as fuse:
        yield fuse
        fuse.arm(0)


@pytest.mark.parametrize("first", [1, 12])
def test_whatever_fails_in_such_an_opening_the_next_one_finds_all(
    tmp_path: Path, fuse: Fuse, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the n-th read, write or sync on nothing works any more, as when a process is killed."""
    monkeypatch.setattr(limits, "OPENING_SECONDS_MAX", 0.2)
    template = tmp_path / "template"
    endings: set[bool] = set()

    def places(base: Path) -> list[Path]:
        return [base / name for name in ("r1", "r2", "r3")]

    async def opens(stage: Stage, base: Path, disk: Disk | None) -> bool:
        fresh(stage, places(base), disk)
        try:
            cell = await stage.open()
        except FrozenCellError:
            return False
        if disk is None:  # else it may fail right behind the opening
            assert await body_of(cell, stage, "b.vcf") == b"EVE"
        await cell.close()
        return True

    async def scene() -> None:
        stage = Stage([])
        for place in places(template):
            place.mkdir(parents=True)
        fresh(stage, places(template))
        await one_beside(stage, places(template))
        fresh(stage, places(template))  # nothing is open
        testimony = stage.witness.testimony
        for n in range(first, 2000, 23):
            base = tmp_path / f"{n}"
            shutil.copytree(template, base)
            stage.witness.testimony = testimony
            fuse.arm(n, stays=True)
            endings.add(await opens(stage, base, CountingDisk(fuse)))
            blown = fuse.blown
            fuse.arm(0)
            assert await opens(stage, base, None)
            fresh(stage, places(base))
            if not blown:
                return
        pytest.fail("the sweep has no end")

    asyncio.run(scene())
    assert endings == {False, True}

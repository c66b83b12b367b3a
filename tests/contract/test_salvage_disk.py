"""Salvage from real replica directories: one left, no quorum, rot in each kind of page.

A bit is flipped in every page in turn of the one copy that is left; whatever page it is, what is
given is right, no call fails, and only what lay on that page may be missing, and is told.
"""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from contract.harm import flip
from fakes.mirror import FakeClock, FakeWitness, Stage
from strongroom.base.limits import SMALL_BLOB_BYTES_MAX
from strongroom.history.entries import digest_of
from strongroom.mirror.site import Site
from strongroom.mirror.unopened import Unopened, look
from strongroom.ports.cell import Salvaged, Unreadable
from strongroom.stores.sqlite import SqliteReplica
from strongroom.stores.threads import ThreadLane

PAGE = 4096
CARDS = 120
LARGE = b"large " * (SMALL_BLOB_BYTES_MAX // 6 + 1)
BODIES = {f"{digest_of(b'%d' % n)[:16]}.vcf": b"card %d " % n * 20 for n in range(CARDS)}
BODIES["large.vcf"] = LARGE


class Disks:
    """Three directories with a cell of one book that was closed well."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.places = [root / name for name in ("r1", "r2", "r3")]
        self.witness = FakeWitness()
        self.book = 0
        for place in self.places:
            place.mkdir()
        asyncio.run(self._fill())

    def sites(self, *, looks_only: bool) -> list[Site]:
        return [
            Site(
                str(place), SqliteReplica(place, looks_only=looks_only),
                ThreadLane("write"), ThreadLane("read"),
            )
            for place in self.places
        ]  # fmt: skip

    async def _fill(self) -> None:
        stage = Stage(sites=self.sites(looks_only=False), witness=self.witness)
        cell = await stage.begin()
        await asyncio.gather(*(stage.put(cell, name, body) for name, body in BODIES.items()))
        self.book = stage.book
        await cell.close()
        _close(stage.sites)

    def salvage(self) -> tuple[dict[str, bytes | None], list[Unreadable], Unopened]:
        """Look, salvage the book, and close again."""
        return asyncio.run(self._salvage())

    async def _salvage(self) -> tuple[dict[str, bytes | None], list[Unreadable], Unopened]:
        sites = self.sites(looks_only=True)
        found = await look(sites, self.witness.testimony, 2, FakeClock())
        items = [one async for one in found.salvage(self.book)]
        _close(sites)
        given = {one.member.href: one.body for one in items if isinstance(one, Salvaged)}
        return given, [one for one in items if isinstance(one, Unreadable)], found

    def files(self) -> dict[str, bytes]:
        found = sorted(path for path in self.root.rglob("*") if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in found}


def _close(sites: list[Site]) -> None:
    for site in sites:
        site.replica.close()
        site.write.close()
        site.read.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Disks:
    return Disks(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def disks(sound: Disks, tmp_path: Path) -> Disks:
    """The same directories, to be spoilt."""
    copy = Disks.__new__(Disks)
    copy.root = tmp_path / "disks"
    shutil.copytree(sound.root, copy.root)
    copy.places = [copy.root / place.name for place in sound.places]
    copy.witness, copy.book = sound.witness, sound.book
    return copy


def catalog(place: Path) -> Path:
    (found,) = place.glob("catalog-*/catalog.db")
    return found


def test_one_directory_alone_gives_everything_and_nothing_changes(disks: Disks) -> None:
    for place in disks.places[1:]:
        shutil.rmtree(place)
    before = disks.files()
    given, gaps, found = disks.salvage()
    assert given == BODIES
    assert [gap.what for gap in gaps] == [
        f"the copy in {place} cannot be read: it is not there" for place in disks.places[1:]
    ]
    assert not found.proves(disks.book)
    assert disks.files() == before


def test_whichever_page_of_the_last_copy_rots_all_but_what_lay_there_is_given(
    disks: Disks,
) -> None:
    for place in disks.places[1:]:
        shutil.rmtree(place)
    path = catalog(disks.places[0])
    good = path.read_bytes()
    lost = []
    for page in range(len(good) // PAGE):
        flip(path, page * PAGE + 900)
        given, gaps, _ = disks.salvage()
        wrong = {name for name, body in given.items() if body not in {None, BODIES[name]}}
        assert not wrong, f"page {page}"
        missing = [name for name in BODIES if given.get(name) is None]
        unnamed = len(BODIES) - len(given)
        assert unnamed <= sum(gap.count for gap in gaps), f"page {page} hides names unsaid"
        lost.append(len(missing))
        path.write_bytes(good)
    # What is told twice is never lost; of bodies a page holds some, and an inner node hides more.
    assert sorted(lost)[: len(lost) // 2] == [0] * (len(lost) // 2), lost
    assert sum(count > 30 for count in lost) <= 3, lost


def test_of_two_copies_with_every_other_page_rotten_much_is_given_and_all_is_told(
    disks: Disks,
) -> None:
    shutil.rmtree(disks.places[2])
    for place, half in zip(disks.places, (0, 1), strict=False):
        path = catalog(place)
        for page in range(4 + half, path.stat().st_size // PAGE, 2):
            flip(path, page * PAGE + 900)
    given, gaps, found = disks.salvage()
    assert not found.proves(disks.book)
    assert {name for name, body in given.items() if body not in {None, BODIES[name]}} == set()
    kept = [name for name, body in given.items() if body is not None]
    assert len(kept) > 20
    assert len(BODIES) - len(given) <= sum(gap.count for gap in gaps)


def test_a_body_file_that_is_gone_is_named_and_another_copy_s_is_given(disks: Disks) -> None:
    digest = digest_of(LARGE)
    files = [place / "blobs" / digest[:2] / digest for place in disks.places]
    for file in files[:2]:
        file.unlink()
    assert disks.salvage()[0] == BODIES
    files[2].write_bytes(b"something else")
    given, _, found = disks.salvage()
    assert given == {**BODIES, "large.vcf": None}
    assert found.proves(disks.book)  # that it stands is proven all the same


def test_a_copy_that_is_no_catalog_any_more_is_stepped_over_and_named(disks: Disks) -> None:
    shutil.rmtree(disks.places[2])
    catalog(disks.places[0]).write_bytes(b"")
    given, gaps, _ = disks.salvage()
    assert given == BODIES
    catalog(disks.places[0]).unlink()
    given, gaps, _ = disks.salvage()
    assert given == BODIES
    assert any(str(disks.places[0]) in gap.what for gap in gaps)


def test_a_witness_that_knows_more_takes_the_proof_and_not_the_records(disks: Disks) -> None:
    testimony = disks.witness.testimony
    assert testimony is not None
    ahead = testimony.heads[disks.book]
    ahead = ahead._replace(number=ahead.number + 3, chain=b"c" * 32)
    disks.witness = FakeWitness()
    disks.witness.testimony = testimony._replace(heads={**testimony.heads, disks.book: ahead})
    given, gaps, found = disks.salvage()
    assert given == BODIES
    assert gaps == [Unreadable("later changes that the witness or a device has seen", 3)]
    assert not found.proves(disks.book)

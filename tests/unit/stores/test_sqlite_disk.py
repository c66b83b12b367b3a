"""A replica and its disk: body files, copies, other processes, no room."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from contract.faulty_disk import CountingDisk
from contract.harm import catalog, run_sql
from contract.story import Story, identity, more, tell
from strongroom.base.errors import (
    BlobError,
    BrokenReplicaError,
    RefusedBatchError,
    SettingsError,
    UnavailableReplicaError,
)
from strongroom.base.limits import SMALL_BLOB_BYTES_MAX
from strongroom.history.entries import digest_of
from strongroom.ports.replica import Absent, Blank, Damaged, Found
from strongroom.stores.durable import Durable
from strongroom.stores.sqlite import SqliteReplica, vfs

BIG = b"big" * 40_000


# --- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL_BLOB_BYTES_MAX, SMALL_BLOB_BYTES_MAX + 1])
def test_only_a_larger_body_is_a_file(root: Path, replica: SqliteReplica, size: int) -> None:
    body = b"x" * size
    story = more(Story(), body)
    tell(replica, story)
    path = root / "blobs" / digest_of(body)[:2] / digest_of(body)
    assert path.exists() == (size > SMALL_BLOB_BYTES_MAX)
    assert replica.bodies([digest_of(body)]) == [body]


def test_a_body_dedupes_onto_an_unsynced_file_by_syncing_it(root: Path) -> None:
    disk = CountingDisk()
    replica = SqliteReplica(root, Durable(disk))
    replica.create(identity())
    replica.promise(1)
    digest = digest_of(BIG)
    path = root / "blobs" / digest[:2] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(BIG)
    inode = path.stat().st_ino
    disk.synced.clear()
    story = more(Story(), BIG)
    tell(replica, story)
    assert disk.synced == [digest, digest[:2]]
    assert path.stat().st_ino == inode
    disk.synced.clear()
    story.put("again.vcf", BIG)
    replica.apply(story.batch(), {}, 1)
    assert disk.synced == []  # recorded in this catalog, so surely synced
    replica.close()


def test_a_file_with_other_bytes_is_replaced_and_kept(root: Path, replica: SqliteReplica) -> None:
    digest = digest_of(BIG)
    path = root / "blobs" / digest[:2] / digest
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of it")
    tell(replica)
    assert replica.bodies([digest]) == [BIG]
    assert (root / "quarantine" / f"{digest}.1").read_bytes() == b"half of it"


def test_a_copy_syncs_every_file_that_it_records(root: Path) -> None:
    disk = CountingDisk()
    replica = SqliteReplica(root, Durable(disk))
    replica.create(identity())
    replica.promise(1)
    story = tell(replica)
    copy = replica.begin_copy("i2")
    disk.synced.clear()
    for batch in story.batches:
        copy.apply(batch, story.bodies, 1)
    assert digest_of(BIG) in disk.synced
    copy.close()
    replica.close()


def test_a_missing_or_unreadable_file_is_none_and_heals(root: Path, replica: SqliteReplica) -> None:
    tell(replica)
    digest = digest_of(BIG)
    path = root / "blobs" / digest[:2] / digest
    path.unlink()
    assert replica.bodies([digest, digest_of(b"anna")]) == [None, b"anna"]
    replica.heal(digest, BIG)
    path.write_bytes(b"rot")
    assert replica.bodies([digest]) == [b"rot"]
    replica.heal(digest, BIG)
    assert replica.bodies([digest]) == [BIG]
    assert (root / "quarantine" / f"{digest}.1").read_bytes() == b"rot"


def test_a_small_body_heals_in_the_catalog_and_the_old_bytes_are_kept(
    root: Path, replica: SqliteReplica
) -> None:
    tell(replica)
    run_sql(replica, "UPDATE blobs SET body = CAST('rot' AS BLOB) WHERE size = 4")
    digest = digest_of(b"anna")
    assert replica.bodies([digest]) == [b"rot"]
    replica.heal(digest, b"anna")
    assert replica.bodies([digest]) == [b"anna"]
    assert (root / "quarantine" / f"{digest}.1").read_bytes() == b"rot"


def test_healing_with_other_bytes_or_what_is_not_recorded_is_refused(
    replica: SqliteReplica,
) -> None:
    tell(replica)
    with pytest.raises(BlobError):
        replica.heal(digest_of(b"anna"), b"other")
    with pytest.raises(BlobError):
        replica.heal(digest_of(b"never"), b"never")
    assert replica.bodies([digest_of(b"never")]) == [None]


# --- copies -------------------------------------------------------------------------------------


def test_a_copy_that_is_over_never_stands_for_what_the_marker_names(
    replica: SqliteReplica,
) -> None:
    story = tell(replica)
    given_up = replica.begin_copy("i2")
    taken_over = replica.begin_copy("i3")
    story.tell_to(taken_over)
    replica.switch(taken_over)
    for copy in (given_up, taken_over):
        with pytest.raises(BrokenReplicaError):
            copy.heads()
        with pytest.raises(BrokenReplicaError):
            copy.apply(story.batches[-1], {}, 1)
        with pytest.raises(BrokenReplicaError):
            replica.switch(copy)
    assert replica.heads().value == story.heads


def test_a_switch_is_durable_for_another_opening(root: Path, replica: SqliteReplica) -> None:
    story = tell(replica)
    copy = replica.begin_copy("i2")
    story.tell_to(copy)
    replica.switch(copy)
    replica.close()
    again = SqliteReplica(root)
    found = again.probe()
    assert isinstance(found, Found)
    assert (found.identity, found.position) == (identity("i2"), story.position)
    again.close()


def test_a_copy_of_a_replica_whose_marker_changed_does_not_switch(
    root: Path, replica: SqliteReplica
) -> None:
    copy = replica.begin_copy("i2")
    marker = root / "replica.json"
    marker.write_bytes(marker.read_bytes().replace(b'"r1"', b'"r2"'))
    with pytest.raises(BrokenReplicaError):
        replica.switch(copy)
    assert b'"r2"' in marker.read_bytes()
    copy.close()


def test_a_copy_of_the_same_incarnation_lies_in_the_other_of_two_folders(
    root: Path, replica: SqliteReplica
) -> None:
    story = tell(replica)
    for folder in ("catalog-i1-again", "catalog-i1"):
        copy = replica.begin_copy("i1")
        story.tell_to(copy)
        replica.switch(copy)
        assert [p.name for p in root.glob("catalog-*")] == [folder]
    kept = sorted(p.name for p in (root / "quarantine").iterdir())
    assert kept == ["catalog-i1-again.1", "catalog-i1.1"]


def test_a_promise_makes_the_marker_durable_that_a_killed_process_left(root: Path) -> None:
    """Killed inside a switch: the new marker is there, and its rename may not be on the disk."""
    disk = CountingDisk()
    replica = SqliteReplica(root, Durable(disk))
    replica.create(identity())
    disk.synced.clear()
    replica.promise(1)
    assert root.name in disk.synced
    replica.close()


class RenameUnsynced(CountingDisk):
    """Fails the first fsync after a rename, once it is armed."""

    armed = renamed = False

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self.renamed = self.armed

    def fsync(self, fd: int) -> None:
        if self.renamed:
            self.armed = self.renamed = False
            raise OSError(errno.EIO, "it is gone")
        super().fsync(fd)


def test_after_a_switch_that_was_not_synced_neither_side_is_believed(root: Path) -> None:
    """What the kernel shows is the copy, and after a power cut it may be the old one."""
    disk = RenameUnsynced()
    replica = SqliteReplica(root, Durable(disk))
    replica.create(identity())
    replica.promise(1)
    story = tell(replica)
    copy = replica.begin_copy("i1")
    story.tell_to(copy)
    disk.armed = True
    with pytest.raises(BrokenReplicaError):
        replica.switch(copy)
    assert b"again" in (root / "replica.json").read_bytes()
    assert isinstance(replica.probe(), Damaged)
    copy = replica.begin_copy("i2")  # the one way back
    story.tell_to(copy)
    replica.switch(copy)
    assert isinstance(replica.probe(), Found)
    replica.close()


# --- other processes ----------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [False, True])
def test_another_process_can_neither_write_nor_read(
    root: Path, replica: SqliteReplica, copied: bool
) -> None:
    story = tell(replica)
    if copied:
        copy = replica.begin_copy("i2")
        story.tell_to(copy)
        replica.switch(copy)
    script = (
        "import sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], timeout=0)\n"
        "try:\n    c.execute('UPDATE cell SET number = 99')\n    c.commit()\n"
        "except sqlite3.OperationalError as error:\n    print(error)\n    sys.exit(7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, catalog(root, "i2" if copied else "i1")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 7, done
    assert "locked" in done.stdout
    assert replica.heads().position.number == 3


def test_a_closed_catalog_can_be_read_with_plain_sqlite(root: Path, replica: SqliteReplica) -> None:
    tell(replica)
    replica.close()
    copy = shutil.copy(catalog(root), root.parent / "copy.db")
    connection = sqlite3.connect(copy)
    rows = connection.execute("SELECT CAST(entry AS TEXT) FROM journal ORDER BY place").fetchall()
    assert len(rows) == 7
    assert '"href":"a.vcf"' in rows[0][0]
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


# --- room ---------------------------------------------------------------------------------------


def test_the_wal_starts_anew_once_it_is_large(
    root: Path, replica: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(replica)
    wal = catalog(root).with_name("catalog.db-wal")
    replica.checkpoint()
    assert wal.stat().st_size > 0
    monkeypatch.setattr("strongroom.stores.sqlite.replica.WAL_BYTES_MAX", 0)
    replica.checkpoint()
    assert wal.stat().st_size == 0
    assert replica.heads().position.number == 3


def test_a_reader_in_the_way_of_a_checkpoint_is_waited_for_next_time(
    replica: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell(replica)
    monkeypatch.setattr("strongroom.stores.sqlite.replica.WAL_BYTES_MAX", 0)
    assert replica._opened is not None
    reader, writer = replica._opened.read_connection, replica._opened.write_connection
    writer.set_busy_timeout(1)
    reader.execute("BEGIN; SELECT * FROM cell").fetchall()
    replica.checkpoint()
    replica.apply(more(story).batches[-1], story.bodies, 1)
    reader.execute("COMMIT")
    replica.checkpoint()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip("a small disk can only be mounted by root on Linux")
    place = tmp_path / "tiny"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def _fill(replica: SqliteReplica, story: Story, size: int) -> None:
    for n in range(200):
        story.put(f"{n}.vcf", b"%d" % n + b"x" * size)
        replica.apply(story.batch(), story.bodies, 1)


@pytest.mark.parametrize("size", [30_000, 90_000])
def test_a_full_disk_gives_no_vote_and_no_doubt_and_recovers(tiny: Path, size: int) -> None:
    ballast = tiny / "ballast"
    ballast.write_bytes(b"x" * 500_000)
    replica = SqliteReplica(tiny)
    replica.create(identity())
    replica.promise(1)
    story = Story()
    with pytest.raises(UnavailableReplicaError):
        _fill(replica, story, size)
    assert 0 < replica.heads().position.number < len(story.batches)
    found = replica.probe()
    assert isinstance(found, Found)
    ballast.unlink()
    story.tell_to(replica)
    assert replica.heads().value == story.heads
    replica.close()


def test_a_disk_that_turns_read_only_gives_no_vote_and_no_doubt(tiny: Path) -> None:
    replica = SqliteReplica(tiny)
    replica.create(identity())
    replica.promise(1)
    story = tell(replica)
    replica.close()
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    again = SqliteReplica(tiny)
    assert isinstance(again.probe(), Absent | Found)
    more(story)
    with pytest.raises(UnavailableReplicaError):
        again.apply(story.batches[-1], story.bodies, 1)
    subprocess.run(["mount", "-o", "remount,rw", tiny], check=True)
    again.close()
    assert again.apply(story.batches[-1], story.bodies, 1) == story.position
    again.close()


@pytest.mark.parametrize("killed", [True, False])
def test_a_disk_that_is_mounted_read_only_can_be_looked_at(tiny: Path, killed: bool) -> None:
    """As a careful person mounts what was pulled out of a computer that died."""
    replica = SqliteReplica(tiny)
    replica.create(identity())
    replica.promise(1)
    story = tell(replica)
    if killed:
        shutil.copytree(tiny, tiny / "image")
        replica.close()
        for name in ("replica.json", "catalog-i1", "blobs"):
            path = tiny / name
            path.unlink() if path.is_file() else shutil.rmtree(path)
            (tiny / "image" / name).rename(path)
        assert catalog(tiny).with_name("catalog.db-wal").stat().st_size > 0
    else:
        replica.close()
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    looking = SqliteReplica(tiny, looks_only=True)
    found = looking.probe()
    assert isinstance(found, Found), found
    assert found.position == story.position
    assert None not in looking.bodies(list(story.bodies))
    looking.close()


def test_an_unmounted_disk_gives_no_vote_and_its_place_is_blank(tiny: Path) -> None:
    replica = SqliteReplica(tiny)
    replica.create(identity())
    replica.promise(1)
    story = more(tell(replica))
    subprocess.run(["umount", "-l", tiny], check=True)
    try:
        with pytest.raises(UnavailableReplicaError):
            replica.apply(story.batches[-1], story.bodies, 1)
        more(story, b"large" * 40_000)
        with pytest.raises(UnavailableReplicaError):
            replica.apply(story.batches[-1], story.bodies, 1)
        with pytest.raises(UnavailableReplicaError):
            replica.heal(digest_of(BIG), BIG)
        assert list(tiny.iterdir()) == []
        assert replica.probe() == Blank()
    finally:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", tiny], check=True)


def test_a_replica_of_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vfs, "_STACK", vfs._Stack())
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    with pytest.raises(SettingsError):
        vfs.install()


def test_a_refused_batch_leaves_no_body_recorded(replica: SqliteReplica) -> None:
    story = Story()
    story.put("a.vcf", BIG)
    batch = story.batch()
    with pytest.raises(RefusedBatchError):
        replica.apply(replace(batch, heads=digest_of(b"")), story.bodies, 1)
    assert replica.missing([digest_of(BIG)]) == [digest_of(BIG)]

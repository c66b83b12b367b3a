"""Whether a replica is there is known without a write to it."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from contract.story import identity, tell
from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError
from strongroom.ports.replica import Found
from strongroom.stores.sqlite import SqliteReplica, anchor


def test_a_folder_that_is_renamed_away_has_vanished_until_it_is_back(
    root: Path, replica: SqliteReplica
) -> None:
    tell(replica)
    root.rename(root.with_name("away"))
    with pytest.raises(UnavailableReplicaError, match=r"vanished: .*replica.json is not there"):
        replica.present()
    root.with_name("away").rename(root)
    assert replica.present() > 0


def test_a_folder_without_its_marker_has_vanished(root: Path, replica: SqliteReplica) -> None:
    tell(replica)
    root.rename(root.with_name("away"))
    root.mkdir()
    with pytest.raises(UnavailableReplicaError):
        replica.present()
    assert list(root.iterdir()) == []


def test_another_replica_in_its_place_is_not_it(root: Path, replica: SqliteReplica) -> None:
    tell(replica)
    shutil.copytree(root, root.with_name("copy"))
    root.rename(root.with_name("away"))
    root.with_name("copy").rename(root)
    with pytest.raises(BrokenReplicaError, match="another device or catalog"):
        replica.present()


def test_what_broke_before_is_not_present(root: Path, replica: SqliteReplica) -> None:
    tell(replica)
    replica._broken = "fsync: Input/output error"
    with pytest.raises(BrokenReplicaError, match="fsync"):
        replica.present()


@pytest.fixture
def disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernel lists, with the disk that this test lies on."""
    listed = tmp_path / "block"
    monkeypatch.setattr(anchor, "DISKS", listed)
    device = os.stat(tmp_path).st_dev
    (listed / f"{os.major(device)}:{os.minor(device)}").mkdir(parents=True)
    return listed


@pytest.fixture
def found(root: Path, disks: Path) -> SqliteReplica:
    """A replica on that disk."""
    replica = SqliteReplica(root)
    replica.create(identity())
    replica.promise(1)
    return replica


def test_a_disk_that_is_pulled_out_has_vanished_though_its_files_still_answer(
    disks: Path, found: SqliteReplica
) -> None:
    assert found.present() > 0
    (disk,) = disks.iterdir()
    disk.rmdir()
    with pytest.raises(UnavailableReplicaError, match="pulled out"):
        found.present()
    disk.mkdir()
    assert found.present() > 0
    assert isinstance(found.probe(), Found)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_process_that_may_open_no_more_files_says_nothing_of_its_disks(
    found: SqliteReplica, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Strangers who open connections must not make all copies doubtful at once."""

    def starved(self: anchor.Anchor) -> bytes:
        raise OSError(number, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(anchor.Anchor, "_read_marker", starved)
        with pytest.raises(UnavailableReplicaError, match="Too many open files") as caught:
            found.promise(7)
        assert not caught.value.rolled_back, "it is asked after a commit"
    assert found.present() > 0


def test_a_marker_that_cannot_be_read_is_doubt_unless_its_disk_was_pulled_out(
    disks: Path, found: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: anchor.Anchor) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(anchor.Anchor, "_read_marker", broken)
    (disk,) = disks.iterdir()
    disk.rmdir()
    with pytest.raises(UnavailableReplicaError, match="pulled out"):
        found.present()
    disk.mkdir()
    with pytest.raises(BrokenReplicaError, match="Input/output"):
        found.present()


def test_a_medium_that_became_read_only_is_said_before_anybody_writes(
    replica: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(path: str) -> SimpleNamespace:
        return SimpleNamespace(f_flag=os.ST_RDONLY, f_bavail=1, f_frsize=4096)

    monkeypatch.setattr(anchor.os, "statvfs", statvfs)
    with pytest.raises(UnavailableReplicaError, match="takes no writes"):
        replica.present()


@pytest.mark.parametrize("option", ["emergency_ro", "shutdown"])
def test_a_file_system_that_stopped_after_an_error_is_said_before_anybody_writes(
    disks: Path, found: SqliteReplica, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    (disk,) = disks.iterdir()
    mounts = disks.with_name("mountinfo")
    monkeypatch.setattr(anchor, "MOUNTS", mounts)
    well = f"46 27 {disk.name} / /mnt/b rw,relatime - ext4 /dev/sdb1 rw,errors=remount-ro\n"
    mounts.write_text(f"47 27 0:0 / /mnt/c rw - ext4 /dev/sdc1 rw,{option}\n{well}")
    assert found.present() > 0
    mounts.write_text(well.replace("remount-ro", f"remount-ro,{option}"))
    with pytest.raises(UnavailableReplicaError, match="takes no writes"):
        found.present()


def test_a_medium_whose_room_is_not_told_is_judged_by_the_error(
    replica: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statvfs(path: str) -> SimpleNamespace:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(anchor.os, "statvfs", statvfs)
    with pytest.raises(BrokenReplicaError, match="look at"):
        replica.present()

"""Durable writes: what is synced, in which order, and what a failure means."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from contract.faulty_disk import CountingDisk, Fuse
from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError
from strongroom.stores.durable import Disk, Durable


class FailingDisk(Disk):
    """Fails one operation with one error, always."""

    def __init__(self, operation: str, code: int) -> None:
        self.code = code
        setattr(self, operation, self._fail)

    def _fail(self, *_: object) -> None:
        raise OSError(self.code, os.strerror(self.code))


def test_a_new_file_is_synced_before_its_name_and_then_its_directory(tmp_path: Path) -> None:
    disk = CountingDisk()
    Durable(disk).write_new(tmp_path / "a", b"x" * 100)
    assert disk.fuse.seen == ["open", "write", "fsync", "rename", "open", "fsync"]
    assert disk.synced == [".a.new", tmp_path.name]
    assert (tmp_path / "a").read_bytes() == b"x" * 100


def test_what_is_created_is_synced_and_takes_nothings_place(tmp_path: Path) -> None:
    disk = CountingDisk()
    Durable(disk).create(tmp_path / "a", b"new")
    assert disk.synced == ["a", tmp_path.name]
    with pytest.raises(FileExistsError):
        Durable(disk).create(tmp_path / "a", b"other")
    assert (tmp_path / "a").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("operation", "error"), [("write", UnavailableReplicaError), ("fsync", BrokenReplicaError)]
)
def test_what_cannot_be_created_whole_is_not_there(
    tmp_path: Path, operation: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        Durable(FailingDisk(operation, errno.ENOSPC)).create(tmp_path / "a", b"new")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnavailableReplicaError):
        Durable().create(tmp_path / "no" / "a", b"new")


def test_a_rename_syncs_both_directories(tmp_path: Path) -> None:
    disk = CountingDisk()
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a").write_bytes(b"")
    Durable(disk).move(tmp_path / "one" / "a", tmp_path / "two" / "a")
    assert disk.synced == ["two", "one"]


def test_each_directory_that_is_made_is_synced_in_its_parent(tmp_path: Path) -> None:
    disk = CountingDisk()
    Durable(disk).make_dirs(tmp_path / "a" / "b" / "c")
    assert disk.synced == [tmp_path.name, "a", "b"]
    Durable(disk).make_dirs(tmp_path / "a" / "b" / "c")
    assert len(disk.synced) == 3


def test_what_is_replaced_is_kept_aside(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "kept").mkdir()
    disk = CountingDisk()
    Durable(disk).replace(tmp_path / "a", b"new", tmp_path / "kept" / "a.1")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "kept" / "a.1").read_bytes() == b"old"
    assert disk.synced == [".a.new", "kept", tmp_path.name]


def test_where_there_are_no_links_it_is_kept_by_a_rename(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    Durable(FailingDisk("link", errno.EPERM)).replace(tmp_path / "a", b"new", tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert (tmp_path / "b").read_bytes() == b"old"


def test_a_line_is_appended_and_synced(tmp_path: Path) -> None:
    disk = CountingDisk()
    durable = Durable(disk)
    fd = durable.open_append(tmp_path / "log")
    for line in (b"one", b"two"):
        durable.append_line(fd, tmp_path / "log", line)
    durable.close(fd)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"
    assert disk.synced == [tmp_path.name, "log", "log"]


def test_a_short_write_is_continued(tmp_path: Path) -> None:
    class Slow(Disk):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            return super().write(fd, data[:3])

    Durable(Slow()).write_new(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


@pytest.mark.parametrize(
    "operation,code",
    [
        ("open", errno.ENOSPC),
        ("write", errno.ENOSPC),
        ("write", errno.EDQUOT),
        ("open", errno.EROFS),
        ("open", errno.ENOENT),
        ("open", errno.EMFILE),
        ("rename", errno.ENOENT),
    ],
)
def test_a_full_read_only_or_vanished_disk_is_behind(
    tmp_path: Path, operation: str, code: int
) -> None:
    with pytest.raises(UnavailableReplicaError) as caught:
        Durable(FailingDisk(operation, code)).write_new(tmp_path / "a", b"x")
    assert caught.value.rolled_back
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    "operation,code",
    [("write", errno.EIO), ("fsync", errno.EIO), ("fsync", errno.ENOSPC), ("rename", errno.EIO)],
)
def test_any_failed_fsync_and_any_io_error_is_doubt(
    tmp_path: Path, operation: str, code: int
) -> None:
    with pytest.raises(BrokenReplicaError):
        Durable(FailingDisk(operation, code)).write_new(tmp_path / "a", b"x")
    assert not (tmp_path / "a").exists()


def test_a_failed_fsync_is_not_tried_again(tmp_path: Path) -> None:
    fuse = Fuse()
    fuse.arm(3)  # open, write, fsync
    disk = CountingDisk(fuse)
    with pytest.raises(BrokenReplicaError):
        Durable(disk).write_new(tmp_path / "a", b"x")
    assert fuse.seen == ["open", "write", "fsync"]
    assert list(tmp_path.glob("a")) == []


def test_a_missing_parent_is_not_made_by_the_way(tmp_path: Path) -> None:
    with pytest.raises(UnavailableReplicaError):
        Durable().make_dir(tmp_path / "gone" / "a")
    assert list(tmp_path.iterdir()) == []


def test_an_unsynced_file_is_synced_with_its_name(tmp_path: Path) -> None:
    disk = CountingDisk()
    (tmp_path / "a").write_bytes(b"x")
    Durable(disk).sync_file(tmp_path / "a")
    assert disk.synced == ["a", tmp_path.name]


def test_a_removed_name_is_gone_for_good(tmp_path: Path) -> None:
    disk = CountingDisk()
    (tmp_path / "a").write_bytes(b"x")
    Durable(disk).remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert disk.synced == [tmp_path.name]

"""What a real file system says of itself once it failed or its disk is gone, without a write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.story import identity, tell
from crash.loops import LoopDisk, NoDisksError, loop_disks
from strongroom.base.errors import BrokenReplicaError, UnavailableReplicaError
from strongroom.ports.replica import Absent
from strongroom.stores.sqlite import SqliteReplica, anchor


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[LoopDisk]:
    try:
        with loop_disks(tmp_path, 1) as disks:
            yield disks[0]
    except NoDisksError as error:
        pytest.skip(f"no disks of its own: {error}")


def replica_on(disk: LoopDisk) -> SqliteReplica:
    root = disk.place / "replica"
    root.mkdir(exist_ok=True)
    replica = SqliteReplica(root)
    replica.create(identity())
    replica.promise(1)
    tell(replica)
    assert replica.present() > 0
    return replica


def test_a_disk_that_is_unmounted_under_it_has_vanished_and_is_found_again(disk: LoopDisk) -> None:
    replica = replica_on(disk)
    disk.unmount()
    with pytest.raises(UnavailableReplicaError, match="vanished"):
        replica.present()
    assert isinstance(replica.probe(), Absent)
    disk.mount()
    assert replica.present() > 0
    replica.close()


def test_a_file_system_that_failed_is_known_to_take_no_writes(disk: LoopDisk) -> None:
    replica = replica_on(disk)
    disk.make_read_only()
    with pytest.raises(UnavailableReplicaError, match="takes no writes"):
        replica.present()
    replica.close()


def test_a_disk_that_is_pulled_out_has_vanished_and_one_that_only_fails_is_doubtful(
    disk: LoopDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = os.stat(disk.place).st_dev
    entry = tmp_path / "block" / f"{os.major(device)}:{os.minor(device)}"
    entry.mkdir(parents=True)
    monkeypatch.setattr(anchor, "DISKS", entry.parent)
    replica = replica_on(disk)
    disk.stop()
    entry.rmdir()
    with pytest.raises(UnavailableReplicaError, match="pulled out"):
        replica.present()
    entry.mkdir()
    with pytest.raises(BrokenReplicaError, match="Input/output error"):
        replica.present()
    replica.close()

"""Unfinished copies are removed by the next try; what may have been a replica never is."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.story import Story, identity, tell
from strongroom.base.errors import DamageError, UnavailableReplicaError
from strongroom.ports.replica import Damaged, Found
from strongroom.stores.durable import Disk, Durable
from strongroom.stores.sqlite import SqliteReplica
from strongroom.stores.sqlite.leftovers import MARK


def catalogs(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("catalog-*"))


def set_aside(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("quarantine/*"))


def half_a_copy(replica: SqliteReplica, story: Story, incarnation: str) -> None:
    copy = replica.begin_copy(incarnation)
    copy.promise(1)
    copy.apply(story.batches[0], story.bodies, 1)


def restarted(root: Path, durable: Durable | None = None) -> SqliteReplica:
    made = SqliteReplica(root, durable)
    assert isinstance(made.probe(), Found)
    return made


def whole_copy(replica: SqliteReplica, story: Story, incarnation: str) -> None:
    copy = replica.begin_copy(incarnation)
    story.tell_to(copy)
    replica.switch(copy)


@pytest.mark.parametrize("killed", [False, True])
def test_a_copy_that_fails_ten_times_leaves_one_leftover_at_most(
    root: Path, replica: SqliteReplica, *, killed: bool
) -> None:
    story = tell(replica)
    used = []
    for number in range(10):
        if killed:
            replica.close()
            replica = restarted(root)
        half_a_copy(replica, story, f"try{number}")
        assert catalogs(root) == ["catalog-i1", f"catalog-try{number}"]
        used.append(sum(path.stat().st_size for path in root.rglob("*")))
    assert set_aside(root) == []
    assert max(used) - min(used) < 100_000
    whole_copy(replica, story, "i2")
    assert catalogs(root) == ["catalog-i2"]
    assert set_aside(root) == ["catalog-i1.1"]
    assert not (root / "catalog-i2" / MARK).exists()
    replica.close()


def test_what_was_a_replica_is_set_aside_and_not_removed(
    root: Path, replica: SqliteReplica
) -> None:
    """Killed right behind the rename: the old catalog still lies beside the new one."""
    story = tell(replica)
    whole_copy(replica, story, "i2")
    (root / "quarantine" / "catalog-i1.1").rename(root / "catalog-i1")
    half_a_copy(replica, story, "i3")
    assert set_aside(root) == ["catalog-i1.1"]
    assert (root / "quarantine" / "catalog-i1.1" / "catalog.db").exists()


class KilledError(Exception):
    """The process is killed here."""


class Watching(Disk):
    """Notes what is done to names, and can be told to end everything at one of them."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.fail: Callable[[str], Exception | None] = lambda _: None

    def note(self, what: str) -> None:
        self.seen.append(what)
        error = self.fail(what)
        if error is not None:
            raise error

    def open(self, path: Path, flags: int) -> int:
        self.note(f"open {path.parent.name}/{path.name}")
        return super().open(path, flags)

    def fsync(self, fd: int) -> None:
        self.note(f"sync {Path(os.readlink(f'/proc/self/fd/{fd}')).name}")
        super().fsync(fd)

    def rename(self, source: Path, target: Path) -> None:
        self.note(f"rename {target.name}")
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self.note(f"unlink {path.name}")
        super().unlink(path)

    def rmdir(self, path: Path) -> None:
        self.note("rmdir")
        super().rmdir(path)


@pytest.fixture
def disk() -> Watching:
    return Watching()


@pytest.fixture
def watched(root: Path, disk: Watching) -> SqliteReplica:
    replica = SqliteReplica(root, Durable(disk))
    replica.create(identity())
    replica.promise(1)
    return replica


def test_a_copy_loses_its_mark_for_good_once_its_marker_has_taken_over_for_good(
    root: Path, disk: Watching, watched: SqliteReplica
) -> None:
    """Later, a power cut could leave a voter that looks like a leftover."""
    story = tell(watched)
    copy = watched.begin_copy("i2")
    story.tell_to(copy)
    disk.seen.clear()
    watched.switch(copy)
    order = ["rename replica.json", f"sync {root.name}", f"unlink {MARK}", "sync catalog-i2"]
    begin = disk.seen.index(order[0])
    assert [what for what in disk.seen[begin:] if what in order][:4] == order
    watched.close()


def killed_at(watched: SqliteReplica, disk: Watching, what: str) -> Story:
    """Kill the process at one step of a switch to i2."""
    story = tell(watched)
    copy = watched.begin_copy("i2")
    story.tell_to(copy)
    disk.fail = lambda seen: KilledError() if seen == what else None
    with pytest.raises(KilledError):
        watched.switch(copy)
    copy.close()
    watched.close()
    disk.fail = lambda _: None
    return story


def test_a_copy_that_was_about_to_take_over_is_a_leftover(
    root: Path, disk: Watching, watched: SqliteReplica
) -> None:
    story = killed_at(watched, disk, "rename replica.json")
    half_a_copy(restarted(root), story, "i3")
    assert catalogs(root) == ["catalog-i1", "catalog-i3"]
    assert set_aside(root) == []


def test_a_copy_that_took_over_is_no_leftover_before_it_is_counted(
    root: Path, disk: Watching, watched: SqliteReplica
) -> None:
    """Killed before its mark was gone: it goes durably, before a term is promised."""
    story = killed_at(watched, disk, f"unlink {MARK}")
    replica = restarted(root, Durable(disk))
    disk.seen.clear()
    replica.promise(1)
    assert disk.seen.index(f"sync {root.name}") < disk.seen.index(f"unlink {MARK}")
    assert disk.seen[-1] == "sync catalog-i2"
    half_a_copy(replica, story, "i3")
    (root / "replica.json").write_bytes((root / "catalog-i3" / MARK).read_bytes())
    half_a_copy(restarted(root), story, "i4")
    assert set_aside(root) == ["catalog-i1.1", "catalog-i2.1"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EIO])
def test_a_marker_that_cannot_be_replaced_leaves_nothing_that_grows(
    root: Path, disk: Watching, watched: SqliteReplica, code: int
) -> None:
    story = tell(watched)
    disk.fail = lambda what: OSError(code, "not now") if what == "rename replica.json" else None
    for number in range(5):
        with pytest.raises(DamageError, match="not now"):
            whole_copy(watched, story, f"try{number}")
        assert catalogs(root) == ["catalog-i1", f"catalog-try{number}"]
    assert isinstance(watched.probe(), Damaged if code == errno.EIO else Found)
    disk.fail = lambda _: None
    whole_copy(watched, story, "i2")
    assert catalogs(root) == ["catalog-i2"]
    assert set_aside(root) == ["catalog-i1.1"]
    watched.close()


def test_a_mark_that_cannot_be_looked_for_promises_nothing(
    root: Path, disk: Watching, watched: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exists(path: Path) -> bool:
        raise OSError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", exists)
    with pytest.raises(UnavailableReplicaError, match="look for"):
        watched.promise(7)


def foreign(folder: Path, old: bytes, new: bytes) -> None:
    mark = folder / MARK
    assert old in mark.read_bytes()
    mark.write_bytes(mark.read_bytes().replace(old, new))


def linked(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere", target_is_directory=True)


def a_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_bytes(b"a note of the operator")


HARM: dict[str, Callable[[Path], object]] = {
    "another replica's": lambda f: foreign(f, b'"r1"', b'"r2"'),
    "another cell's": lambda f: foreign(f, identity().cell.encode(), b"other"),
    "called otherwise": lambda f: foreign(f, b'"catalog-i2"', b'"catalog-i7"'),
    "of no known format": lambda f: foreign(f, b'"format":1', b'"format":9'),
    "without a mark": lambda f: (f / MARK).unlink(),
    "with something else in it": lambda f: (f / "notes.txt").write_bytes(b"mine"),
    "with a folder in it": lambda f: (f / "more").mkdir(),
    "a link": linked,
    "a file": a_file,
}


@pytest.mark.parametrize("harm", HARM.values(), ids=HARM.keys())
def test_what_is_not_surely_an_unfinished_copy_of_ours_is_left(
    root: Path, replica: SqliteReplica, harm: Callable[[Path], object]
) -> None:
    story = tell(replica)
    half_a_copy(replica, story, "i2")
    replica.close()
    harm(root / "catalog-i2")
    replica = restarted(root)
    half_a_copy(replica, story, "i3")
    assert set_aside(root) == ["catalog-i2.1"]
    assert catalogs(root) == ["catalog-i1", "catalog-i3"]
    replica.close()


def test_without_room_for_a_copy_the_tries_leave_nothing_that_grows(
    root: Path, disk: Watching, watched: SqliteReplica
) -> None:
    disk.fail = lambda what: (
        OSError(errno.ENOSPC, "no room") if what.startswith("open catalog-try") else None
    )
    for number in range(10):
        with pytest.raises(UnavailableReplicaError, match="no room"):
            watched.begin_copy(f"try{number}")
    assert catalogs(root) == ["catalog-i1", "catalog-try9"]
    assert set_aside(root) == []
    watched.close()


def test_a_removal_that_ends_half_way_is_finished_by_the_next(
    root: Path, disk: Watching, watched: SqliteReplica
) -> None:
    story = tell(watched)
    for stop in range(1, 12):
        half_a_copy(watched, story, "i2")
        left = [stop]

        def fails(what: str, left: list[int] = left) -> Exception | None:
            left[0] -= 1
            return OSError(errno.EACCES, "not now") if left[0] == 0 else None

        disk.fail = fails
        try:
            watched.begin_copy("i3")
        except DamageError:
            assert isinstance(watched.probe(), Found)
        disk.fail = lambda _: None
        half_a_copy(watched, story, "i4")
        assert catalogs(root) == ["catalog-i1", "catalog-i4"]
        assert set_aside(root) == []
    watched.close()


def test_a_place_that_cannot_be_looked_at_is_no_place_for_a_copy(
    replica: SqliteReplica, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = tell(replica)
    half_a_copy(replica, story, "i2")

    def iterdir(path: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(UnavailableReplicaError, match="look for unfinished copies"):
        replica.begin_copy("i3")

"""Files for a person: whole under their name, or not there at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from strongroom.base.errors import ConflictError, InvalidError, NotFoundError
from strongroom.stores.drafts import file_draft, folder_draft
from strongroom.stores.durable import Disk, Durable


class Watched(Disk):
    """The real disk, whose calls are written down; the one called `fails` fails."""

    def __init__(self, fails: str = "", number: int = errno.EIO) -> None:
        self.calls: list[str] = []
        self.fails = fails
        self.number = number
        self.folders: set[int] = set()

    def _do(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails:
            raise OSError(self.number, os.strerror(self.number))

    def open(self, path: Path, flags: int) -> int:
        self._do("create" if flags & os.O_CREAT else "open")
        fd = super().open(path, flags)
        self.folders.discard(fd)
        if flags & os.O_DIRECTORY:
            self.folders.add(fd)
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self._do("write")
        return super().write(fd, data[:3])

    def fsync(self, fd: int) -> None:
        self._do("fsync dir" if fd in self.folders else "fsync")
        super().fsync(fd)

    def rename(self, source: Path, target: Path) -> None:
        self._do("rename")
        super().rename(source, target)

    def mkdir(self, path: Path) -> None:
        self._do("mkdir")
        super().mkdir(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_file_takes_its_name_when_all_of_it_is_durable(tmp_path: Path) -> None:
    disk = Watched()
    target = tmp_path / "all.vcf"
    with file_draft(target, Durable(disk)) as draft:
        draft.write(b"one ")
        draft.write(b"two")
        assert not target.exists()
    assert target.read_bytes() == b"one two"
    assert target.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["all.vcf"]
    kinds = [call for call in disk.calls if call in {"write", "fsync", "rename", "fsync dir"}]
    assert kinds[-3:] == ["fsync", "rename", "fsync dir"]
    assert kinds.index("fsync") == len(kinds) - 3


def test_a_folder_takes_its_name_when_all_of_it_is_durable(tmp_path: Path) -> None:
    disk = Watched()
    target = tmp_path / "card"
    with folder_draft(target, Durable(disk)) as draft:
        draft.add(("book", "a.vcf"), b"a" * 10)
        draft.add(("book", "b.vcf"), b"b")
        draft.add(("index.html",), b"page")
        assert not target.exists()
    assert names(tmp_path) == ["a.vcf", "b.vcf", "book", "card", "index.html"]
    assert (target / "book" / "a.vcf").read_bytes() == b"a" * 10
    assert target.stat().st_mode & 0o777 == (target / "book").stat().st_mode & 0o777 == 0o700
    assert (target / "index.html").stat().st_mode & 0o777 == 0o600
    assert disk.calls.count("fsync") == 3
    assert disk.calls.index("fsync") > max(i for i, c in enumerate(disk.calls) if c == "write")
    last = disk.calls.index("rename")
    assert disk.calls[last - 1] == disk.calls[-1] == "fsync dir"


Make = Callable[[Path, Durable], None]


def make_file(target: Path, durable: Durable) -> None:
    with file_draft(target, durable) as draft:
        draft.write(b"some")


def make_folder(target: Path, durable: Durable) -> None:
    with folder_draft(target, durable) as draft:
        draft.add(("book", "a"), b"some")


FILE = [(make_file, call) for call in ("create", "write", "open", "fsync", "rename")]
FOLDER = [
    (make_folder, call) for call in ("mkdir", "create", "write", "fsync", "fsync dir", "rename")
]


@pytest.mark.parametrize(("make", "fails"), [*FILE, *FOLDER])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_what_fails_leaves_nothing_and_says_why(
    tmp_path: Path, make: Make, fails: str, number: int
) -> None:
    target = tmp_path / "out"
    with pytest.raises(InvalidError, match="Nothing was left") as raised:
        make(target, Durable(Watched(fails, number)))
    assert f"{target} cannot be written: {os.strerror(number)}" in str(raised.value)
    assert names(tmp_path) == []


def test_a_name_that_the_disk_does_not_confirm_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="Do not rely on it"):
        make_file(tmp_path / "out", Durable(Watched("fsync dir")))
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("make", [make_file, make_folder])
def test_a_medium_that_cannot_sync_directories_will_do(tmp_path: Path, make: Make) -> None:
    make(tmp_path / "out", Durable(Watched("fsync dir", errno.EINVAL)))
    assert names(tmp_path)[-1] == "out"


@pytest.mark.parametrize("draft", [file_draft, folder_draft])
def test_who_is_interrupted_leaves_nothing(tmp_path: Path, draft: Callable[..., object]) -> None:
    with pytest.raises(KeyboardInterrupt), draft(tmp_path / "out"):  # type: ignore[attr-defined]
        raise KeyboardInterrupt
    with pytest.raises(NotFoundError), draft(tmp_path / "out"):  # type: ignore[attr-defined]
        raise NotFoundError
    assert names(tmp_path) == []


def test_what_is_there_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for draft, name in (
        (file_draft, "file"), (file_draft, "folder"), (file_draft, "empty"), (file_draft, "link"),
        (folder_draft, "file"), (folder_draft, "folder"), (folder_draft, "link"),
    ):  # fmt: skip
        with pytest.raises(ConflictError, match="untouched"), draft(tmp_path / name):
            pass
    assert (tmp_path / "file").read_bytes() == b"old"
    make_folder(tmp_path / "empty", Durable())
    assert names(tmp_path / "empty") == ["a", "book"]


@pytest.mark.parametrize("draft", [file_draft, folder_draft])
def test_what_came_meanwhile_is_not_replaced_either(
    tmp_path: Path, draft: Callable[..., object]
) -> None:
    with pytest.raises(ConflictError), draft(tmp_path / "out"):  # type: ignore[attr-defined]
        (tmp_path / "out").write_bytes(b"theirs")
    assert (tmp_path / "out").read_bytes() == b"theirs"
    assert names(tmp_path) == ["out"]


def test_the_root_of_a_disk_is_no_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sd").mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path.name == "sd")
    with pytest.raises(ConflictError, match="new folder on it"), folder_draft(tmp_path / "sd"):
        pass


def test_a_place_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="No such file"), file_draft(tmp_path / "no" / "f"):
        pass
    with pytest.raises(InvalidError, match="No such file"), folder_draft(tmp_path / "no" / "f"):
        pass

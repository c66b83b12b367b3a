"""One process at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from contract.harm import catalog
from contract.story import tell
from strongroom.base.errors import LockedError, SettingsError
from strongroom.stores.locks import Locks
from strongroom.stores.sqlite import SqliteReplica

OTHER = """
import sys
from pathlib import Path
from strongroom.base.errors import LockedError
from strongroom.stores.locks import Locks
try:
    Locks().take([Path(p) for p in sys.argv[1:]])
except LockedError as error:
    print(error)
    sys.exit(7)
"""


def other_process(*directories: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", OTHER, *directories], capture_output=True, text=True, check=False,
        env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.returncode in {0, 7}, done.stderr
    return done.returncode, done.stdout


@pytest.fixture
def places(tmp_path: Path) -> list[Path]:
    made = [tmp_path / name for name in ("r1", "r2", "data")]
    for place in made:
        place.mkdir()
    return made


def test_another_process_is_kept_out_and_told_where(places: list[Path]) -> None:
    with Locks() as locks:
        locks.take(places)
        code, text = other_process(places[1])
        assert code == 7
        assert str(places[1]) in text
    assert other_process(*places)[0] == 0


def test_all_are_taken_or_none(places: list[Path]) -> None:
    with Locks() as held:
        held.take([places[2]])
        with pytest.raises(LockedError, match="data"):
            Locks().take(places)
        assert other_process(places[0])[0] == 0


def test_a_stray_open_and_close_drops_no_lock(places: list[Path]) -> None:
    with Locks() as locks:
        locks.take(places)
        (places[0] / "lock").open("r+b").close()
        (places[0] / "lock").read_bytes()
        assert other_process(places[0])[0] == 7


def test_the_lock_stands_when_a_stray_open_of_the_catalog_dropped_sqlites(root: Path) -> None:
    with Locks() as locks:
        locks.take([root])
        replica = SqliteReplica(root)
        replica.probe()
        catalog(root).parent.mkdir()
        catalog(root).write_bytes(b"")
        catalog(root).open("rb").close()
        assert other_process(root)[0] == 7
        replica.close()


def test_the_replica_itself_opens_no_database_file_but_through_sqlite(
    root: Path, replica: SqliteReplica
) -> None:
    opened: list[str] = []
    listening = True  # an audit hook cannot be taken away again

    def hear(name: str, args: tuple[object, ...]) -> None:
        if listening and name == "open":
            opened.append(str(args[0]))

    sys.addaudithook(hear)
    story = tell(replica)
    replica.probe()
    replica.checkpoint()
    replica.bodies(list(story.bodies))
    copy = replica.begin_copy("i2")
    story.tell_to(copy)
    opened_while_open = [name for name in opened if "catalog.db" in name]
    listening = False
    replica.switch(copy)
    # A new catalog is fsynced by its name once, after SQLite closed it and before it is opened.
    assert opened_while_open == [str(catalog(root, "i2"))]


@pytest.mark.parametrize("twist", ["same", "dots", "symlink"])
def test_two_paths_that_are_one_directory_are_refused(
    places: list[Path], tmp_path: Path, twist: str
) -> None:
    link = tmp_path / "link"
    link.symlink_to(places[0])
    twin = {"same": places[0], "dots": places[1] / ".." / "r1", "symlink": link}[twist]
    with pytest.raises(SettingsError, match="same directory"):
        Locks().take([places[0], twin])


def test_a_directory_that_is_not_there_is_left_out(places: list[Path], tmp_path: Path) -> None:
    with Locks() as locks:
        locks.take([*places, tmp_path / "unmounted"])
        assert not (tmp_path / "unmounted").exists()
        assert other_process(places[0])[0] == 7

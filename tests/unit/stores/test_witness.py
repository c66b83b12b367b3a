"""The witness file: what was told is recalled, and nothing half."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.faulty_disk import CountingDisk, Fuse
from strongroom.base.errors import BrokenReplicaError, SettingsError
from strongroom.history.entries import Head, Position, genesis_head
from strongroom.ports import world
from strongroom.stores.durable import Durable
from strongroom.stores.witness import FileWitness, decode, encode


def position(number: int) -> Position:
    return Position(2, number, bytes([number]) * 32)


def head(collection: int, number: int) -> Head:
    return genesis_head(collection)._replace(number=number, sum=number << 200, batch=number)


FIRST = world.Testimony("cafe", position(1), {1: head(1, 1), 7: head(7, 4)}, {7: "aa"})


@pytest.fixture
def witness(tmp_path: Path) -> FileWitness:
    return FileWitness(tmp_path / "witness")


def file_of(tmp_path: Path) -> Path:
    return tmp_path / "witness" / "cafe.ndjson"


def test_where_nothing_was_told_nothing_is_recalled(witness: FileWitness, tmp_path: Path) -> None:
    assert witness.recall() is None
    assert list(tmp_path.iterdir()) == []


def test_what_was_rewritten_and_told_is_recalled_by_another(
    witness: FileWitness, tmp_path: Path
) -> None:
    witness.rewrite(FIRST)
    witness.tell(position(2), [head(7, 5)], {7: "aa", 9: "bb"})
    witness.tell(position(3), [head(9, 1)], {7: "aa", 9: "bb"})
    witness.close()
    assert file_of(tmp_path).read_bytes().count(b"\n") == 3
    told = FileWitness(tmp_path / "witness").recall()
    heads = {1: head(1, 1), 7: head(7, 5), 9: head(9, 1)}
    assert told == world.Testimony("cafe", position(3), heads, {7: "aa", 9: "bb"})


def test_rewriting_leaves_one_line(witness: FileWitness, tmp_path: Path) -> None:
    witness.rewrite(FIRST)
    witness.tell(position(2), [head(7, 5)], {})
    second = FIRST._replace(position=position(9))
    witness.rewrite(second)
    assert file_of(tmp_path).read_bytes() == encode(second) + b"\n"
    assert witness.recall() == second


def test_each_telling_is_synced(tmp_path: Path) -> None:
    disk = CountingDisk()
    witness = FileWitness(tmp_path / "witness", Durable(disk))
    witness.rewrite(FIRST)
    disk.synced.clear()
    witness.tell(position(2), [], {})
    witness.tell(position(3), [], {})
    assert disk.synced.count("cafe.ndjson") == 2
    witness.close()


@pytest.mark.parametrize("cut", [1, 2, 40])
def test_a_torn_last_line_is_dropped(witness: FileWitness, tmp_path: Path, cut: int) -> None:
    witness.rewrite(FIRST)
    witness.tell(position(2), [head(7, 5)], {})
    witness.close()
    whole = file_of(tmp_path).read_bytes()
    file_of(tmp_path).write_bytes(whole[:-cut])
    assert witness.recall() == FIRST


def test_after_a_torn_line_the_next_telling_writes_all_anew(
    witness: FileWitness, tmp_path: Path
) -> None:
    witness.rewrite(FIRST)
    with file_of(tmp_path).open("ab") as file:
        file.write(b'{"half')
    again = FileWitness(tmp_path / "witness")
    again.recall()
    again.tell(position(2), [head(7, 5)], {7: "aa"})
    told = FileWitness(tmp_path / "witness").recall()
    assert told is not None
    assert (told.position, told.heads[7]) == (position(2), head(7, 5))
    assert told.heads[1] == head(1, 1)
    again.close()


def test_a_telling_that_failed_does_not_spoil_the_next(tmp_path: Path) -> None:
    fuse = Fuse()
    witness = FileWitness(tmp_path / "witness", Durable(CountingDisk(fuse)))
    witness.rewrite(FIRST)
    witness.tell(position(2), [head(7, 5)], {7: "aa"})
    fuse.arm(2)  # write, fsync
    with pytest.raises(BrokenReplicaError):
        witness.tell(position(3), [head(7, 6)], {7: "aa"})
    fuse.arm(0)
    witness.tell(position(4), [head(7, 7)], {7: "aa"})
    told = FileWitness(tmp_path / "witness").recall()
    assert told == world.Testimony("cafe", position(4), {1: head(1, 1), 7: head(7, 7)}, {7: "aa"})
    witness.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"half",
        encode(FIRST)[:-5],
        b"bad\n" + encode(FIRST) + b"\n",
        encode(FIRST).replace(b"cafe", b"beef") + b"\n",
        encode(FIRST) + b"\n" + encode(FIRST._replace(cell="beef")) + b"\n",
    ],
)
def test_damage_is_not_taken_for_an_answer(raw: bytes) -> None:
    with pytest.raises(BrokenReplicaError):
        decode(raw)


def test_a_file_under_another_name_is_not_believed(witness: FileWitness, tmp_path: Path) -> None:
    witness.rewrite(FIRST)
    file_of(tmp_path).rename(tmp_path / "witness" / "beef.ndjson")
    with pytest.raises(BrokenReplicaError):
        witness.recall()


def test_two_cells_in_one_place_are_refused(witness: FileWitness) -> None:
    witness.rewrite(FIRST)
    witness.rewrite(FIRST._replace(cell="beef"))
    with pytest.raises(SettingsError, match=r"beef.ndjson, cafe.ndjson"):
        witness.recall()


def test_a_file_that_is_removed_while_it_is_written_is_noticed(
    witness: FileWitness, tmp_path: Path
) -> None:
    witness.rewrite(FIRST)
    witness.tell(position(2), [], {})
    file_of(tmp_path).unlink()
    with pytest.raises(BrokenReplicaError):
        witness.tell(position(3), [], {})
    witness.close()

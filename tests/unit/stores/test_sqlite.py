"""What only a replica on a disk can get wrong: identity, pages, files, other processes."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from contract.harm import catalog, flip, run_sql
from contract.story import BOOK, Story, identity, more, short_story, tell
from strongroom.base.errors import (
    BrokenReplicaError,
    StatementError,
    UnavailableReplicaError,
)
from strongroom.history.entries import OBJECT, Key, digest_of, uid_key
from strongroom.ports.replica import Absent, Blank, Damaged, Found
from strongroom.stores.sqlite import SqliteReplica

BIG = b"big" * 40_000


# --- probing ----------------------------------------------------------------------------------


def test_a_directory_that_is_not_there_is_absent(tmp_path: Path) -> None:
    assert isinstance(SqliteReplica(tmp_path / "nowhere").probe(), Absent)


def test_probing_a_blank_directory_creates_nothing(root: Path) -> None:
    assert SqliteReplica(root).probe() == Blank()
    assert list(root.iterdir()) == []


def test_a_closed_replica_is_found_where_it_was(root: Path, replica: SqliteReplica) -> None:
    story = tell(replica)
    replica.close()
    again = SqliteReplica(root)
    found = again.probe()
    assert isinstance(found, Found)
    assert (found.position, found.promised, found.device) == (
        story.position, 1, root.stat().st_dev,
    )  # fmt: skip
    again.close()


@pytest.mark.parametrize("text", [b"", b"{}", b"not json", b'{"format":2}', b"[1]"])
def test_a_marker_that_cannot_be_understood_is_absent(
    root: Path, replica: SqliteReplica, text: bytes
) -> None:
    replica.close()
    (root / "replica.json").write_bytes(text)
    assert isinstance(SqliteReplica(root).probe(), Absent)


def test_a_marker_without_its_catalog_is_damaged(root: Path, replica: SqliteReplica) -> None:
    replica.close()
    catalog(root).unlink()
    found = SqliteReplica(root).probe()
    assert isinstance(found, Damaged)
    assert found.identity == identity()
    assert not catalog(root).exists()


def test_a_catalog_of_another_replica_is_damaged(tmp_path: Path, replica: SqliteReplica) -> None:
    (tmp_path / "r2").mkdir()
    other = SqliteReplica(tmp_path / "r2")
    other.create(identity("i1", "r2"))
    other.close()
    replica.close()
    shutil.copy(catalog(tmp_path / "r2"), catalog(tmp_path / "r1"))
    assert isinstance(SqliteReplica(tmp_path / "r1").probe(), Damaged)


def test_a_torn_end_of_the_wal_is_ordinary(root: Path, replica: SqliteReplica) -> None:
    story = short_story()
    for batch in story.batches:
        replica.apply(batch, story.bodies, 1)
    snapshot = root.parent / "after a power cut"
    shutil.copytree(root, snapshot)
    replica.close()
    wal = catalog(snapshot).with_name("catalog.db-wal")
    os.truncate(wal, wal.stat().st_size - 100)
    again = SqliteReplica(snapshot)
    found = again.probe()
    assert isinstance(found, Found)
    assert found.position == story.batches[1].position
    again.apply(story.batches[2], story.bodies, 1)
    again.close()


def test_a_catalog_whose_checksums_are_off_is_damaged(root: Path, replica: SqliteReplica) -> None:
    tell(replica)
    replica.close()
    with catalog(root).open("r+b") as file:
        file.seek(20)
        file.write(b"\0")
    assert isinstance(SqliteReplica(root).probe(), Damaged)


def test_a_catalog_of_a_newer_format_is_absent_and_left_alone(
    root: Path, replica: SqliteReplica
) -> None:
    run_sql(replica, "PRAGMA user_version = 2")
    replica.close()
    before = catalog(root).read_bytes()
    assert isinstance(SqliteReplica(root).probe(), Absent)
    assert catalog(root).read_bytes() == before


# --- pages --------------------------------------------------------------------------------------


def test_a_flipped_bit_in_any_page_is_noticed(root: Path, replica: SqliteReplica) -> None:
    story = tell(replica)
    replica.checkpoint()
    replica.close()
    whole = catalog(root).read_bytes()
    noticed = 0
    pages = len(whole) // 4096
    for page in range(pages):
        catalog(root).write_bytes(whole)
        flip(catalog(root), page * 4096 + 4000)
        noticed += _is_noticed(root, story)
    assert noticed == pages


def test_swapped_pages_pass_the_checksums_and_not_the_heads(
    root: Path, replica: SqliteReplica
) -> None:
    story = Story()
    for n in range(60):
        story.put(f"{n}.vcf", b"%d" % n)
    story.batch()
    tell(replica, story)
    rows = "SELECT pageno FROM dbstat WHERE name = 'members' AND pagetype = 'leaf'"
    replica.checkpoint()
    replica.close()
    plain = sqlite3.connect(f"file:{catalog(root)}?mode=ro&immutable=1", uri=True)
    first, second = [page for (page,) in plain.execute(rows)][:2]
    plain.close()
    whole = bytearray(catalog(root).read_bytes())
    one, two = (slice((n - 1) * 4096, n * 4096) for n in (first, second))
    whole[one], whole[two] = whole[two], whole[one]
    catalog(root).write_bytes(whole)
    assert isinstance(replica.probe(), Found)
    found = replica.rows(list(story.rows)).value
    # A look-up alone would say "never seen": the reason why absence needs N-W+1 voters (I4).
    assert None in found


def _is_noticed(root: Path, story: Story) -> bool:
    replica = SqliteReplica(root)
    try:
        probe = replica.probe()
        if isinstance(probe, Damaged):
            return _tells_why(probe.reason)
        replica.rows([*story.rows, uid_key(BOOK, "nobody")])
        replica.batches(0, 100)
        replica.listing(BOOK, OBJECT)
        replica.journal(BOOK, 0, 100)
        replica.journal(BOOK, 2, 100)
        replica.directory()
        replica.heads()
        replica.bodies(list(story.bodies))
    except BrokenReplicaError as error:
        return _tells_why(f"{error}")
    finally:
        replica.close()
    return False


def _tells_why(reason: str) -> bool:
    """Say whether the disk is blamed, and not a rollback after what went wrong."""
    assert "rollback" not in reason
    return True


def test_a_bad_page_stays_damaged_until_a_copy_takes_over(
    root: Path, replica: SqliteReplica
) -> None:
    story = tell(replica)
    replica.checkpoint()
    replica.close()
    whole = catalog(root).read_bytes()
    at = whole.index(b'"href":"b.vcf"')
    flip(catalog(root), at)
    with pytest.raises(BrokenReplicaError):
        replica.batches(0, 100)
    assert isinstance(replica.probe(), Damaged)
    with pytest.raises(BrokenReplicaError):
        replica.apply(more(story).batches[-1], story.bodies, 1)
    copy = replica.begin_copy("i2")
    copy.promise(1)
    for batch in story.batches:
        copy.apply(batch, story.bodies, 1)
    replica.switch(copy)
    assert isinstance(replica.probe(), Found)
    assert replica.heads().value == story.heads
    assert (root / "quarantine" / "catalog-i1.1" / "catalog.db").exists()


# --- identity -----------------------------------------------------------------------------------


def test_a_marker_that_is_gone_after_the_commit_is_no_vote(
    root: Path, replica: SqliteReplica
) -> None:
    story = tell(replica)
    (root / "replica.json").unlink()
    with pytest.raises(UnavailableReplicaError) as caught:
        replica.apply(more(story).batches[-1], story.bodies, 1)
    assert not caught.value.rolled_back
    assert replica.probe() == Blank()


def test_another_marker_after_the_commit_is_doubt_until_the_right_one_is_back(
    root: Path, replica: SqliteReplica
) -> None:
    story = tell(replica)
    right = (root / "replica.json").read_bytes()
    (root / "replica.json").write_bytes(right.replace(b'"r1"', b'"r2"'))
    with pytest.raises(BrokenReplicaError):
        replica.apply(more(story).batches[-1], {digest_of(b"more"): b"more"}, 1)
    assert isinstance(replica.probe(), Damaged)
    (root / "replica.json").write_bytes(right)
    found = replica.probe()
    assert isinstance(found, Found)
    assert found.position == story.position


def test_a_directory_that_is_swapped_for_a_copy_of_it_is_noticed(
    root: Path, replica: SqliteReplica
) -> None:
    story = tell(replica)
    root.rename(root.with_name("moved"))
    shutil.copytree(root.with_name("moved"), root)
    with pytest.raises(BrokenReplicaError):
        replica.apply(more(story).batches[-1], story.bodies, 1)


def test_a_directory_that_vanishes_is_no_vote(root: Path, replica: SqliteReplica) -> None:
    story = tell(replica)
    root.rename(root.with_name("moved"))
    with pytest.raises(UnavailableReplicaError):
        replica.apply(more(story).batches[-1], story.bodies, 1)
    assert isinstance(replica.probe(), Absent)


def test_what_has_vanished_is_not_made_anew_for_a_large_body(
    root: Path, replica: SqliteReplica
) -> None:
    story = tell(replica)
    root.rename(root.with_name("moved"))
    with pytest.raises(UnavailableReplicaError):
        replica.apply(more(story, b"other" * 40_000).batches[-1], story.bodies, 1)
    assert not root.exists()


# --- statements ---------------------------------------------------------------------------------


def test_a_failing_statement_names_its_entry_and_rolls_back(replica: SqliteReplica) -> None:
    story = tell(replica)
    run_sql(
        replica,
        "CREATE TEMP TRIGGER t BEFORE INSERT ON main.members WHEN NEW.href = 'bad.vcf'"
        " BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    for name in ("one.vcf", "two.vcf", "bad.vcf", "three.vcf"):
        story.put(name, name.encode())
    batch = story.batch()
    before = replica.heads()
    with pytest.raises(StatementError) as caught:
        replica.apply(batch, story.bodies, 1)
    assert caught.value.position == 2
    assert replica.heads() == before
    run_sql(replica, "DROP TRIGGER t")
    replica.apply(batch, story.bodies, 1)


def test_a_value_that_sqlite_cannot_take_names_its_entry(replica: SqliteReplica) -> None:
    story = Story()
    story.put("good.vcf", b"good")
    entry = story._next(Key(BOOK, OBJECT, "bad.vcf"), "put", id=1 << 70, etag=digest_of(b"good"))
    story._tell(entry)
    with pytest.raises(StatementError) as caught:
        replica.apply(story.batch(), story.bodies, 1)
    assert caught.value.position == 1
    assert replica.batches(0, 9) == []


def test_the_guard_itself_lets_nothing_else_through(replica: SqliteReplica) -> None:
    story = short_story()
    assert replica._opened is not None
    writer = replica._opened.writer
    promised, held = writer.standing()
    for term, position in (
        (promised + 1, held),
        (promised, held._replace(number=5)),
        (promised, held._replace(chain=bytes(32))),
    ):
        with pytest.raises(UnavailableReplicaError):
            writer._guard(story.batches[0], term, position)
    writer._guard(story.batches[0], promised, held)


# --- proof of absence ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM journal WHERE number = 4 AND collection = 7",
        "UPDATE tombstones SET number = 3",
        "UPDATE tombstones SET href = 'a.vcf'; DELETE FROM members WHERE href = 'a.vcf'",
        "UPDATE journal SET entry = x'00' WHERE number = 4 AND collection = 7",
        "INSERT INTO members SELECT collection, kind, href, id, number, '', '', '', 0, 0"
        " FROM tombstones",
    ],
)
def test_a_tombstone_that_no_journal_proves_is_not_believed(
    replica: SqliteReplica, damage: str
) -> None:
    story = short_story()
    for batch in story.batches[:2]:
        replica.apply(batch, story.bodies, 1)
    keys = [Key(BOOK, OBJECT, "a.vcf"), Key(BOOK, OBJECT, "b.vcf")]
    replica.rows(keys)
    run_sql(replica, damage)
    with pytest.raises(BrokenReplicaError):
        replica.rows(keys)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM journal WHERE number = 4 AND collection = 7",
        "UPDATE batches SET at = 5 WHERE number = 2",
        "UPDATE journal SET entry = CAST('[]' AS BLOB) WHERE number = 4 AND collection = 7",
    ],
)
def test_a_batch_that_is_not_what_its_chain_says_is_not_given(
    replica: SqliteReplica, damage: str
) -> None:
    tell(replica)
    run_sql(replica, damage)
    with pytest.raises(BrokenReplicaError):
        replica.batches(0, 10)


# --- the index over UIDs --------------------------------------------------------------------------


def test_a_catalog_of_before_the_uid_index_gets_it_when_opened(
    root: Path, replica: SqliteReplica
) -> None:
    story = Story()
    story.put("a.vcf", b"a", uid="ann")
    story.batch()
    tell(replica, story)
    run_sql(replica, "DROP INDEX members_by_uid")
    asked = [uid_key(BOOK, "ann")]
    found = [story.rows[Key(BOOK, OBJECT, "a.vcf")]]
    assert replica.rows(asked).value == found, "without the index it is slow, and right"
    replica.close()
    again = SqliteReplica(root)
    assert again.rows(asked).value == found
    run_sql(again, "DROP INDEX members_by_uid")  # it was there
    again.close()


def test_rows_whose_facts_cannot_be_read_carry_no_uid(replica: SqliteReplica) -> None:
    tell(replica)
    run_sql(replica, "UPDATE members SET data = 'no JSON' WHERE href = 'a.vcf'")
    assert replica.rows([uid_key(BOOK, "ann")]).value == [None]

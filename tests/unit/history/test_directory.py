"""The directory answers from memory what no disk may get wrong (I4)."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.base.errors import FoldError
from strongroom.history.directory import Directory
from strongroom.history.entries import (
    ACCOUNT,
    CELL,
    COLLECTION,
    DEVICE,
    EVIDENCE,
    FREEZE,
    OBJECT,
    REPLICA,
    Head,
    Member,
    Tombstone,
    canonical,
    genesis_chain,
)
from strongroom.history.fold import member_hash

ANN, BEN = 100, 200


def member(home: int, kind: str, href: str, number: int, **facts: Any) -> Member:
    return Member(home, kind, href, number, 1, "e", canonical(facts), "", 0, 0)


ANN_ACCOUNT = member(CELL, ACCOUNT, "ann", ANN, key="aa")
BEN_ACCOUNT = member(CELL, ACCOUNT, "ben", BEN, key="bb")
R1 = member(CELL, REPLICA, "r1", 11, standing="voter", incarnation="i")
PHONE = member(ANN, DEVICE, "phone", 21)
BOOK = member(ANN, COLLECTION, "friends", 31)
ALL = (BEN_ACCOUNT, R1, ANN_ACCOUNT, BOOK, PHONE)


def gone(row: Member) -> Tombstone:
    return Tombstone(*row.key, row.id, 2)


def head(collection: int, *members: Member) -> Head:
    total = sum(map(member_hash, members)) % 2**256
    return Head(collection, 9, genesis_chain(collection), len(members), total, 3)


@pytest.fixture
def directory() -> Directory:
    return Directory(ALL)


# --- look-ups -----------------------------------------------------------------------------------


def test_accounts_devices_and_collections_are_found_by_name_and_id(directory: Directory) -> None:
    assert directory.accounts() == [ANN_ACCOUNT, BEN_ACCOUNT]
    assert directory.account("ann") == ANN_ACCOUNT
    assert directory.device(21) == PHONE
    assert directory.collection(ANN, "friends") == BOOK
    assert directory.standings() == {"r1": R1}
    assert directory.keys() == {ANN: "aa", BEN: "bb"}


def test_what_nobody_wrote_is_not_there(directory: Directory) -> None:
    assert directory.account("phone") is None
    assert directory.device(31) is None
    assert directory.collection(BEN, "friends") is None
    assert directory.get(ANN, COLLECTION, "phone") is None


def test_members_of_a_home_come_by_kind_and_by_name(directory: Directory) -> None:
    work = member(ANN, COLLECTION, "a-work", 32)
    directory.take(work)
    assert directory.members(ANN) == [work, BOOK, PHONE]
    assert directory.members(ANN, COLLECTION) == [work, BOOK]
    assert directory.members(BEN) == []


# --- following a batch --------------------------------------------------------------------------


def test_a_new_row_replaces_what_stood_under_its_name(directory: Directory) -> None:
    directory.take(renewed := PHONE._replace(number=5, etag="new"))
    assert directory.members(ANN, DEVICE) == [renewed]
    assert directory.device(21) == renewed


def test_a_device_that_was_removed_lets_nobody_in(directory: Directory) -> None:
    directory.take(gone(PHONE))
    assert directory.device(21) is None
    assert directory.members(ANN) == [BOOK]


def test_removing_what_is_unknown_changes_nothing(directory: Directory) -> None:
    directory.take(Tombstone(BEN, COLLECTION, "never", 77, 2))
    assert directory.members(BEN) == []
    assert directory.members(ANN) == [BOOK, PHONE]


def test_a_collection_that_was_removed_takes_no_device_with_it(directory: Directory) -> None:
    directory.take(gone(BOOK))
    assert directory.collection(ANN, "friends") is None
    assert directory.device(21) == PHONE


def test_objects_are_not_kept_in_memory(directory: Directory) -> None:
    card = member(BOOK.id, OBJECT, "a.vcf", 41)
    directory.take(card)
    directory.take(gone(card))
    assert directory.members(BOOK.id) == []


# --- the check ----------------------------------------------------------------------------------

HEADS = {
    CELL: head(CELL, ANN_ACCOUNT, BEN_ACCOUNT, R1),
    ANN: head(ANN, BOOK, PHONE),
}


def test_a_directory_that_agrees_with_its_heads_is_believed(directory: Directory) -> None:
    """I4; the home of ben has no entry yet, and no head."""
    directory.verify(HEADS)
    assert directory.members(ANN) == [BOOK, PHONE]
    Directory().verify({})

    assert not Directory().accounts()


@pytest.mark.parametrize("lost", ALL)
def test_a_directory_that_lacks_a_member_is_not_believed(lost: Member) -> None:
    """I4: a missing device or book must never look like a wrong password or an empty home."""
    with pytest.raises(FoldError, match="disagree"):
        Directory(row for row in ALL if row != lost).verify(HEADS)


def test_a_member_that_was_swapped_for_another_is_noticed(directory: Directory) -> None:
    directory.take(gone(BOOK))
    directory.take(member(ANN, COLLECTION, "fiends", 31))
    with pytest.raises(FoldError, match=f"collection {ANN}"):
        directory.verify(HEADS)


def test_a_member_that_no_head_knows_is_noticed(directory: Directory) -> None:
    directory.take(member(BEN, DEVICE, "stranger", 99))
    with pytest.raises(FoldError, match=f"collection {BEN}"):
        directory.verify(HEADS)


def test_a_directory_without_any_head_is_not_believed(directory: Directory) -> None:
    with pytest.raises(FoldError):
        directory.verify({})


# --- frozen and thawed --------------------------------------------------------------------------


def test_a_frozen_account_covers_its_collections_and_nobody_else(directory: Directory) -> None:
    freeze = member(ANN, FREEZE, "account", 51)
    directory.take(freeze)
    assert directory.frozen(ANN) == directory.frozen(ANN, 31) == freeze
    assert directory.frozen(BEN) is None


def test_a_frozen_collection_covers_itself_alone(directory: Directory) -> None:
    freeze = member(ANN, FREEZE, "31", 52)
    directory.take(freeze)
    assert directory.frozen(ANN, 31) == freeze
    assert directory.frozen(ANN) is None
    assert directory.frozen(ANN, 32) is None
    directory.take(gone(freeze))
    assert directory.frozen(ANN, 31) is None


@pytest.mark.parametrize(
    ("evidence", "accepted"),
    [
        ("by hand", True),  # the very same, whatever it says
        ("token:31:42:cc", True),
        ("token:31:43:cc", True),  # another phone with another part of the lost history
        ("witness:31:1000:dd", True),
        ("token:31:1001:cc", False),  # beyond what the thaw left out: we forgot once more
        ("token:32:42:cc", False),  # of another collection
        ("what is this", False),
    ],
)
def test_what_a_thaw_accepted_cannot_freeze_twice(
    directory: Directory, evidence: str, accepted: bool
) -> None:
    """I5: neither this evidence nor more of the same lost history; everything else can."""
    directory.take(member(ANN, EVIDENCE, "by hand", 61))
    directory.take(member(ANN, EVIDENCE, "token:31:42:cc", 62, collection=31, to=1000))
    directory.take(member(ANN, EVIDENCE, "token:32:1:ee", 63, collection=32))
    assert directory.accepted(ANN, evidence) is accepted
    assert directory.accepted(BEN, evidence) is False

"""Accounts, devices and signing in."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from fakes.cell import FakeCell
from fakes.world import FakeEntropy
from strongroom.base.errors import ConflictError, InvalidError, NotFoundError, SuspendedError
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin
from strongroom.history.entries import CELL, DEVICE, Member
from strongroom.service import accounts
from strongroom.service.accounts import (
    add_account,
    add_device,
    change_facts,
    check_open,
    make_password,
    resume,
    revoke_device,
    secret_of,
    shut_out,
    sign_in,
    still_valid,
    suspend,
    suspended,
)
from strongroom.service.rights import FULL, choose

T = TypeVar("T")
ME = Origin(0, "request", "")


def run(job: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(job)


@pytest.fixture
def cell() -> FakeCell:
    cell = FakeCell()
    run(add_account(cell, "alice", FakeEntropy(), ME))
    return cell


def test_an_account_starts_with_one_book_and_a_key_of_its_own(cell: FakeCell) -> None:
    run(add_account(cell, "Bob", FakeEntropy(1), ME))
    alice, bob = cell.directory.account("alice"), cell.directory.account("bob")
    assert alice is not None
    assert bob is not None

    book = cell.directory.collection(alice.id, "contacts")
    assert book is not None
    assert "Contacts" in book.properties["{DAV:}displayname"]
    assert len(bytes.fromhex(alice.facts["key"])) == 32
    assert alice.facts["key"] != bob.facts["key"]


def test_the_directory_agrees_with_the_heads(cell: FakeCell) -> None:
    run(add_device(cell, "alice", "phone", FakeEntropy(), ME))
    cell.directory.verify(cell.heads)
    copy = Directory(m for m in cell.table.values() if isinstance(m, Member))
    copy.verify(cell.heads)
    assert copy.accounts() == cell.directory.accounts()


@pytest.mark.parametrize("login", ["", ".hidden", "a/b", "a b", "a:b", "x" * 65, "a\nb", "\ud800"])
def test_what_cannot_be_a_login_is_refused(cell: FakeCell, login: str) -> None:
    with pytest.raises(InvalidError):
        run(add_account(cell, login, FakeEntropy(), ME))
    assert len(cell.directory.members(CELL)) == 1


def test_a_login_is_given_once_whatever_its_capitals(cell: FakeCell) -> None:
    with pytest.raises(ConflictError):
        run(add_account(cell, "ALICE", FakeEntropy(), ME))


def test_a_device_password_is_long_readable_and_kept_as_a_hash(cell: FakeCell) -> None:
    password = run(add_device(cell, "alice", "phone", FakeEntropy(), ME))
    alice = cell.directory.account("alice")
    assert alice is not None
    device = cell.directory.get(alice.id, DEVICE, "phone")
    assert device is not None

    assert [len(group) for group in password.split("-")] == [4] * 8
    assert password == password.lower()
    assert password.replace("-", "") not in device.data
    assert device.facts == {"name": "phone", "scope": "all", "secret": secret_of(password)}


def test_passwords_use_all_160_bits() -> None:
    assert make_password(lambda size: b"\0" * size) != make_password(
        lambda size: b"\x80" + b"\0" * (size - 1)
    )
    assert make_password(lambda size: b"\0" * size) != make_password(
        lambda size: b"\0" * (size - 1) + b"\x01"
    )
    assert len(accounts._LETTERS) == len(set(accounts._LETTERS)) == 32


def test_device_names_are_given_once_and_to_an_account(cell: FakeCell) -> None:
    entropy = FakeEntropy()
    run(add_device(cell, "alice", "phone", entropy, ME))
    with pytest.raises(ConflictError):
        run(add_device(cell, "alice", "phone", entropy, ME))
    with pytest.raises(NotFoundError):
        run(add_device(cell, "nobody", "phone", entropy, ME))
    for name in ("", "a\nb", "x" * 256):
        with pytest.raises(InvalidError):
            run(add_device(cell, "alice", name, entropy, ME))


def test_sign_in_finds_the_device_until_it_is_revoked(cell: FakeCell) -> None:
    entropy = FakeEntropy()
    first = run(add_device(cell, "alice", "phone", entropy, ME))
    second = run(add_device(cell, "alice", "laptop", entropy, ME))
    for password, name in ((first, "phone"), (second, "laptop")):
        caller = sign_in(cell.directory, "Alice", password)
        assert caller is not None
        assert caller.device.href == name
        assert still_valid(cell.directory, caller)
    phone = sign_in(cell.directory, "alice", first)
    assert phone is not None
    run(revoke_device(cell, "alice", "phone", ME))

    assert not still_valid(cell.directory, phone)
    assert sign_in(cell.directory, "alice", first) is None
    assert sign_in(cell.directory, "alice", second) is not None
    with pytest.raises(NotFoundError):
        run(revoke_device(cell, "alice", "phone", ME))


def test_a_device_made_anew_has_another_password(cell: FakeCell) -> None:
    entropy = FakeEntropy()
    first = run(add_device(cell, "alice", "phone", entropy, ME))
    run(revoke_device(cell, "alice", "phone", ME))
    second = run(add_device(cell, "alice", "phone", entropy, ME))
    assert sign_in(cell.directory, "alice", first) is None
    assert sign_in(cell.directory, "alice", second) is not None


@pytest.mark.parametrize("login,password", [("alice", "x"), ("nobody", "x"), ("", ""), ("/", "\0")])
def test_wrong_credentials_sign_nobody_in(cell: FakeCell, login: str, password: str) -> None:
    assert sign_in(cell.directory, login, password) is None


def test_every_device_is_compared_and_an_unknown_login_costs_a_comparison_too(
    cell: FakeCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    entropy = FakeEntropy()
    first = run(add_device(cell, "alice", "a", entropy, ME))
    run(add_device(cell, "alice", "b", entropy, ME))
    seen: list[str] = []

    def compare(mine: str, theirs: str) -> bool:
        seen.append(theirs)
        return mine == theirs

    monkeypatch.setattr(accounts, "compare_digest", compare)
    assert sign_in(cell.directory, "alice", first) is not None
    assert len(seen) == 2
    sign_in(cell.directory, "nobody", first)
    assert len(seen) == 3


# --- e-mail, scopes -------------------------------------------------------------------------------
@pytest.mark.parametrize("email", ["bob@example.org", "b.o'b+x@mail.example.co", "jörg@münchen.de"])
def test_a_plausible_address_is_kept(cell: FakeCell, email: str) -> None:
    row = run(add_account(cell, "bob", FakeEntropy(1), ME, email=f" {email} "))
    assert row.facts["email"] == email


@pytest.mark.parametrize(
    "email",
    ["bob", "@example.org", "bob@", "a@b@c.org", "b b@c.org", "b@c d.org", "b@c..org", "b@.org",
     "b\n@c.org", "b@c.org\n\x00", "<b@c.org>", "b@" + "c" * 300, "x" * 65 + "@c.org"],
)  # fmt: skip
def test_what_cannot_be_an_address_makes_no_account(cell: FakeCell, email: str) -> None:
    with pytest.raises(InvalidError):
        run(add_account(cell, "bob", FakeEntropy(1), ME, email=email))
    assert cell.directory.account("bob") is None


def test_a_device_keeps_the_rights_that_it_was_made_with(cell: FakeCell) -> None:
    entropy, rights = FakeEntropy(), choose(["contacts"], read_only=True)
    full = sign_in(cell.directory, "alice", run(add_device(cell, "alice", "a", entropy, ME)))
    some = run(add_device(cell, "alice", "b", entropy, ME, rights))
    narrow = sign_in(cell.directory, "alice", some)
    assert full is not None
    assert narrow is not None
    assert (full.rights, narrow.rights) == (FULL, rights)


# --- suspending -----------------------------------------------------------------------------------
def test_a_suspended_account_says_why_and_a_resumed_one_is_as_before(cell: FakeCell) -> None:
    password = run(add_device(cell, "alice", "phone", FakeEntropy(), ME))
    before = cell.directory.account("alice")
    assert before is not None
    run(suspend(cell, "Alice", " unpaid ", ME))
    caller = sign_in(cell.directory, "alice", password)
    assert caller is not None
    assert caller.suspended == suspended(caller.account) == "unpaid"
    with pytest.raises(SuspendedError, match=r"unpaid\n.*Nothing was deleted"):
        check_open(caller)
    with pytest.raises(SuspendedError, match="unpaid"):
        run(add_device(cell, "alice", "tablet", FakeEntropy(2), ME))

    run(resume(cell, "alice", ME))
    after = cell.directory.account("alice")
    assert after is not None
    assert (after.id, after.facts, after.etag) == (before.id, before.facts, before.etag)
    caller = sign_in(cell.directory, "alice", password)
    assert caller is not None
    check_open(caller)
    cell.directory.verify(cell.heads)


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501, "\x00"])
def test_nobody_is_suspended_without_a_reason_that_can_be_shown(
    cell: FakeCell, reason: str
) -> None:
    with pytest.raises(InvalidError):
        run(suspend(cell, "alice", reason, ME))
    assert not suspended(cell.directory.accounts()[0])


def test_what_is_not_suspended_is_not_resumed(cell: FakeCell) -> None:
    with pytest.raises(NotFoundError, match="not suspended"):
        run(resume(cell, "alice", ME))
    with pytest.raises(NotFoundError):
        run(suspend(cell, "nobody", "why", ME))


def test_two_changes_of_an_account_at_once_are_not_mixed(
    cell: FakeCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = cell.directory.account("alice")
    assert old is not None
    run(suspend(cell, "alice", "unpaid", ME))
    monkeypatch.setattr(accounts, "find_account", lambda *_: old)
    with pytest.raises(ConflictError, match="at the same time"):
        run(change_facts(cell, "alice", {"email": "a@example.org"}, ME))
    assert suspended(cell.directory.accounts()[0]) == "unpaid"


def test_who_was_let_in_is_shut_out_once_revoked_or_suspended(cell: FakeCell) -> None:
    entropy = FakeEntropy()
    first = run(add_device(cell, "alice", "phone", entropy, ME))
    phone = sign_in(cell.directory, "alice", first)
    assert phone is not None
    again = Directory(m for m in cell.table.values() if isinstance(m, Member))
    assert not shut_out(cell.directory, phone)
    assert not shut_out(again, phone)  # the same rows, read anew at an opening

    run(suspend(cell, "alice", "unpaid", ME))
    assert shut_out(cell.directory, phone)
    while_suspended = sign_in(cell.directory, "alice", first)
    assert while_suspended is not None
    assert not shut_out(cell.directory, while_suspended)  # it hears why
    run(resume(cell, "alice", ME))
    assert not shut_out(cell.directory, while_suspended)

    run(revoke_device(cell, "alice", "phone", ME))
    assert shut_out(cell.directory, phone)
    run(add_device(cell, "alice", "phone", entropy, ME))
    assert shut_out(cell.directory, phone)

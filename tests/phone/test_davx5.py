"""The first phone can lose contacts: without that, its keeping them would show nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phone.database import card_bytes
from phone.davx5 import FirstPhone, Outcome
from phone.liar import Liar, Lie
from phone.wire import Wire

UIDS = [f"uid{number:02}" for number in range(24)]


@pytest.fixture
def liar() -> Iterator[Liar]:
    with Liar({f"{uid}.vcf": card_bytes(uid, "Ann") for uid in UIDS}) as server:
        yield server


@pytest.fixture
def phone(liar: Liar) -> Iterator[FirstPhone]:
    wire = Wire(liar.address, "alice", "secret")
    phone = FirstPhone(wire)
    assert phone.refresh() is Outcome.DONE, phone.reason
    assert phone.sync() is Outcome.DONE, phone.reason
    assert set(phone.contacts) == set(UIDS)
    yield phone
    wire.close()


def test_a_true_answer_changes_nothing(phone: FirstPhone) -> None:
    assert phone.refresh() is Outcome.DONE
    assert phone.resync() is Outcome.DONE

    assert set(phone.contacts) == set(UIDS)


@pytest.mark.parametrize(
    ("lie", "left"),
    [(Lie.EMPTY, 0), (Lie.SHORT, 12), (Lie.ITEM_5XX, 23), (Lie.REMOVED, 23)],
)
def test_a_listing_that_lies_makes_the_phone_lose(
    phone: FirstPhone, liar: Liar, lie: Lie, left: int
) -> None:
    liar.lie = lie

    assert phone.resync() is Outcome.DONE

    assert len(phone.contacts) == left


@pytest.mark.parametrize("lie", [Lie.NO_HOME, Lie.FORBIDDEN])
def test_a_book_that_seems_gone_is_forgotten_with_unsent_edits(
    phone: FirstPhone, liar: Liar, lie: Lie
) -> None:
    phone.save(card_bytes("new", "Unsent"))
    liar.lie = lie

    assert phone.refresh() is Outcome.DONE

    assert phone.contacts == {}
    assert phone.unsent == set()


@pytest.mark.parametrize(
    ("lie", "outcome"), [(Lie.BUSY, Outcome.LATER), (Lie.NO_ACCOUNT, Outcome.SIGN_IN)]
)
def test_a_server_that_says_later_or_sign_in_costs_nothing(
    phone: FirstPhone, liar: Liar, lie: Lie, outcome: Outcome
) -> None:
    phone.save(card_bytes(UIDS[0], "Edited"))
    liar.lie = lie

    assert phone.refresh() is outcome
    assert phone.resync() is outcome

    assert set(phone.contacts) == set(UIDS)
    assert phone.unsent == {UIDS[0]}

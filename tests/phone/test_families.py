"""Every family of phones can lose contacts: without that, its keeping them would show nothing.

The tables below are the cells of what clients do with an answer, one test each: what is left of 24
contacts, of two unsent edits (a changed card and a new one) and of an unsent deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from phone.apple import Apple
from phone.database import card_bytes
from phone.davx5 import Davx5
from phone.evolution import Evolution
from phone.families import FAMILIES, WITH_EVENTS
from phone.family import Outcome, Phone
from phone.liar import Liar, Lie
from phone.thunderbird import Thunderbird
from phone.vdirsyncer import VdirsyncerLike
from phone.wire import Wire

UIDS = [f"uid{number:02}" for number in range(24)]
DONE, LATER, SIGN_IN, ERROR = Outcome.DONE, Outcome.LATER, Outcome.SIGN_IN, Outcome.ERROR
EVERYBODY = (*FAMILIES, *WITH_EVENTS)
FETCHES = ("resync", "sync", "refresh")

Start = Callable[[type[Phone]], Phone]


@pytest.fixture
def family() -> type[Phone]:
    return Davx5


@pytest.fixture
def liar(family: type[Phone]) -> Iterator[Liar]:
    speech = family.SPEECH
    held = {f"{uid}.{speech.extension}": speech.write(uid, "Ann") for uid in UIDS}
    with Liar(held, speech) as server:
        yield server


@pytest.fixture
def start(liar: Liar) -> Iterator[Start]:
    """Give a phone that has been in use with the server."""
    wires: list[Wire] = []

    def begin(family: type[Phone]) -> Phone:
        wires.append(Wire(liar.address, "alice", "secret"))
        phone = family(wires[-1])
        assert phone.refresh() is DONE, phone.reason
        assert phone.sync() is DONE, phone.reason
        assert set(phone.contacts) == set(UIDS)
        return phone

    yield begin
    for wire in wires:
        wire.close()


def do(phone: Phone, action: str) -> Outcome:
    outcome: Outcome = getattr(phone, action)()
    return outcome


@pytest.mark.parametrize("family", EVERYBODY)
def test_a_true_answer_changes_nothing(start: Start, family: type[Phone]) -> None:
    phone = start(family)

    assert [do(phone, action) for action in ("refresh", "sync", "resync", "sync")] == [DONE] * 4

    assert set(phone.contacts) == set(UIDS)


LOSSES = [
    (Davx5, Lie.EMPTY, "resync", 0),
    (Davx5, Lie.SHORT, "resync", 12),
    (Davx5, Lie.ITEM_5XX, "resync", 23),
    (Davx5, Lie.REMOVED, "sync", 23),
    (Davx5, Lie.BAD_TOKEN, "sync", 0),
    (Davx5, Lie.UNLISTED_BOOK, "refresh", 0),
    (Davx5, Lie.NO_HOME, "refresh", 0),
    (Davx5, Lie.FORBIDDEN, "refresh", 0),
    (Thunderbird, Lie.EMPTY, "resync", 0),
    (Thunderbird, Lie.SHORT, "resync", 12),
    (Thunderbird, Lie.ITEM_5XX, "resync", 23),
    (Thunderbird, Lie.REMOVED, "sync", 23),
    (Thunderbird, Lie.BAD_TOKEN_400, "sync", 0),
    (Evolution, Lie.EMPTY, "resync", 0),
    (Evolution, Lie.SHORT, "resync", 12),
    (Evolution, Lie.REMOVED, "sync", 23),
    (Evolution, Lie.BAD_TOKEN, "sync", 0),
    (Evolution, Lie.UNLISTED_BOOK, "refresh", 0),
    (Evolution, Lie.HIDDEN_BOOK, "refresh", 0),
    (VdirsyncerLike, Lie.SHORT, "sync", 12),
    (VdirsyncerLike, Lie.ONE_LEFT, "sync", 1),
    (VdirsyncerLike, Lie.ITEM_5XX, "sync", 23),
    (Apple, Lie.EMPTY, "resync", 0),
    (Apple, Lie.SHORT, "resync", 12),
    (Apple, Lie.ITEM_5XX, "resync", 23),
    (Apple, Lie.REMOVED, "sync", 23),
    (Apple, Lie.BAD_TOKEN, "sync", 0),
    (Apple, Lie.UNLISTED_BOOK, "refresh", 0),
    (Apple, Lie.HIDDEN_BOOK, "refresh", 0),
    (Apple, Lie.NO_HOME, "refresh", 0),
    (Apple, Lie.FORBIDDEN, "refresh", 0),
    (Apple, Lie.NO_BOOK, "sync", 0),
    *(
        (family, lie, "resync", left)
        for family in WITH_EVENTS
        for lie, left in ((Lie.EMPTY, 0), (Lie.SHORT, 12), (Lie.ONE_LEFT, 1), (Lie.ITEM_5XX, 23))
    ),
]


@pytest.mark.parametrize(("family", "lie", "action", "left"), LOSSES)
def test_a_lie_makes_the_family_lose_contacts(
    start: Start, liar: Liar, family: type[Phone], lie: Lie, action: str, left: int
) -> None:
    phone = start(family)
    liar.lie = lie

    do(phone, action)

    assert len(phone.contacts) == left


@pytest.mark.parametrize("family", EVERYBODY)
def test_every_family_falls_for_some_lie(family: type[Phone]) -> None:
    assert any(one[0] is family for one in LOSSES)


KEPT = [
    *((family, Lie.BUSY, LATER) for family in EVERYBODY),
    *((family, Lie.CUT, LATER) for family in EVERYBODY),
    *((family, Lie.NO_ACCOUNT, SIGN_IN) for family in EVERYBODY),
    *((family, Lie.HTML, ERROR) for family in EVERYBODY),
    (Davx5, Lie.HIDDEN_BOOK, DONE),
    (Thunderbird, Lie.NO_BOOK, ERROR),
    (Thunderbird, Lie.FORBIDDEN, ERROR),
    (Thunderbird, Lie.UNLISTED_BOOK, ERROR),
    (Evolution, Lie.NO_HOME, ERROR),
    (Evolution, Lie.FORBIDDEN, ERROR),
    (VdirsyncerLike, Lie.EMPTY, ERROR),
    (VdirsyncerLike, Lie.NO_BOOK, ERROR),
    (VdirsyncerLike, Lie.FORBIDDEN, ERROR),
]


@pytest.mark.parametrize(("family", "lie", "outcome"), KEPT)
def test_these_answers_cost_the_family_nothing(
    start: Start, liar: Liar, family: type[Phone], lie: Lie, outcome: Outcome
) -> None:
    phone = start(family)
    liar.lie = lie

    outcomes = [do(phone, action) for action in FETCHES]

    assert outcome in outcomes
    assert set(outcomes) <= {outcome, DONE}
    assert set(phone.contacts) == set(UIDS)


def test_a_wrong_token_that_hears_403_stops_thunderbird_for_ever(start: Start, liar: Liar) -> None:
    phone = start(Thunderbird)
    liar.lie = Lie.BAD_TOKEN

    assert [phone.sync() for _ in range(3)] == [ERROR] * 3

    assert set(phone.contacts) == set(UIDS)


# --- unsent edits ---------------------------------------------------------------------------------
ALL = {UIDS[0], UIDS[1], "new"}
EDITS = [
    (Davx5, Lie.BUSY, "sync", {UIDS[1]}, {UIDS[0], "new"}),
    (Davx5, Lie.PUT_CONFLICT, "sync", {UIDS[0], "new"}, set()),
    (Davx5, Lie.WRITES_BUSY, "sync", {UIDS[1]}, {UIDS[0], "new"}),
    (Davx5, Lie.WRITES_CUT, "sync", set(), ALL),
    (Davx5, Lie.NO_HOME, "refresh", set(), set()),  # forgotten with its unsent edits
    (Thunderbird, Lie.WRITES_BUSY, "online", ALL, set()),
    (Thunderbird, Lie.WRITES_CUT, "online", set(), ALL),
    (Evolution, Lie.PUT_CONFLICT, "sync", {UIDS[0], "new"}, set()),
    (Evolution, Lie.WRITES_BUSY, "sync", set(), ALL),
    (VdirsyncerLike, Lie.PUT_CONFLICT, "sync", set(), {UIDS[0], "new"}),
    (VdirsyncerLike, Lie.WRITES_BUSY, "sync", set(), ALL),
    (Apple, Lie.PUT_GONE, "sync", {UIDS[0], "new"}, set()),
    (Apple, Lie.WRITES_BUSY, "sync", set(), ALL),
]


@pytest.mark.parametrize(("family", "lie", "action", "dropped", "unsent"), EDITS)
def test_what_becomes_of_unsent_edits(
    start: Start,
    liar: Liar,
    family: type[Phone],
    lie: Lie,
    action: str,
    dropped: set[str],
    unsent: set[str],
) -> None:
    phone = start(family)
    liar.lie = lie

    if action == "online":
        phone.save_online(card_bytes(UIDS[0], "Edited"))
        phone.save_online(card_bytes("new", "New"))
        phone.delete_online(UIDS[1])
    else:
        phone.save(card_bytes(UIDS[0], "Edited"))
        phone.save(card_bytes("new", "New"))
        phone.delete(UIDS[1])
        do(phone, action)

    assert set(phone.dropped_edits) == dropped
    assert phone.unsent == unsent


def test_a_put_that_hears_404_is_sent_as_new_by_davx5(start: Start, liar: Liar) -> None:
    phone = start(Davx5)
    phone.save(card_bytes(UIDS[0], "Edited"))
    liar.lie = Lie.PUT_GONE

    assert phone.sync() is ERROR  # both times it was told 404

    assert phone.unsent == {UIDS[0]}


def test_a_book_that_turns_read_only_makes_davx5_drop_edits(start: Start, liar: Liar) -> None:
    phone = start(Davx5)
    phone.save(card_bytes(UIDS[0], "Edited"))
    phone.save(card_bytes("new", "New"))
    liar.lie = Lie.READ_ONLY

    assert [phone.refresh(), phone.sync()] == [DONE, DONE]

    assert set(phone.dropped_edits) == {UIDS[0], "new"}
    assert phone.contacts == {uid: card_bytes(uid, "Ann") for uid in UIDS}

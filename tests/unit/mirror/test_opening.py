"""Which history is the cell's, and what it does not know any more (DESIGN "Opening", I2, I5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from strongroom.history.entries import (
    CELL,
    REPLICA,
    Head,
    Member,
    Position,
    canonical,
    genesis_head,
)
from strongroom.mirror.opening import Ballot, Frozen, Plan, choose, forgotten, scope_of
from strongroom.mirror.state import DOUBTFUL, JOINING, VOTER
from strongroom.ports import world  # not by name: pytest takes `Testimony` for a test
from strongroom.ports.replica import Found, Identity

ALL_GOOD = {"a": VOTER, "b": VOTER, "c": VOTER}


def entry(name: str, standing: str, incarnation: str = "i1") -> Member:
    facts = canonical({"standing": standing, "incarnation": incarnation})
    return Member(CELL, REPLICA, name, 1, 1, "e", facts, "", 0, 0)


def ballot(
    name: str,
    number: int = 5,
    term: int = 1,
    says: dict[str, str] | None = None,
    **rest: Any,
) -> Ballot:
    """Give a replica that stands at (term, number) and says this of all standings."""
    fixed = {"promised": term, "incarnation": "i1", "replicas": 3, "quorum": 2, **rest}
    identity = Identity("cell", name, fixed["incarnation"])
    found = Found(identity, fixed["promised"], Position(term, number, b""), 0)
    roster = {n: entry(n, standing) for n, standing in (says or ALL_GOOD).items()}
    return Ballot(found, roster, fixed["replicas"], fixed["quorum"])


def plan(*ballots: Ballot, quorum: int = 2, seen_term: int = 0) -> Plan:
    chosen = choose(ballots, quorum, seen_term)
    assert isinstance(chosen, Plan)
    return chosen


def frozen(*ballots: Ballot, quorum: int = 2) -> str:
    chosen = choose(ballots, quorum, 0)
    assert isinstance(chosen, Frozen)
    return "; ".join(chosen.reasons)


def names(chosen: Plan) -> set[str]:
    return {voter.name for voter in chosen.voters}


# --- choose -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ballots", "source"),
    [
        ([ballot("a", 5), ballot("b", 6), ballot("c", 5)], "b"),
        # Raft's figure 8: a later term beats a longer history of an older one.
        ([ballot("a", 9, term=1), ballot("b", 6, term=2), ballot("c", 6, term=1)], "b"),
        ([ballot("a", 5), ballot("c", 7)], "c"),
    ],
)
def test_the_last_batch_of_the_highest_term_and_number_decides(
    ballots: list[Ballot], source: str
) -> None:
    """I1: what a quorum held is on at least one of any quorum, and nothing stands above it."""
    chosen = plan(*ballots)
    assert chosen.source.name == source
    assert names(chosen) == {one.name for one in ballots}


@pytest.mark.parametrize("ballots", [[], [ballot("a")]])
def test_fewer_good_voters_than_the_quorum_freeze_the_cell(ballots: list[Ballot]) -> None:
    """I4: quorums count configured voters, never those present."""
    assert ("2 good voters" in frozen(*ballots)) or ("no replica can" in frozen(*ballots))


def test_a_frozen_cell_names_the_voters_that_it_found() -> None:
    assert frozen(ballot("b", quorum=3), ballot("a", quorum=3), quorum=3).endswith("found: a, b")


@pytest.mark.parametrize("standing", [DOUBTFUL, JOINING])
def test_who_is_no_voter_in_the_chosen_history_is_not_counted(standing: str) -> None:
    says = {**ALL_GOOD, "c": standing}
    assert names(plan(ballot("a", 6, says=says), ballot("b", 6, says=says), ballot("c"))) == {
        "a", "b",
    }  # fmt: skip
    assert "found: a" in frozen(ballot("a", 6, says=says), ballot("c"))


def test_a_stranger_is_not_counted() -> None:
    assert names(plan(ballot("a"), ballot("b"), ballot("stranger"))) == {"a", "b"}
    assert "found: a" in frozen(ballot("a"), ballot("stranger"))


def test_who_lies_there_and_is_not_counted_is_told() -> None:
    said = frozen(ballot("a"), ballot("c", incarnation="i0"), ballot("b", incarnation="i0"))
    assert said.endswith("found: a; not counted, as doubtful or replaced by a copy: b, c")


def test_an_unfinished_copy_without_any_history_proves_nothing() -> None:
    empty = replace(ballot("c", 0, term=9, replicas=0, quorum=0), roster={})
    assert plan(ballot("a"), ballot("b"), empty).source.name == "a"


def test_a_voter_that_was_exchanged_for_another_is_not_counted() -> None:
    """Seed 2: a replica that lost its disk and votes; an old copy is another incarnation."""
    assert "found: a" in frozen(ballot("a"), ballot("b", incarnation="i0"))


def test_the_highest_history_of_one_that_is_no_voter_by_it_proves_nothing() -> None:
    doubts_itself = ballot("c", 9, says={**ALL_GOOD, "c": DOUBTFUL})
    chosen = plan(ballot("a"), ballot("b", 6), doubts_itself)
    assert chosen.source.name == "b"
    # By the history of b, which knows nothing of that doubt, c is a voter; its history is not used.
    assert names(chosen) == {"a", "b", "c"}


def test_who_was_passed_over_is_told_to_the_operator() -> None:
    said = frozen(ballot("a"), ballot("c", 9, incarnation="i9", says={**ALL_GOOD, "b": JOINING}))
    assert "c is not a voter by its own history" in said
    assert "2 good voters are needed, found: a" in said


def test_replicas_that_all_disown_themselves_leave_no_history() -> None:
    said = frozen(*(ballot(n, says={**ALL_GOOD, n: DOUBTFUL}) for n in "abc"))
    assert [f"{n} is not a voter" in said for n in "abc"] == [True] * 3


@pytest.mark.parametrize(
    ("facts", "quorum"),
    [
        ({"replicas": 3, "quorum": 3}, 2),  # the configuration says less than the cell
        ({"replicas": 3, "quorum": 2}, 3),
        ({"replicas": 4, "quorum": 2}, 2),  # no majority: two halves could disagree
        ({"replicas": 0, "quorum": 0}, 2),  # a history that never recorded them
    ],
)
def test_another_quorum_than_the_cell_was_made_with_opens_nothing(
    facts: dict[str, int], quorum: int
) -> None:
    three = [ballot(n, **facts) for n in "abc"]
    assert "made with write_quorum" in frozen(*three, quorum=quorum)


@pytest.mark.parametrize(
    ("chosen", "term"),
    [
        (plan(ballot("a", term=4), ballot("b", term=3)), 5),
        (plan(ballot("a", promised=7), ballot("b")), 8),
        (plan(ballot("a"), ballot("b"), ballot("stranger", promised=9)), 10),
        (plan(ballot("a"), ballot("b"), seen_term=11), 12),
        (plan(ballot("a", term=3, promised=0), ballot("b", term=3, promised=0)), 4),
    ],
)
def test_the_new_term_is_above_everything_that_anybody_saw(chosen: Plan, term: int) -> None:
    """I2: (term, number) names one content, so no term may be used twice."""
    assert chosen.term == term


# --- forgotten ----------------------------------------------------------------------------------


def head(collection: int, number: int, chain: bytes = b"c") -> Head:
    return Head(collection, number, chain, 0, 0, 0)


def missing(known: Head, ours: Head | None, chain: bytes | None = None) -> bool:
    """Say whether the witness's `known` proves that we forgot."""
    told = world.Testimony("cell", Position(1, 1, b""), {7: known}, {})
    found = forgotten(told, {7: ours} if ours else {}, {7: chain} if chain else {})
    assert found <= {7}
    return bool(found)


def test_a_history_that_the_witness_knows_as_it_is_forgot_nothing() -> None:
    assert not missing(head(7, 5), head(7, 5))


def test_a_history_that_went_on_since_forgot_nothing() -> None:
    assert not missing(head(7, 5), head(7, 8, b"later"), chain=b"c")


@pytest.mark.parametrize(
    ("ours", "chain"),
    [
        (head(7, 4), None),  # behind
        (None, None),  # the collection is not there at all
        (head(7, 5, b"other"), None),  # as long, on another chain
        (head(7, 8, b"later"), b"other"),  # further, on another chain
        (head(7, 8, b"later"), None),  # further, and cannot show the witness's number (a gap)
        (head(7, 4, b"c"), b"c"),  # behind is behind, whatever its chain
    ],
)
def test_a_history_that_cannot_explain_what_the_witness_saw_forgot(
    ours: Head | None, chain: bytes | None
) -> None:
    """I5."""
    assert missing(head(7, 5), ours, chain)


def test_a_journal_without_entries_is_nothing_to_forget() -> None:
    assert not missing(genesis_head(7), None)


def test_only_what_differs_is_named() -> None:
    """I9: one book that forgot freezes no other."""
    told = world.Testimony("cell", Position(1, 1, b""), {7: head(7, 5), 8: head(8, 5)}, {})
    assert forgotten(told, {7: head(7, 5), 8: head(8, 4), 9: head(9, 1)}, {}) == {8}


# --- scope --------------------------------------------------------------------------------------

HOMES = {100: 100, 7: 100}


@pytest.mark.parametrize(
    ("collection", "scope"),
    [
        (7, (100, "7")),
        (100, (100, "account")),
        (CELL, None),
        (8, None),  # nobody can say whose it is
    ],
)
def test_what_forgot_is_frozen_and_as_little_else_as_can_be(
    collection: int, scope: tuple[int, str] | None
) -> None:
    """I9, and I4: what cannot be placed freezes the cell rather than nothing."""
    assert scope_of(collection, HOMES) == scope


def test_the_cell_is_nobodys_collection() -> None:
    assert scope_of(CELL, {CELL: CELL}) is None

"""Choosing the cell's history from the replicas that were found."""

from __future__ import annotations

from typing import Any

import pytest

from strongroom.history.entries import (
    CELL,
    REPLICA,
    Head,
    Member,
    Position,
    canonical,
    genesis_chain,
)
from strongroom.mirror.opening import Ballot, Frozen, Plan, choose, forgotten, scope_of
from strongroom.mirror.state import DOUBTFUL, VOTER
from strongroom.ports import world
from strongroom.ports.replica import Found, Identity


def roster(**standings: tuple[str, str]) -> dict[str, Member]:
    """Give what a history says: replica -> (incarnation, standing)."""
    told = standings or dict.fromkeys(("r1", "r2", "r3"), ("i", VOTER))
    return {
        name: Member(
            CELL, REPLICA, name, 9, 1, "", canonical({"incarnation": i, "standing": s}), "", 0, 0
        )
        for name, (i, s) in told.items()
    }


def ballot(
    name: str,
    term: int,
    number: int,
    *,
    promised: int = 0,
    incarnation: str = "i",
    says: dict[str, Member] | None = None,
    replicas: int = 3,
    quorum: int = 2,
) -> Ballot:
    """Give a replica as found."""
    position = Position(term, number, bytes([term, number]))
    found = Found(Identity("c", name, incarnation), promised, position, 1)
    return Ballot(found, roster() if says is None else says, replicas, quorum)


def chosen(*ballots: Ballot, quorum: int = 2, seen: int = 0) -> Plan:
    """Insist on a plan."""
    plan = choose(ballots, quorum, seen)
    assert isinstance(plan, Plan), plan
    return plan


def frozen(*ballots: Ballot, quorum: int = 2) -> str:
    """Insist on a refusal; gives its reasons."""
    plan = choose(ballots, quorum, 0)
    assert isinstance(plan, Frozen), plan
    return "; ".join(plan.reasons)


def test_the_highest_term_wins_over_the_higher_number() -> None:
    plan = chosen(ballot("r1", 1, 9), ballot("r2", 2, 8), ballot("r3", 2, 7))
    assert plan.source.name == "r2"
    assert {b.name for b in plan.voters} == {"r1", "r2", "r3"}


def test_within_a_term_the_highest_number_wins() -> None:
    assert chosen(ballot("r1", 2, 7), ballot("r2", 2, 8)).source.name == "r2"


def test_the_new_term_is_above_all_that_anybody_promised_or_saw() -> None:
    pair = (ballot("r1", 2, 7, promised=5), ballot("r2", 2, 8, promised=3))
    assert chosen(*pair).term == 6
    assert chosen(*pair, seen=9).term == 10
    assert chosen(ballot("r1", 4, 1), ballot("r2", 4, 1)).term == 5


def test_quorums_count_voters_never_those_present() -> None:
    assert "2 good voters are needed, found: r1" in frozen(ballot("r1", 2, 7))
    assert frozen() == "no replica was found"


def test_a_doubtful_replica_proves_nothing() -> None:
    says = roster(r1=("i", DOUBTFUL), r2=("i", VOTER), r3=("i", VOTER))
    assert "found: r2" in frozen(ballot("r1", 1, 5), ballot("r2", 2, 7, says=says))
    plan = chosen(ballot("r1", 1, 5), ballot("r2", 2, 7, says=says), ballot("r3", 2, 6, says=says))
    assert {b.name for b in plan.voters} == {"r2", "r3"}


def test_a_copy_that_was_never_admitted_is_no_voter() -> None:
    plan = chosen(ballot("r1", 3, 9, incarnation="new"), ballot("r2", 2, 7), ballot("r3", 2, 7))
    assert plan.source.name in {"r2", "r3"}
    assert {b.name for b in plan.voters} == {"r2", "r3"}
    assert "not a voter by its own history" in frozen(ballot("r1", 3, 9, incarnation="new"))


def test_an_unfinished_copy_without_any_history_is_no_voter() -> None:
    plan = chosen(
        ballot("r1", 0, 0, says={}, replicas=0, quorum=0), ballot("r2", 2, 7), ballot("r3", 2, 7)
    )
    assert plan.source.name != "r1"
    assert "not a voter" in frozen(ballot("r9", 1, 1, says={}))


def test_a_configuration_that_disagrees_with_the_cell_is_refused() -> None:
    pair = (ballot("r1", 2, 7), ballot("r2", 2, 7))
    assert "write_quorum = 2" in frozen(*pair, quorum=3)
    half = (ballot("r1", 2, 7, replicas=4), ballot("r2", 2, 7, replicas=4))
    assert "write_quorum = 2" in frozen(*half)


# --- the witness ----------------------------------------------------------------------------------


def head(collection: int, number: int, chain: bytes = b"x") -> Head:
    return Head(collection, number, chain, 0, 0, 1)


def told(*heads: Head) -> world.Testimony:
    return world.Testimony("c", Position(1, 1, b""), {h.collection: h for h in heads}, {})


@pytest.mark.parametrize(
    ("ours", "chains", "expected"),
    [
        ({5: head(5, 3)}, {}, set()),
        ({5: head(5, 2)}, {}, {5}),
        ({5: head(5, 3, b"y")}, {}, {5}),
        ({5: head(5, 4, b"y")}, {5: b"x"}, set()),
        ({5: head(5, 4, b"y")}, {5: b"z"}, {5}),
        ({5: head(5, 4, b"y")}, {5: None}, {5}),
        ({}, {}, {5}),
    ],
)
def test_what_the_witness_knows_better_is_named(
    ours: dict[int, Head], chains: dict[int, Any], expected: set[int]
) -> None:
    assert forgotten(told(head(5, 3)), ours, chains) == expected


def test_a_journal_without_entries_is_no_difference() -> None:
    assert forgotten(told(head(5, 0, genesis_chain(5))), {}, {}) == set()


def test_what_is_frozen_is_the_smallest_scope() -> None:
    homes = {40: 40, 41: 40}
    assert scope_of(41, homes) == (40, "41")
    assert scope_of(40, homes) == (40, "account")
    assert scope_of(CELL, homes) is None
    assert scope_of(99, homes) is None

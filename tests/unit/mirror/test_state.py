"""The writer's state machine: one batch in flight, and what each answer makes of it."""

from __future__ import annotations

from typing import Any

from strongroom.base.limits import SEND_AHEAD_MAX, STUCK_TICKS_MAX
from strongroom.mirror.state import (
    ABSENT,
    DOUBTFUL,
    JOINING,
    VOTER,
    Acknowledge,
    Admitted,
    Broke,
    CatchUp,
    Commit,
    Fail,
    Halt,
    Levelled,
    Missed,
    Peer,
    Proposed,
    Rebuild,
    Record,
    Refused,
    Rolled,
    Send,
    State,
    Ticked,
    Voted,
    step,
)


def voters(*names: str, quorum: int = 2, **others: Peer) -> State:
    """Give a state at batch 10 whose named replicas are level voters."""
    peers = {name: Peer(VOTER, 10, 10) for name in names or ("r1", "r2", "r3")}
    return State(quorum, 10, {**peers, **others})


def after(state: State, *events: Any) -> tuple[State, list[Any]]:
    """Feed events; gives the state and the actions of the last one."""
    actions: list[Any] = []
    for event in events:
        state, actions = step(state, event)
    return state, actions


def flying(state: State | None = None, recording: frozenset[str] = frozenset()) -> State:
    """Give a state with batch 11 in flight."""
    return after(state or voters(), Proposed(11, recording))[0]


# --- handing out ----------------------------------------------------------------------------------


def test_a_batch_goes_to_voters_and_to_those_that_join() -> None:
    state = voters("r1", "r2", r3=Peer(JOINING, 10, 10), r4=Peer(DOUBTFUL), r5=Peer(ABSENT))
    _, actions = after(state, Proposed(11))
    assert actions == [Send("r1"), Send("r2"), Send("r3")]


def test_who_is_behind_catches_up_first() -> None:
    _, actions = after(voters("r1", "r2", r3=Peer(VOTER, 8, 8)), Proposed(11))
    assert actions == [Send("r1"), Send("r2"), CatchUp("r3")]


def test_a_slow_one_is_sent_ahead_only_so_far() -> None:
    near, far = 10 - SEND_AHEAD_MAX, 9 - SEND_AHEAD_MAX
    state = voters("r1", "r2", r3=Peer(VOTER, near, 10), r4=Peer(VOTER, far, 10))
    _, actions = after(state, Proposed(11))
    assert actions == [Send("r1"), Send("r2"), Send("r3")]


# --- votes ----------------------------------------------------------------------------------------


def test_a_quorum_commits_and_one_vote_does_not() -> None:
    state, actions = after(flying(), Voted("r1", 11))
    assert actions == []
    assert state.committed == 10
    state, actions = after(state, Voted("r2", 11))
    assert actions == [Commit(11), Acknowledge(11)]
    assert (state.committed, state.flight) == (11, None)
    assert after(state, Voted("r3", 11))[1] == []


def test_one_that_joins_is_not_counted() -> None:
    state = flying(voters("r1", "r2", r3=Peer(JOINING, 10, 10)))
    _, actions = after(state, Voted("r1", 11), Voted("r3", 11))
    assert actions == []


def test_the_vote_of_a_doubtful_one_is_not_heard() -> None:
    state, _ = after(flying(), Broke("r1", "eio"), Voted("r1", 11), Voted("r2", 11))
    assert state.committed == 10
    assert state.peers["r1"].held == 10


def test_a_late_vote_is_followed_by_catching_up() -> None:
    state = voters("r1", "r2", r3=Peer(VOTER, 8, 9))
    assert after(state, Voted("r3", 9))[1] == [CatchUp("r3")]
    assert after(flying(state), Voted("r3", 9))[1] == [CatchUp("r3")]
    assert after(voters("r1", "r2", r3=Peer(VOTER, 8, 10)), Voted("r3", 9))[1] == []


def test_who_lacks_batches_and_is_sent_none_is_named() -> None:
    state = voters("r1", "r2", r3=Peer(VOTER, 8, 8), r4=Peer(JOINING, 7, 9), r5=Peer(DOUBTFUL))
    assert state.left_behind() == {"r3"}


# --- doubt ----------------------------------------------------------------------------------------


def test_nothing_is_acknowledged_before_the_doubt_is_recorded() -> None:
    state, actions = after(flying(), Broke("r3", "eio"))
    assert actions == [Record(frozenset({"r3"}))]
    state, actions = after(state, Voted("r1", 11), Voted("r2", 11))
    assert actions == [Commit(11), Record(frozenset({"r3"}))]
    state, actions = after(state, Proposed(12, frozenset({"r3"})))
    assert actions == [Send("r1"), Send("r2")]
    state, actions = after(state, Voted("r1", 12), Voted("r2", 12))
    assert actions == [Commit(12), Acknowledge(12)]
    assert after(state, Broke("r3", "again"))[1] == []


def test_who_refuses_what_a_quorum_took_is_doubtful() -> None:
    state, actions = after(
        flying(), Refused("r3", 11, "pre-image"), Voted("r1", 11), Voted("r2", 11)
    )
    assert actions == [Commit(11), Record(frozenset({"r3"}))]
    assert state.peers["r3"].standing == DOUBTFUL


def test_who_refused_and_then_took_it_is_not() -> None:
    state, _ = after(flying(), Refused("r3", 11, "?"), Levelled("r3", 10))
    state, _ = after(state, Refused("r3", 11, "?"), Voted("r3", 11))
    state, actions = after(state, Voted("r1", 11))
    assert actions == [Commit(11), Acknowledge(11)]
    assert state.peers["r3"].standing == VOTER


def test_one_that_joins_and_refuses_is_doubtful_without_being_recorded_again() -> None:
    state = flying(voters("r1", "r2", r3=Peer(JOINING, 10, 10)))
    state, actions = after(state, Refused("r3", 11, "?"), Voted("r1", 11), Voted("r2", 11))
    assert actions == [Commit(11), Acknowledge(11)]
    assert state.peers["r3"].standing == DOUBTFUL


def test_a_late_refusal_or_failed_statement_is_a_doubt() -> None:
    for event in (Refused("r3", 10, "?"), Rolled("r3", 10, 0)):
        state, actions = after(voters(), event)
        assert state.peers["r3"].standing == DOUBTFUL
        assert actions == [Record(frozenset({"r3"}))]
        assert after(flying(), event)[0].peers["r3"].standing == DOUBTFUL


def test_one_that_breaks_while_it_joins_is_recorded_for_it_may_be_admitted_already() -> None:
    state, actions = after(voters("r1", "r2", r3=Peer(JOINING, 10, 10)), Broke("r3", "eio"))
    assert actions == [Record(frozenset({"r3"}))]
    assert after(state, Admitted("r3"))[0].peers["r3"].standing == DOUBTFUL


def test_fewer_than_a_quorum_left_to_believe_ends_the_opening() -> None:
    state, actions = after(flying(), Broke("r1", "eio"), Broke("r2", "eio"))
    assert [type(a) for a in actions] == [Halt]
    assert state.halted
    assert not state.writable()
    assert after(state, Voted("r3", 11)) == (state, [])


# --- silence --------------------------------------------------------------------------------------


def test_who_gives_no_vote_is_behind_and_not_doubtful() -> None:
    state, actions = after(flying(), Missed("r3", 11, "full", True))
    assert actions == [CatchUp("r3")]
    assert (state.peers["r3"].standing, state.peers["r3"].reason) == (VOTER, "full")
    assert after(state, Missed("r3", 10, "full", False))[1] == [CatchUp("r3")]


def test_the_silence_of_a_doubtful_one_changes_nothing() -> None:
    state = voters("r1", "r2", r3=Peer(DOUBTFUL))
    assert after(state, Missed("r3", 11, "gone", True)) == (state, [])


def test_who_was_brought_level_gets_the_batch_in_flight() -> None:
    state, _ = after(flying(), Missed("r3", 11, "full", True))
    state, actions = after(state, Levelled("r3", 10))
    assert actions == [Send("r3")]
    state, actions = after(state, Voted("r3", 11), Voted("r1", 11))
    assert actions == [Commit(11), Acknowledge(11)]


def test_who_was_brought_to_the_batch_in_flight_has_voted() -> None:
    state, _ = after(flying(), Voted("r1", 11), Missed("r3", 11, "slow", False))
    _, actions = after(state, Levelled("r3", 11))
    assert actions == [Commit(11), Acknowledge(11)]


def test_who_is_not_yet_level_goes_on() -> None:
    assert after(voters(), Levelled("r3", 10))[1] == []
    assert after(voters(), Levelled("r3", 7))[1] == [CatchUp("r3")]
    assert after(flying(), Levelled("r3", 7))[1] == [CatchUp("r3")]


def test_an_absent_one_that_is_level_is_a_voter_and_a_copy_joins() -> None:
    state = voters("r1", "r2", r3=Peer(ABSENT), r4=Peer(DOUBTFUL))
    assert after(state, Levelled("r3", 10))[0].peers["r3"].standing == VOTER
    assert after(state, Levelled("r4", 10))[0].peers["r4"].standing == DOUBTFUL
    state, _ = after(state, Levelled("r4", 10, joining=True))
    assert state.peers["r4"].standing == JOINING
    state, _ = after(state, Admitted("r4"))
    assert state.peers["r4"].standing == VOTER
    assert after(state, Admitted("r4")) == (state, [])


# --- nobody holds it ------------------------------------------------------------------------------


def test_a_batch_is_rebuilt_once_all_said_that_they_rolled_back() -> None:
    state, actions = after(flying(), Rolled("r1", 11, 3), Rolled("r2", 11, 3))
    assert actions == []
    assert state.flight is not None
    state, actions = after(state, Rolled("r3", 11, 2))
    assert actions == [Rebuild(2)]
    assert state.flight is None
    assert after(state, Proposed(11))[1] == [Send("r1"), Send("r2"), Send("r3")]


def test_who_missed_it_but_may_hold_it_holds_the_rebuilding_up() -> None:
    state, actions = after(flying(), Rolled("r1", 11, 3), Rolled("r2", 11, 3))
    _, actions = after(state, Missed("r3", 11, "?", False))
    assert actions == [CatchUp("r3")]
    _, actions = after(state, Missed("r3", 11, "full", True))
    assert actions == [Rebuild(3), CatchUp("r3")]


def test_if_all_refuse_the_writer_was_wrong_and_nobody_is_doubtful() -> None:
    state, actions = after(flying(), *(Refused(r, 11, "?") for r in ("r1", "r2", "r3")))
    assert actions == [Fail("every replica refused the batch")]
    assert state.named(VOTER) == {"r1", "r2", "r3"}


def test_if_nobody_could_write_it_is_tried_again_later() -> None:
    state, actions = after(flying(), *(Missed(r, 11, "full", True) for r in ("r1", "r2", "r3")))
    assert actions == [CatchUp("r3")]
    assert state.flight is not None


def test_some_refuse_and_the_rest_is_full_nothing_is_known_yet() -> None:
    state, actions = after(flying(), Refused("r1", 11, "?"), Missed("r2", 11, "full", True))
    _, actions = after(state, Missed("r3", 11, "full", True))
    assert actions == [CatchUp("r3")]


# --- the batch is dead ----------------------------------------------------------------------------


def test_if_w_is_out_of_reach_who_took_it_is_doubtful() -> None:
    state, actions = after(
        flying(), Voted("r1", 11), Refused("r2", 11, "?"), Refused("r3", 11, "?")
    )
    assert actions == [Halt(frozenset({"r1"}), "batch 11 was refused by r2, r3")]
    assert state.halted


def test_a_slow_answer_is_waited_for_before_the_batch_is_dead() -> None:
    state, actions = after(flying(), Refused("r2", 11, "?"), Refused("r3", 11, "?"))
    assert actions == []
    state, actions = after(state, Ticked())
    assert actions == []
    state, actions = after(state, Ticked())
    assert actions == [Halt(frozenset({"r1"}), "batch 11 was refused by r2, r3")]


def test_a_batch_that_some_cannot_write_ends_in_a_new_term() -> None:
    state, _ = after(flying(), Rolled("r1", 11, 0))
    for _ in range(STUCK_TICKS_MAX):
        state, actions = after(state, Ticked())
        assert actions == []
    state, actions = after(state, Ticked())
    assert actions == [Halt(frozenset(), "batch 11 was refused by r1")]


def test_time_alone_changes_nothing() -> None:
    assert after(voters(), Ticked()) == (voters(), [])
    state, actions = after(flying(), *[Ticked()] * (2 * STUCK_TICKS_MAX))
    assert actions == []
    assert not state.halted


def test_a_cell_is_writable_while_a_quorum_keeps_up() -> None:
    assert voters().writable()
    assert voters("r1", "r2", r3=Peer(ABSENT)).writable()
    far = 9 - SEND_AHEAD_MAX
    assert not voters("r1", r2=Peer(VOTER, far, 10), r3=Peer(DOUBTFUL)).writable()
    assert not voters("r1", r2=Peer(VOTER, 8, 8), r3=Peer(JOINING, 10, 10)).writable()

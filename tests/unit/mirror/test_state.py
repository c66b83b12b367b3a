"""The writer's state machine, life by life (I1, I2; DESIGN "Writing" and "Standing").

Refusals are in test_state_refusals; what holds in every order of events in test_state_machine.
"""

from __future__ import annotations

import pytest

from fakes.scene import (
    Scene,
    kinds,
    missed,
    refused,
    rolled,
    ticks,
)
from strongroom.base.limits import (
    SEND_AHEAD_MAX,
    STUCK_TICKS_MAX,
)
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
    Halt,
    Levelled,
    Peer,
    Proposed,
    Rebuild,
    Record,
    Send,
    Voted,
)

# --- handing a batch out ------------------------------------------------------------------------


def test_a_batch_goes_to_all_voters_and_copies_that_join_and_to_nobody_else() -> None:
    scene = Scene("abcde", c=JOINING, d=DOUBTFUL, e=ABSENT)
    assert scene.do(Proposed(6)) == [Send("a"), Send("b"), Send("c")]
    assert scene.state.flight is not None
    assert scene.state.flight.handed == {"a", "b", "c"}
    assert {n: p.sent for n, p in scene.state.peers.items()} == {
        **dict.fromkeys("abc", 6),
        "d": 5,
        "e": 5,
    }


def test_a_slow_one_is_sent_batches_ahead_up_to_a_limit() -> None:
    last = Scene().peer("c", held=5 - SEND_AHEAD_MAX)
    assert Send("c") in last.do(Proposed(6))
    beyond = Scene().peer("c", held=5 - SEND_AHEAD_MAX - 1)
    assert beyond.do(Proposed(6)) == [Send("a"), Send("b")]  # it is busy still: left alone


def test_one_that_lacks_batches_is_brought_up_instead() -> None:
    scene = Scene().peer("c", held=3, sent=3)
    assert scene.do(Proposed(6)) == [Send("a"), Send("b"), CatchUp("c")]


@pytest.mark.parametrize("number", [5, 7])
def test_a_batch_that_does_not_follow_is_our_mistake(number: int) -> None:
    with pytest.raises(AssertionError):
        Scene().do(Proposed(number))


def test_a_second_batch_in_the_air_is_our_mistake() -> None:
    with pytest.raises(AssertionError):
        Scene().flying().do(Proposed(6))


# --- the quorum ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("names", "quorum"), [("a", 1), ("abc", 2), ("abc", 3), ("abcde", 3)])
def test_a_batch_is_committed_by_w_votes_and_not_by_one_less(names: str, quorum: int) -> None:
    """I1."""
    scene = Scene(names, quorum).flying()
    for name in names[: quorum - 1]:
        assert scene.do(Voted(name, 6)) == []
    assert scene.do(Voted(names[quorum - 1], 6)) == [Commit(6), Acknowledge(6)]
    assert (scene.state.committed, scene.state.flight) == (6, None)


def test_one_vote_told_twice_is_one_vote() -> None:
    assert Scene().flying().do(Voted("a", 6), Voted("a", 6)) == []


def test_present_replicas_do_not_make_a_quorum_of_their_own() -> None:
    """I1: with one of three there nothing is committed, however long it takes."""
    scene = Scene(b=ABSENT, c=ABSENT).flying()
    assert scene.do(Voted("a", 6), *ticks(100)) == []
    assert scene.state.committed == 5


def test_a_copy_that_joins_is_not_counted_until_it_is_admitted() -> None:
    scene = Scene(c=JOINING).flying()
    assert scene.do(Voted("a", 6), Voted("c", 6)) == []
    assert scene.do(Voted("b", 6)) == [Commit(6), Acknowledge(6)]
    scene.do(Admitted("c"))
    assert scene.standing("c") == VOTER
    assert scene.committed(7, "ac") == [Commit(7), Acknowledge(7)]


@pytest.mark.parametrize("standing", [VOTER, DOUBTFUL, ABSENT])
def test_only_a_copy_that_joins_can_be_admitted(standing: str) -> None:
    """It may have been doubted again while the batch that admits it was on its way."""
    scene = Scene(c=standing)
    before = scene.state
    assert scene.do(Admitted("c")) == []
    assert scene.state == before


@pytest.mark.parametrize("standing", [DOUBTFUL, ABSENT])
def test_the_vote_of_one_that_is_not_asked_counts_nothing(standing: str) -> None:
    scene = Scene(c=standing).flying()
    assert scene.do(Voted("c", 6), Voted("a", 6)) == []
    assert scene.state.peers["c"].held == 5


def test_one_that_broke_after_its_vote_is_not_counted() -> None:
    scene = Scene().flying()
    scene.do(Voted("a", 6), Broke("a", "EIO"))
    assert scene.do(Voted("b", 6)) == []
    assert kinds(scene.do(Voted("c", 6))) == [Commit, Record]


# --- late votes ---------------------------------------------------------------------------------


def test_a_late_vote_is_noted_and_nothing_else_happens() -> None:
    scene = Scene()
    scene.committed(6)
    assert scene.do(Voted("c", 6)) == []
    assert scene.state.peers["c"] == Peer(VOTER, 6, 6)


def test_a_late_vote_of_one_that_missed_what_came_since_has_it_brought_up() -> None:
    scene = Scene().peer("c", held=5, sent=6)
    scene.state = scene.state._replace(committed=7)
    assert scene.do(Voted("c", 6)) == [CatchUp("c")]


def test_a_late_vote_while_a_batch_flies_that_it_was_not_handed_has_it_brought_up() -> None:
    scene = Scene().peer("c", held=3, sent=4).flying()
    assert scene.do(Voted("c", 4)) == [CatchUp("c")]


def test_one_that_has_more_to_answer_is_left_alone() -> None:
    scene = Scene().peer("c", held=3, sent=5).flying()
    assert scene.do(Voted("c", 4)) == []
    assert scene.state.peers["c"].held == 4


def test_a_vote_for_an_old_batch_does_not_undo_a_newer_one() -> None:
    scene = Scene()
    assert scene.do(Voted("c", 3)) == []
    assert scene.state.peers["c"] == Peer(VOTER, 5, 5)


# --- missed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("clear", [True, False])
def test_one_that_missed_a_batch_is_brought_up_and_not_doubtful(clear: bool) -> None:
    """I9: full, slow or unplugged is a small hurt."""
    scene = Scene().flying()
    assert scene.do(missed("c", clear=clear)) == [CatchUp("c")]
    assert scene.state.peers["c"] == Peer(VOTER, 5, 5, "slow")
    assert scene.do(Voted("a", 6), Voted("b", 6)) == [Commit(6), Acknowledge(6)]


@pytest.mark.parametrize("standing", [DOUBTFUL, ABSENT])
def test_one_that_was_not_asked_misses_nothing(standing: str) -> None:
    assert Scene(c=standing).flying().do(missed("c")) == []


def test_having_rolled_back_another_batch_proves_nothing_of_this_one() -> None:
    scene = Scene().flying()
    scene.do(missed("c", 5, clear=True), *rolled("a", "b"))
    assert scene.state.flight is not None  # no Rebuild: c was handed 6 as well


def test_a_miss_without_a_batch_in_the_air_is_brought_up_too() -> None:
    assert Scene().do(missed("c", 0)) == [CatchUp("c")]


# --- brought up ---------------------------------------------------------------------------------


def test_one_that_was_brought_up_to_the_batch_before_is_handed_the_one_in_the_air() -> None:
    scene = Scene().flying()
    scene.do(Voted("a", 6), missed("b", clear=True), missed("c", clear=True))
    assert scene.do(Levelled("c", 5)) == [Send("c")]
    assert scene.do(Voted("c", 6)) == [Commit(6), Acknowledge(6)]


def test_who_is_handed_the_batch_again_may_hold_it_again() -> None:
    """I2: what it said before is no longer true."""
    for event in (missed("c", clear=True), *refused("c"), *rolled("c")):
        scene = Scene().flying()
        scene.do(event, Levelled("c", 5))
        assert scene.do(*rolled("a", "b")) == []
        assert scene.do(*rolled("c")) == [Rebuild(3)]


def test_one_that_turns_out_to_hold_the_batch_in_the_air_has_voted() -> None:
    """It could not say so at first; also one that was not handed it counts."""
    scene = Scene(b=ABSENT).flying()
    scene.do(Voted("a", 6))
    assert scene.do(Levelled("b", 6)) == [Commit(6), Acknowledge(6)]


def test_one_that_is_still_behind_is_brought_up_further() -> None:
    assert Scene().flying().do(Levelled("c", 3)) == [CatchUp("c")]
    assert Scene().do(Levelled("c", 4)) == [CatchUp("c")]


def test_one_that_holds_all_is_a_voter_again() -> None:
    scene = Scene(c=ABSENT)
    assert scene.do(Levelled("c", 5)) == []
    assert scene.state.peers["c"] == Peer(VOTER, 5, 5)


def test_a_doubtful_one_comes_back_only_as_a_copy() -> None:
    """DESIGN "Standing": what it holds is not believed, however far it was brought."""
    scene = Scene(c=DOUBTFUL)
    assert scene.do(Levelled("c", 5)) == []
    assert scene.standing("c") == DOUBTFUL
    assert scene.do(Levelled("c", 5, joining=True)) == []
    assert scene.standing("c") == JOINING
    scene.do(Admitted("c"))
    assert scene.standing("c") == VOTER


def test_a_copy_is_handed_the_batch_in_the_air() -> None:
    scene = Scene(c=DOUBTFUL).flying()
    assert scene.do(Levelled("c", 5, joining=True)) == [Send("c")]


# --- broken -------------------------------------------------------------------------------------


def test_one_that_broke_is_recorded_at_once() -> None:
    scene = Scene()
    assert scene.do(Broke("c", "failed fsync")) == [Record(frozenset("c"))]
    assert scene.state.peers["c"] == Peer(DOUBTFUL, 5, 5, "failed fsync")
    assert scene.committed(6, recording="c") == [Commit(6), Acknowledge(6)]


def test_all_that_are_not_recorded_are_recorded_together() -> None:
    scene = Scene("abcde", 3)
    scene.do(Broke("d", "EIO"))
    assert scene.do(Broke("e", "EIO")) == [Record(frozenset("de"))]
    assert scene.committed(6, "abc", recording="d") == [Commit(6), Record(frozenset("e"))]


def test_one_that_broke_twice_is_recorded_once() -> None:
    scene = Scene()
    scene.do(Broke("c", "EIO"))
    scene.committed(6, recording="c")
    assert scene.do(Broke("c", "EIO again")) == []


@pytest.mark.parametrize("standing", [JOINING, ABSENT])
def test_also_who_is_no_voter_here_is_recorded_when_it_breaks(standing: str) -> None:
    """It may be one in the history: the batch that admits a copy may be committed already."""
    scene = Scene("abcd", c=standing)
    assert scene.do(Broke("c", "EIO")) == [Record(frozenset("c"))]


def test_a_copy_that_broke_and_was_admitted_meanwhile_must_still_be_recorded() -> None:
    scene = Scene(c=JOINING)
    scene.do(Broke("c", "EIO"), Admitted("c"))
    assert scene.state.unrecorded == {"c"}


def test_a_copy_in_the_place_of_an_unrecorded_one_needs_no_record_once_admitted() -> None:
    scene = Scene()
    scene.do(Broke("c", "EIO"), Levelled("c", 5, joining=True))
    assert scene.state.unrecorded == {"c"}
    scene.do(Admitted("c"))
    assert scene.committed(6) == [Commit(6), Acknowledge(6)]


def test_doubts_that_leave_no_quorum_to_believe_end_the_opening() -> None:
    """Recorded, they would shut the cell for good; nobody is doubted by that."""
    scene = Scene()
    scene.do(Broke("c", "EIO"))
    (halt,) = scene.do(Broke("b", "EIO too"))
    assert isinstance(halt, Halt)
    assert halt.doubtful == frozenset()
    assert "fewer than 2 voters" in halt.reason
    assert "EIO too" in scene.state.halted


def test_one_that_is_away_can_still_be_believed() -> None:
    scene = Scene(b=ABSENT)
    assert kinds(scene.do(Broke("c", "EIO"))) == [Record]


# --- looking at it ------------------------------------------------------------------------------


def test_time_without_a_batch_in_the_air_changes_nothing() -> None:
    scene = Scene()
    before = scene.state
    assert scene.do(*ticks(STUCK_TICKS_MAX * 2)) == []
    assert scene.state == before


def test_a_cell_is_writable_while_a_quorum_of_voters_keeps_up() -> None:
    assert Scene().state.writable()
    assert Scene(c=DOUBTFUL).state.writable()
    assert not Scene(b=ABSENT, c=DOUBTFUL).state.writable()
    assert not Scene(b=JOINING, c=JOINING).state.writable()


def test_a_cell_whose_batch_finds_no_quorum_is_not_writable_until_one_is_back() -> None:
    scene = Scene().flying()
    scene.do(missed("b"), missed("c"), Voted("a", 6))
    assert not scene.state.writable()
    scene.do(Levelled("b", 5))
    assert scene.state.writable()


def test_a_voter_that_is_too_far_behind_does_not_keep_up() -> None:
    scene = Scene(c=ABSENT)
    assert scene.peer("b", held=5 - SEND_AHEAD_MAX).state.writable()
    assert not scene.peer("b", held=5 - SEND_AHEAD_MAX - 1).state.writable()
    assert not scene.peer("b", held=4, sent=4).state.writable()  # it is sent nothing now


def test_who_lacks_batches_and_is_sent_none_is_left_behind() -> None:
    scene = Scene("abcdef", e=DOUBTFUL, f=JOINING)
    scene.peer("b", held=4, sent=4).peer("c", held=4, sent=5).peer("f", held=1, sent=1)
    scene.peer("e", held=1, sent=1)
    assert scene.state.left_behind() == {"b", "f"}

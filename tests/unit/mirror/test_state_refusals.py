"""What becomes of a batch that replicas refuse or cannot write (I2, I9; DESIGN "Writing").

The one danger: that two contents get one (term, number), or that a minority wins an opening later.
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
    STUCK_TICKS_MAX,
)
from strongroom.mirror.state import (
    ABSENT,
    JOINING,
    Acknowledge,
    Broke,
    CatchUp,
    Commit,
    Event,
    Fail,
    Halt,
    Levelled,
    Proposed,
    Rebuild,
    Record,
    Send,
    Ticked,
    Voted,
)

# --- refused by a minority ----------------------------------------------------------------------


def test_who_refuses_what_a_quorum_took_is_recorded_before_anything_is_answered() -> None:
    """I2: else it could win an opening over what was acknowledged."""
    scene = Scene().flying()
    assert scene.do(*refused("c")) == []
    assert scene.do(Voted("a", 6), Voted("b", 6)) == [Commit(6), Record(frozenset("c"))]
    assert scene.doubtful == scene.state.unrecorded == {"c"}
    assert scene.committed(7, recording="c") == [Commit(7), Acknowledge(7)]
    assert scene.state.unrecorded == frozenset()


def test_a_batch_that_does_not_record_the_doubt_does_not_free_the_answers() -> None:
    scene = Scene()
    scene.flying().do(*refused("c"), Voted("a", 6), Voted("b", 6))
    assert scene.committed(7) == [Commit(7), Record(frozenset("c"))]


def test_who_refuses_after_the_quorum_is_doubtful_at_once() -> None:
    scene = Scene()
    scene.committed(6)
    assert scene.do(*refused("c")) == [Record(frozenset("c"))]
    assert scene.doubtful == {"c"}


def test_who_refuses_an_older_batch_while_one_flies_holds_its_answer_back() -> None:
    scene = Scene()
    scene.committed(6)
    scene.flying(7)
    assert scene.do(*refused("c")) == [Record(frozenset("c"))]
    assert scene.do(Voted("a", 7), Voted("b", 7)) == [Commit(7), Record(frozenset("c"))]


def test_a_copy_that_refuses_is_doubtful_though_nothing_needs_recording() -> None:
    """It never was a voter in the history, and no quorum ever counted it."""
    scene = Scene(c=JOINING).flying()
    assert scene.do(*refused("c"), Voted("a", 6), Voted("b", 6)) == [Commit(6), Acknowledge(6)]
    assert scene.doubtful == {"c"}


def test_who_took_it_at_a_second_try_is_not_doubtful() -> None:
    """It said "no" and turned out to hold exactly this batch."""
    scene = Scene().flying()
    scene.do(*refused("c"), Levelled("c", 6))
    assert scene.do(Voted("a", 6)) == [Commit(6), Acknowledge(6)]
    assert scene.doubtful == frozenset()


# --- refused by many ----------------------------------------------------------------------------


def test_if_all_refuse_the_writer_was_wrong_and_nobody_is_doubtful() -> None:
    """I2: the edits fail, nothing changed, the next batch has the same number."""
    scene = Scene().flying()
    assert kinds(scene.do(*refused("a", "b", "c"))) == [Fail]
    assert scene.doubtful == scene.state.unrecorded == frozenset()
    assert scene.state.writable()
    assert scene.do(Proposed(6)) == [Send("a"), Send("b"), Send("c")]


def test_all_means_all_that_were_handed_the_batch() -> None:
    scene = Scene(c=ABSENT).flying()
    assert kinds(scene.do(*refused("a", "b"))) == [Fail]


def test_if_w_is_out_of_reach_whoever_may_hold_it_is_doubtful_under_a_new_term() -> None:
    """I2: the batch is dead; those that refused open the cell anew."""
    scene = Scene().flying()
    assert scene.do(Voted("a", 6), *refused("b")) == []
    (halt,) = scene.do(*refused("c"))
    assert isinstance(halt, Halt)
    assert halt.doubtful == {"a"}
    assert "refused by b, c" in halt.reason
    assert scene.state.halted == halt.reason


def test_a_vote_that_is_still_out_is_waited_for_a_little() -> None:
    """It may be a refusal as well; then the writer was wrong."""
    scene = Scene().flying()
    assert scene.do(*refused("b", "c"), *ticks(1)) == []
    assert kinds(scene.do(*refused("a"))) == [Fail]


def test_one_that_never_answers_may_hold_the_batch() -> None:
    scene = Scene().flying()
    (halt,) = scene.do(*refused("b", "c"), *ticks(2))
    assert isinstance(halt, Halt)
    assert halt.doubtful == {"a"}


def test_one_that_broke_may_hold_the_batch() -> None:
    """Five replicas: one may break without shutting the cell by itself."""
    scene = Scene("abcde", 3).flying()
    (halt, *_) = scene.do(Voted("a", 6), *refused("c", "d", "e"), Broke("b", "EIO"))
    assert isinstance(halt, Halt)
    assert halt.doubtful == {"a", "b"}


def test_one_that_surely_rolled_back_holds_nothing() -> None:
    scene = Scene("abcde", 3).flying()
    scene.do(Voted("a", 6), missed("b", clear=True), *refused("c", "d"))
    (halt,) = scene.do(*refused("e"))
    assert isinstance(halt, Halt)
    assert halt.doubtful == {"a"}


def test_what_nobody_holds_waits_for_the_one_that_is_full_to_be_asked_again() -> None:
    """Its word decides: did all refuse, or is the batch dead?"""
    scene = Scene().flying()
    assert scene.do(*refused("b", "c"), missed("a", clear=True)) == [CatchUp("a")]
    assert scene.do(Levelled("a", 5)) == [Send("a")]
    assert kinds(scene.do(*refused("a"))) == [Fail]


def test_what_nobody_holds_does_not_wait_for_ever_for_the_one_that_is_full() -> None:
    """All writes would stand still meanwhile; a new term goes on without it."""
    scene = Scene().flying()
    scene.do(*refused("b", "c"), missed("a", clear=True))
    assert scene.do(*ticks(STUCK_TICKS_MAX)) == []
    (halt,) = scene.do(*ticks(1))
    assert isinstance(halt, Halt)
    assert halt.doubtful == frozenset()


def test_a_vote_from_before_a_copy_is_not_counted() -> None:
    """Two votes with one true holder are no quorum (I1)."""
    scene = Scene().flying()
    scene.do(Voted("a", 6))
    scene.do(Levelled("a", 5))
    assert scene.state.flight is not None
    assert scene.state.flight.votes == frozenset()


def test_if_nobody_could_take_it_it_is_tried_again_later() -> None:
    """All are full: nobody refused it, so nothing is wrong with it."""
    scene = Scene().flying()
    for name in "abc":
        assert scene.do(missed(name, clear=True)) == [CatchUp(name)]
    assert scene.do(*ticks(10 * STUCK_TICKS_MAX)) == []
    assert scene.do(Levelled("a", 5)) == [Send("a")]


def test_a_copy_that_joins_is_not_named_for_it_is_no_voter_anyway() -> None:
    scene = Scene("abcd", c=JOINING, quorum=3).flying()
    (halt,) = scene.do(Voted("c", 6), *refused("a", "b"), Voted("d", 6))
    assert isinstance(halt, Halt)
    assert halt.doubtful == {"d"}


def test_the_refusal_of_a_copy_that_joins_puts_nothing_out_of_reach() -> None:
    scene = Scene("abcd", c=JOINING, quorum=3).flying()
    assert scene.do(*refused("c", "a"), Voted("b", 6)) == []
    assert scene.do(Voted("d", 6), *ticks(5)) == []


def test_after_a_halt_nothing_is_done_any_more() -> None:
    scene = Scene().flying()
    scene.do(Voted("a", 6), *refused("b", "c"))
    before = scene.state
    for event in (Voted("b", 6), Ticked(), Broke("a", "x"), Levelled("c", 6), Proposed(6)):
        assert scene.do(event) == []
    assert scene.state == before
    assert not scene.state.writable()


# --- rolled back before COMMIT ------------------------------------------------------------------


def test_a_statement_that_fails_everywhere_fails_one_edit_alone() -> None:
    """I9: nobody holds the batch, so its number may name another content."""
    scene = Scene().flying()
    assert scene.do(*rolled("a", position=7), *rolled("b", position=2)) == []
    assert scene.do(*rolled("c", position=4)) == [Rebuild(2)]
    assert scene.doubtful == frozenset()
    assert scene.do(Proposed(6)) == [Send("a"), Send("b"), Send("c")]


def test_a_statement_that_fails_on_one_alone_makes_it_doubtful() -> None:
    """I2: its data is not that of the others."""
    scene = Scene().flying()
    scene.do(*rolled("c"), Voted("a", 6))
    assert scene.do(Voted("b", 6)) == [Commit(6), Record(frozenset("c"))]
    assert scene.doubtful == {"c"}


def test_a_statement_that_fails_after_the_quorum_makes_it_doubtful() -> None:
    scene = Scene()
    scene.committed(6)
    assert scene.do(*rolled("c")) == [Record(frozenset("c"))]


def test_one_that_was_full_and_rolled_back_does_not_hinder_a_rebuild() -> None:
    scene = Scene().flying()
    assert scene.do(missed("c", clear=True), *rolled("a", "b")) == [Rebuild(3)]


def test_refused_here_and_failed_there_is_held_nowhere() -> None:
    assert Scene().flying().do(*refused("a"), *rolled("b", "c")) == [Rebuild(3)]


@pytest.mark.parametrize("third", [Voted("c", 6), missed("c"), Broke("c", "EIO")])
def test_a_batch_that_one_may_hold_is_never_built_again(third: Event) -> None:
    """I2: (term, number) names one content for ever; only a new term can tell."""
    scene = Scene().flying()
    assert not {Rebuild, Fail} & set(kinds(scene.do(third)))
    assert scene.do(*rolled("a", "b"), *ticks(STUCK_TICKS_MAX)) == []
    (halt,) = scene.do(Ticked())
    assert isinstance(halt, Halt)
    assert halt.doubtful == frozenset()
    assert "refused by a, b" in halt.reason


def test_a_batch_that_is_only_slow_stays_in_the_air() -> None:
    """It is retried until it has its quorum; a new term would not help."""
    scene = Scene().flying()
    scene.do(missed("b", clear=True), missed("c"))
    assert scene.do(Voted("a", 6), *ticks(10 * STUCK_TICKS_MAX)) == []

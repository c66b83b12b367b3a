"""The oracle sees what it is there to see: without that a green run would show nothing."""

from __future__ import annotations

from crash.oracle import Ending, Oracle


def oracle_with(*states: tuple[bytes | None, Ending]) -> Oracle:
    oracle = Oracle("test")
    for state, ending in states:
        oracle.sending("/a", state)
        oracle.ended("/a", state, ending)
    return oracle


def test_the_last_acknowledged_state_is_good() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED), (b"2", Ending.ACKNOWLEDGED))

    oracle.read("/a", b"2")

    assert oracle.findings.bad == 0


def test_an_older_state_is_a_loss() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED), (b"2", Ending.ACKNOWLEDGED))

    oracle.read("/a", b"1")

    assert oracle.findings.lost == 1


def test_a_404_for_what_was_acknowledged_is_a_loss_and_a_lie() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED))

    oracle.read("/a", None)

    assert (oracle.findings.lost, oracle.findings.false_404) == (1, 1)


def test_bytes_that_nobody_sent_are_corrupt() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED))

    oracle.read("/a", b"x")

    assert oracle.findings.corrupt == 1


def test_an_unknown_write_may_show_or_not_but_once_shown_it_stays() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED), (b"2", Ending.UNKNOWN))
    oracle.read("/a", b"1")
    oracle.read("/a", b"2", settled=True)
    assert oracle.findings.bad == 0

    oracle.read("/a", b"1")

    assert oracle.findings.lost == 1


def test_a_failed_write_must_not_show() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED), (b"2", Ending.FAILED))

    oracle.read("/a", b"2")

    assert oracle.findings.lost == 1


def test_a_removed_entry_needs_an_own_delete() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED))

    oracle.removed("/a")

    assert oracle.findings.false_deletions == 1


def test_a_short_listing_is_a_false_deletion() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED))

    oracle.listed(set(), "a listing")

    assert oracle.findings.false_deletions == 1


def test_a_listing_with_what_was_deleted_is_a_loss() -> None:
    oracle = oracle_with((b"1", Ending.ACKNOWLEDGED), (None, Ending.ACKNOWLEDGED))

    oracle.listed({"/a"}, "a listing")

    assert oracle.findings.lost == 1

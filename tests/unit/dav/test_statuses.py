"""The table of errors is complete, and our own trouble is never the client's."""

from __future__ import annotations

import pytest

from strongroom.base.errors import (
    ClientError,
    FrozenError,
    InvalidError,
    RetryError,
    StrongroomError,
    UnsureError,
)
from strongroom.dav.statuses import REASONS, TABLE, Status, status_line, status_of


def leaves(base: type[StrongroomError]) -> set[type[StrongroomError]]:
    # What a lower floor derives for itself never comes up here.
    children = [c for c in base.__subclasses__() if c.__module__ == base.__module__]
    found: set[type[StrongroomError]] = set()
    for child in children:
        found |= leaves(child)
    return found or {base}


def test_every_leaf_of_the_tree_of_errors_has_a_status_and_nothing_else_has() -> None:
    assert set(TABLE) == leaves(StrongroomError)


@pytest.mark.parametrize("kind", sorted(TABLE, key=lambda kind: kind.__name__))
def test_only_a_clients_mistake_is_4xx(kind: type[StrongroomError]) -> None:
    assert (400 <= TABLE[kind].code < 500) == issubclass(kind, ClientError)


@pytest.mark.parametrize("kind", sorted(leaves(RetryError), key=lambda kind: kind.__name__))
def test_a_retry_says_when_within_what_phones_take(kind: type[RetryError]) -> None:
    assert 60 <= status_of(kind()).retry_after_seconds <= 7200


def test_a_precondition_element_makes_an_invalid_request_403() -> None:
    assert status_of(InvalidError("words", "{DAV:}x")) == Status(403, "{DAV:}x")
    assert status_of(InvalidError("words")) == Status(400)


def test_an_error_that_nobody_knows_is_503() -> None:
    assert status_of(StrongroomError()) == Status(503, "", 60)
    assert status_of(UnsureError()).retry_after_seconds == 60
    assert status_of(FrozenError()).retry_after_seconds == 900


@pytest.mark.parametrize("code", REASONS)
def test_a_status_line_has_its_reason(code: int) -> None:
    assert status_line(code).startswith(f"HTTP/1.1 {code} ")
    assert status_line(200) == "HTTP/1.1 200 OK"

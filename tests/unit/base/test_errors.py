"""The tree of errors: each has a stable name, and carries what its catcher needs."""

from __future__ import annotations

import inspect
import re

import pytest

from strongroom.base import errors
from strongroom.base.errors import (
    InvalidError,
    NotFoundError,
    RetryError,
    StatementError,
    StrongroomError,
    UnavailableReplicaError,
)

ALL = [
    one
    for _, one in inspect.getmembers(errors, inspect.isclass)
    if issubclass(one, StrongroomError)
]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = {one.code for one in ALL}
    assert len(codes) == len(ALL)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("one", ALL)
def test_every_error_is_named_as_one_and_stands_in_the_drawing(one: type) -> None:
    assert one.__name__.endswith("Error")
    assert inspect.getdoc(errors).count(f" {one.__name__} ") == (one is not StrongroomError)


def test_the_drawing_shows_whose_child_each_error_is() -> None:
    """A catcher of a family must catch what the drawing promises."""
    family, drawn = "", 1
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    (├── |└── |│   ├── |│   └── |    ├── |    └── )(\w+)", line)
        if found is None:
            continue
        drawn += 1
        if found[1][0] in "├└":
            family = found[2]
        parent = "StrongroomError" if found[1][0] in "├└" else family
        assert getattr(errors, found[2]).__base__.__name__ == parent
    assert drawn == len(ALL)


def test_an_error_without_a_message_says_what_to_do() -> None:
    assert f"{NotFoundError()}" == NotFoundError.hint
    assert f"{NotFoundError('no card')}" == "no card"


def test_whoever_shall_try_again_hears_when() -> None:
    """I4: a minute to two hours; less would be a storm, more would be forgotten."""
    waits = [one.retry_after_seconds for one in ALL if issubclass(one, RetryError)]
    assert all(60 <= seconds <= 7200 for seconds in waits)


def test_errors_carry_what_their_catcher_needs() -> None:
    invalid = InvalidError("another", "{ns}no-uid-conflict", "a.vcf")
    assert (f"{invalid}", invalid.condition, invalid.href) == (
        "another", "{ns}no-uid-conflict", "a.vcf",
    )  # fmt: skip
    assert (InvalidError().condition, InvalidError().href) == ("", "")
    assert StatementError("no", 7).position == 7
    assert UnavailableReplicaError("full", rolled_back=True).rolled_back


def test_a_replica_that_says_nothing_of_a_rollback_may_hold_the_batch() -> None:
    """I2: only a sure rollback lets a batch be built again."""
    assert not UnavailableReplicaError("slow").rolled_back


def test_a_missing_right_names_what_would_be_needed() -> None:
    needed = (("/dav/", "bind"),)
    assert errors.RightsError(needed).needed == needed
    assert "device add" in str(errors.RightsError())

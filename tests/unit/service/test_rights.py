"""What a device may do is fixed when it is made, and an unreadable scope opens nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from strongroom.base.errors import InvalidError, OutOfScopeError
from strongroom.service.rights import CONTACTS, FULL, Rights, check_reaches, choose, rights_of
from strongroom.service.rights import scope_fact as fact


@pytest.mark.parametrize(
    "rights",
    [
        FULL,
        Rights(None, read_only=True),
        Rights(frozenset({CONTACTS})),
        Rights(frozenset({CONTACTS}), read_only=True),
        Rights(frozenset()),
    ],
)
def test_a_scope_is_read_as_it_was_written(rights: Rights) -> None:
    kept = json.loads(json.dumps(fact(rights)))
    assert rights_of({"name": "phone", "scope": kept}) == rights


def test_a_device_of_an_older_release_reaches_everything() -> None:
    assert rights_of({"name": "phone", "scope": "all", "secret": "0"}) == FULL
    assert rights_of({"name": "phone"}) == FULL
    assert FULL.reaches("whatever comes later")


@pytest.mark.parametrize(
    "scope",
    ["some", None, 1, [], {}, {"services": "some"}, {"services": 7, "read_only": 0}],
)
def test_a_scope_that_nobody_understands_opens_nothing(scope: Any) -> None:
    rights = rights_of({"scope": scope})
    assert rights.read_only
    with pytest.raises(OutOfScopeError):
        check_reaches(rights, CONTACTS)


def test_services_are_chosen_by_name_and_none_named_means_all() -> None:
    assert choose([], read_only=False) == FULL
    assert choose(["contacts", "contacts"], read_only=True) == Rights(frozenset({CONTACTS}), True)
    with pytest.raises(InvalidError, match="telepathy"):
        choose(["contacts", "telepathy"], read_only=False)


def test_a_service_that_is_in_the_scope_is_reached() -> None:
    check_reaches(FULL, CONTACTS)
    check_reaches(Rights(frozenset({CONTACTS}), read_only=True), CONTACTS)
    with pytest.raises(OutOfScopeError):
        check_reaches(Rights(frozenset({"files"})), CONTACTS)

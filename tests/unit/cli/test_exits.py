"""Every error has an exit status, and a place in docs/errors.md; every setting in its page."""

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import strongroom
from strongroom.base import settings
from strongroom.base.errors import LockedError, StrongroomError
from strongroom.cli.exits import EXITS, exit_status
from strongroom.control.protocol import AnsweredError

DOCS = Path(__file__).resolve().parents[3] / "docs"


def all_errors() -> set[type[StrongroomError]]:
    for module in pkgutil.walk_packages(strongroom.__path__, "strongroom."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, open_ones = set(), [StrongroomError]
    while open_ones:
        one = open_ones.pop()
        # Tests make errors of their own, which nobody outside ever sees.
        if one.__module__.startswith("strongroom."):
            found.add(one)
        open_ones += one.__subclasses__()
    return found


CODES = {error.code for error in all_errors()}


def test_the_table_holds_every_error_and_nothing_else():
    assert len(CODES) > 25
    assert set(EXITS) == CODES


@pytest.mark.parametrize("code", sorted(EXITS))
def test_no_error_exits_like_success(code: str):
    assert 0 < EXITS[code] < 64


def test_an_error_from_the_server_exits_like_our_own():
    assert exit_status(AnsweredError("locked", "held", "")) == exit_status(LockedError()) == 7
    assert exit_status(AnsweredError("of a later release", "", "")) == 1


def headings(page: str) -> set[str]:
    return set(re.findall(r"^### `([^`]+)`", (DOCS / page).read_text(), re.MULTILINE))


def test_every_error_code_is_explained():
    assert headings("errors.md") == CODES


def test_every_setting_is_explained():
    assert headings("settings.md") == set(settings.names())

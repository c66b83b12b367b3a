"""Commands that carry a book out and in: what is not whole is an error, and the peak is weighed."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from bench.adapter import Running
from bench.figures import Measure
from bench.process import Process, memory_mb, peak_mb
from bench.wire import Target
from bench.workloads import QUICK, Round


class Here:
    """This process in the place of a server's."""

    pid = os.getpid()


class Told(Running):
    """A server whose commands tell what they are told to tell."""

    def command(self, *words: str | Path) -> list[str | Path]:
        return [sys.executable, "-c", f"print({words[-1]!r})"] if words else []


def taken(told: str) -> Measure:
    running = Told("Strongroom", Target(1, "/", "a", "b"), cast(Process, Here()))
    one = Round(running, replace(QUICK, large=3), 1)
    return asyncio.run(
        one._guarded("export of 3", "s", lambda name: one._command(name, ["export", told]))
    )


@pytest.mark.parametrize("told", ['{"count": 3}', '{"new": 3, "merged": 0}'])
def test_a_command_that_took_all_is_timed(told: str) -> None:
    measure = taken(told)

    assert (measure.ops, measure.errors, measure.unit) == (3, 0, "s")
    assert measure.value > 0


def test_a_command_that_took_less_is_an_error() -> None:
    measure = taken('{"count": 2}')

    assert (measure.value, measure.errors) == (0.0, 1)
    assert "export took 2 of 3" in measure.note


def test_a_peer_has_no_such_command() -> None:
    assert not Running("Cyrus", Target(1, "/", "a", "b"), cast(Process, Here())).command()


def test_the_peak_is_never_below_what_is_there_now() -> None:
    assert peak_mb(os.getpid()) >= memory_mb(os.getpid()) > 0

"""`init` and `serve`."""

from __future__ import annotations

import asyncio
import logging
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Final

from strongroom import compose
from strongroom.base.errors import OperatorError
from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.control.serve import serve


def run_init(given: Namespace, screen: Screen) -> None:
    """Create the cell."""
    settings = read_settings(given.config)
    cell = asyncio.run(compose.initialise(settings))
    places = "\n".join(f"  {place}" for place in settings.replicas)
    screen.result(
        {"cell": cell, "replicas": [str(place) for place in settings.replicas]},
        f"The cell {cell} was created, with {len(settings.replicas)} replicas:\n{places}\n"
        "Next: `strongroom serve`, and `strongroom account add LOGIN`.",
    )


def run_serve(given: Namespace, screen: Screen) -> None:
    """Serve until told to end."""
    settings = read_settings(given.config)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="strongroom: %(message)s")

    def announce(address: str, trouble: OperatorError | None) -> None:
        if trouble is not None:
            screen.error(trouble)
        words = "answers, frozen," if trouble else "serves"
        screen.result(
            {"address": address, "frozen": str(trouble or "")},
            f"Strongroom {words} at {address}/ (Ctrl-C or SIGTERM ends it)",
        )

    serve(settings, announce)


RUN: Final[Mapping[str, Callable[[Namespace, Screen], None]]] = {
    "init": run_init,
    "serve": run_serve,
}

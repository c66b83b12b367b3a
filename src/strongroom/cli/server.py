"""`init` and `serve`."""

from __future__ import annotations

import asyncio
import logging
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from strongroom import compose
from strongroom.base.limits import PAIRING_SECONDS
from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.control.reach import find_lan
from strongroom.control.serve import Served, serve


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

    def announce(served: Served) -> None:
        for trouble in (served.trouble, served.no_page):
            if trouble is not None:
                screen.error(trouble)
        screen.result(_served_facts(served), served_text(served))

    lan = None if given.lan is None else find_lan(given.lan)
    traces = None if given.trace is None else Path(given.trace).absolute()
    serve(settings, announce, lan, given.pair, traces)


def _served_facts(served: Served) -> dict[str, Any]:
    return {
        "address": served.origins[0],
        "addresses": served.origins,
        "frozen": str(served.trouble or ""),
        "phones": served.phone_origin,
        "certificate": served.certificate,
        "announced": served.lan is not None and not served.unheard,
        "page": served.page,
        "traces": served.traces,
    }


def served_text(served: Served) -> str:
    """Say where it answers, and how a phone gets there; pure."""
    words = "answers, frozen," if served.trouble else "serves"
    where = " and ".join(f"{one}/" for one in served.origins)
    lines = [f"Strongroom {words} at {where} (Ctrl-C or SIGTERM ends it)"]
    certificate = served.certificate or {}
    if certificate:
        lines.append(f"  certificate, SHA-256: {certificate['fingerprint']}")
    if authority := certificate.get("authority_fingerprint"):
        lines.append(f"  its authority:        {authority}")
    if served.traces:
        lines.append(
            "Every request is traced, without names, contents, passwords and tokens, to\n"
            f"  {served.traces}\n"
            "Traces show who synchronises when. Start it without --trace when you have seen enough."
        )
    if served.unheard:
        lines.append(f"It is not announced on the network ({served.unheard}); type the address.")
    if served.page:
        from strongroom.cli.qr import page_text  # noqa: PLC0415 - only who shows one reads it

        lines.append(
            page_text(served.page, PAIRING_SECONDS, certificate["fingerprint"] if authority else "")
        )
    elif served.phone_origin:
        lines.append("Connect a phone: `strongroom device add LOGIN NAME --qr`.")
    else:
        lines.append(
            "Phones cannot reach it here. In your own network they can: `strongroom serve --lan`,\n"
            "or `make run LAN=1`; either prints a QR code for a phone."
        )
    return "\n".join(lines)


RUN: Final[Mapping[str, Callable[[Namespace, Screen], None]]] = {
    "init": run_init,
    "serve": run_serve,
}

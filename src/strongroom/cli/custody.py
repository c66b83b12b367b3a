"""`custody LOGIN`: which device holds what, in plain words."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Final

from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.cli.status_text import day_and_time
from strongroom.control.perform import perform
from strongroom.control.protocol import Request

_RULE: Final = (
    "Counted is what a device came back with (its sync token) or wrote itself; what it was only "
    "sent may have been lost on the way."
)


def run(given: Namespace, screen: Screen) -> None:
    """Run the command."""
    request = Request("custody", {"login": given.login})
    result = perform(read_settings(given.config), request, screen.progress)
    screen.result(result, custody_text(result))


def custody_text(found: Mapping[str, Any]) -> str:
    """Say all that is known of an account's devices."""
    lines = [line for device in found["devices"] for line in device_lines(device)]
    lines = lines or ["There is no device, and never was one."]
    if found["left_out"]:
        lines.append(f"{found['left_out']} older devices are not shown.")
    if not found["visits"]:
        lines.append(
            "When devices came last cannot be read now (data/positions.db): what they hold is "
            "known only from what they wrote."
        )
    return "\n".join([*lines, _RULE])


def device_lines(device: Mapping[str, Any]) -> list[str]:
    """Say who it is, when it was here, what it holds of each collection, what it alone has."""
    seen = f"last seen {day_and_time(device['seen'])}" if device["seen"] else "last visit not known"
    words = [device["client"], f"revoked {day_and_time(device['revoked'])}"]
    known = [words[0]] * bool(device["client"]) + [words[1]] * bool(device["revoked"])
    lines = [f"{device['name']}  {', '.join([*known, seen])}"]
    lines += [f"  {b['book']}: {book_words(b)}" for b in device["books"] if not _is_nothing(b)]
    if device["brought"]:
        lines.append(
            "  has seen what was lost here: keep its account, export all that it holds into a "
            "file, and `strongroom import` that"
        )
    if device["alone"]:
        past = f", {device['alone_past']} of them of the past" * bool(device["alone_past"])
        versions = "1 version" if device["alone"] == 1 else f"{device['alone']} versions"
        lines.append(f"  holds {versions} that no other device is known to hold{past}")
    return lines


def _is_nothing(book: Mapping[str, Any]) -> bool:
    """Say whether nothing is there to be held, and nothing known: calendars that nobody uses."""
    return book["stands"] and not book["of"] and book["came_back"] is None


def book_words(book: Mapping[str, Any]) -> str:
    """Say what a device holds of one collection."""
    if not book["stands"]:
        return "removed since its last visit, so it may still be there"
    holds = f"{book['holds']} of {book['of']}"
    if book["beyond"]:
        return (
            f"has seen change {book['came_back']}, which is not in our history: it may hold what "
            f"is missing here; known for sure are {holds}"
        )
    if book["came_back"] is None:
        return f"not known: it never tells how far it is; {holds} it wrote itself"
    if book["came_back"] == 0:
        return f"it asked for everything and was not back since; known for sure are {holds}"
    behind = f", {book['behind']} changes behind" * bool(book["behind"])
    return f"holds {holds}{behind}"

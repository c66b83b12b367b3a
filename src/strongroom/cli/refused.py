"""`refused ...`: what phones tried to save and were refused, and what to do with it."""

from __future__ import annotations

import sys
from argparse import Namespace
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.cli.status_text import bytes_text, day_and_time
from strongroom.control.perform import perform
from strongroom.control.protocol import Request

CHOICES: Final = ("phone", "server", "both")
_NOTHING: Final = "Nothing that a phone of {login} tried to save is kept: all of it was taken."
_BOTH: Final = "both (the server's stays, the phone's is kept beside it)"

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def run(given: Namespace, screen: Screen) -> None:
    """Run one command of this group."""
    settings = read_settings(given.config)
    _RUN[given.action](
        given, screen, lambda name, more: perform(settings, Request(name, more), screen.progress)
    )


def _list(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("refused list", {"login": given.login})
    rows = [row_text(row) for row in result["refused"]]
    screen.result(result, "\n".join(rows) or _NOTHING.format(login=given.login))


def row_text(row: Mapping[str, Any]) -> str:
    """Say in a line what a phone tried to save, when, where, and why it was refused."""
    by = (row["device"] or "a device") + f" ({row['client']})" * bool(row["client"])
    name = row["name"] or row["href"] or "without a name"
    again = f", {row['times']} times" if row["times"] > 1 else ""
    part = "" if row["whole"] else f"; only {bytes_text(row['size'])} of it are kept"
    more = f"; {row['more']} more that came too fast are not" if row["more"] else ""
    when = day_and_time(row["at"])
    where = f"for {row['book']}, " * bool(row["book"])
    return f"{row['number']}  {when}  {name}  {where}by {by}: {row['why']}{again}{part}{more}"


def _show(given: Namespace, screen: Screen, ask: Ask) -> None:
    values = {"login": given.login, "number": given.number}
    if given.raw:
        result = ask("refused body", values)
        if not given.json:
            sys.stdout.buffer.write(b64decode(result["body"]))
            sys.stdout.buffer.flush()
            return
        screen.result(result, "")
        return
    result = ask("refused show", {**values, "prefer": ""})
    screen.result(result, show_text(result))


def show_text(result: Mapping[str, Any]) -> str:
    """Say how one differs from what stands now, field by field."""
    lines = [row_text(result)]
    if result["stands"]:
        lines += _fields(result["differences"], "server", "phone") or ["All of it stands already."]
        lines += _fields(result["conflicts"], "both changed: server", "phone")
    elif not result["problem"]:
        lines += _fields(result["differences"], "server", "phone")
        lines.append(f"It does not stand any more; applying makes it again as {result['object']}.")
    lines += [f"Before it can be kept: {one}." for one in result["mendings"]]
    login, number = result["login"], result["number"]
    if result["problem"]:
        lines.append(f"It cannot be applied. {result['problem']}")
        lines.append(
            f"`strongroom refused show {login} {number} --raw > FILE` gives its bytes; "
            f"`strongroom import {login} FILE` takes what can be taken of them."
        )
    else:
        lines.append(f"`strongroom refused apply {login} {number}`")
    return "\n".join(lines)


def _fields(rows: Iterable[Mapping[str, str]], old: str, new: str) -> list[str]:
    return [
        f"  {row['field']}: {old} {row['old'] or '(none)'} | {new} {row['new'] or '(none)'}"
        for row in rows
    ]


def _question(choices: Sequence[str]) -> str:
    *first, last = (_BOTH if one == "both" else one for one in choices)
    return f"Both changed these fields. Whose word counts: {', '.join(first)}, or {last}?"


def _apply(given: Namespace, screen: Screen, ask: Ask) -> None:
    values = {"login": given.login, "number": given.number}
    shown = ask("refused show", {**values, "prefer": given.prefer})
    prefer = given.prefer
    if not shown["problem"]:
        for line in _fields(shown["differences"], "server", "phone"):
            screen.say(line)
    if shown["conflicts"] and not prefer:
        for line in _fields(shown["conflicts"], "both changed: server", "phone"):
            screen.say(line)
        prefer = screen.chosen(_question(shown["choices"]), shown["choices"], "use --prefer")
    result = ask("refused apply", {**values, "prefer": prefer, "shown": shown["shown"]})
    screen.result(result, applied_text(result))


def applied_text(result: Mapping[str, Any]) -> str:
    """Say what became of it."""
    if not result["changes"]:
        return "All of it stood already; it is off the list."
    made = "changed" if result["stands"] else "made"
    lines = _fields(result["changes"], "before", "now") if result["stands"] else []
    lines.append(
        f"{result['object']} was {made}; phones get it at their next sync. "
        "`strongroom undo` takes it back."
    )
    return "\n".join(lines)


def _drop(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("refused drop", {"login": given.login, "number": given.number})
    screen.result(result, f"{given.number} is off the list. The history keeps it.")


_RUN: Final[Mapping[str, Callable[[Namespace, Screen, Ask], None]]] = {
    "list": _list,
    "show": _show,
    "apply": _apply,
    "drop": _drop,
}

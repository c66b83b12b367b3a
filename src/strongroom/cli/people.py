"""`account ...` and `device ...`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from strongroom.base.errors import NotFoundError
from strongroom.base.settings import Settings
from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.control.perform import perform
from strongroom.control.protocol import Request

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def run(given: Namespace, screen: Screen) -> None:
    """Run one command of these groups."""
    settings = read_settings(given.config)
    _RUN[given.command, given.action](given, screen, _asker(settings, screen))


def _asker(settings: Settings, screen: Screen) -> Ask:
    return lambda name, values: perform(settings, Request(name, values), screen.progress)


def _account_add(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account add", {"login": given.login, "name": given.name})
    screen.result(
        result,
        f"The account {given.login} is there, with an empty address book.\n"
        f"Next: `strongroom device add {given.login} NAME` gives a password for one phone.",
    )


def _account_list(_given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account list", {})
    rows = [
        f"{row['login']}  {row['devices']} devices{'  FROZEN' if row['frozen'] else ''}"
        for row in result["accounts"]
    ]
    screen.result(result, "\n".join(rows) or "There are no accounts yet.")


def _account_thaw(given: Namespace, screen: Screen, ask: Ask) -> None:
    shown = ask("account freezes", {"login": given.login})["freezes"]
    if not shown:
        raise NotFoundError(f"Nothing of {given.login} is frozen.")
    for freeze in shown:
        screen.say(freeze_text(freeze))
    if not given.yes:
        screen.say(
            "A thaw accepts this: phones then see the data as it stands now, and the evidence is\n"
            "written into the journal. Where a newer disk or an archive may still turn up, wait."
        )
        screen.typed(f"Type the login ({given.login}) to end the freeze:", given.login, "use --yes")
    evidence = [freeze["evidence"] for freeze in shown]
    result = ask("account thaw", {"login": given.login, "evidence": evidence})
    screen.result(result, f"{given.login} is no longer frozen; what was accepted is journalled.")


def freeze_text(freeze: Mapping[str, Any]) -> str:
    """Say what is frozen, since when, why and on which evidence."""
    scope = "the whole account" if freeze["scope"] == "account" else f"book {freeze['scope']}"
    since = day_and_time(freeze["since"])
    return f"Frozen: {scope}, since {since}: {freeze['why']}.\n  Evidence: {freeze['evidence']}"


def day_and_time(ms: int) -> str:
    """Write a time of the journal (ms since 1970) for people."""
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _device_add(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("device add", {"login": given.login, "name": given.name})
    password = result["password"]
    if given.only:
        screen.result(result, password)
        return
    screen.result(
        result,
        f"Password of {given.name} for {given.login}, shown this once: {password}\n"
        f"It opens the contacts of {given.login}; `strongroom device revoke` ends that.",
    )


def _device_list(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("device list", {"login": given.login})
    rows = [f"{row['name']}  since {day_and_time(row['since_ms'])}" for row in result["devices"]]
    screen.result(result, "\n".join(rows) or f"{given.login} has no devices yet.")


def _device_revoke(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("device revoke", {"login": given.login, "name": given.name})
    screen.result(
        result, f"{given.name} is let in no more. No contact was touched, here or on the phone."
    )


_RUN: Final[Mapping[tuple[str, str], Callable[[Namespace, Screen, Ask], None]]] = {
    ("account", "add"): _account_add,
    ("account", "list"): _account_list,
    ("account", "thaw"): _account_thaw,
    ("device", "add"): _device_add,
    ("device", "list"): _device_list,
    ("device", "revoke"): _device_revoke,
}

"""`account ...` and `device ...`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final

from strongroom.base.errors import NotFoundError
from strongroom.base.settings import Settings
from strongroom.cli.configuration import read_settings
from strongroom.cli.custody import custody_text
from strongroom.cli.screen import Screen
from strongroom.cli.status_text import bytes_text, day_and_time, freeze_words, plain
from strongroom.control.perform import perform
from strongroom.control.protocol import Request
from strongroom.service.kinds import kind_of, short_name

Ask = Callable[[str, Mapping[str, Any]], dict[str, Any]]


def run(given: Namespace, screen: Screen) -> None:
    """Run one command of these groups."""
    settings = read_settings(given.config)
    _RUN[given.command, given.action](given, screen, _asker(settings, screen))


def _asker(settings: Settings, screen: Screen) -> Ask:
    return lambda name, values: perform(settings, Request(name, values), screen.progress)


def _account_add(given: Namespace, screen: Screen, ask: Ask) -> None:
    values = {"login": given.login, "name": given.name, "email": given.email}
    result = ask("account add", values)
    screen.result(
        result,
        f"The account {given.login} is there, with an empty address book; a calendar, tasks and\n"
        "notes are made when a program first asks for them.\n"
        f"Next: `strongroom device add {given.login} NAME` gives a password for one phone.",
    )


def _account_list(_given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account list", {})
    rows = [
        f"{row['login']}  {row['devices']} devices{_frozen(row)}"
        f"{'  SUSPENDED' if row['suspended'] else ''}"
        for row in result["accounts"]
    ]
    screen.result(result, "\n".join(rows) or "There are no accounts yet.")


def _frozen(row: Mapping[str, Any]) -> str:
    return f"  FROZEN since {day_and_time(row['frozen_since'])}" if row["frozen"] else ""


def _account_show(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account show", {"login": given.login})
    screen.result(result, account_text(result))


def account_text(account: Mapping[str, Any]) -> str:
    """Say all about one account in plain words."""
    lines = [account["login"] + (f"  {account['name']}" if account["name"] else "")]
    lines += [f"E-mail: {account['email']}"] * bool(account["email"])
    lines += [f"Suspended: {account['suspended']}"] * bool(account["suspended"])
    lines += [freeze_text(freeze) for freeze in account["freezes"]]
    lines += [accepted_text(row) for row in account["accepted"]]
    lines += [space_text(account["bytes"])]
    lines += [collection_text(one) for one in account["collections"]]
    lines += [refused_text(account)] * bool(account["refused"])
    lines += [f"Device {device_text(device)}" for device in account["devices"]]
    return "\n".join(lines)


def collection_text(found: Mapping[str, Any]) -> str:
    """Say what it is, by which name commands take it, what its owner calls it, what is in it."""
    name, kind = found["collection"], kind_of(found["collection"])
    own = found["name"]
    called = f" ({plain(own)})" if own and own.lower() != short_name(name).lower() else ""
    count = found["objects"]
    things = kind.thing if count == 1 else kind.things
    return f"{kind.noun.capitalize()} {name}{called}: {count} {things}"


def refused_text(account: Mapping[str, Any]) -> str:
    """Say that phones tried to save what was refused."""
    count = f"{account['refused']} edit{'s' * (account['refused'] > 1)}"
    return f"Refused: {count} of phones; `strongroom refused list {account['login']}`"


def space_text(counted: Mapping[str, Any] | None) -> str:
    """Say how much stands, how much may, and what is kept of the past beside it."""
    if counted is None:
        return "Space: cannot be counted now"
    of = "" if counted["quota"] is None else f" of {bytes_text(counted['quota'])}"
    past = bytes_text(counted["history"])
    return f"Space: {bytes_text(counted['live'])}{of}; and {past} of old and deleted versions"


def _account_set_quota(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account set-quota", {"login": given.login, "amount": given.amount})
    quota = result["quota"]
    bound = "has no quota" if quota is None else f"may hold {bytes_text(quota)}"
    screen.result(result, f"{given.login} {bound} now. Nothing that stands was touched.")


def _account_suspend(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account suspend", {"login": given.login, "reason": given.reason})
    screen.result(
        result,
        f"{given.login} is suspended. Nothing was deleted; phones hear the reason and keep what\n"
        f"they have. `strongroom account resume {given.login}` opens it again.",
    )


def _account_resume(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("account resume", {"login": given.login})
    screen.result(result, f"{given.login} is open again; phones come back within two hours.")


def _account_thaw(given: Namespace, screen: Screen, ask: Ask) -> None:
    found = ask("account freezes", {"login": given.login})
    shown = found["freezes"]
    if not shown:
        raise NotFoundError(f"Nothing of {given.login} is frozen.")
    for freeze in shown:
        screen.say(freeze_text(freeze))
    screen.say(_custody_or_why_not(found["custody"]))
    if not given.yes:
        screen.say(
            "A thaw accepts this: phones then see the data as it stands now, and the evidence is\n"
            "written into the journal. Where a newer disk or an archive may still turn up, wait."
        )
        screen.typed(f"Type the login ({given.login}) to end the freeze:", given.login, "use --yes")
    evidence = [freeze["evidence"] for freeze in shown]
    result = ask("account thaw", {"login": given.login, "evidence": evidence})
    screen.result(
        {**result, "custody": found["custody"]},
        f"{given.login} is no longer frozen; what was accepted is journalled "
        f"(`strongroom account show {given.login}` lists it).",
    )


def _custody_or_why_not(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "What each device holds cannot be proven now."
    return "What each device holds, as far as it is known:\n" + custody_text(found)


def freeze_text(freeze: Mapping[str, Any]) -> str:
    """Say what is frozen, since when, why, on which evidence, and what to do."""
    source = f", brought by the device {freeze['device']}" if freeze["device"] else ""
    steps = [f"  - {step}" for step in freeze["advice"].splitlines()]
    late = ["  It stands for over a day now, and does not end by itself."] * freeze["overdue"]
    evidence = f"  Evidence: {freeze['evidence'] or 'none'}{source}"
    return "\n".join([f"Frozen: {freeze_words(freeze)}", evidence, *late, *steps])


def accepted_text(row: Mapping[str, Any]) -> str:
    """Say which evidence a thaw accepted."""
    source = f", brought by the device {row['device']}" if row["device"] else ""
    return f"Accepted {day_and_time(row['at'])}: {row['evidence']}{source}"


def _device_add(given: Namespace, screen: Screen, ask: Ask) -> None:
    values = {"login": given.login, "name": given.name}
    values |= {"services": given.services, "read_only": given.read_only}
    if given.qr:
        _device_pair(values, screen, ask)
        return
    result = ask("device add", values)
    password = result["password"]
    if given.only:
        screen.result(result, password)
        return
    screen.result(
        result,
        f"Password of {given.name} for {given.login}, shown this once: {password}\n"
        f"It opens {scope_text(result)} of {given.login}; `strongroom device revoke` ends that.",
    )


def _device_pair(values: Mapping[str, Any], screen: Screen, ask: Ask) -> None:
    from strongroom.cli.qr import page_text  # noqa: PLC0415 - only who shows one reads it

    result = ask("device pair", values)
    screen.result(result, page_text(result["url"], result["seconds"], result["fingerprint"]))


def _device_list(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("device list", {"login": given.login})
    rows = [device_text(row) for row in result["devices"]]
    screen.result(result, "\n".join(rows) or f"{given.login} has no devices yet.")


def device_text(device: Mapping[str, Any]) -> str:
    """Say which device, since when and for what."""
    since = day_and_time(device["since_ms"])
    return f"{device['name']}  since {since}  {scope_text(device)}"


def scope_text(device: Mapping[str, Any]) -> str:
    """Say what a device reaches."""
    services = device["services"]
    what = "all services" if services == "all" else ", ".join(services)
    return f"{what}, read only" if device["read_only"] else what


def _device_revoke(given: Namespace, screen: Screen, ask: Ask) -> None:
    result = ask("device revoke", {"login": given.login, "name": given.name})
    screen.result(
        result, f"{given.name} is let in no more. Nothing it holds was touched, here or there."
    )


_RUN: Final[Mapping[tuple[str, str], Callable[[Namespace, Screen, Ask], None]]] = {
    ("account", "add"): _account_add,
    ("account", "list"): _account_list,
    ("account", "show"): _account_show,
    ("account", "set-quota"): _account_set_quota,
    ("account", "suspend"): _account_suspend,
    ("account", "resume"): _account_resume,
    ("account", "thaw"): _account_thaw,
    ("device", "add"): _device_add,
    ("device", "list"): _device_list,
    ("device", "revoke"): _device_revoke,
}

"""`history` and `undo`: what happened in an account, and taking it back."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any, Final

from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.cli.status_text import plain
from strongroom.control.perform import Asking, session
from strongroom.control.table import Needs

_KINDS: Final = {
    "create": "comes back", "change": "changes back", "move": "moves back", "remove": "goes",
}  # fmt: skip
_WISH: Final = ("to", "entry", "device", "since", "collection", "object")
_SECONDS: Final = len("2026-11-28T20:45:07")


def run(given: Namespace, screen: Screen) -> None:
    """Run one of these commands."""
    needs = Needs.READ if given.command == "history" else Needs.OPEN
    with session(read_settings(given.config), screen.progress, needs) as ask:
        _RUN[given.command](given, screen, ask)


# --- history --------------------------------------------------------------------------------------
def _history(given: Namespace, screen: Screen, ask: Asking) -> None:
    names = ("login", "collection", "object", "since", "until", "device", "limit")
    result = ask("history", {name: getattr(given, name) for name in names})
    screen.result(result, history_text(result))


def history_text(found: Mapping[str, Any]) -> str:
    """Say what happened, the newest first."""
    lines = [line for event in found["events"] for line in event_lines(event, found["login"])]
    if found["more"]:
        lines.append(
            f"{found['more']} older events are not shown; --limit shows more of them, and "
            f"--until {found['events'][-1]['time']} goes on from here."
        )
    return "\n".join(lines) or "Nothing happened that fits."


def event_lines(event: Mapping[str, Any], login: str) -> Iterator[str]:
    """Say when, where, what, of what, by whom; and what to do if nobody looked before."""
    when = event["time"][:_SECONDS].replace("T", " ")
    place = f"{event['book']}:{event['number']}"
    yield plain(f"{when} UTC  {place}  {event['what']}  {_thing(event)}  {_who(event)}")
    if event["unconditional"]:
        yield plain(
            f"    ! Not looked at before it went: version {event['book']}:{event['was']}. "
            f"`strongroom undo {login} --entry {place}` takes it back."
        )


def _thing(event: Mapping[str, Any]) -> str:
    return f"{event['name']} ({event['href']})" if event["name"] else str(event["href"])


def _who(event: Mapping[str, Any]) -> str:
    words = [event["device"] or event["request"] or "the server itself"]
    words += [event["client"]] * bool(event["client"])
    words += [event["condition"]] * bool(event["condition"])
    return "by " + ", ".join(words)


# --- undo -----------------------------------------------------------------------------------------
def _undo(given: Namespace, screen: Screen, ask: Asking) -> None:
    wish = {name: getattr(given, name) for name in _WISH}
    plan = ask("undo plan", {"login": given.login, **wish})
    something = bool(plan["changes"])
    if given.dry_run or not something:
        screen.result(plan, plan_text(plan))
        return
    screen.say(plan_text(plan))
    if not given.yes:
        question = f"Type the login ({given.login}) to do this:"
        screen.typed(question, given.login, "use --yes, or --dry-run to look only")
    # The plan has its times written out, so that it means the same now as when it was shown.
    again = {"login": given.login, **plan["wish"], "mark": plan["mark"]}
    result = ask("undo apply", again)
    screen.result(result, outcome_text(result))


def plan_text(plan: Mapping[str, Any]) -> str:
    """Say what an undo would do: counts, each change field by field, what cannot be done."""
    lines = [f"{plan['goal'][:1].upper()}{plan['goal'][1:]}: {counts_text(plan['counts'])}."]
    lines += [line for change in plan["changes"] for line in change_lines(change)]
    if plan["more"]:
        lines.append(f"  and {plan['more']} more that are not shown")
    lines += left_lines(plan["cannot"], plan["counts"]["cannot"])
    if not plan["changes"]:
        lines.append("Nothing is there to be done. Nothing was changed.")
    return "\n".join(map(plain, lines))


def counts_text(counts: Mapping[str, int]) -> str:
    """Say how many things it is about."""
    told = f"{counts['create']} to create, {counts['change']} to change, {counts['move']} to move"
    return f"{told}, {counts['remove']} to remove, {counts['cannot']} that cannot be done"


def change_lines(change: Mapping[str, Any]) -> Iterator[str]:
    """Say of one thing what becomes of it, then each field: what it is, and what it would be."""
    alone = change["what"] == "collection"
    place = f"the collection {change['href']}" if alone else f"{change['book']}/{change['href']}"
    name = f"  {change['name']}" * bool(change["name"])
    source = f" from {change['source']}" * bool(change["source"])
    holds = f", with {change['holds']} things in it" * bool(change["holds"])
    yield f"  {place} {_KINDS[change['kind']]}{source}{holds}{name}"
    for field in change["fields"]:
        yield f"      {field['field']}: {field['old'] or '-'} -> {field['new'] or '-'}"


def left_lines(left: list[Mapping[str, Any]], count: int) -> list[str]:
    """Say what is left as it is, and why."""
    lines = [f"  cannot: {one['book']}/{one['href']}: {one['why']}" for one in left]
    return lines + [f"  and {count - len(left)} more that cannot be done"] * (count > len(left))


def outcome_text(result: Mapping[str, Any]) -> str:
    """Say what was done, what was left, and how to take it back."""
    lines = [f"{result['done']} changes were made; phones follow at their next sync."]
    lines += left_lines(result["left"], result["left_count"])
    if result["done"]:
        lines.append(
            f"`strongroom undo {result['login']} --to {result['back']}` takes this back, and what "
            "was changed since."
        )
    return "\n".join(map(plain, lines))


_RUN: Final = {"history": _history, "undo": _undo}

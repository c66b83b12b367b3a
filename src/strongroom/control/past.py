"""Commands about the past: the history of an account, and undo. Thin, the services do the work.

`undo plan` changes nothing and gives a mark of all that it would do; `undo apply` makes the plan
anew and carries it out only if it has the same mark, so what was shown is what is done.
"""

from __future__ import annotations

from typing import Any, Final

from strongroom.base.errors import RefusedPlanError
from strongroom.base.limits import UNDO_SHOWN_MAX
from strongroom.control.pace import paced
from strongroom.control.room import Call, origin
from strongroom.formats.moments import write_moment
from strongroom.history.entries import Member
from strongroom.service.accounts import find_account
from strongroom.service.past import Past, read_past
from strongroom.service.timeline import Event, Query, timeline
from strongroom.service.undo import Wish, apply_undo, plan_undo, resolved
from strongroom.service.undo_view import left, show
from strongroom.service.undoing import Cannot, Plan

WISH: Final = ("to", "entry", "device", "since", "collection", "object")

_NARROWED: Final = ("since", "until", "device", "limit")


async def history(call: Call) -> dict[str, Any]:
    """Give the newest events of an account; a frozen one too."""
    given = call.given
    query = Query(given["collection"], given["object"], **{name: given[name] for name in _NARROWED})
    now, progress = call.room.parts.clock.now_ms(), paced(call.tell, "entries read")
    async with call.reading(proven=False) as cell:
        account = find_account(cell.directory, given["login"])
        found = await timeline(cell, account, query, now, progress)
    events = [_event(event) for event in found.events]
    return {"login": account.href, "events": events, "more": found.more}


def _event(event: Event) -> dict[str, Any]:
    return {"time": write_moment(event.at), **event._asdict()}


async def undo_plan(call: Call) -> dict[str, Any]:
    """Say what an undo would do; nothing is changed."""
    cell = call.room.open_cell()
    account, wish, plan = await _plan(call)
    past = await read_past(cell, account.id)
    counts = plan.counts()
    changes = await show(cell, past, plan)
    return {
        "login": account.href,
        "wish": _wish(wish),
        "goal": plan.goal,
        "counts": counts,
        "changes": [
            {**one._asdict(), "fields": [field._asdict() for field in one.fields]}
            for one in changes
        ],
        "more": sum(counts.values()) - counts["cannot"] - len(changes),
        "cannot": _left(past, plan.cannot),
        "mark": plan.mark(),
    }


async def undo_apply(call: Call) -> dict[str, Any]:
    """Carry out the plan that was shown; what changed meanwhile is told and left alone.

    Raises:
        RefusedPlanError: what it would do is not what was shown. Nothing was changed.
    """
    cell = call.room.open_cell()
    async with call.room.undoing:
        account, _, plan = await _plan(call)
        if plan.mark() != call.given["mark"]:
            raise RefusedPlanError(
                "What stands was changed since the plan was shown. Nothing was changed; look at "
                "the plan again."
            )
        request, progress = origin("undo").request, paced(call.tell, "changes undone")
        outcome = await apply_undo(cell, account, plan, request, progress)
    past = await read_past(cell, account.id)
    return {
        "login": account.href,
        "goal": plan.goal,
        "done": outcome.done,
        "counts": plan.counts(),
        "left": _left(past, outcome.left),
        "left_count": len(outcome.left),
        "back": write_moment(plan.latest),
    }


async def _plan(call: Call) -> tuple[Member, Wish, Plan]:
    cell = call.room.open_cell()
    account = find_account(cell.directory, call.given["login"])
    words = [call.given[name] for name in WISH]
    wish = resolved(Wish(*words), call.room.parts.clock.now_ms())
    plan = await plan_undo(cell, account, wish, paced(call.tell, "entries read"))
    return account, wish, plan


def _wish(wish: Wish) -> dict[str, str]:
    words = (wish.to, wish.entry, wish.device, wish.since, wish.collection, wish.thing)
    return dict(zip(WISH, words, strict=True))


def _left(past: Past, these: tuple[Cannot, ...]) -> list[dict[str, Any]]:
    """Give the first of what is left as it is; how many there are is counted beside it."""
    return [left(past, one.key, one.why)._asdict() for one in these[:UNDO_SHOWN_MAX]]

"""Commands about freezes: what is frozen and why, what to do, and ending it."""

from __future__ import annotations

from typing import Any

from strongroom.base.errors import RefusedPlanError, RetryError
from strongroom.base.limits import FREEZES_TOLD_MAX
from strongroom.control.custody import custody_report
from strongroom.control.room import Call, Room, origin
from strongroom.history.directory import Directory
from strongroom.history.entries import FREEZE
from strongroom.ports.cell import Reader
from strongroom.service.thaw import accepted, advice, freezes, overdue, thaw


def frozen_accounts(directory: Directory, now_ms: int) -> dict[str, Any]:
    """Say for the status how much is frozen; the longest frozen are told one by one."""
    frozen = (one.href for one in directory.accounts() if directory.members(one.id, FREEZE))
    found = [row for login in frozen for row in freeze_rows(directory, login, now_ms)]
    found.sort(key=lambda row: row["since"])
    return {
        "accounts": len({row["login"] for row in found}),
        "overdue": sum(row["overdue"] for row in found),
        "rows": found[:FREEZES_TOLD_MAX],
    }


def freeze_rows(directory: Directory, login: str, now_ms: int) -> list[dict[str, Any]]:
    """Give the freezes of an account for people and programs; raises NotFoundError."""
    return [
        {
            "login": login,
            **freeze._asdict(),
            "overdue": overdue(freeze, now_ms),
            "advice": advice(login, freeze),
        }
        for freeze in freezes(directory, login)
    ]


def accepted_rows(directory: Directory, login: str) -> list[dict[str, Any]]:
    """Give what thaws of an account accepted; raises NotFoundError."""
    return [one._asdict() for one in accepted(directory, login)]


async def account_freezes(call: Call) -> dict[str, Any]:
    """Show what is frozen of an account, the evidence for it, and what each device holds."""
    room, login = call.room, call.given["login"]
    async with call.reading(proven=False) as cell:
        rows = freeze_rows(cell.directory, login, room.parts.clock.now_ms())
        return {"login": login, "freezes": rows, "custody": await _custody(cell, room, login)}


async def _custody(cell: Reader, room: Room, login: str) -> dict[str, Any] | None:
    """Give the custody map; None where it cannot be proven now: the rest is shown."""
    try:
        return await custody_report(cell, room, login)
    except RetryError:
        return None


async def account_thaw(call: Call) -> dict[str, Any]:
    """End the freezes of an account, if they still rest on the evidence that was shown (I5)."""
    cell, login = call.room.open_cell(), call.given["login"]
    standing = sorted(freeze.evidence for freeze in freezes(cell.directory, login))
    if standing != sorted(call.given["evidence"]):
        raise RefusedPlanError("The evidence changed since it was shown. Nothing was changed.")
    found = await thaw(cell, login, origin("account thaw"))
    return {
        "login": login,
        "thawed": [freeze._asdict() for freeze in found],
        "accepted": accepted_rows(cell.directory, login),
    }

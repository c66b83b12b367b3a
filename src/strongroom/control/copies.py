"""Commands about the copies: how they are, filling a place anew, reading everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from strongroom import compose
from strongroom.base.errors import RefusedPlanError, StrongroomError
from strongroom.control.freezes import frozen_accounts
from strongroom.control.phones import certificate_report
from strongroom.control.room import Call, Room, Tell
from strongroom.formats.moments import write_moment
from strongroom.mirror.cell import MirrorCell
from strongroom.mirror.state import VOTER
from strongroom.mirror.survey import RebuildPlan
from strongroom.service.retelling import Retelling
from strongroom.upkeep import scrub as upkeep
from strongroom.upkeep.scrub import Findings

_ASKED_FOR: Final = 8  # times the pace of the background


async def status(call: Call) -> dict[str, Any]:
    """Say how the cell is; without an open cell, what can be read without opening it."""
    settings = call.room.parts.settings
    cell = call.room.cell
    if cell:
        await cell.look()
    found = cell.report() if cell else await call.room.parts.survey()
    return {
        "server": "running" if call.room.serving else "stopped",
        "open": cell is not None,
        "trouble": str(call.room.trouble or ""),
        "toy": settings.toy,
        "write_quorum": settings.write_quorum,
        "disks": await call.room.parts.disks(),
        "scrubbed": call.room.scrubbed,
        "keys": compose.key_folder(settings).troubles(),
        "tls": certificate_report(call.room),
        "frozen": await _frozen(call.room),
        **found,
    }


async def _frozen(room: Room) -> dict[str, Any] | None:
    """Say what is frozen, also from what lies there; None where that cannot be read now."""
    now = room.parts.clock.now_ms()
    if room.cell is not None:
        return frozen_accounts(room.cell.directory, now)
    if room.serving:
        return None  # its cell is being opened, or frozen as a whole, which is said
    try:
        return frozen_accounts((await room.parts.look()).directory, now)
    except StrongroomError:
        return None  # why not is said of each place


async def rebuild(call: Call) -> dict[str, Any]:
    """Fill the blank or doubtful place of a replica with a fresh copy."""
    await call.room.open_cell().rebuild(call.given["replica"], percent(call.tell))
    return {"replica": call.given["replica"]}


async def drop_quarantine(call: Call) -> dict[str, Any]:
    """Delete what was set aside in the place of a replica that is good again (I6)."""
    rows = [
        r
        for r in call.room.open_cell().report()["replicas"]
        if r["replica"] == call.given["replica"]
    ]
    if not rows or rows[0]["standing"] != VOTER or rows[0]["behind"]:
        raise RefusedPlanError(
            f"{call.given['replica']} is no good voter now, so what was set aside there may "
            "still be needed. Nothing was deleted."
        )
    files, size = await call.room.parts.drop_quarantine(rows[0]["place"])
    return {"replica": call.given["replica"], "files": files, "bytes": size}


async def rebuild_plan(call: Call) -> dict[str, Any]:
    """Show what `replica rebuild --from` would do; refused on a cell that is open."""
    plan = await _plan(call.room, call.given["source"])
    return {"plan": plan.text(), "source": plan.source, "number": plan.position.number}


async def rebuild_from(call: Call) -> dict[str, Any]:
    """Make one replica's history the cell's: the one way past a lost quorum."""
    async with call.room.changing:
        plan = await _plan(call.room, call.given["source"])
        held, typed = plan.position.number, call.given["number"]
        if held != typed:
            raise RefusedPlanError(
                f"{plan.source} ends with batch {held}, not {typed}. Nothing was changed."
            )
        lost = await call.room.parts.apply_rebuild(plan, percent(call.tell))
    return {"source": plan.source, "number": plan.position.number, "lost": len(lost)}


async def _plan(room: Room, source: str) -> RebuildPlan:
    if room.cell is not None:
        raise RefusedPlanError("The cell is open; this is for a lost quorum only.")
    return await room.parts.plan_rebuild(source)


async def scrub(call: Call) -> dict[str, Any]:
    """Read everything of every copy, compare, and mend what is damaged.

    Of a frozen cell single bodies are mended, and a damaged catalog is told of and stays as it is.
    """
    room, settings = call.room, call.room.parts.settings
    # Somebody waits for it; but phones wait too while the server runs.
    rate = settings.scrub_bytes_per_second * _ASKED_FOR if room.serving else 0
    if room.cell is not None:
        found = await scrub_cell(room, call.tell, rate)
    else:
        async with call.reading() as ground:
            found = await _scrub(ground, room, call.tell, rate)
    return {"replicas": [findings.report() for findings in found]}


async def scrub_cell(room: Room, tell: Tell, rate: int) -> list[Findings]:
    """Scrub the open cell at `rate` bytes per second (0 = unlimited), one scrub at a time."""
    return await _scrub(room.open_cell(), room, tell, rate)


async def _scrub(ground: upkeep.Ground, room: Room, tell: Tell, rate: int) -> list[Findings]:
    # Of a cell that is not open nothing is written.
    times = None
    if isinstance(ground, MirrorCell):
        request = f"scrub {write_moment(room.parts.clock.now_ms())}"
        times = Retelling(ground, room.spans, request)
    async with room.scrubbing:
        found = await upkeep.scrub(ground, tell, upkeep.Pace(rate), room.parts.marks, times)
        room.scrubbed = {
            "ended_ms": room.parts.clock.now_ms(),
            "replicas": [findings.report() for findings in found],
        }
        return found


def percent(tell: Tell) -> Callable[[int, int], None]:
    """Tell how far a copy is, once for each hundredth part."""
    last = -1

    def show(held: int, of: int) -> None:
        nonlocal last
        now = 100 * held // max(of, 1)
        if now != last:
            last = now
            tell(f"copied {held} of {of} batches ({now} %)")

    return show

"""Commands about refused writes: list, show, apply, drop. Thin, the services do the work."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final

from strongroom.base.errors import InvalidError
from strongroom.control.room import Call, origin
from strongroom.formats.carddiff import Difference
from strongroom.formats.cardmerge import Prefer
from strongroom.history.entries import Member
from strongroom.ports.cell import Reader
from strongroom.service import refused
from strongroom.service.accounts import find_account
from strongroom.service.applying import Look, apply, look
from strongroom.service.meters import Meters
from strongroom.service.objects import read_body

_PREFER: Final[dict[str, Prefer]] = {
    "": "both",
    "both": "both",
    "phone": "wanted",
    "server": "standing",
}


async def refused_list(call: Call) -> dict[str, Any]:
    """List what is kept, oldest first; of a frozen account too."""
    async with call.reading() as cell:
        kept = await refused.listed(cell, _account(call, cell).id)
    return {"login": call.given["login"], "refused": [_row(one) for one in kept]}


async def refused_show(call: Call) -> dict[str, Any]:
    """Say how one differs from what stands now, and what applying it would do."""
    async with call.reading() as cell:
        home = _account(call, cell).id
        return _told(call, await look(cell, home, call.given["number"], _prefer(call)))


async def refused_body(call: Call) -> dict[str, Any]:
    """Give the bytes of one, as they were sent."""
    async with call.reading() as cell:
        kept = await refused.find(cell, _account(call, cell).id, call.given["number"])
        return {**_row(kept), "body": b64encode(await read_body(cell, kept.member)).decode()}


async def refused_apply(call: Call) -> dict[str, Any]:
    """Bring one into what stands, if that is still what was shown; then it is off the list."""
    cell = call.room.open_cell()
    account = _account(call, cell)
    seen = await look(cell, account.id, call.given["number"], _prefer(call))
    if seen.conflicts and call.given["prefer"] not in seen.choices:
        *first, last = seen.choices
        raise InvalidError(
            f"Both changed it: say --prefer {', '.join(first)} or {last}. Nothing was changed."
        )
    room = Meters().room(cell, account)
    await apply(cell, seen, call.given["shown"], origin("refused apply"), room)
    return _told(call, seen)


async def refused_drop(call: Call) -> dict[str, Any]:
    """Take one off the list; the history keeps it."""
    cell = call.room.open_cell()
    kept = await refused.drop(
        cell, _account(call, cell).id, call.given["number"], origin("refused drop")
    )
    return {"login": call.given["login"], **_row(kept)}


def _account(call: Call, cell: Reader) -> Member:
    return find_account(cell.directory, call.given["login"])


def _prefer(call: Call) -> Prefer:
    found = _PREFER.get(call.given["prefer"])
    if found is None:
        raise InvalidError("--prefer is phone, server or both. Nothing was changed.")
    return found


def _row(kept: refused.Kept) -> dict[str, Any]:
    facts = {"name": "", "href": "", "client": "", "device": "", "more": 0, **kept.facts}
    names = ("book", "href", "name", "device", "client", "status", "size", "sent", "whole", "more")
    return {
        "number": kept.number,
        "at": kept.member.at,
        **{name: facts[name] for name in names},
        "times": facts.get("times", 1),
        "why": refused.reason(facts),
    }


def _told(call: Call, seen: Look) -> dict[str, Any]:
    return {
        "login": call.given["login"],
        **_row(seen.kept),
        "problem": seen.problem,
        "object": seen.name,
        "stands": seen.standing is not None,
        "shown": seen.shown,
        "differences": _rows(seen.wanted),
        "conflicts": _rows(seen.conflicts),
        "choices": list(seen.choices),
        "changes": _rows(seen.changes),
        "mendings": list(seen.mendings),
    }


def _rows(differences: tuple[Difference, ...]) -> list[dict[str, str]]:
    return [one._asdict() for one in differences]

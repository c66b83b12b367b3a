"""The command about custody: which device of an account holds what."""

from __future__ import annotations

from typing import Any

from strongroom.control.room import Call, Room
from strongroom.ports.cell import Reader
from strongroom.service.accounts import find_account
from strongroom.service.custody import custody


async def custody_of(call: Call) -> dict[str, Any]:
    """Say which device of an account holds what; a frozen account too."""
    login = call.given["login"]
    async with call.reading(proven=False) as cell:
        return {"login": login, **await custody_report(cell, call.room, login)}


async def custody_report(cell: Reader, room: Room, login: str) -> dict[str, Any]:
    """Give the custody map of an account.

    Raises:
        NotFoundError: there is no such account.
        UnsureError: not provable now.
    """
    account = find_account(cell.directory, login)
    sightings = await room.parts.positions.of(account.id)
    found = await custody(cell, account, sightings or {})
    devices = [
        {
            **device._asdict(),
            "books": [book._asdict() for book in device.books],
            "only_here": [version._asdict() for version in device.only_here],
        }
        for device in found.devices
    ]
    return {"visits": sightings is not None, "devices": devices, "left_out": found.left_out}

"""Commands about accounts and their devices: thin, the services do the work."""

from __future__ import annotations

from typing import Any

from strongroom.base.errors import InvalidError, RefusedPlanError
from strongroom.control.room import Call, origin
from strongroom.history.edits import SetProps, account_key
from strongroom.history.entries import DEVICE, Member
from strongroom.service.accounts import add_account, add_device, find_account, revoke_device
from strongroom.service.collections import display_name
from strongroom.service.thaw import freezes, thaw


async def account_add(call: Call) -> dict[str, Any]:
    """Create an account with an empty address book, and its display name if there is one."""
    cell = call.room.open_cell()
    by = origin("account add")
    if not call.given["name"].isprintable():
        raise InvalidError("A name is printable text. Nothing was changed.")
    account = await add_account(cell, call.given["login"], call.room.parts.entropy, by)
    if call.given["name"]:
        changes = tuple(display_name(call.given["name"]).items())
        await cell.submit(SetProps(account_key(call.given["login"]), changes, by), {})
    return {"login": account.href, "id": account.id}


async def account_list(call: Call) -> dict[str, Any]:
    """List the accounts, how many devices each has, and whether it is frozen."""
    directory = call.room.open_cell().directory
    return {
        "accounts": [
            {
                "login": account.href,
                "id": account.id,
                "devices": len(directory.members(account.id, DEVICE)),
                "frozen": bool(freezes(directory, account.href)),
            }
            for account in directory.accounts()
        ]
    }


async def account_freezes(call: Call) -> dict[str, Any]:
    """Show what is frozen of an account, and the evidence for it."""
    found = freezes(call.room.open_cell().directory, call.given["login"])
    return {"login": call.given["login"], "freezes": [freeze._asdict() for freeze in found]}


async def account_thaw(call: Call) -> dict[str, Any]:
    """End the freezes of an account, if they still rest on the evidence that was shown (I5)."""
    cell = call.room.open_cell()
    standing = sorted(freeze.evidence for freeze in freezes(cell.directory, call.given["login"]))
    if standing != sorted(call.given["evidence"]):
        raise RefusedPlanError("The evidence changed since it was shown. Nothing was changed.")
    found = await thaw(cell, call.given["login"], origin("account thaw"))
    return {"login": call.given["login"], "thawed": [freeze._asdict() for freeze in found]}


async def device_add(call: Call) -> dict[str, Any]:
    """Create a device; its password is in this answer and nowhere else."""
    password = await add_device(
        call.room.open_cell(),
        call.given["login"],
        call.given["name"],
        call.room.parts.entropy,
        origin("device add"),
    )
    return {"login": call.given["login"], "name": call.given["name"], "password": password}


async def device_list(call: Call) -> dict[str, Any]:
    """List an account's devices; secrets stay where they are."""
    directory = call.room.open_cell().directory
    account = find_account(directory, call.given["login"])
    devices = [_device(member) for member in directory.members(account.id, DEVICE)]
    return {"login": call.given["login"], "devices": devices}


def _device(member: Member) -> dict[str, Any]:
    return {"name": member.href, "id": member.id, "since_ms": member.at}


async def device_revoke(call: Call) -> dict[str, Any]:
    """Let a device in no more."""
    await revoke_device(
        call.room.open_cell(), call.given["login"], call.given["name"], origin("device revoke")
    )
    return {"login": call.given["login"], "revoked": call.given["name"]}

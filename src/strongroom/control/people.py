"""Commands about accounts and their devices: thin, the services do the work.

Not here: freezes (control/freezes.py).
"""

from __future__ import annotations

from typing import Any

from strongroom.base.errors import RetryError
from strongroom.control.freezes import accepted_rows, freeze_rows
from strongroom.control.room import Call, origin
from strongroom.history.directory import Directory
from strongroom.history.entries import COLLECTION, DEVICE, Member
from strongroom.ports.cell import Reader
from strongroom.service import accounts, refused
from strongroom.service.accounts import add_account, add_device, find_account, revoke_device
from strongroom.service.collections import name_of, shown
from strongroom.service.kinds import KINDS
from strongroom.service.rights import choose, rights_of
from strongroom.service.thaw import freezes
from strongroom.service.usage import quota_of, set_quota, usage


async def account_add(call: Call) -> dict[str, Any]:
    """Create an account with an empty address book, its name and its e-mail address."""
    account = await add_account(
        call.room.open_cell(), call.given["login"], call.room.parts.entropy, origin("account add"),
        name=call.given["name"], email=call.given["email"],
    )  # fmt: skip
    return {"login": account.href, "id": account.id}


async def account_list(call: Call) -> dict[str, Any]:
    """List the accounts, how many devices each has, and whether it is frozen."""
    async with call.reading() as cell:
        directory = cell.directory
        return {"accounts": [_account(directory, account) for account in directory.accounts()]}


def _account(directory: Directory, account: Member) -> dict[str, Any]:
    since = [freeze.since for freeze in freezes(directory, account.href)]
    return {
        "login": account.href,
        "id": account.id,
        "devices": len(directory.members(account.id, DEVICE)),
        "frozen": bool(since),
        "frozen_since": min(since, default=0),
        "suspended": accounts.suspended(account),
    }


async def account_show(call: Call) -> dict[str, Any]:
    """Say all about one account, except what must stay secret."""
    async with call.reading(proven=False) as cell:
        return await _shown(call, cell)


async def _shown(call: Call, cell: Reader) -> dict[str, Any]:
    directory = cell.directory
    account = find_account(directory, call.given["login"])
    return {
        "login": account.href,
        "id": account.id,
        "name": name_of(account),
        "email": account.facts.get("email", ""),
        "suspended": accounts.suspended(account),
        "bytes": await _counted(cell, account),
        "collections": [
            {
                "collection": one.href,
                "kind": kind.type,
                "name": name_of(one),
                "objects": cell.head(one.id).members,
            }
            for kind in KINDS
            for one in shown(directory.members(account.id, COLLECTION), kind)
        ],
        "refused": refused.count(cell, account.id),
        "devices": [_device(member) for member in directory.members(account.id, DEVICE)],
        "freezes": freeze_rows(directory, account.href, call.room.parts.clock.now_ms()),
        "accepted": accepted_rows(directory, account.href),
    }


async def _counted(cell: Reader, account: Member) -> dict[str, Any] | None:
    """Give what an account keeps; None where that cannot be proven now: the rest is shown."""
    try:
        return (await usage(cell, account))._asdict()
    except RetryError:
        return None


async def account_set_quota(call: Call) -> dict[str, Any]:
    """Say how much may stand in an account."""
    login, amount = call.given["login"], call.given["amount"]
    cell = call.room.open_cell()
    account = await set_quota(cell, login, amount, origin("account set-quota"))
    return {"login": account.href, "quota": quota_of(account)}


async def account_suspend(call: Call) -> dict[str, Any]:
    """Close an account on purpose."""
    login, reason = call.given["login"], call.given["reason"]
    await accounts.suspend(call.room.open_cell(), login, reason, origin("account suspend"))
    return {"login": login, "suspended": reason.strip()}


async def account_resume(call: Call) -> dict[str, Any]:
    """Open a suspended account again."""
    await accounts.resume(call.room.open_cell(), call.given["login"], origin("account resume"))
    return {"login": call.given["login"], "suspended": ""}


async def device_add(call: Call) -> dict[str, Any]:
    """Create a device; its password is in this answer and nowhere else."""
    cell, given = call.room.open_cell(), call.given
    rights = choose(given["services"], given["read_only"])
    password = await add_device(
        cell, given["login"], given["name"], call.room.parts.entropy, origin("device add"), rights
    )
    told = {"login": given["login"], "name": given["name"], "password": password}
    return {**told, **rights.report()}


async def device_list(call: Call) -> dict[str, Any]:
    """List an account's devices; secrets stay where they are."""
    async with call.reading() as cell:
        account = find_account(cell.directory, call.given["login"])
        devices = [_device(member) for member in cell.directory.members(account.id, DEVICE)]
    return {"login": call.given["login"], "devices": devices}


def _device(member: Member) -> dict[str, Any]:
    rights = rights_of(member.facts).report()
    return {"name": member.href, "id": member.id, "since_ms": member.at, **rights}


async def device_revoke(call: Call) -> dict[str, Any]:
    """Let a device in no more."""
    await revoke_device(
        call.room.open_cell(), call.given["login"], call.given["name"], origin("device revoke")
    )
    return {"login": call.given["login"], "revoked": call.given["name"]}

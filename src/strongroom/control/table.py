"""The one table of commands: what each takes, and whether it needs an open cell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.base.errors import InvalidError
from strongroom.control import copies, custody, export, freezes, people, phones
from strongroom.control.protocol import Request
from strongroom.control.room import Call, Room, Tell


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that an operator can ask for."""

    run: Callable[[Call], Awaitable[dict[str, Any]]]
    takes: Mapping[str, type] = field(default_factory=dict)  # all of them, no others
    needs_cell: bool = True


_LOGIN: Final = {"login": str}
_PAGE: Final = {"login": str, "collection": int, "after": str}
_DEVICE: Final = {"login": str, "name": str}

COMMANDS: Final[Mapping[str, Command]] = {
    "account add": Command(people.account_add, {"login": str, "name": str, "email": str}),
    "account list": Command(people.account_list),
    "account show": Command(people.account_show, _LOGIN),
    "account set-quota": Command(people.account_set_quota, {"login": str, "amount": str}),
    "account suspend": Command(people.account_suspend, {"login": str, "reason": str}),
    "account resume": Command(people.account_resume, _LOGIN),
    "account freezes": Command(freezes.account_freezes, _LOGIN),
    "account thaw": Command(freezes.account_thaw, {"login": str, "evidence": list}),
    "custody": Command(custody.custody_of, _LOGIN),
    "device add": Command(people.device_add, {**_DEVICE, "services": list, "read_only": bool}),
    "device pair": Command(phones.pairing, {**_DEVICE, "services": list, "read_only": bool}),
    "device list": Command(people.device_list, _LOGIN),
    "device revoke": Command(people.device_revoke, _DEVICE),
    "export begin": Command(export.begin, {"login": str, "collections": list}),
    "export rows": Command(export.rows, _PAGE),
    "export bodies": Command(export.bodies, {"digests": list}),
    "export salvage": Command(export.salvage, _PAGE),
    "status": Command(copies.status, needs_cell=False),
    "replica list": Command(copies.status, needs_cell=False),
    "replica rebuild": Command(copies.rebuild, {"replica": str}),
    "replica drop quarantine": Command(copies.drop_quarantine, {"replica": str}),
    "replica plan": Command(copies.rebuild_plan, {"source": str}, needs_cell=False),
    "replica rebuild from": Command(
        copies.rebuild_from, {"source": str, "number": int}, needs_cell=False
    ),
    "scrub": Command(copies.scrub),
}


def find(request: Request) -> Command:
    """Give the command that is asked for.

    Raises:
        InvalidError: there is none, or its arguments are not what it takes. Nothing was run.
    """
    command = COMMANDS.get(request.command)
    if command is None:
        raise InvalidError(f"There is no command {request.command[:80]!r}.")
    if set(request.arguments) != set(command.takes):
        raise InvalidError(f"{request.command} takes: {', '.join(command.takes) or 'nothing'}.")
    for name, kind in command.takes.items():
        value = request.arguments[name]
        if type(value) is not kind:  # True is an int in Python
            raise InvalidError(f"{request.command}: {name} must be a {kind.__name__}.")
        if isinstance(value, list) and not all(isinstance(one, str) for one in value):
            raise InvalidError(f"{request.command}: {name} must be a list of texts.")
    return command


async def run(room: Room, request: Request, tell: Tell) -> dict[str, Any]:
    """Run a command."""
    return await find(request).run(Call(room, dict(request.arguments), tell))

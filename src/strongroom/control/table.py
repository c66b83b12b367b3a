"""The one table of commands: what each takes, and what it stands on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from strongroom.base.errors import InvalidError
from strongroom.control import (
    copies,
    custody,
    export,
    freezes,
    intake,
    past,
    people,
    phones,
    refused,
)
from strongroom.control.protocol import Request
from strongroom.control.room import Call, Room, Tell


class Needs(Enum):
    """What a command stands on where no server runs; one that does gives what it has."""

    OPEN = "the cell is opened for it"
    OPEN_OR_LOOK = "the cell is opened, or looked at where it is frozen"
    READ = "what lies there is read, and no file is changed"
    NOTHING = "the places alone, which it may change"


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that an operator can ask for."""

    run: Callable[[Call], Awaitable[dict[str, Any]]]
    takes: Mapping[str, type] = field(default_factory=dict)  # all of them, no others
    needs: Needs = Needs.OPEN


_LOGIN: Final = {"login": str}
_PAGE: Final = {"login": str, "collection": int, "after": str}
_NUMBERED: Final = {"login": str, "number": int}
_DEVICE: Final = {"login": str, "name": str}
_UNDO: Final = {"login": str, **dict.fromkeys(past.WISH, str)}
_HISTORY: Final = dict.fromkeys(("login", "collection", "object", "since", "until", "device"), str)

COMMANDS: Final[Mapping[str, Command]] = {
    "account add": Command(people.account_add, {"login": str, "name": str, "email": str}),
    "account list": Command(people.account_list, needs=Needs.READ),
    "account show": Command(people.account_show, _LOGIN, Needs.READ),
    "account set-quota": Command(people.account_set_quota, {"login": str, "amount": str}),
    "account suspend": Command(people.account_suspend, {"login": str, "reason": str}),
    "account resume": Command(people.account_resume, _LOGIN),
    "account freezes": Command(freezes.account_freezes, _LOGIN, Needs.READ),
    "account thaw": Command(freezes.account_thaw, {"login": str, "evidence": list}),
    "custody": Command(custody.custody_of, _LOGIN, Needs.READ),
    "device add": Command(people.device_add, {**_DEVICE, "services": list, "read_only": bool}),
    "device pair": Command(phones.pairing, {**_DEVICE, "services": list, "read_only": bool}),
    "device list": Command(people.device_list, _LOGIN, Needs.READ),
    "device revoke": Command(people.device_revoke, _DEVICE),
    "export begin": Command(export.begin, {"login": str, "collections": list}, Needs.READ),
    "export rows": Command(export.rows, _PAGE, Needs.READ),
    "export bodies": Command(export.bodies, {"digests": list}, Needs.READ),
    "export salvage": Command(export.salvage, _PAGE, Needs.READ),
    "refused list": Command(refused.refused_list, _LOGIN, Needs.READ),
    "refused show": Command(refused.refused_show, {**_NUMBERED, "prefer": str}, Needs.READ),
    "refused body": Command(refused.refused_body, _NUMBERED, Needs.READ),
    "refused apply": Command(refused.refused_apply, {**_NUMBERED, "prefer": str, "shown": str}),
    "refused drop": Command(refused.refused_drop, _NUMBERED),
    "import begin": Command(intake.begin, {"login": str, "collection": str, "dry_run": bool}),
    "import page": Command(intake.page, {"import": str, "bytes": str, "last": bool}),
    "import end": Command(intake.end, {"import": str}, needs=Needs.NOTHING),
    "history": Command(past.history, {**_HISTORY, "limit": int}, Needs.READ),
    "undo plan": Command(past.undo_plan, _UNDO),
    "undo apply": Command(past.undo_apply, {**_UNDO, "mark": str}),
    "status": Command(copies.status, needs=Needs.READ),
    "replica list": Command(copies.status, needs=Needs.READ),
    "replica rebuild": Command(copies.rebuild, {"replica": str}),
    "replica drop quarantine": Command(copies.drop_quarantine, {"replica": str}),
    "replica plan": Command(copies.rebuild_plan, {"source": str}, needs=Needs.NOTHING),
    "replica rebuild from": Command(
        copies.rebuild_from, {"source": str, "number": int}, needs=Needs.NOTHING
    ),
    "scrub": Command(copies.scrub, needs=Needs.OPEN_OR_LOOK),
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
        if not all(map(_is_text, value if isinstance(value, list) else [value])):
            raise InvalidError(f"{request.command}: {name} is not in UTF-8. Nothing was changed.")
    return command


def _is_text(value: object) -> bool:
    """Say whether it is none of the texts that Python makes of bytes which are not in UTF-8."""
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


async def run(room: Room, request: Request, tell: Tell) -> dict[str, Any]:
    """Run a command; a result of what was read without opening carries a `note` that says so."""
    call = Call(room, dict(request.arguments), tell)
    result = await find(request).run(call)
    return {**result, "note": call.notes[0]} if call.notes else result

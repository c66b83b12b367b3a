"""Commands that bring files in, page by page: each page fits into a line of the protocol.

`import begin` looks at what stands and gives a number; each `import page` brings the next bytes of
a file (`last` ends it, and the next page begins another one); `import end` forgets it all. What is
known of a running import is kept in memory between its pages. A server that was started anew, or
that runs too many, has forgotten it: then the import is run again, and finds what it did.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

from strongroom.base.errors import InvalidError, NotFoundError
from strongroom.control.room import Call, origin
from strongroom.formats.calendarstream import CalendarStream, begins_calendar
from strongroom.formats.contactcsv import stream_of
from strongroom.history.entries import Member
from strongroom.ports.cell import Cell
from strongroom.service.access import find_collection
from strongroom.service.accounts import find_account
from strongroom.service.calendarintake import CalendarIntake
from strongroom.service.imports import Running, Taker
from strongroom.service.intake import Intake, Outcome, Stream
from strongroom.service.kinds import ADDRESS_BOOK, CALENDAR, Kind, kind_of
from strongroom.service.meters import Meters


async def begin(call: Call) -> dict[str, Any]:
    """Begin to bring files into a collection."""
    cell, given = call.room.open_cell(), call.given
    account = find_account(cell.directory, given["login"])
    room = Meters().room(cell, account)
    into = partial(Intake, cell, origin=origin("import"), room=room, dry=given["dry_run"])
    running = Running(partial(_taker, call, account, into))
    if given["collection"]:
        found = await _found(cell, account, given["collection"])
        await running.taker(kind_of(found.href))  # says at once what it lacks
    number = call.room.imports.add(running)
    return {"import": number, "login": account.href, "collection": given["collection"]}


async def _taker(
    call: Call, account: Member, into: Callable[[Member], Intake], kind: Kind
) -> Taker:
    """Give what brings objects of a kind in: into the collection that was named, or what fits."""
    cell, name = call.room.open_cell(), call.given["collection"]
    if not name and kind is CALENDAR:
        return CalendarIntake(cell, account, into, dry=call.given["dry_run"])
    collection = await _found(cell, account, name or ADDRESS_BOOK.first)
    if kind is not kind_of(collection.href):
        what = "calendars" if kind is CALENDAR else "contacts"
        raise InvalidError(f"The file has {what}, which {collection.href} does not take.")
    return into(collection)


async def _found(cell: Cell, account: Member, name: str) -> Member:
    try:
        return await find_collection(cell, account.id, name)
    except NotFoundError as error:
        raise NotFoundError(
            f"{account.href} has no collection {name}. `strongroom account show {account.href}` "
            "lists what there is; one that was removed comes back with `strongroom undo`."
        ) from error


async def page(call: Call) -> dict[str, Any]:
    """Take the next bytes of a file; tell what became of the objects that are whole by now."""
    call.room.open_cell()  # says why where it is not open any more
    given = call.given
    running = call.room.imports.get(given["import"])
    try:
        chunk = b64decode(given["bytes"], validate=True)
    except ValueError as error:
        raise InvalidError("A page is base64. Nothing was changed.") from error
    stream = running.stream = running.stream or _stream_of(chunk)
    taker = await running.taker(CALENDAR if isinstance(stream, CalendarStream) else ADDRESS_BOOK)
    counts = dict.fromkeys(("new", "merged", "unchanged", "refused"), 0)
    told = []
    async for outcomes in taker.feed(stream, chunk, last=given["last"]):
        for one in outcomes:
            counts[one.ending] += 1
            if one.ending in {"merged", "refused"} or (one.said and one.ending == "new"):
                told.append(_told(one))
    if given["last"]:
        running.stream = None
    return {**counts, "told": told}


def _stream_of(start: bytes) -> Stream:
    return CalendarStream() if begins_calendar(start) else stream_of(start)


def _told(one: Outcome) -> dict[str, Any]:
    told = {**one._asdict(), "said": list(one.said)}
    return told | {"raw": b64encode(one.raw).decode()}


async def end(call: Call) -> dict[str, Any]:
    """Forget an import; what came in stands."""
    call.room.imports.forget(call.given["import"])
    return {}

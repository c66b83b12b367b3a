"""Commands that bring files in, page by page: each page fits into a line of the protocol.

`import begin` looks at what stands and gives a number; each `import page` brings the next bytes of
a file (`last` ends it, and the next page begins another one); `import end` forgets it all. What is
known of a running import is kept in memory between its pages. A server that was started anew, or
that runs too many, has forgotten it: then the import is run again, and finds what it did.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

from strongroom.base.errors import InvalidError
from strongroom.control.room import Call, origin
from strongroom.formats.contactcsv import stream_of
from strongroom.service.access import find_book
from strongroom.service.accounts import find_account
from strongroom.service.intake import Intake, Outcome
from strongroom.service.meters import Meters


async def begin(call: Call) -> dict[str, Any]:
    """Begin to bring files into a collection."""
    cell, given = call.room.open_cell(), call.given
    account = find_account(cell.directory, given["login"])
    collection = await find_book(cell, account.id, given["collection"])
    room = Meters().room(cell, account)
    intake = Intake(cell, collection, origin("import"), room, dry=given["dry_run"])
    await intake.begin()
    number = call.room.imports.add(intake)
    return {"import": number, "login": account.href, "collection": collection.href}


async def page(call: Call) -> dict[str, Any]:
    """Take the next bytes of a file; tell what became of the objects that are whole by now."""
    call.room.open_cell()  # says why where it is not open any more
    given = call.given
    running = call.room.imports.get(given["import"])
    try:
        chunk = b64decode(given["bytes"], validate=True)
    except ValueError as error:
        raise InvalidError("A page is base64. Nothing was changed.") from error
    stream = running.stream = running.stream or stream_of(chunk)
    counts = dict.fromkeys(("new", "merged", "unchanged", "refused"), 0)
    told = []
    async for outcomes in running.intake.feed(stream, chunk, last=given["last"]):
        for one in outcomes:
            counts[one.ending] += 1
            if one.ending in {"merged", "refused"} or (one.said and one.ending == "new"):
                told.append(_told(one))
    if given["last"]:
        running.stream = None
    return {**counts, "told": told}


def _told(one: Outcome) -> dict[str, Any]:
    told = {**one._asdict(), "said": list(one.said)}
    return told | {"raw": b64encode(one.raw).decode()}


async def end(call: Call) -> dict[str, Any]:
    """Forget an import; what came in stands."""
    call.room.imports.forget(call.given["import"])
    return {}

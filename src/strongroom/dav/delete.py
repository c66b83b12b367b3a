"""DELETE of an object or of a whole collection: the owner's own act, and an entry (I4, I6)."""

from __future__ import annotations

from strongroom.dav.answers import answer
from strongroom.dav.reading import precondition
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.service.access import find_collection
from strongroom.service.collections import remove_collection
from strongroom.service.objects import delete_object


async def delete(request: Request) -> None:
    """Answer DELETE."""
    when, condition = precondition(request)
    target, cell = request.target, request.cell
    collection = await find_collection(cell, request.caller.home, target.collection)
    origin = request.origin(condition)
    if target.place is Place.COLLECTION:
        await remove_collection(cell, collection, when, origin)
    else:
        await delete_object(cell, collection, target.name, when, origin)
    await answer(request.send, 204)

"""DELETE of a card or of a whole address book: the owner's own act, and an entry (I4, I6)."""

from __future__ import annotations

from strongroom.dav.answers import answer
from strongroom.dav.reading import precondition
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.service.access import find_book
from strongroom.service.collections import remove_book
from strongroom.service.objects import delete_card


async def delete(request: Request) -> None:
    """Answer DELETE."""
    when, condition = precondition(request)
    target, cell = request.target, request.cell
    book = await find_book(cell, request.caller.home, target.book)
    origin = request.origin(condition)
    if target.place is Place.BOOK:
        await remove_book(cell, book, when, origin)
    else:
        await delete_card(cell, book, target.card, when, origin)
    await answer(request.send, 204)

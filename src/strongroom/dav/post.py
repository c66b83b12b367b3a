"""POST to an address book adds a card, under a name that we choose (RFC 5995).

The name comes from the card's UID, so that a request which is sent twice makes one card. Conditions
are about the book, which has no ETag; they are not looked at.
"""

from __future__ import annotations

from strongroom.base.errors import InvalidError
from strongroom.dav.answers import answer
from strongroom.dav.get import etag_header
from strongroom.dav.put import addressed, card_body, check_card_headers
from strongroom.dav.request import Request
from strongroom.dav.routes import book_href, name_href
from strongroom.service.access import find_book
from strongroom.service.objects import add_card


async def post(request: Request) -> None:
    """Answer POST."""
    check_card_headers(request)
    target = request.target
    book = await find_book(request.cell, request.caller.home, target.book)
    body = await card_body(request)
    try:
        card = await add_card(request.cell, book, body, request.origin(), request.room)
    except InvalidError as error:
        raise addressed(error, target.login, target.book) from error
    href = book_href(target.login, target.book) + name_href(card.href)
    await answer(request.send, 201, (etag_header(card.etag), (b"location", href.encode())))

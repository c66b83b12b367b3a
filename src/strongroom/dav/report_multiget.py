"""REPORT addressbook-multiget and calendar-multiget (RFC 6352 8.7, RFC 4791 7.9): these objects.

A card whose bytes cannot be had now is 503 for that href alone, and is reported as changed once
more, for the phone goes on without it; 404 is said with proof only (I4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from strongroom.dav.answers import multistatus
from strongroom.dav.getters import site_of
from strongroom.dav.object_rows import ObjectRows, in_pieces, shape_of
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, Target, parse
from strongroom.dav.statuses import status_line
from strongroom.formats.davxml import Multiget
from strongroom.formats.multistatus import NOT_FOUND, status_response
from strongroom.history.entries import Member
from strongroom.service.objects import find_cards, read_bodies, tell_again


async def multiget(request: Request, book: Member, wanted: Multiget) -> None:
    """Answer a multiget."""
    rows = ObjectRows(site_of(request), wanted.wanted, shape_of(wanted.data))
    here: list[tuple[str, str]] = []
    known: list[bytes] = []
    for href in wanted.hrefs:
        target = parse(href)
        if _is_here(request, target):
            here.append((href, target.card))
        else:
            known.append(status_response(href, _fate(request, target)))
    cards = await find_cards(request.cell, book, [name for _, name in here])
    found: list[tuple[str, Member]] = []
    for (href, _), card in zip(here, cards, strict=True):
        if card is None:
            known.append(status_response(href, NOT_FOUND))
        else:
            found.append((href, card))
    await multistatus(request, in_pieces(_rows(request, book, rows, known, found)))


def _is_here(request: Request, target: Target) -> bool:
    own = request.target
    return target.place is Place.CARD and (target.login, target.book) == (own.login, own.book)


def _fate(request: Request, target: Target) -> str:
    # A card in another book of one's own may exist: it is refused, not denied.
    own = target.place is Place.CARD and target.login == request.caller.login
    return status_line(403) if own else NOT_FOUND


async def _rows(
    request: Request,
    book: Member,
    rows: ObjectRows,
    known: list[bytes],
    found: list[tuple[str, Member]],
) -> AsyncIterator[bytes]:
    for row in known:
        yield row
    if not rows.needs_body:
        for href, card in found:
            yield await rows.row(href, card, None)
        return
    hrefs = iter(found)
    async for page in read_bodies(request.cell, [card for _, card in found]):
        for card, body in page:
            href, _ = next(hrefs)
            yield await rows.row(href, card, body)
        lost = [card for card, body in page if body is None]
        if lost:
            await tell_again(request.cell, book, lost, request.id)
        await asyncio.sleep(0)

"""REPORT addressbook-multiget (RFC 6352 section 8.7): these cards, as stored.

A card whose bytes cannot be had now is 503 for that href alone; 404 is said with proof only (I4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from strongroom.dav.answers import stream
from strongroom.dav.properties import ADDRESS_DATA, Plan, Site, describe, plan
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, Target, parse
from strongroom.dav.statuses import status_line
from strongroom.formats import FormatError
from strongroom.formats.davxml import Multiget
from strongroom.formats.multistatus import (
    NOT_FOUND,
    element,
    epilogue,
    escape,
    prologue,
    status_response,
)
from strongroom.history.entries import Member
from strongroom.service.objects import find_cards, read_bodies

_PIECE_BYTES: Final = 64 * 1024


async def multiget(request: Request, book: Member, wanted: Multiget) -> None:
    """Answer addressbook-multiget."""
    here: list[tuple[str, str]] = []
    rows: list[bytes] = []
    for href in wanted.hrefs:
        target = parse(href)
        if _is_here(request, target):
            here.append((href, target.card))
        else:
            rows.append(status_response(href, _fate(request, target)))
    cards = await find_cards(request.cell, book, [name for _, name in here])
    found: list[tuple[str, Member]] = []
    for (href, _), card in zip(here, cards, strict=True):
        if card is None:
            rows.append(status_response(href, NOT_FOUND))
        else:
            found.append((href, card))
    await stream(request.send, _pieces(request, wanted, rows, found))


def _is_here(request: Request, target: Target) -> bool:
    own = request.target
    return target.place is Place.CARD and (target.login, target.book) == (own.login, own.book)


def _fate(request: Request, target: Target) -> str:
    # A card in another book of one's own may exist: it is refused, not denied.
    own = target.place is Place.CARD and target.login == request.caller.login
    return status_line(403) if own else NOT_FOUND


async def _pieces(
    request: Request, wanted: Multiget, rows: list[bytes], found: list[tuple[str, Member]]
) -> AsyncIterator[bytes]:
    """Write the answer in pieces of a bounded size; a small one is one piece."""
    rows = [prologue(), *rows]
    size = 0
    async for row in _rows(request, wanted, found):
        rows.append(row)
        size += len(row)
        if size >= _PIECE_BYTES:
            yield b"".join(rows)
            rows, size = [], 0
    yield b"".join((*rows, epilogue()))


async def _rows(
    request: Request, wanted: Multiget, found: list[tuple[str, Member]]
) -> AsyncIterator[bytes]:
    site = Site(request.cell, request.caller)
    asked = plan(Place.CARD, tuple(name for name in wanted.names if name != ADDRESS_DATA))
    if wanted.address_data is None:
        for href, card in found:
            yield describe(site, href, card, asked)
        return
    hrefs = iter(found)
    async for page in read_bodies(request.cell, [card for _, card in found]):
        for card, body in page:
            href, _ = next(hrefs)
            yield _row(site, href, card, body, asked)
        await asyncio.sleep(0)


def _row(site: Site, href: str, card: Member, body: bytes | None, asked: Plan) -> bytes:
    try:
        if body is not None:
            return describe(site, href, card, asked, element(ADDRESS_DATA, escape(body)))
    except FormatError:
        pass  # What XML cannot carry can still be fetched with GET; the others are answered.
    return status_response(href, status_line(503))

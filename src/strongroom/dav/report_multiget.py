"""REPORT addressbook-multiget and calendar-multiget (RFC 6352 8.7, RFC 4791 7.9): these objects.

An object whose bytes cannot be had now is 503 for that href alone, and is reported as changed once
more, for the phone goes on without it; 404 is said with proof only (I4).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from strongroom.base.errors import NotFoundError
from strongroom.dav.answers import multistatus
from strongroom.dav.getters import site_of
from strongroom.dav.object_rows import ObjectRows, in_pieces, shape_of
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, Target, parse
from strongroom.dav.statuses import status_line
from strongroom.dav.zones import zone_of
from strongroom.formats.davxml import Multiget
from strongroom.formats.multistatus import NOT_FOUND, status_response
from strongroom.history.entries import OBJECT, Key, Member
from strongroom.service.access import find_collection
from strongroom.service.objects import read_bodies, tell_again

_HREFS_AT_ONCE: Final = 500  # looked up in a few ms; clients ask for 10 to 500


async def multiget(request: Request, wanted: Multiget) -> None:
    """Answer a multiget, on a collection, on one of its objects or on the home above."""
    shape = shape_of(wanted.data, await _floating(request))
    rows = ObjectRows(site_of(request), wanted.wanted, shape)
    known: list[bytes] = []
    found: list[_Found] = []
    collections: dict[str, Member | None] = {}
    for first in range(0, len(wanted.hrefs), _HREFS_AT_ONCE):
        page = wanted.hrefs[first : first + _HREFS_AT_ONCE]
        await _look_up(request, page, collections, known, found)
        await asyncio.sleep(0)  # others get their turn
    await multistatus(request, in_pieces(_rows(request, rows, known, found)))


class _Found(NamedTuple):
    href: str
    member: Member
    collection: Member


async def _floating(request: Request) -> tzinfo:
    """Say in which zone floating times are read: that of the calendar asked, or UTC."""
    target = request.target
    found = await _collection(request, target.collection) if target.collection else None
    return UTC if found is None else await zone_of(found)


async def _look_up(
    request: Request,
    hrefs: Sequence[str],
    collections: dict[str, Member | None],
    known: list[bytes],
    found: list[_Found],
) -> None:
    """Look for what some hrefs name; `collections` are remembered from page to page."""
    places: list[tuple[str, Member]] = []
    keys: list[Key] = []
    for href in hrefs:
        target = parse(href)
        if not _is_here(request, target):
            known.append(status_response(href, _fate(request, target)))
            continue
        if target.collection not in collections:
            collections[target.collection] = await _collection(request, target.collection)
        collection = collections[target.collection]
        if collection is None:
            known.append(status_response(href, NOT_FOUND))
        else:
            places.append((href, collection))
            keys.append(Key(collection.id, OBJECT, target.name))
    for (href, collection), member in zip(places, await request.cell.rows(keys), strict=True):
        if member is None:
            known.append(status_response(href, NOT_FOUND))
        else:
            found.append(_Found(href, member, collection))


async def _collection(request: Request, name: str) -> Member | None:
    try:
        return await find_collection(request.cell, request.caller.home, name)
    except NotFoundError:
        return None


def _is_here(request: Request, target: Target) -> bool:
    own = request.target
    if target.place is not Place.OBJECT or (target.login, target.kind) != (own.login, own.kind):
        return False
    return own.place is Place.HOME or target.collection == own.collection


def _fate(request: Request, target: Target) -> str:
    # What is elsewhere among one's own, or no object, may exist: it is refused, not denied.
    return status_line(403) if target.login == request.caller.login else NOT_FOUND


async def _rows(
    request: Request, rows: ObjectRows, known: list[bytes], found: list[_Found]
) -> AsyncIterator[bytes]:
    for row in known:
        yield row
    if not rows.needs_body:
        for one in found:
            yield await rows.row(one.href, one.member, None)
        return
    left = iter(found)
    async for page in read_bodies(request.cell, [one.member for one in found]):
        lost = []
        for member, body in page:
            one = next(left)
            yield await rows.row(one.href, member, body)
            if body is None:
                lost.append(one)
        for collection in {one.collection for one in lost}:
            members = [one.member for one in lost if one.collection == collection]
            await tell_again(request.cell, collection, members, request.id)
        await asyncio.sleep(0)

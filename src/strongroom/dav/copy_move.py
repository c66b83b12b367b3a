"""COPY and MOVE (RFC 4918 sections 9.8 and 9.9), inside the home of the caller.

`Destination` is matched by its path, whatever host it names: a proxy may have another one. What is
not a place of the caller's own is refused with the same words, whether it is there or not (I4).
A collection moves by getting another name; it is not copied: that would give each object a twin.
"""

from __future__ import annotations

from typing import Final

from strongroom.base.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from strongroom.dav.answers import answer
from strongroom.dav.put import addressed
from strongroom.dav.reading import precondition
from strongroom.dav.request import Request
from strongroom.dav.routes import Place, Target, collection_href, name_href, parse
from strongroom.dav.terms import TERMS
from strongroom.history.edits import Copy, Move
from strongroom.service.access import find_collection
from strongroom.service.moving import Spot, Wish, move_collection, transfer_object

_OVERWRITE: Final = {"": True, "t": True, "f": False}


async def copy_or_move(request: Request) -> None:
    """Answer COPY or MOVE."""
    target = _destination(request)
    when, condition = precondition(request)
    wish = Wish(when, _overwrites(request), request.origin(condition), request.room)
    href = collection_href(target.login, target.collection)
    if request.target.place is Place.COLLECTION:
        new = await _move_collection(request, target, wish)
    else:
        href += name_href(target.name)
        new = await _transfer_object(request, target, wish)
    if new:
        await answer(request.send, 201, ((b"location", href.encode()),))
    else:
        await answer(request.send, 204)


def _destination(request: Request) -> Target:
    raw = request.headers.get(b"destination", b"").strip()
    if not raw:
        raise InvalidError("Say where to, with the header Destination.")
    target = parse(raw)
    here = target.place in {Place.COLLECTION, Place.OBJECT} and target.login == request.caller.login
    if not here:
        raise ForbiddenError("This cannot be put there.")
    if target.kind is not request.target.kind:
        raise ForbiddenError("An address book holds cards, a calendar holds events.")
    if request.target.place is Place.OBJECT and target.place is Place.COLLECTION:
        raise ForbiddenError("An object stands in a collection.")
    if request.target.place is Place.COLLECTION and target.place is Place.OBJECT:
        raise InvalidError("A collection stands in the home.", TERMS[target.kind].location)
    return target


def _overwrites(request: Request) -> bool:
    text = request.header(b"overwrite").strip().lower()
    if text not in _OVERWRITE:
        raise InvalidError("Overwrite is T or F.")
    return _OVERWRITE[text]


async def _move_collection(request: Request, target: Target, wish: Wish) -> bool:
    if request.method == "COPY":
        await find_collection(request.cell, request.caller.home, request.target.collection)
        raise ForbiddenError("A collection is not copied; copy what is in it one by one.")
    if request.header(b"depth").strip().lower() not in {"", "infinity"}:
        raise InvalidError("A collection moves with all that it holds: Depth is infinity.")
    name = request.target.collection
    return await move_collection(request.cell, request.caller.home, name, target.collection, wish)


async def _transfer_object(request: Request, target: Target, wish: Wish) -> bool:
    collection = await find_collection(request.cell, request.caller.home, request.target.collection)
    try:
        other = await find_collection(request.cell, request.caller.home, target.collection)
    except NotFoundError as error:
        raise ConflictError("There is no such collection; make it first.") from error
    kind = Copy if request.method == "COPY" else Move
    source = Spot(collection, request.target.name)
    try:
        return await transfer_object(request.cell, kind, source, Spot(other, target.name), wish)
    except InvalidError as error:
        raise addressed(error, target.login, target.collection) from error

"""PROPPATCH: dead properties, all or none (RFC 4918 section 9.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from strongroom.base.limits import REQUEST_XML_BYTES_MAX
from strongroom.dav.answers import NO_STORE, answer, applied, whole_multistatus
from strongroom.dav.live import PROTECTED
from strongroom.dav.reading import read
from strongroom.dav.request import Request
from strongroom.dav.routes import Place
from strongroom.dav.statuses import DAV, status_line
from strongroom.dav.zones import zones_that_are_none
from strongroom.formats.davxml import PropertyChange, parse_proppatch
from strongroom.formats.multistatus import epilogue, prologue, propstat, propstat_response
from strongroom.formats.preferences import MINIMAL
from strongroom.history.entries import OBJECT, Key
from strongroom.service.access import find_collection
from strongroom.service.collections import set_properties

CANNOT_MODIFY: Final = DAV + "cannot-modify-protected-property"


async def proppatch(request: Request) -> None:
    """Answer PROPPATCH."""
    changes = await read(parse_proppatch, await request.body(REQUEST_XML_BYTES_MAX))
    key, parent = await _subject(request)
    refused = await refusals(changes)
    if refused:
        fates = refused
    else:
        pairs = [(change.name, change.value_xml) for change in changes]
        await set_properties(request.cell, key, pairs, request.origin(), parent)
        if request.preferences.minimal:
            await answer(request.send, 200, (NO_STORE, *applied(request, MINIMAL)))
            return
        fates = [propstat(status_line(200), names_of(changes))]
    row = propstat_response(request.path, fates)
    await whole_multistatus(request, prologue() + row + epilogue())


async def _subject(request: Request) -> tuple[Key, Key | None]:
    target, caller = request.target, request.caller
    if target.place is Place.HOME:
        return caller.account.key, None
    collection = await find_collection(request.cell, caller.home, target.collection)
    if target.place is Place.COLLECTION:
        return collection.key, None
    return Key(collection.id, OBJECT, target.name), collection.key


async def refusals(changes: Sequence[PropertyChange]) -> list[bytes]:
    """Say the fates where something protected is among `changes`; [] = all can be done."""
    names = names_of(changes)
    why = {name: CANNOT_MODIFY for name in names if name in PROTECTED}
    why |= await zones_that_are_none(changes)
    if not why:
        return []
    fates = [
        propstat(status_line(403), [name for name in why if why[name] == condition], condition)
        for condition in dict.fromkeys(why.values())
    ]
    others = [name for name in names if name not in why]
    return [*fates, propstat(status_line(424), others)] if others else fates


def names_of(changes: Sequence[PropertyChange]) -> list[str]:
    """Give the names that are changed, each once."""
    return list(dict.fromkeys(change.name for change in changes))

"""How the plan of an undo looks to a person: what it would do, name by name and field by field.

Bounded: the first UNDO_SHOWN_MAX changes are told, one body is in memory at a time, and a large one
is told by its size alone. All are counted in `Plan.counts`.
"""

from __future__ import annotations

import re
from html import unescape
from itertools import islice
from typing import Final, NamedTuple

from strongroom.base.limits import LARGE_BODY_BYTES, UNDO_SHOWN_MAX
from strongroom.formats.calendardiff import differences
from strongroom.formats.carddiff import Difference
from strongroom.formats.title import title_of
from strongroom.history.entries import OBJECT, Key, Member
from strongroom.ports.cell import Reader
from strongroom.service.collections import name_of
from strongroom.service.objects import size_of
from strongroom.service.past import Past
from strongroom.service.undoing import CREATE, MOVE, REMOVE, Change, Plan, Unit

_TAG: Final = re.compile(r"<[^>]*>")
_PROPERTY_CHARACTERS_MAX: Final = 200


class Shown(NamedTuple):
    """One change of a plan."""

    kind: str  # create, change, move, remove
    what: str  # kind of member: object, collection
    book: str  # name of the collection that it is in; `home`
    href: str
    source: str  # of a MOVE: where it stands now, `book/href`; else ""
    name: str  # for people; "" = nothing that can be read now
    holds: int  # how many members come or go with a collection
    fields: tuple[Difference, ...]


class Left(NamedTuple):
    """What an undo leaves as it is, and why."""

    book: str
    href: str
    why: str


def left(past: Past, key: Key, why: str) -> Left:
    """Say of a name that it is left as it is."""
    return Left(past.name_of(key.collection), key.href, why)


async def show(cell: Reader, past: Past, plan: Plan) -> list[Shown]:
    """Give the first changes of a plan, for people."""
    told = ((unit, kind, one) for unit in plan.units for kind, one in unit.things())
    return [
        await _shown(cell, past, unit, kind, one)
        for unit, kind, one in islice(told, UNDO_SHOWN_MAX)
    ]


async def _shown(cell: Reader, past: Past, unit: Unit, kind: str, one: Change) -> Shown:
    member = one.then or one.standing
    assert member is not None
    source = _source(past, unit, one) if kind == MOVE else ""
    old = _standing(unit, one) if kind != CREATE else None
    book = past.name_of(one.key.collection)
    if one.key.kind != OBJECT:
        holds = cell.head(member.id).members if kind in {CREATE, REMOVE} else 0
        fields = _properties(old, one.then) if holds == 0 else ()
        return Shown(kind, one.key.kind, book, one.key.href, source, name_of(member), holds, fields)
    fields = await _fields(cell, old, one.then)
    name = title_of(await _body(cell, member) or b"")
    return Shown(kind, one.key.kind, book, one.key.href, source, name, 0, fields)


async def _fields(cell: Reader, old: Member | None, new: Member | None) -> tuple[Difference, ...]:
    before, after = await _body(cell, old), await _body(cell, new)
    if (old is None) != (before is None) or (new is None) != (after is None):
        fields: tuple[Difference, ...] = (Difference("Content", _size(old), _size(new)),)
    else:
        kind = str((new or old).facts.get("type", ""))  # type: ignore[union-attr]  # one is there
        fields = differences(kind, before, after)
    return fields + (_properties(old, new) if old is not None and new is not None else ())


def _size(member: Member | None) -> str:
    return "" if member is None else f"{size_of(member)} bytes"


def _standing(unit: Unit, one: Change) -> Member | None:
    """Give the version of this thing that stands now, wherever it does."""
    wanted = one.then or one.standing
    assert wanted is not None
    standing = (other.standing for other in unit.names)
    return next((member for member in standing if member and member.id == wanted.id), None)


def _source(past: Past, unit: Unit, one: Change) -> str:
    member = _standing(unit, one)
    assert member is not None
    return f"{past.name_of(member.collection)}/{member.href}"


async def _body(cell: Reader, member: Member | None) -> bytes | None:
    """Give a version's bytes; None where there is none, it is large, or cannot be read now."""
    if member is None or size_of(member) > LARGE_BODY_BYTES:
        return None
    return (await cell.bodies((member.etag,)))[0]


def _properties(old: Member | None, new: Member | None) -> tuple[Difference, ...]:
    before = old.properties if old is not None else {}
    after = new.properties if new is not None else {}
    names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return tuple(
        Difference(name.rpartition("}")[2], _plain(before.get(name)), _plain(after.get(name)))
        for name in names
    )


def _plain(xml: str | None) -> str:
    if xml is None:
        return ""
    text = unescape(_TAG.sub(" ", xml)).strip()[:_PROPERTY_CHARACTERS_MAX] or "(set)"
    return "".join(c if c.isprintable() else " " for c in text)

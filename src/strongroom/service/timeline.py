"""The timeline of an account: who changed what, when, by which device and client (issue 4).

It is read from the journals of all collections that the account ever had and of its home:
collections made, renamed and removed, devices added and revoked; secrets are never shown. Memory is
bounded by what is shown, not by the history: the newest events that pass the filters are kept, the
others are counted.

An event is *unconditional* if a version was overwritten or deleted by who set no condition, and so
may never have seen it (features.md 3.1, rule 6). `undo --entry` takes it back.
"""

from __future__ import annotations

import heapq
import json
import math
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from strongroom.base.errors import InvalidError
from strongroom.base.limits import HISTORY_EVENTS_MAX, LARGE_BODY_BYTES
from strongroom.formats.title import title_of
from strongroom.history.entries import (
    ARRIVED,
    COLLECTION,
    DELETE,
    DEVICE,
    EVIDENCE,
    FREEZE,
    GAP,
    GONE,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Entry,
    Member,
)
from strongroom.ports.cell import Reader
from strongroom.service.objects import DELETE_REFUSED, TIME_RETOLD, TOLD_AGAIN, size_in
from strongroom.service.past import (
    Past,
    Progress,
    find_devices,
    find_part,
    moment_of,
    read_entries,
    read_past,
    silent,
)

# What happened, in a word, by kind and verb; the first of two is for what was not there before.
_WORDS: Final = {
    (OBJECT, PUT): ("created", "changed"),
    (OBJECT, DELETE): ("deleted",),
    (OBJECT, LEFT): ("moved away",),
    (OBJECT, ARRIVED): ("moved here", "moved over"),
    (OBJECT, PROPS): ("properties",),
    (COLLECTION, PUT): ("collection made", "collection changed"),
    (COLLECTION, DELETE): ("collection removed",),
    (COLLECTION, LEFT): ("collection renamed from",),
    (COLLECTION, ARRIVED): ("collection renamed to", "collection renamed over"),
    (COLLECTION, PROPS): ("collection properties",),
    (DEVICE, PUT): ("device added",),
    (DEVICE, DELETE): ("device revoked",),
    (FREEZE, PUT): ("frozen",),
    (FREEZE, DELETE): ("thawed",),
    (EVIDENCE, PUT): ("evidence accepted",),
    ("", GAP): ("numbers left out",),
}
# Entries that change no bytes; they bear the name of who wrote last, and the server makes them
# (service.objects.tell_again, service.retelling).
_AGAIN: Final = (TOLD_AGAIN, "delete refused", TIME_RETOLD)
_UNCHANGED: Final = ("saved unchanged",)  # a device put the bytes that stood
# The same of what is kept of refused writes (service.refused).
_REFUSED_WORDS: Final = {
    PUT: ("tried to save this", "tried to save this again"),
    DELETE: ("no longer listed as refused",),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for; "" = not narrowed, `limit` is how many events are given."""

    collection: str = ""
    thing: str = ""
    since: str = ""
    until: str = ""
    device: str = ""
    limit: int = 100


class Event(NamedTuple):
    """One thing that happened; times in ms since 1970 UTC."""

    at: int
    collection: int
    number: int  # with the collection, what `undo --entry` takes
    book: str  # the collection's name now, or the last it had; `home`
    what: str
    kind: str
    href: str
    id: int
    name: str  # what the version calls itself; "" = nothing that can be read now
    device: str  # name, also of one that was revoked; "" = the operator, or the cell itself
    device_id: int
    client: str  # as it called itself; "" = not known
    request: str
    condition: str  # as it was sent; "" = none
    unconditional: bool
    was: int  # number of the entry whose version was replaced or removed; 0 = none


class Timeline(NamedTuple):
    """The newest events first, and how many more there are."""

    events: tuple[Event, ...]
    more: int


async def timeline(
    cell: Reader, account: Member, query: Query, now_ms: int, progress: Progress = silent
) -> Timeline:
    """Give what happened in an account. It reads its whole history: a command asks for it.

    Raises:
        InvalidError: a time, an address or the limit is none; the message says what is.
        NotFoundError: there never was such a collection or device.
        UnsureError: not provable now.
    """
    if not 0 < query.limit <= HISTORY_EVENTS_MAX:
        raise InvalidError(f"At once 1 to {HISTORY_EVENTS_MAX} events are shown.")
    past = await read_past(cell, account.id)
    wanted = await _filter(cell, past, query, now_ms)
    newest: list[tuple[tuple[int, int, int], Entry]] = []
    count = 0
    scrubs: set[tuple[int, str]] = set()  # of a calendar; each is one event where no thing is named
    async for entry in read_entries(cell, (past.home, *past.collections), progress):
        if not wanted(entry):
            continue
        if entry.condition == TIME_RETOLD and not query.thing:
            if (entry.collection, entry.request) in scrubs:
                continue
            scrubs.add((entry.collection, entry.request))
        count += 1
        item = ((entry.at, entry.collection, entry.number), entry)
        keep = heapq.heappush if len(newest) < query.limit else heapq.heappushpop
        keep(newest, item)
    newest.sort(reverse=True)
    shown = [entry async for entry in _named(cell, past, [entry for _, entry in newest])]
    return Timeline(tuple(shown), count - len(shown))


async def _filter(cell: Reader, past: Past, query: Query, now_ms: int) -> Callable[[Entry], bool]:
    part = find_part(past, query.collection, query.thing)
    since = moment_of(query.since, now_ms) if query.since else 0
    until = moment_of(query.until, now_ms) if query.until else math.inf
    devices = find_devices(past, query.device) if query.device else None
    inside = part.collection not in {None, past.home}

    def wanted(entry: Entry) -> bool:
        return (
            since <= entry.at <= until
            and not (entry.kind == COLLECTION and past.is_hidden(entry.id))
            and (devices is None or (entry.by in devices and not _is_again(entry)))
            and (
                part.collection in {None, entry.collection}
                or (inside and (entry.kind, entry.id) == (COLLECTION, part.collection))
            )
        )

    if part.href is None:
        return wanted
    # A thing is followed over its other names, and into other collections.
    scope = past.collections if part.collection is None else (part.collection,)
    ids = {
        entry.id
        async for entry in read_entries(cell, scope)
        if entry.kind == OBJECT and entry.href == part.href
    }
    part = part._replace(collection=None)
    return lambda entry: (
        wanted(entry)
        and (
            (entry.kind == OBJECT and entry.id in ids)
            or (past.is_hidden(entry.collection) and _meant(entry) == part.href)
        )
    )


def _meant(entry: Entry) -> str:
    """Give the name under which a refused write was meant to be kept; "" = not known."""
    return str(json.loads(entry.data).get("href", "")) if entry.data else ""


def _is_again(entry: Entry) -> bool:
    return entry.verb == PROPS and entry.condition.startswith(_AGAIN)


def is_unconditional(entry: Entry) -> bool:
    """Say whether a version was overwritten or deleted by who set no condition."""
    if entry.condition or not entry.was_etag or entry.kind not in {OBJECT, COLLECTION}:
        return False
    replaced = entry.verb in {PUT, ARRIVED} and entry.was_etag != entry.etag
    return replaced or entry.verb == DELETE


async def _named(cell: Reader, past: Past, shown: list[Entry]) -> AsyncIterator[Event]:
    """Give events with the names of things, as far as their bytes can be read now."""
    names: dict[str, str] = {}
    for entry in shown:
        event = _event(past, entry)
        digest = entry.was_etag if entry.verb in GONE else entry.etag
        if entry.kind == OBJECT and digest not in names:
            names[digest] = await _name(cell, digest, entry)
        yield event._replace(name=names.get(digest, "")) if entry.kind == OBJECT else event


async def _name(cell: Reader, digest: str, entry: Entry) -> str:
    if entry.data and size_in(entry.data) > LARGE_BODY_BYTES:
        return ""
    body = (await cell.bodies((digest,)))[0]
    return title_of(body) if body is not None and len(body) <= LARGE_BODY_BYTES else ""


def _event(past: Past, entry: Entry) -> Event:
    if _is_again(entry):
        return _told_again(past, entry)
    words = _WORDS.get((entry.kind, entry.verb), (entry.verb,))
    if (entry.kind, entry.verb, entry.was_etag) == (OBJECT, PUT, entry.etag):
        words = _UNCHANGED
    href = entry.href
    if past.is_hidden(entry.collection):
        words = _REFUSED_WORDS.get(entry.verb, words)
        href = _meant(entry) or href
    return Event(
        entry.at, entry.collection, entry.number, past.name_of(entry.collection),
        words[-1] if entry.was_etag else words[0], entry.kind, href, entry.id, "",
        past.devices.get(entry.by, f"device {entry.by}") if entry.by else "", entry.by,
        entry.client, entry.request, entry.condition,
        is_unconditional(entry) and not past.is_hidden(entry.collection), entry.was_number,
    )  # fmt: skip


def _told_again(past: Past, entry: Entry) -> Event:
    """Give an entry that changed no bytes: phones were told once more. Its `by` is who wrote it."""
    why, _, device = entry.condition.partition(DELETE_REFUSED)
    what = TIME_RETOLD if why == TIME_RETOLD else TOLD_AGAIN if why else "deletion refused"
    return Event(
        entry.at, entry.collection, entry.number, past.name_of(entry.collection), what,
        entry.kind, entry.href, entry.id, "", device, 0, "", entry.request, "", False,
        entry.was_number,
    )  # fmt: skip

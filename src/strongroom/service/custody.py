"""Custody: which of an account's devices holds what, as far as it can be known (issue 4).

A device holds, of each name, the last version that it is known to have: one that stood at the place
in the journal whose token it came back with, or one that it wrote itself. What others changed after
that place and before its last visit it may or may not have taken in; such a name counts as not
held. What was changed after its last visit it cannot know of, so its older version is still there:
that is what a phone in a drawer is worth. A version is its bytes (their digest); it is held by one
device *alone* if no other device holds it by this rule. A revoked device counts: it is let in no
more, and keeps what it has.

Not here: what the replicas hold, which is another question. Nothing here asks for a freeze: this is
wanted most while an account is frozen.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from strongroom.base.errors import FoldError
from strongroom.base.limits import CUSTODY_DEVICES_MAX, CUSTODY_LISTED_MAX, POSITIONS_SECONDS
from strongroom.history.entries import (
    COLLECTION,
    DEVICE,
    EVIDENCE,
    FREEZE,
    GONE,
    OBJECT,
    PROPS,
    Entry,
    Member,
)
from strongroom.ports.cell import Reader
from strongroom.ports.positions import CameBack, Sighting
from strongroom.service.collections import is_shown
from strongroom.service.journals import Ever, collections_ever, entries
from strongroom.service.kinds import kind_of
from strongroom.service.rights import Rights, rights_of

# A visit is written down late and lasts a moment: what happened just after it may have been told.
_VISIT_MS: Final = int(2 * POSITIONS_SECONDS * 1000)
_FOREVER: Final = 1 << 63
_STEPS: Final = 20_000  # then others get their turn


class Version(NamedTuple):
    """A version of an object: where it stands or stood last, and its digest."""

    book: str
    href: str
    etag: str


class Holding(NamedTuple):
    """What a device holds of one collection."""

    book: str
    stands: bool  # the collection itself
    came_back: int | None  # number of the last token that it came back with; None = never with one
    beyond: bool  # our journal does not explain that token: it has seen more than we know
    behind: int  # changes of objects behind that number
    holds: int  # objects that stand and that it is known to hold as they stand
    of: int  # objects that stand


class DeviceCustody(NamedTuple):
    """What is known of one device."""

    name: str
    id: int
    since: int  # ms since 1970 UTC; when it was added
    revoked: int  # the same; 0 = it is let in
    seen: int  # the same, of its last request, or of what it wrote last; 0 = not known
    client: str  # family and version (formats.clients); "" = not known
    books: tuple[Holding, ...]
    alone: int  # versions that no other device is known to hold
    alone_past: int  # of these: versions that do not stand any more
    only_here: tuple[Version, ...]  # the first CUSTODY_LISTED_MAX of them, the past ones first
    brought: tuple[str, ...]  # evidence that we forgot, accepted or not: it may hold what we lost


class Custody(NamedTuple):
    """The map of an account."""

    devices: tuple[DeviceCustody, ...]  # those let in first, by name
    left_out: int  # older devices over CUSTODY_DEVICES_MAX


@dataclass(slots=True)
class _Device:
    """A device while the map is made."""

    bit: int
    name: str
    id: int
    since: int
    rights: Rights
    revoked: int = 0
    wrote: int = 0  # when it did last (ms), and as which client
    wrote_as: str = ""
    sighting: Sighting | None = None
    books: list[Holding] = field(default_factory=list)

    @property
    def told_until(self) -> int:
        """Give the time (ms) up to which changes of others may have reached it."""
        return self.sighting.at + _VISIT_MS if self.sighting else _FOREVER

    def note(self, entry: Entry) -> None:
        """Remember when it wrote last, and as which client; what is told again is by nobody."""
        if entry.verb != PROPS and entry.at >= self.wrote:
            self.wrote, self.wrote_as = entry.at, entry.client or self.wrote_as


class _Copies:
    """What one device holds of one collection while the journal is read, oldest entry first."""

    __slots__ = ("behind", "by_name", "device", "place", "upto")

    def __init__(self, device: _Device, place: CameBack | None, upto: int) -> None:
        """Begin with nothing held; up to number `upto` it has taken in all."""
        self.device = device
        self.place = place
        self.upto = upto
        self.by_name: dict[str, str] = {}
        self.behind = 0

    def take(self, entry: Entry) -> None:
        """Follow one entry of an object."""
        self.behind += entry.number > self.upto
        own = entry.by == self.device.id
        if entry.number <= self.upto or (own and entry.verb != PROPS):
            _apply(self.by_name, entry)
        elif not own and entry.at <= self.device.told_until and self._may_differ(entry):
            self.by_name.pop(entry.href, None)

    def _may_differ(self, entry: Entry) -> bool:
        """Say whether the device may hold something else; not where the same bytes were saved.

        Where only properties changed it may: so an object is told again that a device lacks.
        """
        return entry.verb == PROPS or entry.etag != self.by_name.get(entry.href)


class _Map:
    """Who holds which version, over all collections."""

    def __init__(self) -> None:
        self.holders: dict[str, int] = {}  # digest -> bits of devices
        self.where: dict[str, Version] = {}
        self.standing: set[str] = set()

    def add(self, ever: Ever, copies: _Copies, standing: Mapping[str, str]) -> Holding:
        """Count what a device holds of a collection in which `standing` stands."""
        bit, holds = 1 << copies.device.bit, 0
        for href, etag in copies.by_name.items():
            self.holders[etag] = self.holders.get(etag, 0) | bit
            self.where.setdefault(etag, Version(ever.name, href, etag))
            holds += standing.get(href) == etag
        number = copies.place.number if copies.place else None
        beyond = number is not None and number > copies.upto
        behind = 0 if number is None else copies.behind
        return Holding(ever.name, ever.standing, number, beyond, behind, holds, len(standing))

    def alone(self) -> dict[int, list[str]]:
        """Give, by bits of one device, what it alone holds, versions of the past first."""
        found: dict[int, list[str]] = {}
        for etag, bits in self.holders.items():
            if bits & (bits - 1) == 0:
                found.setdefault(bits, []).append(etag)
        for etags in found.values():
            etags.sort(key=lambda etag: (etag in self.standing, self.where[etag]))
        return found


async def custody(cell: Reader, account: Member, sightings: Mapping[int, Sighting]) -> Custody:
    """Say what each device of an account holds, revoked ones too; see the module for the rule.

    It reads the whole history of the account: a command asks for it, no request of a phone does.

    Args:
        cell: open, or what can be read of it.
        account: whose devices.
        sightings: by device id (ports.positions).

    Raises:
        UnsureError: not provable now.
    """
    devices, removed = await _home(cell, account.id)
    left_out = max(0, len(devices) - CUSTODY_DEVICES_MAX)
    devices = devices[left_out:]
    for bit, device in enumerate(devices):
        device.bit, device.sighting = bit, sightings.get(device.id)
    found = _Map()
    for ever in (await collections_ever(cell, account.id)).values():
        if not is_shown(ever.data):
            continue  # what a device tried to save is no version of an object
        await _read(cell, ever, removed.get(ever.id, _FOREVER), devices, found)
    alone = found.alone()
    brought = _brought(cell.directory.members(account.id))
    told = [
        _told(one, alone.get(1 << one.bit, []), found, tuple(brought.get(one.id, ())))
        for one in devices
    ]
    return Custody(tuple(sorted(told, key=lambda d: (d.revoked > 0, d.name))), left_out)


async def _home(cell: Reader, home: int) -> tuple[list[_Device], dict[int, int]]:
    """Give all devices ever, oldest first, and when (ms) each collection was removed last."""
    devices: dict[int, _Device] = {}
    removed: dict[int, int] = {}
    async for entry in entries(cell, home):
        if entry.kind == COLLECTION and entry.verb in GONE:
            removed[entry.id] = entry.at
        if entry.kind == DEVICE and entry.verb not in GONE:
            rights = rights_of(json.loads(entry.data))
            devices.setdefault(entry.id, _Device(0, entry.href, entry.id, entry.at, rights))
        elif entry.kind == DEVICE:
            devices[entry.id].revoked = entry.at
    return list(devices.values()), removed


async def _read(
    cell: Reader, ever: Ever, removed: int, devices: Iterable[_Device], found: _Map
) -> None:
    """Read the journal of one collection into the map: what it was made for, a device may hold."""
    service = kind_of(ever.name).service
    able = [device for device in devices if device.rights.reaches(service)]
    copies = {device.id: await _begin(cell, ever.id, device) for device in able}
    standing = await _follow(cell, ever.id, copies)
    if not ever.standing:
        standing = {}
        # A device that came since may have heard that the collection is gone.
        copies = {
            id_: one
            for id_, one in copies.items()
            if one.by_name and one.device.told_until < removed
        }
    found.standing.update(standing.values())
    for one in copies.values():
        one.device.books.append(found.add(ever, one, standing))


async def _follow(
    cell: Reader, collection: int, copies: Mapping[int, _Copies]
) -> dict[str, str]:  # fmt: skip
    """Let each device's copies follow a journal; gives what stands at its end (name, digest)."""
    active = {id_: one for id_, one in copies.items() if one.place is not None}
    standing: dict[str, str] = {}
    steps = 0
    async for entry in entries(cell, collection):
        if entry.kind != OBJECT:
            continue
        _apply(standing, entry)
        if entry.by in copies:  # some never come with a token, but write
            active[entry.by] = copies[entry.by]
            active[entry.by].device.note(entry)
        for one in active.values():
            one.take(entry)
        steps += len(active)
        if steps > _STEPS:
            steps = 0
            await asyncio.sleep(0)
    return standing


def _apply(by_name: dict[str, str], entry: Entry) -> None:
    if entry.verb in GONE:
        by_name.pop(entry.href, None)
    else:
        by_name[entry.href] = entry.etag


async def _begin(cell: Reader, collection: int, device: _Device) -> _Copies:
    """Find out how far a device has come, if our journal explains what it came back with."""
    place = device.sighting.places.get(collection) if device.sighting else None
    if place is None or not place.number:
        return _Copies(device, place, 0)
    try:
        await cell.changes(collection, *place, 1)
    except FoldError:
        return _Copies(device, place, 0)
    return _Copies(device, place, place.number)


def _brought(members: Iterable[Member]) -> dict[int, list[str]]:
    """Give by device which evidence it brought, of freezes that stand and of accepted ones."""
    found: dict[int, list[str]] = {}
    for member in members:
        if member.kind == FREEZE:
            found.setdefault(member.by, []).append(str(member.facts.get("evidence", "")))
        elif member.kind == EVIDENCE:
            found.setdefault(int(member.facts.get("by", 0)), []).append(member.href)
    return found


def _told(
    device: _Device, alone: list[str], found: _Map, brought: tuple[str, ...]
) -> DeviceCustody:  # fmt: skip
    past = sum(etag not in found.standing for etag in alone)
    sighting = device.sighting
    return DeviceCustody(
        device.name, device.id, device.since, device.revoked,
        max(device.wrote, sighting.at if sighting else 0),
        sighting.client if sighting else device.wrote_as,
        tuple(device.books), len(alone), past,
        tuple(found.where[etag] for etag in alone[:CUSTODY_LISTED_MAX]), brought,
    )  # fmt: skip

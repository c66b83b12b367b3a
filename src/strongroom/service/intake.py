"""Bringing many objects in at once, so that nothing that stands is overwritten in silence.

An object that comes in meets what stands:

* the same UID and the same bytes: nothing to do;
* the same UID and other bytes: both are merged, nothing that either says is lost;
* no such UID, but what stood before this import is surely the same (by the form's own rule) and
  its UID does not come in by itself: merged into that; if several could be meant, it is new. What
  comes in by itself is known at the end of a file, so such objects are held until then; one that
  a group of the file names as its member keeps its UID and is new;
* else it is new, under the UID that it has.

So a second run changes nothing. Objects are written in batches that each happen whole or not at
all, each under the condition that what it was merged with still stands; where somebody else writes
meanwhile, that one object is looked at again. Nothing is ever deleted, fetched or mailed. What
cannot be taken is told with its line and its bytes.

Not here: cutting a stream and mending (formats), where it comes from (dav/post, control/intake).
Rules: memory is bounded by what stands in the collection (names and UIDs), one chunk, and what is
held (where it is too much, it is decided by what came so far). An error in the middle leaves what
was written before; running it again goes on from there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import islice
from typing import Final, Literal, NamedTuple, Protocol

from strongroom.base.errors import (
    ClientError,
    ConflictError,
    InvalidError,
    TooLargeError,
    UnsureError,
)
from strongroom.base.limits import (
    INTAKE_BYTES,
    INTAKE_EDITS,
    INTAKE_HELD_BYTES,
    INTAKE_REFUSED_MAX,
    INTAKE_TRIES,
    OBJECT_BYTES_MAX,
)
from strongroom.formats import FormatError
from strongroom.formats.cardlikeness import is_same_person
from strongroom.formats.cardstream import Piece
from strongroom.formats.conditions import Precondition
from strongroom.history.decide import bare_uid
from strongroom.history.edits import Origin, Put, Together
from strongroom.history.entries import OBJECT, Key, Member, digest_of, uid_key, uid_of
from strongroom.ports.cell import Cell
from strongroom.service.access import check_collection
from strongroom.service.aside import aside
from strongroom.service.collections import ABSENT
from strongroom.service.intake_forms import Ready, form_of
from strongroom.service.objects import Room, no_limit, size_of
from strongroom.service.resemblance import Resemblances

Ending = Literal["new", "merged", "unchanged", "refused"]

TOO_LARGE: Final = "too-large"
CONTESTED: Final = "precondition"
NOT_NOW: Final = "unsure"
_WORDS: Final = {
    "between-cards": "This is no part of a card.",
    "no-end": "The card has no END:VCARD.",
    "between-components": "This is no part of a calendar.",
    "component-no-end": "It does not end before something else begins.",
    "calendar-no-end": "The calendar has no END:VCALENDAR; what is whole in it was looked at.",
    TOO_LARGE: f"An object has at most {OBJECT_BYTES_MAX} bytes.",
    CONTESTED: "Others write it at the same time; run the import again.",
    NOT_NOW: "What stands there cannot be read now; nothing is lost; run the import again.",
}


class Outcome(NamedTuple):
    """What became of one object; of what was refused also why, in words, and its bytes."""

    line: int
    ending: Ending
    uid: str = ""
    href: str = ""
    etag: str = ""
    said: tuple[str, ...] = ()
    code: str = ""
    raw: bytes = b""


class Stream(Protocol):
    """Cuts a stream of bytes into what may be objects."""

    def feed(self, chunk: bytes, *, last: bool = False) -> Iterator[Piece]:
        """Take a chunk; raises FormatError where the stream as a whole is nothing that is known."""


class _Planned(NamedTuple):
    """What shall become of one object, and what is to be written for that."""

    ready: Ready
    ending: Ending
    said: tuple[str, ...]
    put: Put | None = None
    body: bytes = b""
    code: str = ""  # of what is refused
    standing: Member | None = None  # what stays as it is


class _Met(NamedTuple):
    """An object and what stands that it is; None = it is new."""

    ready: Ready
    standing: Member | None


class Intake:
    """One import into one collection; make it with `begin`, `feed` it to the end."""

    def __init__(
        self, cell: Cell, collection: Member, origin: Origin, room: Room = no_limit,
        *, dry: bool = False,
    ) -> None:  # fmt: skip
        """Hold what it works on; with `dry` everything is decided and nothing written.

        Raises:
            InvalidError: the collection holds nothing that can be taken in.
        """
        self._cell = cell
        self._collection = collection
        self._origin = origin
        self._room = room
        self._form = form_of(collection)
        self._dry = dry
        self._by_uid: dict[str, Member] = {}  # by the bare UID
        self._names: set[str] = set()
        self._before: tuple[Member, ...] = ()  # what stood when it began
        self._who: Resemblances | None = None  # of them; not read before it is needed
        self._refused = 0
        self._held: list[Ready] = []  # what resembles one of them
        self._held_bytes = 0
        self._came: set[str] = set()  # UIDs that came in by themselves
        self._named: set[str] = set()  # UIDs that something that came in names
        self._imagined: set[str] = set()  # digests that were not written, for it is dry

    async def begin(self) -> None:
        """Look at what stands.

        Raises:
            FrozenError, UnsureError: not now. Nothing changed.
        """
        check_collection(self._cell, self._collection.collection, self._collection)
        head, members = await self._cell.listing(self._collection.id, OBJECT)
        if len(members) != head.members:
            raise UnsureError
        self._before = members
        for member in members:
            self._learn(member)

    async def feed(
        self, stream: Stream, chunk: bytes, *, last: bool = False
    ) -> AsyncIterator[list[Outcome]]:
        """Take a chunk of a stream; give what became of what is whole by now, batch by batch.

        What was given stands on a write quorum.

        Raises:
            InvalidError: the stream as a whole is nothing that is known. Nothing changed.
            TooLargeError: more than INTAKE_REFUSED_MAX parts of it cannot be taken.
            ConflictError: the collection is gone.
            QuotaError, NoSpaceError, FrozenError, BusyError, UnsureError: not now.
            UnknownError: the ending of the last batch is unknown. In all these cases the batches
                before stay, and running it again goes on.
        """
        pieces = self._pieces(stream, chunk, last)
        while part := list(islice(pieces, INTAKE_EDITS)):
            queue: deque[Ready] = deque()
            for piece in part:
                found = await self._looked_at(piece)
                if isinstance(found, Outcome):
                    self._refused += 1
                    yield [found]
                elif not await self._hold(found):
                    queue.append(found)
            if self._held_bytes > INTAKE_HELD_BYTES:
                queue += self._held_back()
            while queue:
                yield await self._settle(await self._next_group(queue))
            self._check_refused()
            await asyncio.sleep(0)  # others get their turn
        rest = deque(self._held_back() if last else ())
        while rest:
            yield await self._settle(await self._next_group(rest))

    def _check_refused(self) -> None:
        if self._refused > INTAKE_REFUSED_MAX:
            raise TooLargeError(
                f"Over {INTAKE_REFUSED_MAX} parts of it are nothing that can be taken in. Is it a "
                "file of contacts? What came in before stands."
            )

    def _pieces(self, stream: Stream, chunk: bytes, last: bool) -> Iterator[Piece]:
        try:
            yield from stream.feed(chunk, last=last)
        except FormatError as error:
            raise InvalidError(error.message) from error

    async def _looked_at(self, piece: Piece) -> Ready | Outcome:
        if piece.fault:
            return _refused(piece, piece.fault, _WORDS[piece.fault])
        try:
            ready = await aside(piece.card, lambda: self._form.ready(piece))
        except FormatError as error:
            return _refused(piece, error.code, error.message)
        if len(ready.body) > OBJECT_BYTES_MAX:
            return _refused(piece, TOO_LARGE, _WORDS[TOO_LARGE])
        return ready

    # --- what stands ------------------------------------------------------------------------------
    def _learn(self, member: Member) -> None:
        self._by_uid[_uid(member)] = member
        self._names.add(member.href)

    async def _next_group(self, queue: deque[Ready]) -> list[_Met]:
        """Take the next objects that can be written together: none is about what another is."""
        group: list[_Met] = []
        touched: set[str] = set()
        size = 0
        while queue and len(group) < INTAKE_EDITS:
            ready = queue[0]
            own = bare_uid(ready.uid)
            if own in touched:
                break  # before it is looked for: what is about to stand is not known yet
            standing = self._by_uid.get(own) or await self._like(ready)
            about = own if standing is None else _uid(standing)
            size += len(ready.body) + (size_of(standing) if standing is not None else 0)
            if about in touched or (group and size > INTAKE_BYTES):
                break
            touched |= {about, own}
            group.append(_Met(queue.popleft(), standing))
        return group

    async def _hold(self, ready: Ready) -> bool:
        """Hold an object back if it may be what stands under another UID."""
        own = bare_uid(ready.uid)
        self._came.add(own)
        named = await aside(ready.body, lambda: self._form.named(ready.body))
        self._named.update(map(bare_uid, named))
        if own in self._by_uid or not await self._resembled(ready):
            return False
        self._held.append(ready)
        self._held_bytes += len(ready.body)
        return True

    def _held_back(self) -> list[Ready]:
        held, self._held, self._held_bytes = self._held, [], 0
        return held

    async def _resembled(self, ready: Ready) -> set[str]:
        """Give the UIDs of what stood before, did not come in by itself, and surely is the same."""
        if not self._before or bare_uid(ready.uid) in self._named:
            return set()  # a group that comes in must find its members
        who = await aside(ready.body, lambda: self._form.likeness(ready.body))
        if who is None:
            return set()
        if self._who is None:
            self._who = Resemblances(self._form.likeness)
            before = ((_uid(one), one) for one in self._before)
            await self._who.read(self._cell, [one for one in before if one[0] not in self._came])
        return self._who.of(who) - self._came

    async def _like(self, ready: Ready) -> Member | None:
        """Find the one thing that stands that this is; of several the one that says it all."""
        found = [self._by_uid[uid] for uid in await self._resembled(ready) if uid in self._by_uid]
        if len(found) > 1:
            found = [one for one in found if await self._says_it_all(one, ready)]
        return found[0] if len(found) == 1 else None

    async def _says_it_all(self, member: Member, ready: Ready) -> bool:
        body = (await self._cell.bodies([member.etag]))[0]
        try:
            return body is not None and self._form.merge(body, ready.body).body == body
        except FormatError:
            return False

    # --- writing ----------------------------------------------------------------------------------
    async def _settle(self, group: Sequence[_Met]) -> list[Outcome]:
        """Write a group whole; one by one where somebody else was quicker."""
        check_collection(self._cell, self._collection.collection, self._collection)
        planned = await self._plan(group)
        try:
            return await self._write(planned)
        except ConflictError:
            raise
        except ClientError:
            return [await self._settle_alone(one.ready, one.standing) for one in group]

    async def _settle_alone(self, ready: Ready, standing: Member | None) -> Outcome:
        for _ in range(INTAKE_TRIES):
            try:
                standing = await self._look_again(ready, standing)
                return (await self._write(await self._plan([_Met(ready, standing)])))[0]
            except ConflictError:
                raise
            except ClientError:
                continue
        return _refused(ready.piece, CONTESTED, _WORDS[CONTESTED])

    async def _look_again(self, ready: Ready, standing: Member | None) -> Member | None:
        """Say what stands now that it is; what stood may be gone, or be somebody else's."""
        name = self._names_for(ready.uid)[0]
        keys = [uid_key(self._collection.id, ready.uid), self._key(name)]
        keys += [standing.key] if standing is not None else []
        own, named, *meant = await self._cell.rows(keys)
        if own is None:
            self._by_uid.pop(bare_uid(ready.uid), None)
        if named is None:
            self._names.discard(name)
        for member in (own, named, *meant):
            if member is not None:
                self._learn(member)
        if own is not None or not meant or meant[0] is None:
            return own
        body = (await self._cell.bodies([meant[0].etag]))[0]
        now, who = self._form.likeness(body or b""), self._form.likeness(ready.body)
        same = now is not None and who is not None and is_same_person(now, who)
        return meant[0] if same else None

    def _key(self, name: str) -> Key:
        return Key(self._collection.id, OBJECT, name)

    def _name(self, uid: str) -> str:
        name, other = self._names_for(uid)
        return other if name in self._names else name

    def _names_for(self, uid: str) -> tuple[str, str]:
        return self._form.names(uid, digest_of(self._origin.request.encode())[:8])

    async def _plan(self, group: Sequence[_Met]) -> list[_Planned]:
        """Say what shall be written for each, all of it in memory."""
        needed = {met.standing.etag for met in group if met.standing is not None}
        digests = sorted(needed - self._imagined)
        bodies = dict(zip(digests, await self._cell.bodies(digests), strict=True))
        planned = []
        for met in group:
            body = bodies.get(met.standing.etag) if met.standing is not None else None
            planned.append(await self._planned(met.ready, met.standing, body))
            await asyncio.sleep(0)  # a merge takes as long as a request of a phone
        return planned

    async def _planned(self, ready: Ready, standing: Member | None, body: bytes | None) -> _Planned:
        if standing is None:
            key = self._key(self._name(ready.uid))
            put = self._put(key, (ready.digest, ready.data, len(ready.body)))
            return _Planned(ready, "new", ready.said, put, ready.body)
        if standing.etag == ready.digest:
            return self._same(ready, standing, body)
        if standing.etag in self._imagined:
            return _Planned(ready, "merged", ready.said, standing=standing)
        if body is None:
            return _Planned(ready, "refused", (_WORDS[NOT_NOW],), code=NOT_NOW)
        try:
            made = await aside(body + ready.body, lambda: self._form.merge(body, ready.body))
        except FormatError as error:
            return _Planned(ready, "refused", (error.message,), code=error.code)
        if made.body == body:
            return _Planned(ready, "unchanged", ready.said, standing=standing)
        if len(made.body) > OBJECT_BYTES_MAX:
            return _Planned(ready, "refused", (_WORDS[TOO_LARGE],), code=TOO_LARGE)
        put = self._put(standing.key, (made.digest, made.data, len(made.body)), standing.etag)
        return _Planned(ready, "merged", (*ready.said, *made.said), put, made.body)

    def _same(self, ready: Ready, standing: Member, body: bytes | None) -> _Planned:
        same = _Planned(ready, "unchanged", ready.said, standing=standing)
        if body is not None or standing.etag in self._imagined:
            return same
        # No copy can give it any more; once it was brought again, one can.
        what = (ready.digest, ready.data, len(ready.body))
        return same._replace(put=self._put(standing.key, what, ready.digest), body=ready.body)

    def _put(self, key: Key, what: tuple[str, str, int], over: str = "") -> Put:
        """Give the edit that writes (digest, data, size) over what has the ETag `over` alone."""
        digest, data, size = what
        when = Precondition(match=frozenset({over})) if over else ABSENT
        # Written as a client would send it, so that the history does not call it unconditional.
        condition = f'if-match: "{over}"' if over else "if-none-match: *"
        origin = replace(self._origin, condition=condition)
        return Put(key, digest, data, origin, when, self._collection.key, size=size)

    async def _write(self, planned: Sequence[_Planned]) -> list[Outcome]:
        """Write all that shall be written, or nothing; learn what stands then."""
        puts = [one.put for one in planned if one.put is not None]
        bodies = {one.put.etag: one.body for one in planned if one.put is not None}
        rows = iter(await self._written(puts, bodies) if puts else ())
        outcomes = []
        for one in planned:
            member = next(rows) if one.put is not None else one.standing
            if member is not None:
                self._learn(member)
                if one.body and self._who is not None and _uid(member) not in self._came:
                    self._who.learn(_uid(member), one.body)  # it says more than before
            outcomes.append(_outcome(one, member))
        return outcomes

    async def _written(self, puts: Sequence[Put], bodies: dict[str, bytes]) -> list[Member]:
        if self._dry:
            self._imagined.update(bodies)
            return [
                Member(*one.key, id=0, number=0, etag=one.etag, data=one.data, props="", at=0, by=0)
                for one in puts
            ]
        async with AsyncExitStack() as stack:
            for one in puts:
                await stack.enter_async_context(self._room(one.key, one.size))
            rows = await self._cell.submit(Together(tuple(puts)), bodies)
        return [row for row in rows if isinstance(row, Member)]


def _uid(member: Member) -> str:
    return bare_uid(uid_of(member.data))


def _outcome(one: _Planned, member: Member | None) -> Outcome:
    ready = one.ready
    if member is None:
        return _refused(ready.piece, one.code, *one.said)
    uid = uid_of(member.data)
    return Outcome(ready.piece.line, one.ending, uid, member.href, member.etag, one.said)


def _refused(piece: Piece, code: str, *words: str) -> Outcome:
    return Outcome(piece.line, "refused", said=words, code=code, raw=piece.raw)

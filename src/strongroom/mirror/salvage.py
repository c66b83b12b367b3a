"""Salvage: what can still be read of a collection where a proof cannot be had (ports.cell).

Two sources tell what stands: a copy's table of members, and the journals. Where one copy's table
has exactly the count and the sum of the head, it is what stands, and nothing else is asked. Else
all copies' journals are read side by side, and what no journal tells is taken from the tables:

* copies are asked in the order in which they are believed; one that contradicts a copy before it is
  not believed from there on, for what lies beside the history was acknowledged to nobody;
* of a name the highest number counts; a deletion counts only where its entry itself can be read;
* a body is whatever copy's bytes have the right digest.

Nothing is written, no standing changes, and a bad page costs what lies on it. Memory is bounded by
the members of one collection, and by some bodies.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from strongroom.base.errors import DamageError
from strongroom.base.limits import LISTING_SECONDS_MAX, SALVAGE_BYTES, SALVAGE_VERSIONS_MAX
from strongroom.history.entries import (
    GAP,
    GONE,
    OBJECT,
    Entry,
    Head,
    Member,
    decode_entry,
    digest_of,
    genesis_chain,
)
from strongroom.history.fold import member_after, member_hash, next_chain, next_number
from strongroom.mirror.site import Site
from strongroom.ports.cell import Salvaged, Unreadable
from strongroom.ports.replica import Line, Remains

T = TypeVar("T")
_ROWS: Final = 1000  # read at once
_MODULUS: Final = 1 << 256
_END: Final = 1 << 63

Name = tuple[str, str]  # kind and href
Versions = tuple[Member, ...]  # the newest first


@dataclass(slots=True)
class _Tale:
    """What all journals tell of a collection."""

    names: dict[Name, Versions] = field(default_factory=dict)  # () = it is gone
    numbers: dict[Name, int] = field(default_factory=dict)  # of the last entry of a name
    missing: int = 0  # numbers that no copy can tell
    number: int = 0  # up to which it was told
    end: int = _END  # nothing behind this number is believed
    beside: dict[str, int] = field(default_factory=dict)  # place -> not believed from there on

    def follow(self, lines: Sequence[tuple[_Tape, Line]]) -> list[_Tape]:
        """Follow the lines of one number; gives those tapes that contradict one before them."""
        chain = b""
        contradicting = []
        for tape, line in lines:
            entry = tape.read()
            if entry is not None and not chain:
                chain = line.chain
                self.take(entry)
            elif entry is not None and line.chain != chain:
                self.beside[tape.site.place] = line.number
                contradicting.append(tape)
        return contradicting

    def take(self, entry: Entry) -> None:
        """Follow one entry."""
        if entry.verb != GAP:
            self.missing += entry.number - self.number - 1
            name = entry.kind, entry.href
            self.numbers[name] = entry.number
            before = self.names.get(name, ())
            kept = before[: SALVAGE_VERSIONS_MAX - 1]
            self.names[name] = () if entry.verb in GONE else (member_after(entry), *kept)
        self.number = entry.number

    def offer(self, member: Member) -> None:
        """Take a row of a table, if it is newer than what the journals tell of its name."""
        name = member.kind, member.href
        if member.number > self.numbers.get(name, 0):
            self.numbers[name] = member.number
            self.names[name] = (member, *self.names.get(name, ()))


@dataclass(slots=True)
class _Shelf:
    """What stands in a collection, as far as it can be told; `gaps` say what is missing."""

    head: Head | None
    members: dict[Name, Member] = field(default_factory=dict)
    total: int = 0
    gaps: list[Unreadable] = field(default_factory=list)
    tale: _Tale | None = None

    def add(self, member: Member) -> None:
        """Take a member; each name comes once."""
        self.members[member.kind, member.href] = member
        self.total = (self.total + member_hash(member)) % _MODULUS

    def whole(self) -> bool:
        """Say whether this is exactly what the head counts and sums."""
        head = self.head
        return head is not None and (len(self.members), self.total) == (head.members, head.sum)


class Salvage:
    """Salvages the collections of one cell, one at a time."""

    def __init__(
        self,
        order: Callable[[], Iterable[Site]],
        bound: Callable[[int], Head | None],
        told: Callable[[int], Head | None] = lambda _: None,
        seen: Callable[[int], int] = lambda _: 0,
    ) -> None:
        """Ask the copies that `order` gives, in the order in which they are believed.

        `bound` gives the head that a collection has, if that is known; `told` the one that the
        witness was told; `seen` the number of the last change that somebody else has seen.
        """
        self._order = order
        self._bound = bound
        self._told = told
        self._seen = seen
        self._silent: dict[str, str] = {}  # place -> why it is asked no more
        self._last: tuple[int, _Shelf] | None = None  # for work that is cut into pages

    # --- asking -----------------------------------------------------------------------------------
    async def _ask(self, site: Site, call: Callable[[Remains], T]) -> T | None:
        """Ask one copy; None = it cannot answer, and is not asked again."""
        if site.place in self._silent:
            return None
        try:
            async with asyncio.timeout(LISTING_SECONDS_MAX):
                return await site.reading(lambda replica: call(replica.remains()))
        except (DamageError, TimeoutError) as error:
            self._silent[site.place] = f"{error}" or "it does not answer"
            return None

    # --- giving -----------------------------------------------------------------------------------
    async def objects(
        self, collection: int, after: str
    ) -> AsyncGenerator[Salvaged | Unreadable, None]:
        """Give what `ports.cell.Salvager.salvage` promises."""
        shelf = await self._shelf(collection)
        standing = [m for (kind, href), m in shelf.members.items() if kind == OBJECT]
        standing = sorted((m for m in standing if m.href > after), key=lambda m: m.href)
        for page in _pages(standing):
            bodies = await self.bodies([member.etag for member in page])
            for member in page:
                body = bodies.get(member.etag)
                yield Salvaged(member, body)
                older = await self._older(shelf, member) if body is None else None
                if older is not None:
                    yield older
        for gap in (*self._unanswered(), *shelf.gaps):
            yield gap
        self._last = None

    async def members(self, collection: int) -> list[Member]:
        """Give what stands in a collection, of all kinds, as far as it can be told."""
        return list((await self._read(collection)).members.values())

    def _unanswered(self) -> Iterator[Unreadable]:
        for place in sorted(self._silent):
            yield Unreadable(f"the copy in {place} cannot be read: {self._silent[place]}", 0)

    async def bodies(self, digests: Sequence[str]) -> dict[str, bytes]:
        """Read bodies from whichever copy has them with the right digest (I3)."""
        good: dict[str, bytes] = {}
        for site in self._order():
            wanted = [digest for digest in dict.fromkeys(digests) if digest not in good]
            if not wanted:
                break
            got = await self._ask(site, lambda left, asked=wanted: left.bodies(asked))  # type: ignore[misc]
            pairs = zip(wanted, got or (), strict=False)
            good |= {d: body for d, body in pairs if body is not None and digest_of(body) == d}
        return good

    async def _older(self, shelf: _Shelf, member: Member) -> Salvaged | None:
        """Give the newest older version of a name whose body can be read."""
        if shelf.tale is None:
            shelf.tale = await self._tale(member.collection, shelf.head, sure=True)
        for version in shelf.tale.names.get((member.kind, member.href), ()):
            if version.number < member.number:
                bodies = await self.bodies([version.etag])
                if version.etag in bodies:
                    return Salvaged(version, bodies[version.etag], older=True)
        return None

    # --- what stands ------------------------------------------------------------------------------
    async def _shelf(self, collection: int) -> _Shelf:
        last, known = self._last, self._bound(collection)
        if last is None or last[0] != collection or (known or last[1].head) != last[1].head:
            self._last = last = (collection, await self._read(collection))
        return last[1]

    async def _read(self, collection: int) -> _Shelf:
        self._silent.clear()
        heads = [
            await self._ask(site, lambda left: left.head(collection)) for site in self._order()
        ]
        head = self._bound(collection)
        sure = head is not None
        told = self._told(collection)
        if head is None:
            first = next((h for h in heads if h is not None), None)
            head = max((h for h in (first, told) if h is not None), key=_number, default=None)
        shelf = await self._one_table(collection, head)
        if shelf is None:
            tale = await self._tale(collection, head, sure=sure)
            await self._tables(collection, tale)
            shelf = _Shelf(head, tale=tale)
            for count, versions in enumerate(tale.names.values()):
                for member in versions[:1]:
                    shelf.add(member)
                if count % _ROWS == 0:
                    await asyncio.sleep(0)  # others get their turn
            shelf.gaps += _gaps(shelf, tale)
        known = max(head.number if head else 0, shelf.tale.number if shelf.tale else 0)
        later = max(told.number if told else 0, self._seen(collection)) - known
        if later > 0:
            text = "later changes that the witness or a device has seen"
            shelf.gaps.append(Unreadable(text, later))
        return shelf

    async def head(self, collection: int) -> Head | None:
        """Give a collection's head as the first copy has it that can tell; None = none can."""
        for site in self._order():
            head = await self._ask(site, lambda left: left.head(collection))
            if head is not None:
                return head
        return None

    async def _one_table(self, collection: int, head: Head | None) -> _Shelf | None:
        """Find one copy whose table alone is what the head counts and sums."""
        if head is None or not head.members:
            return None  # a table that cannot be read looks empty too
        for site in self._order():
            shelf = _Shelf(head)
            async for member in self._table(site, collection):
                shelf.add(member)
            if shelf.whole():
                return shelf
        return None

    async def _table(self, site: Site, collection: int) -> AsyncIterator[Member]:
        """Read all that is left of a copy's table of members."""
        kinds = await self._ask(site, lambda left: left.kinds(collection))
        for kind in dict.fromkeys((*(kinds or ()), OBJECT)):
            after, more = "", True
            while more:
                part = await self._ask(
                    site,
                    lambda left, k=kind, a=after: left.members(collection, k, a, _ROWS),  # type: ignore[misc]
                )
                for member in part.rows if part else ():
                    after = member.href
                    yield member
                more = part is not None and part.more

    async def _tables(self, collection: int, tale: _Tale) -> None:
        """Take from the tables what no journal tells."""
        for site in self._order():
            believed = min(tale.end, tale.beside.get(site.place, _END) - 1)
            async for member in self._table(site, collection):
                if member.number <= believed:
                    tale.offer(member)

    # --- journals ---------------------------------------------------------------------------------
    async def _tale(self, collection: int, head: Head | None, *, sure: bool) -> _Tale:
        """Read all journals side by side.

        What lies behind `head` belongs to nobody. Where that head is not `sure`, as only one copy
        told it, the journal of the copy that is believed first may still lead further.
        """
        tale = _Tale(end=head.number if head else _END)
        tapes = [_Tape(self, site, collection) for site in self._order()]
        front: _Tape | None = None
        while True:
            found = [(tape, line) for tape in tapes if (line := await tape.first()) is not None]
            if not found:
                break
            front = front or found[0][0]
            number = min(line.number for _, line in found)
            if number > tale.end and (sure or found[0][0] is not front):
                break
            for tape in tale.follow([(t, line) for t, line in found if line.number == number]):
                tapes.remove(tape)
        tale.end = max(tale.end, tale.number)
        tale.missing += max(0, tale.end - tale.number) if head else 0
        return tale

    async def lines(self, site: Site, collection: int, after: int) -> tuple[Sequence[Line], bool]:
        """Read a part of one copy's journal, and whether there is more."""
        part = await self._ask(site, lambda left: left.lines(collection, after, _ROWS))
        return (part.rows, part.more) if part is not None else ((), False)


class _Tape:
    """One copy's journal, read from its beginning to its end."""

    def __init__(self, salvage: Salvage, site: Site, collection: int) -> None:
        self.site = site
        self._salvage = salvage
        self._collection = collection
        self._lines: deque[Line] = deque()
        self._more = True
        # Number and chain of the line before, where it is good.
        self._before: tuple[int, bytes] | None = (0, genesis_chain(collection))
        self._asked = 0

    async def first(self) -> Line | None:
        """Give the line that comes next; None at the end."""
        if not self._lines and self._more:
            lines, self._more = await self._salvage.lines(self.site, self._collection, self._asked)
            self._lines.extend(lines)
            self._asked = lines[-1].number if lines else self._asked
        return self._lines[0] if self._lines else None

    def read(self) -> Entry | None:
        """Take the line that comes next; None if it is not what it should be."""
        line = self._lines.popleft()
        try:
            entry = decode_entry(line.line)
        except ValueError:
            return None
        if (entry.collection, entry.number) != (self._collection, line.number):
            return None
        before, self._before = self._before, (line.number, line.chain)
        if before is None or entry.number != next_number(before[0], entry):
            return entry  # it comes behind a hole, so nothing can be said of its chain
        if next_chain(before[1], line.line) != line.chain:
            self._before = None
            return None
        return entry


def _number(head: Head) -> int:
    return head.number


def _gaps(shelf: _Shelf, tale: _Tale) -> Iterator[Unreadable]:
    head = shelf.head
    if head is None:
        yield Unreadable("how many records should stand here is not known", 0)
    elif not shelf.whole():
        read = len(shelf.members)
        short = max(0, head.members - read)
        yield Unreadable(f"{head.members} records should stand here, {read} are known", short)
        if tale.missing:
            yield Unreadable("changes that no copy can tell of", tale.missing)


def _pages(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Cut into pages whose bodies take some memory at most."""
    page: list[Member] = []
    size = 0
    for member in members:
        size += int(member.facts.get("size", 0))
        if page and size > SALVAGE_BYTES:
            yield page
            page, size = [], int(member.facts.get("size", 0))
        page.append(member)
    if page:
        yield page

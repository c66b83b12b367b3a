"""What an undo would do: pure rules from what stood and what stands to a plan (issue 4).

Three wishes: how all was at a time, how one thing was before an entry, or as if a device had done
nothing since a time. Each gives, for every name, what shall stand under it. Names between which a
thing goes (both halves of a MOVE, or what a MOVE destroyed) are one *unit*: it happens whole or not
at all. Devices, passwords, accounts, freezes and replicas are no part of it.

Not here: reading journals and bodies, carrying a plan out (undo).
Rules: pure; ids decide what is the same thing; nothing is removed that the wish does not name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.base.limits import UNDO_NAMES_TOGETHER_MAX
from strongroom.history.entries import (
    ARRIVED,
    COLLECTION,
    DELETE,
    GONE,
    LEFT,
    OBJECT,
    PROPS,
    Entry,
    Key,
    Member,
    Row,
    Tombstone,
    canonical,
    uid_of,
)
from strongroom.service.past import Part

KINDS: Final = frozenset({OBJECT, COLLECTION})  # what an undo touches

CREATE: Final = "create"
CHANGE: Final = "change"
MOVE: Final = "move"
REMOVE: Final = "remove"
AWAY: Final = "away"  # the other half of a MOVE

_ABSENT: Final = "Its collection is not there; undo its removal too."

Rows = Mapping[Key, Row | None]
Wants = dict[Key, Member | None]


class Change(NamedTuple):
    """One name: what stands under it (or stood last), and what shall."""

    key: Key
    now: Row | None
    then: Member | None

    @property
    def standing(self) -> Member | None:
        """Give what stands there now."""
        return _member(self.now)

    @property
    def is_one(self) -> bool:
        """Say whether anything is to be done under this name."""
        return _content(self.standing) != _content(self.then)


class Unit(NamedTuple):
    """Names that belong together, those under which nothing is to be done among them."""

    names: tuple[Change, ...]

    def changes(self) -> list[tuple[str, Change]]:
        """Give what is to be done, with its kind; what another thing takes the place of goes."""
        wanted = {one.then.id for one in self.names if one.then is not None}
        standing = {one.standing.id for one in self.names if one.standing is not None}
        found = []
        for one in self.names:
            if one.is_one and one.then is not None:
                found.append((_kind(one, one.then, standing), one))
            if one.is_one and one.standing is not None and one.standing.id not in wanted:
                found.append((REMOVE, one._replace(then=None)))
            elif one.is_one and one.then is None:
                found.append((AWAY, one))
        return found

    def things(self) -> list[tuple[str, Change]]:
        """Give the same by things: what moves is there once, under its new name."""
        return [(kind, one) for kind, one in self.changes() if kind != AWAY]


def _kind(change: Change, then: Member, standing: Collection[int]) -> str:
    if change.standing is not None and change.standing.id == then.id:
        return CHANGE
    return MOVE if then.id in standing else CREATE


class Cannot(NamedTuple):
    """What an undo leaves as it is, and why."""

    key: Key
    why: str


class Plan(NamedTuple):
    """What would be done; a value that can be shown, refused and carried out."""

    goal: str  # in words; also the condition of its entries
    units: tuple[Unit, ...]  # in the order in which they are to happen
    cannot: tuple[Cannot, ...]
    latest: int  # ms since 1970 UTC: an undo to this time takes this one back
    stands: frozenset[int]  # ids of the collections that will stand

    def counts(self) -> dict[str, int]:
        """Count the things, not the names: what moves counts once."""
        counts = dict.fromkeys((CREATE, CHANGE, MOVE, REMOVE), 0)
        for unit in self.units:
            for kind, _ in unit.things():
                counts[kind] += 1
        return {**counts, "cannot": len(self.cannot)}

    def mark(self) -> str:
        """Give a digest of all that would be done on top of what: two plans are one if it is."""
        told = [
            [*one.key, one.now.number if one.now else 0, *(_content(one.then) or ())]
            for unit in self.units
            for one in unit.names
        ]
        return sha256(canonical([self.goal, told]).encode()).hexdigest()


def _content(member: Member | None) -> tuple[int, str, str] | None:
    """Give what a person knows of a member; its data follows from the bytes that the ETag names."""
    return None if member is None else (member.id, member.etag, member.props)


# --- what stood, what stands ----------------------------------------------------------------------
def row_of(entry: Entry) -> Row:
    """Give the row that an entry leaves under its name."""
    if entry.verb in GONE:
        return Tombstone(entry.collection, entry.kind, entry.href, entry.id, entry.number)
    return Member(
        entry.collection, entry.kind, entry.href, entry.id, entry.number,
        entry.etag, entry.data, entry.props, entry.at, entry.by,
    )  # fmt: skip


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Give entries of several journals as they happened."""
    return sorted(entries, key=lambda entry: (entry.at, entry.collection, entry.number))


def pre_images(after: Iterable[Entry]) -> dict[Key, int]:
    """Give, for each name, the number of the row before its first entry; 0 = there was none."""
    first: dict[Key, Entry] = {}
    for entry in after:
        if entry.key not in first or entry.number < first[entry.key].number:
            first[entry.key] = entry
    return {key: entry.was_number for key, entry in first.items()}


def now_of(after: Iterable[Entry], before: Rows) -> dict[Key, Row | None]:
    """Give what stands under each name that `after` touches; `after` is in order."""
    return {**before, **{entry.key: row_of(entry) for entry in after}}


# --- the three wishes -----------------------------------------------------------------------------
def as_before(before: Rows) -> Wants:
    """Want what stood under each name."""
    return {key: _member(row) for key, row in before.items()}


def without(
    after: Sequence[Entry], before: Rows, skipped: Callable[[Entry], bool]
) -> tuple[Wants, list[Cannot]]:
    """Want what would stand if some entries had not happened, and all others had.

    What others did to a thing later stays, wherever it then stands. Where others have put another
    thing under the name that it would have, it is left as it is.
    """
    fold = _Fold(before)
    for entry in after:
        if not skipped(entry):
            fold.take(entry)
    now = now_of(after, before)
    wants: Wants = {key: fold.stands.get(key) for key in now}
    _leave_others(now, wants, {entry.id for entry in after if skipped(entry)})
    return wants, [*_leave_displaced(now, wants, fold.displaced), *_leave_filled(now, wants)]


def _leave_others(now: Rows, wants: Wants, theirs: Collection[int]) -> None:
    """Leave names that no thing of `theirs` has or had.

    Entries of several journals that happened in one millisecond may be folded in another order
    than they had; so nothing is moved but for what was left out.
    """
    for key, row in now.items():
        if {one.id for one in (row, wants[key]) if one is not None}.isdisjoint(theirs):
            wants[key] = _member(row)


def _leave_displaced(now: Rows, wants: Wants, displaced: Iterable[tuple[Key, int]]) -> list[Cannot]:
    """Leave things where they are whose names others have filled; never remove one for that."""
    places = {row.id: key for key, row in now.items() if isinstance(row, Member)}
    waiting = list(displaced)
    cannot = []
    while waiting:
        key, thing = waiting.pop()
        place = places.get(thing)
        cannot.append(Cannot(place or key, "Something else was put under its name since."))
        if place is not None:
            dropped, wants[place] = wants[place], _member(now[place])
            if dropped is not None and dropped.id != thing:
                waiting.append((place, dropped.id))
    return cannot


def _leave_filled(now: Rows, wants: Wants) -> list[Cannot]:
    """Leave a new collection into which others have put something; it would go with it."""
    filled = {key.collection for key, member in wants.items() if member is not None}
    wanted = {member.id for member in wants.values() if member is not None}
    left = [
        key
        for key, row in now.items()
        if isinstance(row, Member) and key.kind == COLLECTION
        if wants[key] is None and row.id in filled - wanted
    ]
    for key in left:
        wants[key] = _member(now[key])
    return [Cannot(key, "Others have put something into it since.") for key in left]


def _member(row: Row | None) -> Member | None:
    return row if isinstance(row, Member) else None


class _Fold:
    """A fold of some entries only, in which things are found by their ids."""

    def __init__(self, before: Rows) -> None:
        self.stands = {key: row for key, row in before.items() if isinstance(row, Member)}
        self.where = {row.id: key for key, row in self.stands.items()}
        self.displaced: list[tuple[Key, int]] = []  # its name, its id

    def take(self, entry: Entry) -> None:
        if entry.verb == LEFT:
            return  # its arrival tells the same
        place = self.where.get(entry.id)
        standing = self.stands.get(place) if place is not None else None
        if entry.verb == DELETE:
            if place is not None:
                self._empty(place)
        elif entry.verb == PROPS and standing is not None and place is not None:
            self.stands[place] = standing._replace(props=entry.props)
        elif entry.verb == ARRIVED and standing is not None and place is not None:
            self._empty(place)
            self._set(entry.key, standing)
        else:
            member = row_of(entry)
            assert isinstance(member, Member)
            self._set(place or entry.key, member)

    def _empty(self, place: Key) -> None:
        del self.where[self.stands.pop(place).id]

    def _set(self, key: Key, member: Member) -> None:
        standing = self.stands.get(key)
        if standing is not None and standing.id != member.id:
            self._empty(key)
            self.displaced.append((key, standing.id))
        moved = member._replace(collection=key.collection, kind=key.kind, href=key.href)
        self.stands[key] = moved
        self.where[member.id] = key


def before_entry(after: Sequence[Entry], before: Rows, target: Entry) -> tuple[Wants, list[Cannot]]:
    """Want what stood under the names of one entry before it, or of both halves of a MOVE."""
    halves = [entry for entry in after if entry == target or _are_halves(entry, target)]
    wants: Wants = {}
    for half in halves:
        earlier = [e for e in after if e.key == half.key and e.number < half.number]
        row = row_of(earlier[-1]) if earlier else before[half.key]
        wants[half.key] = _member(row)
    ids = {target.id, *(row.id for row in wants.values() if row is not None)}
    now = now_of(after, before)
    taken = {key for key in wants if isinstance(row := now[key], Member) and row.id not in ids}
    if taken:
        return {}, [Cannot(key, "Something else stands under this name.") for key in sorted(taken)]
    for key, row in now.items():
        if isinstance(row, Member) and row.id in ids:
            wants.setdefault(key, None)  # it stands elsewhere by now, and goes from there
    return wants, []


def _are_halves(one: Entry, other: Entry) -> bool:
    """Say whether two entries are one MOVE: one id, one request, one moment."""
    same = (one.id, one.request, one.at) == (other.id, other.request, other.at)
    return same and {one.verb, other.verb} == {LEFT, ARRIVED}


# --- units ----------------------------------------------------------------------------------------
class Groups:
    """Things that belong together, found by what they share."""

    def __init__(self) -> None:
        """Start with nothing shared."""
        self._parent: dict[object, object] = {}

    def root(self, one: object) -> object:
        """Give what stands for the group of `one`."""
        while (parent := self._parent.get(one, one)) != one:
            self._parent[one] = self._parent.get(parent, parent)
            one = parent
        return one

    def join(self, one: object, other: object) -> None:
        """Let two belong together."""
        self._parent[self.root(one)] = self.root(other)


def units_of(now: Rows, wants: Wants) -> list[Unit]:
    """Tie names together between which things go; what has nothing to do is left out."""
    groups = Groups()
    for key in wants:
        for row in (now[key], wants[key]):
            if row is not None:
                groups.join(key, row.id)
    found: dict[object, list[Change]] = {}
    for key in sorted(wants):
        found.setdefault(groups.root(key), []).append(Change(key, now[key], wants[key]))
    units = (Unit(tuple(names)) for names in found.values())
    return [unit for unit in units if unit.changes()]


def in_part(unit: Unit, part: Part) -> bool:
    """Say whether a unit changes anything in a part of the account."""
    return any(_touches(one, part) for _, one in unit.changes())


def _touches(change: Change, part: Part) -> bool:
    key = change.key
    if part.href is not None and (key.kind, key.href) != (OBJECT, part.href):
        return False
    if part.collection in {None, key.collection}:
        return True
    ids = {row.id for row in (change.now, change.then) if row is not None}
    return key.kind == COLLECTION and part.collection in ids


def stands_after(units: Iterable[Unit], standing: Collection[int]) -> frozenset[int]:
    """Give the collections that stand once `units` are done; `standing` stand now."""
    stands = set(standing)
    homes = [unit for unit in units if unit.names[0].key.kind == COLLECTION]
    for unit in homes:
        stands -= {one.standing.id for _, one in unit.changes() if one.standing is not None}
        stands |= {one.then.id for one in unit.names if one.then is not None}
    return frozenset(stands)


def sift(
    units: Iterable[Unit], stands: Collection[int], expected: Collection[int],
    frozen: Collection[int],
) -> tuple[list[Unit], list[Cannot]]:  # fmt: skip
    """Keep what can be done, in the order in which it can.

    Args:
        units: of collections and objects.
        stands: ids of the collections that will stand.
        expected: ids of those in which something that does not come back is told of.
        frozen: ids of those that nothing may be written to.

    Returns:
        Units to do; and what cannot be done, with the reason.
    """
    kept, cannot = [], []
    for unit in units:
        done, absent = _visible(unit, stands)
        why = _why_not(done, frozen)
        if why:
            cannot += [Cannot(one.key, why) for _, one in done.things()]
        elif done.changes():
            kept.append(done)
        cannot += [Cannot(key, _ABSENT) for key in absent if key.collection in expected]
    return sorted(kept, key=_order), cannot


def _visible(unit: Unit, stands: Collection[int]) -> tuple[Unit, list[Key]]:
    """Leave as it is what is in a removed collection, unless it comes out of it or goes back in.

    Returns:
        The unit, and the names under which something was wanted that does not come back.
    """
    seen = [one for one in unit.names if _is_seen(one.key, stands)]
    comes = {one.then.id for one in seen if one.then is not None}
    goes = {one.standing.id for one in seen if one.standing is not None} - comes
    if any(one.then is not None and one.then.id in goes for one in unit.names):
        return unit, []  # what goes back in must find there what was there, names and UIDs
    names, absent = [], []
    for one in unit.names:
        if _is_seen(one.key, stands):
            names.append(one)
            continue
        if one.is_one and one.then is not None:
            absent.append(one.key)
        leaves = one.standing is not None and one.standing.id in comes
        names.append(one._replace(then=None if leaves else one.standing))
    return Unit(tuple(names)), absent


def _is_seen(key: Key, stands: Collection[int]) -> bool:
    return key.kind != OBJECT or key.collection in stands


def _why_not(unit: Unit, frozen: Collection[int]) -> str:
    if len(unit.names) > UNDO_NAMES_TOGETHER_MAX:
        return "Too many names hang together by moves."
    if any(one.key.collection in frozen for _, one in unit.changes()):
        return "Its collection is frozen."
    return ""


def _order(unit: Unit) -> int:
    """Collections come before what goes into them, and go after what goes out of them."""
    if unit.names[0].key.kind == OBJECT:
        return 1
    return 0 if any(one.then is not None for one in unit.names) else 2


def joined_by_uid(units: Sequence[Unit]) -> list[Unit]:
    """Tie units together in which a UID changes hands inside a collection."""
    groups = Groups()
    for place, unit in enumerate(units):
        for one in unit.names:
            for row in (one.standing, one.then):
                if row is not None and one.key.kind == OBJECT and uid_of(row.data):
                    groups.join(place, (one.key.collection, uid_of(row.data)))
    found: dict[object, list[Change]] = {}
    for place, unit in enumerate(units):
        found.setdefault(groups.root(place), []).extend(unit.names)
    return [Unit(tuple(names)) for names in found.values()]

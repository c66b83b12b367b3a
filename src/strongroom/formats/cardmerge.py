"""Two versions of one card made one, by property, with what stood before both where that is known.

What only one side changed is taken. Where both changed one property differently, the standing one
stays and the wanted one is kept beside it: as a further value where a card may have several, as
`X-STRONGROOM-OTHER-<NAME>` where it may have one (a name, a birthday). Such conflicts are reported;
a person who has looked at them may let one side win. Without a base the merge is a union: nothing
that either card says is lost.

Rules: pure; UID and VERSION of the standing card stay; lines that nobody changed keep their bytes
and their order; a second merge of the same changes nothing. Who edits wins over who deletes. REV
and PRODID alone are no change; they go along with one. One value with two sets of types or of
other parameters is one line with both, where they do not contradict each other.
Source: RFC 6350 section 6 and RFC 2426 for what a card may have once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from itertools import count
from typing import Final, Literal, NamedTuple, cast

from strongroom.base.limits import MERGE_ALIKE_MAX, MERGE_PARAMETERS_MAX
from strongroom.formats import FormatError
from strongroom.formats.cardconvert import Version, to_version
from strongroom.formats.carddiff import Difference, difference
from strongroom.formats.cardlines import (
    Line,
    Parameter,
    join_card,
    split_card,
    write_line,
    write_parameters,
)
from strongroom.formats.cardunits import OTHER, Facts, Unit, units_of
from strongroom.formats.characters import unfolded

Prefer = Literal["both", "standing", "wanted"]

_STAMPS: Final = (b"REV", b"PRODID")
_BETWEEN: Final = b"-:"  # in the long form of a time, which 3.0 writes
_RIDING: Final = (b"X-VCARD3-", b"X-VCARD4-")  # cardconvert
_PREFERENCES: Final = frozenset({(b"TYPE", b"pref")})  # which of two numbers is first is no data
_ONCE: Final = frozenset({
    b"N", b"FN", b"BDAY", b"ANNIVERSARY", b"GENDER", b"KIND", b"X-ANNIVERSARY", b"X-GENDER",
    b"X-ADDRESSBOOKSERVER-KIND", b"BIRTHPLACE", b"DEATHPLACE", b"DEATHDATE", b"CREATED",
    b"LANGUAGE", b"SORT-STRING", b"CLASS", b"MAILER", b"NAME", b"PROFILE", b"X-ABSHOWAS",
    b"X-MAIDENNAME", b"X-PHONETIC-FIRST-NAME", b"X-PHONETIC-MIDDLE-NAME", b"X-PHONETIC-LAST-NAME",
})  # fmt: skip


class Merged(NamedTuple):
    """The card, and what both sides changed differently: as it stands (old), as it was wanted."""

    body: bytes
    conflicts: tuple[Difference, ...]


def merge(base: bytes | None, standing: bytes, wanted: bytes, prefer: Prefer = "both") -> Merged:
    """Bring what `wanted` changed into `standing`.

    Args:
        base: what stood when `wanted` was written; None = not known: a union.
        standing: what stands now; the result keeps its version, 3.0 or 4.0.
        wanted: what shall be brought in, of either version.
        prefer: whose word counts where both changed a property; "both" keeps both.

    Raises:
        FormatError: `unsupported-version` or `too-complex`: one of them cannot be looked into.
    """
    lines = split_card(standing)
    version = _version(lines)
    work = _Work(units_of(standing, lines), prefer)
    before = _named([] if base is None else _units(base, version))
    after = _named(_units(wanted, version))
    for name in dict.fromkeys((*before, *after)):
        if name not in _STAMPS:
            work.merge_name(name, before.get(name, []), after.get(name, []))
    work.stamp(after)
    return Merged(join_card(_raws(lines, work)), tuple(work.conflicts))


def _version(lines: Iterable[Line]) -> Version:
    found = next((line.value.strip() for line in lines if line.name == b"VERSION"), b"").decode()
    if found not in {"3.0", "4.0"}:
        raise FormatError("unsupported-version", "Only vCard 3.0 and 4.0 are known.")
    return cast(Version, found)


def _units(card: bytes, version: Version) -> list[Unit]:
    written = to_version(card, version)
    units = units_of(written, split_card(written))
    if written is card or any(line.name == b"N" for line in split_card(card)):
        return units
    # 3.0 demands an N, and one that was made of FN is nobody's word.
    return [unit for unit in units if unit.name != b"N"]


def _named(units: Iterable[Unit]) -> dict[bytes, list[Unit]]:
    named: dict[bytes, list[Unit]] = {}
    for unit in units:
        named.setdefault(unit.name, []).append(unit)
    return named


# --- what one side changed ------------------------------------------------------------------------


class _Change(NamedTuple):
    """From what to what; None = it was not there, or is no more."""

    old: Unit | None
    new: Unit | None


def _changes(before: list[Unit], after: list[Unit], once: bool) -> list[_Change]:
    """Say what became of which.

    The same value with another label, or else the same label with another value; of what a card
    has once, whatever is left.
    """
    gone, new = _minus(before, after), _minus(after, before)
    became: dict[int, Unit] = {}
    for alike in (_value, _label, _nothing) if once else (_value, _label):
        free: dict[Hashable, list[Unit]] = {}
        for unit in reversed(new):
            free.setdefault(alike(unit), []).append(unit)
        for old in gone:
            if old.place not in became and (found := free.get(alike(old))):
                became[old.place] = found.pop()
        taken = {unit.place for unit in became.values()}
        new = [unit for unit in new if unit.place not in taken]
    changed = [_Change(old, became.get(old.place)) for old in gone]
    return changed + [_Change(None, unit) for unit in new]


def _value(unit: Unit) -> Hashable:
    return unit.value


def _label(unit: Unit) -> Hashable:
    return unit.facts, unit.beside


def _nothing(_unit: Unit) -> Hashable:
    return None


def _minus(units: list[Unit], others: list[Unit]) -> list[Unit]:
    """Give the units that say what none of the others says, each once."""
    others_say = {unit.key for unit in others}
    return [unit for key, unit in _by_key(units).items() if key not in others_say]


def _by_key(units: Iterable[Unit]) -> dict[Hashable, Unit]:
    found: dict[Hashable, Unit] = {}
    for unit in units:
        found.setdefault(unit.key, unit)
    return found


# --- what becomes of it ---------------------------------------------------------------------------


class _Work:
    """The standing card while it changes.

    `now` tells what takes the place of a unit (None = nothing); `added` comes behind all others.
    """

    def __init__(self, units: list[Unit], prefer: Prefer) -> None:
        self._standing = _named(units)
        self._says: dict[Hashable, list[Unit]] = {}
        for unit in units:
            self._says.setdefault(unit.key, []).append(unit)
        self._keys = set(self._says)
        self._prefer = prefer
        self._waiting: list[Unit] = []  # until it is known what is left to unite them with
        self.now: dict[int, tuple[Unit, Unit | None]] = {}
        self.added: list[Unit] = []
        self.conflicts: list[Difference] = []

    def merge_name(self, name: bytes, before: list[Unit], after: list[Unit]) -> None:
        """Merge all units of one name."""
        once = _is_once(name)
        stands = self._standing.get(name, [])
        here = _changes(before, stands, once)
        became = {old.place: new for old, new in here if old is not None}
        came = [new for old, new in here if old is None and once]
        for old, new in _changes(before, after, once):
            known = new is not None and new.key in self._keys
            if old is not None and old.place not in became:
                self._replace(self._says[old.key][0], None if known else new)
            elif old is not None and not known:
                self._clash(became[old.place], new)
            elif new is not None and not known:
                self._waiting.append(new)
        self._add_waiting(name, came)

    def _clash(self, rival: Unit | None, new: Unit | None) -> None:
        """Both changed one property: `rival` is what it became here; None = removed."""
        if rival is None and new is None:
            return
        beside = new if new is None or not _is_once(new.name) else _other(new)
        if self._prefer != "wanted" and (
            (beside is not None and beside.key in self._keys)
            or (rival is not None and new is not None and _lacking(rival, new) == frozenset())
        ):
            return  # it was kept beside what stands already, or stands itself
        self.conflicts.append(difference(rival, new))
        if self._prefer == "wanted" and rival is not None:
            self._replace(rival, new)
        elif new is not None and rival is None and self._prefer != "standing":
            self._waiting.append(new)
        elif beside is not None and self._prefer == "both":
            self._waiting.append(beside)

    def _replace(self, old: Unit, new: Unit | None) -> None:
        """Put `new` in the place of a standing unit; those that say the same go."""
        if old.place not in self.now:
            self.now |= {twin.place: (twin, None) for twin in self._says[old.key]}
        self.now[old.place] = (old, new)
        if new is not None:
            self._keys.add(new.key)

    def _add_waiting(self, name: bytes, came: list[Unit | None]) -> None:
        """Add what waits; where `came` has what a card has once, it is in its way."""
        alike: dict[Hashable, list[Unit]] = {}
        for unit in (*self._standing.get(name, ()), *self._standing.get(OTHER + name, ())):
            _, stands = self.now.get(unit.place, (unit, unit))
            if stands is not None:
                alike.setdefault((unit.name, stands.loose_value), []).append(unit)
        for new in self._waiting:
            if new.key in self._keys or self._unite(alike, new):
                continue
            if came and new.name == name:
                self._clash(came.pop(0) if self._prefer == "wanted" else came[0], new)
            else:
                self.added.append(new)
                self._keys.add(new.key)
        self._waiting = []

    def _unite(self, alike: dict[Hashable, list[Unit]], new: Unit) -> bool:
        """Let a unit that stands say this too; False = none can without losing something."""
        for unit in alike.get((new.name, new.loose_value), ())[:MERGE_ALIKE_MAX]:
            _, stands = self.now.get(unit.place, (unit, unit))
            missing = None if stands is None else _lacking(stands, new)
            if stands is None or missing is None:
                continue
            if not missing:
                return True
            if len(stands.facts) + len(missing) <= MERGE_PARAMETERS_MAX:
                self._replace(unit, _with_facts(stands, missing))
                return True
        return False

    def stamp(self, after: dict[bytes, list[Unit]]) -> None:
        """Let the marks of the one who wrote last go along with a change."""
        if not (self.now or self.added):
            return
        for name in _STAMPS:
            new, stands = after.get(name, [])[-1:], self._standing.get(name, [])
            if new and not stands:
                self.added += new
            elif new and _is_later(stands[-1], new[0]):
                self._replace(stands[-1], new[0])


def _lacking(unit: Unit, new: Unit) -> Facts | None:
    """Give which parameters a unit lacks to say what `new` says; None = it says something else."""
    missing = {fact for fact in new.facts - unit.facts - _PREFERENCES if fact[0] != b"PREF"}
    names = {name for name, _ in unit.facts} - {b"TYPE"}
    same = unit.loose_value == new.loose_value and new.beside <= unit.beside
    return frozenset(missing) if same and names.isdisjoint(name for name, _ in missing) else None


def _is_once(name: bytes) -> bool:
    return (name[len(_RIDING[0]) :] if name.startswith(_RIDING) else name) in _ONCE


def _other(unit: Unit) -> Unit:
    own = unit.lines[0]
    return unit._replace(lines=(_rewritten(own, OTHER + own.name, own.parameters), *unit.lines[1:]))


def _with_facts(unit: Unit, missing: Facts) -> Unit:
    own = unit.lines[0]
    added: dict[bytes, list[bytes]] = {}
    for name, value in sorted(missing):
        added.setdefault(name, []).append(value)
    text = write_parameters(Parameter(name, tuple(values)) for name, values in added.items())
    line = _rewritten(own, own.name, own.parameters + text)
    return unit._replace(lines=(line, *unit.lines[1:]), facts=unit.facts | missing)


def _rewritten(line: Line, name: bytes, parameters: bytes) -> Line:
    raw = write_line(line.group, name, parameters, line.value, line.end)
    return Line(raw, line.group, name, parameters, line.value)


def _is_later(old: Unit, new: Unit) -> bool:
    if old.name == b"PRODID":
        return old.key != new.key
    return new.value.translate(None, _BETWEEN) > old.value.translate(None, _BETWEEN)


# --- writing --------------------------------------------------------------------------------------


def _raws(lines: list[Line], work: _Work) -> Iterator[bytes]:
    groups = _Groups(lines)
    gone = {place for old, _ in work.now.values() for place in old.places}
    last = max((place for place, line in enumerate(lines) if line.name == b"END"), default=None)
    for place, line in enumerate(lines):
        if place == last:
            for unit in work.added:
                yield from _as_in(line.end, unit, groups.name(unit, None))
        old, new = work.now.get(place, (None, None))
        if old is not None and new is not None:
            yield from _as_in(line.end, new, groups.name(new, old))
        elif place not in gone:
            yield line.raw


class _Groups:
    """The names of groups of a card while it is written."""

    def __init__(self, lines: list[Line]) -> None:
        self._taken = Counter(line.group.upper() for line in lines)
        self._free = (b"item%d" % number for number in count(1))

    def name(self, unit: Unit, old: Unit | None) -> bytes:
        """Give the group of a unit: that of what it replaces, or one of its own."""
        own = unit.lines[0].group
        before = old.lines[0].group if old else b""
        alone = old is not None and self._taken[before.upper()] == len(old.lines)
        if not own or (before and (alone or not unit.lines[1:])):
            return own and before
        while own.upper() in self._taken:
            own = next(self._free)
        self._taken[own.upper()] += 1
        return own


def _as_in(end: bytes, unit: Unit, group: bytes) -> Iterator[bytes]:
    """Give the lines of a unit with the line ends of the card that it is written into."""
    for line in unit.lines:
        if line.group == group:
            yield (
                line.raw.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\n", end) + end[:-1]
            )
        else:
            name = unfolded(line.raw)[len(line.group) + 1 :][: len(line.name)]
            name = name if name.upper() == line.name else line.name  # as it was written
            yield write_line(group, name, line.parameters, line.value, end)

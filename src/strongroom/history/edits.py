"""Edits: what a request wants to happen, with its precondition. Values only.

An edit names the rows that must be seen to decide it (`keys`); `decide` alone says what becomes of
it. Ids of collections are known to the caller from the directory; `parent` makes sure that the
collection still stands when the edit is decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from strongroom.formats.conditions import Precondition
from strongroom.history.entries import OBJECT, Key, uid_key, uid_of


@dataclass(frozen=True, slots=True)
class Origin:
    """Who wants it: device (0 = the cell itself), request's id, condition as sent, and client."""

    device: int = 0
    request: str = ""
    condition: str = ""
    client: str = ""  # family and version, as formats.clients reads them


OURSELVES: Final = Origin()
UNCONDITIONAL: Final = Precondition()


@dataclass(frozen=True, slots=True)
class Put:
    """Create or replace one member; `props` None keeps the properties it has."""

    key: Key
    etag: str
    data: str
    origin: Origin = OURSELVES
    when: Precondition = UNCONDITIONAL
    parent: Key | None = None  # the collection's own member row in its home
    props: str | None = None
    size: int = 0  # of the body, for the batch's byte limit


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove one member."""

    key: Key
    origin: Origin = OURSELVES
    when: Precondition = UNCONDITIONAL
    parent: Key | None = None


@dataclass(frozen=True, slots=True)
class SetProps:
    """Set and remove dead properties of one member: (Clark name, XML or None), in order.

    With `again` there is an entry even if nothing changes, so that every phone is told once more.
    """

    key: Key
    changes: tuple[tuple[str, str | None], ...]
    origin: Origin = OURSELVES
    parent: Key | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """Make what stands under `source` stand under `target` too, as a thing of its own."""

    source: Key
    target: Key
    uid: str = ""  # of the source, as the caller knows it; it is compared
    overwrite: bool = True
    origin: Origin = OURSELVES
    when: Precondition = UNCONDITIONAL  # must hold for the source
    source_parent: Key | None = None
    target_parent: Key | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Let what stands under `source` stand under `target` instead; it stays the same thing."""

    source: Key
    target: Key
    uid: str = ""  # of the source, as the caller knows it; it is compared
    overwrite: bool = True
    origin: Origin = OURSELVES
    when: Precondition = UNCONDITIONAL  # must hold for the source
    source_parent: Key | None = None
    target_parent: Key | None = None


class Seen(NamedTuple):
    """A name, and the number of the row that somebody looked at; 0 = it had none."""

    key: Key
    number: int


class Wanted(NamedTuple):
    """What shall stand under a name; the id is that of the thing which stood there once."""

    key: Key
    id: int
    etag: str
    data: str
    props: str
    parent: Key | None = None  # the collection's own member row in its home


@dataclass(frozen=True, slots=True)
class Restore:
    """Let names show again what they once showed: all of them, or none.

    `seen` has every name that is touched, the last place of each id among them; where one of them
    has another row by now nothing happens. A name of `seen` that nothing is wanted under becomes
    empty. What stands under one of them and is wanted under another moves there; what stands
    nowhere comes back under its old id. That it stands nowhere is what the caller read in the
    journals, and `seen` holds the edit to what was read.
    """

    seen: tuple[Seen, ...]
    wanted: tuple[Wanted, ...]
    origin: Origin = OURSELVES


@dataclass(frozen=True, slots=True)
class AddAccount:
    """Create an account, its home and the collections it starts with, in one batch."""

    login: str
    data: str  # canonical JSON; holds the token key (I5)
    collections: tuple[tuple[str, str, str], ...]  # (name, data, props) of each
    origin: Origin = OURSELVES
    props: str = ""  # of the account itself


@dataclass(frozen=True, slots=True)
class SkipNumbers:
    """Leave numbers of a journal out for ever, up to and including `to` (I5)."""

    collection: int
    to: int
    origin: Origin = OURSELVES


@dataclass(frozen=True, slots=True)
class Together:
    """Several edits that happen in one batch or not at all."""

    edits: tuple[Put | Remove | SetProps | SkipNumbers, ...]


Edit = Put | Remove | SetProps | Copy | Move | Restore | AddAccount | SkipNumbers | Together


def keys(edit: Edit) -> tuple[Key, ...]:
    """Name the rows that must be seen before `edit` can be decided."""
    if isinstance(edit, AddAccount | SkipNumbers):
        return (account_key(edit.login),) if isinstance(edit, AddAccount) else ()
    if isinstance(edit, Together):
        return tuple(key for one in edit.edits for key in keys(one))
    if isinstance(edit, Restore):
        return (*(one.key for one in edit.seen), *_keys_wanted(edit))
    if isinstance(edit, Copy | Move):
        parents = tuple(p for p in (edit.source_parent, edit.target_parent) if p is not None)
        return (edit.source, edit.target, *parents, *_uid_keys(edit.target, edit.uid))
    named = (edit.key,) if edit.parent is None else (edit.key, edit.parent)
    if isinstance(edit, Put) and edit.key.kind == OBJECT:
        return (*named, *_uid_keys(edit.key, uid_of(edit.data)))
    return named


def entries_of(edit: Edit) -> int:
    """Give how many entries an edit makes at most: a batch has room for so many."""
    if isinstance(edit, Together):
        return sum(map(entries_of, edit.edits))
    if isinstance(edit, Restore):
        return len(edit.seen) + 2 * len(edit.wanted)
    if isinstance(edit, AddAccount):
        return 1 + len(edit.collections)
    return 2 if isinstance(edit, Move) else 1


def _keys_wanted(edit: Restore) -> tuple[Key, ...]:
    parents = {one.parent: None for one in edit.wanted if one.parent is not None}
    objects = (one for one in edit.wanted if one.key.kind == OBJECT)
    return (*parents, *(key for one in objects for key in _uid_keys(one.key, uid_of(one.data))))


def _uid_keys(target: Key, uid: str) -> tuple[Key, ...]:
    return (uid_key(target.collection, uid),) if uid else ()


def account_key(login: str) -> Key:
    """Say where an account stands."""
    return Key(1, "account", login)

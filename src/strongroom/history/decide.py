"""`decide`: the one rule book. What becomes of an edit, given what stands (I2).

Pure: the view is values, and so is the answer. A refusal is a `ClientError`; the writer hands it to
the one who asked, and no entry is made. The order of edits in a batch is kept: each edit sees what
those before it left (`Overlay`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from strongroom.base.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    PreconditionError,
    TooLargeError,
)
from strongroom.base.limits import PROPERTIES_BYTES_MAX
from strongroom.history.edits import (
    AddAccount,
    Copy,
    Edit,
    Move,
    Put,
    Remove,
    Restore,
    SetProps,
    SkipNumbers,
    Together,
    Wanted,
    account_key,
)
from strongroom.history.entries import (
    ARRIVED,
    COLLECTION,
    DELETE,
    GAP,
    LEFT,
    OBJECT,
    PROPS,
    PUT,
    Entry,
    Head,
    Key,
    Member,
    Row,
    Tombstone,
    canonical,
    digest_of,
    entry_id,
    genesis_head,
    uid_key,
    uid_of,
)
from strongroom.history.fold import apply

NO_UID_CONFLICT: Final = "{urn:ietf:params:xml:ns:carddav}no-uid-conflict"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the writer knows and an edit does not: which batch, and when (ms, never back)."""

    batch: int
    at: int


class Overlay:
    """A view of what stands plus the entries decided so far; the writer's fold of a batch.

    `entries` grows with each decided edit; `heads` are those the batch changes.
    """

    def __init__(self, rows: Mapping[Key, Row | None], heads: Mapping[int, Head]) -> None:
        """Start from rows as prefetched and heads as committed."""
        self._rows = dict(rows)
        self._base = heads
        self.heads: dict[int, Head] = {}
        self.entries: list[Entry] = []
        self.lines: list[bytes] = []

    def row(self, key: Key) -> Row | None:
        """Give what stands under `key`; a key that nobody prefetched is our mistake."""
        return self._rows[key]

    def head(self, collection: int) -> Head:
        """Give the head of `collection` after the entries decided so far."""
        return self.heads.get(collection) or self._base.get(collection) or genesis_head(collection)

    def add(self, entry: Entry, batch: int) -> None:
        """Fold one decided entry."""
        old = self._rows.get(entry.key)
        line = entry.encode()
        head, row = apply(entry, line, self.head(entry.collection), old, batch)
        self.heads[entry.collection] = head
        self.entries.append(entry)
        self.lines.append(line)
        if row is not None:
            self._rows[entry.key] = row
            self._follow_uid(old, row)

    def _follow_uid(self, old: Row | None, new: Row) -> None:
        """Keep right which object carries a UID that somebody asked for."""
        if isinstance(old, Member) and old.kind == OBJECT:
            key = uid_key(old.collection, uid_of(old.data))
            carrier = self._rows.get(key)
            if carrier is not None and carrier.href == old.href:
                self._rows[key] = None
        if isinstance(new, Member) and new.kind == OBJECT:
            key = uid_key(new.collection, uid_of(new.data))
            if key in self._rows:
                self._rows[key] = new

    def fork(self) -> Overlay:
        """Copy this overlay, so that a half-decided edit can be dropped."""
        twin = Overlay(self._rows, self._base)
        twin.heads = dict(self.heads)
        twin.entries, twin.lines = list(self.entries), list(self.lines)
        return twin

    def take(self, twin: Overlay) -> None:
        """Become what `twin`, a fork of this overlay, is now."""
        self._rows, self.heads = twin._rows, twin.heads
        self.entries, self.lines = twin.entries, twin.lines


def decide(view: Overlay, edit: Edit, stamp: Stamp) -> tuple[Row, ...]:
    """Decide `edit` on top of `view` and fold its entries into it.

    Returns:
        The rows that the edit leaves; where nothing had to happen, those that stand already.

    Raises:
        ClientError: the edit is refused; `view` is as before.
    """
    if isinstance(edit, Together | Restore):
        trial = view.fork()
        rows = _together(trial, edit, stamp)
        view.take(trial)
        return rows
    if isinstance(edit, AddAccount):
        return _add_account(view, edit, stamp)
    if isinstance(edit, SkipNumbers):
        return _skip(view, edit, stamp)
    if isinstance(edit, Copy | Move):
        return _copy_or_move(view, edit, stamp)
    _check_parent(view, edit.key, edit.parent)
    if isinstance(edit, Put):
        return _put(view, edit, stamp)
    if isinstance(edit, Remove):
        return _remove(view, edit, stamp)
    return _set_props(view, edit, stamp)


def _together(view: Overlay, edit: Together | Restore, stamp: Stamp) -> tuple[Row, ...]:
    if isinstance(edit, Restore):
        return _restore(view, edit, stamp)
    return tuple(row for one in edit.edits for row in decide(view, one, stamp))


def _check_parent(view: Overlay, key: Key, parent: Key | None) -> None:
    if parent is None:
        return
    stands = view.row(parent)
    # Another collection of that name may stand there by now; the edit is not meant for it.
    if not isinstance(stands, Member) or stands.id != key.collection:
        raise ConflictError(f"the collection {parent.href} is not there")


def _check_uid(
    view: Overlay, key: Key, standing: Member | None, uid: str, leaving: Key | None = None
) -> None:
    """Refuse a UID that another object of the collection carries, and another UID than stands.

    What stands with this UID may be written, also where an old history has a second such object;
    one that is `leaving` is in nobody's way. Source: RFC 6352 section 6.3.2.1.
    """
    if not uid or key.kind != OBJECT:
        return
    stands = uid_of(standing.data) if standing is not None else ""
    if stands == uid:
        return
    other = view.row(uid_key(key.collection, uid))
    if other is not None and other.key != leaving:
        raise InvalidError(
            "another object of this collection has this UID", NO_UID_CONFLICT, other.href
        )
    if stands and bare_uid(stands) != bare_uid(uid):
        raise InvalidError("an object keeps its UID", NO_UID_CONFLICT, key.href)


def bare_uid(uid: str) -> str:
    """Give a UID as it is compared: a client that makes 4.0 of 3.0 writes the same one as a URI."""
    return uid.lower().removeprefix("urn:uuid:")


def _put(view: Overlay, edit: Put, stamp: Stamp) -> tuple[Row, ...]:
    """Decide a Put. Who saves an object did something, also where the bytes are those that stand.

    It is told by sync and seen in the history; only a repeated request is not a second one.
    """
    old = view.row(edit.key)
    standing = old if isinstance(old, Member) else None
    props = edit.props if edit.props is not None else (standing.props if standing else "")
    same = standing is not None and (standing.etag, standing.props) == (edit.etag, props)
    number = view.head(edit.key.collection).number
    if not edit.when.holds(standing.etag if standing else None, number):
        # A repeated request whose first answer was lost: its own bytes stand already (I1).
        if same and standing is not None and standing.by == edit.origin.device:
            return (standing,)
        raise PreconditionError
    if same and standing is not None and standing.data == edit.data and standing.kind != OBJECT:
        return (standing,)
    _check_uid(view, edit.key, standing, uid_of(edit.data))
    new_id = standing.id if standing else entry_id(stamp.batch, len(view.entries))
    return _write(view, stamp, old, edit.key, edit, PUT, (new_id, edit.etag, edit.data, props))


def _remove(view: Overlay, edit: Remove, stamp: Stamp) -> tuple[Row, ...]:
    old = view.row(edit.key)
    if not isinstance(old, Member):
        raise NotFoundError
    if not edit.when.holds(old.etag, view.head(edit.key.collection).number):
        raise PreconditionError
    return _write(view, stamp, old, edit.key, edit, DELETE, (old.id, "", "", ""))


def _copy_or_move(view: Overlay, edit: Copy | Move, stamp: Stamp) -> tuple[Row, ...]:
    """Decide both ends; what stands under the target is replaced, and is its entry's pre-image."""
    if edit.source == edit.target:
        raise ForbiddenError("source and target are the same")
    _check_parent(view, edit.source, edit.source_parent)
    _check_parent(view, edit.target, edit.target_parent)
    source, old = view.row(edit.source), view.row(edit.target)
    if not isinstance(source, Member):
        return _moved_before(edit, source, old)
    standing = old if isinstance(old, Member) else None
    number = view.head(edit.source.collection).number
    if not edit.when.holds(source.etag, number) or (standing is not None and not edit.overwrite):
        raise PreconditionError
    if uid_of(source.data) != edit.uid and source.kind == OBJECT:
        raise PreconditionError("it was changed meanwhile; look at it and try again")
    if isinstance(edit, Copy):
        _check_uid(view, edit.target, standing, edit.uid)
        new_id = standing.id if standing else entry_id(stamp.batch, len(view.entries))
        what = (new_id, source.etag, source.data, source.props)
        return _write(view, stamp, old, edit.target, edit, PUT, what)
    return _move(view, edit, stamp, source, old)


def _moved_before(edit: Copy | Move, source: Row | None, old: Row | None) -> tuple[Row, ...]:
    """Give what stands after a MOVE whose first answer was lost, as for a repeated PUT (I1).

    Only a MOVE leaves a tombstone with the id of something that stands. Its conditions held then.
    """
    if not (isinstance(edit, Move) and isinstance(source, Tombstone) and isinstance(old, Member)):
        raise NotFoundError
    if (old.id, old.by) != (source.id, edit.origin.device):
        raise NotFoundError
    return (old, source)


def _move(
    view: Overlay, edit: Move, stamp: Stamp, source: Member, old: Row | None
) -> tuple[Row, ...]:
    standing = old if isinstance(old, Member) else None
    _check_uid(view, edit.target, standing, edit.uid, leaving=edit.source)
    left = _write(view, stamp, source, edit.source, edit, LEFT, (source.id, "", "", ""))
    what = (source.id, source.etag, source.data, source.props)
    return (*_write(view, stamp, old, edit.target, edit, ARRIVED, what), *left)


def _restore(view: Overlay, edit: Restore, stamp: Stamp) -> tuple[Row, ...]:
    """Empty names first, then fill them: what comes back meets neither what goes nor its UID."""
    for key, number in edit.seen:
        row = view.row(key)
        if (row.number if row is not None else 0) != number:
            raise PreconditionError(f"{key.href} was changed since it was looked at")
    wanted = {one.key: one.id for one in edit.wanted}
    ids = {one.id for one in edit.wanted}
    _check_wanted(edit, stamp)
    moving: dict[int, Member] = {}
    rows: list[Row] = []
    for key, _ in edit.seen:
        standing = view.row(key)
        if not isinstance(standing, Member) or wanted.get(key) == standing.id:
            continue
        moves = standing.id in ids
        if moves:
            moving[standing.id] = standing
        gone = (standing.id, "", "", "")
        rows += _write(view, stamp, standing, key, edit, LEFT if moves else DELETE, gone)
    for one in edit.wanted:
        rows += _put_back(view, edit, one, moving.get(one.id), stamp)
    return tuple(rows)


def _check_wanted(edit: Restore, stamp: Stamp) -> None:
    """Refuse ids that could come to stand twice: wanted twice, or not yet given to anything."""
    keys, ids = [one.key for one in edit.wanted], {one.id for one in edit.wanted}
    if len(ids) < len(keys) or not {one.key for one in edit.seen}.issuperset(keys):
        raise InvalidError("a name or an id is wanted twice, or was not looked at")
    if max(ids, default=0) >= entry_id(stamp.batch, 0):
        raise InvalidError("an id is wanted that nothing had yet")


def _put_back(
    view: Overlay, edit: Restore, one: Wanted, moving: Member | None, stamp: Stamp
) -> tuple[Row, ...]:
    _check_parent(view, one.key, one.parent)
    old = view.row(one.key)
    standing = old if isinstance(old, Member) else None
    _check_uid(view, one.key, standing, uid_of(one.data))
    what = (one.id, one.etag, one.data, one.props)
    rows: tuple[Row, ...] = ()
    if moving is not None:
        carried = (one.id, moving.etag, moving.data, moving.props)
        rows = _write(view, stamp, old, one.key, edit, ARRIVED, carried)
        old = standing = view.row(one.key)  # type: ignore[assignment]  # it has just arrived
    if standing is None:
        return _write(view, stamp, old, one.key, edit, PUT, what)
    if (standing.etag, standing.data, standing.props) == what[1:]:
        return rows or (standing,)
    # Where the bytes stay, what is told of them beside is no change that a device made.
    verb = PUT if standing.etag != one.etag else PROPS
    return _write(view, stamp, standing, one.key, edit, verb, what)


def _set_props(view: Overlay, edit: SetProps, stamp: Stamp) -> tuple[Row, ...]:
    old = view.row(edit.key)
    if not isinstance(old, Member):
        raise NotFoundError
    props = old.properties
    for name, value in edit.changes:
        if value is None:
            props.pop(name, None)
        else:
            props[name] = value
    text = canonical(props) if props else ""
    if len(text.encode()) > PROPERTIES_BYTES_MAX:
        raise TooLargeError(f"properties are limited to {PROPERTIES_BYTES_MAX} bytes")
    if text == old.props and not edit.again:
        return (old,)
    return _write(view, stamp, old, edit.key, edit, PROPS, (old.id, old.etag, old.data, text))


def _add_account(view: Overlay, edit: AddAccount, stamp: Stamp) -> tuple[Row, ...]:
    key = account_key(edit.login)
    old = view.row(key)
    if isinstance(old, Member):
        raise ConflictError(f"the account {edit.login} is there already")
    home = entry_id(stamp.batch, len(view.entries))
    etag = digest_of(edit.data.encode())
    rows = list(_write(view, stamp, old, key, edit, PUT, (home, etag, edit.data, edit.props)))
    for name, data, props in edit.collections:
        new_id = entry_id(stamp.batch, len(view.entries))
        what = (new_id, digest_of(data.encode()), data, props)
        rows += _write(view, stamp, None, Key(home, COLLECTION, name), edit, PUT, what)
    return tuple(rows)


def _skip(view: Overlay, edit: SkipNumbers, stamp: Stamp) -> tuple[Row, ...]:
    head = view.head(edit.collection)
    if edit.to <= head.number:
        raise InvalidError(f"number {edit.to} was issued already")
    data = canonical({"from": head.number + 1})
    view.add(
        Entry(edit.collection, edit.to, GAP, "", "", 0, data=data, at=stamp.at,
              by=edit.origin.device, request=edit.origin.request),
        stamp.batch,
    )  # fmt: skip
    return ()


def _write(
    view: Overlay,
    stamp: Stamp,
    old: Row | None,
    key: Key,
    edit: Put | Remove | SetProps | Copy | Move | Restore | AddAccount,
    verb: str,
    what: tuple[int, str, str, str],
) -> tuple[Row, ...]:
    member_id, etag, data, props = what
    view.add(
        Entry(
            key.collection, view.head(key.collection).number + 1, verb, key.kind, key.href,
            member_id, etag, data, props,
            old.number if old is not None else 0,
            old.etag if isinstance(old, Member) else "",
            stamp.at, edit.origin.device, edit.origin.request, edit.origin.condition,
            edit.origin.client,
        ),
        stamp.batch,
    )  # fmt: skip
    row = view.row(key)
    assert row is not None
    return (row,)

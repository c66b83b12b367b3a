"""Applying a refused write: what the phone changed is brought into what stands now.

First a look, which changes nothing and is shown; then the act, held to what was shown. What stood
when the phone wrote is the base of the merge: the version that its condition names, or what stood
under that name then. Where that is not known nothing of either side is lost (reconciling). An
object that is gone is made again; one that was refused for its UID goes onto the object that
carries it.

Not here: keeping and listing (refused), how it looks to a person (cli/refused).
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from strongroom.base.errors import InvalidError, PreconditionError, UnsureError
from strongroom.formats import FormatError
from strongroom.formats.calendardiff import differences
from strongroom.formats.carddialects import NEW_UID
from strongroom.formats.carddiff import Difference
from strongroom.formats.cardmerge import Prefer
from strongroom.formats.conditions import Precondition
from strongroom.history.decide import bare_uid
from strongroom.history.edits import Origin, Put, Remove, Together
from strongroom.history.entries import COLLECTION, OBJECT, Key, Member, digest_of, uid_key, uid_of
from strongroom.ports.cell import Cell, Reader
from strongroom.service.access import check_collection
from strongroom.service.aside import aside
from strongroom.service.collections import ABSENT, shown
from strongroom.service.content import read_content
from strongroom.service.journals import entries
from strongroom.service.kinds import kind_of
from strongroom.service.objects import Room, names_for, no_limit, read_body
from strongroom.service.reconciling import Mended, Way, way_of
from strongroom.service.refused import Kept, find

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MATCH: Final = "if-match: "


class Look(NamedTuple):
    """What applying would do."""

    kept: Kept
    body: bytes  # as it was sent, as far as it is kept
    problem: str = ""  # why it cannot be applied, in words; "" = it can
    collection: Member | None = None
    name: str = ""  # of the object that it would become
    standing: Member | None = None  # there now
    stands: bytes | None = None  # its bytes
    merged: bytes = b""
    conflicts: tuple[Difference, ...] = ()  # old = as it stands, new = as the phone wants it
    mendings: tuple[str, ...] = ()  # what had to be done to what was sent
    wanted: tuple[Difference, ...] = ()  # how what was sent differs from what stands
    changes: tuple[Difference, ...] = ()  # what would change
    choices: tuple[str, ...] = ()  # whose word may count where both changed something

    @property
    def shown(self) -> str:
        """Give the ETag that the act is held to; "" = nothing stands."""
        return self.standing.etag if self.standing else ""


async def look(cell: Reader, home: int, number: int, prefer: Prefer = "both") -> Look:
    """Say what applying a refused write would do now. It may read the journal of a collection.

    Args:
        cell: open, or what can be read of it.
        home: of the account.
        number: of the refused write.
        prefer: whose word counts where both changed a field.

    Raises:
        NotFoundError: no such refused write is kept.
        UnsureError: something cannot be read now.
    """
    kept = await find(cell, home, number)
    way = way_of(kind_of(kept.facts["book"]))
    seen = Look(kept, await read_body(cell, kept.member), choices=way.choices)
    if not kept.whole:
        size, sent = len(seen.body), kept.facts["sent"]
        return seen._replace(problem=f"Only {size} of {sent} bytes of it could be kept.")
    try:
        found = await aside(seen.body, lambda: way.mended(seen.body))
    except FormatError as error:
        return seen._replace(problem=f"It is {way.words} that can be kept: {error.message}")
    collection = _collection(cell, home, kept.facts)
    if collection is None:
        return seen._replace(
            problem=f"The collection {kept.facts['book']} is not there. Make it, or bring it back "
            "with `strongroom undo`."
        )
    name, standing = await _place(cell, collection, kept, found)
    seen = seen._replace(
        collection=collection, name=name, mendings=found.mendings, merged=found.body
    )
    if standing is None:
        return await _compared(seen, way)
    stands, base = await read_body(cell, standing), await _base(cell, standing, kept.facts)
    seen = seen._replace(standing=standing, stands=stands)
    try:
        longest = max(stands, found.body, key=len)
        merged = await aside(longest, lambda: way.reconciled(base, stands, found.body, prefer))
    except FormatError as error:
        return seen._replace(problem=f"It cannot be merged: {error.message}")
    return await _compared(seen._replace(merged=merged.body, conflicts=merged.conflicts), way)


async def _compared(seen: Look, way: Way) -> Look:
    kind = way.media_type
    longest = max(seen.stands or b"", seen.body, key=len)
    wanted = await aside(longest, lambda: differences(kind, seen.stands, seen.body))
    changes = await aside(longest, lambda: differences(kind, seen.stands, seen.merged))
    return seen._replace(wanted=wanted, changes=changes)


def _collection(cell: Reader, home: int, facts: dict[str, Any]) -> Member | None:
    """Find the collection that was meant, by its id where it was there: it may be renamed since."""
    collections = shown(cell.directory.members(home, COLLECTION))
    if "collection" in facts:
        return next((one for one in collections if one.id == facts["collection"]), None)
    return next((one for one in collections if one.href == facts["book"]), None)


async def _place(
    cell: Reader, collection: Member, kept: Kept, found: Mended
) -> tuple[str, Member | None]:
    """Say which object it would become, and what of it stands: that of its UID, or as it was meant.

    Where another object has taken the name that was meant, it is a new one under another name.
    """
    uid, name = found.uid, str(kept.facts.get("href", ""))
    carrier = await cell.row(uid_key(collection.id, uid))
    if carrier is not None:
        return carrier.href, carrier
    standing = await cell.row(Key(collection.id, OBJECT, name)) if name else None
    if standing is None and name:
        return name, None
    had = "" if standing is None else uid_of(standing.data)
    if standing is not None and (NEW_UID in found.mendings or bare_uid(had) == bare_uid(uid)):
        return name, standing
    first, second = names_for(uid, str(kept.number), kind_of(collection.href).extension)
    taken = await cell.row(Key(collection.id, OBJECT, first))
    return (first if taken is None else second), None


async def _base(cell: Reader, standing: Member, facts: dict[str, Any]) -> bytes | None:
    """Give what stood when the phone wrote; None = not known, or it knew of nothing."""
    condition = str(facts.get("condition", ""))
    named = set(_DIGEST.findall(condition)) if _MATCH in condition else set()
    if not condition and "stood" in facts:
        named = {facts["stood"]["etag"]}
    # Only a version of this very object: a condition could name anybody's.
    journal = entries(cell, standing.collection)
    known = [e.etag async for e in journal if e.etag in named and e.id == standing.id]
    if not known:
        return None
    body = (await cell.bodies((known[-1],)))[0]
    if body is None:
        raise UnsureError
    return body


async def apply(
    cell: Cell, seen: Look, shown_etag: str, origin: Origin, room: Room = no_limit
) -> None:
    """Carry out what `seen` says, and take the refused write from the list: one batch.

    Raises:
        InvalidError: it cannot be applied, or another object has its UID.
        PreconditionError: something else stands than what was shown.
        NotFoundError, ConflictError: it was dropped or applied, or the collection is gone.
        QuotaError: there is no room for it. Nothing changed in all these cases.
        UnknownError: the ending is unknown; look again.
    """
    if seen.problem:
        raise InvalidError(f"{seen.problem} Nothing was changed.")
    if seen.shown != shown_etag:
        raise PreconditionError("It changed since it was shown; look again. Nothing was changed.")
    assert seen.collection is not None
    check_collection(cell, seen.collection.collection, seen.collection)
    done = Remove(seen.kept.member.key, Origin(origin.device, origin.request, "applied"))
    if seen.merged == seen.stands:
        await cell.submit(done, {})
        return
    when = Precondition(match=frozenset({shown_etag})) if shown_etag else ABSENT
    digest = digest_of(seen.merged)
    data = read_content(seen.collection, seen.merged).data
    key = Key(seen.collection.id, OBJECT, seen.name)
    put = Put(key, digest, data, origin, when, seen.collection.key, size=len(seen.merged))
    async with room(key, len(seen.merged)):
        await cell.submit(Together((put, done)), {digest: seen.merged})

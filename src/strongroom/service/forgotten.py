"""Edits on top of a version that we forgot (I5, history.md D3 rule 4).

After a thaw a phone may still hold a version of the history that was lost, and send an edit of it:
`If-Match` then names an ETag that we do not know. A 412 would make it drop the edit for what we
have, which is older. So the condition is taken to hold for what stood when the account was thawed:
the phone's version came after that. Whatever was changed since the thaw is refused as ever, and so
is an ETag of any version that we ever kept.

Only accounts that were thawed are concerned, and of these only the collections that were accepted
to have lost something. Nothing is overwritten for good: what stood stays in the history (I6).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from strongroom.base.errors import PreconditionError
from strongroom.formats.conditions import Precondition
from strongroom.history.directory import Directory
from strongroom.history.edits import Put, Remove
from strongroom.history.entries import EVIDENCE, Key, Row
from strongroom.ports.cell import Cell
from strongroom.service.collections import ABSENT

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


async def submit(cell: Cell, edit: Put | Remove, bodies: Mapping[str, bytes]) -> tuple[Row, ...]:
    """Make `edit` happen, as `cell.submit`; its condition may name a version that we forgot."""
    try:
        return await cell.submit(edit, bodies)
    except PreconditionError:
        when = await _instead(cell, edit)
        if when is None:
            raise
        return await cell.submit(replace(edit, when=when), bodies)


async def _instead(cell: Cell, edit: Put | Remove) -> Precondition | None:
    """Give the condition that names what stood at the thaw; None = the refusal is right."""
    assert edit.parent is not None
    upto = _accepted_upto(cell.directory, edit.parent)
    match = edit.when.match
    if not upto or not match or edit.when != Precondition(match=match):
        return None
    if not all(map(_DIGEST.fullmatch, match)) or any(await cell.bodies(sorted(match))):
        return None
    standing = await cell.row(edit.key)
    if standing is None:
        return ABSENT
    return Precondition(match=frozenset({standing.etag})) if standing.number <= upto else None


def _accepted_upto(directory: Directory, key: Key) -> int:
    """Give the last number of a collection that a thaw left out; 0 = nothing of it was lost."""
    member = directory.get(*key)
    facts = (one.facts for one in directory.members(key.collection, EVIDENCE))
    upto = (int(f.get("to", 0)) for f in facts if member and f.get("collection") == member.id)
    return max(upto, default=0)

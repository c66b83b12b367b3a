"""Freezes: showing what they rest on, and ending them (I5).

A thaw is one batch: the freezes go, and the evidence that was accepted is written down, so that it
cannot freeze a second time.
"""

from __future__ import annotations

from typing import NamedTuple

from strongroom.base.errors import NotFoundError
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin, Put, Remove, SkipNumbers, Together
from strongroom.history.entries import EVIDENCE, FREEZE, Key, canonical, digest_of
from strongroom.history.evidence import GAP_NUMBERS, read_evidence
from strongroom.ports.cell import Cell
from strongroom.service.accounts import find_account


class Freeze(NamedTuple):
    """One freeze: the whole account or one collection, why, what it rests on, since when (ms)."""

    scope: str  # "account", or the collection's id as text
    why: str
    evidence: str
    since: int


def freezes(directory: Directory, login: str) -> list[Freeze]:
    """Give what is frozen of an account; raises NotFoundError where there is no account."""
    home = find_account(directory, login).id
    found = [(member, member.facts) for member in directory.members(home, FREEZE)]
    return [
        Freeze(m.href, str(facts.get("why", "")), str(facts.get("evidence", "")), m.at)
        for m, facts in found
    ]


async def thaw(cell: Cell, login: str, origin: Origin) -> list[Freeze]:
    """End all freezes of an account and record the evidence as accepted, in one batch.

    Returns:
        What was frozen until now.

    Raises:
        NotFoundError: there is no such account, or nothing of it is frozen. Nothing changed.
    """
    found = freezes(cell.directory, login)
    if not found:
        raise NotFoundError(f"Nothing of {login} is frozen.")
    home = find_account(cell.directory, login).id
    edits: list[Put | Remove | SkipNumbers] = [
        Remove(Key(home, FREEZE, f.scope), origin) for f in found
    ]
    for freeze in found:
        edits += _accept(cell, home, freeze, origin)
    await cell.submit(Together(tuple(edits)), {})
    return found


def _accept(cell: Cell, home: int, freeze: Freeze, origin: Origin) -> list[Put | SkipNumbers]:
    """Write the evidence down and leave the lost numbers out for ever: none is issued twice."""
    if not freeze.evidence:
        return []
    facts: dict[str, str | int] = {"scope": freeze.scope, "why": freeze.why}
    lost = read_evidence(freeze.evidence)
    skip: list[SkipNumbers] = []
    if lost is not None:
        # More than the home's own edits of this batch, should the home be what was forgotten.
        to = max(lost.number, cell.head(lost.collection).number) + GAP_NUMBERS
        facts |= {"collection": lost.collection, "to": to}
        skip = [SkipNumbers(lost.collection, to, origin)]
    data = canonical(facts)
    key = Key(home, EVIDENCE, freeze.evidence)
    return [Put(key, digest_of(data.encode()), data, origin), *skip]

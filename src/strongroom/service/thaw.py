"""Freezes: showing what they rest on and what to do, and ending them (I5).

A thaw is one batch: the freezes go, and the evidence that was accepted is written down, so that it
cannot freeze a second time. A freeze never ends by itself; one that is older than
FREEZE_SECONDS_MAX is said to be, so that nobody forgets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from strongroom.base.errors import NotFoundError
from strongroom.base.limits import FREEZE_SECONDS_MAX
from strongroom.history.directory import Directory
from strongroom.history.edits import Origin, Put, Remove, SkipNumbers, Together
from strongroom.history.entries import (
    COLLECTION,
    EVIDENCE,
    FREEZE,
    Key,
    Member,
    canonical,
    digest_of,
)
from strongroom.history.evidence import GAP_NUMBERS, read_evidence
from strongroom.ports.cell import Cell
from strongroom.service.accounts import find_account

_WHOLE: Final = "account"  # the scope of a freeze of everything


class Freeze(NamedTuple):
    """One freeze: the whole account or one collection, why, what it rests on, since when (ms)."""

    scope: str  # "account", or the collection's id as text
    why: str
    evidence: str
    since: int
    by: int = 0  # device that brought the evidence; 0 = the witness did, or the operator
    device: str = ""  # its name
    book: str = ""  # name of the collection; "" = the whole account


class Accepted(NamedTuple):
    """Evidence that a thaw accepted, and when (ms)."""

    evidence: str
    why: str
    device: str
    at: int


def freezes(directory: Directory, login: str) -> list[Freeze]:
    """Give what is frozen of an account; raises NotFoundError where there is no account."""
    home = find_account(directory, login).id
    names = {str(m.id): m.href for m in directory.members(home, COLLECTION)}
    return [_freeze(member, names) for member in directory.members(home, FREEZE)]


def _freeze(member: Member, names: Mapping[str, str]) -> Freeze:
    why, evidence, device = (
        str(member.facts.get(name, "")) for name in ("why", "evidence", "device")
    )
    book = "" if member.href == _WHOLE else names.get(member.href, member.href)
    return Freeze(member.href, why, evidence, member.at, member.by, device, book)


def accepted(directory: Directory, login: str) -> list[Accepted]:
    """Give what thaws of an account accepted, oldest first; raises NotFoundError."""
    home = find_account(directory, login).id
    members = sorted(directory.members(home, EVIDENCE), key=lambda member: member.number)
    return [
        Accepted(m.href, str(m.facts.get("why", "")), str(m.facts.get("device", "")), m.at)
        for m in members
    ]


def overdue(freeze: Freeze, now_ms: int) -> bool:
    """Say whether a freeze is older than any should be."""
    return now_ms - freeze.since > FREEZE_SECONDS_MAX * 1000


def advice(login: str, freeze: Freeze) -> str:
    """Say in plain words what to do about a freeze, one step a line."""
    device = freeze.device or "every device"
    keep = f"Keep the account on {device}: do not remove it, reset it or set it up anew."
    if freeze.device:
        keep += " It has seen what is missing here, and may be the only one that holds it."
    return "\n".join(
        (
            keep,
            f"Export what {freeze.device or 'each device'} holds into a file now. "
            f"`strongroom custody {login}` tells what each one holds.",
            "Look for a later copy of the directories: another disk, a backup. Do not mount one "
            "single later disk beside these; docs/operate.md says how it is used.",
            f"If there is none, `strongroom account thaw {login}` goes on with what stands. Then "
            "`strongroom import` takes in what the file holds; nothing is replaced by it.",
        )
    )


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
    skips = _skips(cell, found)
    edits: list[Put | Remove | SkipNumbers] = [
        *(Remove(Key(home, FREEZE, f.scope), origin) for f in found),
        *(_accept(home, freeze, skips, origin) for freeze in found if freeze.evidence),
        *(SkipNumbers(collection, to, origin) for collection, to in skips.items()),
    ]
    await cell.submit(Together(tuple(edits)), {})
    return found


def _skips(cell: Cell, found: Iterable[Freeze]) -> dict[int, int]:
    """Say up to which number each journal leaves numbers out, so that none is issued twice."""
    skips: dict[int, int] = {}
    for freeze in found:
        lost = read_evidence(freeze.evidence)
        if lost is not None:
            # More than the home's own edits of this batch, should the home be what was forgotten.
            to = max(lost.number, cell.head(lost.collection).number) + GAP_NUMBERS
            skips[lost.collection] = max(to, skips.get(lost.collection, 0))
    return skips


def _accept(home: int, freeze: Freeze, skips: Mapping[int, int], origin: Origin) -> Put:
    """Write the evidence down, and which part of the lost history is accepted with it."""
    facts: dict[str, str | int] = {"scope": freeze.scope, "since": freeze.since, "why": freeze.why}
    if freeze.device:
        facts |= {"by": freeze.by, "device": freeze.device}
    lost = read_evidence(freeze.evidence)
    if lost is not None:
        facts |= {"collection": lost.collection, "to": skips[lost.collection]}
    data = canonical(facts)
    return Put(Key(home, EVIDENCE, freeze.evidence), digest_of(data.encode()), data, origin)

"""What others know better than the replicas, and the freezes that an opening makes of it (I5)."""

from __future__ import annotations

from collections.abc import Mapping, Set

from strongroom.history.directory import Directory
from strongroom.history.edits import Put
from strongroom.history.entries import ACCOUNT, CELL, COLLECTION, FREEZE
from strongroom.history.evidence import Evidence, freeze_edit, read_evidence
from strongroom.mirror.opening import scope_of
from strongroom.ports.world import Testimony


def not_yet_accepted(
    forgotten: Set[int], testimony: Testimony, directory: Directory
) -> dict[int, Put]:
    """Give the freeze of each forgotten collection, less what a thaw accepted."""
    homes = _homes(directory)
    freezes: dict[int, Put] = {}
    for collection in sorted(forgotten):
        known = testimony.heads[collection]
        evidence = Evidence("witness", collection, known.number, known.chain.hex()).text()
        scope = scope_of(collection, homes)
        if scope is not None and not directory.accepted(scope[0], evidence):
            why = "The witness knows more than the replicas."
            freezes[collection] = freeze_edit(scope, why, evidence)
    return freezes


def seen(directory: Directory, collection: int) -> int:
    """Give the number of the last change that somebody has seen whose evidence stands; 0 = none."""
    freezes = (m for a in directory.accounts() for m in directory.members(a.id, FREEZE))
    evidence = (read_evidence(str(freeze.facts.get("evidence", ""))) for freeze in freezes)
    return max((e.number for e in evidence if e and e.collection == collection), default=0)


def _homes(directory: Directory) -> Mapping[int, int]:
    homes = {}
    for account in directory.members(CELL, ACCOUNT):
        homes[account.id] = account.id
        for member in directory.members(account.id, COLLECTION):
            homes[member.id] = account.id
    return homes

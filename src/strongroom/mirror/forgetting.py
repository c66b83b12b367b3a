"""The freezes that an opening makes, for what the witness knows better than the replicas (I5)."""

from __future__ import annotations

from collections.abc import Mapping, Set

from strongroom.history.directory import Directory
from strongroom.history.edits import Put
from strongroom.history.entries import ACCOUNT, CELL, COLLECTION
from strongroom.history.evidence import Evidence, freeze_edit
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


def _homes(directory: Directory) -> Mapping[int, int]:
    homes = {}
    for account in directory.members(CELL, ACCOUNT):
        homes[account.id] = account.id
        for member in directory.members(account.id, COLLECTION):
            homes[member.id] = account.id
    return homes

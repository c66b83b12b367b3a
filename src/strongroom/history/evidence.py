"""Evidence that we forgot: who knows more of a journal than we do, as text, and the freeze (I5).

`SOURCE:COLLECTION:NUMBER:CHAIN` with the chain (or its prefix) in hex. A thaw accepts it together
with everything of that journal up to a number that was never issued, so that no other phone with
another part of the same lost history can freeze the account again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from strongroom.formats.conditions import Precondition
from strongroom.history.edits import OURSELVES, Origin, Put
from strongroom.history.entries import FREEZE, Key, canonical, digest_of

GAP_NUMBERS: Final = 1_000  # how far behind the evidence the journal goes on


class Evidence(NamedTuple):
    """Which entry somebody has seen that our journal does not hold."""

    source: str  # "token" or "witness"
    collection: int
    number: int
    chain: str  # hex

    def text(self) -> str:
        """Write it; also the name under which its acceptance is kept."""
        return f"{self.source}:{self.collection}:{self.number}:{self.chain}"


def read_evidence(text: str) -> Evidence | None:
    """Read what `Evidence.text` wrote; None for anything else."""
    parts = text.split(":")
    if len(parts) != 4 or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    return Evidence(parts[0], int(parts[1]), int(parts[2]), parts[3])


def freeze_edit(
    key: tuple[int, str], why: str, evidence: str, origin: Origin = OURSELVES, device: str = ""
) -> Put:
    """Give the edit that freezes (home, scope); `device` is the name of the one that brought it."""
    facts = {"evidence": evidence, "why": why} | ({"device": device} if device else {})
    data = canonical(facts)
    home, scope = key
    return Put(Key(home, FREEZE, scope), digest_of(data.encode()), data, origin, Precondition())

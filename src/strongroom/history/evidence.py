"""Evidence that we forgot: who knows more of a journal than we do, as text (I5).

`SOURCE:COLLECTION:NUMBER:CHAIN` with the chain (or its prefix) in hex. A thaw accepts it together
with everything of that journal up to a number that was never issued, so that no other phone with
another part of the same lost history can freeze the account again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

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

"""The test vectors of docs/formats, as built from the source; `test_vectors.py` compares.

Run it to print them; the file is changed by hand and with a new format version only.
"""

from __future__ import annotations

import json
from typing import Any

from contract.story import BOOK, CELL_ID, identity, short_story
from strongroom.history.entries import (
    Head,
    genesis_chain,
    genesis_position,
    heads_digest,
)
from strongroom.history.fold import member_hash
from strongroom.ports import world
from strongroom.stores.marker import Marker, folder_of
from strongroom.stores.witness import encode


def head_vector(head: Head) -> list[int | str]:
    return [
        head.collection, head.number, head.chain.hex(), head.members, f"{head.sum:064x}", head.batch
    ]  # fmt: skip


def vectors() -> dict[str, Any]:
    story = short_story()
    book = [row for row in story.rows.values() if len(row) > 5 and row.collection == BOOK]
    told = world.Testimony(CELL_ID, story.position, story.heads, {4098: "00ff"})
    return {
        "format": 1,
        "cell": CELL_ID,
        "chain of no batch": genesis_position(CELL_ID).chain.hex(),
        "chain of an empty journal": {str(BOOK): genesis_chain(BOOK).hex()},
        "batches": [
            {
                "header": batch.header().decode(),
                "entries": [line.decode() for line in batch.lines],
                "chain": batch.chain.hex(),
            }
            for batch in story.batches
        ],
        "members": [
            {"member": list(member), "hash": f"{member_hash(member):064x}"}  # type: ignore[arg-type]
            for member in book
        ],
        "heads": [head_vector(story.heads[c]) for c in sorted(story.heads)],
        "digest of these heads": heads_digest(story.heads.values()),
        "marker": Marker(identity(), folder_of("i1")).encode().decode(),
        "witness": encode(told).decode(),
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=1, ensure_ascii=False))

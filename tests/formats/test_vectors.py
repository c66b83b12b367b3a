"""The formats are what docs/formats say: the code against vectors, the vectors against the text."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from contract.story import identity, tell
from formats.make_vectors import vectors
from strongroom.history.entries import canonical, decode_entry
from strongroom.stores import marker, witness
from strongroom.stores.sqlite import SqliteReplica, schema

KNOWN: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text())


def test_the_code_writes_what_the_vectors_say() -> None:
    assert vectors() == KNOWN


def test_the_vectors_follow_from_the_rules_alone() -> None:
    """Recomputed with nothing of ours, as docs/formats/history.md tells it."""

    def digest(data: bytes) -> bytes:
        return sha256(data).digest()

    chain = digest(f"strongroom/cell/1/{KNOWN['cell']}".encode())
    journals: dict[int, bytes] = {}
    assert chain.hex() == KNOWN["chain of no batch"]
    for batch in KNOWN["batches"]:
        header = json.loads(batch["header"])
        assert header["previous"] == chain.hex()
        assert header["entries"] == len(batch["entries"])
        text = "\n".join([batch["header"], *batch["entries"]])
        chain = digest(chain + text.encode())
        assert chain.hex() == batch["chain"]
        for line in batch["entries"]:
            number = json.loads(line)["collection"]
            empty = digest(f"strongroom/journal/1/{number}".encode())
            journals[number] = digest(journals.get(number, empty) + line.encode())
    assert {h[0]: h[2] for h in KNOWN["heads"]} == {n: c.hex() for n, c in journals.items()}
    total = 0
    for vector in KNOWN["members"]:
        _, kind, href, number, _, etag, _, props, *_ = vector["member"]
        assert props == ""
        parts = json.dumps([kind, number, href, etag, ""], separators=(",", ":"))
        assert digest(parts.encode()).hex() == vector["hash"]
        total += int(vector["hash"], 16)
    book = next(h for h in KNOWN["heads"] if h[0] == 7)
    assert book[3:5] == [len(KNOWN["members"]), f"{total % 2**256:064x}"]


def test_the_vectors_are_read_back() -> None:
    for batch in KNOWN["batches"]:
        for line in batch["entries"]:
            assert decode_entry(line.encode()).encode() == line.encode()
    assert marker.decode(KNOWN["marker"].encode()).identity == identity()
    told = witness.decode(KNOWN["witness"].encode() + b"\n")
    assert witness.encode(told) == KNOWN["witness"].encode()


def test_a_witness_line_proves_itself_by_the_rule_of_its_page() -> None:
    record = json.loads(KNOWN["witness"])
    check = record.pop("check")
    assert sha256(canonical(record).encode()).hexdigest() == check


def test_the_page_names_every_table_and_column(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats" / "catalog.md").read_text()
    documented = {
        cells[1].strip(" `"): [name.strip() for name in cells[2].split(",")]
        for line in page.splitlines()
        if len(cells := line.split("|")) == 5 and cells[1].startswith(" `")
    }
    replica = SqliteReplica(tmp_path)
    replica.create(identity())
    assert replica._opened is not None
    connection = replica._opened.read_connection
    tables = [t for (t,) in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    built = {
        table: [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for table in tables
    }
    replica.close()
    assert documented == built
    assert f"{schema.APPLICATION_ID:#x}" in page.lower()


@pytest.mark.parametrize("offset,value", [(20, 8)])
def test_the_file_has_the_bytes_that_the_page_names(
    tmp_path: Path, offset: int, value: int
) -> None:
    replica = SqliteReplica(tmp_path)
    replica.create(identity())
    replica.promise(1)
    tell(replica)
    replica.close()
    raw = (tmp_path / "catalog-i1" / "catalog.db").read_bytes()
    assert raw[offset] == value
    assert int.from_bytes(raw[16:18]) == 4096
    assert raw[68:72] == b"Strg"
    assert int.from_bytes(raw[60:64]) == 1

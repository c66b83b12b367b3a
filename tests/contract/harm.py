"""Doing harm to a catalog from inside, as a wrong program would, and finding its files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from contract.faulty import Faulty
from strongroom.ports.replica import Replica
from strongroom.stores.memory import MemoryReplica
from strongroom.stores.sqlite import SqliteReplica


def catalog(root: Path, incarnation: str = "i1") -> Path:
    return root / f"catalog-{incarnation}" / "catalog.db"


def run_sql(replica: SqliteReplica, sql: str, *values: object) -> None:
    assert replica._opened is not None
    replica._opened.write_connection.execute(sql, values)


def rot_body(replica: Replica, digest: str, left: bytes | None) -> None:
    """Leave other bytes, or nothing that can be read, of a body that `replica` records."""
    if isinstance(replica, Faulty):
        rot_body(replica.replica, digest, left)
    elif isinstance(replica, MemoryReplica):
        replica.state = replace(replica.state, blobs={**replica.state.blobs, digest: left})
    else:
        assert isinstance(replica, SqliteReplica)
        path = replica._blobs.path(digest)
        if not path.exists():
            sql = "UPDATE blobs SET body = ? WHERE digest = ?"
            run_sql(replica, sql, left, bytes.fromhex(digest))
        elif left is None:
            path.unlink()
        else:
            path.write_bytes(left)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))

"""Doing harm to a catalog from inside, as a wrong program would, and finding its files."""

from __future__ import annotations

from pathlib import Path

from strongroom.stores.sqlite import SqliteReplica


def catalog(root: Path, incarnation: str = "i1") -> Path:
    return root / f"catalog-{incarnation}" / "catalog.db"


def run_sql(replica: SqliteReplica, sql: str) -> None:
    assert replica._opened is not None
    replica._opened.write_connection.execute(sql)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))

"""A replica in one folder: a checksummed SQLite catalog, and plain files for larger bodies."""

from strongroom.stores.sqlite.replica import SqliteReplica

__all__ = ["SqliteReplica"]

"""A replica in one folder: a checksummed SQLite catalog, and plain files for larger bodies."""

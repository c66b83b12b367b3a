"""The mirror: all replicas of a cell, used as one store. It knows promises, never SQLite."""

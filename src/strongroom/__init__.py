"""Strongroom: a personal-data cloud for phones.

What it has acknowledged is never lost, and no phone is ever told that something is gone unless
its owner deleted it. `ARCHITECTURE.md` shows the floors; `docs/invariants.md` the rules I1 to I10.

This package module holds the version and nothing else: importing it must cost nothing.
"""

__version__ = "0.1.0"

"""vdirsyncer, which compares whole listings with its status file.

It refuses a side that became empty as a whole, but deletes 299 of 300 without a word. Its edits are
files, so none is dropped. Tests with the real program stand in tests/e2e/test_vdirsyncer.py.
"""

from __future__ import annotations

from typing import ClassVar

from phone.database import Book
from phone.family import Phone
from phone.table import Act, Heard, Step, Table
from phone.wire import Item


class VdirsyncerLike(Phone):
    AGENT = "vdirsyncer/0.20.0"
    BATCH = 500
    REFRESHES = False
    TABLE: ClassVar[Table] = {
        (Step.LIST, Heard.EMPTY): Act.FAIL,
        (Step.LIST, Heard.UNLISTED): Act.FORGET,
        (Step.DELETE, Heard.GONE): Act.GO_ON,
    }

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        return self._by_propfind(book), ""

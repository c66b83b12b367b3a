"""Apple's Contacts as the worst case.

What Apple's own load simulator does is taken for what phones do, and where nothing is known, the
worst: what is not listed is purged with its edits, a home that answers 404 or 403 is gone, and so
is a book or a card that answers 404 or 410.
"""

from __future__ import annotations

from typing import ClassVar

from phone.database import Book
from phone.family import Phone
from phone.table import Act, Heard, Step, Table
from phone.wire import Item


class Apple(Phone):
    AGENT = "iOS/18.6 (22G86) dataaccessd/1.0"
    BATCH = 50
    TABLE: ClassVar[Table] = {
        (Step.HOME, Heard.GONE): Act.FORGET,
        (Step.HOME, Heard.FORBIDDEN): Act.FORGET,
        (Step.HOME, Heard.UNLISTED): Act.FORGET,
        (Step.LIST, Heard.GONE): Act.FORGET,
        (Step.LIST, Heard.FORBIDDEN): Act.FORGET,
        (Step.LIST, Heard.BAD_TOKEN): Act.RESYNC,
        (Step.LIST, Heard.UNLISTED): Act.FORGET,
        (Step.LIST, Heard.UNLISTED_EDITED): Act.FORGET,
        (Step.FETCH, Heard.GONE): Act.FORGET,
        (Step.PUT, Heard.CONFLICT): Act.TAKE_THEIRS,
        (Step.PUT, Heard.GONE): Act.FORGET,
        (Step.DELETE, Heard.GONE): Act.GO_ON,
    }

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        return self._by_sync(book)

"""Evolution and GNOME Contacts.

A book that the home does not list any more is removed, unless the listing failed; 403 with
valid-sync-token or 412 makes it list everything.
"""

from __future__ import annotations

from typing import ClassVar

from phone.database import Book
from phone.family import Phone
from phone.table import Act, Heard, Step, Table
from phone.wire import Item


class Evolution(Phone):
    AGENT = "Evolution/3.56.2"
    TABLE: ClassVar[Table] = {
        (Step.HOME, Heard.UNLISTED): Act.FORGET,
        (Step.LIST, Heard.BAD_TOKEN): Act.RESYNC,
        (Step.LIST, Heard.CONFLICT): Act.RESYNC,
        (Step.LIST, Heard.UNLISTED): Act.FORGET,
        (Step.PUT, Heard.CONFLICT): Act.TAKE_THEIRS,
        (Step.DELETE, Heard.GONE): Act.GO_ON,
    }

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        token = self._token(book)
        return self._by_query(book), token

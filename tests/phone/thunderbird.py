"""Thunderbird's address book (read in CardDAVDirectory.sys.mjs).

Edits are sent at once and without conditions. Only one that met no answer at all is sent again by
a later sync; one that was answered with an error stays on this computer alone, and a deletion is
done here whatever was answered. A wrong token is understood from 400 and from nothing else.
"""

from __future__ import annotations

from typing import ClassVar

from phone.database import Book, uid_of
from phone.family import Phone, PhoneError
from phone.table import ANSWERED_ERRORS, Act, Heard, Step, Table
from phone.wire import Item


class Thunderbird(Phone):
    AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.3.0"
    BATCH = 500
    REFRESHES = False
    CONDITIONS = False
    TABLE: ClassVar[Table] = {
        (Step.LIST, Heard.BAD_REQUEST): Act.RESYNC,
        (Step.LIST, Heard.UNLISTED): Act.FORGET,
        (Step.LIST, Heard.UNLISTED_EDITED): Act.FORGET,
        **{(Step.DELETE, what): Act.GIVE_UP for what in ANSWERED_ERRORS},
        (Step.DELETE, Heard.GONE): Act.GO_ON,
    }

    def save_online(self, body: bytes) -> None:
        """Send it at once; what was answered with an error is not sent again."""
        self.save(body)
        (book,) = self.books.values()
        card = book.by_uid(uid_of(body))
        assert card is not None
        answer = self._talk("PUT", card.href or f"{book.href}{card.uid}.vcf", card.body)
        if answer.status >= 400:
            self.dropped_edits.append(card.uid)
        elif answer.status:
            card.href = card.href or f"{book.href}{card.uid}.vcf"
            card.etag = answer.etag.strip('"')
        card.dirty = not answer.status

    def delete_online(self, uid: str) -> None:
        """Send it at once; any answer ends it."""
        self.delete(uid)
        (book,) = self.books.values()
        card = book.by_uid(uid)
        assert card is not None
        try:
            self._send_delete(book, card)
        except PhoneError as error:
            self.reason = str(error)  # no answer: it is sent again

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        return self._by_propfind(book), self._token(book)

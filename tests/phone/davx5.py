"""DAVx5 4.5 on Android.

A book that answers 403, 404 or 410 when the collections are refreshed is forgotten with its unsent
edits; a refused condition drops the user's edit; a DELETE that hears any error is not tried again.
"""

from __future__ import annotations

from typing import ClassVar

from phone.database import Book
from phone.family import Phone
from phone.speech import EVENTS, Speech
from phone.table import ANSWERED_ERRORS, Act, Heard, Step, Table
from phone.wire import Item, time_query


class Davx5(Phone):
    AGENT = "DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15"
    BATCH = 10
    TABLE: ClassVar[Table] = {
        (Step.HOME, Heard.GONE): Act.FORGET,
        (Step.HOME, Heard.FORBIDDEN): Act.FORGET,
        (Step.HOME, Heard.UNLISTED): Act.PROBE,
        (Step.BOOK, Heard.GONE): Act.FORGET,
        (Step.BOOK, Heard.FORBIDDEN): Act.FORGET,
        (Step.BOOK, Heard.READ_ONLY): Act.TAKE_THEIRS,
        (Step.LIST, Heard.BAD_TOKEN): Act.RESYNC,
        (Step.LIST, Heard.UNLISTED): Act.FORGET,
        (Step.PUT, Heard.CONFLICT): Act.TAKE_THEIRS,
        (Step.PUT, Heard.NO_RIGHTS): Act.TAKE_THEIRS,
        (Step.PUT, Heard.GONE): Act.AS_NEW,
        **{(Step.DELETE, what): Act.GIVE_UP for what in ANSWERED_ERRORS},
        (Step.DELETE, Heard.GONE): Act.GO_ON,
    }

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        return self._by_sync(book)


class Davx5AllEvents(Davx5):
    """The same with calendars, told to keep past events for ever: by sync-collection."""

    SPEECH: ClassVar[Speech] = EVENTS


class Davx5Calendar(Davx5):
    """The same with calendars: only events from 90 days ago on, so a query and no sync-collection.

    Whenever the calendar's token is another, all events are listed by the query, and what it does
    not name is removed here.
    """

    SPEECH: ClassVar[Speech] = EVENTS
    SINCE = "20251001T000000Z"

    def _fetch(self, book: Book) -> None:
        token = self._token(book)
        if not book.token or token != book.token:
            self._fetch_all(book)

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        token = self._token(book)  # before the listing: what comes meanwhile is listed again
        body = time_query(self.SINCE)
        return self._asked(Step.LIST, "REPORT", book.href, body, Depth="1").items, token

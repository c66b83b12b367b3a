"""What all phones have in common: an account, books, edits of the user, and a sync.

A family of clients is a subclass: a table of what it does with each answer (`phone.table`), how it
lists a book, and little else. All of them believe the server. That is their point: a server under
which every family keeps everything never looked empty (I4). Times and user interface are left out;
a sync that has to be repeated is repeated by the test.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from typing import Any, ClassVar, Protocol

from phone.database import Book, Card, uid_of
from phone.speech import CONTACTS, Speech
from phone.table import EVERYWHERE, Act, Heard, Step, Table, heard
from phone.wire import (
    DAV,
    XML_TYPE,
    Answer,
    CutError,
    Item,
    Multistatus,
    multiget,
    propfind,
    query,
    read_multistatus,
    sync_collection,
)

ROUNDS_MAX = 100  # pages of one sync
_PRIVILEGES = DAV + "current-user-privilege-set"
_WRITES = frozenset(DAV + name for name in ("all", "write", "write-content", "bind"))
_NOTHING = Answer(0, {}, b"")


class Outcome(Enum):
    """How a sync or a refresh ended."""

    DONE = "done"
    LATER = "later"  # 503 or no network: kept, tried again later
    SIGN_IN = "sign in"  # 401: kept, the user is told
    ERROR = "error"  # anything else: kept, the user is told


_ENDS = {Act.LATER: Outcome.LATER, Act.SIGN_IN: Outcome.SIGN_IN, Act.FAIL: Outcome.ERROR}


class PhoneError(Exception):
    """A step ended; `outcome` says how. Nothing is forgotten because of it."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class Asks(Protocol):
    """A connection: `phone.wire.Wire`, or one that goes through no socket."""

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer: ...


class Phone:
    """One phone or program with one account."""

    AGENT: ClassVar[str]
    TABLE: ClassVar[Table]
    BATCH: ClassVar[int] = 100  # hrefs of one multiget
    SPEECH: ClassVar[Speech] = CONTACTS
    REFRESHES: ClassVar[bool] = True  # looks for books again after the set-up
    CONDITIONS: ClassVar[bool] = True  # sends If-Match and If-None-Match

    def __init__(self, wire: Asks) -> None:
        self._wire = wire
        self._homes: list[str] = []
        self.books: dict[str, Book] = {}
        self.dropped_edits: list[str] = []  # uids whose edit or deletion was given up
        self.reason = ""  # of the last outcome that was not DONE

    def twin(self, wire: Asks) -> Phone:
        """Give another phone with the same account and the same content."""
        other = type(self)(wire)
        other._homes, other.books = list(self._homes), deepcopy(self.books)
        return other

    # --- the user ---------------------------------------------------------------------------------
    @property
    def contacts(self) -> dict[str, bytes]:
        """Give what the user sees, by UID."""
        return {
            card.uid: card.body
            for book in self.books.values()
            for card in book.cards
            if not card.deleted
        }

    @property
    def unsent(self) -> set[str]:
        return {c.uid for book in self.books.values() for c in book.cards if c.unsent}

    def save(self, body: bytes) -> None:
        """Add a contact or change one; it is sent with the next sync."""
        (book,) = self.books.values()
        uid = uid_of(body)
        card = book.by_uid(uid)
        if card is None:
            card = Card(uid, body)
            book.cards.append(card)
        card.body, card.dirty, card.deleted = body, True, False

    def delete(self, uid: str) -> None:
        """Delete a contact; it is sent with the next sync."""
        (book,) = self.books.values()
        card = book.by_uid(uid)
        assert card is not None
        card.deleted = True

    def save_online(self, body: bytes) -> None:
        """Do as `save`; some clients send it at once."""
        self.save(body)

    def delete_online(self, uid: str) -> None:
        """Do as `delete`; some clients send it at once."""
        self.delete(uid)

    # --- books ------------------------------------------------------------------------------------
    def refresh(self) -> Outcome:
        """Look which books there are; the first time, set the account up."""
        if self.books and not self.REFRESHES:
            return Outcome.DONE
        return self._ending(self._refresh)

    def _refresh(self) -> None:
        if not self._homes:
            self._discover()
        found: dict[str, Item] = {}
        speech = self.SPEECH
        wanted = propfind(DAV + "resourcetype", _PRIVILEGES, *speech.wanted)
        for home in list(self._homes):
            act, answer = self._hear(Step.HOME, "PROPFIND", home, wanted, Depth="1")
            if act is Act.FORGET:
                self._homes.remove(home)
                continue
            found |= {one.href: one for one in self._list(answer).items if speech.is_book(one)}
        for href, item in found.items():
            self.books.setdefault(href, Book(href)).read_only = _is_read_only(item)
        for href in set(self.books) - set(found):
            self._miss(href)

    def _miss(self, href: str) -> None:
        """Act on a book that no home lists."""
        act = self.TABLE.get((Step.HOME, Heard.UNLISTED), Act.KEEP)
        if act is Act.PROBE:
            wanted = propfind(DAV + "resourcetype")
            act, answer = self._hear(Step.BOOK, "PROPFIND", href, wanted, Depth="0")
            if act is Act.GO_ON and not any(map(self.SPEECH.is_book, self._list(answer).items)):
                act = Act.FORGET
        if act is Act.FORGET:
            del self.books[href]  # with its cards and its unsent edits

    def _discover(self) -> None:
        principal = next(filter(None, map(self._principal, ("/", self.SPEECH.well_known))), "")
        if not principal:
            raise PhoneError(Outcome.ERROR, "no principal was found")
        _, options = self._hear(Step.SET_UP, "OPTIONS", principal)
        if self.SPEECH.compliance not in options.headers.get("dav", ""):
            raise PhoneError(Outcome.ERROR, "the principal knows no such service")
        name = self.SPEECH.home_set
        _, answer = self._hear(Step.SET_UP, "PROPFIND", principal, propfind(name), Depth="0")
        self._homes = [item.href_in(name) for item in self._list(answer).items]

    def _principal(self, path: str) -> str:
        name = DAV + "current-user-principal"
        for _ in range(5):
            answer = self._talk("PROPFIND", path, propfind(name), Depth="0")
            if answer.status not in {301, 302, 303, 307, 308}:
                self._must_go_on(Step.SET_UP, heard(answer), f"PROPFIND {path}")
                return next((i.href_in(name) for i in self._list(answer).items), "")
            path = answer.headers["location"]
        raise PhoneError(Outcome.ERROR, "too many redirects")

    # --- sending ----------------------------------------------------------------------------------
    def sync(self) -> Outcome:
        """Send what is unsent, then fetch what changed, in every book."""
        return self._ending(lambda: [self._sync_book(book) for book in list(self.books.values())])

    def resync(self) -> Outcome:
        """Forget the tokens, as a "force full synchronisation" does, then sync."""
        for book in self.books.values():
            book.token = ""
        return self.sync()

    def _sync_book(self, book: Book) -> None:
        if book.read_only and (Step.BOOK, Heard.READ_ONLY) in self.TABLE:
            self._drop_edits(book)
        for card in [card for card in book.cards if card.deleted]:
            self._send_delete(book, card)
        for card in [card for card in book.cards if card.dirty]:
            self._send_edit(book, card)
        self._fetch(book)

    def _drop_edits(self, book: Book) -> None:
        for card in [card for card in book.cards if card.unsent]:
            self.dropped_edits.append(card.uid)
            card.dirty = card.deleted = False
            card.etag = ""
        book.cards = [card for card in book.cards if card.href]
        book.token = ""  # so that what was changed is fetched again

    def _send_delete(self, book: Book, card: Card) -> None:
        if card.href:
            condition = {"If_Match": f'"{card.etag}"'} if self.CONDITIONS and card.etag else {}
            act, _ = self._hear(Step.DELETE, "DELETE", card.href, **condition)
            if act is Act.GIVE_UP:
                self.dropped_edits.append(card.uid)
        book.cards.remove(card)

    def _send_edit(self, book: Book, card: Card) -> None:
        act, answer = self._upload(book, card, is_new=not card.href)
        if act is Act.AS_NEW:
            act, answer = self._upload(book, card, is_new=True)
        if act is Act.AS_NEW:
            raise PhoneError(Outcome.ERROR, f"sending {card.uid} as new: {answer.status}")
        card.dirty = False
        if act is Act.FORGET:
            self.dropped_edits.append(card.uid)
            book.cards.remove(card)
        elif act is Act.TAKE_THEIRS:
            self.dropped_edits.append(card.uid)
            card.href, card.etag = card.href or self._name(book, card), ""
        else:
            card.href = card.href or self._name(book, card)
            card.etag = answer.etag.strip('"')

    def _upload(self, book: Book, card: Card, *, is_new: bool) -> tuple[Act, Answer]:
        href = card.href or self._name(book, card)
        condition = {"If_None_Match": "*"} if is_new else {"If_Match": f'"{card.etag}"'}
        if not self.CONDITIONS or not (is_new or card.etag):
            condition = {}
        kind = self.SPEECH.media_type
        return self._hear(Step.PUT, "PUT", href, card.body, Content_Type=kind, **condition)

    def _name(self, book: Book, card: Card) -> str:
        return f"{book.href}{card.uid}.{self.SPEECH.extension}"

    # --- fetching ---------------------------------------------------------------------------------
    def _fetch(self, book: Book) -> None:
        for _ in range(ROUNDS_MAX):
            if not book.token:
                self._fetch_all(book)
                return
            body = sync_collection(book.token)
            act, answer = self._hear(Step.LIST, "REPORT", book.href, body, Depth="0")
            if act is Act.FORGET:
                del self.books[book.href]
                return
            if act is Act.RESYNC:
                book.token = ""
            elif not self._take_changes(book, self._list(answer)):
                return

    def _take_changes(self, book: Book, page: Multistatus) -> bool:
        """Take in one page of changes; says whether more follows."""
        more = any(item.href == book.href and item.status == 507 for item in page.items)
        gone = {item.href for item in page.items if item.status == 404}
        book.cards = [card for card in book.cards if not card.href or card.href not in gone]
        # Anything else, a 5xx of one item above all, is ignored.
        self._get(book, [item for item in page.items if item.is_good and item.href != book.href])
        book.token = page.token
        return more

    def _fetch_all(self, book: Book) -> None:
        """Take a listing for the whole truth."""
        items, token = self._everything(book)
        items = [item for item in items if item.href != book.href]
        if any(item.failing or item.status >= 500 for item in items):
            self._must_go_on(Step.LIST, Heard.ITEM_FAILS, "an item of the listing fails")
        known = [item for item in items if item.is_good]
        listed = {item.href for item in known}
        if not listed and any(card.href for card in book.cards):
            self._must_go_on(Step.LIST, Heard.EMPTY, "nothing at all is listed")
        self._get(book, known)
        book.cards = [card for card in book.cards if self._stays(card, listed)]
        book.token = token

    def _stays(self, card: Card, listed: set[str]) -> bool:
        if not card.href or card.href in listed:
            return True
        which = Heard.UNLISTED_EDITED if card.unsent else Heard.UNLISTED
        return self.TABLE.get((Step.LIST, which), Act.KEEP) is not Act.FORGET

    def _everything(self, book: Book) -> tuple[list[Item], str]:
        """List all cards with their ETags; gives the token that goes with it, if it has one."""
        raise NotImplementedError

    def _by_sync(self, book: Book) -> tuple[list[Item], str]:
        items: list[Item] = []
        token = ""
        for _ in range(ROUNDS_MAX):
            page = self._asked(Step.LIST, "REPORT", book.href, sync_collection(token), Depth="0")
            items += page.items
            token = page.token
            if not any(item.status == 507 for item in page.items):
                break
        return [item for item in items if item.href != book.href], token

    def _by_propfind(self, book: Book) -> list[Item]:
        wanted = propfind(DAV + "resourcetype", DAV + "getetag")
        return self._asked(Step.LIST, "PROPFIND", book.href, wanted, Depth="1").items

    def _by_query(self, book: Book) -> list[Item]:
        return self._asked(Step.LIST, "REPORT", book.href, query(), Depth="1").items

    def _token(self, book: Book) -> str:
        wanted = propfind(DAV + "sync-token")
        page = self._asked(Step.LIST, "PROPFIND", book.href, wanted, Depth="0")
        return page.items[0].text(DAV + "sync-token") if page.items else ""

    def _get(self, book: Book, items: list[Item]) -> None:
        """Fetch those of the listed cards that are new or changed."""
        wanted = [item.href for item in items if self._is_news(book, item)]
        for begin in range(0, len(wanted), self.BATCH):
            part = wanted[begin : begin + self.BATCH]
            body = multiget(part, self.SPEECH.multiget, self.SPEECH.data)
            for item in self._asked(Step.FETCH, "REPORT", book.href, body, Depth="0").items:
                if self.SPEECH.data in item.found:
                    self._store(book, item)
                elif item.status == 404 and (Step.FETCH, Heard.GONE) in self.TABLE:
                    book.cards = [card for card in book.cards if card.href != item.href]

    @staticmethod
    def _is_news(book: Book, item: Item) -> bool:
        card = book.by_href(item.href)
        etag = item.text(DAV + "getetag").strip('"')
        return card is None or not (card.etag == etag or card.unsent)

    def _store(self, book: Book, item: Item) -> None:
        body = item.text(self.SPEECH.data).replace("\r\n", "\n").replace("\n", "\r\n").encode()
        card = book.by_href(item.href) or book.by_uid(uid_of(body))
        if card is None:
            card = Card(uid_of(body), body)
            book.cards.append(card)
        card.body, card.href = body, item.href
        card.etag = item.text(DAV + "getetag").strip('"')

    # --- answers ----------------------------------------------------------------------------------
    def _ending(self, steps: Callable[[], Any]) -> Outcome:
        try:
            steps()
        except PhoneError as error:
            self.reason = f"{type(self).__name__}: {error}"
            return error.outcome
        return Outcome.DONE

    def _talk(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        if method in {"PROPFIND", "REPORT"}:
            headers["Content_Type"] = XML_TYPE
        try:
            return self._wire.ask(method, path, body, **headers)
        except CutError:
            return _NOTHING

    def _hear(
        self, step: Step, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[Act, Answer]:
        """Ask, and look up what to do with the answer; an act that ends the sync is raised."""
        answer = self._talk(method, path, body, **headers)
        act = self._must_go_on(step, heard(answer), f"{method} {path}: {answer.status}")
        return act, answer

    def _must_go_on(self, step: Step, what: Heard, doing: str) -> Act:
        act = self.TABLE.get((step, what)) or EVERYWHERE.get(what, Act.FAIL)
        if what in {Heard.EMPTY, Heard.ITEM_FAILS} and (step, what) not in self.TABLE:
            act = Act.GO_ON
        if act in _ENDS:
            raise PhoneError(_ENDS[act], f"{step.value}: {doing}")
        return act

    def _asked(
        self, step: Step, method: str, path: str, body: bytes, **headers: str
    ) -> Multistatus:
        act, answer = self._hear(step, method, path, body, **headers)
        if act is Act.FORGET:
            self.books.pop(path, None)
        if act is not Act.GO_ON:
            raise PhoneError(Outcome.ERROR, f"{step.value}: {method} {path}: {answer.status}")
        return self._list(answer)

    def _list(self, answer: Answer) -> Multistatus:
        if answer.status != 207:
            raise PhoneError(Outcome.ERROR, f"a multistatus was expected, not {answer.status}")
        try:
            return read_multistatus(answer.body)
        except ValueError as error:
            raise PhoneError(Outcome.ERROR, str(error)) from error


def _is_read_only(item: Item) -> bool:
    rights = item.found.get(_PRIVILEGES)
    return rights is not None and not any(node.tag in _WRITES for node in rights.iter())

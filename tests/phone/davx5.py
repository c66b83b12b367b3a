"""The first phone: does with each answer what DAVx5 4.5 does, over real HTTP.

It believes the server: what a full listing leaves out is deleted, and a book that answers 403, 404
or 410 when the collections are refreshed is forgotten with its unsent edits. That is its point: a
server under which it keeps everything never looked empty (I4). Times and user interface are left
out; a sync that has to be repeated is repeated by the test.
"""

from __future__ import annotations

from enum import Enum

from phone.database import Book, Card, uid_of
from phone.wire import (
    CARD,
    DAV,
    XML_TYPE,
    Answer,
    CutError,
    Item,
    Multistatus,
    Wire,
    multiget,
    names_condition,
    propfind,
    read_multistatus,
    sync_collection,
)

GONE = frozenset({403, 404, 410})
MULTIGET_HREFS = 10
ROUNDS_MAX = 100  # of one sync: pages, and a resync after a refused token


class Outcome(Enum):
    """How a sync or a refresh ended."""

    DONE = "done"
    LATER = "later"  # 503 or no network: kept, tried again later
    SIGN_IN = "sign in"  # 401: kept, the user is told
    ERROR = "error"  # anything else: kept, the user is told


class PhoneError(Exception):
    """A step ended; `outcome` says how. Nothing is forgotten because of it."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


class FirstPhone:
    """One phone with one account."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._principal = ""
        self._homes: list[str] = []
        self.books: dict[str, Book] = {}
        self.dropped_edits: list[str] = []  # uids whose edit the server made it drop
        self.reason = ""  # of the last outcome that was not DONE

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
        """Add a contact or change one, offline."""
        (book,) = self.books.values()
        uid = uid_of(body)
        card = book.by_uid(uid)
        if card is None:
            card = Card(uid, body)
            book.cards.append(card)
        card.body, card.dirty, card.deleted = body, True, False

    def delete(self, uid: str) -> None:
        """Delete a contact, offline."""
        (book,) = self.books.values()
        card = book.by_uid(uid)
        assert card is not None
        card.deleted = True

    # --- collections ------------------------------------------------------------------------------
    def refresh(self) -> Outcome:
        """Look which books there are (the account's "refresh address books")."""
        return self._ending(self._refresh)

    def _refresh(self) -> None:
        if not self._principal:
            self._discover()
        found: set[str] = set()
        for home in list(self._homes):
            answer = self._ask("PROPFIND", home, propfind(DAV + "resourcetype"), Depth="1")
            if answer.status in GONE:
                self._homes.remove(home)
                continue
            found |= {item.href for item in self._list(answer).items if _is_book(item)}
        for href in found - set(self.books):
            self.books[href] = Book(href)
        for href in set(self.books) - found:
            self._probe(href)

    def _probe(self, href: str) -> None:
        """Ask a book itself that no home lists."""
        answer = self._ask("PROPFIND", href, propfind(DAV + "resourcetype"), Depth="0")
        if answer.status in GONE:
            del self.books[href]  # with its cards and its unsent edits
        elif not any(_is_book(item) for item in self._list(answer).items):
            del self.books[href]

    def _discover(self) -> None:
        wanted = propfind(DAV + "current-user-principal")
        for start in ("/", "/.well-known/carddav"):
            answer = self._followed(start, wanted)
            for item in self._list(answer).items:
                self._principal = self._principal or item.href_in(DAV + "current-user-principal")
            if self._principal:
                break
        else:
            raise PhoneError(Outcome.ERROR, "no principal was found")
        options = self._ask("OPTIONS", self._principal)
        if "addressbook" not in options.headers.get("dav", ""):
            raise PhoneError(Outcome.ERROR, "the principal knows no address books")
        name = CARD + "addressbook-home-set"
        answer = self._ask("PROPFIND", self._principal, propfind(name), Depth="0")
        self._homes = [item.href_in(name) for item in self._list(answer).items]

    def _followed(self, path: str, body: bytes) -> Answer:
        for _ in range(5):
            answer = self._ask("PROPFIND", path, body, Depth="0")
            if answer.status not in {301, 302, 303, 307, 308}:
                return answer
            path = answer.headers["location"]
        raise PhoneError(Outcome.ERROR, "too many redirects")

    # --- cards ------------------------------------------------------------------------------------
    def sync(self) -> Outcome:
        """Send what is unsent, then fetch what changed, in every book."""
        return self._ending(lambda: [self._sync_book(book) for book in self.books.values()])

    def resync(self) -> Outcome:
        """Do what "force full synchronisation" does: forget the tokens, then sync."""
        for book in self.books.values():
            book.token = ""
        return self.sync()

    def _sync_book(self, book: Book) -> None:
        for card in [card for card in book.cards if card.deleted]:
            self._send_delete(book, card)
        for card in [card for card in book.cards if card.dirty]:
            self._send_edit(book, card)
        self._fetch(book)

    def _send_delete(self, book: Book, card: Card) -> None:
        if card.href:
            condition = {"If_Match": f'"{card.etag}"'} if card.etag else {}
            # Whatever the answer is, except that there is none: an error is ignored.
            self._talk("DELETE", card.href, b"", **condition)
        book.cards.remove(card)

    def _send_edit(self, book: Book, card: Card) -> None:
        answer = self._upload(book, card, is_new=not card.href)
        if answer.status in {404, 410} and card.href:
            answer = self._upload(book, card, is_new=True)
        if answer.status in {409, 412} or _lacks_privilege(answer):
            # The server's version wins: it is fetched again if it is listed again.
            self.dropped_edits.append(card.uid)
            card.dirty, card.etag = False, ""
            card.href = card.href or f"{book.href}{card.uid}.vcf"
        elif answer.status in {200, 201, 204}:
            card.dirty, card.etag = False, answer.etag.strip('"')
        else:
            raise self._trouble(answer, f"PUT {card.uid}")

    def _upload(self, book: Book, card: Card, *, is_new: bool) -> Answer:
        href = card.href or f"{book.href}{card.uid}.vcf"
        condition = {"If_None_Match": "*"} if is_new else {"If_Match": f'"{card.etag}"'}
        if not is_new and not card.etag:
            condition = {}
        answer = self._ask(
            "PUT", href, card.body, Content_Type="text/vcard; charset=utf-8", **condition
        )
        if answer.status in {200, 201, 204}:
            card.href = href
        return answer

    def _fetch(self, book: Book) -> None:
        is_full = not book.token
        if is_full:
            for card in book.cards:
                card.present = False
        for _ in range(ROUNDS_MAX):
            page = self._page(book)
            if page is None:
                is_full = True
                continue
            more = self._take_page(book, page)
            book.token = page.token
            if not more:
                break
        if is_full:
            book.cards = [card for card in book.cards if card.present or card.unsent]

    def _page(self, book: Book) -> Multistatus | None:
        """Ask for one page; None = the token was refused, so all is listed anew."""
        answer = self._ask("REPORT", book.href, sync_collection(book.token), Depth="0")
        if answer.status == 403 and names_condition(answer.body, DAV + "valid-sync-token"):
            if not book.token:
                raise PhoneError(Outcome.ERROR, "an empty token was refused")
            book.token = ""
            for card in book.cards:
                card.present = False
            return None
        return self._list(answer)

    def _take_page(self, book: Book, page: Multistatus) -> bool:
        """Take in one page; says whether more follows."""
        wanted, more = [], False
        for item in page.items:
            if item.href == book.href:
                more = more or item.status == 507
            elif item.status == 404:
                book.cards = [card for card in book.cards if card.href != item.href]
            elif item.status == 0 and not item.failing:
                wanted += self._note(book, item)
            # Anything else, a 5xx of one item above all, is ignored: it counts as not listed.
        for begin in range(0, len(wanted), MULTIGET_HREFS):
            self._get(book, wanted[begin : begin + MULTIGET_HREFS])
        return more

    def _note(self, book: Book, item: Item) -> list[str]:
        """Note that an item is listed; gives its href if its body is wanted."""
        etag = item.text(DAV + "getetag").strip('"')
        card = book.by_href(item.href)
        if card is not None:
            card.present = True
            if card.etag == etag or card.dirty:
                return []
        return [item.href]

    def _get(self, book: Book, hrefs: list[str]) -> None:
        listed = self._list(self._ask("REPORT", book.href, multiget(hrefs), Depth="0"))
        for item in listed.items:
            if item.status or item.failing or CARD + "address-data" not in item.found:
                continue  # "ignoring non-successful multiget response"
            self._store(book, item)

    def _store(self, book: Book, item: Item) -> None:
        body = item.text(CARD + "address-data").replace("\r\n", "\n").replace("\n", "\r\n").encode()
        card = book.by_href(item.href) or book.by_uid(uid_of(body))
        if card is None:
            card = Card(uid_of(body), body)
            book.cards.append(card)
        card.body, card.href, card.present = body, item.href, True
        card.etag = item.text(DAV + "getetag").strip('"')

    # --- answers ----------------------------------------------------------------------------------
    def _ending(self, steps: object) -> Outcome:
        assert callable(steps)
        try:
            steps()
        except PhoneError as error:
            self.reason = str(error)
            return error.outcome
        return Outcome.DONE

    def _talk(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        if method in {"PROPFIND", "REPORT"}:
            headers["Content_Type"] = XML_TYPE
        try:
            return self._wire.ask(method, path, body, **headers)
        except CutError as error:
            raise PhoneError(Outcome.LATER, str(error)) from error

    def _ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        answer = self._talk(method, path, body, **headers)
        if answer.status in {401, 503}:
            raise self._trouble(answer, f"{method} {path}")
        return answer

    def _list(self, answer: Answer) -> Multistatus:
        if answer.status != 207:
            raise self._trouble(answer, "a multistatus was expected")
        try:
            return read_multistatus(answer.body)
        except ValueError as error:
            raise PhoneError(Outcome.ERROR, str(error)) from error

    @staticmethod
    def _trouble(answer: Answer, doing: str) -> PhoneError:
        kinds = {401: Outcome.SIGN_IN, 503: Outcome.LATER}
        return PhoneError(kinds.get(answer.status, Outcome.ERROR), f"{doing}: {answer.status}")


def _is_book(item: Item) -> bool:
    kind = item.found.get(DAV + "resourcetype")
    return kind is not None and kind.find(CARD + "addressbook") is not None


def _lacks_privilege(answer: Answer) -> bool:
    return answer.status == 403 and names_condition(answer.body, DAV + "need-privileges")

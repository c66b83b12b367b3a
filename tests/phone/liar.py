"""A tiny CardDAV server that can lie, to prove that every family of phones can lose contacts.

It serves one book from memory over loopback HTTP and knows only what those phones ask. `lie` is
what other servers were seen to answer when they had merely lost sight of the data.
"""

from __future__ import annotations

import threading
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from lxml import etree

from phone.speech import CONTACTS, Speech
from phone.wire import CAL, CARD, DAV

PRINCIPAL = "/principal/"
HOME = "/homes/"
BOOK = "/homes/book/"
TOKEN = "urn:token:1"
_KEEPS_QUIET = 0


class Lie(Enum):
    """What it pretends."""

    NONE = "nothing"
    EMPTY = "a well-formed empty listing"
    SHORT = "a listing that leaves half of it out"
    ONE_LEFT = "a listing with one card"
    ITEM_5XX = "a listing with a 5xx for one item"
    REMOVED = "a removed entry that nobody asked for"
    UNLISTED_BOOK = "a home without the book, which answers 404"
    HIDDEN_BOOK = "a home without the book, which still answers"
    NO_HOME = "404 for the home and all below"
    FORBIDDEN = "403 for the home and all below"
    NO_BOOK = "410 for the book and all below"
    BAD_TOKEN = "403 with valid-sync-token, then an empty listing"
    BAD_TOKEN_400 = "400 for the token, then an empty listing"
    NO_ACCOUNT = "401"
    BUSY = "503"
    CUT = "an answer that ends half-way"
    HTML = "200 with a page for people"
    READ_ONLY = "rights to read only"
    PUT_CONFLICT = "412 for each PUT"
    PUT_GONE = "404 for each PUT"
    WRITES_BUSY = "503 for each PUT and DELETE"
    WRITES_CUT = "no answer to any PUT or DELETE"


_EVERYWHERE = {Lie.NO_ACCOUNT: 401, Lie.BUSY: 503}
_BELOW = {Lie.NO_HOME: (HOME, 404), Lie.FORBIDDEN: (HOME, 403), Lie.NO_BOOK: (BOOK, 410),
          Lie.UNLISTED_BOOK: (BOOK, 404)}  # fmt: skip
_PUTS = {Lie.PUT_CONFLICT: 412, Lie.PUT_GONE: 404}
_HIDES_BOOK = frozenset({Lie.UNLISTED_BOOK, Lie.HIDDEN_BOOK})
_LISTS_NOTHING = frozenset({Lie.EMPTY, Lie.BAD_TOKEN, Lie.BAD_TOKEN_400})


class Liar:
    """The server; use it as a context."""

    def __init__(self, cards: dict[str, bytes], speech: Speech = CONTACTS) -> None:
        self._speech = speech
        self.cards = {BOOK + name: body for name, body in cards.items()}
        self.lie = Lie.NONE
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._maker())
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self.address = f"http://127.0.0.1:{self._http.server_port}/"

    def __enter__(self) -> Liar:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def _maker(self) -> type[BaseHTTPRequestHandler]:
        liar = self

        class Request(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                sent = self.rfile.read(length)
                status, body = liar.answer(
                    self.command, self.path, self.headers.get("depth", ""), sent
                )
                if status == _KEEPS_QUIET:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("DAV", f"1, {liar._speech.compliance}")
                more = 10 if liar.lie is Lie.CUT else 0
                self.send_header("Content-Length", str(len(body) + more))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = bool(more)

            do_OPTIONS = do_PROPFIND = do_REPORT = do_PUT = do_DELETE = answer  # noqa: N815 - theirs

            def log_message(self, *words: Any) -> None:
                """Say nothing."""

        return Request

    # --- answers ----------------------------------------------------------------------------------
    def answer(self, method: str, path: str, depth: str, body: bytes) -> tuple[int, bytes]:
        lied = self._lied(method, path)
        if lied is not None:
            return lied, b"" if lied != 200 else b"<html><body>Welcome</body></html>"
        if method == "OPTIONS":
            return 200, b""
        if method == "PUT":
            self.cards[path] = body
            return 201, b""
        if method == "DELETE":
            return (204, b"") if self.cards.pop(path, None) else (404, b"")
        asked = etree.fromstring(body)
        if method == "PROPFIND":
            listed = path == BOOK and depth == "1"
            return 207, _written(self._rows()) if listed else self._properties(path)
        return self._report(asked)

    def _lied(self, method: str, path: str) -> int | None:
        if self.lie in _EVERYWHERE:
            return _EVERYWHERE[self.lie]
        if self.lie is Lie.HTML and method != "OPTIONS":
            return 200
        if self.lie in _BELOW and path.startswith(_BELOW[self.lie][0]):
            return _BELOW[self.lie][1]
        if method == "PUT" and self.lie in _PUTS:
            return _PUTS[self.lie]
        if method in {"PUT", "DELETE"} and self.lie in {Lie.WRITES_BUSY, Lie.WRITES_CUT}:
            return 503 if self.lie is Lie.WRITES_BUSY else _KEEPS_QUIET
        return None

    def _report(self, asked: etree._Element) -> tuple[int, bytes]:
        if asked.tag == self._speech.multiget:
            hrefs = [node.text or "" for node in asked.findall(DAV + "href")]
            data = self._speech.data
            return 207, _written([_card(href, self.cards[href], data) for href in hrefs])
        if asked.tag in {CARD + "addressbook-query", CAL + "calendar-query"}:
            return 207, _written(self._rows())
        token = asked.findtext(DAV + "sync-token")
        if token and self.lie is Lie.BAD_TOKEN:
            error = etree.Element(DAV + "error")
            etree.SubElement(error, DAV + "valid-sync-token")
            return 403, etree.tostring(error)
        if token and self.lie is Lie.BAD_TOKEN_400:
            return 400, b""
        if token and self.lie is not Lie.REMOVED:
            return 207, _written([], token=TOKEN)  # nothing changed, which is true
        return 207, _written(self._rows(), token=TOKEN)

    def _rows(self) -> list[etree._Element]:
        rows = [_card(href, b"") for href in sorted(self.cards)]
        first = min(self.cards)
        if self.lie in _LISTS_NOTHING:
            return []
        if self.lie is Lie.SHORT:
            return rows[::2]
        if self.lie is Lie.ONE_LEFT:
            return rows[:1]
        if self.lie is Lie.ITEM_5XX:
            return [_status(first, "500 Internal Server Error"), *rows[1:]]
        if self.lie is Lie.REMOVED:
            return [_status(first, "404 Not Found"), *rows[1:]]
        return rows

    def _properties(self, path: str) -> bytes:
        node, found = _found(path)
        for name, target in (
            (DAV + "current-user-principal", PRINCIPAL),
            (self._speech.home_set, HOME),
        ):
            etree.SubElement(etree.SubElement(found, name), DAV + "href").text = target
        if path not in {HOME, BOOK}:
            return _written([node])
        if path == HOME and self.lie in _HIDES_BOOK:
            return _written([])
        book, held = _found(BOOK)
        kind = etree.SubElement(held, DAV + "resourcetype")
        etree.SubElement(kind, self._speech.kind)
        etree.SubElement(held, DAV + "sync-token").text = TOKEN
        rights = etree.SubElement(held, DAV + "current-user-privilege-set")
        for right in ("read",) if self.lie is Lie.READ_ONLY else ("read", "write"):
            etree.SubElement(etree.SubElement(rights, DAV + "privilege"), DAV + right)
        return _written([book])


def _written(rows: list[etree._Element], token: str = "") -> bytes:
    root = etree.Element(DAV + "multistatus")
    root.extend(rows)
    if token:
        etree.SubElement(root, DAV + "sync-token").text = token
    return etree.tostring(root)


def _response(href: str) -> etree._Element:
    node = etree.Element(DAV + "response")
    etree.SubElement(node, DAV + "href").text = href
    return node


def _found(href: str) -> tuple[etree._Element, etree._Element]:
    node = _response(href)
    stat = etree.SubElement(node, DAV + "propstat")
    found = etree.SubElement(stat, DAV + "prop")
    etree.SubElement(stat, DAV + "status").text = "HTTP/1.1 200 OK"
    return node, found


def _status(href: str, status: str) -> etree._Element:
    node = _response(href)
    etree.SubElement(node, DAV + "status").text = f"HTTP/1.1 {status}"
    return node


def _card(href: str, body: bytes, data: str = "") -> etree._Element:
    node, found = _found(href)
    etree.SubElement(found, DAV + "getetag").text = '"1"'
    if body:
        etree.SubElement(found, data).text = body.decode().replace("\r", "")
    return node

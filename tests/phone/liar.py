"""A tiny CardDAV server that can lie, to prove that the first phone can lose contacts.

It serves one book from memory over loopback HTTP and knows only what that phone asks. `lie` is what
other servers were seen to answer when they had merely lost sight of the data.
"""

from __future__ import annotations

import threading
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from lxml import etree

from phone.wire import CARD, DAV

PRINCIPAL = "/principal/"
HOME = "/homes/"
BOOK = "/homes/book/"


class Lie(Enum):
    """What it pretends; each of the first six cost somebody their contacts."""

    EMPTY = "a well-formed empty listing"
    SHORT = "a listing that leaves half of it out"
    ITEM_5XX = "a listing with a 5xx for one item"
    REMOVED = "a removed entry that nobody asked for"
    NO_HOME = "404 for the home and all below"
    FORBIDDEN = "403 for the book"
    NO_ACCOUNT = "401"
    BUSY = "503"
    NONE = "nothing"


class Liar:
    """The server; use it as a context."""

    def __init__(self, cards: dict[str, bytes]) -> None:
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
                status, body = liar.answer(self.command, self.path, self.rfile.read(length))
                self.send_response(status)
                self.send_header("DAV", "1, addressbook")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_OPTIONS = do_PROPFIND = do_REPORT = do_PUT = do_DELETE = answer  # noqa: N815 - theirs

            def log_message(self, *words: Any) -> None:
                """Say nothing."""

        return Request

    # --- answers ----------------------------------------------------------------------------------
    def answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        lied = self._lied(path)
        if lied:
            return lied, b""
        if method == "OPTIONS":
            return 200, b""
        if method == "PUT":
            self.cards[path] = body
            return 201, b""
        if method == "PROPFIND":
            return 207, _properties(path)
        return self._report(body)

    def _lied(self, path: str) -> int:
        if self.lie is Lie.NO_HOME and path.startswith(HOME):
            return 404
        if self.lie is Lie.FORBIDDEN and path.startswith(HOME):
            return 403
        return {Lie.NO_ACCOUNT: 401, Lie.BUSY: 503}.get(self.lie, 0)

    def _report(self, body: bytes) -> tuple[int, bytes]:
        asked = etree.fromstring(body)
        if asked.tag == CARD + "addressbook-multiget":
            hrefs = [node.text or "" for node in asked.findall(DAV + "href")]
            return 207, _written([_card(href, self.cards[href]) for href in hrefs])
        rows = [_card(href, b"") for href in sorted(self.cards)]
        if self.lie is Lie.EMPTY:
            rows = []
        elif self.lie is Lie.SHORT:
            rows = rows[::2]
        elif self.lie is Lie.ITEM_5XX:
            rows[0] = _status(min(self.cards), "500 Internal Server Error")
        elif self.lie is Lie.REMOVED:
            rows[0] = _status(min(self.cards), "404 Not Found")
        elif asked.findtext(DAV + "sync-token"):
            rows = []  # nothing changed, which is true
        return 207, _written(rows, token="urn:token:1")


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


def _card(href: str, body: bytes) -> etree._Element:
    node, found = _found(href)
    etree.SubElement(found, DAV + "getetag").text = '"1"'
    if body:
        etree.SubElement(found, CARD + "address-data").text = body.decode().replace("\r", "")
    return node


def _properties(path: str) -> bytes:
    node, found = _found(path)
    for name, target in (
        (DAV + "current-user-principal", PRINCIPAL),
        (CARD + "addressbook-home-set", HOME),
    ):
        etree.SubElement(etree.SubElement(found, name), DAV + "href").text = target
    rows = [node]
    if path in {HOME, BOOK}:
        book, held = _found(BOOK)
        kind = etree.SubElement(held, DAV + "resourcetype")
        etree.SubElement(kind, CARD + "addressbook")
        rows = [book]
    return _written(rows)

"""Plain HTTP with Basic authentication, and the few DAV answers that clients read.

Used by the phone and by the crash harness. It draws no conclusions: a connection that ends half-way
is `CutError`, everything else is an `Answer`.
"""

from __future__ import annotations

import http.client
import socket
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lxml import etree

DAV = "{DAV:}"
CARD = "{urn:ietf:params:xml:ns:carddav}"
CAL = "{urn:ietf:params:xml:ns:caldav}"
XML_TYPE = "application/xml; charset=utf-8"


class CutError(Exception):
    """No whole answer came: nobody listens, or the connection ended before the answer did.

    `sent` is False only if the server cannot have heard of the request.
    """

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def etag(self) -> str:
        return self.headers.get("etag", "")


@dataclass
class Item:
    """One response element of a multistatus."""

    href: str
    status: int = 0  # of the whole response; 0 = it has propstats
    found: dict[str, etree._Element] = field(default_factory=dict)  # properties with 200
    failing: int = 0  # a 5xx of a propstat

    @property
    def is_good(self) -> bool:
        """Say whether it tells properties of something that stands."""
        return self.status == 0 and not self.failing

    def text(self, name: str) -> str:
        node = self.found.get(name)
        return "" if node is None else node.text or ""

    def href_in(self, name: str) -> str:
        node = self.found.get(name)
        return "" if node is None else node.findtext(DAV + "href") or ""


@dataclass(frozen=True)
class Multistatus:
    items: list[Item]
    token: str

    def by_href(self) -> dict[str, Item]:
        return {item.href: item for item in self.items}


class Wire:
    """One device's connection, opened again where it was closed."""

    def __init__(
        self,
        address: str,
        login: str,
        password: str,
        seconds: float = 15.0,
        agent: str = "DAVx5/4.5 (test)",
    ) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or 80
        self._seconds = seconds
        secret = b64encode(f"{login}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {secret}", "User-Agent": agent}
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request, once; header names with `_` for `-`.

        Raises:
            CutError: no whole answer came.
        """
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self._connected()
        try:
            connection.request(method, path, body or None, {**self._headers, **given})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise CutError(f"{method} {path}: {error!r}", sent=True) from error
        if response.will_close:
            self.close()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, content)

    def _connected(self) -> http.client.HTTPConnection:
        """Give a connection that is open; what the server closed meanwhile is opened anew."""
        if self._connection is not None and _was_closed(self._connection):
            self.close()
        if self._connection is None:
            fresh = http.client.HTTPConnection(self._host, self._port, timeout=self._seconds)
            try:
                fresh.connect()
            except OSError as error:
                fresh.close()
                raise CutError(f"connect: {error}", sent=False) from error
            assert fresh.sock is not None
            fresh.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connection = fresh
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _was_closed(connection: http.client.HTTPConnection) -> bool:
    """Say whether an idle connection has an end of file (or anything else) waiting."""
    if connection.sock is None:
        return True
    connection.sock.setblocking(False)
    try:
        connection.sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.sock.settimeout(connection.timeout)
    return True


def propfind(*names: str) -> bytes:
    """Write a PROPFIND body for properties in Clark notation."""
    root = etree.Element(DAV + "propfind")
    wanted = etree.SubElement(root, DAV + "prop")
    for name in names:
        etree.SubElement(wanted, name)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def sync_collection(token: str) -> bytes:
    """Write a sync-collection body; an empty token asks for everything."""
    root = etree.Element(DAV + "sync-collection")
    etree.SubElement(root, DAV + "sync-token").text = token
    etree.SubElement(root, DAV + "sync-level").text = "1"
    etree.SubElement(etree.SubElement(root, DAV + "prop"), DAV + "getetag")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def query() -> bytes:
    """Write an addressbook-query body that asks for the ETags of all cards."""
    root = etree.Element(CARD + "addressbook-query")
    etree.SubElement(etree.SubElement(root, DAV + "prop"), DAV + "getetag")
    etree.SubElement(root, CARD + "filter")
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def time_query(start: str, component: str = "VEVENT") -> bytes:
    """Write a calendar-query body that asks for the ETags of all events from a time on."""
    root = etree.Element(CAL + "calendar-query")
    etree.SubElement(etree.SubElement(root, DAV + "prop"), DAV + "getetag")
    calendar = etree.SubElement(
        etree.SubElement(root, CAL + "filter"), CAL + "comp-filter", name="VCALENDAR"
    )
    inner = etree.SubElement(calendar, CAL + "comp-filter", name=component)
    etree.SubElement(inner, CAL + "time-range", start=start)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def multiget(
    hrefs: list[str], report: str = CARD + "addressbook-multiget", data: str = CARD + "address-data"
) -> bytes:
    """Write a multiget body."""
    root = etree.Element(report)
    wanted = etree.SubElement(root, DAV + "prop")
    etree.SubElement(wanted, DAV + "getetag")
    etree.SubElement(wanted, data)
    for href in hrefs:
        etree.SubElement(root, DAV + "href").text = href
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def read_multistatus(body: bytes) -> Multistatus:
    """Read a multistatus; raises ValueError on anything else."""
    try:
        root = etree.fromstring(body)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not XML: {error}") from error
    if root.tag != DAV + "multistatus":
        raise ValueError(f"not a multistatus: {root.tag}")
    items = [_item(node) for node in root.findall(DAV + "response")]
    return Multistatus(items, root.findtext(DAV + "sync-token") or "")


def _item(node: etree._Element) -> Item:
    item = Item(node.findtext(DAV + "href") or "", _code(node.findtext(DAV + "status")))
    for stat in node.findall(DAV + "propstat"):
        code = _code(stat.findtext(DAV + "status"))
        if code == 200:
            item.found |= {str(prop.tag): prop for prop in stat.iterfind(DAV + "prop/*")}
        elif code >= 500:
            item.failing = code
    return item


def _code(line: str | None) -> int:
    return int(line.split()[1]) if line else 0


def names_condition(body: bytes, name: str) -> bool:
    """Say whether a DAV:error body names a precondition."""
    try:
        root = etree.fromstring(body)
    except etree.XMLSyntaxError:
        return False
    return root.tag == DAV + "error" and root.find(name) is not None

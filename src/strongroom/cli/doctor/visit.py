"""What the checks share: the server, the lines to it, and what was learnt on the way."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from strongroom.cli.doctor.line import Line, Reply, Site, basic

KEEP_ALIVE_SECONDS: Final = 75.0  # phones come back on the same connection
BODY_BYTES: Final = 100 * 1024 * 1024
BODY_SECONDS: Final = 60.0  # on a slow line the rest is not sent
DAV: Final = "{DAV:}"
CAL: Final = "{urn:ietf:params:xml:ns:caldav}"
CARD: Final = "{urn:ietf:params:xml:ns:carddav}"
XML: Final = "application/xml; charset=utf-8"


@dataclass(frozen=True)
class Wishes:
    """What the person has asked for."""

    login: str = ""
    password: str = ""
    ca: str = ""  # a file
    http_port: int = 0  # 0 = 80, if https is on 443
    write: bool = False
    slow: bool = False


@dataclass
class Visit:
    """One visit to one server."""

    site: Site
    wishes: Wishes
    reached: bool = False
    trusted: bool = False  # the certificate was verified, or none is needed
    ends: float = 0.0  # when the certificate does, in seconds since 1970
    principal: str = ""
    book: str = ""  # the first address book
    calendar: str = ""  # the first calendar
    card: str = ""  # a card in it
    etag: str = ""  # of that card, as its listing tells it
    made: bool = False  # we have put that card there
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    asked_at: float = 0.0  # when the kept line was last used
    _lines: list[Line] = field(default_factory=list)
    _line: Line | None = None
    _kept: Line | None = None

    def __post_init__(self) -> None:
        """Trust the CA that was named beside the usual ones."""
        if self.wishes.ca:
            self.context.load_verify_locations(self.wishes.ca)
        self.trusted = self.site.scheme == "http"

    @property
    def may_sign(self) -> bool:
        """Say whether a password may go over the line."""
        safe = self.site.is_here if self.site.scheme == "http" else self.trusted
        return bool(self.wishes.login) and safe

    def new_line(self) -> Line:
        """Give a line of its own."""
        context = self.context
        if not self.trusted:
            # What is on the other side is looked at all the same; it gets no password.
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        secret = basic(self.wishes.login, self.wishes.password) if self.may_sign else ""
        self._lines.append(Line(self.site, context, secret))
        return self._lines[-1]

    @property
    def line(self) -> Line:
        """Give the line that most checks use."""
        if self._line is None:
            self._line = self.new_line()
        return self._line

    @property
    def kept(self) -> Line:
        """Give the line that is left alone, to see how long it is kept."""
        if self._kept is None:
            self._kept = self.new_line()
        return self._kept

    def use_kept(self) -> Reply:
        """Ask something on the kept line."""
        reply = self.kept.ask("OPTIONS", "/dav/")
        self.asked_at = time.monotonic()
        return reply

    def close(self) -> None:
        """Close every line."""
        for line in self._lines:
            line.close()


def propfind(*names: str) -> bytes:
    """Write a PROPFIND body."""
    root = etree.Element(DAV + "propfind")
    wanted = etree.SubElement(root, DAV + "prop")
    for name in names:
        etree.SubElement(wanted, name)
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def href_in(reply: Reply, name: str) -> str:
    """Give the href inside a property of a multistatus."""
    root = reply.xml() if reply.status == 207 else None
    node = None if root is None else root.find(f".//{name}/{DAV}href")
    return "" if node is None else (node.text or "")

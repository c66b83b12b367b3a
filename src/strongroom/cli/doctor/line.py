"""The doctor's connection to a server: what was asked, what came back, and who answered.

It draws no conclusions. Rules: a password goes over a verified TLS connection or to this computer
itself, nowhere else; nothing is fetched that the person has not named: of a redirect only the path
is taken, on the same host; an answer is read up to a limit.
"""

from __future__ import annotations

import http.client
import re
import ssl
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from lxml import etree

from strongroom import __version__
from strongroom.cli.screen import UsageError

SECONDS: Final = 15.0  # for a connection, and for each answer
ANSWER_BYTES_MAX: Final = 4 * 1024 * 1024
AGENT: Final = f"strongroom-doctor/{__version__}"
_OUR_ID: Final = re.compile(r"[0-9a-f]{12}-[0-9a-f]+")
_PARSER: Final = etree.XMLParser(resolve_entities=False, no_network=True)


class LineError(Exception):
    """No answer came; the text says why."""


class Site(NamedTuple):
    """Where the server is, as the person has written it."""

    scheme: str
    host: str
    port: int

    @property
    def is_here(self) -> bool:
        """Say whether it is this computer itself."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def read_url(text: str) -> Site:
    """Read the URL of a server.

    Raises:
        UsageError: it is none that a phone could enter.
    """
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError as error:
        raise UsageError(f"{text!r} is no address of a server: {error}.") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError("Name the server like https://contacts.example.org/.")
    if parts.username is not None:
        raise UsageError("No login in the address: use --login and --password-file.")
    return Site(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))


@dataclass(frozen=True)
class Reply:
    """A whole answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def is_ours(self) -> bool:
        """Say whether an error was told by Strongroom itself, which gives it a request id."""
        return _OUR_ID.fullmatch(self.headers.get("x-request-id", "")) is not None

    def xml(self) -> etree._Element | None:
        """Give the body as XML; None where it is none."""
        try:
            return etree.fromstring(self.body, _PARSER)
        except (etree.XMLSyntaxError, ValueError):
            return None

    def told(self) -> str:
        """Say who answered what, for a person."""
        who = self.headers.get("server", "") or "the proxy"
        return f"{self.status} from {'Strongroom' if self.is_ours else who}"


class Line:
    """One connection, opened when it is needed."""

    def __init__(self, site: Site, context: ssl.SSLContext, secret: str = "") -> None:
        """Ask `site`; `secret` is the value of Authorization, "" = none is sent."""
        self._site, self._context, self._secret = site, context, secret
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: bytes = b"", signed: bool = True, /, **headers: str
    ) -> Reply:
        """Send one request; header names with `_` for `-`.

        Raises:
            LineError: no whole answer came.
        """
        sent = self.headers() if signed else {"User-Agent": AGENT}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection = self.opened()
            connection.request(method, path, body or None, sent)
            return self.reply(connection)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise LineError(str(error) or type(error).__name__) from error

    def headers(self) -> dict[str, str]:
        """Give the headers that every request has."""
        sent = {"User-Agent": AGENT}
        return sent | {"Authorization": self._secret} if self._secret else sent

    def reply(self, connection: http.client.HTTPConnection) -> Reply:
        """Read the answer to what was sent on a connection."""
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        content = response.read(ANSWER_BYTES_MAX)
        if response.will_close or not response.isclosed():
            self.close()
        return Reply(response.status, names, content)

    def opened(self) -> http.client.HTTPConnection:
        """Give the connection, open."""
        if self._connection is None:
            _, host, port = self._site
            fresh = (
                http.client.HTTPSConnection(host, port, timeout=SECONDS, context=self._context)
                if self._site.scheme == "https"
                else http.client.HTTPConnection(host, port, timeout=SECONDS)
            )
            fresh.connect()
            self._connection = fresh
        return self._connection

    @property
    def is_open(self) -> bool:
        """Say whether a connection is kept."""
        return self._connection is not None and self._connection.sock is not None

    def close(self) -> None:
        """Close what is open."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def basic(login: str, password: str) -> str:
    """Write the value of Authorization."""
    return "Basic " + b64encode(f"{login}:{password}".encode()).decode()

"""`/pair/SECRET/`: the page that sets up one phone, once.

GET shows buttons and changes nothing; POST to one of them is the one use, and its answer holds the
password, in the page or in the profile, and nowhere else: never over plain HTTP, never in a second
fetch, never in a log. What is unknown, used or too old is one and the same 404. A frozen or
suspended account gets a page that says so, and the offer stands.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from strongroom.base.errors import (
    ClientError,
    FrozenError,
    NotFoundError,
    StrongroomError,
    UnknownError,
    UnsureError,
)
from strongroom.formats import appleprofile
from strongroom.formats.appleprofile import CONTENT_TYPE, AppleAccount, apple_profile
from strongroom.formats.hosts import split_origin
from strongroom.formats.webpage import HEADERS, HTML
from strongroom.portal import pages
from strongroom.portal.pages import ANDROID, APPLE, OTHER
from strongroom.ports.cell import Cell
from strongroom.service.pairing import Offer, Pairings
from strongroom.service.rights import CALENDARS, CONTACTS, Rights
from strongroom.service.thaw import Freeze, advice, freezes

PREFIX: Final = "/pair/"
PRINCIPAL: Final = "/dav/principals/"
_RETRY: Final = (b"retry-after", b"60")
_AGAIN: Final = "Nothing was changed and nothing is lost. Open this page again later."
_FROZEN: Final = (
    "Nothing was changed, and no device is set up meanwhile. Open this page again later."
)
_HTTPS_ONLY: Final = "A password never crosses a network unencrypted, so this page needs https."
_PAYLOADS: Final = {CONTACTS: appleprofile.CONTACTS, CALENDARS: appleprofile.CALENDARS}
_log: Final = logging.getLogger("strongroom.portal")

T = TypeVar("T")
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Identity(Protocol):
    """The certificate that is served, as far as a profile needs it."""

    def authority_der(self) -> bytes | None:
        """Give the local authority; None where phones know the one that signed it."""

    def authority_name(self) -> str:
        """Give what a phone calls the local authority; "" where there is none."""

    def sign(self, content: bytes) -> bytes:
        """Sign a profile; raises FormatError or OSError."""


@dataclass(frozen=True, slots=True)
class Way:
    """How phones reach the server."""

    origin: str  # https://host:port
    apple_origin: str  # the same by a name that Apple's systems find, where there is one
    identity: Identity | None  # None: a proxy holds the certificate

    def trust(self) -> str:
        """Name the authority that a phone must be told to trust; "" = none."""
        return self.identity.authority_name() if self.identity else ""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: str = HTML


class Portal:
    """The pages of one run of the server."""

    def __init__(self, pairings: Pairings, way: Way, seconds: Callable[[], float]) -> None:
        """Tell phones `way`; `seconds` is the clock of `pairings`."""
        self._pairings = pairings
        self._way = way
        self._seconds = seconds

    async def serve(self, cell: Cell | None, scope: MutableMapping[str, Any], send: Send) -> None:
        """Answer one request below PREFIX; None = the cell is not open."""
        found = await self._answer(cell, scope)
        headers = [
            (b"content-type", found.content_type.encode()),
            (b"content-length", b"%d" % len(found.body)),
            *HEADERS,
            *found.headers,
        ]
        if scope["scheme"] == "https" and not self._way.trust():
            # Not with a local authority: who cannot go past its warning would be locked out.
            headers.append((b"strict-transport-security", b"max-age=31536000"))
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else found.body
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, cell: Cell | None, scope: MutableMapping[str, Any]) -> _Answer:
        secret, slash, kind = scope["path"].removeprefix(PREFIX).partition("/")
        method = scope["method"]
        if scope["scheme"] != "https":
            return _Answer(403, pages.refused_page(_HTTPS_ONLY, "Nothing was changed."))
        if not slash or kind not in {"", APPLE, ANDROID, OTHER}:
            return _gone()
        if method not in ({"POST"} if kind else {"GET", "HEAD"}):
            allow = b"POST" if kind else b"GET, HEAD"
            return _Answer(405, pages.gone_page(), ((b"allow", allow),))
        offer = self._pairings.find(secret)
        if offer is None:
            return _gone()
        try:
            if cell is None:
                raise UnsureError
            return await self._use(cell, secret, kind) if kind else self._show(cell, offer)
        except FrozenError as error:
            assert cell is not None
            return _frozen(error, freezes(cell.directory, offer.login), offer.login)
        except StrongroomError as error:
            return _refused(error)

    def _show(self, cell: Cell, offer: Offer) -> _Answer:
        self._pairings.check(cell, offer)
        minutes = math.ceil((offer.until - self._seconds()) / 60)
        things = _reached(offer.rights, pages.THINGS)
        trust = self._way.trust()
        page = pages.offer_page(offer.login, offer.device, minutes, things, trust=trust)
        return _Answer(200, page)

    async def _use(self, cell: Cell, secret: str, kind: str) -> _Answer:
        offer, password = await self._pairings.use(cell, secret)
        if kind == APPLE:
            return self._profile(offer, password)
        origin = self._way.origin
        page = pages.values_page(
            origin, offer.login, offer.device, password, android=kind == ANDROID
        )
        return _Answer(200, page)

    def _profile(self, offer: Offer, password: str) -> _Answer:
        origin, identity = self._way.apple_origin, self._way.identity
        host, port = split_origin(origin)
        principal = f"{origin}{PRINCIPAL}{offer.login}/"
        account = AppleAccount(host, port, principal, offer.login, password, offer.device)
        authority = identity.authority_der() if identity else None
        body = apple_profile(account, _reached(offer.rights, _PAYLOADS), authority)
        if identity and authority is None:
            body = _signed(identity, body)
        name = b'attachment; filename="Strongroom.mobileconfig"'
        return _Answer(200, body, ((b"content-disposition", name),), CONTENT_TYPE)


def _reached(rights: Rights, of: Mapping[str, T]) -> list[T]:
    """Give what belongs to the services that a device may use, and nothing of the others."""
    return [one for service, one in of.items() if rights.reaches(service)]


def _signed(identity: Identity, body: bytes) -> bytes:
    """Sign a profile; it is good unsigned too, and its one use must not be lost for that."""
    try:
        return identity.sign(body)
    except (ValueError, OSError) as error:
        _log.warning("a profile goes out unsigned: %s", error)
        return body


def _frozen(error: FrozenError, found: Iterable[Freeze], login: str) -> _Answer:
    """Say why, and the first thing to do; not that nothing is lost, for that is the question."""
    words = [str(error)]
    for freeze in found:
        words += [f"Why: {freeze.why.rstrip('.')}.", advice(login, freeze).splitlines()[0]]
    page = pages.refused_page("\n".join(dict.fromkeys(words)), _FROZEN)
    return _Answer(503, page, (_RETRY,))


def _gone() -> _Answer:
    return _Answer(404, pages.gone_page())


def _refused(error: StrongroomError) -> _Answer:
    if isinstance(error, NotFoundError):
        return _gone()
    if isinstance(error, ClientError):
        return _Answer(409, pages.refused_page(str(error), "Ask for another page."))
    if isinstance(error, UnknownError):
        why = "It is not known whether this device is there now."
        again = "Ask for another page, with another name for the device."
        return _Answer(503, pages.refused_page(why, again))
    return _Answer(503, pages.refused_page(str(error), _AGAIN), (_RETRY,))

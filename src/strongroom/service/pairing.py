"""Setting up a phone by a page that works once: an offer, and its one use.

An offer is a secret of 128 bits, kept as a digest, in memory only, for a quarter of an hour.
Looking at it changes nothing, since programs that preview links look too. Its one use makes the
device, and the password exists from that moment on. A use that is refused before anything changed
leaves the offer as it was; one whose ending is unknown has used it up.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final, NamedTuple

from strongroom.base.errors import (
    BusyError,
    ConflictError,
    NotFoundError,
    StrongroomError,
    UnknownError,
)
from strongroom.base.limits import PAIRING_SECONDS, PAIRINGS_MAX
from strongroom.history.edits import Origin
from strongroom.history.entries import DEVICE, Member
from strongroom.ports.cell import Cell
from strongroom.ports.world import Entropy
from strongroom.service.accounts import add_device, check_new_device
from strongroom.service.rights import FULL, Rights

_SECRET_BYTES: Final = 16


class Offer(NamedTuple):
    """A device that may be set up once, until `until` (in seconds of the clock that was given)."""

    login: str
    device: str
    rights: Rights
    until: float


class Pairings:
    """The offers of one run of the server."""

    def __init__(self, seconds: Callable[[], float], entropy: Entropy) -> None:
        """Measure time by `seconds`, which never goes back."""
        self._seconds = seconds
        self._entropy = entropy
        self._offers: dict[bytes, Offer] = {}

    def offer(self, cell: Cell, login: str, device: str, rights: Rights = FULL) -> str:
        """Give the secret of a new offer.

        Raises:
            InvalidError, NotFoundError, ConflictError, FrozenError, SuspendedError: no such device
                may be set up now. Nothing changed.
            BusyError: too many offers are open.
        """
        account = _check(cell, login, device)
        self._forget_old()
        if len(self._offers) >= PAIRINGS_MAX:
            raise BusyError("Too many phones are being set up at once; try again in 15 minutes.")
        secret = urlsafe_b64encode(self._entropy.token(_SECRET_BYTES)).decode().rstrip("=")
        until = self._seconds() + PAIRING_SECONDS
        self._offers[_name(secret)] = Offer(account.href, device, rights, until)
        return secret

    def find(self, secret: str) -> Offer | None:
        """Give an offer that can still be used; looking changes nothing."""
        self._forget_old()
        return self._offers.get(_name(secret))

    def check(self, cell: Cell, offer: Offer) -> None:
        """Raise what `use` would raise now, as far as it can be known."""
        _check(cell, offer.login, offer.device)

    async def use(self, cell: Cell, secret: str) -> tuple[Offer, str]:
        """Set the device up: its one use. Gives the offer and the password.

        Raises:
            NotFoundError: there is no such offer, or no more.
            UnknownError: it is not known whether the device is there; the offer is used up.
            StrongroomError: any other: nothing changed, and the offer stands.
        """
        self._forget_old()
        name = _name(secret)
        offer = self._offers.pop(name, None)
        if offer is None:
            raise NotFoundError("This was used already, or its time is over.")
        by = Origin(request="pairing")
        try:
            password = await add_device(
                cell, offer.login, offer.device, self._entropy, by, offer.rights
            )
        except UnknownError:
            raise
        except StrongroomError:
            self._offers[name] = offer
            raise
        return offer, password

    def _forget_old(self) -> None:
        now = self._seconds()
        self._offers = {name: one for name, one in self._offers.items() if one.until > now}


def _check(cell: Cell, login: str, device: str) -> Member:
    account = check_new_device(cell, login, device)
    if any(one.href == device for one in cell.directory.members(account.id, DEVICE)):
        raise ConflictError(f"{login} has a device of the name {device} already.")
    return account


def _name(secret: str) -> bytes:
    """Look up by a digest, so that the time of a lookup tells nothing of a secret."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()

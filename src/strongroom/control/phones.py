"""Commands about connecting phones: a page that works once, and how the certificate is."""

from __future__ import annotations

from typing import Any, Final

from strongroom import compose
from strongroom.base.errors import SettingsError
from strongroom.base.limits import PAIRING_SECONDS
from strongroom.control.ask import NoServerError
from strongroom.control.room import Call, Room
from strongroom.history.entries import DEVICE
from strongroom.portal.app import PREFIX
from strongroom.service.accounts import find_account
from strongroom.service.rights import choose

_DAY_MS: Final = 86_400_000
_NO_SERVER: Final = (
    "The page for a phone is served by a running server, and none runs. Nothing was changed."
)
_NO_WAY: Final = (
    "No phone can reach this server over an encrypted connection, and a password never crosses a "
    "network without one. Start it with `strongroom serve --lan` (or `make run LAN=1`), or set "
    "public_url and trusted_proxies where a proxy stands in front. Nothing was changed."
)


async def pairing(call: Call) -> dict[str, Any]:
    """Offer a page that sets up one phone, once."""
    given = call.given
    rights = choose(given["services"], given["read_only"])
    address = offer(call.room, given["login"], given["name"], rights=rights)
    return {
        "login": given["login"],
        "name": given["name"],
        "url": address,
        "seconds": int(PAIRING_SECONDS),
        "fingerprint": strange_fingerprint(call.room),
    }


def strange_fingerprint(room: Room) -> str:
    """Give the fingerprint that a person must compare; "" where phones know the authority."""
    certificate = room.certificate
    return certificate.facts.fingerprint if certificate and certificate.is_local() else ""


def offer(room: Room, login: str, device: str, **more: Any) -> str:
    """Give the address of a new page.

    Raises:
        NoServerError, SettingsError: no page can be served that a phone may be sent to.
        StrongroomError: as service/pairing.py says.
    """
    cell = room.open_cell()
    if room.pairings is None:
        raise NoServerError(_NO_SERVER)
    if not room.phone_origin:
        raise SettingsError(_NO_WAY)
    secret = room.pairings.offer(cell, login, device, **more)
    return f"{room.phone_origin}{PREFIX}{secret}/"


def free_name(room: Room, login: str, kind: str = "phone") -> str:
    """Give a name for one more device; raises NotFoundError where there is no such account."""
    directory = room.open_cell().directory
    taken = {one.href for one in directory.members(find_account(directory, login).id, DEVICE)}
    return next(name for n in range(1, len(taken) + 2) if (name := f"{kind} {n}") not in taken)


def certificate_report(room: Room) -> dict[str, Any] | None:
    """Say how the certificate is, as it lies there now; None where none is set."""
    settings = room.parts.settings
    try:
        certificate = room.certificate or compose.live_certificate(settings)
    except SettingsError as error:
        return {"certificate": str(settings.tls_certificate), "trouble": str(error)}
    if certificate is None:
        return None
    certificate.refresh()
    left = certificate.facts.expires_ms - room.parts.clock.now_ms()
    return {**certificate.report(), "days_left": left // _DAY_MS}

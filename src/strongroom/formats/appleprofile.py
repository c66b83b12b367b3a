"""Configuration profiles of Apple's systems: what sets up an account with one tap. Pure.

A profile is a property list. It holds one payload for each service that answers, and the local
authority's certificate where there is one. Its identifiers follow from the account and the device,
so that a profile that is installed again takes the place of the one before.

Not here: signing it (formats/certificates.py) and the password's making.
Source: Apple, "Configuration Profile Reference".
"""

from __future__ import annotations

import plistlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import NAMESPACE_URL, uuid5

CONTENT_TYPE: Final = "application/x-apple-aspen-config"
_ORGANIZATION: Final = "Strongroom"


class Service(NamedTuple):
    """One kind of account: its payload type, the prefix of its keys, and what people call it."""

    payload: str
    prefix: str
    title: str


CONTACTS: Final = Service("com.apple.carddav.account", "CardDAV", "Contacts")
# Reminders are a part of it; both programs ask for what they show.
CALENDARS: Final = Service("com.apple.caldav.account", "CalDAV", "Calendars")


class AppleAccount(NamedTuple):
    """Where an account is and how its device signs in."""

    host: str
    port: int
    principal: str  # the whole address of the principal
    login: str
    password: str
    device: str


def apple_profile(
    account: AppleAccount, services: Sequence[Service], authority_der: bytes | None
) -> bytes:
    """Write the profile, unsigned.

    Args:
        account: the same for all services.
        services: only those that answer; each gets a payload.
        authority_der: the local authority, which the system then offers to trust.
    """
    payloads = [_account_payload(account, service) for service in services]
    if authority_der is not None:
        payloads.append(_authority_payload(account, authority_der))
    titles = " and ".join(service.title for service in services)
    whole = {
        **_head(account, "Configuration", "profile", f"Strongroom ({account.login})"),
        "PayloadDescription": f"{titles} of your own server.",
        "PayloadRemovalDisallowed": False,
        "PayloadContent": payloads,
    }
    return plistlib.dumps(whole)


def _account_payload(account: AppleAccount, service: Service) -> dict[str, Any]:
    values = {
        "AccountDescription": f"Strongroom {service.title}",
        "HostName": account.host,
        "Port": account.port,
        "PrincipalURL": account.principal,
        "UseSSL": True,
        "Username": account.login,
        "Password": account.password,
    }
    head = _head(account, service.payload, service.prefix.lower(), service.title)
    return {**head, **{service.prefix + name: value for name, value in values.items()}}


def _authority_payload(account: AppleAccount, der: bytes) -> dict[str, Any]:
    head = _head(account, "com.apple.security.root", "authority", "Certificate of your server")
    return {**head, "PayloadCertificateFileName": "strongroom-ca.cer", "PayloadContent": der}


def _head(account: AppleAccount, kind: str, part: str, title: str) -> dict[str, Any]:
    identity = uuid5(NAMESPACE_URL, "\0".join((account.principal, account.device, part)))
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"strongroom.{identity}",
        "PayloadUUID": str(identity).upper(),
        "PayloadDisplayName": title,
        "PayloadOrganization": _ORGANIZATION,
    }

"""How phones reach the server: the address on the local network, and what they are told.

Nothing is sent to find out: the system is asked which address it would use. What is decided here
follows from the settings, the certificate and that address.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final

from strongroom import compose
from strongroom.base.errors import SettingsError
from strongroom.base.settings import Settings
from strongroom.formats.hosts import Hosts, local_hosts, local_name, origin_of

_ANYWHERE: Final = ("192.0.2.1", 9)  # RFC 5737: nobody; a datagram socket sends nothing to connect


@dataclass(frozen=True, slots=True)
class Lan:
    """This machine on its local network."""

    address: str
    machine: str  # its host name

    @property
    def name(self) -> str:
        """Give its mDNS name."""
        return local_name(self.machine)

    @property
    def hosts(self) -> Hosts:
        """Give all that it is called there."""
        return local_hosts(self.machine, [self.address])


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ANYWHERE)
        return str(probe.getsockname()[0])


def find_lan(given: str = "", own_address: Callable[[], str] = _own_address) -> Lan:
    """Say where this machine is on its network; `given` is an address to take instead.

    Raises:
        SettingsError: `given` is no address, or there is no network.
    """
    try:
        address = str(ip_address(given)) if given else own_address()
    except ValueError as error:
        raise SettingsError(f"--lan: {given!r} is no IP address of this computer.") from error
    except OSError as error:
        raise SettingsError(
            f"No address on a local network was found ({error.strerror}). Give it: --lan ADDRESS. "
            "Nothing was started."
        ) from error
    return Lan(address, socket.gethostname())


def on_lan(settings: Settings, lan: Lan) -> Settings:
    """Give settings that listen on the local network, over TLS; a certificate is made if need be.

    Raises:
        SettingsError: none can be made.
    """
    if settings.tls_certificate is None:
        authority = compose.local_authority(settings)
        authority.provide(lan.hosts, renew=False)
        settings = replace(settings, tls_certificate=authority.certificate, tls_key=authority.key)
    return replace(settings, host=lan.address)


def loopback(settings: Settings) -> str:
    """Give the loopback address that is listened to beside the local network's."""
    return settings.host if ip_address(settings.host).is_loopback else "127.0.0.1"


def phone_origin(
    settings: Settings, port: int, certificate: compose.LiveCertificate | None, lan: Lan | None
) -> str:
    """Give the address that phones are told; "" where none can reach it, or only unencrypted."""
    if settings.public_url:
        # A proxy that is not believed cannot say that a phone came to it over TLS.
        believed = certificate is not None or settings.trusted_proxies
        return settings.public_url if believed else ""
    if certificate is None:
        return ""
    if lan is not None and certificate.is_local():
        return origin_of(lan.address, port)
    host = ip_address(settings.host)
    if host.is_loopback and lan is None:
        return ""
    hosts = certificate.facts.hosts
    if certificate.is_local():
        outer = [one for one in hosts.addresses if not ip_address(one).is_loopback]
        choice = outer if host.is_unspecified else [settings.host]
    else:
        choice = [name for name in hosts.names if not name.startswith("*")]
    return origin_of(choice[0], port) if choice else ""

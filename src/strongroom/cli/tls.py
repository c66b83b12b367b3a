"""`tls init` and `dns`: a certificate of one's own, and what to publish about the server."""

from __future__ import annotations

import socket
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from strongroom import compose
from strongroom.base.errors import InvalidError, NoCellError, SettingsError
from strongroom.base.settings import Settings
from strongroom.cli.configuration import read_settings
from strongroom.cli.screen import Screen
from strongroom.control.reach import find_lan
from strongroom.formats import FormatError
from strongroom.formats.hosts import Hosts, is_name, local_hosts, split_origin


def run(given: Namespace, screen: Screen) -> None:
    """Run one command of this group."""
    settings = read_settings(given.config)
    if given.command == "dns":
        _dns(settings, given.domain, screen)
    else:
        _init(settings, given.host, screen)


def _init(settings: Settings, more: list[str], screen: Screen) -> None:
    if not settings.data.is_dir():
        raise NoCellError(f"{settings.data} is not there. Nothing was created.")
    try:
        hosts = local_hosts(socket.gethostname(), [], more)
    except FormatError as error:
        raise InvalidError(error.message) from error
    authority = compose.local_authority(settings)
    made = authority.provide(hosts, renew=True, also=Hosts((), _addresses()))
    result = {
        "made": made.what,
        "certificate": str(authority.certificate),
        "key": str(authority.key),
        "authority": str(authority.authority),
        "names": [*made.leaf.hosts.names, *made.leaf.hosts.addresses],
        "fingerprint": made.leaf.fingerprint,
        "authority_fingerprint": made.authority.fingerprint,
        "expires_ms": made.leaf.expires_ms,
    }
    in_use = settings.tls_certificate == authority.certificate
    screen.result(result, init_text(result, in_use=in_use))


def _addresses() -> tuple[str, ...]:
    """Give the address on the local network; none where there is no network."""
    try:
        return (find_lan().address,)
    except SettingsError:
        return ()


def init_text(made: Mapping[str, Any], *, in_use: bool) -> str:
    """Say what was made, and what to do with it; pure."""
    first = (
        "The certificate was renewed under the same local authority; phones notice nothing."
        if made["made"] == "leaf"
        else "A local authority was made, and a certificate of it for this computer."
    )
    use = (
        "A running server reads it within half a minute."
        if in_use
        else "To serve it, add to the configuration:\n"
        f'  tls_certificate = "{made["certificate"]}"\n  tls_key = "{made["key"]}"\n'
        "`strongroom serve --lan` uses it without that."
    )
    return f"""\
{first}
  for                   {", ".join(made["names"])}
  certificate, SHA-256  {made["fingerprint"]}
  authority, SHA-256    {made["authority_fingerprint"]}
  authority's file      {made["authority"]}
{use}"""


def _dns(settings: Settings, domain: str, screen: Screen) -> None:
    domain = domain.lower().rstrip(".")
    if not is_name(domain):
        raise InvalidError(f"{domain!r} is no domain.")
    host, port = _public_place(settings)
    records = dns_records(domain, host, port)
    screen.result({"domain": domain, "records": records}, "\n".join(records))


def _public_place(settings: Settings) -> tuple[str, int]:
    """Give the name and port that the world reaches the server at."""
    if settings.public_url:
        host, port = split_origin(settings.public_url)
    else:
        certificate = compose.live_certificate(settings)
        names = certificate.facts.hosts.names if certificate else ()
        public = [one for one in names if "*" not in one and not one.endswith(".local")]
        host, port = next(iter(public), ""), settings.port
    if not is_name(host) or "." not in host:
        raise SettingsError(
            "No public name of this server is known: set public_url, or a tls_certificate with one."
        )
    return host, port


def dns_records(domain: str, host: str, port: int) -> list[str]:
    """Give the records with which programs find the server by an e-mail address; pure.

    Source: RFC 6764 sections 3 and 4.
    """
    return [
        record
        for service in ("carddav", "caldav")
        for record in (
            f"_{service}s._tcp.{domain}. 86400 IN SRV 0 1 {port} {host}.",
            f'_{service}s._tcp.{domain}. 86400 IN TXT "path=/dav/"',
            f"_{service}._tcp.{domain}.  86400 IN SRV 0 0 0 .",
        )
    ]

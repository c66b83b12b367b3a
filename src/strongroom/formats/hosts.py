"""What a machine is called on its own network: names for a certificate and for people. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, NamedTuple

from strongroom.formats import FormatError

NAME_CHARACTERS_MAX: Final = 253  # RFC 1035 section 2.3.4
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NOT_IN_LABELS: Final = re.compile(r"[^a-z0-9]+")
_NAMELESS: Final = "strongroom"
_LOOPBACK: Final = ("127.0.0.1", "::1")
_IMPLIED: Final = {"http": 80, "https": 443}


class Hosts(NamedTuple):
    """What a server is called: DNS names and IP addresses."""

    names: tuple[str, ...]
    addresses: tuple[str, ...]


def local_name(machine: str) -> str:
    """Give the mDNS name of a machine (`box.local`), whatever its host name is made of."""
    label = _NOT_IN_LABELS.sub("-", machine.lower().partition(".")[0])[:63].strip("-")
    return f"{label or _NAMELESS}.local"


def local_hosts(machine: str, addresses: Iterable[str], more: Iterable[str] = ()) -> Hosts:
    """Give all names and addresses of a machine, the mDNS name first.

    Args:
        machine: its host name.
        addresses: on its networks; loopback is added.
        more: further names and addresses that people use, as a VPN's.

    Raises:
        FormatError: `bad-host`: one of `more` is neither a name nor an address.
    """
    name = local_name(machine)
    names = [name, name.removesuffix(".local"), "localhost"]
    if is_name(machine.lower()):
        names.append(machine.lower())
    found = [*addresses, *_LOOPBACK]
    for one in more:
        if address := _address(one):
            found.append(address)
        elif is_name(one.lower()):
            names.append(one.lower())
        else:
            raise FormatError("bad-host", f"{one!r} is neither a host name nor an address.")
    return Hosts(tuple(dict.fromkeys(names)), tuple(dict.fromkeys(found)))


def origin_of(host: str, port: int, scheme: str = "https") -> str:
    """Write where something answers; a port that the scheme implies is left out."""
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port == _IMPLIED[scheme] else f"{scheme}://{shown}:{port}"


def split_origin(origin: str) -> tuple[str, int]:
    """Give host and port of what `origin_of` wrote."""
    scheme, _, rest = origin.partition("://")
    host, colon, port = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        return rest.removeprefix("[").removesuffix("]"), _IMPLIED[scheme]
    return host.removeprefix("[").removesuffix("]"), int(port)


def hosts_of(origin: str) -> tuple[str, ...]:
    """Give all that a `Host` header may say of an origin: a port that is implied may be named."""
    _, _, rest = origin.partition("://")
    host, port = split_origin(origin)
    whole = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return (rest,) if rest == whole else (rest, whole)


def origins_of(origin: str) -> tuple[str, ...]:
    """Give an origin, and for one on loopback the same by the name that people type."""
    host, port = split_origin(origin)
    if host not in _LOOPBACK:
        return (origin,)
    return (origin, origin_of("localhost", port, origin.partition("://")[0]))


def is_name(text: str) -> bool:
    """Say whether it can be a host name (lower case)."""
    return len(text) <= NAME_CHARACTERS_MAX and _NAME.fullmatch(text) is not None


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""

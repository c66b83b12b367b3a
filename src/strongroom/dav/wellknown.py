"""Where `/.well-known/carddav` and `/.well-known/caldav` lead (RFC 6764 section 5).

Some clients want a whole URL in `Location`, but behind a proxy only its operator knows which one is
right. So it is whole where the request's Host names an address that is known to be ours: the
public one of the settings; without one what is listened to, if nobody passed the request on. All
others get a path, which is right behind every proxy (RFC 9110 section 10.2.2).

Rule: no byte of a request is sent back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from strongroom.dav.routes import WELL_KNOWN_TARGET
from strongroom.formats.hosts import hosts_of, origins_of

# Proxies that hide which host was meant add one of these unasked. nginx adds none, but puts its own
# address in the place of ours (its `proxy_redirect default`).
_PASSED_ON: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host"})


class WellKnown:
    """Knows the addresses of this server."""

    def __init__(self, public: str = "", listening: Iterable[str] = ()) -> None:
        """Take origins (`https://host:port`): the public one ("" = none), and those listened to."""
        self._direct = not public
        origins = [public] if public else [one for door in listening for one in origins_of(door)]
        self._locations = {
            host.encode(): origin.encode() + WELL_KNOWN_TARGET
            for origin in origins
            for host in hosts_of(origin)
        }

    def location(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Give the value of `Location` for a request with these headers."""
        if self._direct and not _PASSED_ON.isdisjoint(headers):
            return WELL_KNOWN_TARGET
        return self._locations.get(headers.get(b"host", b"").lower(), WELL_KNOWN_TARGET)

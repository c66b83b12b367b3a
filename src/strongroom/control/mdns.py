"""Announces the server on the local network by mDNS, so that programs there find it by themselves.

It comes when the server answers and is withdrawn at its end. A network that carries no multicast
stops nothing: the address can be typed.
Source: RFC 6762, RFC 6763; RFC 6764 section 3 (`_carddavs._tcp`, `_caldavs._tcp`, `path`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Final

from zeroconf import Error, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from strongroom.control.reach import Lan

SERVICES: Final = ("_carddavs._tcp.local.", "_caldavs._tcp.local.")
PATH: Final = "/dav/"
_LABEL_CHARACTERS_MAX: Final = 40  # a label has 63 bytes, and a number may follow


def services_of(lan: Lan, port: int) -> list[ServiceInfo]:
    """Say what is announced."""
    machine = lan.name.removesuffix(".local")[:_LABEL_CHARACTERS_MAX]
    return [
        ServiceInfo(
            service, f"Strongroom on {machine}.{service}", port=port, server=f"{lan.name}.",
            addresses=[ip_address(lan.address).packed], properties={"path": PATH},
        )
        for service in SERVICES
    ]  # fmt: skip


@asynccontextmanager
async def announced(lan: Lan, port: int) -> AsyncIterator[str]:
    """Announce it for the block; gives "", or why that cannot be done."""
    # What other machines say wrongly on the network must not fill our log.
    logging.getLogger("zeroconf").setLevel(logging.ERROR)
    async with AsyncExitStack() as stack:
        try:
            zero = AsyncZeroconf(interfaces=[lan.address])
            stack.push_async_callback(zero.async_close)
            stack.push_async_callback(zero.async_unregister_all_services)
            told = (
                zero.async_register_service(one, allow_name_change=True)
                for one in services_of(lan, port)
            )
            await asyncio.gather(*told)
            trouble = ""
        except (Error, OSError) as error:
            trouble = getattr(error, "strerror", None) or str(error) or type(error).__name__
        yield trouble

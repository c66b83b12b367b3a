"""How phones reach the server: addresses, what is told, and the announcement."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from strongroom import compose
from strongroom.base.errors import SettingsError
from strongroom.base.settings import Settings
from strongroom.control.mdns import SERVICES, announced, services_of
from strongroom.control.reach import Lan, find_lan, loopback, on_lan, phone_origin
from strongroom.formats.hosts import Hosts

SETTINGS = Settings("127.0.0.1", 8800, Path("data"), (Path("r1"), Path("r2"), Path("r3")), 2)
BOX = Lan("192.168.1.5", "Box.home.arpa")


def certificate(*names: str, local: bool = True, addresses: tuple[str, ...] = ()) -> Any:
    facts = SimpleNamespace(hosts=Hosts(names, addresses))
    return SimpleNamespace(facts=facts, is_local=lambda: local)


def test_the_address_is_asked_of_the_system_unless_it_is_given() -> None:
    assert find_lan("", lambda: "10.0.0.7").address == "10.0.0.7"
    assert find_lan("127.0.0.1", lambda: "10.0.0.7").address == "127.0.0.1"


def test_what_is_no_address_is_refused() -> None:
    with pytest.raises(SettingsError, match="no IP address"):
        find_lan("box.local")


def test_without_a_network_it_says_how_to_name_an_address() -> None:
    def unreachable() -> str:
        raise OSError(101, "Network is unreachable")

    with pytest.raises(SettingsError, match="--lan ADDRESS"):
        find_lan("", unreachable)


def test_a_machine_is_called_by_its_local_name() -> None:
    assert BOX.name == "box.local"
    assert BOX.hosts.addresses == ("192.168.1.5", "127.0.0.1", "::1")


def test_a_lan_without_a_certificate_gets_one(tmp_path: Path) -> None:
    settings = on_lan(replace(SETTINGS, data=tmp_path), BOX)
    assert settings.host == "192.168.1.5"
    live = compose.live_certificate(settings)
    assert live is not None
    assert live.is_local()
    assert set(BOX.hosts.addresses) <= set(live.facts.hosts.addresses)


def test_a_certificate_of_ones_own_is_kept(tmp_path: Path) -> None:
    own = replace(SETTINGS, data=tmp_path, tls_certificate=Path("c"), tls_key=Path("k"))
    assert on_lan(own, BOX) == replace(own, host="192.168.1.5")
    assert list(tmp_path.iterdir()) == []


def test_loopback_stays_where_the_settings_have_it() -> None:
    assert loopback(SETTINGS) == "127.0.0.1"
    assert loopback(replace(SETTINGS, host="::1")) == "::1"
    assert loopback(replace(SETTINGS, host="0.0.0.0")) == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "public", "tls", "lan", "told"),
    [
        ("127.0.0.1", "", None, None, ""),
        ("127.0.0.1", "", certificate("box.local"), None, ""),
        ("127.0.0.1", "https://a.example", None, None, ""),
        ("127.0.0.1", "https://a.example", certificate("x"), None, "https://a.example"),
        ("192.168.1.5", "", certificate("box.local"), BOX, "https://192.168.1.5:8800"),
        ("192.168.1.5", "", certificate("box.local"), None, "https://192.168.1.5:8800"),
        ("0.0.0.0", "", certificate("box.local", addresses=("127.0.0.1", "10.0.0.7")), None,
         "https://10.0.0.7:8800"),
        ("0.0.0.0", "", certificate("box.local"), None, ""),
        ("0.0.0.0", "", certificate("*.a.example", "a.example", local=False), None,
         "https://a.example:8800"),
        ("192.168.1.5", "", certificate("a.example", local=False), BOX, "https://a.example:8800"),
        ("192.168.1.5", "", certificate("*.a.example", local=False), BOX, ""),
    ],
)  # fmt: skip
def test_phones_are_told_an_address_that_they_can_reach_and_verify(
    host: str, public: str, tls: Any, lan: Lan | None, told: str
) -> None:
    settings = replace(SETTINGS, host=host, public_url=public)
    assert phone_origin(settings, 8800, cast(Any, tls), lan) == told


def test_behind_a_proxy_that_is_believed_phones_are_told_its_address() -> None:
    proxied = replace(SETTINGS, public_url="https://a.example", trusted_proxies=("127.0.0.1",))
    assert phone_origin(proxied, 8800, None, None) == "https://a.example"


@pytest.mark.rfc("6764", "3", "4")
def test_what_is_announced_names_the_service_the_machine_and_the_path() -> None:
    assert SERVICES == ("_carddavs._tcp.local.", "_caldavs._tcp.local.")
    for service, info in zip(SERVICES, services_of(BOX, 8800), strict=True):
        assert (info.type, info.name) == (service, f"Strongroom on box.{service}")
        assert (info.server, info.port) == ("box.local.", 8800)
        assert info.properties == {b"path": b"/dav/"}
        assert info.parsed_addresses() == ["192.168.1.5"]
    assert all(len(info.name) < 100 for info in services_of(Lan("::1", "b" * 80), 1))


class Silent(AsyncZeroconf):
    """A network without multicast."""

    async def async_register_service(self, *_: Any, **__: Any) -> Any:
        raise OSError(113, "No route to host")


def test_a_network_without_multicast_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("strongroom.control.mdns.AsyncZeroconf", Silent)

    async def main() -> str:
        async with announced(Lan("127.0.0.1", "box"), 8800) as trouble:
            return trouble

    assert asyncio.run(main()) == "No route to host"


async def _found(machine: str, service: str) -> ServiceInfo | None:
    zero = AsyncZeroconf(interfaces=["127.0.0.1"])
    try:
        info = AsyncServiceInfo(service, f"Strongroom on {machine}.{service}")
        return info if await info.async_request(zero.zeroconf, 1500) else None
    finally:
        await zero.async_close()


@pytest.mark.parametrize("service", SERVICES)
def test_another_program_finds_what_is_announced_and_not_after_the_end(service: str) -> None:
    machine = f"{socket.gethostname()}-test"

    async def main() -> tuple[ServiceInfo | None, ServiceInfo | None]:
        async with announced(Lan("127.0.0.1", machine), 8801) as trouble:
            if trouble:
                pytest.skip(f"loopback carries no multicast here: {trouble}")
            during = await _found(machine, service)
        return during, await _found(machine, service)

    during, after = asyncio.run(main())
    assert during is not None
    assert (during.port, during.properties) == (8801, {b"path": b"/dav/"})
    assert after is None

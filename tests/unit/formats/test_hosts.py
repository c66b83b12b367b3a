"""Names of a machine on its own network."""

from __future__ import annotations

import pytest

from strongroom.formats import FormatError
from strongroom.formats.hosts import (
    Hosts,
    hosts_of,
    local_hosts,
    local_name,
    origin_of,
    origins_of,
    split_origin,
)


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("box", "box.local"),
        ("Box.home.arpa", "box.local"),
        ("anna's Mac_Book", "anna-s-mac-book.local"),
        ("", "strongroom.local"),
        ("-é-", "strongroom.local"),
        ("a" * 90, "a" * 63 + ".local"),
    ],
)
def test_every_machine_has_a_local_name(machine: str, name: str) -> None:
    assert local_name(machine) == name


def test_all_names_and_addresses_are_told_once() -> None:
    assert local_hosts("box", ["192.168.1.5"]) == Hosts(
        ("box.local", "box", "localhost"), ("192.168.1.5", "127.0.0.1", "::1")
    )
    assert local_hosts("box.home.arpa", ["127.0.0.1"], ["Box.VPN", "10.0.0.1", "box"]) == Hosts(
        ("box.local", "box", "localhost", "box.home.arpa", "box.vpn"),
        ("127.0.0.1", "::1", "10.0.0.1"),
    )
    assert local_hosts("my_box", []).names == ("my-box.local", "my-box", "localhost")


@pytest.mark.parametrize("more", ["a b", "", "-a", "a..b", "a" * 254, "*.example.org"])
def test_what_is_neither_name_nor_address_is_refused(more: str) -> None:
    with pytest.raises(FormatError, match="neither"):
        local_hosts("box", [], [more])


@pytest.mark.parametrize(
    ("host", "port", "scheme", "origin"),
    [
        ("box.local", 8800, "https", "https://box.local:8800"),
        ("box.local", 443, "https", "https://box.local"),
        ("::1", 443, "http", "http://[::1]:443"),
        ("127.0.0.1", 80, "http", "http://127.0.0.1"),
    ],
)
def test_an_origin_is_written_as_people_type_it(
    host: str, port: int, scheme: str, origin: str
) -> None:
    assert origin_of(host, port, scheme) == origin


@pytest.mark.parametrize("host", ["box.local", "::1", "127.0.0.1"])
@pytest.mark.parametrize("port", [80, 443, 8800])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_origin_is_taken_apart_again(host: str, port: int, scheme: str) -> None:
    assert split_origin(origin_of(host, port, scheme)) == (host, port)


@pytest.mark.parametrize(
    ("origin", "hosts"),
    [
        ("https://box.local", ("box.local", "box.local:443")),
        ("https://box.local:8800", ("box.local:8800",)),
        ("http://[::1]", ("[::1]", "[::1]:80")),
        ("http://[::1]:443", ("[::1]:443",)),
    ],
)
def test_a_host_header_may_name_a_port_that_is_implied(origin: str, hosts: tuple[str]) -> None:
    assert hosts_of(origin) == hosts


@pytest.mark.parametrize(
    ("origin", "more"),
    [
        ("http://127.0.0.1:8800", ("http://localhost:8800",)),
        ("https://[::1]", ("https://localhost",)),
        ("https://192.168.1.5:8800", ()),
        ("https://0.0.0.0:8800", ()),
    ],
)
def test_what_listens_on_loopback_is_localhost_too(origin: str, more: tuple[str, ...]) -> None:
    assert origins_of(origin) == (origin, *more)

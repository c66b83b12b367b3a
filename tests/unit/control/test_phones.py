"""Commands about connecting phones, over a cell in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fakes.cell import FakeCell
from fakes.world import FakeEntropy
from strongroom import compose
from strongroom.base.errors import FrozenError, InvalidError, NotFoundError, SettingsError
from strongroom.base.settings import Settings
from strongroom.compose import Parts
from strongroom.control.ask import NoServerError
from strongroom.control.phones import certificate_report, free_name
from strongroom.control.protocol import Request
from strongroom.control.room import Room
from strongroom.control.table import run
from strongroom.formats.hosts import Hosts
from strongroom.mirror.cell import MirrorCell
from strongroom.service.pairing import Pairings
from strongroom.stores.clock import SystemClock

ORIGIN = "https://192.168.1.5:8800"


class Desk:
    """A running server as far as these commands need one."""

    def __init__(self, place: Path) -> None:
        self.cell = FakeCell()
        settings = Settings("127.0.0.1", 0, place, (), 0)
        parts = SimpleNamespace(entropy=FakeEntropy(), settings=settings, clock=SystemClock())
        self.room = Room(cast(Parts, parts), cast(MirrorCell, self.cell), serving=True)
        self.room.pairings = Pairings(lambda: 0.0, parts.entropy)
        self.room.phone_origin = ORIGIN
        self.do("account add", login="anna", name="", email="")

    def do(self, command: str, **arguments: Any) -> dict[str, Any]:
        return asyncio.run(run(self.room, Request(command, arguments), lambda text: None))

    def pair(self, login: str = "anna", **changed: Any) -> dict[str, Any]:
        given = {"login": login, "name": "phone", "services": [], "read_only": False, **changed}
        return self.do("device pair", **given)

    def set(self, **settings: Any) -> None:
        parts = cast(Any, self.room.parts)
        parts.settings = replace(parts.settings, **settings)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_page_is_offered_below_the_address_that_phones_reach(desk: Desk):
    told = desk.pair()
    assert told["url"].startswith(f"{ORIGIN}/pair/")
    assert told["seconds"] == 900
    assert "password" not in told


def test_without_a_server_or_an_encrypted_way_it_says_what_to_do(desk: Desk):
    desk.room.phone_origin = ""
    with pytest.raises(SettingsError, match="serve --lan"):
        desk.pair()
    desk.room.pairings = None
    with pytest.raises(NoServerError, match="none runs"):
        desk.pair()


def test_a_frozen_account_and_a_stranger_get_no_page(desk: Desk):
    with pytest.raises(NotFoundError):
        desk.pair("bert")
    with pytest.raises(InvalidError):
        desk.pair(services=["teleport"])
    account = desk.cell.directory.account("anna")
    assert account is not None
    asyncio.run(desk.cell.freeze(account.id, "account", "why", "token:1"))
    with pytest.raises(FrozenError):
        desk.pair()


def test_a_new_phone_gets_a_name_that_is_free(desk: Desk):
    assert free_name(desk.room, "anna") == "phone 1"
    for name in ("phone 1", "phone 3"):
        desk.do("device add", login="anna", name=name, services=[], read_only=False)
    assert free_name(desk.room, "anna") == "phone 2"


def test_without_a_certificate_there_is_nothing_to_report(desk: Desk):
    assert certificate_report(desk.room) is None


def test_a_certificate_is_reported_with_its_days_whether_or_not_it_is_served(desk: Desk):
    authority = compose.local_authority(desk.room.parts.settings)
    authority.provide(Hosts(("box.local",), ()), renew=True)
    desk.set(tls_certificate=authority.certificate, tls_key=authority.key)
    told = certificate_report(desk.room)
    assert told is not None
    assert (told["local"], told["trouble"], told["days_left"]) == (True, "", 396)
    desk.room.certificate = compose.live_certificate(desk.room.parts.settings)
    assert certificate_report(desk.room) == told
    assert desk.pair()["fingerprint"] == told["fingerprint"]


def test_a_certificate_that_is_not_there_is_trouble(desk: Desk, tmp_path: Path):
    desk.set(tls_certificate=tmp_path / "no.pem", tls_key=tmp_path / "no.key")
    told = certificate_report(desk.room)
    assert told is not None
    assert "cannot be used" in told["trouble"]

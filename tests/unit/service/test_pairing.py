"""Offers: one use, a quarter of an hour, a bounded number, and what a refusal leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fakes.cell import FakeCell
from fakes.world import FakeEntropy
from strongroom.base.errors import (
    BusyError,
    ConflictError,
    FrozenError,
    InvalidError,
    NoSpaceError,
    NotFoundError,
    SuspendedError,
    UnknownError,
)
from strongroom.base.limits import PAIRING_SECONDS, PAIRINGS_MAX
from strongroom.history.edits import Origin
from strongroom.history.entries import DEVICE
from strongroom.service.accounts import add_account, add_device, sign_in, suspend
from strongroom.service.pairing import Pairings
from strongroom.service.rights import choose, rights_of


class Desk:
    def __init__(self) -> None:
        self.cell = FakeCell()
        self.entropy = FakeEntropy()
        self.now = 1000.0
        self.pairings = Pairings(lambda: self.now, self.entropy)
        self.run(add_account(self.cell, "anna", self.entropy, Origin()))

    def run(self, job: Any) -> Any:
        return asyncio.run(job)

    def offer(self, device: str = "phone") -> str:
        return self.pairings.offer(self.cell, "anna", device)

    def use(self, secret: str) -> str:
        offer, password = self.run(self.pairings.use(self.cell, secret))
        assert (offer.login, offer.device) == ("anna", "phone")
        return str(password)

    def devices(self) -> list[str]:
        account = self.cell.directory.account("anna")
        assert account is not None
        return [one.href for one in self.cell.directory.members(account.id, DEVICE)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_offer_makes_no_device_and_its_one_use_does(desk: Desk) -> None:
    secret = desk.offer()
    assert desk.pairings.find(secret) is not None
    assert desk.devices() == []
    password = desk.use(secret)
    assert sign_in(desk.cell.directory, "anna", password) is not None


def test_an_offer_is_used_once(desk: Desk) -> None:
    secret = desk.offer()
    desk.use(secret)
    assert desk.pairings.find(secret) is None
    with pytest.raises(NotFoundError):
        desk.use(secret)
    assert desk.devices() == ["phone"]


def test_two_uses_at_once_make_one_device(desk: Desk) -> None:
    secret = desk.offer()

    async def both() -> list[Any]:
        uses = [desk.pairings.use(desk.cell, secret) for _ in range(2)]
        return await asyncio.gather(*uses, return_exceptions=True)

    first, second = desk.run(both())
    assert isinstance(second, NotFoundError)
    assert sign_in(desk.cell.directory, "anna", first[1]) is not None


def test_an_offer_ends_after_a_quarter_of_an_hour(desk: Desk) -> None:
    secret = desk.offer()
    desk.now += PAIRING_SECONDS - 1
    assert desk.pairings.find(secret) is not None
    desk.now += 1
    assert desk.pairings.find(secret) is None
    with pytest.raises(NotFoundError):
        desk.use(secret)
    assert desk.devices() == []


def test_secrets_have_128_bits_and_differ(desk: Desk) -> None:
    first, second = desk.offer(), desk.offer("tablet")
    assert len(first) == len(second) == 22
    assert first != second


def test_open_offers_are_bounded_and_old_ones_make_room(desk: Desk) -> None:
    for number in range(PAIRINGS_MAX):
        desk.offer(f"phone {number}")
    with pytest.raises(BusyError):
        desk.offer("one more")
    desk.now += PAIRING_SECONDS
    assert desk.offer("one more")


@pytest.mark.parametrize(
    ("login", "device", "error"),
    [
        ("bert", "phone", NotFoundError),
        ("anna", "a\x00b", InvalidError),
        ("anna", "", InvalidError),
    ],
)
def test_what_could_never_be_used_is_not_offered(
    desk: Desk, login: str, device: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        desk.pairings.offer(desk.cell, login, device)


def test_a_device_that_is_there_is_not_offered(desk: Desk) -> None:
    desk.run(add_device(desk.cell, "anna", "phone", desk.entropy, Origin()))
    with pytest.raises(ConflictError):
        desk.offer()


def test_a_frozen_account_gets_no_device_and_keeps_its_offer(desk: Desk) -> None:
    secret = desk.offer()
    account = desk.cell.directory.account("anna")
    assert account is not None
    desk.run(desk.cell.freeze(account.id, "account", "why", "token:1"))
    for call in (desk.offer, lambda: desk.use(secret)):
        with pytest.raises(FrozenError):
            call()
    assert desk.pairings.find(secret) is not None
    assert desk.devices() == []


def test_a_suspended_account_gets_no_device(desk: Desk) -> None:
    secret = desk.offer()
    desk.run(suspend(desk.cell, "anna", "unpaid", Origin()))
    with pytest.raises(SuspendedError, match="unpaid"):
        desk.use(secret)


def test_a_refused_use_leaves_the_offer_and_an_unknown_one_ends_it(desk: Desk) -> None:
    secret = desk.offer()
    desk.cell.refuse = NoSpaceError()
    with pytest.raises(NoSpaceError):
        desk.use(secret)
    desk.cell.refuse = UnknownError()
    with pytest.raises(UnknownError):
        desk.use(secret)
    desk.cell.refuse = None
    assert desk.pairings.find(secret) is None


def test_the_device_has_the_rights_that_were_chosen_with_the_offer(desk: Desk) -> None:
    rights = choose(["contacts"], True)
    secret = desk.pairings.offer(desk.cell, "anna", "phone", rights)
    desk.use(secret)
    account = desk.cell.directory.account("anna")
    assert account is not None
    (device,) = desk.cell.directory.members(account.id, DEVICE)
    assert rights_of(device.facts) == rights

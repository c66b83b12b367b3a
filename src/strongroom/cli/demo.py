"""`demo`: an account with sample contacts, a fresh password, and how to connect.

Used by `make run` before it serves: the cell is opened under the locks and left closed. Contacts
are put there on the first start only; what a person does with them afterwards stays.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Final

from strongroom.base.settings import Settings
from strongroom.cli.configuration import read_settings
from strongroom.cli.demo_cards import cards
from strongroom.cli.screen import Screen
from strongroom.control.perform import here
from strongroom.control.room import Room, origin
from strongroom.history.entries import DEVICE
from strongroom.service.accounts import DEFAULT_BOOK, add_account, add_device
from strongroom.service.collections import ABSENT
from strongroom.service.objects import put_card

LOGIN: Final = "demo"


def run(given: Namespace, screen: Screen) -> None:
    """Make the account if it is not there, and a device for this start."""
    settings = read_settings(given.config)
    made, device, password = here(settings, _prepare, needs_cell=True)
    address = _address(settings)
    screen.result(
        {"address": address, "login": LOGIN, "password": password, "contacts": made},
        _text(address, made, device, password),
    )


async def _prepare(room: Room) -> tuple[int, str, str]:
    cell = room.open_cell()
    made = 0
    if cell.directory.account(LOGIN) is None:
        home = (await add_account(cell, LOGIN, room.parts.entropy, origin("demo"))).id
        book = cell.directory.collection(home, DEFAULT_BOOK)
        assert book is not None
        samples = cards()
        puts = (put_card(cell, book, c.href, c.body, ABSENT, origin("demo")) for c in samples)
        made = len(await asyncio.gather(*puts))
    account = cell.directory.account(LOGIN)
    assert account is not None
    taken = {member.href for member in cell.directory.members(account.id, DEVICE)}
    number = next(n for n in range(1, len(taken) + 2) if f"start {n}" not in taken)
    device = f"start {number}"
    password = await add_device(cell, LOGIN, device, room.parts.entropy, origin("demo"))
    return made, device, password


def _address(settings: Settings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}"


def _text(address: str, made: int, device: str, password: str) -> str:
    contacts = f"with {made} sample contacts" if made else "as you left it"
    return f"""\
Strongroom, with a demo account {contacts}.

  address   {address}/
  login     {LOGIN}
  password  {password}   (device "{device}"; shown this once)

How to connect, from a program on this computer:
  Thunderbird   Address Book > New Address Book > Add CardDAV Address Book:
                user name {LOGIN}, location {address}/
  vdirsyncer    type = "carddav", url = "{address}/"
  curl          curl -u {LOGIN}:{password} -X PROPFIND -H "Depth: 1" \\
                {address}/dav/addressbooks/{LOGIN}/contacts/

Phones (DAVx5 on Android, the iPhone's own Contacts) cannot reach it yet: this release listens on
this computer only, since it has no encryption (TLS) of its own. Both come with the next release;
the address, login and password are entered there in the same way.
"""

"""`demo`: an account with sample contacts, a fresh password, and how to connect.

Used by `make run` before it serves: the cell is opened under the locks and left closed. Contacts
are put there on the first start only; what a person does with them afterwards stays.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from typing import Final

from strongroom import compose
from strongroom.cli.configuration import read_settings
from strongroom.cli.demo_cards import cards
from strongroom.cli.screen import Screen
from strongroom.control.perform import here
from strongroom.control.phones import free_name
from strongroom.control.reach import loopback
from strongroom.control.room import Room, origin
from strongroom.control.table import Needs
from strongroom.formats.hosts import origin_of
from strongroom.service.accounts import DEFAULT_BOOK, add_account, add_device
from strongroom.service.collections import ABSENT
from strongroom.service.objects import put_card

LOGIN: Final = "demo"
_PHONES: Final = """
Phones (DAVx5 on Android, the iPhone's own Contacts): stop this and `make run LAN=1`. It then
listens in your network too, encrypted (TLS), and shows a code that sets up a phone in a minute.
"""


def run(given: Namespace, screen: Screen) -> None:
    """Make the account if it is not there, and a device for this start."""
    settings = read_settings(given.config)
    made, device, password = here(settings, _prepare, Needs.OPEN)
    authority = ""
    if given.lan and settings.tls_certificate is None:
        authority = str(compose.local_authority(settings).authority)
    encrypted = given.lan or settings.tls_certificate is not None
    address = origin_of(loopback(settings), settings.port, "https" if encrypted else "http")
    text = _text(address, made, device, password)
    screen.result(
        {"address": address, "login": LOGIN, "password": password, "contacts": made},
        text + (_authority_text(authority) if given.lan else _PHONES),
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
    device = free_name(room, LOGIN, "start")
    password = await add_device(cell, LOGIN, device, room.parts.entropy, origin("demo"))
    return made, device, password


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
"""


def _authority_text(authority: str) -> str:
    if not authority:
        return "\nPhones: the code below sets one up.\n"
    return (
        "\nPhones: the code below sets one up. Programs here are told to trust the authority, as\n"
        f"  curl --cacert {authority} ...\n"
    )

"""`demo`: an account with samples, a fresh password, and how to connect.

Used by `make run` before it serves: the cell is opened under the locks and left closed. Samples
are put there on the first start only; what a person does with them afterwards stays.
"""

from __future__ import annotations

import asyncio
from argparse import Namespace
from datetime import UTC, date, datetime
from shlex import quote
from typing import Final, NamedTuple

from strongroom import compose
from strongroom.cli.configuration import read_settings
from strongroom.cli.demo_cards import cards
from strongroom.cli.demo_events import samples
from strongroom.cli.screen import Screen
from strongroom.control.perform import here
from strongroom.control.phones import free_name
from strongroom.control.reach import loopback
from strongroom.control.room import Room, origin
from strongroom.control.table import Needs
from strongroom.formats.hosts import origin_of
from strongroom.ports.cell import Cell
from strongroom.ports.world import Clock
from strongroom.service.accounts import DEFAULT_BOOK, add_account, add_device
from strongroom.service.beginnings import begin
from strongroom.service.collections import ABSENT
from strongroom.service.kinds import CALENDAR
from strongroom.service.objects import put_object

LOGIN: Final = "demo"
_PHONES: Final = """
Phones (DAVx5 on Android; Contacts, Calendar and Reminders of an iPhone): stop this and `make run
LAN=1`. It then listens in your network too, encrypted (TLS), and shows a code that sets up a phone
in a minute.
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
        {"address": address, "login": LOGIN, "password": password, **made._asdict()},
        text + (_authority_text(authority) if given.lan else _PHONES),
    )


class Made(NamedTuple):
    """How many samples were put there."""

    contacts: int = 0
    events: int = 0  # tasks and notes too


async def _prepare(room: Room) -> tuple[Made, str, str]:
    cell = room.open_cell()
    made = Made()
    if cell.directory.account(LOGIN) is None:
        account = await add_account(cell, LOGIN, room.parts.entropy, origin("demo"))
        await begin(cell, account)
        made = await _fill(cell, account.id, _today(room.parts.clock))
    device = free_name(room, LOGIN, "start")
    password = await add_device(cell, LOGIN, device, room.parts.entropy, origin("demo"))
    return made, device, password


def _today(clock: Clock) -> date:
    return datetime.fromtimestamp(clock.now_ms() / 1000, UTC).date()


async def _fill(cell: Cell, home: int, today: date) -> Made:
    people = [(DEFAULT_BOOK, card.href, card.body) for card in cards()]
    events = [(CALENDAR.stands(one.calendar), one.href, one.body) for one in samples(today)]

    async def put(name: str, href: str, body: bytes) -> None:
        collection = cell.directory.collection(home, name)
        assert collection is not None
        await put_object(cell, collection, href, body, ABSENT, origin("demo"))

    await asyncio.gather(*(put(*row) for row in [*people, *events]))
    return Made(len(people), len(events))


def _text(address: str, made: Made, device: str, password: str) -> str:
    what = f"with {made.contacts} sample contacts and {made.events} events, tasks and notes"
    return f"""\
Strongroom, with a demo account {what if made.contacts else "as you left it"}.

  address   {address}/
  login     {LOGIN}
  password  {password}   (device "{device}"; shown this once)

How to connect, from a program on this computer:
  Thunderbird   Address Book > New Address Book > Add CardDAV Address Book:
                user name {LOGIN}, location {address}/
                Calendar > New Calendar > On the Network: the same
  vdirsyncer    type = "carddav" or "caldav", url = "{address}/"
  curl          curl -u {LOGIN}:{password} -X PROPFIND -H "Depth: 1" \\
                {address}/dav/addressbooks/{LOGIN}/contacts/
"""


def _authority_text(authority: str) -> str:
    if not authority:
        return "\nPhones: the code below sets one up.\n"
    return (
        "\nPhones: the code below sets one up. Programs here are told to trust the authority, as\n"
        f"  curl --cacert {quote(authority)} ...\n"
    )

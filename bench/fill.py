"""Filling an address book by PUT, for the load and for the stores that need it before."""

from itertools import count

from bench import dav
from bench.cards import card, uid
from bench.load import Act, Bound, drive
from bench.process import ServerError
from bench.wire import Connection, Target

FIRST_NEW = 10_000_000
CONNECTIONS = 32
FILL_S = 3600.0


def new_contacts(book: str, first: int = FIRST_NEW) -> Act:
    """PUT a contact that was never there, as DAVx5 does: with If-None-Match."""
    numbers = count(first)

    async def put(connection: Connection, _slot: int) -> None:
        number = next(numbers)
        path = f"{book}{uid(number)}.vcf"
        (await connection.ask("PUT", path, dav.NEW, card(number))).expect(201, 204)

    return put


async def fill(target: Target, book: str, contacts: int) -> None:
    """PUT this many contacts, numbered from 0; every one must be acknowledged."""
    tally = await drive(target, CONNECTIONS, new_contacts(book, 0), Bound(contacts, FILL_S))
    if tally.ops != contacts:
        raise ServerError(f"filled {tally.ops} of {contacts}: {tally.said}")

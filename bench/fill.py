"""Filling an address book by PUT, for the load and for the stores that need it before."""

from collections.abc import Callable
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
    return new_objects(lambda number: (f"{book}{uid(number)}.vcf", card(number)), dav.NEW, first)


def new_objects(make: Callable[[int], tuple[str, bytes]], headers: str, first: int) -> Act:
    """PUT objects that were never there; `make` gives path and body of a number."""
    numbers = count(first)

    async def put(connection: Connection, _slot: int) -> None:
        path, body = make(next(numbers))
        (await connection.ask("PUT", path, headers, body)).expect(201, 204)

    return put


async def fill(target: Target, book: str, contacts: int) -> None:
    """PUT this many contacts, numbered from 0; every one must be acknowledged."""
    await fill_with(target, new_contacts(book, 0), contacts)


async def fill_with(target: Target, act: Act, objects: int) -> None:
    """PUT this many objects; every one must be acknowledged."""
    tally = await drive(target, CONNECTIONS, act, Bound(objects, FILL_S))
    if tally.ops != objects:
        raise ServerError(f"filled {tally.ops} of {objects}: {tally.said}")

"""Fill a cell whose server is stopped: the same engine, writer and replicas, without HTTP.

    python -m bench.filler CONFIG OBJECTS

Every card goes through the rule book and three fsynced replicas as a PUT does; only the way in is
shorter, so that a million takes minutes. Books hold 10,000 each and are called book0, book1, ...
"""

import asyncio
import sys
import time
from pathlib import Path

import uvloop

from bench.adapter import LOGIN
from bench.cards import card, uid
from strongroom import compose
from strongroom.base.settings import Settings, parse
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Origin
from strongroom.history.entries import Member
from strongroom.ports.cell import Cell
from strongroom.service.accounts import find_account
from strongroom.service.collections import make_collection
from strongroom.service.objects import put_object

PER_BOOK = 10_000
AT_ONCE = 512  # two full batches: one is written while the next waits


async def fill(settings: Settings, objects: int) -> None:
    """Fill so many objects, numbered from 0."""
    async with compose.open_parts(settings) as parts, parts.open_cell() as cell:
        home = find_account(cell.directory, LOGIN).id
        began = time.perf_counter()
        for first in range(0, objects, PER_BOOK):
            book = await make_collection(cell, home, f"book{first // PER_BOOK}", {}, Origin())
            there = min(first + PER_BOOK, objects)
            await _fill_book(cell, book, range(first, there))
            rate = there / (time.perf_counter() - began)
            print(f"  filled {there:,} of {objects:,} ({rate:,.0f}/s)", flush=True)


async def _fill_book(cell: Cell, book: Member, numbers: range) -> None:
    left = iter(numbers)

    async def work() -> None:
        for number in left:
            name, body = f"{uid(number)}.vcf", card(number)
            await put_object(cell, book, name, body, Precondition(), Origin())

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())


if __name__ == "__main__":
    config = Path(sys.argv[1])
    uvloop.run(fill(parse(config.read_text(), config.parent), int(sys.argv[2])))

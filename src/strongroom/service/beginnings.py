"""The calendars that an account begins with, made when somebody first asks it for calendars.

That they were made is a fact of the account, so they are made once: what their owner removes does
not come back.
"""

from __future__ import annotations

from typing import Final

from strongroom.base.errors import PreconditionError
from strongroom.formats.conditions import Precondition
from strongroom.history.edits import Origin, Put, Together
from strongroom.history.entries import COLLECTION, Key, Member, canonical, digest_of
from strongroom.ports.cell import Cell
from strongroom.service.access import check_home
from strongroom.service.collections import ABSENT, calendar_data, display_name
from strongroom.service.kinds import CALENDAR

_BEGUN: Final = "calendars"
_MARK: Final = f'"{_BEGUN}":'
# Apple's Reminders shows a list only where a calendar takes tasks alone.
_FIRST: Final = (
    (CALENDAR.first, "Calendar", ("VEVENT",)),
    ("tasks", "Tasks", ("VTODO",)),
    ("notes", "Notes", ("VJOURNAL",)),
)


def has_begun(account: Member) -> bool:
    """Say whether the account was given its first calendars."""
    return _MARK in account.data


async def begin(cell: Cell, account: Member) -> None:
    """Give an account its first calendars, in one batch with the fact that it has them.

    Raises:
        FrozenError: the account is frozen; nothing changed.
        StrongroomError: they could not be made now. Nothing changed, or the ending is unknown.
    """
    check_home(cell, account.id)
    origin = Origin(request="first calendars")
    facts = canonical({**account.facts, _BEGUN: True})
    when = Precondition(match=frozenset({account.etag}))
    edits = [Put(account.key, digest_of(facts.encode()), facts, origin, when)]
    for name, title, components in _FIRST:
        data = calendar_data(components)
        key = Key(account.id, COLLECTION, CALENDAR.stands(name))
        props = canonical(display_name(title))
        edits.append(Put(key, digest_of(data.encode()), data, origin, ABSENT, props=props))
    try:
        await cell.submit(Together(tuple(edits)), {})
    except PreconditionError:
        return  # another request of the same moment made them

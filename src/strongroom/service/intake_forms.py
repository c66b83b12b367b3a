"""What an import must know of each kind of object: how it is made ready, merged and known again.

A kind is a line of a table, by the type of its collection.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from strongroom.base.errors import InvalidError
from strongroom.formats import FormatError, calendarmerge
from strongroom.formats.calendardialects import mended_object
from strongroom.formats.carddialects import mended
from strongroom.formats.cardlikeness import Likeness, likeness, members_of
from strongroom.formats.cardmerge import merge
from strongroom.formats.cardstream import Piece
from strongroom.formats.vcard import check
from strongroom.history.entries import Member, digest_of
from strongroom.service.content import Content, data_of, read_content
from strongroom.service.kinds import CALENDAR
from strongroom.service.objects import names_for


class Ready(NamedTuple):
    """An object that can be kept; `said` tells what had to be done to it."""

    piece: Piece
    body: bytes
    digest: str
    data: str  # of its row
    uid: str
    said: tuple[str, ...]


class Union(NamedTuple):
    """What two objects are together; `said` tells where they contradict each other."""

    body: bytes
    digest: str
    data: str
    said: tuple[str, ...]


class Form(NamedTuple):
    """What must be known of a kind of object: cards here, others by their own."""

    ready: Callable[[Piece], Ready]  # raises FormatError
    merge: Callable[[bytes, bytes], Union]  # what stands, what comes; raises FormatError
    names: Callable[[str, str], tuple[str, str]]
    likeness: Callable[[bytes], Likeness | None]
    named: Callable[[bytes], frozenset[str]]  # UIDs of others that an object names


def _ready_card(piece: Piece) -> Ready:
    found = mended(piece.card)
    data = data_of(found.facts, len(found.body))
    return Ready(piece, found.body, digest_of(found.body), data, found.facts.uid, found.mendings)


def _united_cards(standing: bytes, coming: bytes) -> Union:
    found = merge(None, standing, coming)
    said = (f"both are kept of {one.field}: {one.old} and {one.new}" for one in found.conflicts)
    data = data_of(check(found.body), len(found.body))
    return Union(found.body, digest_of(found.body), data, tuple(said))


_CARDS: Final = Form(_ready_card, _united_cards, names_for, likeness, members_of)


def _cards(_collection: Member) -> Form:
    return _CARDS


def _events(calendar: Member) -> Form:
    """Give the form of what a calendar takes; other components are refused by it."""
    return Form(
        partial(_ready_event, calendar), partial(_one_of_events, calendar),
        partial(names_for, extension=CALENDAR.extension), _like_none, _names_none,
    )  # fmt: skip


def _ready_event(calendar: Member, piece: Piece) -> Ready:
    found = mended_object(piece.card)
    content = _content(calendar, found.body)
    return Ready(
        piece, found.body, digest_of(found.body), content.data, content.uid, found.mendings
    )


def _one_of_events(calendar: Member, standing: bytes, coming: bytes) -> Union:
    found = calendarmerge.merge(standing, coming)
    data = _content(calendar, found.body).data
    return Union(found.body, digest_of(found.body), data, found.said)


def _content(calendar: Member, body: bytes) -> Content:
    try:
        return read_content(calendar, body)
    except InvalidError as error:
        cause = error.__cause__
        code = cause.code if isinstance(cause, FormatError) else "unsupported-component"
        raise FormatError(code, str(error)) from error


def _like_none(_event: bytes) -> None:
    """Events that are alike are two: only a UID says that both are one."""


def _names_none(_event: bytes) -> frozenset[str]:
    return frozenset()


FORMS: Final[dict[str, Callable[[Member], Form]]] = {"addressbook": _cards, "calendar": _events}


def form_of(collection: Member) -> Form:
    """Give the form of what a collection holds; raises InvalidError where it takes none in."""
    form = FORMS.get(str(collection.facts.get("type")))
    if form is None:
        raise InvalidError(f"{collection.href} takes in no files. Nothing was changed.")
    return form(collection)
